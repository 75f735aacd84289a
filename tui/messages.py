"""What is told to the app from its threads; a thread never touches a widget."""

from dataclasses import dataclass

from textual.message import Message

from core.checks.finding import Finding
from core.errors import EksaMirrorError
from core.transfer.job import Job


@dataclass
class CheckBegan(Message):
    """A live check of a step is under way."""

    step: int
    run: int
    check: str


@dataclass
class CheckFound(Message):
    """A live check of a step has ended."""

    step: int
    run: int
    check: str
    findings: tuple[Finding, ...]


@dataclass
class ChecksEnded(Message):
    """All checks of a run have ended."""

    step: int
    run: int


@dataclass
class Failed(Message):
    """A thread came to an end that nobody expected; the app tells it as a defect."""

    error: BaseException


@dataclass
class Saved(Message):
    """Answers were written, or could not be."""

    trouble: str = ""


@dataclass
class JobStarted(Message):
    """The worker of an import is at work."""

    job: Job


@dataclass
class JobFailedToStart(Message):
    """The worker of an import did not begin."""

    error: EksaMirrorError
