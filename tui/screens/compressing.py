"""The offer of a stronger compression where the link is slow, a part of Review.

It stands before the files are written, since the commands and the answers hold what is chosen, and
before the import: once that has begun, its compression stays.
"""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from core.checks.compression_offer import (
    Choice,
    CompressionOffer,
    docker_version,
    offer_compression,
)
from core.errors import EksaMirrorError
from core.units import size
from tui.screens.dialogs import Dialog
from tui.screens.step import StepScreen
from tui.widgets.compression_line import CompressionLine
from tui.widgets.frame import Key
from tui.widgets.next_import import NextImport, noted_outlook

_ANSWERED = "compression answered"
_WIDTH, _AT = 56, 11
"""Columns of a dialog, and where what is said of a choice begins."""

_NAMESPACES = 5
"""The step whose checks send something to the registry, and tell how fast it takes it."""


class OffersCompression(StepScreen):
    """A step that offers it.

    Attributes:
        offer: None where there is none.
        looked_at: what the offer depends on.
        answered_for: the same of the offer that is shown.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("c", "compress", show=False)]

    @dataclass
    class Offered(Message):
        """What is offered now; None where nothing is."""

        offer: CompressionOffer | None
        looked_at: object

    offer: CompressionOffer | None = None
    looked_at: object = None
    answered_for: object = None

    @property
    def _chosen(self) -> str:
        return self.session.answers.transfer.compression

    def refresh_frame(self) -> None:
        """Checks tell of the link, and so they change the offer."""
        self._look()
        super().refresh_frame()

    def on_next_import_told(self, event: NextImport.Told) -> None:
        """The tarball was read."""
        event.stop()
        self.refresh_frame()

    def _look(self) -> None:
        """See in a thread what is offered, once what it depends on has changed."""
        answers = self.session.answers
        rate = max((one.rate for one in self.session.findings(_NAMESPACES)), default=0.0)
        outlook = noted_outlook(self.session)
        compressible = outlook.compressible if outlook else 0
        looked_at = answers, rate, compressible
        if looked_at == self.looked_at:
            return
        self.looked_at = looked_at

        def work() -> None:
            try:
                found = offer_compression(answers, rate, compressible, docker_version())
            except EksaMirrorError:  # checks tell why
                found = None
            self.post_message(self.Offered(found, looked_at))

        if rate and compressible:
            self.run_worker(work, thread=True, group="offer", exclusive=True)
        else:
            self.post_message(self.Offered(None, looked_at))

    def on_offers_compression_offered(self, event: Offered) -> None:
        """Draw it, unless another is thought over already."""
        if event.looked_at != self.looked_at:
            return
        self.offer, self.answered_for = event.offer, event.looked_at
        self.query_one(CompressionLine).show(self.offer, self._chosen)
        self.refresh_frame()

    def compose_next(self) -> ComposeResult:
        """What the import will send, and how."""
        yield NextImport(id="next-import")
        yield CompressionLine(id="compression-line")

    def unwritten_words(self) -> str:
        """The sentence before anything was written; the offer, until it was looked at once."""
        unseen = self.offer and not self.session.notes.get(_ANSWERED)
        return (
            "Slow link: c offers more compression." if unseen else "Nothing has been written yet."
        )

    def offer_keys(self) -> Sequence[Key]:
        """A key of its own, where there is an offer."""
        return (Key("c", "c", "Compression", "compress", 3),) if self.offer else ()

    def action_compress(self) -> None:
        """Ask which."""
        if self.offer:
            self.session.notes[_ANSWERED] = True
            self.app.push_screen(_Choosing(self.offer, self._chosen), self._take)

    def _take(self, label: str | None) -> None:
        if label and label != _keep(self._chosen):
            self.session.put("transfer", "compression", label)
            self.wizard.answers_changed()
            self.plan()
        self.refresh_frame()

    def plan(self, *, write: bool = False) -> None:
        """Look at what is to be written: the commands and the answers hold what is chosen."""
        raise NotImplementedError


class _Choosing(Dialog):
    """The compressions, what each saves and needs; Esc keeps the one that is chosen."""

    def __init__(self, offer: CompressionOffer, chosen: str) -> None:
        self._offer = offer
        others = [one.name for one in offer.choices if one.name != chosen]
        super().__init__(
            "Send less over this slow link?",
            f"The registry takes {size(offer.rate)}/s: a stronger compression is worth its time. "
            "Once the import has begun, it stays.",
            (_keep(chosen), *others),
        )

    def compose_body(self) -> ComposeResult:
        """A line or two for each."""
        lines = [line for one in self._offer.choices for line in _lines(one)]
        lines += [self._offer.lacking] if self._offer.lacking else []
        yield Static(Content("\n".join(lines)), classes="dialog-text")


def _keep(chosen: str) -> str:
    return f"Keep {chosen}"


def _lines(choice: Choice) -> Iterator[str]:
    percent = f"{choice.saved * 100:.0f} %"
    saved = f"About {percent} less, by {choice.level}." if choice.saved else "The usual one."
    needs = f"Needs {choice.needs}." if choice.needs else "Every client reads it."
    lines = textwrap.wrap(f"{saved} {needs}", _WIDTH - _AT)
    yield from (f"{'' if n else choice.name:<{_AT}}{line}" for n, line in enumerate(lines))
