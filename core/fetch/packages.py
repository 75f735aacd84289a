"""The curated packages of one Kubernetes version: package bundle, charts, and the images of these.

A package bundle names images by digest alone. Their tags stand in the values of the charts, where
the packages' own programs look for them too.

Source: aws/eks-anywhere `pkg/curatedpackages/packagecopy.go` and `bundle.go`, as of v0.26.1.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from core.archive.charts import chart_tree, chart_yaml_name
from core.eksa import PACKAGE_BUNDLES
from core.errors import Code, EksaMirrorError, RegistryError
from core.fetch.images import Failure
from core.fetch.pins import Pins
from core.fetch.resolve import Resolver
from core.fetch.upstreams import Upstreams, concerns_all
from core.oci import is_digest
from core.reference import Artifact, Kind, Reference
from core.registry.blobs import read_blob
from core.release import kube_version
from core.release.packages import PackageVersion, load_package_bundle
from core.release.plain_yaml import Plain, read_documents

_MAX_BUNDLE = 16 * 1024 * 1024
_MAX_CHART = 64 * 1024 * 1024
_MAX_VALUES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PackageSet:
    """What the curated packages of a Kubernetes version are made of.

    Attributes:
        bundle: the package bundle.
        charts: of all packages, by tag and digest.
        images: of all packages, by digest, and by tag where a chart tells it.
        failures: charts that could not be read; their images have no tags.
    """

    bundle: Artifact
    charts: tuple[Artifact, ...]
    images: tuple[Artifact, ...]
    failures: tuple[Failure, ...] = ()

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Charts and images, then the bundle: who finds it finds all."""
        return (*self.charts, *self.images, self.bundle)


def find_packages(
    upstreams: Upstreams,
    version: str,
    *,
    charts: str,
    images: str,
    pins: Pins | None = None,
    with_tags: bool = True,
) -> PackageSet:
    """Read the package bundle, and the charts that it names.

    Args:
        version: of Kubernetes, `1.33`.
        charts: registry and path of the package bundle and the charts.
        images: registry and path of the images.
        pins: what an earlier run was told.
        with_tags: read the charts for tags; without, images are known by digest only.

    Raises:
        MirrorError: `reference-invalid`.
        ReleaseError: the package bundle cannot be used.
        RegistryError: it cannot be had.
        Interrupted: the download is to stop.
    """
    resolver = Resolver(upstreams, pins or Pins(), ())
    bundle = bundle_reference(charts, version)
    read = load_package_bundle(_payload(upstreams, resolver, bundle, _MAX_BUNDLE), str(bundle))
    found_charts: dict[Artifact, None] = {}
    found_images: dict[Artifact, None] = {}
    failures: list[Failure] = []
    for package in read.packages:
        for one in package.versions:
            chart = _chart(charts, package.repository, one)
            found_charts[chart] = None
            tags: dict[str, str] = {}
            if with_tags:
                try:
                    content = _payload(upstreams, resolver, chart.reference, _MAX_CHART)
                    tags = tags_in_chart(content, str(chart))
                except EksaMirrorError as error:
                    if concerns_all(error):
                        raise
                    failures.append(Failure(chart, error))
            found_images.update((_image(images, i.repository, i.digest, tags), None)
                                for i in one.images)  # fmt: skip
    return PackageSet(
        Artifact(Kind.PACKAGE_BUNDLE, bundle),
        tuple(found_charts),
        tuple(found_images),
        tuple(failures),
    )


def bundle_reference(charts: str, version: str) -> Reference:
    """The package bundle of a Kubernetes version, below the registry and path of the charts.

    Raises:
        MirrorError: `reference-invalid`.
    """
    dashed = kube_version.normalized(version).replace(".", "-")
    return Reference.parse(f"{charts}/{PACKAGE_BUNDLES}:v{dashed}-latest")


def tags_in_chart(content: bytes, where: str) -> dict[str, str]:
    """Digest to tag, out of the values of a chart.

    Raises:
        ArchiveError: it is no chart.
        ReleaseError: its values are not YAML.
    """
    tree = chart_tree(content, where)
    folder = chart_yaml_name(tree).partition("/")[0]
    region = tree.find(f"{folder}/values.yaml")
    if region is None:
        return {}
    documents = read_documents(region.read(_MAX_VALUES), f"{where}: values.yaml")
    return dict(_tags(documents[0])) if documents else {}


def _tags(value: Plain) -> Iterator[tuple[str, str]]:
    """Mappings with a tag and a digest, at any depth; lists are not looked into, as upstream."""
    if not isinstance(value, dict):
        return
    for child in value.values():
        if not isinstance(child, dict):
            continue
        tag, digest = child.get("tag"), child.get("digest")
        told = isinstance(tag, str) and isinstance(digest, str) and is_digest(digest)
        if told and tag and not str(tag).startswith("sha256:"):
            yield str(digest), str(tag)
        yield from _tags(child)


def _payload(upstreams: Upstreams, resolver: Resolver, reference: Reference, limit: int) -> bytes:
    """The one file of a chart or package bundle."""
    resolved = resolver.resolve(Artifact(Kind.CHART, reference))
    layers = resolved.taken[0].layers
    if not layers:
        raise RegistryError(
            Code.REGISTRY_PROTOCOL, "There is nothing in this artifact.", where=str(reference)
        )
    session, repository = upstreams.registry(reference)
    return read_blob(session, repository, layers[0].digest, limit)


def _chart(home: str, repository: str, version: PackageVersion) -> Artifact:
    digest = f"@{version.digest}" if is_digest(version.digest) else ""
    return Artifact(Kind.CHART, Reference.parse(f"{home}/{repository}:{version.name}{digest}"))


def _image(home: str, repository: str, digest: str, tags: dict[str, str]) -> Artifact:
    tag = f":{tags[digest]}" if digest in tags else ""
    return Artifact(Kind.IMAGE, Reference.parse(f"{home}/{repository}{tag}@{digest}"))
