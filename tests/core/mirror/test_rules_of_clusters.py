"""Rules that depend on provider, node system and release: each fires where it should."""

from dataclasses import replace

import pytest

from core.mirror.facts import OsFamily, Provider
from core.mirror.findings import FindingCode, Level
from tests.core.mirror.rule_cases import (
    BOTTLEROCKET,
    GOOD,
    UBUNTU,
    cluster,
    codes,
    found,
    mapped,
)


def test_bottlerocket_refuses_to_skip_verification() -> None:
    skipping = replace(GOOD, insecure_skip_verify=True)
    (finding,) = found(skipping, cluster=cluster(Provider.VSPHERE, BOTTLEROCKET))
    assert finding.level is Level.REJECTED
    assert finding.upstream == "InsecureSkipVerify is not supported for bottlerocket"
    mixed = cluster(Provider.VSPHERE, BOTTLEROCKET | UBUNTU)
    assert codes(found(skipping, cluster=mixed)) == [FindingCode.BOTTLEROCKET_SKIP_VERIFY]
    assert found(skipping, cluster=cluster(Provider.VSPHERE)) == []
    assert found(skipping, cluster=cluster(Provider.DOCKER, BOTTLEROCKET)) == []
    assert found(GOOD, cluster=cluster(Provider.VSPHERE, BOTTLEROCKET)) == []


@pytest.mark.parametrize(
    ("provider", "release", "level"),
    [
        (Provider.VSPHERE, "", None),
        (Provider.VSPHERE, "v0.20.0", None),
        (Provider.VSPHERE, "v0.24.0", None),
        (Provider.VSPHERE, "v0.17.2", Level.CAUTION),
        (Provider.SNOW, "", Level.CAUTION),
        (Provider.BARE_METAL, "v0.26.1", Level.CAUTION),
        (Provider.VSPHERE, "v0.19.3", Level.REJECTED),
        (Provider.BARE_METAL, "v0.19.3", Level.REJECTED),
    ],
)
def test_other_mappings_on_bottlerocket(
    provider: Provider, release: str, level: Level | None
) -> None:
    facts = cluster(provider, BOTTLEROCKET)
    other = mapped(public="a", docker="b")
    code = FindingCode.BOTTLEROCKET_ONLY_PUBLIC_ECR
    fired = [one for one in found(other, cluster=facts, release=release) if one.code is code]
    assert [one.level for one in fired] == ([level] if level else [])
    assert [one.upstream for one in fired if one.level is Level.REJECTED] == (
        ["public.ecr.aws is the only registry supported in ociNamespaces for bottlerocket"]
        if level is Level.REJECTED
        else []
    )
    alone = found(mapped(public="a"), cluster=facts, release=release)
    assert code not in codes(alone)
    assert code not in codes(found(other, cluster=cluster(provider), release=release))


@pytest.mark.parametrize("provider", list(Provider))
def test_snow_and_cloudstack_nodes_get_no_login(provider: Provider) -> None:
    wants = replace(GOOD, authenticate=True)
    fired = FindingCode.LOGIN_NOT_ON_NODES in codes(found(wants, cluster=cluster(provider)))
    assert fired is (provider in (Provider.SNOW, Provider.CLOUDSTACK))
    assert FindingCode.LOGIN_NOT_ON_NODES not in codes(found(GOOD, cluster=cluster(provider)))


@pytest.mark.parametrize("provider", list(Provider))
def test_bare_metal_boots_without_verification_and_with_a_readable_login(
    provider: Provider,
) -> None:
    wants = replace(GOOD, authenticate=True)
    fired = codes(found(wants, cluster=cluster(provider)))
    expected = provider is Provider.BARE_METAL
    assert (FindingCode.BOOT_NOT_VERIFIED in fired) is expected
    assert (FindingCode.LOGIN_IN_BOOT_ARGUMENTS in fired) is expected
    quiet = codes(found(replace(GOOD, insecure_skip_verify=True), cluster=cluster(provider)))
    assert FindingCode.BOOT_NOT_VERIFIED not in quiet
    assert FindingCode.LOGIN_IN_BOOT_ARGUMENTS not in quiet


def test_external_etcd_knows_one_mapping_and_always_verifies() -> None:
    facts = cluster(Provider.VSPHERE, external_etcd=True)
    assert codes(found(GOOD, cluster=facts)) == [FindingCode.ETCD_ONLY_PUBLIC_ECR]
    assert found(mapped(public="a"), cluster=facts) == []
    skipping = replace(mapped(public="a"), insecure_skip_verify=True)
    (finding,) = found(skipping, cluster=facts)
    assert (finding.level, finding.code) == (Level.WILL_NOT_WORK, FindingCode.ETCD_SKIP_VERIFY)
    assert found(skipping, cluster=cluster(Provider.VSPHERE)) == []


