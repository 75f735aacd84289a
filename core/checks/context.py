"""What the checks of one run share: the answers, and whatever was found out once."""

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar

from core.answers import Answers
from core.errors import EksaMirrorError, Interrupted
from core.mirror.endpoint import HTTPS_PORT, Mirror
from core.registry.connection import Connection
from core.registry.credentials import Credentials
from core.transfer.settings import connection_of, mirror_of

ANSWER_SECONDS = 4.0
"""How long one answer is waited for; less than a check's limit, so that it can say why."""

_Value = TypeVar("_Value")


class Context:
    """One run of checks; use it as a context manager.

    Args:
        answers: what was decided so far; it may be incomplete.
        credentials: the login; None for an anonymous client.
        environment: variables such as `EKSA_REGISTRY_MIRROR_CA`.

    Attributes:
        stop: set when the check that holds this context is to end.
    """

    def __init__(
        self,
        answers: Answers,
        credentials: Credentials | None = None,
        *,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self.answers = answers
        self.credentials = credentials
        self.environment = environment
        self.stop = threading.Event()
        self._shared = _Shared()

    def stopped_by(self, stop: threading.Event) -> "Context":
        """The same context for a check that ends when `stop` is set."""
        view = Context(self.answers, self.credentials, environment=self.environment)
        view.stop = stop
        view._shared = self._shared
        return view

    def go_on(self) -> None:
        """Raise where the check is to end.

        Raises:
            Interrupted: `stop` is set.
        """
        if self.stop.is_set():
            raise Interrupted("The check was stopped.")

    def once(self, name: str, make: Callable[[], _Value]) -> _Value:
        """What `make` gives, made by the first check that asks and shared by all others.

        Raises:
            EksaMirrorError: what `make` raised, to each that asks.
        """
        value: _Value = self._shared.once(name, make)
        return value

    def close_later(self, close: Callable[[], object]) -> None:
        """Have `close` called at the end of the run; at once where that has come and gone."""
        self._shared.close_later(close)

    def keep_open(self, opened: AbstractContextManager[_Value]) -> _Value:
        """Enter a context manager, and leave it at the end of the run."""
        value = opened.__enter__()
        self._shared.close_later(lambda: opened.__exit__(None, None, None))
        return value

    @property
    def mirror(self) -> Mirror:
        """Where the artifacts go.

        Raises:
            EksaMirrorError: no registry is named, or its address is not valid.
        """
        return self.once("mirror", lambda: mirror_of(self.answers))

    @property
    def connection(self) -> Connection:
        """How the registry is spoken to.

        Raises:
            EksaMirrorError: no registry is named, or its address is not valid.
        """
        return self.once("connection", lambda: connection_of(self.answers))

    @property
    def port(self) -> int:
        """The port where the registry should listen."""
        return self.mirror.port or (80 if self.answers.registry.plain_http else HTTPS_PORT)

    def __enter__(self) -> "Context":
        return self

    def __exit__(self, *_: object) -> None:
        self._shared.close()


class _Shared:
    """Values and failures by name; each is made once, while the others wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closing = ExitStack()
        self._closed = False
        self._making: dict[str, threading.Lock] = {}
        self._values: dict[str, Any] = {}
        self._errors: dict[str, EksaMirrorError] = {}

    def close_later(self, close: Callable[[], object]) -> None:
        """A check that was left behind may open things when the run is over."""
        with self._lock:
            if not self._closed:
                self._closing.callback(close)
                return
        close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._closing.close()

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        with self._lock:
            making = self._making.setdefault(name, threading.Lock())
        with making:
            if name in self._errors:
                raise self._errors[name]
            if name not in self._values:
                try:
                    self._values[name] = make()
                except Interrupted:
                    raise
                except EksaMirrorError as error:
                    self._errors[name] = error
                    raise
            return self._values[name]
