"""Step 8: read everything once, write the files, keep the commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message

from core.checks.finding import State
from core.checks.open_points import OpenPoint, open_points
from core.errors import Code, EksaMirrorError, MachineError
from core.host.as_root import run_as_root
from core.host.trust_script import shell_script
from core.registry.credentials import Credentials
from core.transfer.site import Site, plan_site, write_trust_script
from tui.lacking import first_lacking
from tui.screens.compressing import OffersCompression
from tui.screens.dialogs import Dialog
from tui.screens.framed import AGAIN, BACK, COPY, HELP, QUIT, STEPS
from tui.screens.text_page import TextPage
from tui.site_writing import LOGIN, Outcome, write_site
from tui.steps import NAMES
from tui.widgets.fragment_view import FragmentView
from tui.widgets.frame import Key
from tui.widgets.heading import Heading
from tui.widgets.next_import import NextImport
from tui.widgets.pick_list import PickList
from tui.widgets.review_lines import command_picks, file_picks, files_meta, point_picks
from tui.widgets.tabs import TabLine
from tui.words import plural, tell

_STEPS_OF_CODES = {
    Code.ENDPOINT_INVALID: 2,
    Code.BAD_USAGE: 2,
    Code.CA_FILE_INVALID: 3,
}
_OVERWRITE = "Overwrite"


class ReviewScreen(OffersCompression):
    """Fragment, open points, files, commands; beside each other, or as four tabs."""

    STEP = 8
    AUTO_FOCUS = "#primary"
    SUBTITLE = "Read it once more. The import starts only when you say so, on the next screen."

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(str(number + 1), f"tab({number})", show=False) for number in range(4)
    ]

    @dataclass
    class Planned(Message):
        """The files were looked at, or cannot be planned."""

        found: Site | EksaMirrorError
        credentials: Credentials | None
        write: bool

    @dataclass
    class Told(Message):
        """What became of a file."""

        path: str
        outcome: Outcome

    @dataclass
    class Ended(Message):
        """All was tried."""

        whole: bool

    def __init__(self) -> None:
        super().__init__()
        self.site: Site | None = None
        self.trouble: EksaMirrorError | None = None
        self.outcomes: dict[str, Outcome] = {}
        self._credentials: Credentials | None = None
        self._writing = False
        self._points: tuple[OpenPoint, ...] = ()
        self._folder = Path.cwd()

    def compose_page(self) -> ComposeResult:
        """Four panes."""
        yield TabLine(("Fragment", "Files", "Open points", "Commands"), id="review-tabs")
        with Horizontal(id="review-top"):
            with Vertical(id="pane-0", classes="review-pane"):
                yield Heading("Spec fragment")
                yield FragmentView(id="fragment")
            with Vertical(id="pane-2", classes="review-pane"):
                yield Heading("Open points", id="points-heading")
                yield PickList(id="points", empty="No open points.")
                yield from self.compose_next()
        with Vertical(id="pane-1", classes="review-pane"):
            yield Heading("Files to write", id="files-heading")
            yield PickList(id="files", empty="reading the files")
        with Vertical(id="pane-3", classes="review-pane"):
            yield Heading("The same without the wizard", id="commands-heading")
            yield PickList(id="commands", empty="none yet")

    def on_mount(self) -> None:
        """All files are read again, and what was never checked is checked."""
        self._show_tab(0)
        self.plan()
        if not first_lacking(self.session):
            self.query_one(NextImport).look(self.session)

    # --- looking at the files ---------------------------------------------------------------

    def plan(self, *, write: bool = False) -> None:
        """Look at all files in a thread.

        Args:
            write: write them right after, without a question.
        """
        self.site, self.trouble, self.outcomes = None, None, {}
        session, folder = self.session, self._folder
        answers, password = session.answers, session.password

        def work() -> None:
            credentials = None
            found: Site | EksaMirrorError
            try:
                credentials = session.login(answers, password)
                found = plan_site(answers, credentials, folder)
            except EksaMirrorError as error:
                found = error
            self.post_message(self.Planned(found, credentials, write))

        if not first_lacking(self.session):
            self.run_worker(work, thread=True, group="site", exclusive=True)
        self.refresh_frame()

    def on_review_screen_planned(self, event: Planned) -> None:
        """Draw it."""
        self._credentials = event.credentials
        if isinstance(event.found, EksaMirrorError):
            self.trouble = event.found
        else:
            self.site = event.found
            if not self._is_open():
                self.session.setup.written = True
                self.wizard.answers_changed()
        self.refresh_frame()
        if event.write and self.site:
            self._write()

    def _is_open(self) -> bool:
        """Whether anything is left to write."""
        site = self.site
        if site is None:
            return True
        # A login that was tried does not hold anybody: the import needs no docker.
        login = bool(site.docker_user and not site.logged_in and LOGIN not in self.outcomes)
        return login or self._left() > 0

    def _left(self) -> int:
        """How many files are left to write."""
        done = {path for path, one in self.outcomes.items() if one.state != "failed"}
        return sum(1 for one in self.site.to_write if str(one.path) not in done) if self.site else 0

    # --- the frame --------------------------------------------------------------------------

    def refresh_frame(self) -> None:
        """Whatever a check of another step finds shows here, too."""
        if self.framed:
            self._draw()
            self._check_next()
            super().refresh_frame()
            self.call_after_refresh(self._tell_more)

    def _draw(self) -> None:
        found = {NAMES[step - 1]: self.session.findings(step) for step in range(1, 8)}
        judged = self.site.settled.findings if self.site else ()
        self._points = open_points(found, judged, self.session.answers)
        running = any(board.running for step, board in self.session.boards.items() if step < 8)
        meta = "checking" if running else ""
        self.query_one("#points-heading", Heading).show(meta=meta)
        self.query_one("#points", PickList).put(
            point_picks(self._points), "Checking." if running else "No open points."
        )
        site, fragment = self.site, self.query_one(FragmentView)
        fragment.show(site.fragment if site else "# not known yet")
        files = file_picks(site, self.outcomes, self._folder) if site else []
        lacking = first_lacking(self.session)
        waits = f"after step {lacking[0]}" if lacking else "reading the files"
        empty = self.trouble.message if self.trouble else waits
        self.query_one("#files", PickList).put(files, empty)
        self.query_one("#files-heading", Heading).show(
            meta=files_meta(site, self.outcomes, self._folder) if site else ""
        )
        undo = [one.undo for one in self.outcomes.values() if one.undo]
        commands = command_picks(site.commands, undo) if site else []
        self.query_one("#commands", PickList).put(commands)
        copies = "y copies" if self.app.has_class("-basic") else "F7 copies"
        self.query_one("#commands-heading", Heading).show(meta=copies)
        tabs = self.query_one(TabLine)
        tabs.name_tab(1, f"Files ({len(site.files)})" if site else "Files")
        failing = any(one.state is State.FAIL for one in self._points)
        tabs.name_tab(2, f"Open points ({len(self._points)})", alarming=failing)

    def _check_next(self) -> None:
        """What was never looked at in this session is looked at now, one step after the other."""
        boards = [board for step, board in self.session.boards.items() if step < 8]
        if any(board.running for board in boards):
            return
        for board in boards:
            if board.began is None and not self.session.invalid(board.step):
                board.start()
                return

    def sentence(self) -> str:
        """What keeps the files from being written, or what became of them."""
        lacking = first_lacking(self.session)
        if lacking:
            return f"Step {lacking[0]}: {lacking[1]}"
        if self.trouble:
            return f"The files cannot be made: see {'below' if self.wide else '2'}."
        if self.site is None or self._writing:
            return "Writing." if self._writing else "Reading the files."
        return self._outcome_words(self.site)

    def _outcome_words(self, site: Site) -> str:
        files = plural(len(site.files), "file")
        failed = [path for path, one in self.outcomes.items() if one.state == "failed"]
        if failed == [LOGIN]:
            return "Docker is not logged in. You can go on."
        if failed:
            those = "it" if len(failed) == 1 else "them"
            return f"{len(failed)} of {len(site.files)} not written. Fix {those} and try again."
        if self._is_open():
            there = len(site.files) - self._left()
            return f"{there} of {files} are there." if there else self.unwritten_words()
        left = next((one for one in self.outcomes.values() if one.state == "needed"), None)
        if left:
            return f"Left to you: {left.told}"
        if self.outcomes:  # what was written in this visit
            return f"{len(self.outcomes)} written. Undo: see the commands."
        return f"Nothing to write: all {files} are the same."

    def primary(self) -> tuple[str, bool]:
        """Write, or go on."""
        if first_lacking(self.session) or self.trouble:
            return "Write the files ›", False
        if self.site is None or self._writing:
            return "Write the files ›", False
        if not self._is_open():
            return "Go to the import ›", True
        return (f"Write {plural(n, 'file')} ›" if (n := self._left()) else "Log docker in ›"), True

    def keys(self) -> Sequence[Key]:
        """F8 writes."""
        going = bool(self.site) and not self._is_open()
        write = Key("F8", "n", "Import" if going else "Write", "go_on", 7)
        return (BACK, HELP, STEPS, AGAIN, COPY, *self.offer_keys(), write, QUIT)

    # --- writing ----------------------------------------------------------------------------

    def action_go_on(self) -> None:
        """Write, after a question where a check fails; then to the import."""
        lacking = first_lacking(self.session)
        if lacking:
            self.wizard.open_step(lacking[0])
        elif self.trouble:
            self.wizard.open_step(_STEPS_OF_CODES.get(self.trouble.code, 1))
        elif self.site and not self._writing:
            if not self._is_open():
                self.wizard.open_step(9)
                return
            failing = [one for one in self._points if one.state is State.FAIL]
            if failing:
                self._ask(failing)
            else:
                self._write()

    def _ask(self, failing: Sequence[OpenPoint]) -> None:
        def answered(label: str | None) -> None:
            if label == "Write anyway":
                self._write()

        first = failing[0]
        self.app.push_screen(
            Dialog(
                f"Write with {plural(len(failing), 'open problem')}?",
                f"{first.group}: {first.text}. The files are only text; you can correct and "
                "write again.",
                ("Go back", "Write anyway"),
            ),
            answered,
        )

    def _write(self) -> None:
        site, credentials = self.site, self._credentials
        assert site  # noqa: S101 - the button does nothing before
        failing = [one.sentence for one in self._points if one.state is State.FAIL]
        setup = self.session.setup
        setup.written_over = tuple(failing)
        self._writing, self.outcomes = True, {}
        rooted = self._with_root_rights(site)

        def told(path: str, outcome: Outcome) -> None:
            self.post_message(self.Told(path, outcome))

        def work() -> None:
            whole = write_site(site, credentials, rooted, told)
            setup.written = whole
            self.post_message(self.Ended(whole))

        self.run_worker(work, thread=True, group="writing")
        self.refresh_frame()

    def _with_root_rights(self, site: Site) -> Outcome | None:
        """Step aside for sudo; without it, leave a script. None where no rights are needed."""
        if not site.trust or not site.trust.needs_root or site.trust.is_settled:
            return None
        try:
            with self.app.suspend():
                tell("sudo is asked for: install ca.crt for docker")
                run_as_root(shell_script(site.trust))
            return Outcome("written")
        except (MachineError, SuspendNotSupported):
            pass
        try:
            return Outcome("needed", f"sudo sh {write_trust_script(site).name}")
        except MachineError as error:
            return Outcome("failed", error.message)

    def on_review_screen_told(self, event: Told) -> None:
        """A line turns."""
        self.outcomes[event.path] = event.outcome
        self.refresh_frame()

    def on_review_screen_ended(self, event: Ended) -> None:
        """All was tried."""
        self._writing = False
        self.wizard.answers_changed()
        changed = next((path for path, one in self.outcomes.items() if one.changed), "")
        self.refresh_frame()
        if not event.whole and changed:
            self._tell_changed(Path(changed).name)

    def _tell_changed(self, name: str) -> None:
        def answered(label: str | None) -> None:
            if label != "Cancel":
                self.plan(write=label == _OVERWRITE)

        buttons = ("Read it again", _OVERWRITE, "Cancel")
        text = "It was changed after this step read it."
        self.app.push_screen(Dialog(f"{name} has changed", text, buttons), answered)

    # --- keys -------------------------------------------------------------------------------

    def action_again(self) -> None:
        """Read the files again, and check again what did not pass."""
        for step, board in self.session.boards.items():
            failed = [name for name, row in board.rows.items() if row.state in ("fail", "warn")]
            if step < 8 and failed and not self.session.invalid(step):
                board.start(failed)
        self.plan()

    def action_copy(self) -> None:
        """Copy the selected command; from elsewhere, the one selected in its list."""
        focused = self.focused if isinstance(self.focused, PickList) else None
        current = focused.current if focused else None
        if current is None or not current.copy:
            current = self.query_one("#commands", PickList).current
        if current and current.copy:
            self.wizard.copy(current.copy)
        else:
            self.tell("Nothing to copy here.")

    def action_tab(self, number: int) -> None:
        """Open a pane of a narrow window; in a wide one, put the focus there."""
        self._show_tab(number)
        self.query_one(("#fragment", "#files", "#points", "#commands")[number]).focus()

    def on_tab_line_chosen(self, event: TabLine.Chosen) -> None:
        """The same by arrows or mouse."""
        self._show_tab(event.number)

    def _show_tab(self, number: int) -> None:
        self.query_one(TabLine).choose(number)
        for pane in range(4):
            self.query_one(f"#pane-{pane}").set_class(pane == number, "-open")
        self.query_one("#page").scroll_home(animate=False)
        self.call_after_refresh(self._tell_more)

    def on_pick_list_chosen(self, event: PickList.Chosen) -> None:
        """Open what was chosen: a step, a file, a command to copy."""
        name, index = event.picks.id, event.index
        if name == "points":
            self.wizard.open_step(NAMES.index(self._points[index].group) + 1)
        elif name == "commands":
            self.action_copy()
        elif self.site and index < len(self.site.files):
            file = self.site.files[index]
            self.app.push_screen(TextPage(str(file.path), file.shown()))
