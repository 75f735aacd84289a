"""Running one check, or some of them, and finding what one of them said."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from core.answers import Answers, ArtifactAnswers, RegistryAnswers
from core.checks.context import Context
from core.checks.finding import Finding
from core.checks.standard import ladder
from core.registry.credentials import Credentials

PASSWORD = 'pä:s"s $w'
"""With characters that need care."""


def answers(address: str = "", *, artifacts: Any = None, **registry: Any) -> Answers:
    """Answers with an address, and what else of the registry is given."""
    return Answers(
        registry=RegistryAnswers.model_validate({"address": address, **registry}),
        artifacts=ArtifactAnswers.model_validate(artifacts or {}),
    )


@contextmanager
def context(
    given: Answers,
    credentials: Credentials | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Context]:
    """A context without any variables but these."""
    with Context(given, credentials, environment=environment or {}) as made:
        yield made


def look(
    check: Callable[[Context], Finding],
    given: Answers,
    credentials: Credentials | None = None,
    environment: Mapping[str, str] | None = None,
) -> Finding:
    """What one check finds."""
    with context(given, credentials, environment) as made:
        return check(made)


def climb(
    given: Answers, *only: str, credentials: Credentials | None = None, **environment: str
) -> dict[str, Finding]:
    """What the checks of the standard ladder find, by name; the last one of several."""
    found = ladder(given, credentials, environment=environment).run(only=only)
    return {one.name: one for one in found}


def login(username: str = "demo", password: str = PASSWORD) -> Credentials:
    return Credentials(username, SecretStr(password), "a test")


def states(found: Mapping[str, Finding]) -> dict[str, str]:
    return {name: one.state.value for name, one in found.items()}


def folder_of(path: Path) -> dict[str, int]:
    """Files below a folder and their sizes."""
    return {
        str(file.relative_to(path)): file.stat().st_size
        for file in path.rglob("*")
        if file.is_file()
    }
