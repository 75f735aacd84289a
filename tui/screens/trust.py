"""Step 3: how this machine and the nodes recognise the registry's certificate."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, Tree

from core.answers import OsFamily, field_help, field_label
from core.checks.chain import Certificate, Link
from core.checks.context import Context
from core.checks.finding import Finding
from core.checks.trust_view import Offer, TrustView, look_at_trust, write_offer
from core.errors import EksaMirrorError
from core.mirror.configuration import CA_VARIABLE
from tui.aside import aside
from tui.screens.dialogs import Dialog
from tui.screens.framed import AGAIN, BACK, GO_ON, HELP, PREVIEW, QUIT, STEPS
from tui.screens.step import StepScreen
from tui.screens.text_page import TextPage
from tui.widgets.button import FlatButton
from tui.widgets.certificate_tree import CertificateTree
from tui.widgets.checklist import CheckList
from tui.widgets.choice import TickBox
from tui.widgets.drawn import Drawn
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
    BINDINGS: ClassVar[list[BindingType]] = [Binding("u", "use_root", show=False)]

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
        given = self.session.setup.draft.value("registry", "ca_file")
        yield PathField(
            "registry",
            "ca_file",
            label=field_label("registry", "ca_file"),
            help=field_help("registry", "ca_file"),
            value="" if given is None else str(given),
        )
        yield TickBox(
            "registry",
            "insecure",
            label=field_label("registry", "insecure"),
            text="insecureSkipVerify",
            value=self.session.answers.registry.insecure,
            help=field_help("registry", "insecure"),
        )
        yield Heading("Certificate chain", id="chain-heading")
        yield Static("", id="no-chain")
        yield CertificateTree()
        yield Drawn(id="certificate-facts")
        assert self.board  # noqa: S101 - this step has checks
        yield CheckList(self.board, buttons=self._offers)

    def on_mount(self) -> None:
        """The CA file has the focus; what was known before is shown until a look has ended."""
        self._field.input.focus()
        self._draw()
        self._draw_field(judge=bool(self._field.value))

    def keys(self) -> Sequence[Key]:
        """With those of the certificates."""
        own = (USE,) if self._offer else ()
        inside = (DETAILS,) if isinstance(self.focused, CertificateTree) else ()
        return (BACK, HELP, STEPS, AGAIN, PREVIEW, GO_ON, *inside, *own, QUIT)

    # --- looking ----------------------------------------------------------------------------

    def checks_wait_for(self) -> str:
        """The address, and a CA file that is there."""
        draft = self.session.setup.draft
        if draft.error("registry", "endpoint"):
            return "endpoint"
        return "CA file" if draft.error("registry", "ca_file") else ""

    def begin_checks(self) -> None:
        """With the checks goes a look at the chain."""
        super().begin_checks()
        self._begin_look()

    def action_again(self) -> None:
        """All anew."""
        super().action_again()
        self._begin_look()

    def _begin_look(self) -> None:
        self._look += 1
        if not self.session.answers.registry.endpoint:
            self.session.notes.pop(_VIEW, None)
            self._draw()
            return
        look, answers, folder = self._look, self.session.answers, self.session.setup.folder

        def work() -> None:
            with Context(answers) as context:
                self.post_message(self.Looked(look, look_at_trust(context, folder)))

        aside(self, work)

    def on_trust_screen_looked(self, event: Looked) -> None:
        """Show it; one that is older than the values is thrown away."""
        if event.look == self._look:
            self.session.notes[_VIEW] = event.view
            self._draw()
            self.show_checks()

    def _propose(self) -> None:
        """The file that EKS Anywhere itself would take, once."""
        named = os.environ.get(CA_VARIABLE)
        empty = self.session.setup.draft.value("registry", "ca_file") is None
        if named and empty and not self.session.notes.get(_PROPOSED):
            self.session.notes[_PROPOSED] = named
            self.session.put("registry", "ca_file", named)

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

    def _draw(self) -> None:
        view, registry = self._view, self.session.answers.registry
        place = f"{registry.endpoint}:{registry.port or 443}" if registry.endpoint else ""
        self.query_one("#chain-heading", Heading).show(meta=place)
        tree, none = self.query_one(CertificateTree), self.query_one("#no-chain", Static)
        tree.show(view.links if view else ())
        tree.display = bool(view and view.links)
        none.display = not tree.display
        none.update(self._no_chain(view))
        self._draw_facts(tree.selected)
        self._draw_field()
        self._draw_tick()

    def _no_chain(self, view: TrustView | None) -> Content:
        if not self.session.answers.registry.endpoint:
            return Content("No chain yet: the registry has no name (step 2).")
        if view is None:
            asking = Content.styled("◐ running", "$accent")
            return Content.assemble(asking, "  asking for the certificates")
        return Content("No chain yet: the registry does not answer (step 2).")

    def _draw_field(self, *, judge: bool = False) -> None:
        """The line below the CA file: a wrong form, what the look found, or what it is for."""
        field, view = self._field, self._view
        field.show_help(self._help_line(view))
        form = self.session.setup.draft.error("registry", "ca_file")
        if form:
            field.show_error(form if judge or field.error else "")
        elif view and view.wrong:
            field.show_error(view.wrong)
        else:
            field.show_error(view.finding if view else "", finding=True)

    def _help_line(self, view: TrustView | None) -> str:
        value = self._field.value.strip()
        if value and value == self.session.notes.get(_WRITTEN):
            return f"Written: {Path(value).name}, 1 certificate."
        if value and value == self.session.notes.get(_PROPOSED):
            return f"From {CA_VARIABLE}."
        if not value and view and view.public:
            return NOT_NEEDED
        return field_help("registry", "ca_file")

    def _draw_tick(self) -> None:
        box, answers = self.query_one(TickBox), self.session.answers
        box.set_value(answers.registry.insecure)
        refused = box.value and answers.cluster.os_family is OsFamily.BOTTLEROCKET
        box.show_error("EKS Anywhere refuses this on Bottlerocket." if refused else "")

    def _draw_facts(self, link: Link | None) -> None:
        one = link.certificate if link else None
        facts = self.query_one("#certificate-facts", Drawn)
        facts.display = one is not None
        if one:
            facts.show(partial(_facts, one))

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Link]) -> None:
        """The facts are those of the certificate under the pointer."""
        self._draw_facts(event.node.data)

    def _offers(self, finding: Finding) -> Sequence[FlatButton]:
        offer = self._offer
        if finding.name != "ca-file" or offer is None:
            return ()
        return (FlatButton(f"{offer.label}  u", action="use_root"),)

    # --- fields -----------------------------------------------------------------------------

    def field_edited(self, field: Field, value: str) -> bool:
        """What was found out about the file is no longer true."""
        del field, value
        self._look += 1
        if self._view:
            self.session.notes[_VIEW] = replace(self._view, wrong="", finding="", offer=None)
        self.call_after_refresh(self._draw_field)
        return False

    def field_left(self, field: Field) -> bool:
        """Now the name of the file is judged."""
        del field
        self._draw_field(judge=True)
        return True

    def on_tick_box_asked(self, event: TickBox.Asked) -> None:
        """To accept any certificate is asked for once more."""
        if not event.value:
            self._skip(None)
            return
        text = "Nodes could be given false images. Use it for tests only."
        buttons = ("Leave it off", "Tick it")
        self.app.push_screen(Dialog("Accept any certificate?", text, buttons), self._skip)

    def _skip(self, answer: str | None) -> None:
        self.session.put("registry", "insecure", answer == "Tick it")
        self.wizard.answers_changed()
        self._draw_tick()
        self.check_soon()

    # --- keys -------------------------------------------------------------------------------

    def action_go_on(self) -> None:
        """A file that is of no use holds the step, as a wrong form does."""
        view, draft = self._view, self.session.setup.draft
        if view and view.wrong and not draft.error("registry", "ca_file"):
            self._field.input.focus()
            self.tell("Fix 1 field to go on.")
            return
        super().action_go_on()

    def action_certificate(self) -> None:
        """All about the certificate under the pointer."""
        link = self.query_one(CertificateTree).selected
        if link and link.certificate:
            self.app.push_screen(TextPage(link.name, certificate_text(link)))

    def action_use_root(self) -> None:
        """Write the right CA file; one that the registry itself sent is compared first."""
        offer = self._offer
        if offer is None:
            self.tell("There is no better CA file to write.")
            return
        if not offer.compare:
            self._write(offer)
            return
        one = offer.certificate
        text = (
            f"“{one.name}” came from the registry itself. Compare its SHA-256 with what the "
            f"owner of the CA tells you:\n\n{one.fingerprint[:47]}\n{one.fingerprint[48:]}"
        )
        buttons = ("Cancel", "It is the same")

        def answered(answer: str | None) -> None:
            if answer == "It is the same":
                self._write(offer)

        self.app.push_screen(Dialog("Is this the root of your CA?", text, buttons), answered)

    def _write(self, offer: Offer) -> None:
        folder, saver = self.session.setup.folder, self.wizard.saver

        def work() -> None:
            saver.finish()  # the folder may just be getting its name
            try:
                self.post_message(self.Written(write_offer(offer, folder)))
            except EksaMirrorError as error:
                self.post_message(self.Written(None, error))

        aside(self, work)

    def on_trust_screen_written(self, event: Written) -> None:
        """Its path goes into the field, and all is looked at anew."""
        if event.path is None:
            self.tell(event.trouble.message if event.trouble else "")
            return
        self.session.put("registry", "ca_file", str(event.path))
        self.session.notes[_WRITTEN] = str(event.path)
        self.session.notes.pop(_VIEW, None)
        self._field.set_value(str(event.path))
        self.wizard.answers_changed()
        self._draw()
        if self.board:
            self.board.cancel()
        self.begin_checks()


def certificate_text(link: Link) -> str:
    """Everything about a certificate, a line each."""
    one = link.certificate
    assert one is not None  # noqa: S101 - as the caller looked
    facts = (
        ("Subject", one.subject),
        ("Issuer", one.issuer),
        ("Where from", link.source.value),
        ("Serial", one.serial),
        ("Valid from", f"{one.begins:%Y-%m-%d %H:%M} UTC"),
        ("Valid until", f"{one.ends:%Y-%m-%d %H:%M} UTC"),
        ("Key", one.key),
        ("Signature", one.signature),
        ("CA", "yes" if one.is_ca else "no"),
        ("SHA-256", one.fingerprint[:47]),
        ("", one.fingerprint[48:]),
        *(("" if n else "Names (SAN)", name) for n, name in enumerate(one.alternative_names)),
    )
    return "\n".join(f"{label:<17}{text}" for label, text in facts)


def _facts(one: Certificate, width: int) -> list[Content]:
    names = ", ".join(one.alternative_names) or "none"
    short = f"{one.fingerprint[:23]} … {one.fingerprint[-11:]}"
    told = Content.assemble(
        Content.styled(short, "$ink2"), Content.styled("   d shows all", "$ink3")
    )
    said = _fact("Names (SAN)", Content.styled(names, "$ink2"))
    return [said.truncate(width, ellipsis=True), _fact("SHA-256", told)]


def _fact(label: str, text: Content) -> Content:
    return Content.assemble(Content.styled(f"  {label:<15}", "$ink3"), text)
