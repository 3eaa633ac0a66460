"""Where the command line starts: `cnncalc`, or `python -m cnncalc`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. Exit codes: 0 fine, 1 a check failed, 2 bad input or usage."""
    if sys.argv[1:] == ["--version"] and sys.stdout is not None:
        # Before anything else is imported: scripts ask this often.
        from cnncalc import __version__

        try:
            print(f"cnncalc {__version__}", flush=True)
        except OSError:
            # What becomes of that is known below.
            pass
        else:
            return
    try:
        from cnncalc.cli.app import run
    except KeyboardInterrupt:
        # Before there is anybody else to see to it.
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
