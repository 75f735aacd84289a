"""Step 9: start the import, watch it, pause it, stop it, repair it."""

from collections.abc import Sequence
from contextlib import suppress
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from core.errors import EksaMirrorError
from core.transfer.controls import change_controls, read_controls
from core.transfer.job import job_for
from core.transfer.launch import start
from core.transfer.orders import Orders
from core.transfer.standing import Stand, Standing
from core.transfer.stopping import ask_to_stop
from core.transfer.view import Summary
from tui.follower import JobSeen, Sight
from tui.glyphs import state_text
from tui.messages import JobFailedToStart, JobStarted
from tui.screens.dialogs import Dialog
from tui.screens.import_offer import keys_before, keys_of, primary_of
from tui.screens.step import ShowsJob
from tui.standing_words import GLYPHS, label, sentence
from tui.widgets.artifact_list import ArtifactList
from tui.widgets.artifact_pane import ArtifactPane
from tui.widgets.checklist import CheckList
from tui.widgets.error_groups import ErrorGroups
from tui.widgets.event_log import EventLog
from tui.widgets.frame import Key
from tui.widgets.line import Line
from tui.widgets.row_list import RowList
from tui.widgets.sending_plan import SendingPlan
from tui.widgets.tabs import TabLine
from tui.widgets.totals import SendingNow, Totals
from tui.words import plain, plural


