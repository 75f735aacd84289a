"""The login that is shown to a registry."""

import base64
from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name with a password, or an identity token of docker's config.

    Attributes:
        username: empty with an identity token.
        password: the password, or the identity token.
        source: where it was found, for people: `REGISTRY_USERNAME`, `docker config`, …
        is_identity_token: the secret is an OAuth2 refresh token (ACR and others).
    """

    username: str
    password: SecretStr
    source: str = ""
    is_identity_token: bool = False

    def basic_header(self) -> str:
        """The value of an `Authorization` header; never to be logged."""
        pair = f"{self.username}:{self.password.get_secret_value()}"
        return "Basic " + base64.b64encode(pair.encode()).decode()
