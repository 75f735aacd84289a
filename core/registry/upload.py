"""Sending a blob in chunks: begin, send, ask how far it came, finish, give up.

Source: OCI distribution specification, "Pushing a blob in chunks", and what registries do in truth:
the newest `Location` always counts, `Range: 0-0` stands for nothing as well as for one byte, a
session may be forgotten at any time.
"""

import re

from core.errors import Code, RegistryError
from core.registry.auth import push
from core.registry.retry import ONCE
from core.registry.session import Session
from core.registry.transport import Body, Response, without_query

_RANGE = re.compile(r"\s*(?:bytes\s*=\s*)?0-(\d{1,19})\s*")
_SLOWEST_STORE = 10_000_000
"""Bytes a second that a registry's store commits at the least, for the patience at the end."""


class UploadLostError(Exception):
    """The registry forgot the upload session: the blob begins anew."""


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
        """The session that a 202 to a POST tells of."""
        upload = cls(session, repository, session.absolute(f"/v2/{repository}/blobs/uploads/"))
        upload._follow(response)
        least = response.headers.get("oci-chunk-min-length", "")
        upload.smallest_chunk = int(least) if least.isdigit() else 0
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
        told = self._told_offset(response)
        self._follow(response)
        # Without a Range nothing is known; "0-0" is what a session with nothing in it says, too.
        if told is None or (told == 1 and self.offset == 0):
            return self.offset
        self.offset = told
        return told

    def send(self, body: Body) -> None:
        """Send one chunk, once; after a failure ask for the offset.

        Raises:
            UploadLostError: the registry does not know this session any more.
            RegistryError: refused or broken off.
        """
        last = self.offset + body.length - 1
        response = self._session.request(
            "PATCH",
            self.location,
            scopes=self._scopes(),
            headers={"Content-Range": f"{self.offset}-{last}"},
            body=body,
            ok=(200, 201, 202, 204, 404),
            policy=ONCE,
        )
        if response.status == 404:
            raise UploadLostError
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
        response = self._session.request(
            "PUT",
            f"{self.location}{joint}digest={digest}",
            scopes=self._scopes(),
            body=last,
            ok=(200, 201, 202, 204, 404),
            stall=60.0 + (self.offset + last.length) / _SLOWEST_STORE,
            policy=ONCE,
        )
        if response.status == 404:
            raise UploadLostError
        stored = response.headers.get("docker-content-digest", digest)
        if stored != digest:
            raise RegistryError(
                Code.DIGEST_REFUSED,
                f"The registry stored {stored} where {digest} was sent.",
                where=response.url,
            )

    def cancel(self) -> None:
        """Give the session up, so that it does not fill the registry's disk.

        Raises:
            RegistryError: no answer.
        """
        self._session.request(
            "DELETE",
            self.location,
            scopes=self._scopes(),
            ok=(200, 202, 204, 400, 404, 405),
            policy=ONCE,
        )

    def _scopes(self) -> tuple[str, ...]:
        return (push(self.repository),)

    def _follow(self, response: Response) -> None:
        location = response.headers.get("location")
        if location:
            self.location = self._session.resolve(self.location, location)

    @staticmethod
    def _told_offset(response: Response) -> int | None:
        match = _RANGE.fullmatch(response.headers.get("range", ""))
        return int(match.group(1)) + 1 if match else None

    def __repr__(self) -> str:
        return f"Upload({without_query(self.location)!r}, offset={self.offset})"
