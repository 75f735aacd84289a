"""The process that runs several jobs at once: `python -m core.transfer.fleet FOLDER FOLDER …`.

Each job goes its own way, as if it were imported alone: its folder, lock, journal, log, login and
reports are its own, and so is its end. Shared are the tarball and what is read of it. SIGTERM and
SIGINT stop all; one alone is stopped by `core.transfer.stopping`.
"""

import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from core.errors import ExitCode
from core.transfer import stopping
from core.transfer.broadcast import Broadcast
from core.transfer.job import Job
from core.transfer.launch import did_not_begin
from core.transfer.orders import Begun, Orders
from core.transfer.process import answer, at_work_on, log_to_each, stop_on_signals
from core.transfer.together import SharedArchive, Together
from core.transfer.worker import work_on

_LOOK = 0.1


def main() -> int:
    """Run the jobs whose folders are the arguments.

    Returns:
        The worst exit code.
    """
    jobs = [Job(Path(folder)) for folder in sys.argv[1:]]
    orders = [Orders.load(line) for line in sys.stdin.buffer.read().splitlines()]
    stop = stop_on_signals()
    log_to_each(jobs)
    return run_together(jobs, orders, stop, answer)


def run_together(
    jobs: Sequence[Job],
    orders: Sequence[Orders],
    stop: threading.Event,
    tell: Callable[..., None] = lambda *_: None,
) -> ExitCode:
    """Run jobs at the same time, each to its own end.

    Args:
        orders: one for each.
        stop: set when all are to stop.
        tell: told once, of all in their order, when each has begun or is known not to begin.

    Returns:
        The worst exit code.
    """
    broadcast, archive, news = Broadcast(), SharedArchive(), threading.Event()
    lanes = [_Lane(*one, broadcast, archive, news) for one in zip(jobs, orders, strict=True)]
    for lane in lanes:
        lane.start()
    told = False
    while not told or any(lane.is_alive() for lane in lanes):
        for lane in lanes:
            if stop.is_set() or stopping.is_asked(lane.job):
                lane.stop.set()
        begun = [lane.begun for lane in lanes if lane.begun]
        if not told and len(begun) == len(lanes):
            told = True
            tell(*begun)
        news.wait(_LOOK)
        news.clear()
    archive.close()
    return max(lane.code for lane in lanes)


class _Lane(threading.Thread):
    """One job among several.

    Attributes:
        job: with its folder.
        stop: set when this one is to stop.
        begun: what whoever started us is told of it; None before that is known.
        code: its exit code, once it has ended.
    """

    def __init__(
        self,
        job: Job,
        orders: Orders,
        broadcast: Broadcast,
        archive: SharedArchive,
        news: threading.Event,
    ) -> None:
        super().__init__(name=f"job-{job.name}")
        self.job = job
        self.stop = threading.Event()
        self.begun: Begun | None = None
        self.code = ExitCode.BUG
        self._orders = orders
        self._together = Together(broadcast.member(self.stop), archive)
        self._news = news

    def run(self) -> None:
        """See `threading.Thread`."""
        with at_work_on(self.job):
            try:
                self.code = work_on(self.job, self._orders, self.stop, self._tell, self._together)
            finally:
                self._together.member.leave()
                stopping.forget(self.job)
                if self.begun is None:
                    self._tell(Begun(did_not_begin(self.job)))
                self._news.set()

    def _tell(self, begun: Begun) -> None:
        self.begun = begun
        self._news.set()


if __name__ == "__main__":
    sys.exit(main())
