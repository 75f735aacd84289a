"""Package bundles: YAML files of the tarball, pushed in the shape that clusters can pull.

Source: eks-anywhere through v0.23.1, oras-go v1 `pkg/content/manifest.go`; later releases push a
bare blob that nobody finds.
"""

import json
import re

from core.archive.model import Blob, ReadyManifest, StoredArtifact
from core.archive.sources import MemoryBytes
from core.archive.tree import MIB, Region
from core.eksa import PACKAGE_BUNDLES
from core.oci import OCI_LAYER, OCI_MANIFEST, UNKNOWN_CONFIG, digest_of
from core.reference import Kind, Reference

_FILE_NAME = re.compile(rf"{PACKAGE_BUNDLES}-(v[0-9]+-[0-9]+-latest)\.ya?ml")
_KIND_LINE = re.compile(rb"^kind:\s*[\"']?PackageBundle[\"']?\s*$", re.MULTILINE)
_MAX_YAML = 16 * MIB
_CONFIG = b"{}"


def bundle_tag(file_name: str) -> str:
    """`v1-33-latest` out of the name of a file; empty where it is no package bundle."""
    found = _FILE_NAME.fullmatch(file_name)
    return found[1] if found else ""


def bundle_artifact(region: Region, file_name: str) -> StoredArtifact:
    """A package bundle as it lies in the tarball of `download images`.

    Raises:
        ArchiveError: `archive-hostile` where it is absurdly large.
    """
    content = region.read(_MAX_YAML)
    config = Blob(
        digest_of(_CONFIG), len(_CONFIG), UNKNOWN_CONFIG, region.entry, MemoryBytes(_CONFIG)
    )
    layer = region.blob(digest_of(content), OCI_LAYER)
    manifest = _manifest(config, layer)
    return StoredArtifact(
        Kind.PACKAGE_BUNDLE,
        file_name,
        (Reference("public.ecr.aws", f"eks-anywhere/{PACKAGE_BUNDLES}", bundle_tag(file_name)),),
        ReadyManifest(digest_of(manifest), OCI_MANIFEST, manifest, (config, layer)),
    )


def says_package_bundle(region: Region) -> bool:
    """Whether the file really is one; an error page that was saved in its place is not."""
    return _KIND_LINE.search(region.read(_MAX_YAML)) is not None


def _manifest(config: Blob, layer: Blob) -> bytes:
    """Byte for byte what oras-go v1 wrote: the order of its fields, no media type on top."""
    title = {"org.opencontainers.image.title": "bundle.yaml"}
    document = {
        "schemaVersion": 2,
        "config": config.descriptor(),
        "layers": [layer.descriptor() | {"annotations": title}],
    }
    return json.dumps(document, separators=(",", ":")).encode()
