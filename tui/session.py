"""What the screens of the wizard share: the set-up, the login, the checks, the import."""

import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr
from textual.message import Message

from core.answers import Answers, CredentialSource
from core.answers.setups import Setup, begin_setup, setups_folder
from core.checks.finding import Finding, State
from core.errors import EksaMirrorError, RegistryError
from core.registry.credentials import Credentials
from core.transfer.job import Job, jobs_folder
from tui.board import Board
from tui.steps import FORMS, NAMES, StepStanding, state_of

if TYPE_CHECKING:
    from core.checks.engine import Check, Ladder

_HARBOR_PROJECT, _PRODUCT = "eks-a", "product"
_LOOKED_AT = {
    1: ("artifacts",),
    2: ("registry",),
    3: ("registry",),
    4: ("registry", "credentials"),
    5: ("artifacts", "registry", "credentials"),
    6: ("registry", "credentials", "cluster"),
    7: ("registry", "credentials", "admin_machine"),
}
"""Parts of the answers that decide what the checks of a step find."""


class Session:
    """One run of the wizard.

    Args:
        post: hands a message to the app, from any thread.

    Attributes:
        setup: what is being worked on.
        password: as it was typed; never saved here.
        job: the import that the screens of step 9 and 10 show; None before there is one.
        notes: what a screen wants to keep while another is open, by a name of its own.
        came_from: key of the entry of Start that led to where no set-up is worked on.
    """

    def __init__(self, post: Callable[[Message], object], setup: Setup | None = None) -> None:
        self.root = setups_folder(jobs_folder())
        self.setup = setup or begin_setup(self.root)
        self.password: SecretStr | None = None
        self._post = post
        self.job: Job | None = None
        self.notes: dict[str, object] = {}
        self.came_from = ""

    @cached_property
    def boards(self) -> dict[int, Board]:
        """The live checks, by step."""
        from core.checks.cluster import CLUSTER  # noqa: PLC0415 - Start needs none
        from core.checks.standard import BEFORE_IMPORT, CHECKS, GROUPS  # noqa: PLC0415

        steps = {NAMES.index(group) + 1: checks for group, checks in GROUPS.items()}

        def board(step: int, checks: "Sequence[Check]", ladder: "Sequence[Check]") -> Board:
            return Board(
                step, checks, lambda: self._ladder(ladder), self._post, lambda: self._about(step)
            )

        boards = {step: board(step, checks, CHECKS) for step, checks in steps.items()}
        boards[6] = board(6, CLUSTER, CLUSTER)
        boards[9] = board(9, BEFORE_IMPORT, BEFORE_IMPORT)
        return boards

    def _about(self, step: int) -> object:
        """What the checks of a step look at."""
        answers = self.answers
        return [getattr(answers, section) for section in _LOOKED_AT.get(step, ())]

    def check_again(self, step: int) -> None:
        """Look again where a step found something that a later answer has changed.

        Args:
            step: the one that opens; it looks for itself.
        """
        self._note_product()
        for board in self.boards.values():
            if board.step != step and board.is_stale:
                board.start()

    @property
    def answers(self) -> Answers:
        """Every answer that is right."""
        return self.setup.draft.answers

    @property
    def site(self) -> str:
        """What the header calls this set-up; empty where it has no name yet."""
        return self.setup.name if self.answers.registry.endpoint else ""

    @property
    def exposure(self) -> str:
        """What the header says where somebody on the way could read along."""
        registry = self.answers.registry
        if registry.plain_http:
            return "plain HTTP"
        return "TLS not verified" if registry.insecure else ""

    def begin(self, setup: Setup) -> None:
        """Work on another set-up; nothing of the last one is kept in memory."""
        self.let_go()
        self.__dict__.pop("boards", None)  # made anew when they are asked for
        self.setup, self.password, self.job = setup, None, None
        self.notes.clear()

    def let_go(self) -> None:
        """End the checks that run."""
        for board in self.__dict__.get("boards", {}).values():
            board.cancel()

    def put(self, section: str, field: str, value: object) -> bool:
        """Take what was typed; False where its form is wrong."""
        before = self.setup.draft.value(section, field)
        right = self.setup.draft.put(section, field, value)
        if self.setup.draft.value(section, field) != before:
            self.setup.written = False
        return right

    def propose_project(self, step: int) -> bool:
        """Harbor keeps nothing outside of projects, so a new set-up gets one.

        Args:
            step: the one that opens; who has been further has decided for himself.
        """
        self._note_product()
        is_harbor = str(self.notes.get(_PRODUCT, "")).startswith("Harbor")
        if not is_harbor or self.answers.registry.namespace or self.setup.reached > step:
            return False
        return self.put("registry", "namespace", _HARBOR_PROJECT)

    def _note_product(self) -> None:
        """What step 2 found, also while it looks again."""
        if found := self.boards[2].rows["kind"].findings:
            self.notes[_PRODUCT] = found[0].seen

    def _ladder(self, checks: "Sequence[Check]") -> "Ladder":
        """These checks for the answers of this moment; the login is looked up in their thread."""
        from core.checks.context import Context  # noqa: PLC0415 - only once checks run
        from core.checks.engine import Ladder  # noqa: PLC0415

        answers, password = self.answers, self.password
        return Ladder(checks, lambda: Context(answers, self.login(answers, password)))

    def login(
        self, answers: Answers | None = None, password: SecretStr | None = None
    ) -> Credentials | None:
        """The login for the registry; None for an anonymous client, or where none can be found.

        It may ask the keyring and docker's helpers: not for the thread of the screen.
        """
        try:
            return self._find_login(answers or self.answers, password or self.password)
        except EksaMirrorError:  # step 4 tells why
            return None

    def login_for_import(self) -> Credentials | None:
        """The same for an import that begins: one that is wanted and not found is told at once.

        Raises:
            EksaMirrorError: why there is none, with what to do in the wizard.
        """
        try:
            return self._find_login(self.answers, self.password)
        except EksaMirrorError as error:
            raise RegistryError(
                error.code,
                error.message,
                where=error.where,
                cause=error.cause,
                mend="Enter the password in step 4 (F2 goes there), then start again.",
            ) from error

    def _find_login(self, answers: Answers, password: SecretStr | None) -> Credentials | None:
        from core.host.credentials import find_credentials  # noqa: PLC0415 - loads docker

        source = answers.credentials.source
        if source is CredentialSource.NONE or not answers.registry.endpoint:
            return None
        return find_credentials(
            answers.registry.address.partition("/")[0],
            username=answers.credentials.username,
            password=password if answers.credentials.username else None,
            source=source,
            environment=os.environ,
            password_file=answers.credentials.file,
        )

    def findings(self, step: int) -> tuple[Finding, ...]:
        """All that is known of a step."""
        board = self.boards.get(step)
        return board.findings if board else ()

    def invalid(self, step: int) -> list[tuple[str, str]]:
        """The fields of a step whose form is wrong, or that are empty and must not be."""
        draft = self.setup.draft
        return [(one, field) for one, field in FORMS.get(step, ()) if draft.error(one, field)]

    def standing(self, step: int, here: int = 0) -> StepStanding:
        """How far a step is, and what is to be said about it."""
        from core.checks.open_points import is_settled_by_writing  # noqa: PLC0415 - as above

        answers = self.answers
        found = [one for one in self.findings(step) if not is_settled_by_writing(one, answers)]
        grave = next(
            (one for s in (State.FAIL, State.WARN) for one in found if one.state is s), None
        )
        words = grave.seen if grave else ""
        if step == here:
            return StepStanding(step, "here", words)
        visited = step <= self.setup.reached and (step < 8 or self.setup.written)
        worst = grave.state if grave else None
        return StepStanding(step, state_of(visited, worst, bool(self.invalid(step))), words)

    def standings(self, here: int = 0) -> list[StepStanding]:
        """All ten steps."""
        return [self.standing(step, here) for step in range(1, 11)]


def home(path: Path) -> str:
    """A path as an operator writes it: `~` for the home folder."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except ValueError:
        return str(path)
