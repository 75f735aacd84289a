"""The connected side: what to fetch, and what that will be."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.timer import Timer

from core.errors import EksaMirrorError, Interrupted
from core.fetch.gathering import Estimate, estimate, reach_of
from core.fetch.pins import Pins
from core.fetch.preparation import Errand, Preparation, errand_for
from core.fetch.upstreams import Upstreams
from core.fetch.worker import start
from core.host.docker_config import find_in_docker_config
from core.registry.proxies import proxy_for
from core.registry.retry import RetryPolicy, Waiter
from core.units import size
from tui.aside import aside
from tui.glyphs import state_text
from tui.prepare_form import QUESTIONS, Form, Question, read_form
from tui.screens.framed import BACK, HELP, QUIT
from tui.screens.prepare_frame import PrepareFrame
from tui.screens.prepare_progress import PrepareProgress, not_started
from tui.session import home
from tui.widgets.drawn import Drawn
from tui.widgets.estimate import estimate_lines, lacks_room
from tui.widgets.field import Field
from tui.widgets.frame import Key
from tui.widgets.heading import Heading
from tui.widgets.path_field import PathField
from tui.words import plain, plural

ASK_DELAY = 0.8
"""Seconds after the last change before upstream is asked."""

_PATIENCE = 15.0
"""Seconds that an estimate waits for a server that is away."""

_NOTE = "prepare"
_BROWSE = Key("F4", "", "Browse", "browse", 4)


class PrepareScreen(PrepareFrame):
    """Seven questions, and a live estimate.

    Args:
        values: of the fields, where they are known; else as they were left.
    """

    TITLE_WORDS = "Prepare on a connected machine"
    SUBTITLE = "Fetches all that an import needs, to be carried across the air gap."

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f4", "browse", show=False)]

    @dataclass
    class Estimated(Message):
        """Upstream was asked about a preparation."""

        of: Preparation
        found: Estimate | EksaMirrorError

    @dataclass
    class Started(Message):
        """The worker began, or did not."""

        errand: Errand
        error: EksaMirrorError | None = None

    def __init__(self, values: dict[str, str] | None = None) -> None:
        super().__init__()
        self._given = values
        self._form = Form(None, {})
        self._found: Estimate | EksaMirrorError | None = None
        self._asked: Preparation | None = None
        self._asked_at = 0.0
        self._stop = threading.Event()
        self._pins = Pins()
        self._starting = False
        self._timer: Timer | None = None

    @property
    def values(self) -> dict[str, str]:
        """The fields as typed; they outlive the screen."""
        notes = self.session.notes
        known = notes.setdefault(_NOTE, {"folder": home(Path.cwd())})
        assert isinstance(known, dict)  # noqa: S101 - only this screen has this note
        return known

    def compose_page(self) -> ComposeResult:
        """The fields, then what it will be."""
        if self._given:
            self.session.notes[_NOTE] = dict(self._given)
        for one in QUESTIONS:
            yield _field(one, self.values.get(one.name, ""))
        yield Heading("What it will be", id="estimate-heading")
        yield Drawn(id="estimate")

    def on_mount(self) -> None:
        """Ask at once: the first answers fit most machines."""
        self.query_one("#field-prepare-folder", Field).input.focus()
        self._judge()

    def on_unmount(self) -> None:
        """Nobody waits for the estimate any more."""
        self._stop.set()

    # --- fields and estimate ----------------------------------------------------------------

    def on_field_edited(self, event: Field.Edited) -> None:
        """What was known is stale, and is asked for in a moment."""
        self.values[event.field.field] = event.value
        self._stop.set()
        self._found = self._asked = None
        if event.field.error:
            event.field.show_error(read_form(self.values).wrong.get(event.field.field, ""))
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(ASK_DELAY, self._judge)
        self._draw()

    def on_field_left(self, event: Field.Left) -> None:
        """Now its form is judged."""
        event.field.show_error(read_form(self.values).wrong.get(event.field.field, ""))

    def _judge(self) -> None:
        self._form = read_form(self.values)
        preparation = self._form.preparation
        if preparation and preparation != self._asked:
            self._ask(preparation)
        self._draw()

    def _ask(self, preparation: Preparation) -> None:
        self._stop.set()
        self._stop = stop = threading.Event()
        self._asked, self._found = preparation, None
        pins = self._pins
        aside(self, lambda: self._estimate(preparation, pins, stop))

    def _estimate(self, preparation: Preparation, pins: Pins, stop: threading.Event) -> None:
        found: Estimate | EksaMirrorError
        try:
            reach = replace(reach_of(preparation), policy=RetryPolicy(patience=_PATIENCE))
            with Upstreams(reach, find_in_docker_config, Waiter(stop)) as upstreams:
                found = estimate(preparation, upstreams, pins)
        except Interrupted:
            return
        except EksaMirrorError as error:
            found = error
        if not stop.is_set():
            self.post_message(self.Estimated(preparation, found))

    def on_prepare_screen_estimated(self, event: Estimated) -> None:
        """Show it, unless something was changed meanwhile."""
        if event.of == self._asked:
            self._found, self._asked_at = event.found, time.time()
            if isinstance(event.found, Estimate):
                offered = ", ".join(event.found.offered)
                self.query_one("#field-prepare-kube_versions", Field).show_help(
                    plain(f"Of {offered}." if len(offered) < 50 else "Such as 1.33, 1.34.")
                )
            self._draw()

    # --- drawing ----------------------------------------------------------------------------

    def _draw(self) -> None:
        if not self.framed:
            return
        asking = "asking for the size of everything" if self._asking() else ""
        found = self._found
        self.query_one("#estimate", Drawn).show(
            lambda width: [*estimate_lines(found, asking, width), *_proxy_lines()]
        )
        said = time.strftime("asked at %H:%M", time.localtime(self._asked_at)) if found else ""
        self.query_one("#estimate-heading", Heading).show(meta=said)
        self.refresh_frame()

    def _asking(self) -> bool:
        return self._asked is not None and self._found is None

    def sentence(self) -> str:
        """What holds the download, or that nothing does."""
        wrong = len(self._form.wrong)
        if wrong:
            return f"Fix {plural(wrong, 'field')} to go on."
        if isinstance(self._found, EksaMirrorError):
            return "Cannot start: upstream says no."
        if self._found and lacks_room(self._found):
            return "Cannot start: the disk is too small."
        if self._starting:
            return "Starting."
        if self._found:
            return f"{size(self._found.fetched)} to fetch; {size(self._found.free)} are free."
        return "Asking upstream for the size." if self._asked else ""

    def primary(self) -> tuple[str, bool]:
        """Download, where nothing speaks against it."""
        found = self._found
        held = isinstance(found, EksaMirrorError) or bool(found and lacks_room(found))
        return "Download ›", not (held or self._starting or self._form.wrong)

    def keys(self) -> Sequence[Key]:
        """Of the footer."""
        again = Key("F5", "r", "Ask again", "again", 5)
        return (BACK, HELP, _BROWSE, again, Key("F8", "n", "Download", "go_on", 8), QUIT)

    # --- keys -------------------------------------------------------------------------------

    def action_again(self) -> None:
        """Ask upstream anew: after an error for the rest, else for everything."""
        if isinstance(self._found, Estimate):
            self._pins = Pins()
        self._asked = None
        self._judge()

    def action_browse(self) -> None:
        """Pick a file for the field that has the focus."""
        field = next((one for one in self.query(Field) if one.input.has_focus), None)
        if field and field.has_class("path"):
            self.wizard.pick_file(field.value, partial(self._picked, field))

    def _picked(self, field: Field, path: Path) -> None:
        place = path.parent if field.field == "folder" and path.is_file() else path
        field.set_value(str(place))
        self.on_field_edited(Field.Edited(field, str(place)))
        field.input.focus()

    def action_go_on(self) -> None:
        """Start the download."""
        self._judge()
        preparation = self._form.preparation
        for field in self.query(Field):
            field.show_error(self._form.wrong.get(field.field, ""))
        if not preparation:
            first = next(iter(self._form.wrong))
            self.query_one(f"#field-prepare-{first}", Field).input.focus()
        elif self.primary()[1]:
            self._stop.set()
            self._starting = True
            self.refresh_frame()
            aside(self, lambda: self._start(preparation))

    def _start(self, preparation: Preparation) -> None:
        errand = errand_for(preparation.folder)
        try:
            start(errand, preparation)
        except EksaMirrorError as error:
            self.post_message(self.Started(errand, error))
        else:
            self.post_message(self.Started(errand))

    def on_prepare_screen_started(self, event: Started) -> None:
        """Watch it; or say why it did not begin."""
        self._starting = False
        if event.error is None:
            self.wizard.stage.show(PrepareProgress(event.errand))
            return
        self.refresh_frame()
        self.app.push_screen(not_started(event.error))


def _field(one: Question, value: str) -> Field:
    kind = PathField if one.is_path else Field
    return kind(
        "prepare", one.name, label=one.label, help=one.help, value=value,
        placeholder=one.placeholder,
    )  # fmt: skip


def _proxy_lines() -> list[Content]:
    """Which proxy the environment names for upstream; its login is never shown."""
    try:
        proxy = proxy_for("https://public.ecr.aws/")
    except EksaMirrorError as error:
        state, words = state_text("fail", width=11), error.message
    else:
        state = state_text("pass" if proxy else "skipped", "" if proxy else "none", width=11)
        words = proxy.url if proxy else "HTTPS_PROXY is not set"
    return [Content.assemble(f"{'Proxy':<17}", state, Content.styled(plain(words), "$ink2"))]
