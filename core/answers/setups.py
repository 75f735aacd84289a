"""Set-ups that the wizard keeps: the answers of a site, and where the operator stopped.

A set-up is a folder with `answers.yaml`, which any verb reads with `--answers`, and `wizard.json`.
Secrets are in neither.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from core.answers.draft import Draft
from core.answers.file import dump_answers, load_answers
from core.answers.model import Answers
from core.errors import EksaMirrorError
from core.files import write_atomically

NEW = "new set-up"
"""The name of a set-up whose registry is not known yet."""

_REGISTRY_STEP = 2
"""Until it is left, what is typed there may be half a name, or a wrong one."""

_ANSWERS, _WIZARD, _COMMANDS = "answers.yaml", "wizard.json", "commands.txt"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class SavedSetup:
    """A set-up as it lies on the disk.

    Attributes:
        folder: holds its files; its name is the name of the set-up.
        step: where the operator stopped, 1 to 10.
        saved: seconds since 1970.
        trouble: why it cannot be opened, in a line; empty where it can.
    """

    folder: Path
    step: int
    saved: float
    trouble: str = ""

    @property
    def name(self) -> str:
        """What the operator calls it."""
        return self.folder.name


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A set-up as it was at one moment, to be written by whoever has the time.

    Snapshots of one set-up are written in the order in which they were taken.

    Attributes:
        folder: where it lies.
        before: where it lay under its last name; None where that has not changed.
        files: contents by name.
    """

    folder: Path
    before: Path | None
    files: Mapping[str, bytes] = field(repr=False)

    def write(self) -> None:
        """Write it.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
        """
        self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.before and self.before.is_dir():
            self.before.rename(self.folder)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        for name, content in self.files.items():
            write_atomically(self.folder / name, content, mode=0o600)


class Setup:
    """A set-up that is being worked on.

    Attributes:
        draft: the answers, and what was typed and is not right.
        step: where the operator is, 1 to 10.
        reached: the last step that was ever opened.
        written: whether the files of Review were written with these answers.
        written_over: the open problems that they were written over, a sentence each.
    """

    def __init__(self, root: Path, name: str = NEW, draft: Draft | None = None) -> None:
        self._root = root
        self.name = name
        self.draft = draft or Draft()
        self.step = 1
        self.reached = 1
        self.written = False
        self.written_over: tuple[str, ...] = ()
        self._taken = ""
        """The name that the registry gave it; what was named otherwise keeps its name."""

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._root / self.name

    @property
    def answers_file(self) -> Path:
        """Its answers, for `--answers`."""
        return self.folder / _ANSWERS

    def save(self) -> None:
        """Write it; the registry that step 2 is left with becomes its name.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
        """
        self.snapshot().write()

    def snapshot(self) -> Snapshot:
        """It as it is now; the registry that step 2 is left with becomes its name."""
        before = self.folder
        self._take_name()
        state = {
            "step": self.step,
            "reached": self.reached,
            "written": self.written,
            "written_over": self.written_over,
            "rough": self.draft.rough,
        }
        files = {
            _ANSWERS: dump_answers(self.draft.answers),
            _WIZARD: json.dumps(state, indent=1, default=str).encode(),
        }
        return Snapshot(self.folder, before if before != self.folder else None, files)

    def keep_command(self, text: str) -> None:
        """Add what was copied to `commands.txt`, once.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
        """
        file = self.folder / _COMMANDS
        known = file.read_text() if file.exists() else ""
        if f"\n{text}\n" not in f"\n{known}":
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(file, f"{known}{text}\n".encode(), mode=0o600)

    def _take_name(self) -> None:
        endpoint = self.draft.answers.registry.endpoint
        wished = _NOT_IN_NAMES.sub("-", endpoint).strip(".-") or "registry"
        known = self.name.partition("~")[0]
        is_ours = known == self._taken and self.reached <= _REGISTRY_STEP
        if not endpoint or known == wished or not (known == NEW or is_ours):
            return
        if self.draft.error("registry", "endpoint"):
            return  # `endpoint` is what was right of it before, half a word
        self._taken = wished
        names = (wished if n == 1 else f"{wished}~{n}" for n in count(1))
        self.name = next(name for name in names if not (self._root / name).exists())


def setups_folder(jobs_folder: Path) -> Path:
    """Where set-ups lie, beside the jobs."""
    return jobs_folder / "setups"


def begin_setup(root: Path, answers: Answers | None = None) -> Setup:
    """A new one; an unnamed one of before, of which nothing is known yet, is replaced."""
    names = (NEW if number == 1 else f"{NEW}~{number}" for number in count(1))
    name = next(one for one in names if not _is_known(root / one, answers))
    with suppress(OSError):
        shutil.rmtree(root / name)
    return Setup(root, name, Draft(answers))


def _is_known(folder: Path, begun_with: Answers | None) -> bool:
    """Whether a set-up without a name has answers that must not be lost."""
    try:
        found = load_answers(folder / _ANSWERS)
        return found not in (Answers(), begun_with) or bool(_state(folder).get("rough"))
    except EksaMirrorError:
        return (folder / _ANSWERS).exists()


def saved_setups(root: Path) -> list[SavedSetup]:
    """All set-ups, the newest first.

    Raises:
        OSError: the folder cannot be read.
    """
    if not root.is_dir():
        return []
    found = [_look(folder) for folder in root.iterdir() if (folder / _ANSWERS).is_file()]
    return sorted(found, key=lambda one: one.saved, reverse=True)


def setup_with(root: Path, answers: Answers) -> Setup:
    """The newest saved set-up of the same tarball and registry; a new one where there is none.

    Raises:
        OSError: the folder cannot be read.
    """
    for saved in saved_setups(root):
        if not saved.trouble:
            setup = open_setup(saved)
            known = setup.draft.answers
            if (known.registry, known.artifacts) == (answers.registry, answers.artifacts):
                return setup
    return begin_setup(root, answers)


def open_setup(saved: SavedSetup) -> Setup:
    """Go on with a saved set-up.

    Raises:
        UsageError: its answers cannot be read.
    """
    state = _state(saved.folder)
    answers = load_answers(saved.folder / _ANSWERS)
    setup = Setup(saved.folder.parent, saved.name, Draft(answers, state.get("rough") or {}))
    setup.step, setup.written = _step(state, "step"), bool(state.get("written"))
    setup.reached = max(setup.step, _step(state, "reached"))
    setup.written_over = _texts(state.get("written_over"))
    return setup


def _look(folder: Path) -> SavedSetup:
    saved = os.stat(folder / _ANSWERS).st_mtime  # noqa: PTH116 - a race with a removal is an error
    try:
        load_answers(folder / _ANSWERS)
    except EksaMirrorError as error:
        return SavedSetup(folder, 1, saved, error.message)
    return SavedSetup(folder, _step(_state(folder), "step"), saved)


def _state(folder: Path) -> Mapping[str, Any]:
    """Where the operator stopped; nothing of it is worth an error."""
    try:
        state = json.loads((folder / _WIZARD).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return state if isinstance(state, dict) else {}


def _texts(found: object) -> tuple[str, ...]:
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _step(state: Mapping[str, Any], key: str) -> int:
    step = state.get(key)
    return step if isinstance(step, int) and 1 <= step <= 10 else 1
