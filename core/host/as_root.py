"""Running a script with root rights, where the operator grants them."""

import os
import shutil
import subprocess
from collections.abc import Mapping

from core.errors import Code, MachineError


def run_as_root(script: str, environment: Mapping[str, str] = os.environ) -> None:
    """Run a shell script by sudo, which asks for a password on the terminal.

    The script goes in on standard input, so that nothing has to lie about for root to read.

    Raises:
        MachineError: `needs-root`: there is no sudo here, it was not granted, or the script failed.
    """
    sudo = shutil.which("sudo", path=environment.get("PATH"))
    if sudo is None:
        raise _refused("There is no sudo on this machine.")
    try:
        done = subprocess.run([sudo, "sh", "-s"], input=script.encode(), check=False)
    except OSError as error:
        raise _refused(f"sudo cannot be started: {error.strerror}.") from None
    if done.returncode:
        raise _refused(f"sudo ended with exit code {done.returncode}.")


def _refused(message: str) -> MachineError:
    return MachineError(Code.NEEDS_ROOT, message, where="sudo")
