"""The states of an artifact, a placement and a job, as the journal and `--json` spell them."""

from enum import StrEnum


class ArtifactState(StrEnum):
    """How far an artifact is. Each one ends in one of the last four."""

    WAITING = "waiting"
    SENDING = "sending"
    RETRYING = "retrying"
    DONE = "done"
    PRESENT = "present"
    SKIPPED = "skipped"
    FAILED = "failed"

    @property
    def arrived(self) -> bool:
        """Whether it is in the mirror."""
        return self in (ArtifactState.DONE, ArtifactState.PRESENT)

    @property
    def is_final(self) -> bool:
        """Whether it has come to its end in this run."""
        return self.arrived or self in (ArtifactState.SKIPPED, ArtifactState.FAILED)


class PlacementState(StrEnum):
    """How a blob came into a repository of the mirror."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    MOUNTED = "mounted"
    PRESENT = "present"

    @property
    def is_there(self) -> bool:
        """Whether the repository holds the blob."""
        return self in (PlacementState.SENT, PlacementState.MOUNTED, PlacementState.PRESENT)


class JobState(StrEnum):
    """What a job is doing, or how it ended."""

    STARTING = "starting"
    UNZIPPING = "unzipping"
    PLANNING = "planning"
    SENDING = "sending"
    VERIFYING = "verifying"
    DONE = "done"
    SOME_FAILED = "some-failed"
    STOPPED = "stopped"
    BROKEN = "broken"

    @property
    def ended(self) -> bool:
        """Whether the worker has finished its work, well or not."""
        return self in (JobState.DONE, JobState.SOME_FAILED, JobState.STOPPED, JobState.BROKEN)