def test_without_a_ca_the_bootstrap_node_verifies_nothing() -> None:
    without = replace(GOOD, ca_cert_content="")
    facts = cluster(Provider.VSPHERE)
    assert codes(found(without, cluster=facts)) == [FindingCode.BOOTSTRAP_NOT_VERIFIED]
    assert found(without) == []
    assert found(replace(without, insecure_skip_verify=True), cluster=facts) == []


@pytest.mark.parametrize(
    ("release", "fields"),
    [
        ("v0.11.0", ["ociNamespaces", "authenticate", "insecureSkipVerify"]),
        ("v0.12.0", ["ociNamespaces", "insecureSkipVerify"]),
        ("v0.13.9", ["ociNamespaces", "insecureSkipVerify"]),
        ("v0.14.0", ["insecureSkipVerify"]),
        ("v0.15.5", ["insecureSkipVerify"]),
        ("v0.16.0", []),
        ("v0.26.1", []),
        ("v0.0.0-dev", []),
        ("", []),
        ("main", []),
    ],
)
def test_fields_that_a_release_does_not_know_yet(release: str, fields: list[str]) -> None:
    full = replace(mapped(public="a"), authenticate=True, insecure_skip_verify=True)
    fired = [one for one in found(full, release=release) if one.code is FindingCode.FIELD_TOO_NEW]
    assert [one.field for one in fired] == fields
    for one in fired[:-1]:
        assert one.level is Level.REJECTED
        assert one.upstream == f'unknown field "{one.field}"'
    plain = replace(GOOD, oci_namespaces=())
    assert FindingCode.FIELD_TOO_NEW not in codes(found(plain, release=release))


def test_snow_could_skip_verification_before_the_others() -> None:
    skipping = replace(mapped(public="a"), insecure_skip_verify=True)
    snow = found(skipping, cluster=cluster(Provider.SNOW), release="v0.15.0")
    assert FindingCode.FIELD_TOO_NEW not in codes(snow)
    other = found(skipping, cluster=cluster(Provider.VSPHERE), release="v0.15.0")
    assert FindingCode.FIELD_TOO_NEW in codes(other)


@pytest.mark.parametrize(
    ("release", "broken"),
    [("v0.17.9", False), ("v0.18.0", True), ("v0.23.7", True), ("v0.24.0", False), ("", False)],
)
def test_releases_that_write_a_wildcard_for_packages(release: str, broken: bool) -> None:
    fired = [one.field for one in found(GOOD, release=release) if "*" in one.cause]
    assert fired == (["ociNamespaces[1]"] if broken else [])
    assert not [one for one in found(mapped(public="a"), release=release) if "*" in one.cause]


@pytest.mark.parametrize(
    ("release", "broken"),
    [("v0.24.5", False), ("v0.25.0", True), ("v0.25.2", True), ("v0.25.3", False)],
)
def test_releases_whose_nodes_ask_for_v2_twice(release: str, broken: bool) -> None:
    assert (
        bool([one for one in found(GOOD, release=release) if "/v2 twice" in one.message]) is broken
    )
    only = cluster(Provider.VSPHERE, BOTTLEROCKET)
    assert not [
        one for one in found(GOOD, release=release, cluster=only) if "/v2 twice" in one.message
    ]


@pytest.mark.parametrize(
    ("release", "kube", "families", "broken"),
    [
        ("v0.26.0", "1.33", BOTTLEROCKET, True),
        ("v0.26.0-eks-a-115", "1.36", BOTTLEROCKET, True),
        ("v0.26.1", "1.33", BOTTLEROCKET, False),
        ("v0.26.0", "1.32", BOTTLEROCKET, False),
        ("v0.26.0", "", BOTTLEROCKET, False),
        ("v0.26.0", "1.33", UBUNTU, False),
    ],
)
def test_bottlerocket_of_late_kubernetes_versions(
    release: str, kube: str, families: frozenset[OsFamily], broken: bool
) -> None:
    facts = cluster(Provider.VSPHERE, families, kube_version=kube)
    fired = [one for one in found(GOOD, release=release, cluster=facts) if "1.64" in one.mend]
    assert bool(fired) is broken
