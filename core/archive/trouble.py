"""Short ways to say what is wrong with an archive."""

from core.errors import ArchiveError, Code

_LONGEST_SHOWN = 200
_UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"


def shown(name: str) -> str:
    """A name out of an archive, fit for a terminal: no control characters, not endless."""
    if len(name) > _LONGEST_SHOWN:
        name = name[:_LONGEST_SHOWN] + "…"
    if name.isprintable():
        return name
    return "".join(letter if letter.isprintable() else _UNPRINTABLE for letter in name)


def damaged(message: str, where: str = "") -> ArchiveError:
    """It contradicts itself, as no honest tool writes it."""
    return ArchiveError(Code.ARCHIVE_DAMAGED, message, where=where)


def truncated(message: str, where: str = "") -> ArchiveError:
    """It ends too early."""
    return ArchiveError(Code.ARCHIVE_TRUNCATED, message, where=where)


def hostile(message: str, where: str = "") -> ArchiveError:
    """It holds something that is meant to do harm."""
    return ArchiveError(Code.ARCHIVE_HOSTILE, message, where=where)


def unreadable(error: OSError, where: str) -> ArchiveError:
    """The disk or the rights stand in the way."""
    reason = error.strerror or str(error)
    return ArchiveError(Code.ARCHIVE_UNREADABLE, f"It cannot be read: {reason}.", where=where)


def unknown_format(message: str, where: str = "", mend: str = "") -> ArchiveError:
    """It is something else than an archive that can be imported."""
    return ArchiveError(Code.ARCHIVE_UNKNOWN_FORMAT, message, where=where, mend=mend)
