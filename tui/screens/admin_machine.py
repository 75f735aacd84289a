"""Step 7: what this machine needs so that `eksctl anywhere` can use the mirror."""

from textual.app import ComposeResult

from core.answers import CredentialSource
from core.checks.finding import State
from core.checks.open_points import is_settled_by_writing
from core.host.certs_d import registry_names
from core.transfer.settings import mirror_of
from tui.screens.step import StepScreen
from tui.widgets.checklist import CheckList
from tui.widgets.choice import TickBox
from tui.words import plural

_SECTION, _TRUST, _LOGIN = "admin_machine", "trust_ca", "docker_login"


class AdminMachineScreen(StepScreen):
    """Two boxes that step 8 acts on, and how docker stands now."""

    STEP = 7
    SUBTITLE = "What this machine needs so that “eksctl anywhere” can use the mirror."

    def compose_page(self) -> ComposeResult:
        """The boxes that make sense here, and the checks."""
        label = "At step 8"
        if self._has_ca:
            yield self._box(_TRUST, label, "Install the CA for docker", self._trust_help())
            label = ""
        if self._has_login:
            help_line = "Hands the password over on standard input."
            yield self._box(_LOGIN, label, "Log docker in", help_line)
        assert self.board  # noqa: S101 - this step has checks
        yield CheckList(self.board)

    def _box(self, name: str, label: str, text: str, help_line: str) -> TickBox:
        value = bool(self.session.setup.draft.value(_SECTION, name))
        return TickBox(_SECTION, name, label=label, text=text, value=value, help=help_line)

    def on_mount(self) -> None:
        """The first box has the focus; without one, the checks."""
        boxes = list(self.query(".tick-box"))
        (boxes[0] if boxes else self.query_one(CheckList)).focus()

    @property
    def _has_ca(self) -> bool:
        registry = self.session.answers.registry
        return bool(registry.ca_file) and not registry.plain_http

    @property
    def _has_login(self) -> bool:
        credentials = self.session.answers.credentials
        return credentials.source is not CredentialSource.NONE and (
            bool(credentials.username) or credentials.authenticate
        )

    def _trust_help(self) -> str:
        answers = self.session.answers
        names = registry_names(mirror_of(answers)) if answers.registry.endpoint else ("",)
        if len(names) == 2:
            return "Two ca.crt files, with and without :443. Asks for sudo."
        return "One ca.crt file. Asks for sudo."

    def on_tick_box_asked(self, event: TickBox.Asked) -> None:
        """Take the tick; the checks judge it anew."""
        event.box.set_value(event.value)
        self.session.put(event.box.section, event.box.field, event.value)
        self.wizard.answers_changed()
        self.check_soon()
        self.refresh_frame()

    def _counts(self) -> tuple[int, int]:
        """Failures, and warnings that step 8 will not settle."""
        answers = self.session.answers
        found = [
            one.state
            for one in self.session.findings(self.STEP)
            if not is_settled_by_writing(one, answers)
        ]
        return found.count(State.FAIL), found.count(State.WARN)

    def sentence(self) -> str:
        """What step 8 does, and what is left to the operator."""
        board = self.board
        fails, warns = self._counts()
        if board is None or board.ended is None or fails:
            return super().sentence()
        machine = self.session.answers.admin_machine
        ticked = {_TRUST: machine.trust_ca, _LOGIN: machine.docker_login}
        shown = [ticked[box.field] for box in self.query(TickBox)]
        if warns and shown and not any(shown):
            return f"Left to you: {plural(warns, 'point')}."
        if not warns and any(one.state is State.WARN for one in board.findings):
            both = "Both boxes ticked: step 8" if self.wide and all(shown) else "Step 8"
            return f"{both} does the rest."
        return super().sentence()
