"""Step 10: is the mirror complete, where the report is, and what to type next."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from core.answers import Answers
from core.checks.after_import import (
    LookedAfter,
    ask_again,
    certificate_ends,
    look_into,
    pull_as_a_node,
)
from core.checks.finding import Finding
from core.errors import Code, EksaMirrorError, Interrupted
from core.mirror.outputs import ANSWERS_NAME, with_default_outputs
from core.transfer.job import Job, job_for
from core.transfer.launch import start
from core.transfer.next_steps import NextStep, Reminder, next_steps, reminders
from core.transfer.orders import Orders
from core.transfer.records import ArtifactRow
from core.transfer.standing import Stand
from core.transfer.troubles import Trouble, troubles
from core.transfer.verified import Verdict, verdict, verdict_words
from tui.glyphs import state_text
from tui.messages import JobFailedToStart, JobStarted
from tui.screens.framed import BACK, COPY, HELP, QUIT, STEPS
from tui.screens.step import StepScreen
from tui.widgets.done_lines import (
    reminder_lines,
    step_picks,
    this_import_lines,
    verified_lines,
)
from tui.widgets.drawn import Drawn
from tui.widgets.error_groups import group_lines
from tui.widgets.frame import Key
from tui.widgets.heading import Heading
from tui.widgets.pick_list import PickList
from tui.words import plain

_LOOKS = 0.2
"""Seconds between two lines that tell how far a verification is."""


class DoneScreen(StepScreen):
    """What was verified, this import, what is next, and what to keep in mind."""

    STEP = 10
    AUTO_FOCUS = "#primary"
    SUBTITLE = "Looking at what the import brought."

    @dataclass
    class Looked(Message):
        """The journal was read, or the registry was asked again."""

        found: LookedAfter | EksaMirrorError | None

    @dataclass
    class Asked(Message):
        """How far a verification is."""

        done: int
        total: int

    @dataclass
    class Pulled(Message):
        """A node's pull was tried, and the certificate looked at."""

        finding: Finding
        ends: date | None

    def __init__(self) -> None:
        super().__init__()
        self.known: LookedAfter | None = None
        self.trouble: EksaMirrorError | None = None
        self.pulled: Finding | None = None
        self.verifying = ""
        self.steps: tuple[NextStep, ...] = ()
        self._looking = True
        self._ends: date | None = None
        self._stop = threading.Event()
        self._folder = Path.cwd()

    def compose_page(self) -> ComposeResult:
        """Five groups of lines."""
        yield Heading("Verified in the registry", id="verified-heading")
        yield Drawn(id="verified")
        yield Drawn(id="missing")
        yield Heading("This import", id="import-heading")
        yield Drawn(id="this-import")
        with Vertical(id="what-is-next"):
            yield Heading("Next, on this machine", id="next-heading")
            yield PickList(id="next", empty="Bring what is missing first; then the cluster.")
            yield Heading("Keep in mind", id="keep-heading")
            yield Drawn(id="keep-in-mind")

    def on_mount(self) -> None:
        """The journal is read, and a pull as a node is tried."""
        self._look()

    def on_unmount(self) -> None:
        """A verification under way ends with the screen."""
        self._stop.set()

    # --- looking ----------------------------------------------------------------------------

    def _look(self) -> None:
        """Read the journal, then try a pull as a node."""
        session = self.session
        answers, password = session.answers, session.password

        def work() -> None:
            try:
                if session.job is None:
                    session.job = _job_of_before(job_for(answers))
                if session.job is None:
                    self.post_message(self.Looked(None))
                    return
                found = look_into(session.job)
            except EksaMirrorError as error:
                self.post_message(self.Looked(error))
                return
            self.post_message(self.Looked(found))
            login = session.login(answers, password)
            finding = pull_as_a_node(answers, login)
            self.post_message(self.Pulled(finding, certificate_ends(answers)))

        self._looking = bool(answers.registry.endpoint)
        if self._looking:
            self.run_worker(work, thread=True, group="looking", exclusive=True)

    def action_again(self) -> None:
        """Ask the registry for each artifact once more."""
        job, session = self.session.job, self.session
        if job is None or self.verifying:
            return
        answers, password = session.answers, session.password
        stop = self._stop = threading.Event()
        self.verifying = "asking the registry"
        told = [0.0]

        def progress(done: int, total: int) -> None:
            now = time.monotonic()
            if now - told[0] > _LOOKS:
                told[0] = now
                self.post_message(self.Asked(done, total))

        def work() -> None:
            found: LookedAfter | EksaMirrorError
            login = None
            try:
                login = session.login(answers, password)
                found = ask_again(job, answers, login, stop, progress)
            except Interrupted:
                return
            except EksaMirrorError as error:
                found = error
            self.post_message(self.Looked(found))
            self.post_message(
                self.Pulled(pull_as_a_node(answers, login), certificate_ends(answers))
            )

        self.pulled = None
        self.run_worker(work, thread=True, group="looking", exclusive=True)
        self.refresh_frame()

    def on_done_screen_asked(self, event: Asked) -> None:
        """`◐ verifying  88 of 167`."""
        self.verifying = f"{event.done} of {event.total}"
        self.refresh_frame()

    def on_done_screen_looked(self, event: Looked) -> None:
        """Draw it; what no run has verified is verified now."""
        self.verifying, self._looking = "", False
        if isinstance(event.found, EksaMirrorError):
            self.trouble = event.found
        elif event.found:
            self.known, self.trouble = event.found, None
            if not self.known.asked and self.known.summary.state.ended:
                self.action_again()
        self.refresh_frame()

    def on_done_screen_pulled(self, event: Pulled) -> None:
        """The last line of the verified ones."""
        self.pulled, self._ends = event.finding, event.ends
        self.refresh_frame()

    # --- drawing ----------------------------------------------------------------------------

    def refresh_frame(self) -> None:
        """The page with its frame: both depend on what was found."""
        if self.framed:
            self._draw()
            super().refresh_frame()
            self.call_after_refresh(self._tell_more)

    def _draw(self) -> None:
        known, job = self.known, self.session.job
        self.query_one("#subtitle", Static).update(Content(self._subtitle()))
        self.query_one("#verified-heading", Heading).show(meta=self._asked_words())
        counts = known.counts if known else ()
        self.query_one("#verified", Drawn).show(
            partial(verified_lines, counts, self.pulled, self.trouble, self.verifying)
        )
        self._draw_missing([row for one in counts for row in one.missing])
        if known and job:
            self.query_one("#this-import", Drawn).show(
                partial(this_import_lines, known.summary, job)
            )
        copies = "y copies" if self.app.has_class("-basic") else "F7 copies"
        self.query_one("#next-heading", Heading).show(meta=copies)
        useful = known is not None and verdict(counts) is not Verdict.INCOMPLETE
        self.steps = next_steps(self._answers(), self._folder) if useful else ()
        self.query_one("#next", PickList).put(step_picks(self.steps))
        self.query_one("#keep-in-mind", Drawn).show(partial(reminder_lines, self._reminders()))
        self.query_one("#import-heading").display = known is not None
        self.query_one("#what-is-next").display = known is not None

    def _draw_missing(self, rows: Sequence[ArtifactRow]) -> None:
        groups = troubles(rows, str(self.session.answers.artifacts.archive or ""))
        missing = self.query_one("#missing", Drawn)
        missing.show(lambda width: [line for one in groups for line in _group(one, width)])
        missing.display = bool(groups)

    def _answers(self) -> Answers:
        return with_default_outputs(self.session.answers, self._folder)

    def _reminders(self) -> tuple[Reminder, ...]:
        fragment = self._answers().output.fragment or self._folder
        written = fragment.with_name(ANSWERS_NAME)
        over = self.session.setup.written_over
        found = reminders(
            self.session.answers,
            certificate_ends=self._ends,
            answers_file=written if written.exists() else None,
        )
        open_then = [Reminder("Written over", f"{text}.") for text in over]
        return (*open_then, *found)

    def _asked_words(self) -> str:
        if self.verifying:
            return ""
        known = self.known
        if known is None or not known.asked:
            return "not asked yet"
        took = f", {known.seconds:.0f} s" if known.seconds >= 1 else ""
        return f"asked for each one{took}"

    def _subtitle(self) -> str:
        if self.known is None:
            return "Nothing was imported yet." if self._nothing() else self.SUBTITLE
        return verdict_words(self.known.counts)

    def _nothing(self) -> bool:
        """Whether there is no import to speak of."""
        return self.session.job is None and not self._looking

    # --- the frame --------------------------------------------------------------------------

    def state(self) -> Content:
        """`✓ verified   14:29`."""
        if self.verifying:
            return Content.assemble(state_text("verifying"), f"   {self.verifying}")
        known = self.known
        if known is None:
            return Content("")
        clock = time.strftime("%H:%M", time.localtime(known.moment)) if known.moment else ""
        if self.trouble or not known.asked:
            return state_text("failed", "not verified")
        said = verdict(known.counts)
        if said is Verdict.COMPLETE:
            return Content.assemble(state_text("verified"), f"   {clock}")
        missing = sum(len(one.missing) for one in known.counts)
        return Content.assemble(state_text("warn", f"verified, {missing} missing"), f"   {clock}")

    def sentence(self) -> str:
        """Whether anything still runs."""
        if self._nothing():
            return "Nothing was imported yet."
        if self.verifying:
            return "Asking the registry for each of them."
        if self.known and self.known.stand is Stand.CUT_OFF:
            return "It was cut off. Nothing is lost."
        if self.known and not self.known.summary.state.ended:
            return "The import has not ended yet."
        return "Nothing is running any more." if self.known else "Reading the journal."

    def primary(self) -> tuple[str, bool]:
        """Finish; or import again what is missing."""
        if self._nothing() or (self.known and not self.known.summary.state.ended):
            return "Go to the import ›", True
        return ("Import again ›" if self._worth_another() else "Finish ›"), self.known is not None

    def _worth_another(self) -> bool:
        """Whether another import would bring what is missing."""
        rows = [row for one in self.known.counts for row in one.missing] if self.known else []
        return any(row.code != Code.NOT_IN_ARCHIVE for row in rows)

    def keys(self) -> Sequence[Key]:
        """F5 verifies, F8 finishes."""
        finish = Key("F8", "n", self.primary()[0].rstrip(" ›"), "go_on", 8)
        return (BACK, HELP, STEPS, Key("F5", "r", "Verify again", "again", 5), COPY, finish, QUIT)

    # --- keys -------------------------------------------------------------------------------

    def action_go_on(self) -> None:
        """Leave with the report's path and the next command; or to the import."""
        label = self.primary()[0]
        if label.startswith("Go to"):
            self.wizard.open_step(9)
        elif label.startswith("Import again"):
            self._import_again()
        elif self.known and self.session.job:
            self.wizard.saved_to_the_end()
            self.app.exit(farewell(self.session.job, self.steps))

    def _import_again(self) -> None:
        session, post = self.session, self.app.post_message
        answers = session.answers
        over = session.setup.written_over

        def work() -> None:
            try:
                login = session.login_for_import()
                job = start(answers, Orders(login, written_over=over))
            except EksaMirrorError as error:
                post(JobFailedToStart(error))
            else:
                post(JobStarted(job))

        self.wizard.run_worker(work, thread=True, group="start")
        self.wizard.open_step(9)

    def action_copy(self) -> None:
        """Copy the selected command."""
        current = self.query_one("#next", PickList).current
        if current and current.copy:
            self.wizard.copy(current.copy)
        else:
            self.tell("Nothing to copy here.")

    def on_pick_list_chosen(self, event: PickList.Chosen) -> None:
        """Enter copies, too."""
        event.stop()
        self.action_copy()


def farewell(job: Job, steps: Sequence[NextStep]) -> str:
    """What is printed once the screen is restored: the report, and the next command."""
    lines = [f"Report: {job.report('html')}"]
    if steps:
        lines.append(f"Next: {plain(steps[0].commands[0] if steps[0].commands else steps[0].text)}")
    return "\n".join(lines)


def _group(trouble: Trouble, width: int) -> list[Content]:
    return [Content(""), *group_lines(trouble, width)]


def _job_of_before(job: Job) -> Job | None:
    """A job that was begun in another session of the wizard."""
    return job if job.journal.exists() else None
