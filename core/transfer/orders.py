"""What a worker and whoever starts it tell each other through pipes."""

import json
from dataclasses import dataclass

from pydantic import SecretStr

from core.errors import Code, EksaMirrorError, JobError
from core.registry.credentials import Credentials


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker reads from its standard input, because nobody else may see it.

    Attributes:
        credentials: None for an anonymous client.
        restart: set the old journal aside and begin anew.
        written_over: open problems that the site's files were written over, for the report; None
            leaves what an earlier run was told.
    """

    credentials: Credentials | None = None
    restart: bool = False
    written_over: tuple[str, ...] | None = None

    def dump(self) -> bytes:
        """For the pipe."""
        login = self.credentials and {
            "username": self.credentials.username,
            "password": self.credentials.password.get_secret_value(),
            "source": self.credentials.source,
            "is_identity_token": self.credentials.is_identity_token,
        }
        document = {
            "credentials": login,
            "restart": self.restart,
            "written_over": self.written_over,
        }
        return json.dumps(document).encode()

    @classmethod
    def load(cls, content: bytes) -> "Orders":
        """From the pipe."""
        document = json.loads(content)
        login = document["credentials"]
        if login:
            login["password"] = SecretStr(login["password"])
        over = document["written_over"]
        return cls(
            Credentials(**login) if login else None,
            document["restart"],
            None if over is None else tuple(over),
        )


@dataclass(frozen=True, slots=True)
class Begun:
    """What a worker answers on its standard output, once.

    Attributes:
        error: why it did not begin; None where the journal speaks of its run.
    """

    error: JobError | None = None

    def dump(self) -> bytes:
        """For the pipe."""
        return json.dumps(self.error and in_parts(self.error)).encode()

    @classmethod
    def load(cls, content: bytes) -> "Begun":
        """From the pipe."""
        parts = json.loads(content)
        if parts is None:
            return cls()
        code, message = Code(parts["code"]), parts["message"]
        rest = {key: parts[key] for key in ("where", "cause", "mend")}
        return cls(JobError(code, message, **rest))


def in_parts(error: EksaMirrorError) -> dict[str, str]:
    """An error for JSON, with the exit code that it means."""
    return {
        "code": error.code.value,
        "message": error.message,
        "where": error.where,
        "cause": error.cause,
        "mend": error.mend,
        "exit": str(int(error.exit_code)),
    }
