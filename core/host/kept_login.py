"""What the place where a login shall be kept holds already, for the step that asks for it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from core.answers import Answers, CredentialSource
from core.errors import EksaMirrorError
from core.host.credentials import USERNAME, find_credentials
from core.host.docker_config import find_in_docker_config
from core.host.keyring_store import SOURCE, find_in_keyring
from core.registry.credentials import Credentials

_LINE, _LONG = 59, "It cannot be used; see the check of the login."


@dataclass(frozen=True, slots=True)
class KeptLogin:
    """What a source holds.

    Attributes:
        source: where it was looked.
        username: whose login lies there; empty where none does.
        words: why it is of no use, in a line below the choice; empty where nothing is wrong.
    """

    source: CredentialSource
    username: str = ""
    words: str = ""


def look_at_kept_login(
    answers: Answers, address: str, environment: Mapping[str, str] = os.environ
) -> KeptLogin:
    """What the chosen source holds for a registry; not for the thread of the screen."""
    given = answers.credentials
    try:
        match given.source:
            case CredentialSource.ASK:
                found = None
            case CredentialSource.KEYRING:
                found = find_in_keyring(address, given.username, chosen=True)
            case CredentialSource.DOCKER_CONFIG:
                found = find_in_docker_config(address, environment, chosen=True)
                if found is None:
                    return KeptLogin(given.source, words=f"No login for {address} in it.")
            case _:
                found = find_credentials(
                    address,
                    username=given.username,
                    source=given.source,
                    environment=environment,
                    password_file=given.file,
                )
    except EksaMirrorError as error:
        if given.source is CredentialSource.AUTO:
            return _in_the_keyring(answers, address, environment)
        words = error.message
        return KeptLogin(given.source, words=words if len(words) <= _LINE else _LONG)
    source = given.source
    if source is CredentialSource.AUTO:
        if found is None:
            return _in_the_keyring(answers, address, environment)
        source = _source_of(found)
    return KeptLogin(source, found.username if found else "")


def _in_the_keyring(answers: Answers, address: str, environment: Mapping[str, str]) -> KeptLogin:
    """Nothing is known of this login: the keyring is proposed, and told where there is none."""
    chosen = answers.credentials.model_copy(update={"source": CredentialSource.KEYRING})
    return look_at_kept_login(
        answers.model_copy(update={"credentials": chosen}), address, environment
    )


def _source_of(found: Credentials) -> CredentialSource:
    if found.source == SOURCE:
        return CredentialSource.KEYRING
    if found.source == USERNAME:
        return CredentialSource.ENVIRONMENT
    return CredentialSource.DOCKER_CONFIG
