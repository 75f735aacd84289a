"""What all screens of steps have in common: the frame, the keys, fields and checks."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, Static

from core.answers import field_help, field_label
from core.checks.finding import State
from core.errors import EksaMirrorError
from tui.board import Board
from tui.session import Session
from tui.steps import NAMES
from tui.widgets.checklist import CheckList
from tui.widgets.field import Field
from tui.widgets.frame import (
    ActionLine,
    FooterKey,
    FooterLine,
    HeaderLine,
    Key,
    Rail,
    Stepper,
    TitleLine,
)
from tui.words import plural

if TYPE_CHECKING:
    from tui.app import MirrorApp
    from tui.follower import JobSeen

CHECK_DELAY = 0.4
"""Seconds after the last change of a field before its checks begin."""

SENTENCE_SECONDS = 5.0
"""How long the result of a key press takes the place of the sentence."""

BACK = Key("Esc", "", "Back", "back", 10)
HELP = Key("F1", "?", "Help", "help", 9)
STEPS = Key("F2", "g", "Steps", "steps", 6)
AGAIN = Key("F5", "r", "Try again", "again", 5)
PREVIEW = Key("F6", "v", "Preview", "preview", 3)
COPY = Key("F7", "y", "Copy", "copy", 4)
GO_ON = Key("F8", "n", "Continue", "go_on", 7)
QUIT = Key("F10", "q", "Quit", "app.leave", 10)


class StepScreen(Screen[None]):
    """One step of the wizard.

    A screen gives `compose_page`, and where it differs: `sentence`, `primary`, `keys`,
    `begin_checks`, `field_edited`, `field_left`. Everything that it knows lies in the session, so
    that it can be made anew at any moment.

    Attributes:
        STEP: its number.
        SUBTITLE: one sentence under the title, in a wide window.
    """

    STEP: ClassVar[int]
    SUBTITLE: ClassVar[str] = ""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False),
        Binding("f1,question_mark", "help", show=False),
        Binding("f2,g", "steps", show=False),
        Binding("f4", "browse", show=False),
        Binding("f5,r", "again", show=False),
        Binding("f6,v", "preview", show=False),
        Binding("f7,y", "copy", show=False),
        Binding("f8,n", "go_on", show=False),
        Binding("f10,q", "app.leave", show=False),
        Binding("ctrl+c", "app.leave", show=False, priority=True),
        Binding("pageup", "scroll_page(-1)", show=False),
        Binding("pagedown", "scroll_page(1)", show=False),
    ]

    _check_timer: Timer | None = None
    _told: str = ""
    _told_timer: Timer | None = None

    # --- what it stands on ------------------------------------------------------------------

    @property
    def wizard(self) -> "MirrorApp":
        """The app, by its own type."""
        return cast("MirrorApp", self.app)

    @property
    def session(self) -> Session:
        """What all screens share."""
        return self.wizard.session

    @property
    def board(self) -> Board | None:
        """The live checks of this step; None where it has none."""
        return self.session.boards.get(self.STEP)

    @property
    def wide(self) -> bool:
        """Whether there is a rail."""
        return self.app.size.width >= 100

    # --- the frame --------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """The frame, with the page of the step in it."""
        yield HeaderLine(id="header")
        yield Stepper(id="stepper")
        with Horizontal(id="body"):
            yield Rail(id="rail")
            with Vertical(id="main"):
                yield TitleLine(id="title")
                yield Static(Content(self.SUBTITLE), id="subtitle")
                with VerticalScroll(id="page", can_focus=False):
                    yield from self.compose_page()
                yield Static("", id="more-lines")
                yield ActionLine(id="action-line")
        yield FooterLine(id="footer")
        yield Static("", id="too-small")

    def compose_page(self) -> ComposeResult:
        """The content of the step."""
        yield from ()

    def on_mount(self) -> None:
        """Checks begin by themselves."""
        self.watch(self.query_one("#page"), "scroll_y", self._tell_more, init=False)
        self.begin_checks()
        self.refresh_frame()
        self.call_after_refresh(self._tell_more)

    def on_resize(self, event: Resize) -> None:
        """The frame is drawn anew; nothing typed is touched."""
        width, height = event.size
        self.query_one("#too-small", Static).update(
            Content(
                f"This window is {width} x {height}. eksa-mirror needs 80 x 24.\n"
                "Enlarge it, or use the commands: eksa-mirror --help"
            )
        )
        self.call_after_refresh(self.refresh_frame)

    @property
    def framed(self) -> bool:
        """Whether the frame is there: a thread may tell something before, or after the end."""
        return self.is_mounted and any(one.is_mounted for one in self.query(FooterLine))

    def refresh_frame(self) -> None:
        """Draw what stands round the page."""
        if not self.framed:
            return
        standings = self.session.standings(self.STEP)
        self.query_one(HeaderLine).show(self.session.site, self.wizard.saved_words())
        self.query_one(Stepper).show(standings, self.STEP, self.state())
        self.query_one(Rail).show(standings)
        self.query_one(TitleLine).show(self.title_words(), self.title_right())
        label, enabled = self.primary()
        self.query_one(ActionLine).show(self._told or self.sentence(), label, enabled=enabled)
        self._refresh_footer()
        self._tell_more()

    def title_words(self) -> Content:
        """The title, in a wide window."""
        return Content.styled(NAMES[self.STEP - 1], "bold")

    def title_right(self) -> Content:
        """What stands at the right end of the title."""
        return self.state() or Content.styled(f"Step {self.STEP} of {len(NAMES)}", "$ink2")

    def state(self) -> Content:
        """State of the import; empty on steps that have none."""
        return Content("")

    def _refresh_footer(self) -> None:
        typing = isinstance(self.focused, Input)
        if typing and self.app.has_class("-basic"):
            keys: Sequence[Key] = (
                BACK,
                Key("Enter", "", "Accept", "", 9),
                Key("Tab", "", "Next field", "", 8),
            )
            self.query_one(FooterLine).show(keys, "Letters are keys outside fields.")
        else:
            self.query_one(FooterLine).show(self.keys())

    def _tell_more(self) -> None:
        if not self.framed:
            return
        page = self.query_one("#page", VerticalScroll)
        below = int(page.virtual_size.height - page.size.height - page.scroll_offset.y)
        more = f"↓ {plural(below, 'more line')}" if below > 0 else ""
        self.query_one("#more-lines", Static).update(Content(more))

    # --- what a step says -------------------------------------------------------------------

    def keys(self) -> Sequence[Key]:
        """The keys of the footer."""
        return (BACK, HELP, STEPS, AGAIN, PREVIEW, GO_ON, QUIT)

    def primary(self) -> tuple[str, bool]:
        """Label of the primary button, and whether it does something."""
        return "Continue ›", True

    def sentence(self) -> str:
        """The one sentence of the action line."""
        short = self.app.size.width < 100
        board = self.board
        fails, warns = self._counts()
        if fails:
            ending = "You can go on." if short else "You can go on; Review lists it again."
            if fails > 1 and not short:
                ending = "You can go on; Review lists them again."
            return (
                f"{plural(fails, 'problem')} here. {ending}"
                if not short
                else (f"{plural(fails, 'problem')}. {ending}")
            )
        if warns:
            return f"{plural(warns, 'warning')}."
        if board and board.running:
            return "Checking. You need not wait."
        if board and board.ended is not None:
            return "All checks pass."
        return ""

    def _counts(self) -> tuple[int, int]:
        found = self.session.findings(self.STEP)
        return (
            sum(one.state is State.FAIL for one in found),
            sum(one.state is State.WARN for one in found),
        )

    def tell(self, text: str) -> None:
        """Say the result of a key press in place of the sentence, for some seconds."""
        self._told = text
        if self._told_timer:
            self._told_timer.stop()
        self._told_timer = self.set_timer(SENTENCE_SECONDS, self._untell)
        self.refresh_frame()

    def _untell(self) -> None:
        self._told = ""
        self.refresh_frame()

    # --- checks -----------------------------------------------------------------------------

    def begin_checks(self) -> None:
        """Start the checks of this step where its values are complete."""
        if self.board and not self.board.running:
            waits = self.checks_wait_for()
            if waits:
                self.board.forget(f"after {waits}")
            else:
                self.board.start()
            self.show_checks()

    def checks_wait_for(self) -> str:
        """What has to be filled in before checks make sense; empty where nothing is missing."""
        wrong = self.session.invalid(self.STEP)
        return field_label(*wrong[0]).lower() if wrong else ""

    def check_soon(self) -> None:
        """A value changed: what is known is stale, and the checks begin in a moment."""
        if not self.board:
            return
        if self._check_timer:
            self._check_timer.stop()
        self.board.cancel()
        self._check_timer = self.set_timer(CHECK_DELAY, self.begin_checks)

    def show_checks(self) -> None:
        """Draw what the checks found; a screen adds what else depends on them."""
        for ladder in self.query(CheckList):
            ladder.show()
        self.refresh_frame()

    # --- fields -----------------------------------------------------------------------------

    def answer_field(
        self, section: str, name: str, *, kind: type[Field] = Field, **options: object
    ) -> Field:
        """A field of the answers, filled with what the draft holds."""
        value = self.session.setup.draft.value(section, name)
        given: dict[str, object] = {
            "label": field_label(section, name),
            "help": field_help(section, name),
            "value": "" if value is None else str(value),
        }
        return kind(section, name, **(given | options))  # type: ignore[arg-type]

    def on_field_edited(self, event: Field.Edited) -> None:
        """Take what is typed; once it is wrong it is judged at every key."""
        field = event.field
        value = event.value.strip()
        if not self.field_edited(field, value):
            self.session.put(field.section, field.field, value)
            if field.error:
                field.show_error(self.field_error(field.section, field.field))
        self.wizard.answers_changed()
        self.check_soon()
        self.refresh_frame()

    def on_field_left(self, event: Field.Left) -> None:
        """Now its form is judged."""
        field = event.field
        if not self.field_left(field):
            field.show_error(self.field_error(field.section, field.field))
        self.refresh_frame()

    def field_error(self, section: str, name: str) -> str:
        """What is wrong with the form of a field, in the words of this screen."""
        return self.session.setup.draft.error(section, name)

    def field_edited(self, field: Field, value: str) -> bool:
        """Take a value that is not an answer by itself; True where that is done."""
        del field, value
        return False

    def field_left(self, field: Field) -> bool:
        """Judge a value that is not an answer by itself; True where that is done."""
        del field
        return False

    # --- keys -------------------------------------------------------------------------------

    def on_descendant_focus(self) -> None:
        """In basic mode the footer differs inside a field."""
        self._refresh_footer()

    def on_footer_key_pressed(self, event: FooterKey.Pressed) -> None:
        """A key of the footer was clicked."""
        if event.action:
            self.run_worker(self.app.run_action(event.action, default_namespace=self))

    def action_back(self) -> None:
        """To the step before; from the first one to Start."""
        self.wizard.open_step(self.STEP - 1)

    def action_go_on(self) -> None:
        """To the next step, where the form of every field is right."""
        wrong = self.session.invalid(self.STEP)
        if not wrong:
            self.wizard.open_step(self.STEP + 1)
            return
        for section, name in wrong:
            for field in self.query(f"#field-{section}-{name}").results(Field):
                field.show_error(self.field_error(section, name))
        for field in self.query(f"#field-{wrong[0][0]}-{wrong[0][1]}").results(Field):
            field.input.focus()
        self.tell(f"Fix {plural(len(wrong), 'field')} to go on.")

    def action_again(self) -> None:
        """Run all checks of the screen again."""
        if self.board and not self.checks_wait_for():
            self.board.start()
            self.show_checks()

    def action_try_again(self, check: str) -> None:
        """Run one check again, and those that wait for it."""
        if self.board:
            self.board.start([check])
            self.show_checks()

    def action_steps(self) -> None:
        """List the steps, to go to any of them."""
        self.wizard.choose_step(self.STEP)

    def action_help(self) -> None:
        """Explain this step."""
        self.wizard.explain(self.STEP)

    def action_preview(self) -> None:
        """Show the fragment as it stands."""
        self.wizard.preview()

    def action_browse(self) -> None:
        """Pick a file for the field that has the focus."""
        field = self._focused_field()
        if field and field.has_class("path"):
            self.wizard.pick_file(field.value, lambda path: self._picked(field, path))

    def _picked(self, field: Field, path: Path) -> None:
        field.set_value(str(path))
        self.on_field_edited(Field.Edited(field, str(path)))
        self.on_field_left(Field.Left(field))
        field.input.focus()

    def _focused_field(self) -> Field | None:
        return next((field for field in self.query(Field) if field.input.has_focus), None)

    def action_copy(self) -> None:
        """Copy the command of the selected check."""
        ladders = [one for one in self.query(CheckList) if one.current]
        current = ladders[0].current if ladders else None
        texts = [one.command or one.mend for one in current.findings] if current else []
        text = next((one for one in texts if one), "")
        if text:
            self.wizard.copy(text)
        else:
            self.tell("Nothing to copy here.")

    def action_scroll_page(self, pages: int) -> None:
        """Scroll the page."""
        page = self.query_one("#page", VerticalScroll)
        page.scroll_relative(y=pages * max(1, page.size.height - 1), animate=False)


class ShowsJob(StepScreen):
    """A step that draws a job as it goes on."""

    def job_seen(self, event: "JobSeen") -> None:
        """Draw a look at the job."""
        raise NotImplementedError

    def started(self) -> None:
        """The worker is at work."""

    def not_started(self, error: EksaMirrorError) -> None:
        """The worker did not begin."""
        raise NotImplementedError
