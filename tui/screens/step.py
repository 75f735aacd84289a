"""What all screens of steps have in common within their frame: keys, fields and checks."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.timer import Timer

from core.answers import field_help, field_label
from core.checks.finding import State
from core.errors import EksaMirrorError
from tui.screens.framed import FramedScreen
from tui.widgets.checklist import CheckList
from tui.widgets.field import Field
from tui.words import plural

if TYPE_CHECKING:
    from tui.follower import JobSeen

CHECK_DELAY = 0.4
"""Seconds after the last change of a field before its checks begin."""


class StepScreen(FramedScreen):
    """One step of the wizard.

    A screen gives `compose_page`, and where it differs: `sentence`, `primary`, `keys`,
    `begin_checks`, `field_edited`, `field_left`. Everything that it knows lies in the session, so
    that it can be made anew at any moment.
    """

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

    def on_mount(self) -> None:
        """Checks begin by themselves; their threads would hold up the screen that comes up."""
        self.call_after_refresh(self._begin_checks_here)

    def _begin_checks_here(self) -> None:
        if self.framed:
            self.begin_checks()

    def on_resize(self) -> None:
        """The checks are drawn anew: a low window folds those that pass."""
        self.call_after_refresh(self._draw_checks)

    def _draw_checks(self) -> None:
        if self.framed:
            self.show_checks()

    # --- what a step says -------------------------------------------------------------------

    def sentence(self) -> str:
        """The one sentence of the action line: problems, warnings, or that all is well."""
        fails, warns = self._counts()
        if fails:
            what = plural(fails, "problem")
            if not self.wide:
                return f"{what}. You can go on."
            listed = "it" if fails == 1 else "them"
            return f"{what} here. You can go on; Review lists {listed} again."
        if warns:
            return f"{plural(warns, 'warning')}."
        if self.board and self.board.running:
            return "Checking. You need not wait."
        return self._all_well() if self.board and self.board.ended is not None else ""

    def _all_well(self) -> str:
        found = self.session.findings(self.STEP)
        passed = sum(one.state is State.PASS for one in found)
        if passed == len(found):
            return "All checks pass."
        return f"{plural(passed, 'check')} passed, the others do not apply." if passed else ""

    def _counts(self) -> tuple[int, int]:
        found = self.session.findings(self.STEP)
        return (
            sum(one.state is State.FAIL for one in found),
            sum(one.state is State.WARN for one in found),
        )

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
