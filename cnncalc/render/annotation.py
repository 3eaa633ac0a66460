"""Workflow commands of GitHub: messages that stand at a line of a file."""


def annotation(file: str, line: int, title: str, message: str, level: str = "error") -> str:
    """An error, or a warning, at a line of a file."""
    properties = {"file": file, "line": str(line), "title": title}
    listed = ",".join(f"{key}={_property(text)}" for key, text in properties.items())
    return f"::{level} {listed}::{_data(message)}"


def _data(text: str) -> str:
    """A message as GitHub reads it. Source: command.ts of actions/toolkit, escapeData."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """A property as GitHub reads it: escapeProperty of the same file."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
