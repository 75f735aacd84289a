"""Step 3: how this machine and the nodes recognise the registry's certificate."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, Tree

from core.answers import OsFamily
from core.checks.chain import Certificate, Link
from core.checks.context import Context
from core.checks.finding import Finding, State
from core.checks.trust_view import Offer, TrustView, look_at_trust, write_offer
from core.errors import EksaMirrorError
from core.mirror.configuration import CA_VARIABLE
from tui.screens.dialogs import Dialog
from tui.screens.step import AGAIN, BACK, GO_ON, HELP, PREVIEW, QUIT, STEPS, StepScreen
from tui.screens.text_page import TextPage
from tui.widgets.button import FlatButton
from tui.widgets.certificate_tree import CertificateTree
from tui.widgets.checklist import CheckList
from tui.widgets.choice import TickBox
from tui.widgets.field import Field
from tui.widgets.frame import Key
from tui.widgets.heading import Heading
from tui.widgets.path_field import PathField

USE = Key("u", "u", "Use root", "use_root", 4)
DETAILS = Key("d", "d", "Details", "certificate", 3)
NOT_NEEDED = "Not needed: this registry's certificate is publicly trusted."
_VIEW, _PROPOSED, _WRITTEN = "trust-view", "ca-proposed", "ca-written"


class TrustScreen(StepScreen):
    """CA file, the tick that turns trust off, the chain and the checks."""

    STEP = 3
    SUBTITLE = "How this machine and the cluster nodes recognise your registry."

    @dataclass
    class Looked(Message):
        """The chain and the CA file were read, in a thread."""

        look: int
        view: TrustView

    @dataclass
    class Written(Message):
        """A CA file was written, or why it was not."""

        path: Path | None
        trouble: EksaMirrorError | None = None

    _look = 0

    def compose_page(self) -> ComposeResult:
        """Fields, chain, checks."""
        self._propose()
        yield self.answer_field("registry", "ca_file", kind=PathField)
        yield TickBox(
            "registry",
            "insecure",
            label="Skip TLS check",
            text="insecureSkipVerify",
            value=self.session.answers.registry.insecure,
            help="Nodes would accept any certificate. Never on Bottlerocket.",
        )
        yield Heading("Certificate chain", "", id="chain-heading")
        yield Static("", id="chain-trouble")
        yield CertificateTree()
        yield Vertical(Static("", id="certificate-facts"), id="certificate")
        assert self.board  # noqa: S101 - this step has checks
        yield CheckList(self.board, buttons=self._offers)

    def on_mount(self) -> None:
        """The CA file has the focus; what was known before is shown until the look has ended."""
        self._field.input.focus()
        self._draw_view()
        self._draw_tick()

    def keys(self) -> Sequence[Key]:
        """With those of the certificates."""
        own = (USE,) if self._offer else ()
        inside = (DETAILS,) if isinstance(self.focused, CertificateTree) else ()
        return (BACK, HELP, STEPS, AGAIN, PREVIEW, GO_ON, *inside, *own, QUIT)

    # --- looking ----------------------------------------------------------------------------

    def checks_wait_for(self) -> str:
        """The address; a CA file with a wrong name."""
        if self.session.draft_error("registry", "endpoint"):
            return "endpoint"
        return "CA file" if self.session.draft_error("registry", "ca_file") else ""

    def begin_checks(self) -> None:
        """With the checks goes a look at the chain."""
        super().begin_checks()
        self._begin_look()

    def action_again(self) -> None:
        """All anew."""
        super().action_again()
        self._begin_look()

    def _begin_look(self) -> None:
        if not self.session.answers.registry.endpoint:
            self.session.notes.pop(_VIEW, None)
            self._draw_view()
            return
        self._look += 1
        look, answers, folder = self._look, self.session.answers, self.session.setup.folder

        def work() -> None:
            with Context(answers) as context:
                self.post_message(self.Looked(look, look_at_trust(context, folder)))

        self.run_worker(work, thread=True, exclusive=True, group="trust")
        self._draw_view()

    def on_trust_screen_looked(self, event: Looked) -> None:
        """Show it; one that is older than the values is thrown away."""
        if event.look == self._look:
            self._look_ended = True
            self.session.notes[_VIEW] = event.view
            self._draw_view()
            self.show_checks()

    _look_ended = False

    # --- drawing ----------------------------------------------------------------------------

    @property
    def _field(self) -> Field:
        return self.query_one("#field-registry-ca_file", Field)

    @property
    def _view(self) -> TrustView | None:
        view = self.session.notes.get(_VIEW)
        return view if isinstance(view, TrustView) else None

    @property
    def _offer(self) -> Offer | None:
        return self._view.offer if self._view else None

    def _draw_view(self) -> None:
        view, registry = self._view, self.session.answers.registry
        place = registry.address.partition("/")[0]
        self.query_one("#chain-heading", Heading).show(meta=place)
        tree, trouble = self.query_one(CertificateTree), self.query_one("#chain-trouble", Static)
        tree.show(view.links if view else ())
        tree.display = bool(view and view.links)
        trouble.display = not tree.display
        trouble.update(self._no_chain(view))
        self._draw_certificate(tree.selected)
        self._draw_field(view)

    def _no_chain(self, view: TrustView | None) -> Content:
        if not self.session.answers.registry.endpoint:
            return Content("No chain yet: the registry has no name (step 2).")
        if view is None:
            asking = Content.styled("◐ running", "$accent")
            return Content.assemble(asking, "  asking for the certificates")
        return Content("No chain yet: the registry does not answer (step 2).")

    def _draw_field(self, view: TrustView | None) -> None:
        field = self._field
        field.show_help(self._help_line(view))
        if field.error and not (view and view.wrong == field.error):
            field.show_error(self.field_error("registry", "ca_file"))
        elif view and (view.wrong or view.finding) and not field.input_changed_since_look:
            field.show_error(view.wrong or view.finding, finding=not view.wrong)

    def _draw_tick(self) -> None:
        box = self.query_one(TickBox)
        box.set_value(self.session.answers.registry.insecure)
        bottlerocket = self.session.answers.cluster.os_family is OsFamily.BOTTLEROCKET
        refused = box.value and bottlerocket
        box.show_error("EKS Anywhere refuses this on Bottlerocket." if refused else "")
