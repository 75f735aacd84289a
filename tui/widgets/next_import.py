"""What the import will send, in two lines beside the fragment of a wide window."""

import threading
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from core.errors import EksaMirrorError, Interrupted
from core.transfer.inputs import open_inputs
from core.transfer.outlook import Outlook, outlook
from core.units import size
from tui.session import Session
from tui.widgets.heading import Heading
from tui.words import plural

_NOTE = "outlook"


class NextImport(Vertical):
    """`167 artifacts, 24.6 GB`, `3 already in the registry`."""

    @dataclass
    class Known(Message):
        """The tarball was read; None where it could not be: the checks tell why."""

        found: Outlook | None

    class Told(Message):
        """It is noted in the session, for the screen."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own word
        super().__init__(id=id)
        self._stop = threading.Event()

    def compose(self) -> ComposeResult:
        """Heading and lines."""
        yield Heading("Next, the import")
        yield Static(Content.styled("reading the tarball", "$ink3"), id="next-import-lines")

    def on_unmount(self) -> None:
        """What is still being counted is not wanted any more."""
        self._stop.set()

    def look(self, session: Session) -> None:
        """Count in a thread; what was counted for the same answers is shown at once."""
        answers, password = session.answers, session.password
        key = _key(session)
        noted = session.notes.get(_NOTE)
        if isinstance(noted, tuple) and noted[0] == key:
            self._show(noted[1])
            return
        stop = self._stop

        def work() -> None:
            found: Outlook | None = None
            try:
                login = session.login(answers, password)
                with open_inputs(answers) as inputs:
                    found = outlook(inputs, answers, login, stop)
            except Interrupted:
                return
            except EksaMirrorError:  # a missing tarball is told by its own check
                pass
            session.notes[_NOTE] = (key, found)
            self.post_message(self.Known(found))

        self.run_worker(work, thread=True, group="outlook", exclusive=True)

    def on_next_import_known(self, event: Known) -> None:
        """Draw it."""
        event.stop()
        self._show(event.found)
        self.post_message(self.Told())

    def _show(self, found: Outlook | None) -> None:
        lines = [Content.styled("not known yet", "$ink3")]
        if found:
            sent = f"{plural(found.artifacts, 'artifact')}, {size(found.send)}"
            there = "" if not found.asked else f"{found.present} already in the registry"
            missing = f"{found.missing} not in the tarball" if found.missing else ""
            lines = [Content.styled(one, "$ink2") for one in (sent, there, missing) if one]
        self.query_one("#next-import-lines", Static).update(Content("\n").join(lines))


def noted_outlook(session: Session) -> Outlook | None:
    """What was counted last; None where nothing was, or for other answers."""
    noted = session.notes.get(_NOTE)
    return noted[1] if isinstance(noted, tuple) and noted[0] == _key(session) else None


def _key(session: Session) -> object:
    return session.answers.artifacts, session.answers.registry
