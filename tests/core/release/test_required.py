"""From manifests to the artifacts that clusters need."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import Code, ReleaseError
from core.reference import Kind
from core.release.bundles import BundlesManifest, load_bundles
from core.release.locate import ManifestLocator
from core.release.model import RequiredArtifact, Requirements
from core.release.required import required_artifacts
from tests.core.release.manifests import (
    CLI_TOOLS,
    CONTROLLER,
    DIGEST,
    as_yaml,
    bundles,
    chart,
    eksd,
    eksd_file,
    image,
    versions_bundle,
)

PUBLIC = "public.ecr.aws/eks-anywhere"


def load(*entries: dict[str, Any]) -> BundlesManifest:
    return load_bundles(as_yaml(bundles(*entries)), "b.yaml")


def without_eksd(*entries: dict[str, Any], kube: tuple[str, ...] = ()) -> Requirements:
    return required_artifacts(load(*entries), None, kube)


def names(requirements: Requirements, kind: Kind) -> list[str]:
    return [str(one.artifact) for one in requirements.artifacts if one.artifact.kind is kind]


def one(requirements: Requirements, name: str, kind: Kind = Kind.IMAGE) -> RequiredArtifact:
    (found,) = [
        required
        for required in requirements.artifacts
        if str(required.artifact) == name and required.artifact.kind is kind
    ]
    return found


def eksd_reader(*uris: str) -> Callable[[str], bytes]:
    """Answers for every version: the images that are named, with the version as their tag."""

    def read(uri: str) -> bytes:
        version = uri.split("/")[1]
        return as_yaml(eksd(version, *[f"{name}:v{version}" for name in uris]))

    return read


def test_images_charts_and_package_bundles_come_in_this_order_and_sorted() -> None:
    found = without_eksd(versions_bundle("1.33"), versions_bundle("1.32"))
    assert names(found, Kind.IMAGE) == [
        CLI_TOOLS,
        CONTROLLER,
        f"{PUBLIC}/kind/node:v1-32",
        f"{PUBLIC}/kind/node:v1-33",
    ]
    assert names(found, Kind.CHART) == [f"{PUBLIC}/eks-anywhere-packages:0.4.17"]
    assert names(found, Kind.PACKAGE_BUNDLE) == [
        f"{PUBLIC}/eks-anywhere-packages-bundles:v1-32-latest",
        f"{PUBLIC}/eks-anywhere-packages-bundles:v1-33-latest",
    ]
    kinds = [required.artifact.kind for required in found.artifacts]
    assert [kind for kind, _ in itertools.groupby(kinds)] == list(Kind)


def test_what_several_versions_need_is_there_once_and_tells_which() -> None:
    found = without_eksd(versions_bundle("1.9"), versions_bundle("1.10"))
    tools = one(found, CLI_TOOLS)
    assert tools.kube_versions == ("1.9", "1.10")
    assert tools.fields == ("eksa.cliTools",)
    assert tools.digest == DIGEST
    assert one(found, f"{PUBLIC}/kind/node:v1-9").kube_versions == ("1.9",)


def test_an_image_that_two_fields_name_tells_both() -> None:
    proxy = image(f"{PUBLIC}/proxy:v1")
    found = without_eksd(
        versions_bundle("1.33", docker={"kubeProxy": proxy}, clusterAPI={"kubeProxy": proxy})
    )
    assert set(one(found, f"{PUBLIC}/proxy:v1").fields) == {
        "docker.kubeProxy",
        "clusterAPI.kubeProxy",
    }


def test_a_digest_is_kept_only_where_all_manifests_agree() -> None:
    other = "sha256:" + "f" * 64
    entries = [
        versions_bundle("1.32", upgrader={"upgrader": image(f"{PUBLIC}/upgrader:v1")}),
        versions_bundle("1.33", upgrader={"upgrader": image(f"{PUBLIC}/upgrader:v1", other)}),
    ]
    assert one(without_eksd(*entries), f"{PUBLIC}/upgrader:v1").digest == ""
    assert one(without_eksd(entries[1]), f"{PUBLIC}/upgrader:v1").digest == other


def test_an_image_that_is_named_by_digest_has_that_digest() -> None:
    digest = "sha256:" + "a" * 64
    uri = f"{PUBLIC}/x@{digest}"
    found = without_eksd(versions_bundle("1.33", new={"thing": image(uri)}))
    assert one(found, uri).digest == digest


def test_a_field_that_no_release_had_before_is_found() -> None:
    new = {"deep": [{"er": image("registry.example:5000/new/provider:v1")}]}
    found = without_eksd(versions_bundle("1.33", brandNew=new))
    assert one(found, "registry.example:5000/new/provider:v1").fields == ("brandNew.deep.er",)


def test_a_chart_is_told_from_an_image_by_its_field_or_its_shape() -> None:
    extra = {
        "cilium": {
            "cilium": image("public.ecr.aws/eks/cilium/cilium:v1.19.4-1"),
            "helmChart": {"uri": "public.ecr.aws/eks/cilium/cilium:1.19.4-1"},
        },
        "tinkerbell": {"tinkerbellStack": {"somethingNew": chart(f"{PUBLIC}/tink/new:0.1.0")}},
    }
    found = without_eksd(versions_bundle("1.33", **extra))
    assert {"public.ecr.aws/eks/cilium/cilium:1.19.4-1", f"{PUBLIC}/tink/new:0.1.0"} < set(
        names(found, Kind.CHART)
    )
    assert "public.ecr.aws/eks/cilium/cilium:v1.19.4-1" in names(found, Kind.IMAGE)


@pytest.mark.parametrize(
    "uri",
    [
        "https://release-bucket/artifacts/x/components.yaml",
        "embed:///config/eksa-components.yaml",
        "eks-anywhere-downloads/1.33/core-cluster-api/core-components.yaml",
        "my.downloads/1.33/core-cluster-api/core-components.yaml",
        "/srv/my.downloads/1.33/eksa/components.yaml",
        "../down.loads/1.33/eksa/components.yaml",
        "./down.loads/1.33/eksa/components.yaml",
    ],
)
def test_files_are_no_images(uri: str) -> None:
    plain = without_eksd(versions_bundle("1.33"))
    more = without_eksd(versions_bundle("1.33", clusterAPI={"components": {"uri": uri}}))
    assert more == plain


@pytest.mark.parametrize(
    "path",
    [
        "certManager.ctl",
        "tinkerbell.tinkerbellStack.hegel",
        "tinkerbell.tinkerbellStack.rufio",
        "tinkerbell.tinkerbellStack.tink.tinkServer",
        "vSphere.driver",
        "aws.controller",
    ],
)
def test_fields_that_upstream_does_not_import_are_left_out(path: str) -> None:
    provider, *below = path.split(".")
    value: dict[str, Any] = image(f"{PUBLIC}/retired:v1")
    for key in reversed(below):
        value = {key: value}
    found = without_eksd(versions_bundle("1.33", **{provider: value}))
    assert f"{PUBLIC}/retired:v1" not in names(found, Kind.IMAGE)
    assert f"{PUBLIC}/credential:v0.4.17" not in names(found, Kind.IMAGE)


def test_a_kube_vip_of_nutanix_that_nothing_else_brings_is_warned_about() -> None:
    nutanix = {"kubeVip": image(f"{PUBLIC}/kube-vip:v9")}
    found = without_eksd(versions_bundle("1.33", nutanix=nutanix))
    assert f"{PUBLIC}/kube-vip:v9" not in names(found, Kind.IMAGE)
    assert any(f"{PUBLIC}/kube-vip:v9" in warning for warning in found.warnings)
    same = without_eksd(versions_bundle("1.33", nutanix=nutanix, vSphere=nutanix))
    assert f"{PUBLIC}/kube-vip:v9" in names(same, Kind.IMAGE)
    assert not any("kube-vip" in warning for warning in same.warnings)


@pytest.mark.parametrize("uri", ["", "<placeholder>", None, "  "])
def test_empty_fields_are_left_out_with_one_warning(uri: str | None) -> None:
    blank = {"kubeVip": {"uri": uri}, "kubeRbacProxy": {"uri": uri}}
    entries = [versions_bundle(version, cloudStack=blank) for version in ("1.32", "1.33")]
    found = without_eksd(*entries)
    assert names(found, Kind.IMAGE) == names(
        without_eksd(versions_bundle("1.32"), versions_bundle("1.33")), Kind.IMAGE
    )
    (warning,) = [text for text in found.warnings if "empty" in text]
    assert "cloudStack.kubeRbacProxy, cloudStack.kubeVip." in warning


def test_nothing_is_warned_about_where_nothing_is_left_out() -> None:
    found = required_artifacts(load(versions_bundle("1.33")), eksd_reader(f"{PUBLIC}/pause"))
    assert found.warnings == ()


def test_a_reference_that_is_none_is_an_error_with_its_field() -> None:
    entry = versions_bundle("1.33", haproxy={"image": image("public.ecr.aws/Eks/HAProxy:v1")})
    with pytest.raises(ReleaseError, match=r"haproxy\.image cannot be used") as caught:
        without_eksd(entry)
    assert caught.value.code is Code.MANIFEST_INVALID
    assert caught.value.where == "b.yaml"


def test_images_of_eks_d_are_added_with_their_component() -> None:
    read = eksd_reader("public.ecr.aws/eks-distro/coredns/coredns")
    found = required_artifacts(load(versions_bundle("1.32"), versions_bundle("1.33")), read)
    coredns = one(found, "public.ecr.aws/eks-distro/coredns/coredns:v1.33")
    assert coredns.fields == ("eks-d: coredns",)
    assert coredns.kube_versions == ("1.33",)
    assert one(found, "public.ecr.aws/eks-distro/coredns/coredns:v1.32")


def test_csi_components_are_left_out_and_counted() -> None:
    names_of_images = ["public.ecr.aws/csi-components/a", "public.ecr.aws/csi-components/b"]
    found = required_artifacts(load(versions_bundle("1.33")), eksd_reader(*names_of_images))
    assert not [name for name in names(found, Kind.IMAGE) if "csi" in name]
    assert [text for text in found.warnings if "csi-components (2) were left out" in text]


def test_an_eksd_manifest_of_another_version_is_warned_about() -> None:
    found = required_artifacts(load(versions_bundle("1.33")), lambda _: as_yaml(eksd("1.32")))
    assert any("1.33 says it is for 1.32" in warning for warning in found.warnings)


def test_without_a_reader_the_images_of_eks_d_are_left_out_with_a_warning() -> None:
    assert any(
        "EKS-D are not counted" in text for text in without_eksd(versions_bundle("1.33")).warnings
    )


def test_all_missing_eksd_manifests_are_named_in_one_error(tmp_path: Path) -> None:
    manifest = load(versions_bundle("1.32"), versions_bundle("1.33"))
    with pytest.raises(ReleaseError) as caught:
        required_artifacts(manifest, ManifestLocator(tmp_path / "b.yaml"))
    error = caught.value
    assert error.code is Code.MANIFEST_NOT_FOUND
    assert "1.32, 1.33" in error.message
    assert f"eks-anywhere-downloads/1.32/eks-distro/{eksd_file('1.32')}" in error.message
    assert str(tmp_path) in error.message
    assert "--kube-version" in error.mend


def test_a_bundle_without_a_manifest_url_is_named() -> None:
    entry = versions_bundle("1.33", eksD={})
    with pytest.raises(ReleaseError, match=r"no eksD\.manifestUrl"):
        required_artifacts(load(entry), eksd_reader())


def test_only_the_chosen_versions_need_their_eksd_manifest() -> None:
    manifest = load(versions_bundle("1.32"), versions_bundle("1.33"))
    found = required_artifacts(
        manifest, lambda uri: as_yaml(eksd("1.33")) if "1.33" in uri else None, ["1.33"]
    )
    assert found.kube_versions == ("1.33",)
    assert found.known_kube_versions == ("1.32", "1.33")


def test_an_error_page_in_place_of_an_eksd_manifest_is_named() -> None:
    with pytest.raises(ReleaseError, match="error page") as caught:
        required_artifacts(load(versions_bundle("1.33")), lambda _: b"<html>404</html>")
    assert eksd_file("1.33") in caught.value.where


@pytest.mark.parametrize("wanted", ["1.33", "v1.33", "1-33", " 1.33 "])
def test_a_kube_version_may_be_written_in_several_ways(wanted: str) -> None:
    found = without_eksd(versions_bundle("1.32"), versions_bundle("1.33"), kube=(wanted,))
    assert found.kube_versions == ("1.33",)
    assert names(found, Kind.PACKAGE_BUNDLE) == [
        f"{PUBLIC}/eks-anywhere-packages-bundles:v1-33-latest"
    ]


def test_an_unknown_kube_version_lists_the_known_ones() -> None:
    with pytest.raises(ReleaseError, match=r"latest, 1\.34 is not in it") as caught:
        without_eksd(
            versions_bundle("1.9"), versions_bundle("1.33"), kube=("1.33", "1.34", "latest")
        )
    assert caught.value.code is Code.KUBE_VERSION_UNKNOWN
    assert "1.9, 1.33" in caught.value.message


@pytest.mark.parametrize(
    ("tag", "release"),
    [
        ("v0.26.0-eks-a-115", "v0.26.0"),
        ("v0.26.0-eks-a-v0.0.0-dev-build.1", "v0.26.0"),
        ("eks-a-v0.0.0-dev-build.158", ""),
        ("latest", ""),
        ("v0.26-eks-a-1", ""),
    ],
)
def test_the_release_is_read_from_the_tag_of_the_cli_tools(tag: str, release: str) -> None:
    entry = versions_bundle("1.33", eksa={"cliTools": image(f"{PUBLIC}/cli-tools:{tag}")})
    assert without_eksd(entry).release == release


@pytest.mark.parametrize(
    ("controller", "expected"),
    [
        (
            "public.ecr.aws/l0g8r8j6/eks-anywhere-packages:v1",
            "public.ecr.aws/l0g8r8j6/eks-anywhere-packages-bundles:v1-33-latest",
        ),
        (
            "harbor.local:443/eks-a/packages/eks-anywhere-packages@sha256:" + "a" * 64,
            "harbor.local:443/eks-a/eks-anywhere-packages-bundles:v1-33-latest",
        ),
        (
            "harbor.local/eks-anywhere-packages:v1",
            "harbor.local/eks-anywhere-packages-bundles:v1-33-latest",
        ),
    ],
)
def test_the_package_bundle_lies_beside_the_controller(controller: str, expected: str) -> None:
    entry = versions_bundle("1.33", packageController={"packageController": image(controller)})
    assert names(without_eksd(entry), Kind.PACKAGE_BUNDLE) == [expected]


def test_a_release_without_packages_has_no_package_bundle() -> None:
    assert not names(
        without_eksd(versions_bundle("1.33", packageController={})), Kind.PACKAGE_BUNDLE
    )
