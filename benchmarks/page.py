"""docs/benchmarks.md: a section for each script, which writes its own and leaves the others."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


def write_section(title: str, script: str, text: str) -> None:
    """Replace the section of that title, or add it at the end."""
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Benchmarks\n"
    section = f"## {title}\n\nMade by `python benchmarks/{script} --write`. {text}"
    parts = re.split(r"(?m)^(?=## )", old)
    kept = [part.rstrip() + "\n" for part in parts]
    names = [part.partition("\n")[0] for part in kept]
    if f"## {title}" in names:
        kept[names.index(f"## {title}")] = section
    else:
        kept.append(section)
    PAGE.write_text("\n".join(kept), encoding="utf-8")
