"""The limit: the same bytes sent by a bare loop, without journal, questions, or verification.

What is left is what no import can do without: read, hash, compress, encrypt, and the requests that
put blobs and manifests in place. Whatever an import takes longer is the price of its promises.

    python -m tests.bench.limit [--compression CODEC] [--ahead N] [--whole] --
                                ARCHIVE ADDRESS CA USER PASSWORD
"""

import argparse
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from core.archive.model import ImageParts
from core.archive.open import open_archive
from core.mirror.endpoint import Mirror
from core.oci import canonical_json
from core.registry.blobs import mount_blob
from core.registry.connection import Connection
from core.registry.credentials import Credentials
from core.registry.manifests import put_manifest
from core.registry.session import Session
from core.registry.tls import TlsSettings
from core.registry.transport import Body
from core.registry.upload import Upload
from core.transfer import compression as compressing
from core.transfer.chunks import chunks
from core.transfer.compression import Compression
from core.transfer.lookahead import LookAhead
from core.transfer.plan import Need, Plan, PlannedArtifact, make_plan
from core.transfer.threads import run_in_threads

_CHUNK = 8 * 2**20
_THREADS = 4


@dataclass(frozen=True, slots=True)
class _Way:
    """How layers are sent: compressed by what, and how many chunks are made ahead."""

    compression: Compression
    ahead: int


def main() -> None:
    """Send all; prints the seconds that it took, and those that this process computed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.limit")
    for name in ("archive", "address", "ca_file", "user", "password"):
        parser.add_argument(name)
    parser.add_argument("--compression", type=Compression.parse, default=Compression())
    parser.add_argument("--ahead", type=int, default=1, help="chunks that are made ahead")
    parser.add_argument("--whole", action="store_true", help="large layers not in pieces")
    given = parser.parse_args()
    if given.whole:
        compressing.LARGE = sys.maxsize
    began = time.monotonic()
    mirror = Mirror.parse(given.address)
    login = Credentials(given.user, SecretStr(given.password))
    connection = Connection(mirror.address, TlsSettings(Path(given.ca_file)))
    with open_archive(Path(given.archive)) as opened, Session(connection, login) as session:
        session.ping()
        _send_all(session, make_plan(mirror, opened, None), _Way(given.compression, given.ahead))
    sys.stdout.write(f"{time.monotonic() - began:.3f} {time.process_time():.3f}\n")


def _send_all(session: Session, plan: Plan, way: _Way) -> None:
    sent: dict[str, tuple[str, int]] = {}
    waiting = {id(one): {blob.digest for blob in one.blobs()} for one in plan.artifacts}
    needing: dict[str, list[PlannedArtifact]] = defaultdict(list)
    for one in plan.artifacts:
        for blob in one.blobs():
            needing[blob.digest].append(one)
    lock = threading.Lock()

    def bring(_: int, need: Need) -> None:
        first, *others = need.repositories
        sent[need.blob.digest] = _send(session, need, first, way)
        for repository in others:
            mount_blob(session, repository, sent[need.blob.digest][0], first)
        for one in needing[need.blob.digest]:
            with lock:
                waiting[id(one)].discard(need.blob.digest)
                ready = not waiting[id(one)]
            if ready:
                _publish(session, one, sent, way.compression)

    run_in_threads(_THREADS, plan.needs(), bring, threading.Event())


def _send(session: Session, need: Need, repository: str, way: _Way) -> tuple[str, int]:
    upload = Upload.start(session, repository)
    made = chunks(need.blob, way.compression, lambda: _CHUNK)
    with LookAhead(made, way.ahead) as stream:
        for chunk in stream:
            body = Body(chunk.length, chunk.pieces)
            if chunk.is_last:
                upload.finish(chunk.digest, body)
                return chunk.digest, chunk.total
            upload.send(body)
    raise AssertionError("a blob has a last chunk")


def _publish(
    session: Session,
    one: PlannedArtifact,
    sent: dict[str, tuple[str, int]],
    compression: Compression,
) -> None:
    assert one.destination
    assert one.stored
    content = one.stored.content
    place = (session, one.destination.repository, one.destination.tag)
    if not isinstance(content, ImageParts):
        put_manifest(*place, content.content, content.media_type)
        return
    layers = [sent[layer.digest] for layer in content.layers]
    manifest = {
        "schemaVersion": 2,
        "mediaType": compression.manifest_type,
        "config": content.config.descriptor() | {"mediaType": compression.config_type},
        "layers": [
            {"mediaType": compression.media_type, "digest": digest, "size": size}
            for digest, size in layers
        ],
    }
    put_manifest(*place, canonical_json(manifest), compression.manifest_type)


if __name__ == "__main__":
    main()
