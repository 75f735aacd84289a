"""Putting the manifest of an artifact, once all its blobs are in place."""

from core.archive.model import Blob, ImageParts, ReadyManifest, StoredArtifact
from core.oci import canonical_json
from core.reference import Reference
from core.registry.manifests import put_manifest
from core.registry.session import Session
from core.transfer.compression import Compression
from core.transfer.journal import Journal


def publish(
    session: Session,
    journal: Journal,
    compression: Compression,
    artifact: StoredArtifact,
    destination: Reference,
) -> str:
    """Put the manifests, those that an index lists before it, and say the digest of the tagged one.

    Raises:
        RegistryError: refused; `mirror-differs` where the registry misses a blob.
    """
    if isinstance(artifact.content, ImageParts):
        content = image_manifest(artifact.content, journal, compression)
        return put_manifest(
            session, destination.repository, destination.tag, content, compression.manifest_type
        )
    return _put_tree(session, destination.repository, destination.tag, artifact.content)


def image_manifest(image: ImageParts, journal: Journal, compression: Compression) -> bytes:
    """The manifest of an image of `docker save`, as docker itself would push it; that of an OCI
    image where the layers have a codec which docker's format does not know.

    Sources: docker image manifest version 2, schema 2; OCI image specification 1.1. The same bytes
    on every run.
    """
    return canonical_json(
        {
            "schemaVersion": 2,
            "mediaType": compression.manifest_type,
            "config": _descriptor(image.config, compression.config_type, journal),
            "layers": [
                _descriptor(
                    layer,
                    compression.media_type if layer.compressible else layer.media_type,
                    journal,
                )
                for layer in image.layers
            ],
        }
    )


def _descriptor(blob: Blob, media_type: str, journal: Journal) -> dict[str, str | int]:
    known = journal.known_as(blob)
    if known is None:
        raise ValueError(f"{blob.entry} is not in the mirror yet")
    digest, size = known
    return {"mediaType": media_type, "size": size, "digest": digest}


def _put_tree(session: Session, repository: str, target: str, manifest: ReadyManifest) -> str:
    for child in manifest.children:
        _put_tree(session, repository, child.digest, child)
    return put_manifest(session, repository, target, manifest.content, manifest.media_type)
