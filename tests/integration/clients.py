"""Sessions with real registries, and content for them."""

import hashlib

from core.oci import digest_of
from core.registry.connection import Connection
from core.registry.credentials import Credentials
from core.registry.retry import RetryPolicy
from core.registry.session import Session
from core.registry.tls import TlsSettings
from core.registry.transport import Body
from core.registry.upload import Upload
from tests.fixtures.tools import Registry


def connection(registry: Registry) -> Connection:
    """How a registry of the fixtures is reached."""
    return Connection(registry.address, TlsSettings(registry.ca_file))


def login_of(registry: Registry) -> Credentials | None:
    """Its login, where it has one."""
    if not registry.username:
        return None
    return Credentials(registry.username, registry.password, "a test")


def session_with(registry: Registry, policy: RetryPolicy | None = None) -> Session:
    """A session that is logged in."""
    return Session(connection(registry), login_of(registry), policy=policy)


def content_of(seed: str, length: int = 100_000) -> bytes:
    """Bytes that are the same for the same seed, and do not compress."""
    return hashlib.shake_128(seed.encode()).digest(length)


def push_blob(session: Session, repository: str, content: bytes) -> str:
    """Send a blob in one piece, and say its digest."""
    digest = digest_of(content)
    Upload.start(session, repository).finish(digest, Body.of(content))
    return digest