class ImportScreen(ShowsJob):
    """Before the start: what will be sent. After it: totals, what is sent now, and three panes."""

    STEP = 9
    COME_BACK = "To come back: eksa-mirror attach"
    SUBTITLE = f"It goes on when you close this terminal. {COME_BACK}"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pause", show=False),
        Binding("s", "stop", show=False),
        Binding("f", "filter", show=False),
        Binding("w", "workers", show=False),
        Binding("slash", "find", show=False),
        Binding("1", "tab(0)", show=False),
        Binding("2", "tab(1)", show=False),
        Binding("3", "tab(2)", show=False),
        Binding("o", "report", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.standing: Standing | None = None
        self.summary: Summary | None = None
        self._starting = False
        self._began = False
        self._nothing_to_send = 0
        self._tab = 0

    def compose_page(self) -> ComposeResult:
        """Both faces; one is shown."""
        assert self.board  # noqa: S101 - this step has checks
        with Vertical(id="before"):
            yield SendingPlan(id="sending-plan")
            yield CheckList(self.board)
        with Vertical(id="panes"):
            yield Totals(id="totals")
            yield SendingNow(id="sending-now")
            yield TabLine(("Artifacts", "Log", "Errors (0)"), id="tabs")
            yield ArtifactPane(id="tab-0", classes="pane")
            with Vertical(id="tab-1", classes="pane"):
                yield EventLog(id="log")
            with Vertical(id="tab-2", classes="pane"):
                yield ErrorGroups(id="errors")

    def on_mount(self) -> None:
        """Go on watching where there is something to watch."""
        self._find_job()
        self.wizard.follow()
        self._show_face()
        self._show_tab(0)
        if not self.session.job:
            self.query_one(SendingPlan).look(self.session)

    def _find_job(self) -> None:
        """An import of these answers that runs, or ended somehow, is gone on with."""
        if not self.session.invalid(1) + self.session.invalid(2):
            with suppress(EksaMirrorError):  # no registry yet, or a folder that the checks judge
                job = job_for(self.session.answers)
                self.session.job = job if job.journal.exists() else None

    def on_sending_plan_told(self, event: SendingPlan.Told) -> None:
        """Where all is in the registry, starting only verifies."""
        found = event.found
        if not isinstance(found, EksaMirrorError) and found.present == found.artifacts:
            self._nothing_to_send = found.artifacts
        self.refresh_frame()

    def begin_checks(self) -> None:
        """Only before the start: later the import itself tells."""
        if not self.session.job:
            super().begin_checks()

    # --- what is seen -----------------------------------------------------------------------

    def job_seen(self, event: JobSeen) -> None:
        """Draw a look at the job."""
        sight = event.sight
        before, self.standing = self.standing, sight.standing
        self.summary = sight.summary
        if sight.summary:
            pane = self.query_one(ArtifactPane)
            pane.show(sight)
            self.query_one(Totals).show(sight.summary, sight.standing.stand)
            jobs = sight.summary.jobs or self.session.answers.transfer.jobs
            self.query_one(SendingNow).show(sight.slots, jobs)
            if sight.events:
                self.query_one(EventLog).take(sight.events, pane.list.name_of)
            self.query_one(ErrorGroups).show(sight.troubles, sight.summary.error)
            self._count_errors(sight)
        self._show_face()
        self._ended(before, sight.standing)
        self.refresh_frame()

    def _ended(self, before: Standing | None, now: Standing) -> None:
        """What has ended under these eyes leads on; a look at an old import does not."""
        if (before is None and not self._began) or (before and before.stand == now.stand):
            return
        if now.stand is Stand.DONE:
            self.wizard.open_step(10)
        elif now.stand in (Stand.FAILED, Stand.BROKEN):
            self._show_tab(2)

    def _show_face(self) -> None:
        watching = self.session.job is not None
        self.query_one("#before").display = not watching
        self.query_one("#panes").display = watching
        ended = bool(self.standing and not self.standing.stand.lives)
        self.query_one("#sending-now").display = watching and not ended
        said = Content(self.COME_BACK if ended else self.SUBTITLE)
        self.query_one("#subtitle", Line).update(said, layout=False)
        if watching and self.focused is None:
            self.query_one(ArtifactList).focus()

    def _count_errors(self, sight: Sight) -> None:
        failed = sum(len(one.items) for one in sight.troubles)
        broken = bool(sight.summary and sight.summary.error)
        sign = "✗ " if failed or broken else ""
        name = f"{sign}Errors ({failed})"
        self.query_one(TabLine).name_tab(2, name, alarming=bool(sign))

    # --- the frame --------------------------------------------------------------------------

    def title_words(self) -> Content:
        """`Import   to harbor.site-a.example:443/eks-a`."""
        address = self.session.answers.registry.address
        return Content.assemble(
            Content.styled("Import", "bold"), Content.styled(f"   to {address}", "$ink2")
        )

    def state(self) -> Content:
        """`◐ running   00:02:38`."""
        now = self.standing
        if self._starting:
            return state_text("running", "starting")
        if not self.session.job:
            return Content.styled("ready", "$ink2")
        if now is None:
            return state_text("running", "running  reading the state")
        words = state_text(GLYPHS[now.stand], label(now))
        return Content.assemble(words, f"   {_clock(now.seconds)}") if now.seconds else words

    def sentence(self) -> str:
        """What matters most at this moment."""
        if not self.session.job:
            count = self._nothing_to_send
            there = f"All {count} are in the registry already." if count else ""
            return self._cannot_start() or there or "Nothing has been sent yet."
        now = self.standing
        if now is None:
            return "Reading the state."
        if now.stand is Stand.RUNNING and not self.wide:
            return "It goes on when you close this terminal."
        return sentence(now, self.summary)

    def _cannot_start(self) -> str:
        if self._starting or not self.board:
            return ""
        for row in self.board.rows.values():
            if row.state == "fail":
                text = f"Cannot start: {row.check.title.lower()}: {row.findings[0].seen}"
                return text if self.wide else f"Cannot start: see {row.check.title}."
        return ""

    def primary(self) -> tuple[str, bool]:
        """Start, pause, go on, resume, try again, or Continue."""
        if not self.session.job:
            label = "Verify them ›" if self._nothing_to_send else "Start the import ›"
            return label, not (self._starting or self._cannot_start())
        return primary_of(self.standing)

    def keys(self) -> Sequence[Key]:
        """As the state has them."""
        return keys_of(self.standing) if self.session.job else keys_before()

    def _works(self) -> bool:
        return bool(self.session.job and self.standing and self.standing.stand.lives)

    # --- keys -------------------------------------------------------------------------------

    def action_go_on(self) -> None:
        """What the primary button says."""
        now = self.standing
        if not self.session.job:
            if why := self._cannot_start():
                self.tell(why)
            else:
                self._start()
        elif now is None:
            return
        elif now.stand in (Stand.RUNNING, Stand.STALLED, Stand.PAUSED):
            self.action_pause()
        elif now.stand is Stand.DONE:
            self.wizard.open_step(10)
        elif now.stand is not Stand.VERIFYING:
            self._start()

    def action_again(self) -> None:
        """The failed artifacts, or whatever is left; before the start, the checks."""
        if not self.session.job:
            super().action_again()
        elif self.standing and not self.standing.stand.lives:
            self._start()

    def action_pause(self) -> None:
        """Finish the chunks in flight and wait; or go on."""
        job = self.session.job
        if job and self._works():
            paused = bool(self.standing and self.standing.stand is Stand.PAUSED)
            change_controls(job, paused=not paused)
            self.tell("It goes on." if paused else "Pausing: what is in flight is finished first.")

    def action_stop(self) -> None:
        """Ask, then end cleanly."""
        job = self.session.job
        if not job or not self._works():
            return

        def answered(label: str | None) -> None:
            if label == "Stop it":
                ask_to_stop(job)
                self.tell("Stopping: what is in flight is finished first.")

        self.app.push_screen(
            Dialog(
                "Stop the import?",
                "What has been sent stays in the registry. You can resume later from Start; "
                "only the rest is sent.",
                ("Keep running", "Stop it"),
            ),
            answered,
        )

    def action_workers(self) -> None:
        """Ask for 1 to 16 uploads at a time; it takes effect at once."""
        from tui.screens.workers import WorkersDialog  # noqa: PLC0415 - opened on a key

        transfer = self.session.answers.transfer
        job = self.session.job
        controls = read_controls(job) if job else None

        def answered(chosen: tuple[int, int] | None) -> None:
            if chosen is None:
                return
            self.session.put("transfer", "jobs", chosen[0])
            self.session.put("transfer", "limit_rate", chosen[1])
            self.wizard.answers_changed()
            if job:
                change_controls(job, jobs=chosen[0], limit_rate=chosen[1])
            self.query_one(SendingPlan).show_workers(self.session)
            self.tell(f"{plural(chosen[0], 'upload')} at a time.")

        now = controls or transfer
        self.app.push_screen(WorkersDialog(now.jobs, now.limit_rate), answered)

    def action_filter(self) -> None:
        """The next filter."""
        self._show_tab(0)
        self.query_one(ArtifactPane).next_filter()

    def action_find(self) -> None:
        """Type a part of a name."""
        self._show_tab(0)
        self.query_one(ArtifactPane).find()

    def action_back(self) -> None:
        """Ends a search; else to Review, and the import goes on."""
        if not self.query_one(ArtifactPane).end_find():
            super().action_back()

    def action_tab(self, number: int) -> None:
        """Show another pane."""
        if self.session.job:
            self._show_tab(number)

    def on_tab_line_chosen(self, event: TabLine.Chosen) -> None:
        """The same by arrows or mouse."""
        self._show_tab(event.number)

    def _show_tab(self, number: int) -> None:
        self._tab = number
        self.query_one(TabLine).choose(number)
        for one in range(3):
            self.query_one(f"#tab-{one}").display = one == number
        if self.session.job:
            widgets = (ArtifactList, EventLog, ErrorGroups)
            self.query_one(widgets[number]).focus()

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """All about one artifact."""
        if self.session.job and isinstance(event.rows, ArtifactList):
            from tui.screens.artifact import ArtifactPage  # noqa: PLC0415 - opened on a key

            self.app.push_screen(ArtifactPage(self.session.job, event.key))

    def action_copy(self) -> None:
        """The command of the gravest group of errors."""
        troubles = self.query_one(ErrorGroups).troubles
        texts = [one.command or one.mend for one in troubles]
        if texts:
            self.wizard.copy(texts[0])
        else:
            super().action_copy()

    def action_report(self) -> None:
        """Where the report is, with its text."""
        job = self.session.job
        if job and job.report("md").exists():
            self.wizard.show_report(job)
        else:
            self.tell("The report is written at the end.")

    # --- the start --------------------------------------------------------------------------

    def _start(self) -> None:
        if self._starting:
            return
        self._starting = True
        self.refresh_frame()
        session, post = self.session, self.app.post_message
        answers = session.answers

        def work() -> None:
            try:
                login = session.login_for_import()
                orders = Orders(login, written_over=session.setup.written_over)
                job = start(answers, orders)
            except EksaMirrorError as error:
                post(JobFailedToStart(error))
            else:
                post(JobStarted(job))

        self.run_worker(work, thread=True, group="start", exit_on_error=True)

    def started(self) -> None:
        """The worker is at work."""
        self._starting, self._began = False, True
        self.standing = None
        self._show_face()
        self._show_tab(0)
        self.refresh_frame()

    def not_started(self, error: EksaMirrorError) -> None:
        """It could not begin: why, and what mends it, stays until a key is pressed."""
        self._starting = False
        self.refresh_frame()
        text = "\n\n".join(plain(one) for one in (error.message, error.cause, error.mend) if one)
        self.app.push_screen(Dialog("The import could not start", text, ("Go back",)))


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole % 3600 // 60:02}:{whole % 60:02}"
