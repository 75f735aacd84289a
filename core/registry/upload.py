"""Sending a blob in chunks: begin, send, ask how far it came, finish, give up.

Source: OCI distribution specification, "Pushing a blob in chunks", and what registries do in truth:
the newest `Location` always counts, `Range: 0-0` stands for nothing as well as for one byte, a
session may be forgotten at any time.
"""

import re

from core.errors import Code, RegistryError
from core.registry.auth import push
from core.registry.faults import plain, read_error_body
from core.registry.retry import ONCE
from core.registry.session import Session
from core.registry.transport import Body, Response, without_query

_RANGE = re.compile(r"\s*(bytes\s*=\s*)?0-([0-9]{1,18})\s*")
_FORGOTTEN = frozenset({"BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"})
_SLOWEST_STORE = 10_000_000
"""Bytes a second that a registry's store commits at the least, for the patience at the end."""


class UploadLostError(Exception):
    """The registry forgot the upload session: the blob begins anew.

    Args:
        method: of the request that it sent bytes with and that found no session; empty of others.
    """

    def __init__(self, method: str = "") -> None:
        super().__init__(method)
        self.method = method


class Upload:
    """One upload session.

    Attributes:
        repository: where to.
        location: the newest URL of the session; signed, never logged with its query.
        offset: bytes that the registry has taken.
        smallest_chunk: the least that a chunk must have but for the last, bytes.
    """

    def __init__(self, session: Session, repository: str, location: str, offset: int = 0) -> None:
        self._session = session
        self.repository = repository
        self.location = location
        self.offset = offset
        self.smallest_chunk = 0

    @classmethod
    def start(cls, session: Session, repository: str) -> "Upload":
        """Begin a session.

        Raises:
            RegistryError: no right to push, or no answer.
        """
        response = session.request(
            "POST",
            f"/v2/{repository}/blobs/uploads/",
            scopes=(push(repository),),
            body=Body.of(b""),
            ok=(202,),
        )
        return cls.begun(session, repository, response)

    @classmethod
    def begun(cls, session: Session, repository: str, response: Response) -> "Upload":
        """The session that a 202 to a POST tells of.

        Raises:
            RegistryError: it tells of none.
        """
        if "location" not in response.headers:
            raise RegistryError(
                Code.REGISTRY_PROTOCOL,
                "The registry begins an upload and does not say where.",
                where=response.url,
                status=response.status,
            )
        upload = cls(session, repository, session.absolute(f"/v2/{repository}/blobs/uploads/"))
        upload._follow(response)
        upload.smallest_chunk = whole_number(response.headers.get("oci-chunk-min-length", "")) or 0
        return upload

    def ask_offset(self) -> int:
        """Ask how many bytes the registry holds, and go on from there.

        Raises:
            UploadLostError: it does not know this session any more.
            RegistryError: no answer.
        """
        response = self._session.request(
            "GET", self.location, scopes=self._scopes(), ok=(200, 202, 204, 400, 404, 405, 416)
        )
        if response.status >= 400:
            raise UploadLostError
        self._follow(response)
        self.offset = self._told_offset(response)
        return self.offset

    def send(self, body: Body) -> None:
        """Send one chunk, once; after a failure ask for the offset.

        Raises:
            UploadLostError: the registry does not know this session any more.
            RegistryError: refused or broken off.
        """
        response = self._once("PATCH", self.location, body, self._range(body))
        self._follow(response)
        self.offset += body.length

    def finish(self, digest: str, body: Body | None = None) -> None:
        """Close the session: the blob is there under `digest`.

        Args:
            body: the last chunk, or the whole of a small blob.

        Raises:
            UploadLostError: the registry does not know this session any more.
            RegistryError: refused (`digest-refused` where it read other bytes) or broken off.
        """
        last = body or Body.of(b"")
        joint = "&" if "?" in self.location else "?"
        response = self._once(
            "PUT",
            f"{self.location}{joint}digest={digest}",
            last,
            self._range(last) if self.offset else {},
            stall=60.0 + (self.offset + last.length) / _SLOWEST_STORE,
        )
        check_stored(response, digest)

    def cancel(self) -> None:
        """Give the session up, so that it does not fill the registry's disk, where it lets us.

        Raises:
            RegistryError: no answer.
        """
        self._session.request(
            "DELETE",
            self.location,
            scopes=self._scopes(),
            ok=(200, 202, 204, 400, 401, 403, 404, 405),
            policy=ONCE,
        )

    def _scopes(self) -> tuple[str, ...]:
        return (push(self.repository),)

    def _follow(self, response: Response) -> None:
        location = response.headers.get("location")
        if location:
            self.location = self._session.resolve(self.location, location)

    def _once(
        self,
        method: str,
        target: str,
        body: Body,
        headers: dict[str, str],
        stall: float | None = None,
    ) -> Response:
        """Send bytes once: only the registry knows what it took of them when that fails."""
        response = self._session.request(
            method,
            target,
            scopes=self._scopes(),
            headers=headers,
            body=body,
            ok=(200, 201, 202, 204, 400, 404),
            stall=stall,
            policy=ONCE,
        )
        if response.status == 404:
            raise UploadLostError(method)
        if response.status == 400:
            if _FORGOTTEN & set(read_error_body(response.content).codes):
                raise UploadLostError(method)
            raise response.error(method)
        return response

    def _range(self, body: Body) -> dict[str, str]:
        if not body.length:
            return {}
        return {"Content-Range": f"{self.offset}-{self.offset + body.length - 1}"}

    def _told_offset(self, response: Response) -> int:
        """What `Range` says of the bytes that arrived; without it nothing new is known."""
        match = _RANGE.fullmatch(response.headers.get("range", ""))
        if match is None:
            return self.offset
        end = int(match.group(2))
        if match.group(1) and end + 1 != self.offset:
            return end  # Quay counts bytes where the others name the last one
        if end == 0 and self.offset != 1:
            return 0
        return end + 1

    def __repr__(self) -> str:
        return f"Upload({without_query(self.location)!r}, offset={self.offset})"


def check_stored(response: Response, digest: str) -> None:
    """Compare what the registry says that it stored with what was sent.

    Raises:
        RegistryError: `digest-refused`.
    """
    stored = response.headers.get("docker-content-digest") or digest
    if stored != digest:
        raise RegistryError(
            Code.DIGEST_REFUSED,
            f"The registry stored {plain(stored)} where {digest} was sent.",
            where=response.url,
        )


def whole_number(text: str) -> int | None:
    """A number of bytes out of a header, or None."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None
