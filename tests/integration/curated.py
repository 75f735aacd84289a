"""Curated packages as upstream publishes them, in two registries."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from core.demo.content import Content, Entry, tar_of
from core.demo.registry import DemoRegistry
from core.oci import HELM_CHART, HELM_CONFIG, OCI_LAYER, UNKNOWN_CONFIG, canonical_json
from core.reference import Reference
from core.registry.session import Session
from tests.integration.clients import session_with
from tests.integration.upstream import publish_file, publish_image

CHARTS = "public.ecr.aws/eks-anywhere"
IMAGES = "783794618700.dkr.ecr.us-west-2.amazonaws.com"
BUNDLE = "eks-anywhere-packages-bundles"
BASE = gzip.compress(b"".join(tar_of([Entry("base/")]).blocks()), mtime=0)


@dataclass
class Packages:
    """What was published: names below the destination, and their digests."""

    charts: DemoRegistry
    images: DemoRegistry
    digests: dict[str, str]
    untagged: tuple[str, str]

    @property
    def places(self) -> tuple[str, str]:
        """Where the registries of upstream are in this test."""
        return f"public.ecr.aws={self.charts.address}", f"{IMAGES}={self.images.address}"

    @property
    def flags(self) -> list[str]:
        """So that the program finds them under the names of upstream."""
        charts, images = self.places
        return [
            *("--upstream-mirror", charts, "--upstream-mirror", images),
            *("--ca-file", str(self.charts.ca_file)),
            *("--src-image-registry", IMAGES, "--src-chart-registry", CHARTS),
        ]


def publish_packages(charts: DemoRegistry, images: DemoRegistry, large: bytes = b"") -> Packages:
    """Two packages; the second image of the first has no tag in the values of its chart.

    Args:
        large: a further layer of the first image.
    """
    digests: dict[str, str] = {}
    with session_with(images) as session:
        tagged = _image(session, "hello/server", large)
        other = _image(session, "hello/helper")
        third = _image(session, "metal/speaker")
    digests |= {"hello/server:v1.10": tagged, "metal/speaker:v2": third}
    values = {"image": {"tag": "v1.10", "digest": tagged}, "list": [{"tag": "x", "digest": other}]}
    deep = {"a": {"b": {"tag": "v2", "digest": third}}, "c": {"tag": "sha256:1", "digest": other}}
    with session_with(charts) as session:
        hello = _chart(session, "hello/chart", "0.1.2-abc", values)
        metal = _chart(session, "metal", "1.0.0", deep)
        digests |= {"hello/chart:0.1.2-abc": hello, "metal:1.0.0": metal}
        hello_images = [_ref("hello/server", tagged), _ref("hello/helper", other)]
        bundle = _package_bundle(
            [
                _package("hello", "hello/chart", "0.1.2-abc", hello, hello_images),
                _package("metal", "metal", "1.0.0", metal, [_ref("metal/speaker", third)]),
            ]
        )
        place = Reference("x", f"eks-anywhere/{BUNDLE}", "v1-33-latest")
        digests[f"{BUNDLE}:v1-33-latest"] = publish_file(
            session, place, (UNKNOWN_CONFIG, b"{}"), (OCI_LAYER, bundle)
        )
    return Packages(charts, images, digests, ("hello/helper", other))


def _ref(repository: str, digest: str) -> dict[str, str]:
    return {"repository": repository, "digest": digest}


def _package(
    name: str, repository: str, version: str, digest: str, images: list[dict[str, str]]
) -> dict[str, object]:
    versions = [{"name": version, "digest": digest, "images": images}]
    return {"name": name, "source": {"repository": repository, "versions": versions}}


def _package_bundle(packages: list[dict[str, object]]) -> bytes:
    document = {
        "apiVersion": "packages.eks.amazonaws.com/v1alpha1",
        "kind": "PackageBundle",
        "metadata": {"name": "v1-33-116"},
        "spec": {"packages": packages},
    }
    return yaml.safe_dump(document).encode()


def _image(session: Session, repository: str, large: bytes = b"") -> str:
    """For two platforms, untagged, as its digest is all that the bundle tells."""
    layers = [layer for layer in (BASE, large) if layer]
    index, _ = publish_image(session, Reference("x", repository), {"of": repository}, layers)
    return index


def _chart(session: Session, repository: str, version: str, values: Mapping[str, object]) -> str:
    name = repository.rpartition("/")[2]
    about = {"apiVersion": "v2", "name": name, "version": version}
    files = {"Chart.yaml": about, "values.yaml": values}
    entries = [
        Entry(f"{name}/{file}", Content.of(yaml.safe_dump(content).encode()))
        for file, content in files.items()
    ]
    content = gzip.compress(b"".join(tar_of(entries).blocks()), mtime=0)
    reference = Reference("x", f"eks-anywhere/{repository}", version)
    config = (HELM_CONFIG, canonical_json(about))
    return publish_file(session, reference, config, (HELM_CHART, content))
