"""Blobs, artifacts and journals, made by hand; real registries come from the fixtures."""

import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from core.archive.model import Blob, ImageParts, ReadyManifest, StoredArtifact
from core.archive.sources import MemoryBytes
from core.demo.registry import DemoRegistry
from core.errors import ArchiveError, Code
from core.mirror.endpoint import Mirror
from core.oci import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    OCI_CONFIG,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    canonical_json,
    digest_of,
)
from core.reference import Artifact, Kind, Reference
from core.registry.auth import push
from core.registry.blobs import read_blob
from core.registry.connection import Connection
from core.registry.credentials import Credentials
from core.registry.retry import RetryPolicy, Waiter
from core.registry.session import Session
from core.registry.tls import TlsSettings
from core.release.model import RequiredArtifact, Requirements
from core.transfer.chunk_size import ChunkSize
from core.transfer.compression import Compression
from core.transfer.engine import Engine
from core.transfer.journal import ArtifactRow, Journal
from core.transfer.plan import Plan, PlannedArtifact
from core.transfer.progress import Progress, Throttle
from core.transfer.sender import BlobSender
from core.transfer.states import PlacementState
from tests.fixtures.tools import Registry

GZIP = Compression("gzip", 1)
NONE = Compression("none", 0)
HASTY = RetryPolicy(patience=2.0, fault_attempts=4, first_wait=0.01, longest_wait=0.05)
"""Waits like the real one, only shorter."""


def noise(name: str, size: int) -> bytes:
    """Bytes that look random and do not compress, the same for the same name."""
    return hashlib.shake_128(name.encode()).digest(size)


def stored_blob(
    content: bytes,
    *,
    compressible: bool = False,
    media_type: str = "",
    entry: str = "images.tar: layer.tar",
    digest: str = "",
) -> Blob:
    """A blob in memory; another `digest` than its own makes it a damaged one."""
    plain = DOCKER_LAYER if compressible else OCI_LAYER_GZIP
    return Blob(
        digest or digest_of(content),
        len(content),
        media_type or plain,
        entry,
        MemoryBytes(content),
        compressible=compressible,
    )


def layer(content: bytes, digest: str = "") -> Blob:
    """An uncompressed layer of docker save."""
    return stored_blob(content, compressible=True, digest=digest)


@dataclass(frozen=True, slots=True)
class CutOff:
    """Bytes that end early, as a tarball does whose copy did not finish."""

    content: bytes
    size: int

    def read_at(self, offset: int, length: int) -> bytes:
        if offset + length > len(self.content):
            raise ArchiveError(Code.ARCHIVE_TRUNCATED, "It ends early.", where="layer.tar")
        return self.content[offset : offset + length]


def saved_image(name: str, *layers: Blob) -> StoredArtifact:
    """An image of docker save under a full reference."""
    document = {"architecture": "amd64", "os": "linux", "name": name}
    diff_ids = [one.digest for one in layers]
    config = canonical_json(document | {"rootfs": {"type": "layers", "diff_ids": diff_ids}})
    parts = ImageParts(stored_blob(config, media_type=DOCKER_CONFIG, entry="config"), layers)
    return StoredArtifact(Kind.IMAGE, name, (Reference.parse(name),), parts)


def config_of(image: StoredArtifact) -> Blob:
    """The config of an image of docker save."""
    return next(iter(image.content.all_blobs()))


def packed(layer: Blob) -> bytes:
    """What a layer becomes on the way."""
    return joined(GZIP.apply(layer.blocks(), layer.size))


def ready_image(name: str, *blobs: Blob) -> StoredArtifact:
    """An image that goes through byte for byte."""
    config = stored_blob(canonical_json({"name": name}), media_type=OCI_CONFIG, entry="config")
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config.descriptor(),
        "layers": [one.descriptor() for one in blobs],
    }
    content = canonical_json(document)
    ready = ReadyManifest(digest_of(content), OCI_MANIFEST, content, (config, *blobs))
    return StoredArtifact(Kind.IMAGE, name, (Reference.parse(name),), ready)


def upstream(repository: str) -> str:
    """The upstream name of an image in that repository."""
    return f"public.ecr.aws/{repository}:v1"


def planned(stored: StoredArtifact, mirror: Mirror) -> PlannedArtifact:
    """An artifact on its way to its own repository below the mirror's namespace."""
    reference = stored.references[0]
    target = Reference(mirror.address, f"{mirror.namespace}/{reference.repository}", reference.tag)
    return PlannedArtifact(stored.kind, str(reference), target, stored, required=True)


