"""The worker's side of the controls: what the operator wishes is looked for and done."""

import logging

from core.transfer.controls import Controls, stamp, wished
from core.transfer.job import Job
from core.transfer.journal import Journal
from core.transfer.progress import Progress
from core.units import size

_LOG = logging.getLogger(__name__)


class Steering:
    """Applies the controls of a job to the threads that run it, and tells so in the journal."""

    def __init__(self, job: Job, journal: Journal, progress: Progress) -> None:
        self._job = job
        self._journal = journal
        self._progress = progress
        # What lies there is a wish of this run: the file of the last one was removed before.
        self._seen: tuple[int, int, int] | None = None

    def look(self) -> bool:
        """Do what is newly wished for; False where nothing is."""
        seen = stamp(self._job)
        if seen == self._seen:
            return False
        self._seen = seen
        wish = wished(self._job)
        if wish is None:
            _LOG.warning("%s cannot be read, all stays as it is", self._job.controls)
            return False
        return self._apply(wish)

    def _apply(self, wish: Controls) -> bool:
        progress, told = self._progress, []
        if wish.jobs != progress.crew.size:
            progress.crew.resize(wish.jobs)
            told.append(("jobs", f"{wish.jobs} at a time from now on"))
        if wish.limit_rate != progress.throttle.limit:
            progress.throttle.limit = wish.limit_rate
            words = f"at most {size(wish.limit_rate)}/s" if wish.limit_rate else "no limit"
            told.append(("limit-rate", f"{words} from now on"))
        if wish.paused != progress.gate.closed:
            if wish.paused:
                progress.gate.close()
            else:
                progress.gate.open()
            told.append(("paused" if wish.paused else "going-on", ""))
        for kind, text in told:
            self._journal.event(kind, text)
        return bool(told)
