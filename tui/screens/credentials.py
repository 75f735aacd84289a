"""Step 4: who the import and the nodes log in as, and where the secret is kept."""

from dataclasses import dataclass

from pydantic import SecretStr
from textual.app import ComposeResult
from textual.message import Message

from core.answers import CredentialSource, field_label, validate_field
from core.checks.finding import State
from core.errors import Code, EksaMirrorError
from core.host.kept_login import KeptLogin, look_at_kept_login
from core.host.keyring_store import save_in_keyring
from core.registry.credentials import Credentials
from tui.aside import aside
from tui.screens.step import StepScreen
from tui.widgets.checklist import CheckList
from tui.widgets.choice import Choice
from tui.widgets.field import Field
from tui.words import plural

WITH_LOGIN, WITHOUT = "login", "none"
KEYRING, ENVIRONMENT = CredentialSource.KEYRING, CredentialSource.ENVIRONMENT
MASKED = "•" * 12
"""Stands for a password that is kept; as long for every password."""

PASSWORD_HELP = "Never shown, never written to answers, logs or reports."  # noqa: S105 - words
STORED = "Stored. Leave empty to keep it."
TYPED = "Entered before. Leave empty to keep it."
_LOGIN_HELPS = {
    WITH_LOGIN: "Nodes get the same login (authenticate: true).",
    WITHOUT: "Anyone may pull and push (authenticate: false).",
}
_KEPT = {
    KEYRING: ("Keyring", "This machine's secret store; the import reads it there."),
    ENVIRONMENT: ("Environment", "REGISTRY_USERNAME and REGISTRY_PASSWORD, set by you."),
    CredentialSource.DOCKER_CONFIG: (
        "Docker config",
        "As “docker login” left it, in ~/.docker/config.json.",
    ),
}
_OTHERS = {
    CredentialSource.FILE: ("Password file", "The file that the answers name."),
    CredentialSource.ASK: ("Nowhere", "The password is entered at every start."),
}
"""Offered only where the answers came with them."""

_TYPED_HERE = (KEYRING, CredentialSource.ASK)
_SAVED, _CHECKED, _KNOWN = "login-saved", "login-checked", "login-kept"


