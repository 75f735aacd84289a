"""The wizard: holds the session, opens screens, saves answers, and hears the threads."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import App
from textual.binding import BindingType
from textual.content import Content
from textual.css.query import NoMatches
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Event, InputEvent
from textual.filter import LineFilter
from textual.timer import Timer
from textual.widget import MountError
from textual.worker import WorkerFailed

from core import __version__
from core.answers.setups import Setup
from core.transfer.job import Job
from core.transfer.standing import per_cent
from tui.driver import PromptDriver
from tui.follower import LOOKS_A_SECOND, Follower, JobSeen, Sight
from tui.glyphs import Colourless, Plain
from tui.messages import (
    CheckBegan,
    CheckFound,
    ChecksEnded,
    Failed,
    JobFailedToStart,
    JobStarted,
    Saved,
)
from tui.saver import Saver
from tui.screens.opening import load_next, open_screen
from tui.screens.step import ShowsJob, StepScreen
from tui.session import Session
from tui.stage import Stage
from tui.standing_words import progress
from tui.terminal import Look
from tui.themes import DARK, LIGHT
from tui.tidying import LOOK_SECONDS as TIDY_SECONDS
from tui.tidying import Tidying

SAVE_DELAY = 1.0
"""Seconds after a change before the answers are saved."""

AHEAD_SECONDS = 0.1
"""Between two screens that are loaded before anybody opens them, and since the last key."""


class MirrorApp(App[str]):
    """The wizard as an app; its result is what is printed once the screen is restored.

    Args:
        look: how to draw.
        setup: to go on with at once; None opens Start.
        step: where to begin with a set-up; 0 for where it stopped.
        job: the import that is shown at step 9.
    """

    CSS_PATH: ClassVar = [
        "styles/base.tcss",
        "styles/start.tcss",
        "styles/prepare.tcss",
        "styles/pages.tcss",
        "styles/artifacts.tcss",
        "styles/trust.tcss",
        "styles/credentials.tcss",
        "styles/namespaces.tcss",
        "styles/cluster.tcss",
        "styles/admin_machine.tcss",
        "styles/review.tcss",
        "styles/done.tcss",
        "styles/import.tcss",
        "styles/basic.tcss",
    ]
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - textual declares it so
        (0, "-cramped"),
        (80, "-narrow"),
        (100, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-flat"),
        (24, "-short"),
        (30, "-tall"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = []
    TITLE = "eksa-mirror"

    def __init__(
        self,
        look: Look | None = None,
        setup: Setup | None = None,
        step: int = 0,
        job: Job | None = None,
    ) -> None:
        super().__init__()
        self.look = look or Look()
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = self.look.theme
        self.version = __version__
        self.session = Session(self.post_message, setup)
        self.session.job = job
        self._first_step = step or (setup.step if setup else 0)
        self.saver = Saver(self.post_message)
        self._saved_at = ""
        self._save_timer: Timer | None = None
        self.crash: BaseException | None = None
        self.import_sight: Sight | None = None
        self._follower: Follower | None = None
        self._tidying = Tidying()
        self.stage = Stage(self)
        self._line_filters: list[LineFilter] = []
        if self.look.basic:
            self._line_filters.append(Plain())
            self.animation_level = "none"
        elif self.look.colourless:
            self._line_filters.append(Colourless())

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Ours alone: textual's own turn colours of the terminal into others, and we use none."""
        return self._line_filters

    def get_driver_class(self) -> type[Driver]:
        """Ours on a terminal; a page of `serve` brings its own."""
        usual = super().get_driver_class()
        return PromptDriver if usual is LinuxDriver else usual

    def on_mount(self) -> None:
        """Open the first screen."""
        self.set_class(self.look.basic, "-basic")
        self.open_step(self._first_step)
        if not self.is_headless:  # a test has many apps in one process, and looks for leaks
            self._tidying.begin()
            self.set_interval(TIDY_SECONDS, self._tidy)
            self._ahead = self.set_interval(AHEAD_SECONDS, self._load_ahead)

    async def on_event(self, event: Event) -> None:
        """Keys that come in a burst are for the screen that the first of them opens."""
        if isinstance(event, InputEvent):
            if self.return_code is not None or not self.screen_stack:
                return  # it is being left
            self._tidying.heard()  # whoever types is not kept waiting for it
            await self.stage.whole()
        await super().on_event(event)

    def _tidy(self) -> None:
        pages = [screen for screen in self.screen_stack if not screen.is_modal]
        self._tidying.look(pages[-1] if pages else None)

    def _load_ahead(self) -> None:
        if self._tidying.is_quiet(AHEAD_SECONDS) and not load_next():
            self._ahead.stop()

    # --- screens ----------------------------------------------------------------------------

    def open_step(self, step: int) -> None:
        """Show a step; 0 is Start, and beyond the ends nothing happens."""
        if step < 0 or step > 10:
            return
        if step:
            self.session.setup.step = step
            self.session.setup.reached = max(step, self.session.setup.reached)
        if step or self._save_timer:
            self._put_answers()  # told by the screen that comes
        self.stage.show(open_screen(step), lambda: self.session.check_again(step))

    def begin(self, setup: Setup, step: int = 0, job: Job | None = None) -> None:
        """Work on a set-up, where it stopped or at `step`; step 9 shows `job`."""
        self.session.begin(setup)
        self.session.job, self.import_sight = job, None
        self.follow()
        self._saved_at = ""
        self.open_step(step or setup.step)

    def choose_step(self, here: int) -> None:
        """List the steps with their state."""
        from tui.screens.steps_list import StepsList  # noqa: PLC0415 - opened on a key

        def go(step: int | None) -> None:
            if step and step != here:
                self.open_step(step)

        self.push_screen(StepsList(here), go)

    def explain(self, step: int) -> None:
        """Open the help of a step, with the focused field in it."""
        from tui.screens.help import HelpPage  # noqa: PLC0415 - opened on a key

        around = self.focused.ancestors_with_self if self.focused else ()
        names = [one.id for one in around if one.id and one.id.startswith("field-")]
        self.push_screen(HelpPage(step, names[0] if names else ""))

    def preview(self) -> None:
        """Show the fragment as it stands."""
        from tui.screens.preview import PreviewPage  # noqa: PLC0415 - opened on a key

        self.push_screen(PreviewPage())

    def pick_file(self, path: str, picked: Callable[[Path], None]) -> None:
        """Let the operator pick a file, beginning where `path` is."""
        from tui.screens.file_picker import FilePicker  # noqa: PLC0415 - opened on a key

        def take(found: Path | None) -> None:
            if found:
                picked(found)

        self.push_screen(FilePicker(path), take)

    def copy(self, text: str) -> None:
        """Put a text on the clipboard of the operator's terminal, and into a file."""
        screen = self.screen
        setup = self.session.setup
        self.saver.put(lambda: setup.keep_command(text))
        self.save_now()  # else a disk that was full would no longer be told
        if self.look.basic:
            from tui.screens.preview import PlainText  # noqa: PLC0415 - opened on a key

            self.push_screen(PlainText(text))
            return
        self.copy_to_clipboard(text)
        if isinstance(screen, StepScreen):
            allowed = "if your terminal allows it" if screen.wide else "if allowed"
            screen.tell(f"Copied, {allowed}. Also in commands.txt.")

    def show_report(self, job: Job) -> None:
        """The report of a job, as text."""
        from tui.screens.preview import PlainText  # noqa: PLC0415 - opened on a key

        text = job.report("md").read_text(errors="replace")
        self.push_screen(PlainText(f"{job.report('html')}\n\n{text}"))

    # --- answers ----------------------------------------------------------------------------

    def answers_changed(self) -> None:
        """Save in a second, and say so in the header until then."""
        if self._save_timer:
            self._save_timer.stop()
        self._save_timer = self.set_timer(SAVE_DELAY, self.save_now)

    def save_now(self) -> None:
        """Write the answers; a disk that is full is told in the header, and tried again."""
        self._put_answers()
        self._refresh()

    def _put_answers(self) -> None:
        if self._save_timer:
            self._save_timer.stop()
            self._save_timer = None
        self.saver.put(self.session.setup.snapshot().write)

    def on_saved(self, message: Saved) -> None:
        """Say when, or why not."""
        if not message.trouble:
            self._saved_at = time.strftime("%H:%M")
        self._refresh()

    def saved_words(self) -> Content:
        """The right end of the header."""
        import_words = self.import_words()
        if self.saver.trouble:
            said = Content.assemble(
                Content.styled("!", "$warn"), f" not saved: {self.saver.trouble.lower()}"
            )
        elif self._save_timer or self.saver.busy:
            said = Content.styled("saving", "$ink3")
        elif self._saved_at:
            said = Content.styled(f"answers saved {self._saved_at}", "$ink3")
        else:
            said = Content.styled(f"version {self.version}", "$ink3")
        return Content.assemble(import_words, "   ", said) if import_words else said

    def import_words(self) -> str:
        """`import 58 %` while one runs that this set-up began; empty on its own screen."""
        on_import = any(isinstance(one, ShowsJob) for one in self.screen_stack)
        sight = self.import_sight
        if not sight or on_import or not sight.standing.stand.lives or not sight.summary:
            return ""
        return f"import {per_cent(sight.summary)} %"

    # --- the import -------------------------------------------------------------------------

    def follow(self) -> None:
        """Look at the job of the session, from its beginning; the last one is let go."""
        if self._follower:
            self._follower.let_go()
        job, pause = self.session.job, 1.0 if self.look.basic else 1 / LOOKS_A_SECOND
        self._follower = Follower(job, self.post_message, pause) if job else None
        if self._follower:
            self._follower.start()

    def on_job_seen(self, message: JobSeen) -> None:
        """A look at the job: the screen of the import draws it, the others tell how far it is."""
        if message.follower is not self._follower:
            return
        words, self.import_sight = self.import_words(), message.sight
        for screen in self._steps_shown():
            if isinstance(screen, ShowsJob):
                screen.job_seen(message)
            elif words != self.import_words():
                screen.refresh_frame()
        message.follower.taken()

    def on_job_started(self, message: JobStarted) -> None:
        """Follow it from now on."""
        self.session.job = message.job
        self.follow()
        for screen in self.screen_stack:
            if isinstance(screen, ShowsJob):
                screen.started()

    def on_job_failed_to_start(self, message: JobFailedToStart) -> None:
        """Tell why, where it was to be started."""
        for screen in self.screen_stack:
            if isinstance(screen, ShowsJob):
                screen.not_started(message.error)

    # --- what threads tell ------------------------------------------------------------------

    def on_check_began(self, message: CheckBegan) -> None:
        """A check of some step is under way."""
        self._take(message)

    def on_check_found(self, message: CheckFound) -> None:
        """A check of some step has ended."""
        self._take(message)

    def on_checks_ended(self, message: ChecksEnded) -> None:
        """All checks of some step have ended."""
        self._take(message)

    def on_failed(self, message: Failed) -> None:
        """A thread met a defect: the screen ends, the worker of an import goes on."""
        raise message.error

    def _take(self, message: CheckBegan | CheckFound | ChecksEnded) -> None:
        if self.session.boards[message.step].take(message):
            for screen in self._steps_shown():
                if message.step == screen.STEP:
                    screen.show_checks()
                else:
                    screen.refresh_frame()

    def _refresh(self) -> None:
        for screen in self._steps_shown():
            screen.refresh_frame()

    def _steps_shown(self) -> list[StepScreen]:
        """Screens that can be drawn: one that comes up or goes away cannot."""
        return [s for s in self.screen_stack if isinstance(s, StepScreen) and s.framed]

    # --- the end ----------------------------------------------------------------------------

    def on_unmount(self) -> None:
        """Nothing is asked any more; what was begun in a registry is cancelled there."""
        self.session.let_go()
        if self._follower:
            self._follower.let_go()
        self.saver.finish()

    def action_leave(self) -> None:
        """Leave at once; there is nothing to confirm."""
        started = bool(self._saved_at or self._save_timer or self.saver.busy)
        self.exit(self._farewell(self.saved_to_the_end() if started else ""))

    def saved_to_the_end(self) -> str:
        """Write the answers, and say what became of it in a line."""
        self.save_now()
        if not self.saver.finish():
            return "Answers not saved: the disk does not answer."
        if self.saver.trouble:
            return f"Answers not saved: {self.saver.trouble.lower()}."
        return "Answers saved. Come back with: eksa-mirror"

    def _farewell(self, saved: str) -> str:
        sight = self.import_sight
        if sight and sight.standing.stand.lives:
            words = progress(sight.summary)
            return f"The import goes on: {words}. Come back with: eksa-mirror attach"
        return saved

    def _handle_exception(self, error: Exception) -> None:
        """A defect: keep it for the command line, show nothing of it on the screen."""
        if isinstance(error, WorkerFailed):  # what ended a thread says more than that it ended
            failed = error.error
            error = failed if isinstance(failed, Exception) else error
        if self.return_code is not None and isinstance(error, (NoMatches, MountError)):
            return  # what a screen lacks that is taken down while it comes up
        self.crash = self.crash or error
        self._exception = error  # textual's own place for it, which a test reads
        self.exit(return_code=5)
        self._exception_event.set()
