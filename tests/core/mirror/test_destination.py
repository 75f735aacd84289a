"""Artifacts go exactly where `eksctl anywhere import images` puts them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Code, MirrorError
from core.mirror.destination import destination, projects
from core.mirror.endpoint import Mirror, NamespaceMapping
from core.reference import Artifact, Kind, Reference

HEX = "ab" * 32
PACKAGES = "783794618700.dkr.ecr.us-west-2.amazonaws.com"
DEV = "067575901363.dkr.ecr.us-west-2.amazonaws.com"


def place(kind: Kind, source: str, mirror: str, **chart: str) -> str:
    artifact = Artifact(kind, Reference.parse(source))
    return str(destination(artifact, Mirror.parse(mirror), **chart))


@pytest.mark.parametrize(
    ("kind", "source", "bare", "below"),
    [
        (Kind.IMAGE, "public.ecr.aws/p/q:t", "h:5000/p/q:t", "h:5000/ns/p/q:t"),
        (Kind.IMAGE, "public.ecr.aws/p/q", "h:5000/p/q:latest", "h:5000/ns/p/q:latest"),
        (
            Kind.IMAGE,
            f"{PACKAGES}/p/q:t",
            "h:5000/eks-anywhere/p/q:t",
            "h:5000/ns/eks-anywhere/p/q:t",
        ),
        (Kind.IMAGE, f"{DEV}/p/q:t", "h:5000/x3k6m8v0/p/q:t", "h:5000/ns/x3k6m8v0/p/q:t"),
        (
            Kind.IMAGE,
            f"public.ecr.aws/p/q@sha256:{HEX}",
            f"h:5000/p/q:{HEX}",
            f"h:5000/ns/p/q:{HEX}",
        ),
        (
            Kind.IMAGE,
            f"public.ecr.aws/p/q:t@sha256:{HEX}",
            "h:5000/p/q:t",
            "h:5000/ns/p/q:t",
        ),
        (
            Kind.PACKAGE_BUNDLE,
            "public.ecr.aws/eks-anywhere/eks-anywhere-packages-bundles:v1-33-latest",
            "h:5000/eks-anywhere/eks-anywhere-packages-bundles:v1-33-latest",
            "h:5000/ns/eks-anywhere/eks-anywhere-packages-bundles:v1-33-latest",
        ),
        (
            Kind.CHART,
            "public.ecr.aws/eks/cilium/cilium:1.19.4-1",
            "h:5000/eks/cilium/cilium:1.19.4-1",
            "h:5000/ns/eks/cilium/cilium:1.19.4-1",
        ),
    ],
)
def test_an_artifact_goes_where_upstream_puts_it(
    kind: Kind, source: str, bare: str, below: str
) -> None:
    assert place(kind, source, "h:5000") == bare
    assert place(kind, source, "h:5000/ns") == below
    assert place(kind, source, "h:5000/ns/") == below


def test_a_chart_takes_name_and_version_from_its_chart_yaml() -> None:
    source = "public.ecr.aws/a/b/c:v1"
    found = place(Kind.CHART, source, "h/ns", chart_name="name", chart_version="1.2.3+build.5")
    assert found == "h/ns/a/b/name:1.2.3_build.5"
    assert place(Kind.CHART, "public.ecr.aws/c:v1", "h", chart_name="name") == "h/name:v1"
    assert place(Kind.CHART, source, "h", chart_version="2.0.0") == "h/a/b/c:2.0.0"


def test_an_image_pays_no_heed_to_the_words_of_charts() -> None:
    found = place(Kind.IMAGE, "public.ecr.aws/a/b:t", "h", chart_name="x", chart_version="y")
    assert found == "h/a/b:t"


def test_the_address_stays_as_typed() -> None:
    assert place(Kind.IMAGE, "public.ecr.aws/a:t", "h:443") == "h:443/a:t"
    assert place(Kind.IMAGE, "public.ecr.aws/a:t", "fd00::1") == "[fd00::1]/a:t"


def test_an_unknown_upstream_registry_is_refused_and_never_pushed_upstream() -> None:
    with pytest.raises(MirrorError) as caught:
        place(Kind.IMAGE, "ghcr.io/a/b:t", "h/ns")
    assert caught.value.code is Code.UPSTREAM_UNKNOWN
    assert "ghcr.io/a/b:t" in caught.value.message
    assert "--map ghcr.io=NAMESPACE" in caught.value.mend


def test_another_region_is_another_registry() -> None:
    with pytest.raises(MirrorError, match="eu-west-1"):
        place(Kind.IMAGE, "783794618700.dkr.ecr.eu-west-1.amazonaws.com/a:t", "h")


def test_an_own_mapping_is_used() -> None:
    mirror = Mirror.parse("h/ns", [NamespaceMapping("ghcr.io", "third/party")])
    artifact = Artifact(Kind.IMAGE, Reference.parse("ghcr.io/a/b:t"))
    assert str(destination(artifact, mirror)) == "h/third/party/a/b:t"


@pytest.mark.parametrize(
    "chart", [{"chart_name": "Bad Name"}, {"chart_version": "x" * 200}, {"chart_name": "../up"}]
)
def test_a_result_that_is_no_reference_is_refused(chart: dict[str, str]) -> None:
    with pytest.raises(MirrorError) as caught:
        place(Kind.CHART, "public.ecr.aws/a/b:1", "h", **chart)
    assert caught.value.code is Code.REFERENCE_INVALID


def test_a_repository_that_grows_too_long_is_refused() -> None:
    with pytest.raises(MirrorError, match="255"):
        place(Kind.IMAGE, f"public.ecr.aws/{'a' * 250}:t", "h/a-namespace")


def test_projects_are_the_first_parts_sorted() -> None:
    names = ["h/eks/cilium:1", "h/bottlerocket/admin:1", "h/eks/b:1", "h/alone:1"]
    assert projects(map(Reference.parse, names)) == ("bottlerocket", "eks")
    assert projects([]) == ()


_part = st.from_regex(r"[a-z0-9]{1,5}([._-][a-z0-9]{1,3})?", fullmatch=True)
_path = st.lists(_part, min_size=1, max_size=4).map("/".join)
_tag = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,20}", fullmatch=True)


@given(_path, _tag, _path, st.sampled_from(["h", "h:5000", "[fd00::1]:1", "10.0.0.5"]))
def test_only_the_registry_is_replaced(path: str, tag: str, namespace: str, address: str) -> None:
    artifact = Artifact(Kind.IMAGE, Reference("public.ecr.aws", path, tag))
    found = str(destination(artifact, Mirror.parse(f"{address}/{namespace}")))
    assert found == f"{address}/{namespace}/{path}:{tag}"


@given(st.lists(st.tuples(_path, _tag), unique=True, max_size=8))
def test_different_images_of_one_registry_never_meet(names: list[tuple[str, str]]) -> None:
    mirror = Mirror.parse("h/ns")
    found = {
        destination(Artifact(Kind.IMAGE, Reference("public.ecr.aws", *name)), mirror)
        for name in names
    }
    assert len(found) == len(names)
