"""The words of the OCI and docker image formats: media types, digests, descriptors, manifests.

Sources: OCI image specification 1.1, docker image manifest version 2 schema 2, helm's OCI media
types, oras-go v1 for package bundles.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = OCI_LAYER + "+gzip"
OCI_LAYER_ZSTD = OCI_LAYER + "+zstd"

DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = DOCKER_LAYER + ".gzip"
DOCKER_LAYER_ZSTD = DOCKER_LAYER + ".zstd"

HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json"
HELM_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
UNKNOWN_CONFIG = "application/vnd.unknown.config.v1+json"

INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFEST_TYPES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})

MAX_MANIFEST_BYTES = 4 * 1024 * 1024
"""Largest manifest that registries take (distribution and Zot refuse more)."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Platform:
    """For which machines an image is made, as in the OCI image index."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Media type, digest and size (bytes) of a piece of content; a platform inside an index."""

    media_type: str
    digest: str
    size: int
    platform: Platform | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image manifest or an image index, read but kept byte for byte.

    Attributes:
        media_type: one of `MANIFEST_TYPES` or `INDEX_TYPES`.
        content: the exact bytes.
        config: None in an index.
        layers: empty in an index.
        manifests: what an index lists; empty in an image manifest.
    """

    media_type: str
    content: bytes
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()

    @property
    def digest(self) -> str:
        """The digest of the exact bytes."""
        return digest_of(self.content)

    @property
    def is_index(self) -> bool:
        """Whether it lists other manifests rather than layers."""
        return self.media_type in INDEX_TYPES

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Config and layers, in the order in which they are listed."""
        return ((self.config,) if self.config else ()) + self.layers


def is_attestation(platform: Platform | None) -> bool:
    """Whether it stands for a build record: these hang in an index as what no machine is."""
    return platform is not None and platform.os == platform.architecture == "unknown"


class InvalidContentError(ValueError):
    """JSON that is no manifest, index or descriptor; the caller knows where it came from."""


def digest_of(content: bytes) -> str:
    """`sha256:` and the hash of `content` in hex."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def is_digest(text: object) -> bool:
    """Whether `text` is a sha256 digest, the only algorithm that registries in the field use."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def canonical_json(value: object) -> bytes:
    """JSON that is the same bytes for the same value on every run and machine."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parse_json(content: bytes) -> Any:
    """Read JSON that came from outside.

    Raises:
        InvalidContentError: not JSON, not UTF-8, or nested beyond reason.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidContentError(f"not valid JSON ({error})") from None


def parse_manifest(content: bytes, media_type: str = "") -> Manifest:
    """Read an image manifest or index.

    Args:
        content: the exact bytes.
        media_type: what the registry or descriptor says it is; the content decides where empty.

    Raises:
        InvalidContentError: it is neither, or a descriptor in it is malformed.
    """
    document = parse_json(content)
    if not isinstance(document, dict):
        raise InvalidContentError("a manifest must be a JSON object")
    if "manifests" in document:
        declared = _choose(document, media_type, INDEX_TYPES, OCI_INDEX)
        return Manifest(declared, content, manifests=_descriptors(document["manifests"]))
    if "config" in document and "layers" in document:
        declared = _choose(document, media_type, MANIFEST_TYPES, OCI_MANIFEST)
        config = parse_descriptor(document["config"])
        return Manifest(declared, content, config, _descriptors(document["layers"]))
    raise InvalidContentError("neither an image manifest nor an index (schema 1 is not supported)")


def parse_descriptor(value: object) -> Descriptor:
    """Read a descriptor.

    Raises:
        InvalidContentError: a field is missing or has the wrong form.
    """
    if not isinstance(value, Mapping):
        raise InvalidContentError("a descriptor must be a JSON object")
    media_type, digest, size = value.get("mediaType"), value.get("digest"), value.get("size")
    if not isinstance(media_type, str) or not media_type:
        raise InvalidContentError("a descriptor has no mediaType")
    if not isinstance(digest, str) or not is_digest(digest):
        raise InvalidContentError(f"{str(digest)[:80]!r} is not a sha256 digest")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise InvalidContentError(f"{str(size)[:80]!r} is not a size")
    return Descriptor(media_type, digest, size, _platform(value.get("platform")))


def _choose(document: dict[str, Any], said: str, allowed: frozenset[str], default: str) -> str:
    for candidate in (document.get("mediaType"), said):
        if candidate in allowed:
            return str(candidate)
    return default


def _descriptors(value: object) -> tuple[Descriptor, ...]:
    if not isinstance(value, list):
        raise InvalidContentError("a list of descriptors is missing")
    return tuple(parse_descriptor(item) for item in value)


def _platform(value: object) -> Platform | None:
    if not isinstance(value, Mapping):
        return None
    parts = [value.get(key) or "" for key in ("os", "architecture", "variant")]
    if not all(isinstance(part, str) for part in parts):
        raise InvalidContentError("a platform must be made of strings")
    return Platform(*parts)
