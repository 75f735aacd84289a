"""References are rewritten as upstream does it, in the CLI and on nodes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Code, MirrorError
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.endpoint import NamespaceMapping
from core.mirror.rewrite import api_endpoint, cli_rewrite, node_url
from core.reference import Reference

PUBLIC = "public.ecr.aws"
PACKAGES = "783794618700.dkr.ecr.us-west-2.amazonaws.com"
SHA = "sha256:" + "bb" * 32


def config(endpoint: str, port: str = "", **namespaces: str) -> RegistryMirrorConfiguration:
    names = {"public": PUBLIC, "packages": PACKAGES, "docker": "docker.io"}
    names["regional"] = "346438352937.dkr.ecr.us-west-2.amazonaws.com"
    entries = tuple(NamespaceMapping(names[key], value) for key, value in namespaces.items())
    return RegistryMirrorConfiguration(endpoint, port, entries)


PLAIN = config("harbor.local")
MAPPED = config("10.0.0.5", "8443", public="eks-a", packages="eks-a/eks-anywhere")

EXAMPLES = [
    (
        PLAIN,
        "public.ecr.aws/eks-anywhere/cli-tools:v0.20.7-eks-a-78",
        "harbor.local:443/eks-anywhere/cli-tools:v0.20.7-eks-a-78",
        "https://harbor.local:443/v2/eks-anywhere/cli-tools/manifests/v0.20.7-eks-a-78",
    ),
    (
        PLAIN,
        f"{PACKAGES}/harbor/harbor-core@{SHA}",
        f"{PACKAGES}/harbor/harbor-core@{SHA}",
        f"https://{PACKAGES}/v2/harbor/harbor-core/manifests/{SHA}",
    ),
    (
        MAPPED,
        "public.ecr.aws/eks-distro/kubernetes/pause:v1.33.5-eks-1-33-20",
        "10.0.0.5:8443/eks-a/eks-distro/kubernetes/pause:v1.33.5-eks-1-33-20",
        "https://10.0.0.5:8443/v2/eks-a/eks-distro/kubernetes/pause/manifests/v1.33.5-eks-1-33-20",
    ),
    (
        MAPPED,
        "oci://public.ecr.aws/eks/cilium/cilium",
        "oci://10.0.0.5:8443/eks-a/eks/cilium/cilium",
        "https://10.0.0.5:8443/v2/eks-a/eks/cilium/cilium/manifests/latest",
    ),
    (
        MAPPED,
        f"{PACKAGES}/metallb/controller@{SHA}",
        f"10.0.0.5:8443/eks-a/eks-anywhere/metallb/controller@{SHA}",
        f"https://10.0.0.5:8443/v2/eks-a/eks-anywhere/metallb/controller/manifests/{SHA}",
    ),
    (
        MAPPED,
        f"783794618700.dkr.ecr.eu-west-1.amazonaws.com/metallb/controller@{SHA}",
        f"783794618700.dkr.ecr.eu-west-1.amazonaws.com/metallb/controller@{SHA}",
        "https://783794618700.dkr.ecr.eu-west-1.amazonaws.com/v2/metallb/controller/manifests/"
        + SHA,
    ),
    (
        config("reg.example.com", "443", public="", regional="eks-anywhere"),
        "public.ecr.aws/bottlerocket/bottlerocket-admin:v0.21.1",
        "reg.example.com:443/bottlerocket/bottlerocket-admin:v0.21.1",
        "https://reg.example.com:443/v2/bottlerocket/bottlerocket-admin/manifests/v0.21.1",
    ),
    (
        config("reg.example.com", "443", docker="dockerhub"),
        "public.ecr.aws/eks-anywhere/x:1",
        "public.ecr.aws/eks-anywhere/x:1",
        "https://public.ecr.aws/v2/eks-anywhere/x/manifests/1",
    ),
    (
        config("fd00::1", "5000", public="/team//mirror/"),
        "public.ecr.aws/eks-anywhere/x:1",
        "[fd00::1]:5000/team/mirror/eks-anywhere/x:1",
        "https://[fd00::1]:5000/v2/team/mirror/eks-anywhere/x/manifests/1",
    ),
    (
        config("https://reg.example.com", "443"),
        "public.ecr.aws/eks-anywhere/x:1",
        "[https://reg.example.com]:443/eks-anywhere/x:1",
        None,
    ),
]


@pytest.mark.parametrize(("configuration", "reference", "cli", "node"), EXAMPLES)
def test_the_worked_examples(
    configuration: RegistryMirrorConfiguration, reference: str, cli: str, node: str | None
) -> None:
    assert cli_rewrite(configuration, reference) == cli
    if node is not None:
        assert node_url(configuration, Reference.parse(reference)) == node
        return
    with pytest.raises(MirrorError) as caught:
        node_url(configuration, Reference.parse(reference))
    assert caught.value.code is Code.ENDPOINT_INVALID
    assert "reg.example.com" in caught.value.message


def test_without_a_mirror_nothing_changes() -> None:
    assert cli_rewrite(None, "public.ecr.aws/x:1") == "public.ecr.aws/x:1"
    assert node_url(None, Reference.parse("docker.io/library/x:1")) == (
        "https://registry-1.docker.io/v2/library/x/manifests/1"
    )


def test_a_namespace_that_goes_up_is_resolved_as_upstream_does_it() -> None:
    assert cli_rewrite(config("h", "1", public="../x"), "public.ecr.aws/a:1") == "x/a:1"
    assert cli_rewrite(config("h", "1", public="a/../b"), "public.ecr.aws/a:1") == "h:1/b/a:1"
    assert cli_rewrite(config("h", "1", public="../.."), "public.ecr.aws/a:1") == "../a:1"
    assert cli_rewrite(config("https://h", "1", public="n"), "public.ecr.aws/a:1") == (
        "[https:/h]:1/n/a:1"
    )


def test_of_two_mappings_for_one_registry_the_last_one_counts() -> None:
    entries = (NamespaceMapping(PUBLIC, "first"), NamespaceMapping(PUBLIC, "last"))
    double = RegistryMirrorConfiguration("h", "", entries)
    assert cli_rewrite(double, "public.ecr.aws/a:1") == "h:443/last/a:1"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://public.ecr.aws/a", "https://10.0.0.5:8443/eks-a/a"),
        ("public.ecr.aws", "10.0.0.5:8443/eks-a"),
        ("public.ecr.aws/public.ecr.aws/a:1", "10.0.0.5:8443/eks-a/public.ecr.aws/a:1"),
        ("public.ecr.aws:443/a", "public.ecr.aws:443/a"),
        ("xpublic.ecr.aws/a", "xpublic.ecr.aws/a"),
        ("https://mirror/public.ecr.aws/a", "https://mirror/public.ecr.aws/a"),
        ("", ""),
        ("://", "://"),
    ],
)
def test_only_the_exact_registry_at_the_front_is_replaced(url: str, expected: str) -> None:
    assert cli_rewrite(MAPPED, url) == expected


def test_v2_stands_between_host_and_path() -> None:
    assert api_endpoint("h:1") == "h:1/v2"
    assert api_endpoint("h:1/a/b") == "h:1/v2/a/b"
    assert api_endpoint("") == "v2"


_host = st.from_regex(r"[a-z]{1,6}(\.[a-z]{1,4}){0,2}", fullmatch=True)
_path = st.from_regex(r"[a-z0-9]{1,5}(/[a-z0-9]{1,5}){0,3}", fullmatch=True)
_scheme = st.sampled_from(["", "oci://", "https://"])


@given(_scheme, _host, _path)
def test_unknown_registries_never_change(scheme: str, host: str, path: str) -> None:
    url = f"{scheme}{host}/{path}:1"
    if host not in (PUBLIC, PACKAGES):
        assert cli_rewrite(MAPPED, url) == url


@given(_scheme, _host, st.from_regex(r"[1-9][0-9]{0,3}", fullmatch=True), _path, _path)
def test_only_the_front_changes_and_only_once(
    scheme: str, endpoint: str, port: str, namespace: str, path: str
) -> None:
    configuration = config(endpoint, port, public=namespace)
    once = cli_rewrite(configuration, f"{scheme}{PUBLIC}/{path}:1")
    assert once == f"{scheme}{endpoint}:{port}/{namespace}/{path}:1"
    assert cli_rewrite(configuration, once) == once


@given(_host, _path, _path)
def test_a_node_asks_for_what_the_cli_writes(endpoint: str, namespace: str, path: str) -> None:
    configuration = config(endpoint, "8443", public=namespace)
    reference = Reference(PUBLIC, path, "1")
    written = Reference.parse(cli_rewrite(configuration, str(reference)))
    assert node_url(configuration, reference) == (
        f"https://{written.registry}/v2/{written.repository}/manifests/{written.tag}"
    )


@given(st.text(max_size=30), st.text(max_size=6), st.text(max_size=20), st.text(max_size=30))
def test_no_text_makes_the_rewriting_fail(endpoint: str, port: str, space: str, url: str) -> None:
    configuration = config(endpoint, port, public=space)
    assert isinstance(cli_rewrite(configuration, url), str)
    assert isinstance(cli_rewrite(configuration, f"{PUBLIC}/{url}"), str)
