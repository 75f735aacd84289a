"""The process that prepares: `python -m core.fetch.worker FOLDER`.

It reads what to fetch from the folder, and keeps a picture of how far it is there. SIGTERM and
SIGINT let it note what is here; whatever else happens, the next start goes on from that.
"""

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import EksaMirrorError, ExitCode, InternalError, Interrupted, JobError
from core.fetch.gathering import begin_anew, check_same, gather, reach_of, still_there
from core.fetch.monitor import Monitor, written_down
from core.fetch.picture import Picture, read_picture
from core.fetch.preparation import Errand, Preparation
from core.fetch.upstreams import Upstreams
from core.host.docker_config import find_in_docker_config
from core.registry.retry import Waiter
from core.transfer.job import folder_troubles
from core.transfer.launch import start_worker
from core.transfer.orders import Begun
from core.transfer.process import answer, log_to, stop_on_signals
from core.transfer.states import JobState

_LOG = logging.getLogger(__name__)
_MODULE = "core.fetch.worker"  # its own name, also where it runs as the main one


def start(errand: Errand, preparation: Preparation, *, restart: bool = False) -> None:
    """Start a worker in a session of its own, and come back when it has begun.

    Closing the terminal, or the end of the process that called this, does nothing to it.

    Args:
        restart: throw away what an unfinished run left, and begin anew.

    Raises:
        JobError: `job-running`, or it cannot start: `job-folder-unsafe`, `disk-full`.
    """
    if not errand.job.is_running():
        errand.write(preparation)
    start_worker(errand.job, _MODULE, json.dumps({"restart": restart}).encode())


def main() -> int:
    """Fetch what the orders in the folder say; the folder is the only argument.

    Returns:
        The exit code.
    """
    errand = Errand(Path(sys.argv[1]))
    restart = bool(json.loads(sys.stdin.buffer.read())["restart"])
    stop = stop_on_signals()
    log_to(errand.job)
    try:
        with errand.job.lock():
            return run(errand, stop, restart=restart, on_begun=lambda: answer(Begun()))
    except JobError as error:
        _LOG.error("%s", error)
        answer(Begun(error))
        return error.exit_code
    except BaseException:  # noqa: BLE001 - Python's own exit 1 says that some could not be had
        _LOG.exception("a defect of eksa-mirror")
        return ExitCode.BUG


def run(
    errand: Errand,
    stop: threading.Event,
    *,
    restart: bool = False,
    on_begun: Callable[[], None] = lambda: None,
) -> ExitCode:
    """Fetch to the end, or until `stop` is set; the caller holds the lock.

    Raises:
        JobError: the folder cannot be used.
    """
    preparation = errand.preparation()
    before = read_picture(errand) or Picture(of=preparation.fingerprint)
    monitor = Monitor(still_there(preparation.folder, before.written), before.of, before.log)
    with folder_troubles(errand.folder), written_down(monitor, errand.picture):
        on_begun()
        try:
            with _ending(errand, monitor):
                if restart:
                    begin_anew(preparation, monitor)
                check_same(preparation, monitor)
                with _upstreams(preparation, monitor, stop) as upstreams:
                    monitor.end(gather(preparation, upstreams, monitor))
        except EksaMirrorError as error:
            return ExitCode(error.exit_code)
    done = monitor.picture().state is JobState.DONE
    return ExitCode.DONE if done else ExitCode.SOME_FAILED


def _upstreams(preparation: Preparation, monitor: Monitor, stop: threading.Event) -> Upstreams:
    def note(error: EksaMirrorError) -> None:
        _LOG.warning("trying again: %s", error)
        monitor.note_retry(error)

    return Upstreams(reach_of(preparation), find_in_docker_config, Waiter(stop), note)


@contextmanager
def _ending(errand: Errand, monitor: Monitor) -> Iterator[None]:
    """However a run ends, the picture says so."""
    try:
        yield
    except Interrupted:
        monitor.end(JobState.STOPPED)
        raise
    except EksaMirrorError as error:
        _LOG.error("%s", error)
        monitor.end(JobState.BROKEN, error)
        raise
    except BaseException as error:
        _LOG.exception("a defect of eksa-mirror")
        bug = InternalError(error, str(errand.job.log))
        monitor.end(JobState.BROKEN, bug)
        raise bug from error


if __name__ == "__main__":
    sys.exit(main())
