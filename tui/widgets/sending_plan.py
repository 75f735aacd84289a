"""What an import will send, told before it is started."""

import textwrap
import threading
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from core.errors import EksaMirrorError
from core.transfer.inputs import open_inputs
from core.transfer.outlook import Outlook, outlook
from core.units import size
from tui.session import Session
from tui.widgets.drawn import Drawn
from tui.widgets.heading import Heading
from tui.words import plain, plural

_AT = 17


class SendingPlan(Vertical):
    """To, Artifacts, Size, Workers, Runs as."""

    @dataclass
    class Known(Message):
        """The tarball was read, or could not be."""

        found: Outlook | EksaMirrorError

    @dataclass
    class Told(Message):
        """The same, for the screen."""

        found: Outlook | EksaMirrorError

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's own word
        super().__init__(id=id)
        self._found: Outlook | EksaMirrorError | None = None

    def compose(self) -> ComposeResult:
        """Heading and lines."""
        yield Heading("What will be sent")
        yield Drawn(id="plan-lines")

    def look(self, session: Session) -> None:
        """Read the tarball in a thread, and ask the registry what it holds."""
        self._found = None
        self._session = session
        self._draw()
        answers, password = session.answers, session.password
        post, stop = self.post_message, threading.Event()

        def work() -> None:
            try:
                with open_inputs(answers) as inputs:
                    login = session.login(answers, password)
                    post(self.Known(outlook(inputs, answers, login, stop)))
            except EksaMirrorError as error:
                post(self.Known(error))

        self.run_worker(work, thread=True, group="outlook", exclusive=True)

    def on_sending_plan_known(self, event: Known) -> None:
        """Draw it."""
        event.stop()
        self._found = event.found
        self._draw()
        self.post_message(self.Told(event.found))

    def show_workers(self, session: Session) -> None:
        """The number of uploads was changed."""
        self._session = session
        self._draw()

    def _draw(self) -> None:
        answers = self._session.answers
        jobs = answers.transfer.jobs
        lines = [("To", answers.registry.address or "no registry is named (step 2)")]
        found = self._found
        if found is None:
            lines.append(("Artifacts", "reading the tarball"))
        elif isinstance(found, EksaMirrorError):
            lines.append(("Artifacts", plain(f"not known: {found.message}")))
        else:
            kinds = ", ".join(_kinds(found))
            lines.append(("Artifacts", f"{found.artifacts}: {kinds}"))
            there = plural(found.present, "artifact")
            verb = "is" if found.present == 1 else "are"
            rest = f" {there} {verb} there already." if found.present else ""
            if not found.asked:
                rest = " The registry was not asked yet."
            lines.append(("Size", f"{size(found.send)} to send.{rest}"))
            if found.missing:
                lines.append(
                    ("Left out", f"{plural(found.missing, 'artifact')} not in the tarball")
                )
        limit = answers.transfer.limit_rate
        pace = f", {size(limit)}/s at the most" if limit else ""
        lines.append(("Workers", f"{jobs} at a time{pace} (w changes, 1 to 16)"))
        lines.append(("Runs as", "a process of its own; closing the terminal is fine"))
        self.query_one(Drawn).show(lambda width: _on_grid(lines, width))


def _on_grid(lines: list[tuple[str, str]], width: int) -> list[Content]:
    return [
        Content.assemble(Content.styled(f"{label if not n else '':<{_AT}}", "$ink2"), part)
        for label, text in lines
        for n, part in enumerate(textwrap.wrap(text, max(20, width - _AT)) or [""])
    ]


def _kinds(found: Outlook) -> list[str]:
    counted = (
        (found.images, "image"),
        (found.charts, "chart"),
        (found.package_bundles, "package bundle"),
    )
    return [plural(count, name) for count, name in counted if count]
