"""Blobs in a registry: is it there, mount it from another repository, read it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import Code, RegistryError
from core.oci import digest_of
from core.registry.auth import pull, push
from core.registry.session import Session
from core.registry.transport import Body, read_stream
from core.registry.upload import Upload


def blob_size(session: Session, repository: str, digest: str) -> int | None:
    """Bytes of a blob in `repository`; None where it is not there.

    Raises:
        RegistryError: no right to look, or no answer.
    """
    response = session.request(
        "HEAD", f"/v2/{repository}/blobs/{digest}", scopes=(pull(repository),), ok=(200, 404)
    )
    if response.status == 404:
        return None
    length = response.headers.get("content-length", "")
    return int(length) if length.isdigit() else -1


def has_blob(session: Session, repository: str, digest: str, size: int) -> bool:
    """Whether `repository` holds the blob, whole.

    Args:
        size: what it must have in bytes; a registry that tells none is believed.
    """
    return blob_size(session, repository, digest) in (size, -1)


def mount_blob(session: Session, repository: str, digest: str, source: str) -> Upload | None:
    """Let the registry take a blob over from the repository `source`.

    Returns:
        None where it is done; else the upload that the registry began in its place, or a fresh
        one: a mount is a favour that may be refused in many ways.

    Raises:
        RegistryError: no right to push, or no answer.
    """
    path = f"/v2/{repository}/blobs/uploads/?mount={digest}&from={source}"
    scopes = (push(repository), pull(source))
    response = session.request(
        "POST", path, scopes=scopes, body=Body.of(b""), ok=(201, 202, 400, 401, 403, 404, 405)
    )
    if response.status == 201:
        return None
    if response.status == 202 and "location" in response.headers:
        return Upload.begun(session, repository, response)
    return Upload.start(session, repository)


@contextmanager
def open_blob(session: Session, repository: str, digest: str) -> Iterator[Iterator[bytes]]:
    """The content of a blob in blocks.

    Raises:
        RegistryError: it is not there, or the connection broke.
    """
    path = f"/v2/{repository}/blobs/{digest}"
    with session.open(path, (pull(repository),)) as answer:
        yield read_stream(answer, path)


def read_blob(session: Session, repository: str, digest: str, limit: int = 8 * 2**20) -> bytes:
    """The whole of a small blob, such as a config, checked against its digest.

    Args:
        limit: bytes beyond which it is refused.

    Raises:
        RegistryError: it is not there, is too large, or is not what its digest says.
    """
    content = bytearray()
    with open_blob(session, repository, digest) as blocks:
        for block in blocks:
            content += block
            if len(content) > limit:
                raise _differs(repository, digest, f"it is longer than {limit} bytes")
    if digest_of(bytes(content)) != digest:
        raise _differs(repository, digest, "its content does not match its digest")
    return bytes(content)


def hash_blob(session: Session, repository: str, digest: str) -> int:
    """Read a blob back and compare its hash.

    Returns:
        Its size in bytes.

    Raises:
        RegistryError: `mirror-differs` where the content is not what the digest says.
    """
    hasher, size = hashlib.sha256(), 0
    with open_blob(session, repository, digest) as blocks:
        for block in blocks:
            hasher.update(block)
            size += len(block)
    if f"sha256:{hasher.hexdigest()}" != digest:
        raise _differs(repository, digest, "its content does not match its digest")
    return size


def _differs(repository: str, digest: str, why: str) -> RegistryError:
    return RegistryError(Code.MIRROR_DIFFERS, f"A blob is not what it should be: {why}.",
                         where=f"{repository}@{digest}")  # fmt: skip
