"""The connected side, under way: totals, what is fetched now, panes; at the end what to carry."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from core.errors import EksaMirrorError
from core.fetch.picture import Picture, look_at, read_names
from core.fetch.preparation import MANIFESTS_FILE, Errand, Preparation, import_command
from core.fetch.worker import start
from core.transfer.standing import Stand
from core.transfer.states import JobState
from core.transfer.stopping import ask_to_stop
from core.units import part_of, size, time_left
from tui.aside import aside
from tui.follower import LOOKS_A_SECOND
from tui.glyphs import state_text
from tui.prepare_form import fields_of
from tui.screens.dialogs import Dialog
from tui.screens.framed import BACK, COPY, HELP
from tui.screens.prepare_frame import PrepareFrame
from tui.session import home
from tui.standing_words import GLYPHS
from tui.widgets.download_panes import DownloadPanes, grouped
from tui.widgets.drawn import Drawn
from tui.widgets.frame import Key
from tui.widgets.heading import Heading
from tui.widgets.line import Line
from tui.widgets.review_lines import cut_path
from tui.widgets.strip import command_strip
from tui.widgets.totals import SendingNow, Totals
from tui.words import plain, plural

_FIRST_SECONDS = 10.0
"""For so long the rate says too little to tell the time that is left."""

_ENDS = (Stand.FAILED, Stand.BROKEN, Stand.STOPPED, Stand.CUT_OFF, Stand.READY)


class PrepareProgress(PrepareFrame):
    """Watches one download; it goes on when the screen is left.

    Args:
        errand: the download.
    """

    TITLE_WORDS = "Prepare on a connected machine"
    COME_BACK = "To come back: eksa-mirror"
    SUBTITLE = f"It goes on when you close this terminal. {COME_BACK}"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "stop", show=False),
        Binding("l", "leave_out", show=False),
        Binding("x", "anew", show=False),
        Binding("c", "change", show=False),
        Binding("f7,y", "copy", show=False),
        *(Binding(str(n + 1), f"tab({n})", show=False) for n in range(3)),
    ]

    @dataclass
    class Seen(Message):
        """A look at the download."""

        stand: Stand
        picture: Picture | None
        preparation: Preparation | None
        names: tuple[str, ...] = ()
        error: EksaMirrorError | None = None

    @dataclass
    class Started(Message):
        """The worker began again, or did not."""

        error: EksaMirrorError | None = None

    def __init__(self, errand: Errand) -> None:
        super().__init__()
        self.errand = errand
        self.seen: PrepareProgress.Seen | None = None
        self._looking = self._starting = False

    def compose_page(self) -> ComposeResult:
        """Totals, what is fetched now, and below it what to carry, and the panes."""
        with Vertical(id="panes"):
            yield Totals(id="totals")
            yield SendingNow(id="sending-now", title="Fetching now", changes="")
            yield Heading("Carry these across the air gap", "F7 copies", id="carry-heading")
            yield Drawn(id="carry")
            yield DownloadPanes(id="download-panes")

    def on_mount(self) -> None:
        """Look from now on."""
        basic = self.app.has_class("-basic")
        if basic:
            self.query_one("#carry-heading", Heading).show(meta="y shows the command alone")
        self.set_interval(1.0 if basic else 1 / LOOKS_A_SECOND, self._look)
        self.session.came_from = f"download {self.errand.name}"
        self._draw()
        self._look()

    def _look(self) -> None:
        if not self._looking:
            self._looking = True
            aside(self, self._look_aside)

    def _look_aside(self) -> None:
        try:
            stand, picture = look_at(self.errand)
            preparation = self.errand.preparation()
            names = self._names_of(picture) if picture else ()
        except EksaMirrorError as error:
            self.post_message(self.Seen(Stand.BROKEN, None, None, error=error))
        else:
            self.post_message(self.Seen(stand, picture, preparation, names))

    def _names_of(self, picture: Picture) -> tuple[str, ...]:
        """Read only where they are others than at the last look."""
        seen = self.seen
        if seen and seen.names and seen.picture and seen.picture.names == picture.names:
            return seen.names
        return read_names(self.errand, picture.names)

    def on_prepare_progress_seen(self, event: Seen) -> None:
        """Draw it."""
        self._looking = False
        before, self.seen = self.seen, event
        self._draw()
        if self.framed and (before is None or before.stand is not event.stand):
            self._open_pane(event.stand)

    def _open_pane(self, stand: Stand) -> None:
        """What matters: errors where there are some; at the end what to carry, which is above."""
        done = stand is Stand.DONE
        failed = stand in (Stand.FAILED, Stand.BROKEN)
        self.query_one(DownloadPanes).open(2 if failed else 0, focus=not done)
        if done:
            self.set_focus(None)
            self.query_one("#page").scroll_home(animate=False)

    # --- drawing ----------------------------------------------------------------------------

    def _draw(self) -> None:
        if not self.framed:
            return
        picture = self._picture
        self._draw_totals(picture)
        lives = self.stand.lives
        slots = [*picture.flights, *(None for _ in range(self._jobs - len(picture.flights)))]
        now = self.query_one(SendingNow)
        now.display = lives and picture.state is JobState.SENDING
        now.show(slots, self._jobs)
        done = self.stand is Stand.DONE
        self.query_one("#carry-heading").display = done
        carry = self.query_one("#carry", Drawn)
        carry.display = done
        carry.show(self._carry_lines)
        error = self.seen.error if self.seen else None
        whole = {"code": error.code.value, "message": str(error), "cause": error.cause,
                 "mend": error.mend} if error else picture.error  # fmt: skip
        names = self.seen.names if self.seen else ()
        self.query_one(DownloadPanes).show(picture, names, grouped(picture.lost), whole)
        self.query_one("#panes").set_class(done, "-done")
        said = Content(self.SUBTITLE if lives else self.COME_BACK)
        self.query_one("#prepare-subtitle", Line).update(said, layout=False)
        self.refresh_frame()

    @property
    def stand(self) -> Stand:
        """How it stands, as last seen."""
        return self.seen.stand if self.seen else Stand.RUNNING

    @property
    def _picture(self) -> Picture:
        """As last written; nothing of it is under way where nobody is at it any more."""
        picture = (self.seen.picture if self.seen else None) or Picture()
        return picture if self.stand.lives else picture.model_copy(update={"flights": ()})

    @property
    def _jobs(self) -> int:
        return self.seen.preparation.jobs if self.seen and self.seen.preparation else 4

    def _draw_totals(self, picture: Picture) -> None:
        fetching = picture.total > 0 or picture.state is JobState.DONE
        part = picture.per_cent / 100 if fetching else None
        self.query_one(Totals).draw(
            part, self._figures(picture), failed=len(picture.lost), ended=picture.ended
        )

    def _figures(self, picture: Picture) -> list[str]:
        if not picture.total and not self.stand.lives and self.stand is not Stand.DONE:
            return ["Nothing was fetched yet"]
        if picture.state is JobState.PLANNING and not picture.total:
            asked = f"{picture.asked} of {picture.to_ask}" if picture.to_ask else "beginning"
            return [f"Asking upstream for {picture.doing or 'artifacts'}", asked]
        if not picture.total:
            if self.stand is Stand.DONE:
                return ["All of it was here already"]
            return ["Fetching the manifests of the release"]
        words = [part_of(picture.done, picture.total)]
        if picture.state is JobState.SENDING and self.stand.lives:
            words += _pace(picture)
        words.append(f"{picture.arrived} of {picture.artifacts} artifacts")
        if picture.retries and (self.wide or picture.state.ended):
            words.append(plural(picture.retries, "retry", "retries"))
        return words

    def _carry_lines(self, width: int) -> list[Content]:
        preparation = self.seen.preparation if self.seen else None
        if not preparation:
            return []
        folder = cut_path(plain(home(preparation.folder)), width - 6)
        lines = [Content.styled(f"  In {folder}", "$ink2")]
        for name, count in self._picture.written.items():
            lines.append(Content(f"    {name:<40}{size(count):>10}"))
        lines.append(Content("    and eksa-mirror itself, for the machine on the other side"))
        lines += [Content(""), Content.styled("There, in the folder with these files", "bold")]
        for command in self._commands():
            lines += command_strip(command, width, at=2)
        return lines

    def _commands(self) -> list[str]:
        preparation = self.seen.preparation if self.seen else None
        if not preparation or self.stand is not Stand.DONE:
            return []
        return [
            import_command(name, "" if name.startswith("packages-") else MANIFESTS_FILE,
                           preparation.package_places)
            for name in self._picture.written if name != MANIFESTS_FILE
        ]  # fmt: skip

    # --- the frame --------------------------------------------------------------------------

    def state(self) -> Content:
        """`◐ running   images.tar`."""
        if self._starting:
            return state_text("running", "starting")
        words = {Stand.FAILED: f"{len(self._picture.lost)} failed", Stand.CUT_OFF: "cut off",
                 Stand.BROKEN: "could not go on"}  # fmt: skip
        shown = state_text(GLYPHS[self.stand], words.get(self.stand, self.stand.value))
        doing = self._picture.doing if self.stand.lives else ""
        return Content.assemble(shown, f"   {doing}") if doing else shown

    def sentence(self) -> str:
        """What matters most at this moment."""
        return {
            Stand.READY: "It has not begun.",
            Stand.RUNNING: "It goes on when you close this terminal.",
            Stand.STALLED: "Still trying. Upstream or the way there is slow.",
            Stand.DONE: "All of it is here.",
            Stand.FAILED: "What is here is kept. l leaves the others out.",
            Stand.BROKEN: "It could not go on; what is here is kept.",
            Stand.STOPPED: "Nothing is lost. Resume fetches only the rest.",
            Stand.CUT_OFF: "Nothing is lost. Resume fetches only the rest.",
        }.get(self.stand, "")

    def primary(self) -> tuple[str, bool]:
        """Stop, resume, or back to Start."""
        if self._starting or self.seen is None:
            return "", False
        if self.stand.lives:
            return "Stop  s", True
        return ("To Start ›" if self.stand is Stand.DONE else "Resume ›"), True

    def keys(self) -> Sequence[Key]:
        """As the state has them."""
        leave = Key("F10", "q", "Leave" if self.stand.lives else "Quit", "leave", 10)
        if self.stand.lives:
            return (BACK, HELP, Key("s", "s", "Stop", "stop", 8), leave)
        if self.stand is Stand.DONE:
            return (BACK, HELP, COPY, leave)
        out = (Key("l", "l", "Leave out", "leave_out", 6),) if self._picture.lost else ()
        return (
            BACK, HELP, Key("F5", "r", "Try again", "again", 8), *out,
            Key("c", "c", "Change", "change", 5), Key("x", "x", "Begin anew", "anew", 4), leave,
        )  # fmt: skip

    # --- keys -------------------------------------------------------------------------------

    def action_go_on(self) -> None:
        """What the primary button says."""
        if self.stand.lives:
            self.action_stop()
        elif self.stand is Stand.DONE:
            self.action_back()
        else:
            self.action_again()

    def action_again(self) -> None:
        """Go on with what is missing."""
        self._start()

    def action_tab(self, number: int) -> None:
        """Open another pane."""
        self.query_one(DownloadPanes).open(number)

    def action_leave_out(self) -> None:
        """Go on without what upstream lacks."""
        if self._picture.lost:
            self._start(allow_missing=True)

    def action_change(self) -> None:
        """To the questions, with these answers."""
        from tui.screens.prepare import PrepareScreen  # noqa: PLC0415 - each leads to the other

        if self.stand in _ENDS and self.seen and self.seen.preparation:
            self.wizard.stage.show(PrepareScreen(fields_of(self.seen.preparation)))

    def action_anew(self) -> None:
        """Throw away what was fetched, and begin again."""
        if self.stand not in _ENDS:
            return

        def answered(label: str | None) -> None:
            if label == "Throw it away":
                self._start(restart=True)

        text = "What was fetched into this folder is removed, and fetched again."
        dialog = Dialog("Begin anew?", text, ("Keep it", "Throw it away"))
        self.app.push_screen(dialog, answered)

    def action_stop(self) -> None:
        """Ask, then end cleanly."""
        if not self.stand.lives:
            return

        def answered(label: str | None) -> None:
            if label == "Stop it":
                ask_to_stop(self.errand.job)
                self.tell("Stopping.")

        text = "What was fetched is kept. You can resume later from Start."
        self.app.push_screen(
            Dialog("Stop the download?", text, ("Keep running", "Stop it")), answered
        )

    def _start(self, *, restart: bool = False, allow_missing: bool = False) -> None:
        preparation = self.seen.preparation if self.seen else None
        if self._starting or preparation is None or self.stand not in _ENDS:
            return
        wanted = preparation.model_copy(update={"allow_missing": allow_missing})
        self._starting = True
        self.refresh_frame()

        def work() -> None:
            try:
                start(self.errand, wanted, restart=restart)
            except EksaMirrorError as error:
                self.post_message(self.Started(error))
            else:
                self.post_message(self.Started())

        aside(self, work)

    def on_prepare_progress_started(self, event: Started) -> None:
        """Watch it; or say why it did not begin."""
        self._starting = False
        if event.error:
            self.app.push_screen(not_started(event.error))
        self.refresh_frame()

    def action_copy(self) -> None:
        """The first command of the other side."""
        commands = self._commands()
        if not commands:
            self.tell("Nothing to copy here.")
        elif self.app.has_class("-basic"):
            from tui.screens.preview import PlainText  # noqa: PLC0415 - opened on a key

            self.app.push_screen(PlainText("\n".join(commands)))
        else:
            self.app.copy_to_clipboard(commands[0])
            self.tell("Copied, if your terminal allows it.")

    def action_leave(self) -> None:
        """Leave at once; a download goes on."""
        if not self.stand.lives:
            super().action_leave()
            return
        how_far = f"{self._picture.per_cent} %"
        self.app.exit(f"The download goes on: {how_far}. Come back with: eksa-mirror")


def not_started(error: EksaMirrorError) -> Dialog:
    """Why a worker did not begin, and what mends it."""
    text = "\n\n".join(plain(one) for one in (error.message, error.cause, error.mend) if one)
    return Dialog("The download could not start", text, ("Go back",))


def _pace(picture: Picture) -> list[str]:
    if time.time() - picture.since < _FIRST_SECONDS or picture.rate <= 0:
        return [f"{size(picture.rate)}/s", "time left not known yet"]
    left = max(0, picture.total - picture.done) / picture.rate
    return [f"{size(picture.rate)}/s", time_left(left)]
