"""What the kit runs: the command line, and the worker that it starts.

A frozen program is its own Python: it is called as `PROGRAM -P -m core.transfer.worker FOLDER`, as
any other Python would be.
"""

import sys

_WORKER = ["-P", "-m", "core.transfer.worker"]


def main() -> None:
    """Run what was asked for."""
    if sys.argv[1:4] == _WORKER:
        from core.transfer.worker import main as work  # noqa: PLC0415 - one of the two

        sys.argv[1:4] = []
        sys.exit(work())
    from tui.cli import main as command_line  # noqa: PLC0415

    command_line()


if __name__ == "__main__":
    main()