class CredentialsScreen(StepScreen):
    """Login, user, password, where it is kept, and the checks."""

    STEP = 4
    SUBTITLE = "Who the import and the nodes log in as."

    @dataclass
    class Looked(Message):
        """A source was looked into, in a thread."""

        look: int
        kept: KeptLogin

    @dataclass
    class Saved(Message):
        """The keyring has the login, or does not take it."""

        login: tuple[str, SecretStr]
        trouble: EksaMirrorError | None = None

    _look = 0
    _saving = False

    def compose_page(self) -> ComposeResult:
        """Two choices, two fields, the checks."""
        source, answers = self._source, self.session.answers
        yield Choice(
            "credentials",
            "login",
            label="Login",
            options=((WITH_LOGIN, "User and password"), (WITHOUT, "No login")),
            value=WITHOUT if answers.credentials.source is CredentialSource.NONE else WITH_LOGIN,
            helps=_LOGIN_HELPS,
        )
        yield self.answer_field("credentials", "username")
        yield Field("login", "password", label="Password", help=PASSWORD_HELP, secret=True)
        offered = _KEPT | {one: words for one, words in _OTHERS.items() if one is source}
        yield Choice(
            "credentials",
            "source",
            label=field_label("credentials", "source"),
            options=[(one.value, words[0]) for one, words in offered.items()],
            value=source.value,
            helps={one.value: words[1] for one, words in offered.items()},
        )
        assert self.board  # noqa: S101 - this step has checks
        yield CheckList(self.board)

    def on_mount(self) -> None:
        """What is to be typed has the focus; what is kept already is looked up.

        Push and pull are tried in the project that step 5 will propose.
        """
        if self.session.propose_project(self.STEP):
            self.wizard.answers_changed()
        self._draw()
        if self._with_login:
            typed = self._source in _TYPED_HERE and self.session.password is None
            (self._password if typed and self._user.value else self._user).input.focus()
        else:
            self.query_one("#field-credentials-login .choice-options").focus()
        self._judge_user()
        self._begin_look()

    # --- what is chosen ---------------------------------------------------------------------

    @property
    def _user(self) -> Field:
        return self.query_one("#field-credentials-username", Field)

    @property
    def _password(self) -> Field:
        return self.query_one("#field-login-password", Field)

    @property
    def _keeping(self) -> Choice:
        return self.query_one("#field-credentials-source", Choice)

    @property
    def _with_login(self) -> bool:
        return self.query_one("#field-credentials-login", Choice).value == WITH_LOGIN

    @property
    def _source(self) -> CredentialSource:
        """Where the login is kept; the keyring until something else is known."""
        given = self.session.answers.credentials.source
        return KEYRING if given in (CredentialSource.AUTO, CredentialSource.NONE) else given

    @property
    def _address(self) -> str:
        return self.session.answers.registry.address.partition("/")[0]

    @property
    def _kept(self) -> KeptLogin | None:
        kept = self.session.notes.get(_KNOWN)
        return kept if isinstance(kept, KeptLogin) else None

    @property
    def _stored(self) -> bool:
        """Whether the chosen source holds a login of this user."""
        kept, username = self._kept, self.session.answers.credentials.username
        if kept is None or kept.source is not self._source:
            return False
        return bool(kept.username) and kept.username == username

    def _choose(self, source: CredentialSource) -> None:
        self.session.put("credentials", "source", source.value)
        login = source is not CredentialSource.NONE
        self.session.put("credentials", "authenticate", login)
        if source not in _TYPED_HERE:
            self.session.password = None
        elif text := self._password.value:
            self.session.password = SecretStr(text)
        self.wizard.answers_changed()
        self._draw()
        self._begin_look()

    def on_choice_chosen(self, event: Choice.Chosen) -> None:
        """Another kind of login, or another place for it."""
        if event.choice.field == "source":
            self._choose(CredentialSource(event.value))
        elif event.value == WITHOUT:
            self._choose(CredentialSource.NONE)
        else:
            self._choose(CredentialSource(self._keeping.value))
        self.begin_checks()

    # --- what is kept already ---------------------------------------------------------------

    def _begin_look(self) -> None:
        """Ask the chosen source, or all where none was chosen yet."""
        self._look += 1
        look, answers, address = self._look, self.session.answers, self._address
        if not address or answers.credentials.source is CredentialSource.NONE:
            return

        def work() -> None:
            self.post_message(self.Looked(look, look_at_kept_login(answers, address)))

        aside(self, work)

    def on_credentials_screen_looked(self, event: Looked) -> None:
        """The first time it is a proposal, later it tells what is stored."""
        if event.look != self._look:
            return
        self.session.notes[_KNOWN] = event.kept
        if self.session.answers.credentials.source is CredentialSource.AUTO:
            self._settle(event.kept)
        elif event.kept.username and not self._user.value:
            self._take_user(event.kept.username)
        self._draw()
        self.begin_checks()

    def _settle(self, kept: KeptLogin) -> None:
        """Nothing was chosen yet: a login that lies somewhere, else one that is to be typed."""
        self._keeping.choose(kept.source.value)
        self.session.put("credentials", "source", kept.source.value)
        self.session.put("credentials", "authenticate", True)
        if kept.username and not self._user.value:
            self._take_user(kept.username)
        self.wizard.answers_changed()

    def _take_user(self, username: str) -> None:
        self.session.put("credentials", "username", username)
        self._user.set_value(username)

    # --- fields -----------------------------------------------------------------------------

    def field_edited(self, field: Field, value: str) -> bool:
        """The password never comes near the answers."""
        del value
        if field is not self._password:
            return False
        self.session.password = SecretStr(field.value) if field.value else None
        if field.error:
            field.show_error(self._wrong_password())
        return True

    def field_left(self, field: Field) -> bool:
        """Now the login is tried: once for each change."""
        if field is self._password:
            field.show_error(self._wrong_password() if field.value else "")
        else:
            self._judge_user()
        self.begin_checks()
        return True

    def check_soon(self) -> None:
        """A login is never tried with half a password: an account could be locked."""
        if self.board and self.session.notes.get(_CHECKED) != self._tried_with():
            self.board.forget(f"after {self.checks_wait_for() or 'password'}")
            self.show_checks()

    def begin_checks(self) -> None:
        """Only where something differs from what was tried the last time."""
        board, tried = self.board, self._tried_with()
        if not board:
            return
        if self.checks_wait_for():
            super().begin_checks()
            return
        known = board.running or board.ended is not None
        if not known or self.session.notes.get(_CHECKED) != tried:
            self.session.notes[_CHECKED] = tried
            board.start()
        self.show_checks()

    def action_again(self) -> None:
        """Whatever was tried before."""
        self.session.notes[_CHECKED] = self._tried_with()
        super().action_again()

    def _tried_with(self) -> object:
        answers = self.session.answers
        return (answers.registry, answers.credentials, answers.artifacts, self.session.password)

    def checks_wait_for(self) -> str:
        """The first thing that is missing."""
        if self.session.setup.draft.error("registry", "endpoint"):
            return "endpoint"
        if not self._with_login:
            return ""
        if self.session.answers.credentials.source is CredentialSource.AUTO:
            return "the look for a login"
        if self._wrong_user():
            return "user"
        return "password" if self._wrong_password() else ""

    # --- forms ------------------------------------------------------------------------------

    def _wrong_user(self) -> str:
        value = self.session.setup.draft.value("credentials", "username")
        if not value:
            needed = self._with_login and self._source in (*_TYPED_HERE, CredentialSource.FILE)
            return "Enter the user name." if needed else ""
        return validate_field("credentials", "username", value)

    def _wrong_password(self) -> str:
        if not self._with_login or self._source not in _TYPED_HERE:
            return ""
        if self.session.password or self._stored:
            return ""
        return "Enter the password."

    def field_error(self, section: str, name: str) -> str:
        """The user is judged by this screen."""
        return self._wrong_user() if name == "username" else super().field_error(section, name)

    def _judge_user(self) -> None:
        self._user.show_error(self._wrong_user() if self._user.value else "")

    # --- drawing ----------------------------------------------------------------------------

    def _draw(self) -> None:
        login, typed = self._with_login, self._source in _TYPED_HERE
        self._user.display = login
        self._keeping.display = login
        self._password.display = login and typed
        before = self.session.password is not None and not self._password.value
        kept = before or self._stored
        self._password.input.placeholder = MASKED if kept else ""
        stored = self._stored and not self.session.password
        self._password.show_help(STORED if stored else TYPED if before else PASSWORD_HELP)
        kept_here = self._kept and self._kept.source is self._source
        self._keeping.show_error(self._kept.words if self._kept and kept_here else "")
        self.refresh_frame()

    def show_checks(self) -> None:
        """A registry that asks for a login says so at the choice, too."""
        super().show_checks()
        found = self.session.findings(self.STEP)
        asked = any(one.code == Code.LOGIN_MISSING and one.state is State.FAIL for one in found)
        words = "This registry asks for a login." if asked and not self._with_login else ""
        self.query_one("#field-credentials-login", Choice).show_error(words)

    # --- going on ---------------------------------------------------------------------------

    def action_go_on(self) -> None:
        """Where the form is right; a new password goes into the keyring first."""
        if self._with_login and self.session.answers.credentials.source is CredentialSource.AUTO:
            self._choose(self._source)
        wrong = [
            (field, words)
            for field, words in (
                (self._user, self._wrong_user()),
                (self._password, self._wrong_password()),
            )
            if words
        ]
        if wrong:
            for field, words in wrong:
                field.show_error(words)
            wrong[0][0].input.focus()
            self.tell(f"Fix {plural(len(wrong), 'field')} to go on.")
        elif not self._saving and not self._begin_to_save():
            super().action_go_on()

    def _begin_to_save(self) -> bool:
        """Keep the login in a thread; False where there is nothing new to keep."""
        password, answers = self.session.password, self.session.answers
        login = (answers.credentials.username, password) if password else None
        address = self._address
        if not self._with_login or self._source is not KEYRING or not password or not address:
            return False
        if self.session.notes.get(_SAVED) == (address, login):
            return False
        username = answers.credentials.username
        self._saving = True
        self.tell("Saving into the keyring.")

        def work() -> None:
            trouble = None
            try:
                save_in_keyring(address, Credentials(username, password, "the wizard"))
            except EksaMirrorError as error:
                trouble = error
            self.post_message(self.Saved((username, password), trouble))

        aside(self, work)
        return True

    def on_credentials_screen_saved(self, event: Saved) -> None:
        """On to the next step; a keyring that fails is told, and does not hold it a second time."""
        self._saving = False
        self.session.notes[_SAVED] = (self._address, event.login)
        if event.trouble is None:
            super().action_go_on()
            return
        self._keeping.show_error(event.trouble.message)
        self.tell("Not saved. Continue goes on without.")
