"""Logins at several registries."""

import base64
import json
import os
from pathlib import Path

from tests.fixtures.tools import Registry


def log_in(*registries: Registry) -> None:
    """As `docker login` would, into the config of this test."""
    auths = {one.address: {"auth": basic(one)} for one in registries}
    folder = Path(os.environ["DOCKER_CONFIG"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"auths": auths}))


def basic(registry: Registry) -> str:
    """The login as HTTP's Basic scheme writes it."""
    login = f"{registry.username}:{registry.password.get_secret_value()}"
    return base64.b64encode(login.encode()).decode()
