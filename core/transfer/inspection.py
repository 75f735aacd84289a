"""Asking the mirror: is this artifact there, and all of it?"""

import threading
from dataclasses import dataclass, field

from core.archive.model import ImageParts, ReadyManifest
from core.errors import Code, RegistryError
from core.oci import Descriptor, Manifest
from core.reference import Reference
from core.registry.blobs import has_blob, hash_blob
from core.registry.manifests import get_manifest
from core.registry.session import Session

_MAX_DEPTH = 4
"""Indexes in indexes; one level is what exists."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the mirror holds under the destination of an artifact.

    Attributes:
        digest: of the manifest under the tag; empty where there is none.
        matches: whether that manifest is the artifact's.
        missing: parts of it that are not there, in words.
        layers: for an image of `docker save`, what each layer (by diff ID) became there.
    """

    digest: str = ""
    matches: bool = False
    missing: tuple[str, ...] = ()
    layers: dict[str, Descriptor] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether the artifact is there, all of it."""
        return self.matches and not self.missing


class Inspector:
    """Looks things up in a mirror and asks for no blob twice.

    Args:
        deep: read every blob back and compare its hash, instead of asking for its size.
    """

    def __init__(self, session: Session, *, deep: bool = False) -> None:
        self._session = session
        self._deep = deep
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], bool] = {}

    def find(self, destination: Reference, content: ReadyManifest | ImageParts) -> Found:
        """Compare what is under `destination` with what belongs there.

        Raises:
            RegistryError: no answer, or no right to look.
        """
        manifest = self._manifest(destination.repository, destination.target)
        if manifest is None:
            return Found()
        layers: dict[str, Descriptor] = {}
        if isinstance(content, ReadyManifest):
            matches = manifest.digest == content.digest
        else:
            layers = _layers(manifest, content)
            matches = bool(layers) or _is_layerless_twin(manifest, content)
        missing = self._missing(destination.repository, manifest) if matches else []
        return Found(manifest.digest, matches, tuple(missing), layers)

    def check(self, destination: Reference, digest: str = "") -> Found:
        """Look whether a destination holds a whole artifact.

        Args:
            digest: what its manifest must have; any will do where empty.

        Raises:
            RegistryError: no answer, or no right to look.
        """
        manifest = self._manifest(destination.repository, destination.target)
        if manifest is None:
            return Found()
        matches = not digest or manifest.digest == digest
        missing = self._missing(destination.repository, manifest) if matches else []
        return Found(manifest.digest, matches, tuple(missing))

    def _manifest(self, repository: str, target: str) -> Manifest | None:
        return get_manifest(self._session, repository, target)

    def _missing(self, repository: str, manifest: Manifest, depth: int = 0) -> list[str]:
        if depth > _MAX_DEPTH:
            return ["indexes are nested too deeply"]
        missing = [
            f"blob {blob.digest}" for blob in manifest.blobs if not self._holds(repository, blob)
        ]
        for child in manifest.manifests:
            found = self._manifest(repository, child.digest)
            if found is None:
                missing.append(f"manifest {child.digest} ({child.platform or 'no platform'})")
            else:
                missing += self._missing(repository, found, depth + 1)
        return missing

    def _holds(self, repository: str, blob: Descriptor) -> bool:
        key = (repository, blob.digest)
        with self._lock:
            known = self._known.get(key)
        if known is None:
            known = has_blob(self._session, repository, blob.digest, blob.size)
            if known and self._deep:
                known = self._reads_back(repository, blob)
            with self._lock:
                self._known[key] = known
        return known

    def _reads_back(self, repository: str, blob: Descriptor) -> bool:
        try:
            return hash_blob(self._session, repository, blob.digest) == blob.size
        except RegistryError as error:
            if error.code is Code.MIRROR_DIFFERS:
                return False
            raise


def _layers(manifest: Manifest, image: ImageParts) -> dict[str, Descriptor]:
    """What each layer became, where the manifest is made from the same config."""
    same_config = manifest.config is not None and manifest.config.digest == image.config.digest
    if not same_config or len(manifest.layers) != len(image.layers):
        return {}
    return {stored.digest: sent for stored, sent in zip(image.layers, manifest.layers, strict=True)}


def _is_layerless_twin(manifest: Manifest, image: ImageParts) -> bool:
    config = manifest.config
    return not image.layers and config is not None and config.digest == image.config.digest
