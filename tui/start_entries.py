"""What Start offers: imports, saved set-ups, a new one, and answers of another site."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from core.answers import load_answers
from core.answers.setups import SavedSetup, Setup, open_setup, saved_setups, setup_with
from core.errors import EksaMirrorError
from core.fetch.picture import Picture, look_at
from core.fetch.preparation import Errand, existing_errands
from core.transfer.job import Job
from core.transfer.standing import Overview, Stand, overviews
from core.units import time_left
from tui.session import home
from tui.steps import NAMES
from tui.widgets.menu import Entry
from tui.words import plain, plural

MOST_SETUPS, MOST_IMPORTS = 5, 3
MOST_DOWNLOADS = 2
NEW, LOAD, PREPARE = "new", "load", "prepare"

_OFFERED = (
    Entry(NEW, "Start a new set-up", "Empty answers. Takes about ten minutes."),
    Entry(LOAD, "Load answers from a file", "Start from the answers of another site."),
    Entry(PREPARE, "Prepare on a connected machine", "Download what an import needs, to carry it."),
)
_DOWNLOADS = {
    Stand.RUNNING: "Open the running download",
    Stand.STALLED: "Open the running download",
    Stand.DONE: "Open the download",
}
_UNWELL = (Stand.FAILED, Stand.CUT_OFF, Stand.STOPPED, Stand.BROKEN)


@dataclass(frozen=True, slots=True)
class Opened:
    """What an entry leads to.

    Attributes:
        step: to show; 0 for where it stopped.
        job: to watch at step 9.
    """

    setup: Setup
    step: int = 0
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """The menu, and what opens each entry.

    Attributes:
        doors: by the key of the entry; each raises EksaMirrorError or OSError.
        errands: downloads of the connected side, by the key of the entry.
    """

    entries: tuple[Entry, ...]
    doors: dict[str, Callable[[], Opened]]
    errands: dict[str, Errand] = field(default_factory=dict)


def offer(root: Path, now: float | None = None) -> Offer:
    """Look at all that can be opened; reads files.

    Args:
        root: where set-ups lie.
    """
    now = time.time() if now is None else now
    entries: list[Entry] = []
    doors: dict[str, Callable[[], Opened]] = {}
    unwell, alive, ended = _imports(entries)
    entries += [_import_entry(one, now) for one in unwell]
    entries += _setup_entries(root, doors, now)
    entries += [_import_entry(one, now) for one in (*alive, *ended)]
    for one in (*unwell, *alive, *ended):
        doors[_key(one)] = lambda job=one.job: Opened(  # type: ignore[misc]
            setup_with(root, load_answers(job.answers)), 9, job
        )
    errands: dict[str, Errand] = {}
    entries += _download_entries(errands, now)
    return Offer((*entries, *_OFFERED), doors, errands)


def _download_entries(errands: dict[str, Errand], now: float) -> list[Entry]:
    """Downloads of the connected side that run or are not whole, and the last that is."""
    try:
        found = existing_errands()
    except EksaMirrorError as error:
        return [_broken("downloads", f"Downloads cannot be listed: {error.message}")]
    open_ones: list[Entry] = []
    whole: list[Entry] = []
    for errand in found:
        key = f"download {errand.name}"
        try:
            stand, picture = look_at(errand)
            folder = errand.preparation().folder
        except EksaMirrorError as error:
            open_ones.append(_broken(key, f"A download cannot be read: {error.message}"))
            continue
        if stand.lives or folder.is_dir():  # one on a stick that is not plugged in can wait
            errands[key] = errand
            title = f"{_DOWNLOADS.get(stand, 'Resume the download')} to {home(folder)}"
            entry = Entry(key, plain(title), _download_words(stand, picture, now))
            (whole if stand is Stand.DONE else open_ones).append(entry)
    return [*open_ones[:MOST_DOWNLOADS], *whole[:1]]


def _download_words(stand: Stand, picture: Picture | None, now: float) -> str:
    how_far = f"{picture.per_cent if picture else 0} % is here."
    if stand.lives or picture is None:
        return how_far
    ended = f" Ended {day_and_time(picture.ended, now)}." if picture.ended else ""
    if stand is Stand.DONE:
        return f"All is here, to be carried over.{ended}"
    if stand is Stand.FAILED:
        return f"{plural(len(picture.lost), 'artifact')} could not be had.{ended}"
    return f"Nothing is lost. {how_far}{ended}"


def _imports(entries: list[Entry]) -> tuple[list[Overview], list[Overview], list[Overview]]:
    """Those that need a look, those that run, and the last that is done; newest first."""
    try:
        found = overviews()
    except EksaMirrorError as error:
        entries.append(_broken("imports", f"Imports cannot be listed: {error.message}"))
        return [], [], []
    return (
        [one for one in found if one.standing.stand in _UNWELL][:MOST_IMPORTS],
        [one for one in found if one.standing.stand.lives],
        [one for one in found if one.standing.stand is Stand.DONE][:1],
    )


def _setup_entries(root: Path, doors: dict[str, Callable[[], Opened]], now: float) -> list[Entry]:
    try:
        saved = saved_setups(root)
    except OSError as error:
        return [_broken("setups", f"Set-ups cannot be listed: {error.strerror}")]
    entries = []
    for one in saved[:MOST_SETUPS]:
        key = f"setup {one.name}"
        if one.trouble:
            entries.append(_broken(key, f"“{one.name}” cannot be read: {one.trouble}"))
            continue
        doors[key] = lambda one=one: Opened(open_setup(one))  # type: ignore[misc]
        entries.append(Entry(key, f"Continue “{one.name}”", _stopped_at(one, now)))
    return entries


def _stopped_at(saved: SavedSetup, now: float) -> str:
    step = f"Stopped at step {saved.step}, {NAMES[saved.step - 1]}."
    return f"{step} Saved {day_and_time(saved.saved, now)}."


def _import_entry(one: Overview, now: float) -> Entry:
    site = one.registry.partition("/")[0].partition(":")[0] or one.job.name
    running = "running " if one.standing.stand.lives else ""
    return Entry(_key(one), plain(f"Open the {running}import of “{site}”"), _import_words(one, now))


def _import_words(one: Overview, now: float) -> str:
    standing = one.standing
    when = day_and_time(standing.ended or now, now)
    at, cut = when.removeprefix("today at "), when.removeprefix("today ")
    arrived = f"{one.arrived} of {one.artifacts} are in the registry."
    address = one.registry.partition("/")[0]
    left = f", {time_left(one.seconds_left)}" if one.seconds_left is not None else ""
    words = {
        Stand.FAILED: f"Ended {at} with {plural(standing.failed, 'failure')}. {arrived}",
        Stand.CUT_OFF: f"It was cut off {cut}. Nothing is lost; it can be resumed.",
        Stand.STOPPED: f"Stopped {at}. {arrived}",
        Stand.BROKEN: one.trouble or f"It could not go on. {arrived}",
        Stand.DONE: f"Ended {at}. All {one.artifacts} are in the registry.",
        Stand.PAUSED: f"{address}. Paused at {one.per_cent} %.",
    }
    return plain(words.get(standing.stand, f"{address}. {one.per_cent} % done{left}."))


def _broken(key: str, why: str) -> Entry:
    return Entry(key, plain(why), trouble=True)


def _key(one: Overview) -> str:
    return f"import {one.job.name}"


def day_and_time(moment: float, now: float) -> str:
    """`today at 14:02`, `yesterday at 14:02`, `2026-11-30 at 14:02`."""
    then = time.localtime(moment)
    day = time.strftime("%Y-%m-%d", then)
    names = {
        time.strftime("%Y-%m-%d", time.localtime(now)): "today",
        time.strftime("%Y-%m-%d", time.localtime(now - 86400)): "yesterday",
    }
    return f"{names.get(day, day)} at {time.strftime('%H:%M', then)}"