def plan_of(mirror: Mirror, *stored: StoredArtifact) -> Plan:
    """A plan that moves these."""
    return Plan(mirror, tuple(planned(one, mirror) for one in stored))


def requirements(*artifacts: Artifact) -> Requirements:
    """A release that needs exactly these."""
    required = tuple(RequiredArtifact(one, ("1.33",)) for one in artifacts)
    return Requirements(required, ("1.33",), ("1.33",), "v0.26.0")


@dataclass(frozen=True, slots=True)
class Site:
    """All that moves blobs into one registry.

    Attributes:
        mirror: the registry with the namespace of one test.
    """

    mirror: Mirror
    session: Session
    journal: Journal
    progress: Progress
    sender: BlobSender
    compression: Compression

    @property
    def stop(self) -> threading.Event:
        """Set to stop."""
        return self.session.waiter.stop

    def repository(self, name: str) -> str:
        """A repository below the namespace."""
        return f"{self.mirror.namespace}/{name}"

    def engine(self, plan: Plan) -> Engine:
        """Moves a plan."""
        return Engine(
            plan,
            session=self.session,
            journal=self.journal,
            sender=self.sender,
            compression=self.compression,
            progress=self.progress,
        )

    def send(self, blob: Blob, name: str = "a", holders: Sequence[str] = ()) -> PlacementState:
        """One blob into the repository `name` below the namespace."""
        slot = self.progress.slots[0]
        slot.begin(name, blob.size)
        try:
            known = [self.repository(one) for one in holders]
            return self.sender.place(blob, self.repository(name), known, slot)
        finally:
            slot.end()

    def content(self, digest: str, name: str = "a") -> bytes:
        """What the repository `name` holds."""
        return read_blob(self.session, self.repository(name), digest)

    def rows(self) -> dict[str, ArtifactRow]:
        """Artifacts of the journal by the last part of their upstream repository."""
        rows = self.journal.artifacts()
        return {row.source.rpartition("/")[2].partition(":")[0]: row for row in rows}

    def states(self) -> dict[str, str]:
        """How far each is."""
        return {name: row.state.value for name, row in self.rows().items()}

    def sent_digest(self, layer: Blob) -> str:
        """What a layer became in the mirror."""
        known = self.journal.known_as(layer)
        assert known
        return known[0]

    def delete(self, path: str, name: str) -> None:
        """Remove something from a repository, as a clean-up of the registry does."""
        repository = self.repository(name)
        self.session.request(
            "DELETE", f"/v2/{repository}/{path}", scopes=(push(repository),), ok=(202,)
        )

    def move(self, *stored: StoredArtifact) -> Engine:
        """Register, survey and send."""
        engine = self.engine(plan_of(self.mirror, *stored))
        engine.register()
        engine.survey()
        engine.send()
        return engine


def session_for(
    registry: Registry,
    *,
    policy: RetryPolicy = HASTY,
    stop: threading.Event | None = None,
    uploads: int = 4,
    stall: float = 20.0,
) -> Session:
    """A session with the registry's own login."""
    login = Credentials(registry.username, SecretStr(registry.password.get_secret_value()), "test")
    return Session(
        Connection(registry.address, TlsSettings(registry.ca_file)),
        login if registry.username else None,
        policy=policy,
        waiter=Waiter(stop),
        uploads=uploads,
        stall=stall,
    )


@contextmanager
def site(
    registry: Registry,
    namespace: str,
    journal: Path,
    *,
    chunk_size: int = 64 * 1024,
    jobs: int = 4,
    compression: Compression = GZIP,
    policy: RetryPolicy = HASTY,
) -> Iterator[Site]:
    """Everything for one run against a registry; the same journal file makes the next run."""
    with session_for(registry, policy=policy, uploads=jobs) as session:
        written, _ = Journal.open(journal)
        try:
            progress = Progress(jobs, Throttle(0, session.waiter.stop.wait))
            size = ChunkSize(chunk_size)
            sender = BlobSender(session, written, compression, size, progress)
            mirror = Mirror.parse(f"{registry.address}/{namespace}")
            yield Site(mirror, session, written, progress, sender, compression)
        finally:
            written.close()


def joined(pieces: Iterable[bytes]) -> bytes:
    """One piece of many."""
    return b"".join(pieces)


def uploads_left(registry: DemoRegistry, namespace: str) -> list[Path]:
    """Bytes of uploads that nobody finished nor cancelled, in the registry's storage.

    Of one that was cancelled docker-registry 2 keeps an empty folder with the state of its hash.
    """
    folder = registry.storage / "docker/registry/v2/repositories" / namespace
    return list(folder.rglob("_uploads/*/data"))
