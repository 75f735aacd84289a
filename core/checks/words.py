"""Small turns of phrase of the findings."""

import errno
from collections.abc import Iterable

_LONGEST_LIST = 3
_SMALL = frozenset({"A", "An", "The", "It", "No", "Not", "Of", "There", "This", "What", "Without"})


def listed(names: Iterable[str]) -> str:
    """`a, b, c and 2 more`."""
    shown = list(names)
    more = len(shown) - _LONGEST_LIST
    return ", ".join(shown[:_LONGEST_LIST]) + (f" and {more} more" if more > 0 else "")


def milliseconds(seconds: float) -> str:
    """Seconds as `2 ms`."""
    return f"{max(1, round(seconds * 1000))} ms"


def os_words(error: OSError) -> str:
    """What the system says, in lower case."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return "no route to it"
    return (error.strerror or str(error) or type(error).__name__).lower()


def first_lower(text: str) -> str:
    """A sentence as a finding: it has no full stop, and begins in lower case but for names."""
    first, space, rest = text.rstrip(".").partition(" ")
    return (first.lower() if first in _SMALL else first) + space + rest
