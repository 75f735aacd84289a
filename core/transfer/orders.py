"""What a worker is told through a pipe, because nobody else may see it."""

import json
from dataclasses import dataclass

from pydantic import SecretStr

from core.registry.credentials import Credentials


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker reads from its standard input.

    Attributes:
        credentials: None for an anonymous client.
        restart: set the old journal aside and begin anew.
    """

    credentials: Credentials | None = None
    restart: bool = False

    def dump(self) -> bytes:
        """For the pipe."""
        login = self.credentials and {
            "username": self.credentials.username,
            "password": self.credentials.password.get_secret_value(),
            "source": self.credentials.source,
            "is_identity_token": self.credentials.is_identity_token,
        }
        return json.dumps({"credentials": login, "restart": self.restart}).encode()

    @classmethod
    def load(cls, content: bytes) -> "Orders":
        """From the pipe."""
        document = json.loads(content)
        login = document["credentials"]
        if login:
            login["password"] = SecretStr(login["password"])
        return cls(Credentials(**login) if login else None, document["restart"])
