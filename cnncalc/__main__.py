"""Where the command line starts: `cnncalc`, or `python -m cnncalc`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. Exit codes: 0 fine, 1 a check failed, 2 bad input or usage."""
    if sys.argv[1:] == ["--version"]:
        # Before anything else is imported: scripts ask this often.
        from cnncalc import __version__

        print(f"cnncalc {__version__}")
        return
    from cnncalc.cli.app import run

    run()


if __name__ == "__main__":
    main()
