"""Upstream registries, filled with what a sample requires, for two platforms each."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from core.demo.images import Image
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample, StoredFile
from core.oci import (
    HELM_CHART,
    HELM_CONFIG,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    UNKNOWN_CONFIG,
    canonical_json,
    digest_of,
)
from core.reference import Reference
from core.registry.manifests import put_manifest
from core.registry.session import Session
from tests.integration.clients import push_blob, session_with

HOST = "public.ecr.aws"


@dataclass
class Upstream:
    """A registry that stands for public.ecr.aws.

    Attributes:
        registry: the real one.
        digests: of every artifact, by its reference.
        amd64: digests of the images for linux/amd64 alone.
    """

    registry: DemoRegistry
    digests: dict[str, str] = field(default_factory=dict)
    amd64: dict[str, str] = field(default_factory=dict)

    @property
    def flags(self) -> list[str]:
        """So that the program finds it under the name of upstream."""
        return flags_for(self.registry)


def flags_for(registry: Any) -> list[str]:
    """So that the program finds `registry` under the name of upstream."""
    place = f"{HOST}={registry.address}"
    return ["--upstream-mirror", place, "--ca-file", str(registry.ca_file)]


def fill_upstream(registry: DemoRegistry, sample: Sample, big: bytes = b"") -> Upstream:
    """Publish all that the sample requires.

    Args:
        big: a further layer of the first image.
    """
    filled = Upstream(registry)
    required = {str(one.reference) for one in sample.required}
    with session_with(registry) as session:
        for image in sample.images:
            if str(image.reference) in required:
                _publish_image(session, image, filled, big)
                big = b""
        for chart in sample.charts:
            _publish_file(session, chart, (HELM_CONFIG, _chart_config(chart)), HELM_CHART, filled)
        for bundle in sample.package_bundles:
            _publish_file(session, bundle, (UNKNOWN_CONFIG, b"{}"), OCI_LAYER, filled)
    return filled


def descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def publish_manifest(
    session: Session, reference: Reference, target: str, document: dict[str, Any]
) -> bytes:
    """Put a manifest or index; its exact bytes are returned."""
    content = json.dumps(document, indent=3).encode()  # as no canonical writer would
    put_manifest(session, reference.repository, target or digest_of(content), content,
                 document["mediaType"])  # fmt: skip
    return content


def publish_image(
    session: Session, reference: Reference, config: dict[str, Any], layers: Sequence[bytes]
) -> tuple[str, str]:
    """An image for two platforms, under its tag where it has one.

    Returns:
        The digest of its index, and that of its manifest for linux/amd64.
    """
    repository, listed = reference.repository, []
    for layer in layers:
        push_blob(session, repository, layer)
    for architecture in ("amd64", "arm64"):
        platform = {"os": "linux", "architecture": architecture}
        content = canonical_json(config | platform)
        push_blob(session, repository, content)
        manifest = publish_manifest(session, reference, "", {
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": descriptor(OCI_CONFIG, content),
            "layers": [descriptor(OCI_LAYER_GZIP, layer) for layer in layers],
        })  # fmt: skip
        listed.append(descriptor(OCI_MANIFEST, manifest) | {"platform": platform})
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}
    whole = publish_manifest(session, reference, reference.tag, index)
    return digest_of(whole), listed[0]["digest"]


def publish_file(
    session: Session,
    reference: Reference,
    config: tuple[str, bytes],
    layer: tuple[str, bytes],
    **more: Any,
) -> str:
    """A chart or package bundle; `more` stands in its manifest. Its digest is returned."""
    for _, content in (config, layer):
        push_blob(session, reference.repository, content)
    document = {
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": descriptor(*config), "layers": [descriptor(*layer)], **more,
    }  # fmt: skip
    return digest_of(publish_manifest(session, reference, reference.tag, document))


def _publish_image(session: Session, image: Image, filled: Upstream, big: bytes) -> None:
    name = str(image.reference)
    unzipped = (b"".join(layer.content.blocks()) for layer in image.layers)
    layers = [gzip.compress(content, 1, mtime=0) for content in unzipped]
    filled.digests[name], filled.amd64[name] = publish_image(
        session, image.reference, json.loads(image.config), [*layers, *([big] if big else [])]
    )


def _publish_file(
    session: Session, file: StoredFile, config: tuple[str, bytes], kind: str, filled: Upstream
) -> None:
    """With an annotation of upstream's, so that its manifest is not the one we would make."""
    filled.digests[str(file.reference)] = publish_file(
        session, file.reference, config, (kind, file.content),
        annotations={"org.opencontainers.image.created": "2026-07-25T17:20:00Z"},
    )  # fmt: skip


def _chart_config(chart: StoredFile) -> bytes:
    name = chart.reference.repository.rpartition("/")[2]
    version = chart.reference.tag
    return canonical_json({"apiVersion": "v2", "name": name, "version": version})
