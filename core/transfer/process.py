"""What every worker process does first: hear signals, open its log, say that it began."""

import logging
import os
import signal
import sys
import threading
from contextlib import suppress

from core.transfer.job import Job
from core.transfer.orders import Begun


def stop_on_signals() -> threading.Event:
    """Set by SIGTERM and SIGINT from now on; a terminal that closes does nothing."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return stop


def answer(begun: Begun) -> None:
    """Tell whoever started us; nobody listens any more where they have ended meanwhile."""
    with suppress(OSError):
        os.write(sys.stdout.fileno(), begun.dump())
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def log_to(job: Job) -> None:
    """Write the log into the job's folder.

    Raises:
        OSError: it cannot be opened.
    """
    logging.basicConfig(
        stream=os.fdopen(job.open_log(), "a"),
        level=logging.INFO,
        format="%(asctime)s %(levelname)-7s %(message)s",
    )
    # urllib3 logs whole URLs, and those of uploads are signed.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
