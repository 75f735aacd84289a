"""What the kit runs: the command line, and the processes that it starts.

A frozen program is its own Python: it is called as `PROGRAM -P -m MODULE ARGUMENT…`, as any other
Python would be.
"""

import sys
from importlib import import_module

_MODULES = ("core.transfer.worker", "core.transfer.fleet", "core.fetch.worker", "tui.cli")
"""What `-m` may name: the workers of imports and of a download, the wizard behind a page."""


def main() -> None:
    """Run what was asked for."""
    module = "tui.cli"
    if sys.argv[1:3] == ["-P", "-m"] and sys.argv[3] in _MODULES:
        module = sys.argv[3]
        del sys.argv[1:4]
    sys.exit(import_module(module).main())


if __name__ == "__main__":
    main()
