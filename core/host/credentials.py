"""Finding the login for a registry. (To be written whole: keyring, docker config.)"""

import os
from collections.abc import Mapping

from pydantic import SecretStr

from core.answers import CredentialSource
from core.registry.credentials import Credentials


def find_credentials(
    address: str,
    *,
    username: str = "",
    password: SecretStr | None = None,
    source: CredentialSource = CredentialSource.AUTO,
    environ: Mapping[str, str] = os.environ,
) -> Credentials | None:
    """The login, from flags or environment."""
    if password is not None:
        return Credentials(username, password, "flags")
    name, secret = environ.get("REGISTRY_USERNAME", ""), environ.get("REGISTRY_PASSWORD", "")
    return Credentials(name, SecretStr(secret), "environment") if name else None
