"""Every file that is given by mistake is recognised and named."""

import gzip
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Code, ReleaseError
from core.release.bundles import load_bundles
from core.release.eksd import load_eksd
from core.release.kinds import BUNDLES, load_manifest
from core.release.packages import load_package_bundle
from tests.core.release.manifests import as_yaml, bundles, eksd, versions_bundle

WHERE = "bundle-release.yaml"


def refused(content: bytes) -> ReleaseError:
    with pytest.raises(ReleaseError) as caught:
        load_bundles(content, WHERE)
    assert caught.value.where.startswith(WHERE)
    return caught.value


def anywhere(kind: str) -> bytes:
    return as_yaml({"apiVersion": "anywhere.eks.amazonaws.com/v1alpha1", "kind": kind, "spec": {}})


def test_a_bundles_manifest_is_read() -> None:
    read = load_bundles(as_yaml(bundles(versions_bundle("1.33"), versions_bundle("1.9"))), WHERE)
    assert read.kube_versions == ("1.9", "1.33")
    assert read.name == "bundles-115"


def test_manifest_yaml_given_by_mistake_is_named_with_the_file_to_give() -> None:
    error = refused(anywhere("Release"))
    assert error.code is Code.MANIFEST_WRONG_KIND
    assert "manifest.yaml, the list of all releases" in error.message
    assert "kind: Release" in error.message
    assert "bundle-release.yaml" in error.mend


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (as_yaml(eksd("1.33")), "EKS-D release manifest"),
        (anywhere("Cluster"), "cluster file"),
        (
            as_yaml({"apiVersion": "packages.eks.amazonaws.com/v1alpha1", "kind": "PackageBundle"}),
            "package bundle",
        ),
        (as_yaml({"apiVersion": "v1", "kind": "ConfigMap"}), "kind “ConfigMap”"),
        (as_yaml({"spec": {}}), "without a kind"),
        (as_yaml(["a", "b"]), "no fields"),
        (as_yaml({"kind": "Bundles", "apiVersion": "example.com/v1"}), "kind “Bundles”"),
    ],
)
def test_any_other_manifest_is_named(content: bytes, words: str) -> None:
    error = refused(content)
    assert error.code is Code.MANIFEST_WRONG_KIND
    assert words in error.message
    assert "bundle-release.yaml" in error.mend


@pytest.mark.parametrize("start", ["<!DOCTYPE html>", "<html>", "\ufeff\n <?xml version='1.0'?>"])
def test_an_error_page_is_no_manifest(start: str) -> None:
    error = refused(f"{start}<Error><Code>AccessDenied</Code></Error>".encode())
    assert error.code is Code.MANIFEST_INVALID
    assert "error page" in error.message
    assert "Download it again" in error.mend


def test_a_tarball_is_no_manifest() -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("eks-anywhere-downloads/"))
    assert "a tarball" in refused(raw.getvalue()).message
    assert "gzip" in refused(gzip.compress(raw.getvalue())).message


@pytest.mark.parametrize("content", [b"", b"\n\n# only a comment\n", b"---\n---\n", b"null\n"])
def test_an_empty_file_is_said_to_be_empty(content: bytes) -> None:
    error = refused(content)
    assert error.code is Code.MANIFEST_INVALID
    assert "empty" in error.message


def test_the_wanted_document_is_found_among_others() -> None:
    content = as_yaml(eksd("1.33"), bundles(versions_bundle("1.33")))
    assert load_bundles(content, WHERE).kube_versions == ("1.33",)
    assert load_eksd(content, WHERE).channel == "1-33"


@pytest.mark.parametrize(
    "spec", [None, {}, {"versionsBundles": []}, {"versionsBundles": "1.33"}, "text"]
)
def test_a_bundles_manifest_without_versions_is_invalid(spec: object) -> None:
    assert "versionsBundles" in refused(as_yaml(bundles() | {"spec": spec})).message


@pytest.mark.parametrize("entry", [{}, {"kubeVersion": ""}, {"kubeVersion": ["1.33"]}, "text"])
def test_an_entry_without_a_kube_version_is_named(entry: object) -> None:
    content = as_yaml(bundles() | {"spec": {"versionsBundles": [versions_bundle("1.33"), entry]}})
    assert "versionsBundles[1] has no kubeVersion" in refused(content).message


def test_an_unquoted_kube_version_keeps_its_zero() -> None:
    content = as_yaml(bundles(versions_bundle("1.30"))).replace(b"'1.30'", b"1.30")
    assert b"kubeVersion: 1.30\n" in content
    assert load_bundles(content, WHERE).kube_versions == ("1.30",)


@pytest.mark.parametrize("status", [None, {}, {"components": "text"}, {"components": [1]}])
def test_an_eksd_manifest_without_components_is_invalid(status: object) -> None:
    with pytest.raises(ReleaseError, match="EKS-D release manifest cannot be used") as caught:
        load_eksd(as_yaml(eksd("1.33") | {"status": status}), "k.yaml")
    assert caught.value.code is Code.MANIFEST_INVALID
    assert caught.value.where == "k.yaml"


def test_a_bundles_manifest_is_no_eksd_manifest() -> None:
    with pytest.raises(ReleaseError, match="a bundles manifest") as caught:
        load_eksd(as_yaml(bundles(versions_bundle("1.33"))), "k.yaml")
    assert caught.value.code is Code.MANIFEST_WRONG_KIND
    assert "kubernetes-1-XX-eks-N.yaml" in caught.value.mend


@given(st.binary(max_size=300))
def test_no_bytes_give_another_exception(content: bytes) -> None:
    for load in (load_bundles, load_eksd, load_package_bundle):
        with pytest.raises(ReleaseError):
            load(content, WHERE)


_plain = st.recursive(
    st.none() | st.text(max_size=5) | st.booleans() | st.floats(allow_nan=False) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(_plain, _plain)
def test_no_content_of_the_right_kind_gives_another_exception(spec: object, entry: object) -> None:
    manifest = bundles() | {"spec": spec}
    for document in (manifest, bundles() | {"spec": {"versionsBundles": [entry]}}):
        with pytest.raises(ReleaseError):
            load_bundles(as_yaml(document), WHERE)
    with pytest.raises(ReleaseError):
        load_eksd(as_yaml(eksd("1.33") | {"status": spec}), WHERE)


def test_the_document_is_given_as_text_throughout() -> None:
    document = load_manifest(as_yaml(bundles()), WHERE, BUNDLES)
    assert document["spec"] == {"number": "115", "versionsBundles": []}
