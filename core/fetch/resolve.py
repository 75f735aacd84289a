"""From references to manifests: what a download would fetch, known before it fetches any blob."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from core.errors import Code, EksaMirrorError, RegistryError
from core.fetch.pins import Pins
from core.fetch.platforms import chosen, fits
from core.fetch.upstreams import Upstreams
from core.oci import (
    Descriptor,
    InvalidContentError,
    Manifest,
    Platform,
    is_attestation,
    parse_json,
)
from core.reference import Artifact, Kind, Reference
from core.registry.blobs import read_blob
from core.registry.manifests import get_manifest

_MAX_INDEXES = 16


@dataclass(frozen=True, slots=True)
class Resolved:
    """An artifact as upstream holds it.

    Attributes:
        artifact: kind and reference.
        root: what its reference names, with all platforms.
        taken: the image manifests that are fetched, in the order of the index.
        indexes: indexes below the root of which anything is fetched.
        platforms: of `taken`, by digest, where upstream tells.
    """

    artifact: Artifact
    root: Manifest = field(repr=False)
    taken: tuple[Manifest, ...] = field(repr=False)
    indexes: tuple[Manifest, ...] = field(default=(), repr=False)
    platforms: dict[str, Platform] = field(default_factory=dict, repr=False)

    def manifests(self) -> Iterator[Manifest]:
        """Root, indexes and image manifests, each once."""
        yield from {one.digest: one for one in (self.root, *self.indexes, *self.taken)}.values()

    def blobs(self) -> Iterator[Descriptor]:
        """Configs and layers; one that is used twice comes twice."""
        for manifest in self.taken:
            yield from manifest.blobs


@dataclass(slots=True)
class _Found:
    """What was found of an artifact so far, by digest."""

    taken: dict[str, Manifest] = field(default_factory=dict)
    indexes: dict[str, Manifest] = field(default_factory=dict)
    platforms: dict[str, Platform] = field(default_factory=dict)

    def any_of(self, wanted: Sequence[Platform]) -> bool:
        """Whether there is an image of a platform that is wanted; of any where none is named."""
        told = [self.platforms.get(digest) for digest in self.taken]
        images = [one for one in told if not is_attestation(one)]
        return any(fits(one, wanted) for one in images) if wanted else bool(images)


class Resolver:
    """Asks upstream for manifests.

    Args:
        upstreams: whom to ask.
        pins: what was asked before.
        wanted: platforms; all where empty.
    """

    def __init__(self, upstreams: Upstreams, pins: Pins, wanted: Sequence[Platform]) -> None:
        self._upstreams = upstreams
        self._pins = pins
        self._wanted = tuple(wanted)

    def resolve(self, artifact: Artifact) -> Resolved:
        """All manifests of an artifact that are fetched.

        Raises:
            EksaMirrorError: upstream does not hold it, or not for these platforms.
            Interrupted: the download is to stop.
        """
        reference = artifact.reference
        root = self._root(reference)
        found = _Found()
        wanted = self._wanted if artifact.kind is Kind.IMAGE else ()
        if root.is_index:
            self._descend(reference, root, wanted, found)
        else:
            found.taken[root.digest] = root
            if wanted:
                found.platforms[root.digest] = self._platform_of(reference, root)
        if not found.any_of(wanted):
            raise self._missing_platform(reference, root)
        taken, indexes = tuple(found.taken.values()), tuple(found.indexes.values())
        return Resolved(artifact, root, taken, indexes, found.platforms)

    def _root(self, reference: Reference) -> Manifest:
        kept = self._pins.root(str(reference))
        if kept is not None:
            return kept
        found = self._get(reference, reference.target)
        self._pins.keep(found, str(reference))
        return found

    def _descend(
        self, reference: Reference, index: Manifest, wanted: Sequence[Platform], found: _Found
    ) -> None:
        for descriptor in chosen(index.manifests, wanted):
            manifest = self._child(reference, descriptor)
            if not manifest.is_index:
                found.taken[manifest.digest] = manifest
                if descriptor.platform:
                    found.platforms[manifest.digest] = descriptor.platform
            elif len(found.indexes) < _MAX_INDEXES:
                found.indexes[manifest.digest] = manifest
                self._descend(reference, manifest, wanted, found)
            else:
                raise RegistryError(
                    Code.REGISTRY_PROTOCOL,
                    "Indexes are nested beyond reason.",
                    where=str(reference),
                )

    def _child(self, reference: Reference, descriptor: Descriptor) -> Manifest:
        kept = self._pins.manifest(descriptor.digest, descriptor.media_type)
        if kept is not None:
            return kept
        found = self._get(reference, descriptor.digest)
        self._pins.keep(found)
        return found

    def _get(self, reference: Reference, target: str) -> Manifest:
        session, repository = self._upstreams.registry(reference)
        found = get_manifest(session, repository, target)
        if found is None:
            raise RegistryError(
                Code.REGISTRY_NOT_FOUND,
                f"Upstream does not hold it ({target}).",
                where=str(reference),
                cause="It was removed there, or never published under this name.",
                mend="Check the bundles manifest, or leave it out with --allow-missing.",
                status=404,
            )
        return found

    def _platform_of(self, reference: Reference, manifest: Manifest) -> Platform:
        """An image that stands alone tells its platform in its config only."""
        session, repository = self._upstreams.registry(reference)
        content = read_blob(session, repository, manifest.blobs[0].digest)
        try:
            document = parse_json(content)
        except InvalidContentError:
            document = None
        if not isinstance(document, dict):
            document = {}
        parts = (document.get(key) for key in ("os", "architecture", "variant"))
        return Platform(*(part if isinstance(part, str) else "" for part in parts))

    def _missing_platform(self, reference: Reference, root: Manifest) -> EksaMirrorError:
        there = [one.platform for one in root.manifests if not is_attestation(one.platform)]
        offered = ", ".join(sorted({str(one) for one in there if one})) or "none that is told"
        return RegistryError(
            Code.REGISTRY_NOT_FOUND,
            f"Upstream has it not for {', '.join(map(str, self._wanted)) or 'any platform'}.",
            where=str(reference),
            cause=f"Its platforms are: {offered}.",
            mend="Choose others with --platform, or leave it out with --allow-missing.",
        )
