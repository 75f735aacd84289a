"""Everything that can go wrong, in words.

The tree::

    EksaMirrorError         carries code, message, where, cause and mend
      UsageError            flags or answers that make no sense                     exit 2
      ArchiveError          the tarball cannot be read, or does not hold what it says  exit 2
      ReleaseError          a manifest of EKS Anywhere is missing, wrong or broken  exit 2
      MirrorError           a reference or setting that cannot be rewritten         exit 2
      RegistryError         the registry, or something before it, said no           exit 3
      JobError              a job folder, journal or lock that cannot be used       exit 2
      MachineError          docker or the rights on this machine stand in the way   exit 2
      Interrupted           stopped on request; the next start goes on              exit 4
      InternalError         a defect of ours                                        exit 5

A code names one kind of trouble for good: reports group by it, the README explains each. The module
`core.advice` holds what is true of every case of a code; a raise adds what is special to this one.
"""

from enum import IntEnum

from core.advice import ADVICE, Code

__all__ = [
    "ADVICE",
    "ArchiveError",
    "Code",
    "EksaMirrorError",
    "ExitCode",
    "InternalError",
    "Interrupted",
    "JobError",
    "MachineError",
    "MirrorError",
    "RegistryError",
    "ReleaseError",
    "UsageError",
]


class ExitCode(IntEnum):
    """What the program tells the shell."""

    DONE = 0
    SOME_FAILED = 1
    USAGE = 2
    CHECK_FAILED = 3
    INTERRUPTED = 4
    BUG = 5


class EksaMirrorError(Exception):
    """A trouble that the operator can understand and do something about.

    Args:
        code: which kind of trouble.
        message: what happened, in one sentence, with the names and figures of this case.
        where: file and line, archive entry, URL or flag.
        cause: the likely cause, where more is known than `ADVICE` says.
        mend: what to do, where more is known than `ADVICE` says.
    """

    exit_code = ExitCode.USAGE

    def __init__(
        self, code: Code, message: str, *, where: str = "", cause: str = "", mend: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.where = where
        self.cause = cause or ADVICE[code].cause
        self.mend = mend or ADVICE[code].mend

    @property
    def title(self) -> str:
        """What the operator would call this kind of trouble."""
        return ADVICE[self.code].title

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class UsageError(EksaMirrorError):
    """Flags or answers that make no sense together."""


class ArchiveError(EksaMirrorError):
    """The archive cannot be read, or does not hold what it says."""


class ReleaseError(EksaMirrorError):
    """A manifest of EKS Anywhere is missing, wrong or broken."""


class MirrorError(EksaMirrorError):
    """A reference or a setting of the mirror that cannot be used."""


class RegistryError(EksaMirrorError):
    """The registry, or something in front of it, said no.

    Attributes:
        status: the HTTP status, 0 where there was no answer.
        temporary: whether the same request may succeed later.
        retry_after: seconds that the registry asked to wait, or None.
    """

    exit_code = ExitCode.CHECK_FAILED

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        where: str = "",
        cause: str = "",
        mend: str = "",
        status: int = 0,
        temporary: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, message, where=where, cause=cause, mend=mend)
        self.status = status
        self.temporary = temporary
        self.retry_after = retry_after


class MachineError(EksaMirrorError):
    """This machine, its docker or the rights on it stand in the way."""


class JobError(EksaMirrorError):
    """A job folder, journal or lock that cannot be used."""


class Interrupted(EksaMirrorError):  # noqa: N818 - it is a request, not a defect
    """Stopped on request; the next start goes on from the journal."""

    exit_code = ExitCode.INTERRUPTED

    def __init__(self, message: str = "The import was stopped.") -> None:
        super().__init__(Code.INTERRUPTED, message)


class InternalError(EksaMirrorError):
    """A defect of eksa-mirror; the traceback is in a file, never on the screen.

    Args:
        with_message: False where the error may hold what was typed: its kind alone is told then.
    """

    exit_code = ExitCode.BUG

    def __init__(self, error: BaseException, where: str, *, with_message: bool = True) -> None:
        kind = type(error).__name__
        super().__init__(Code.BUG, f"{kind}: {error}" if with_message else kind, where=where)
