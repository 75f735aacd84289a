"""A Harbor that feeds, and one that is fed; the second is only what the first finds of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from core.registry.connection import Connection
from core.registry.credentials import Credentials
from core.registry.feeding import Step, Target, Wanted, carry_out, survey
from core.registry.replication import Replication
from tests.core.registry.servers import HttpServer
from tests.fixtures.harbor_mock import Account, HarborMock
from tests.fixtures.harbor_replication_mock import Site

ADMIN, GUEST = "admin", "guest"
PASSWORD = 'pä:s"s $w'
FEEDER = Credentials("robot$feed", SecretStr("s3cret-of-b"), "a test")
B = "harbor-b.example.com:8443"
URL = f"https://{B}"
RULE = "eksa-mirror-eks-a-to-harbor-b.example.com-8443"
WANTED = Wanted("harbor-a.example.com", "eks-a", ("eks-a",))


def feeding_mock() -> HarborMock:
    """An administrator, a guest, and a second Harbor that takes the login FEEDER."""
    mock = HarborMock()
    mock.accounts = {ADMIN: Account(PASSWORD, is_admin=True), GUEST: Account(PASSWORD)}
    mock.add_project("eks-a")
    mock.sites[URL] = Site({FEEDER.username: FEEDER.password.get_secret_value()})
    return mock


@contextmanager
def replication(server: HttpServer, name: str = ADMIN) -> Iterator[Replication]:
    login = Credentials(name, SecretStr(PASSWORD)) if name else None
    with Replication(Connection(server.address, plain_http=True), login, stall=5) as opened:
        yield opened


def feed(server: HttpServer, target: Target | None = None, wanted: Wanted = WANTED) -> Step:
    """Look what is to be done, and do it."""
    with replication(server) as source:
        step = survey(source, target or Target(B, FEEDER), wanted)
        if not step.is_done:
            carry_out(source, step)
        return step


def writes(server: HttpServer) -> list[str]:
    """What changed something; a ping does not."""
    return [
        f"{one.method} {one.path}"
        for one in server.asked
        if one.method not in ("GET", "HEAD") and not one.path.endswith("/ping")
    ]
