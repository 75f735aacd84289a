"""The archive as it is laid out: what our own reader finds in it, to the byte."""

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

from core.archive.archive import Archive
from core.archive.model import ReadyManifest
from core.archive.open import open_archive
from core.fetch.resolve import Resolved
from core.fetch.shape import Shape, shape_of
from core.oci import (
    HELM_CHART,
    HELM_CONFIG,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    Manifest,
    Platform,
    canonical_json,
    digest_of,
    parse_manifest,
)
from core.reference import Artifact, Kind, Reference
from tests.core.archive.making import BUNDLE_YAML, chart_tgz

HOME = "public.ecr.aws/eks-anywhere"
TOOLS = f"{HOME}/cli-tools:v1"


class Store:
    """Makes manifests, and keeps the blobs that they name."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def blob(self, media_type: str, content: bytes) -> dict[str, object]:
        self.blobs[digest_of(content)] = content
        return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}

    def manifest(
        self, config: bytes, *layers: bytes, note: str = "", types: Sequence[str] = ()
    ) -> Manifest:
        config_type, layer_type = types or (OCI_CONFIG, OCI_LAYER)
        return _parsed(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": self.blob(config_type, config),
                "layers": [self.blob(layer_type, layer) for layer in layers],
                "annotations": {"note": note},
            }
        )

    def image(self, name: str, *layers: bytes) -> Resolved:
        """One platform, and layers that are not compressed, as docker save has them, too."""
        return _resolved(Kind.IMAGE, name, self.manifest(_config("amd64", name), *layers))

    def index(self, name: str, shared: Manifest, *layers: bytes) -> Resolved:
        own = self.manifest(_config("arm64", name), *layers)
        platforms = {
            shared.digest: Platform("linux", "amd64"),
            own.digest: Platform("linux", "arm64"),
        }
        listed = [
            {
                "mediaType": OCI_MANIFEST,
                "digest": one.digest,
                "size": len(one.content),
                "platform": {"os": "linux", "architecture": platforms[one.digest].architecture},
            }
            for one in (own, shared)
        ]
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}
        root = _parsed(document)
        reference = Reference.parse(name)
        return Resolved(Artifact(Kind.IMAGE, reference), root, (own, shared), platforms=platforms)

    def write(self, shape: Shape, path: Path) -> Path:
        content = bytearray(shape.size)
        pieces = [(offset, piece) for offset, piece in shape.fixed]
        pieces += [(at, self.blobs[one]) for one, places in shape.places.items() for at in places]
        for offset, piece in pieces:
            content[offset : offset + len(piece)] = piece
        path.write_bytes(content)
        return path


def _parsed(document: dict[str, object]) -> Manifest:
    return parse_manifest(json.dumps(document, indent=1).encode())


def _config(architecture: str, name: str) -> bytes:
    return canonical_json({"os": "linux", "architecture": architecture, "name": name})


def _resolved(kind: Kind, name: str, manifest: Manifest) -> Resolved:
    return Resolved(Artifact(kind, Reference.parse(name)), manifest, (manifest,))


def digest_in(archive: Archive, one: Resolved) -> str:
    stored = archive.find(one.artifact)
    assert stored, one.artifact
    assert isinstance(stored.content, ReadyManifest)
    return stored.content.digest


def test_every_artifact_keeps_the_digest_of_upstream(tmp_path: Path) -> None:
    store = Store()
    shared = store.manifest(_config("amd64", "shared"), b"layer of both")
    digest = store.image(f"{HOME}/pinned:x", b"pinned").root.digest
    pinned = _resolved(Kind.IMAGE, f"{HOME}/pinned@{digest}",
                       store.manifest(_config("amd64", f"{HOME}/pinned:x"), b"pinned"))  # fmt: skip
    chart = _resolved(
        Kind.CHART, "public.ecr.aws/eks/cilium/cilium:1.19.4-1",
        store.manifest(b'{"name":"cilium","version":"1.19.4-1"}', chart_tgz(),
                       types=(HELM_CONFIG, HELM_CHART)),
    )  # fmt: skip
    bundle = _resolved(
        Kind.PACKAGE_BUNDLE, f"{HOME}/eks-anywhere-packages-bundles:v1-33-latest",
        store.manifest(b"{}", BUNDLE_YAML, types=("application/vnd.oci.empty.v1+json", OCI_LAYER)),
    )  # fmt: skip
    artifacts = [
        store.image(TOOLS, b"base", b"tools"),
        store.image(f"{HOME}/plain:v1", b"base", b"plain"),
        store.index(f"{HOME}/one:v1", shared, b"one"),
        store.index(f"{HOME}/two:v1", shared, b"two"),
        pinned,
        chart,
        bundle,
    ]

    path = store.write(shape_of(artifacts, TOOLS), tmp_path / "images.tar")

    with open_archive(path) as archive:
        for one in artifacts:
            assert digest_in(archive, one) == one.root.digest, one.artifact
        assert archive.warnings == ()
        assert len(archive.artifacts) == len(artifacts)
        for stored in archive.artifacts:
            for blob in stored.content.all_blobs():
                assert digest_of(blob.read_all()) == blob.digest


def test_docker_is_told_one_platform_and_the_name_by_which_eksctl_calls_the_image(
    tmp_path: Path,
) -> None:
    store = Store()
    shared = store.manifest(_config("amd64", "shared"), b"layer of both")
    hexadecimal = shared.digest.partition(":")[2]
    artifacts = [
        store.index(f"{HOME}/one:v1", shared, b"one"),
        _resolved(Kind.IMAGE, f"{HOME}/pinned@{shared.digest}", shared),
    ]
    path = store.write(shape_of(artifacts, ""), tmp_path / "a.tar")

    with tarfile.open(path) as outer:
        nested = outer.extractfile("images.tar")
        assert nested
        with tarfile.open(fileobj=io.BytesIO(nested.read())) as inner:
            names = inner.getnames()
            member = inner.extractfile("manifest.json")
            assert member
            saved = json.loads(member.read())
    assert [one["RepoTags"] for one in saved] == [
        [f"{HOME}/one:v1"],
        [f"{HOME}/pinned:{hexadecimal}"],
    ]
    config = shared.blobs[0].digest.replace(":", "/")
    assert {one["Config"] for one in saved} == {f"blobs/{config}"}
    assert len(names) == len(set(names))


def test_what_both_tarballs_need_lies_in_both_and_is_fetched_once() -> None:
    store = Store()
    tools, other = store.image(TOOLS, b"base", b"a"), store.image(f"{HOME}/b:1", b"base", b"b")

    shape = shape_of([tools, other], TOOLS)

    assert len(shape.places[digest_of(b"base")]) == 2
    assert len(shape.places[digest_of(b"a")]) == 1
    assert shape.fetched == sum(len(content) for content in store.blobs.values())


def test_the_fingerprint_tells_archives_apart() -> None:
    store = Store()
    tools, other = store.image(TOOLS, b"base"), store.image(f"{HOME}/b:1", b"base")

    first = shape_of([tools, other], TOOLS).fingerprint

    assert shape_of([tools, other], TOOLS).fingerprint == first
    assert shape_of([tools], TOOLS).fingerprint != first
    assert shape_of([tools, other], "").fingerprint != first
