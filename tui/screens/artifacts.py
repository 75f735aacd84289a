"""Step 1: what was carried in, against what EKS Anywhere will ask for."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from core.answers import field_label
from core.archive.at_hand import bundles_in
from core.errors import Code, EksaMirrorError, Interrupted
from core.transfer.inventory import Inventory, Line, read_inventory
from core.units import part_of, size
from tui.glyphs import state_text
from tui.screens.step import StepScreen
from tui.widgets.checklist import CheckList
from tui.widgets.drawn import Drawn
from tui.widgets.field import Field
from tui.widgets.heading import Heading
from tui.widgets.path_field import PathField
from tui.widgets.version_ticks import VersionTicks
from tui.words import plural

_NONE = "no-version-ticked"
_KNOWN = "inventory"
_TOLD_SECONDS = 0.2
_ARCHIVE, _BUNDLES = "#field-artifacts-archive", "#field-artifacts-bundles"
_TROUBLES = {
    Code.MANIFEST_WRONG_KIND: "This is kind Release. Take bundle-release.yaml beside it.",
    Code.ARCHIVE_UNKNOWN_FORMAT: "Not a tar archive.",
}

Key = tuple[object, ...]
"""Path, size and time of both files: while it is the same they need not be read again."""


class ArtifactsScreen(StepScreen):
    """Tarball, manifest, versions, and the table that follows from them."""

    STEP = 1
    SUBTITLE = "What you carried in, against what EKS Anywhere will ask for."

    @dataclass
    class Read(Message):
        """Both files were read, or could not be."""

        key: Key
        found: Inventory | EksaMirrorError

    @dataclass
    class Progress(Message):
        """So much of a gzip-ed tarball was read."""

        key: Key
        done: int
        total: int

    def __init__(self) -> None:
        super().__init__()
        self._stop = threading.Event()
        self._reading: Key = ()

    def compose_page(self) -> ComposeResult:
        """Two fields, versions and table, the checks."""
        yield self.answer_field("artifacts", "archive", kind=PathField)
        yield self.answer_field("artifacts", "bundles", kind=PathField)
        with Horizontal(id="versions-and-table"):
            with Vertical(id="versions-side"):
                yield Heading("Kubernetes versions", "+ all   - none", id="versions-heading")
                with Horizontal(id="versions-row"):
                    yield Static(
                        Content(field_label("artifacts", "kube_versions")),
                        classes="field-label",
                        id="versions-label",
                    )
                    yield VersionTicks(id="field-artifacts-kube_versions")
                yield Static("", id="versions-help", classes="field-help")
            with Vertical(id="table-side"):
                yield Heading("Found and required", id="table-heading")
                yield Drawn(id="table")
        assert self.board  # noqa: S101 - this step has checks
        yield CheckList(self.board)

    def on_mount(self) -> None:
        """The first field has the focus; what is known is shown at once."""
        self.query_one(_ARCHIVE, Field).input.focus()
        self._look()

    def on_resize(self) -> None:
        """A narrow window tells in the line below what the list of a wide one shows."""
        self._show_help(self._inventory)

    # --- reading ----------------------------------------------------------------------------

    def field_left(self, field: Field) -> bool:
        """The manifest beside the tarball is proposed; both are read as soon as they are there."""
        if field.field == "archive":
            self._propose_bundles()
        self._look()
        return False

    def _propose_bundles(self) -> None:
        chosen = self.session.answers.artifacts
        if chosen.bundles or not chosen.archive:
            return
        if path := bundles_in(Path(chosen.archive).absolute().parent):
            self.session.put("artifacts", "bundles", str(path))
            self.query_one(_BUNDLES, Field).set_value(str(path))
            self.query_one(_BUNDLES, Field).show_help("Found beside the tarball.")
            self.wizard.answers_changed()
            self.check_soon()

    def _look(self) -> None:
        """Read both files, where they are not those that were read last."""
        key = self._key()
        known = self.session.notes.get(_KNOWN)
        if isinstance(known, tuple) and known[0] == key:
            self._show(known[1])
            return
        if key == self._reading:
            return
        self._stop.set()
        self._reading = key
        self._show(None)
        chosen = self.session.answers.artifacts
        if not key or not chosen.bundles:
            return
        self._stop = stop = threading.Event()
        archive, bundles = chosen.archive, chosen.bundles
        told = 0.0

        def progress(done: int, total: int) -> None:
            nonlocal told
            if time.monotonic() - told > _TOLD_SECONDS:
                told = time.monotonic()
                self.post_message(self.Progress(key, done, total))

        def work() -> None:
            try:
                found = read_inventory(archive, bundles, stop=stop, on_progress=progress)
            except Interrupted:
                return
            except EksaMirrorError as error:
                self.post_message(self.Read(key, error))
            else:
                self.post_message(self.Read(key, found))

        threading.Thread(target=work, name="inventory", daemon=True).start()

    def _key(self) -> Key:
        chosen = self.session.answers.artifacts
        key: list[object] = []
        for path in (chosen.archive, chosen.bundles):
            if path:
                try:
                    status = path.stat()
                except OSError:
                    return ()
                key += [str(path), status.st_size, status.st_mtime_ns]
        return tuple(key) if chosen.bundles else ()

    def on_artifacts_screen_progress(self, event: Progress) -> None:
        """How far a gzip-ed tarball is read."""
        if event.key == self._reading:
            meta = f"read {part_of(event.done, event.total)}"
            self.query_one("#table-heading", Heading).show(meta=meta)

    def on_artifacts_screen_read(self, event: Read) -> None:
        """Keep it for the session, and draw it."""
        if event.key != self._reading:
            return
        self._reading = ()
        if isinstance(event.found, EksaMirrorError):
            self._show(None)
            self._tell_trouble(event.found)
        else:
            self.session.notes[_KNOWN] = (event.key, event.found)
            self._show(event.found)
        self.refresh_frame()

    def _tell_trouble(self, error: EksaMirrorError) -> None:
        archive = self.session.answers.artifacts.archive
        of_archive = bool(archive) and str(archive) in error.where
        field = self.query_one(_ARCHIVE if of_archive else _BUNDLES, Field)
        field.show_error(_TROUBLES.get(error.code, error.message)[:59], finding=True)
        self.query_one("#table-heading", Heading).show(meta="could not be read")

    # --- what is shown ----------------------------------------------------------------------

    @property
    def _inventory(self) -> Inventory | None:
        known = self.session.notes.get(_KNOWN)
        found = known[1] if isinstance(known, tuple) and known[0] == self._key() else None
        return found if isinstance(found, Inventory) else None

    def _ticked(self, found: Inventory) -> frozenset[str]:
        if self.session.notes.get(_NONE):
            return frozenset()
        chosen = self.session.answers.artifacts.kube_versions
        return frozenset(chosen) or frozenset(one.name for one in found.versions)

    def _show(self, found: Inventory | None) -> None:
        archive = self.session.answers.artifacts.archive
        length = ""
        if archive and archive.is_file():
            length = size(archive.stat().st_size)
        self.query_one(_ARCHIVE, Field).show_aside(length)
        self.query_one(_BUNDLES, Field).show_aside(found.release if found else "")
        ticks = self.query_one(VersionTicks)
        ticks.put(found.versions if found else (), self._ticked(found) if found else frozenset())
        self._show_table()

    def _show_table(self) -> None:
        found = self._inventory
        meta = "" if found else "reading" if self._reading else "not read yet"
        self.query_one("#table-heading", Heading).show(meta=meta)
        self._show_help(found)
        ticked = self._ticked(found) if found else frozenset()
        none = bool(found) and not ticked
        lines = found.table(sorted(ticked)) if found and not none else ()
        read = bool(found and found.stored is not None)
        self.query_one("#table", Drawn).show(lambda width: _table(lines, width, read=read))

    def _show_help(self, found: Inventory | None) -> None:
        text = "Arrows move, Space changes, + ticks all, - none."
        if found and found.versions:
            part = found.versions[-1]
            each = f", about {size(part.size)}" if part.size else ""
            text = "Arrows move, Space changes."
            if not self.wide:
                text = f"{plural(part.images, 'image')}{each} each. {text}"
        help_line = self.query_one("#versions-help", Static)
        if self.session.notes.get(_NONE):
            help_line.update(Content.styled("✗ Tick at least one.", "$fail"))
        else:
            help_line.update(Content(text))

    def sentence(self) -> str:
        """A warning says what becomes of the package bundles that are not there."""
        said, found = super().sentence(), self._inventory
        fails, warns = self._counts()
        if fails or not warns or found is None or found.stored is None:
            return said
        lines = [one for one in found.table(sorted(self._ticked(found))) if one.state == "warn"]
        missing = sum(one.required - one.found for one in lines)
        return f"{said} {plural(missing, 'package bundle')} will be left out." if missing else said

    def on_version_ticks_changed(self, event: VersionTicks.Changed) -> None:
        """The answers take all versions as none in particular."""
        found = self._inventory
        every = frozenset(one.name for one in found.versions) if found else frozenset()
        chosen = () if event.ticked in (every, frozenset()) else tuple(sorted(event.ticked))
        self.session.notes[_NONE] = not event.ticked
        self.session.put("artifacts", "kube_versions", chosen)
        self._show_table()
        self.wizard.answers_changed()
        self.check_soon()
        self.refresh_frame()

    def action_go_on(self) -> None:
        """Not without a version."""
        if self.session.notes.get(_NONE):
            self.query_one(VersionTicks).focus()
            self.tell("Fix 1 field to go on.")
        else:
            super().action_go_on()


def _table(lines: tuple[Line, ...], width: int, *, read: bool) -> list[Content]:
    """The table on the grid: what is required, what is found, its size, its state."""
    head = f"{'':<16}{'required':>9}{'found':>6}{'size':>10}"
    drawn = [Content.styled(head[:width], "$ink3")]
    if not lines:
        return [*drawn, Content.styled(f"{'Images':<16}{'-':>9}{'-':>6}{'-':>10}", "$ink3")]
    for line in lines:
        extra, total = line.label.startswith("Extra"), line.label == "To import"
        required = "" if extra else str(line.required)
        found = str(line.found) if read or line.label.startswith("EKS-D") else "-"
        length = size(line.size) if line.size and read else "-" if not line.size else ""
        text = f"{line.label:<16}{required:>9}{found:>6}{length:>10}"
        style = "bold" if total else "$ink3" if extra else ""
        state = state_text(line.state) if line.state and read else Content("")
        drawn.append(Content.assemble(Content.styled(text, style), " ", state))
    return drawn
