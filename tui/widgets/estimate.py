"""What a preparation would fetch, or why that is not known."""

from textual.content import Content

from core.errors import EksaMirrorError
from core.fetch.gathering import Estimate
from core.units import size
from tui.glyphs import state_text
from tui.widgets.hung import hung, labelled
from tui.words import plain, plural

_STATE_AT, _TEXT_AT, _LABEL_AT, _MOST_MISSING = 17, 28, 28, 3


def estimate_lines(
    found: Estimate | EksaMirrorError | None, asking: str, width: int
) -> list[Content]:
    """The lines of the section.

    Args:
        found: None before anything is known.
        asking: what is going on meanwhile; empty where nothing is.
    """
    if found is None:
        state = "running" if asking else "waiting"
        return _line("Upstream", state, asking or "not asked yet", width)
    if isinstance(found, EksaMirrorError):
        return [
            *_line("Upstream", "fail", found.message, width),
            *labelled("Where", found.where, width, label_at=_LABEL_AT, at=_LABEL_AT + 8),
            *labelled("Cause", found.cause, width, label_at=_LABEL_AT, at=_LABEL_AT + 8),
            *labelled("Fix", found.mend, width, label_at=_LABEL_AT, at=_LABEL_AT + 8),
        ]
    return _known_lines(found, width)


def lacks_room(found: Estimate) -> bool:
    """Whether the disk is too small for it."""
    return found.need > found.free


def _known_lines(found: Estimate, width: int) -> list[Content]:
    offered = found.offered
    span = f"{offered[0]} to {offered[-1]}" if len(offered) > 1 else "".join(offered)
    what = f"{plural(found.artifacts, 'artifact')}, {size(found.fetched)}"
    lines = _line("Release", "pass", f"{found.release}, Kubernetes {span}", width)
    lines += _line("To fetch", "pass", what, width)
    for name, count in found.files.items():
        lines += _line(name, "", size(count), width)
    if lacks_room(found):
        short = f"{size(found.need)} needed, {size(found.free)} free"
        lines += _line("Disk room", "fail", short, width)
        mend = "Name a folder with more room, or choose fewer platforms or versions."
        lines += labelled("Fix", mend, width, label_at=_LABEL_AT, at=_LABEL_AT + 8)
    else:
        room = f"{size(found.free)} free, {size(found.need)} needed"
        lines += _line("Disk room", "pass", room, width)
    if found.failures:
        lines += _line("Not upstream", "warn", _missing(found), width)
    return lines


def _missing(found: Estimate) -> str:
    names = [str(one.artifact) for one in found.failures]
    more = len(names) - _MOST_MISSING
    listed = ", ".join(names[:_MOST_MISSING]) + (f" and {more} more" if more > 0 else "")
    return f"{plural(len(names), 'artifact')}: {listed}"


def _line(label: str, state: str, words: str, width: int) -> list[Content]:
    told = state_text(state, width=_TEXT_AT - _STATE_AT) if state else Content("")
    head = Content.assemble(f"{label:<{_STATE_AT}}", told)
    return hung(head, plain(words), width, at=_TEXT_AT, style="$ink2")
