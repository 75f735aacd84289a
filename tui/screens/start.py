"""Step 0: go on, watch an import, begin anew, or begin from the answers of another site."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.widgets import Static

from core.answers import AdminMachineAnswers, Answers, ArtifactAnswers
from core.answers.setups import begin_setup
from core.checks.finding import Finding, State
from core.errors import EksaMirrorError
from core.transfer.job import jobs_folder
from core.units import size
from tui.glyphs import glyph, state_text
from tui.screens.dialogs import Dialog
from tui.session import home
from tui.staged import StagedScreen
from tui.start_entries import LOAD, NEW, PREPARE, Offer, Opened, offer
from tui.widgets.drawn import Drawn
from tui.widgets.frame import FooterLine, HeaderLine, Key, TooSmall
from tui.widgets.menu import Menu
from tui.widgets.review_lines import cut_path
from tui.words import plain, plural

if TYPE_CHECKING:
    from core.archive.at_hand import AtHand
    from core.fetch.preparation import Errand

LOOK_SECONDS = 5.0
"""How often imports and saved answers are read again."""

_TITLE = "Set up a private registry as your EKS Anywhere mirror"
_SUBTITLE = "Eight short steps, then the import. Nothing is written before step 8."
_LINES_BESIDE_MENU, _LINES_BESIDE_MENU_TALL = 15, 22
_COLUMN = 28
_KEYS = (
    Key("Up/Down", "", "Move", "", 8),
    Key("Enter", "", "Choose", "", 9),
    Key("F1", "?", "Help", "help", 9),
    Key("F10", "q", "Quit", "app.leave", 10),
)


class _KeepOld(Dialog):
    """Another set-up while one is open: Enter begins it, Esc leaves all as it is."""

    def action_safe(self) -> None:
        """Esc: nothing changes."""
        self.dismiss("Cancel")


class StartScreen(StagedScreen):
    """The menu, what to have at hand, and what this machine is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f10,q", "app.leave", show=False),
        Binding("ctrl+c", "app.leave", show=False, priority=True),
        Binding("f1,question_mark", "help", show=False),
        Binding("f5,r", "again", show=False),
    ]

    @dataclass
    class Looked(Message):
        """The menu was read again."""

        offer: Offer

    @dataclass
    class Found(Message):
        """The search for files has ended."""

        at_hand: "AtHand"

    @dataclass
    class Glanced(Message):
        """Something of this machine is known."""

        docker: Finding | None = None
        disk: Finding | None = None

    @dataclass
    class Ready(Message):
        """An entry was opened."""

        opened: Opened

    @dataclass
    class Refused(Message):
        """It could not be."""

        why: str

    def __init__(self) -> None:
        super().__init__()
        self._offer: Offer | None = None
        self._at_hand: AtHand | None = None
        self._places = 0
        self._machine = self.Glanced()
        self._told = ""

    def compose(self) -> ComposeResult:
        """One column without a rail."""
        yield HeaderLine(id="header")
        with Vertical(id="start"):
            yield Static(Content.styled(_TITLE, "bold"), id="start-title")
            yield Static(Content(_SUBTITLE), id="start-subtitle")
            yield Menu(id="menu")
            yield Drawn(id="at-hand")
            yield Drawn(id="machine")
            yield Static("", id="start-told")
        yield FooterLine(id="footer")
        yield TooSmall()

    def on_mount(self) -> None:
        """Look, search and ask docker, all in the background."""
        self.query_one(Menu).focus()
        self.query_one(HeaderLine).show("", Content(f"version {self.wizard.version}"))
        self.query_one(FooterLine).show(_KEYS)
        self.set_interval(LOOK_SECONDS, self._look)
        self._look()
        self.action_again()

    def on_resize(self, event: Resize) -> None:
        """The menu gets the room that is left."""
        menu = self.query_one(Menu)
        menu.room = max(2, event.size.height - self._lines_beside_menu)
        menu.refresh(layout=True)
        self.query_one(FooterLine).show(_KEYS)
        self.call_after_refresh(self._draw)

    @property
    def _roomy(self) -> bool:
        width, height = self.app.size
        return width >= 100 and height >= 36

    @property
    def _lines_beside_menu(self) -> int:
        return _LINES_BESIDE_MENU_TALL if self._roomy else _LINES_BESIDE_MENU

    # --- what threads do --------------------------------------------------------------------

    def _look(self) -> None:
        root, saver = self.wizard.session.root, self.wizard.saver

        def work() -> None:
            saver.finish()  # what was just left belongs into the menu
            self.post_message(self.Looked(offer(root)))

        self._in_thread("look", work)

    def action_again(self) -> None:
        """Search for the files, and ask this machine, once more."""
        self._at_hand, self._machine = None, self.Glanced()
        from core.archive.at_hand import (  # noqa: PLC0415 - the menu does not wait for it
            look_for,
            places_to_look,
            removable_media,
        )

        places = places_to_look(Path.cwd(), removable_media())
        self._places = len(places)
        self._in_thread("search", lambda: self.post_message(self.Found(look_for(places))))
        self._in_thread("machine", self._glance)
        self._draw()

    def _glance(self) -> None:
        from core.checks import glance  # noqa: PLC0415 - the menu does not wait for it

        self.post_message(self.Glanced(disk=glance.glance_at_disk(jobs_folder())))
        self.post_message(self.Glanced(docker=glance.glance_at_docker()))

    def _in_thread(self, group: str, work: Callable[[], object]) -> None:
        self.run_worker(work, thread=True, exclusive=True, group=group)

    def on_start_screen_looked(self, event: Looked) -> None:
        """Show the menu as it is now."""
        self._offer = event.offer
        self.query_one(Menu).put(event.offer.entries, self.wizard.session.came_from)

    def on_start_screen_found(self, event: Found) -> None:
        """Show what lies there."""
        self._at_hand = event.at_hand
        self._draw()

    def on_start_screen_glanced(self, event: Glanced) -> None:
        """Show what is known of the machine."""
        self._machine = self.Glanced(
            event.docker or self._machine.docker, event.disk or self._machine.disk
        )
        self._draw()

    # --- drawing ----------------------------------------------------------------------------

    def _draw(self) -> None:
        if not (self.is_mounted and self.display):
            return
        self.query_one("#at-hand", Drawn).show(self._at_hand_lines)
        self.query_one("#machine", Drawn).show(self._machine_lines)
        self.query_one("#start-told", Static).update(
            Content.styled(f"✗ {self._told}", "$fail") if self._told else Content("")
        )

    def _at_hand_lines(self, width: int) -> list[Content]:
        found = self._at_hand
        archive = found.archive if found else None
        manifest = found.bundles if found else None
        after = f", {size(found.size)}" if found else ""
        made = "made by “eksctl anywhere download {}”".format
        return [
            Content.styled("Have these at hand", "bold"),
            self._file_line("Images tarball", archive, after, made("images"), width),
            self._file_line("Bundle manifest", manifest, "", made("artifacts"), width),
            _line("CA certificate", "needed", "the one that signed the registry's certificate"),
            _line("Registry login", "needed", "a user or robot account that may push and pull"),
        ]

    def _file_line(
        self, label: str, path: Path | None, after: str, else_: str, width: int
    ) -> Content:
        if self._at_hand is None:
            return _line(label, "running", f"looking in {plural(self._places, 'place')}")
        if path is None:
            return _line(label, "needed", else_)
        room = width - _COLUMN - len(after)
        return _line(label, "found", cut_path(plain(home(path)), room) + after)

    def _machine_lines(self, width: int) -> list[Content]:
        del width  # it fits in any window
        docker, disk = self._machine.docker, self._machine.disk
        if not self._roomy:
            version = docker.seen.partition(",")[0] if docker else "asking docker"
            told = f"docker {version}" if docker and docker.state is State.PASS else version
            free = f"{disk.seen.partition('. ')[0].removesuffix(' free')} free" if disk else "disk"
            return [
                Content.assemble(
                    f"{'This machine':<17}",
                    *(glyph(_state(docker)), f" {told}  "),
                    *(glyph(_state(disk)), f" {free}  "),
                    *(glyph("pass"), f" {self._terminal(short=True)}"),
                ),
            ]
        return [
            Content.styled("This machine", "bold"),
            _line("Docker", _state(docker), docker.seen if docker else "asking docker"),
            _line("Free disk", _state(disk), disk.seen if disk else "asking"),
            _line("Terminal", "pass", self._terminal()),
        ]

    def _terminal(self, *, short: bool = False) -> str:
        look, (width, height) = self.wizard.look, self.app.size
        drawn = "no colours" if look.colourless else "colour"
        kind = "basic terminal" if look.basic else drawn
        return kind if short else f"{width} x {height}, {kind}{'' if look.basic else ', Unicode'}"

    def _tell(self, text: str) -> None:
        self._told = plain(text)
        self._draw()

    # --- what is chosen ---------------------------------------------------------------------

    def on_menu_chosen(self, event: Menu.Chosen) -> None:
        """Open the entry."""
        key, session = event.entry.key, self.wizard.session
        errands = self._offer.errands if self._offer else {}
        session.came_from = key if key == PREPARE or key in errands else ""
        self._tell("")
        if key == NEW:
            self._ask_for_new()
        elif key == LOAD:
            self._load()
        elif key == PREPARE:
            from tui.screens.prepare import PrepareScreen  # noqa: PLC0415 - opened on a choice

            self.wizard.stage.show(PrepareScreen())
        elif key in errands:
            self._watch_download(errands[key])
        elif key == f"setup {session.setup.name}":
            self.wizard.open_step(session.setup.step)
        elif self._offer and key in self._offer.doors:
            door = self._offer.doors[key]
            self._in_thread("open", lambda: self._open(door))

    def _watch_download(self, errand: "Errand") -> None:
        from tui.screens.prepare_progress import PrepareProgress  # noqa: PLC0415 - on a choice

        self.wizard.stage.show(PrepareProgress(errand))

    def _open(self, door: Callable[[], Opened]) -> None:
        try:
            opened = door()
        except EksaMirrorError as error:
            self.post_message(self.Refused(error.message))
        except OSError as error:
            self.post_message(self.Refused(f"It cannot be read: {error.strerror}"))
        else:
            self.post_message(self.Ready(opened))

    def on_start_screen_ready(self, event: Ready) -> None:
        """Go there."""
        self.wizard.begin(event.opened.setup, event.opened.step, event.opened.job)

    def on_start_screen_refused(self, event: Refused) -> None:
        """Say why not."""
        self._tell(event.why)

    def _ask_for_new(self) -> None:
        site = self.wizard.session.site
        if not site:
            self._begin(self._found_answers())
            return

        def answered(answer: str | None) -> None:
            if answer == "Start another":
                self._begin(self._found_answers())

        text = "Its answers stay saved under that name."
        self.app.push_screen(
            _KeepOld(f"Keep “{site}”?", text, ("Start another", "Cancel")), answered
        )

    def _load(self) -> None:
        from tui.screens.load_answers import LoadAnswers  # noqa: PLC0415 - opened on a choice

        def loaded(answers: Answers | None) -> None:
            if answers:
                self._begin(answers)

        self.app.push_screen(LoadAnswers(), loaded)

    def _begin(self, answers: Answers) -> None:
        self.wizard.saver.finish()  # an unnamed one of before is replaced
        self.wizard.begin(begin_setup(self.wizard.session.root, answers), 1)

    def _found_answers(self) -> Answers:
        """Answers of a new set-up: the files that were found, and what most machines need."""
        found = self._at_hand
        values = {"archive": found.archive, "bundles": found.bundles} if found else {}
        given = {name: path for name, path in values.items() if path}
        return Answers(
            artifacts=ArtifactAnswers.model_validate(given),
            admin_machine=AdminMachineAnswers(trust_ca=True, docker_login=True),
        )

    def action_help(self) -> None:
        """Explain this page."""
        self.wizard.explain(0)


def _line(label: str, state: str, words: str) -> Content:
    told = state_text(state, width=11)
    return Content.assemble(f"{label:<17}", told, Content.styled(plain(words), "$ink2"))


def _state(finding: Finding | None) -> str:
    if finding is None:
        return "running"
    return "pass" if finding.state is State.PASS else "warn"
