"""Blobs in a registry: is it there, mount it from another repository, read it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import Code, RegistryError
from core.oci import digest_of
from core.registry.auth import pull, push
from core.registry.session import Session
from core.registry.transport import Body, read_stream
from core.registry.upload import Upload, whole_number

_REFUSED = (400, 401, 403, 404, 405, 500, 501)


def blob_size(session: Session, repository: str, digest: str) -> int | None:
    """Bytes of a blob in `repository`; None where it is not there, -1 where they are not told.

    Raises:
        RegistryError: no right to look, or no answer.
    """
    response = session.request(
        "HEAD", f"/v2/{repository}/blobs/{digest}", scopes=(pull(repository),), ok=(200, 404)
    )
    if response.status == 404:
        return None
    length = whole_number(response.headers.get("content-length", ""))
    return -1 if length is None else length


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
    try:
        response = session.request(
            "POST", path, scopes=scopes, body=Body.of(b""), ok=(201, 202, *_REFUSED)
        )
    except RegistryError as error:
        # Token servers may refuse both rights where only one of them is missing.
        if error.temporary:
            raise
        return Upload.start(session, repository)
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
        yield read_stream(answer, session.absolute(path))


def read_blob(session: Session, repository: str, digest: str, limit: int = 8 * 2**20) -> bytes:
    """The whole of a small blob, such as a config, checked against its digest.

    Args:
        limit: bytes beyond which it is refused.

    Raises:
        RegistryError: it is not there, is too large, or is not what its digest says.
    """

    def read() -> bytes:
        content = bytearray()
        with open_blob(session, repository, digest) as blocks:
            for block in blocks:
                content += block
                if len(content) > limit:
                    raise _differs(repository, digest, f"it is longer than {limit} bytes")
        return bytes(content)

    content = session.retrying(read)
    if digest_of(content) != digest:
        raise _differs(repository, digest, "its content does not match its digest")
    return content


def hash_blob(session: Session, repository: str, digest: str) -> int:
    """Read a blob back and compare its hash.

    Returns:
        Its size in bytes.

    Raises:
        RegistryError: `mirror-differs` where the content is not what the digest says.
    """

    def read() -> tuple[str, int]:
        hasher, size = hashlib.sha256(), 0
        with open_blob(session, repository, digest) as blocks:
            for block in blocks:
                hasher.update(block)
                size += len(block)
        return f"sha256:{hasher.hexdigest()}", size

    found, size = session.retrying(read)
    if found != digest:
        raise _differs(repository, digest, "its content does not match its digest")
    return size


def _differs(repository: str, digest: str, why: str) -> RegistryError:
    return RegistryError(
        Code.MIRROR_DIFFERS,
        f"A blob is not what it should be: {why}.",
        where=f"{repository}@{digest}",
    )
