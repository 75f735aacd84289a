"""Each rule fires where it should, with upstream's words, and is silent where it should be."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.endpoint import Mirror, NamespaceMapping
from core.mirror.facts import ClusterFacts, OsFamily, Provider, Version
from core.mirror.findings import Finding, FindingCode, Level, by_gravity
from core.mirror.rules import judge, rejections
from core.mirror.upstreams import (
    PACKAGES_REGISTRY,
    PUBLIC_ECR,
    is_packages_registry,
    regional_packages_registry,
)
from tests.core.mirror.pki import NOW, make

CA = make("Root CA").pem
REGIONAL = "346438352937.dkr.ecr.us-west-2.amazonaws.com"
GOOD = RegistryMirrorConfiguration(
    endpoint="harbor.local",
    port="8443",
    oci_namespaces=(
        NamespaceMapping(PUBLIC_ECR, "eks-a"),
        NamespaceMapping(PACKAGES_REGISTRY, "eks-a/eks-anywhere"),
    ),
    ca_cert_content=CA,
)


def found(
    configuration: RegistryMirrorConfiguration,
    *,
    cluster: ClusterFacts | None = None,
    release: str = "",
    environment: dict[str, str] | None = None,
) -> list[Finding]:
    return list(
        judge(configuration, cluster=cluster, release=release, environment=environment, now=NOW)
    )


def codes(findings: list[Finding]) -> list[FindingCode]:
    return [one.code for one in findings]


def mapped(**namespaces: str) -> RegistryMirrorConfiguration:
    names = {"public": PUBLIC_ECR, "packages": PACKAGES_REGISTRY, "regional": REGIONAL}
    names |= {"docker": "docker.io", "ghcr": "ghcr.io"}
    entries = tuple(NamespaceMapping(names[key], value) for key, value in namespaces.items())
    return replace(GOOD, oci_namespaces=entries)


def test_a_good_configuration_has_no_findings() -> None:
    assert found(GOOD) == []
    assert found(replace(GOOD, oci_namespaces=())) == []
    assert found(replace(GOOD, endpoint="fd00::1", port="443")) == []


def test_what_a_mirror_gives_is_good() -> None:
    for text in ("harbor.local", "harbor.local:8443/eks-a", "[fd00::1]:5000/a/b", "10.0.0.5/x"):
        for registry in (PACKAGES_REGISTRY, REGIONAL, ""):
            made = RegistryMirrorConfiguration.from_mirror(
                Mirror.parse(text), packages_registry=registry, ca_cert_content=CA
            )
            assert found(made) == []


def test_a_missing_endpoint_is_rejected_in_upstreams_words() -> None:
    (finding,) = found(replace(GOOD, endpoint=""))
    assert (finding.level, finding.code) == (Level.REJECTED, FindingCode.ENDPOINT_MISSING)
    assert finding.upstream == "no value set for RegistryMirrorConfiguration.Endpoint"


@pytest.mark.parametrize(
    "port", ["443a", "abc", "0", "123456", "65536", "-1", " 443", "4_4", "٤٤٣", "443.0", "9" * 30]
)
def test_a_port_that_is_none_is_rejected_in_upstreams_words(port: str) -> None:
    (finding,) = found(replace(GOOD, port=port))
    assert (finding.level, finding.code) == (Level.REJECTED, FindingCode.PORT_INVALID)
    assert finding.upstream == (
        f"registry mirror port {port} is invalid, please provide a valid port"
    )


@pytest.mark.parametrize("port", ["", "443", "8080", "32000", "1", "65535"])
def test_a_port_that_is_one_is_right(port: str) -> None:
    assert found(replace(GOOD, port=port)) == []


@pytest.mark.parametrize("port", ["+443", "0443", "00443"])
def test_a_port_that_go_reads_but_nobody_writes_will_not_work(port: str) -> None:
    (finding,) = found(replace(GOOD, port=port))
    assert (finding.level, finding.code) == (Level.WILL_NOT_WORK, FindingCode.PORT_UNUSUAL)
    assert '"443"' in finding.mend


def test_a_mapping_without_a_registry_is_rejected_in_upstreams_words() -> None:
    entries = (*GOOD.oci_namespaces, NamespaceMapping("", "x"))
    (finding,) = found(replace(GOOD, oci_namespaces=entries))
    assert (finding.level, finding.code) == (Level.REJECTED, FindingCode.REGISTRY_MISSING)
    assert finding.field == "ociNamespaces[2].registry"
    assert finding.upstream == "registry can't be set to empty in OCINamespaces"


def test_two_registries_of_the_legacy_account_are_rejected_in_upstreams_words() -> None:
    other = PACKAGES_REGISTRY.replace("us-west-2", "eu-west-1")
    entries = (*GOOD.oci_namespaces, NamespaceMapping(other, "eks-a/eks-anywhere"))
    finding = found(replace(GOOD, oci_namespaces=entries))[0]
    assert finding.level is Level.REJECTED
    assert finding.code is FindingCode.SEVERAL_PACKAGE_REGISTRIES
    assert finding.upstream == "only one registry mirror for curated packages is suppported"


def test_the_search_for_the_legacy_account_is_not_anchored() -> None:
    odd = f"xx{PACKAGES_REGISTRY}.cn"
    entries = (*GOOD.oci_namespaces, NamespaceMapping(odd, "eks-a"))
    findings = found(replace(GOOD, oci_namespaces=entries))
    assert FindingCode.SEVERAL_PACKAGE_REGISTRIES in codes(findings)


def test_a_regional_account_beside_the_legacy_one_passes() -> None:
    both = mapped(public="a", packages="a/eks-anywhere", regional="a/eks-anywhere")
    assert found(both) == []


def test_rejections_come_in_the_order_of_upstream() -> None:
    entries = (
        NamespaceMapping("", ""),
        NamespaceMapping(PACKAGES_REGISTRY, ""),
        NamespaceMapping(PACKAGES_REGISTRY, ""),
    )
    bad = RegistryMirrorConfiguration(port="x", oci_namespaces=entries)
    assert codes(list(rejections(bad))) == [
        FindingCode.ENDPOINT_MISSING,
        FindingCode.PORT_INVALID,
        FindingCode.REGISTRY_MISSING,
        FindingCode.SEVERAL_PACKAGE_REGISTRIES,
    ]


@pytest.mark.parametrize(
    ("endpoint", "words", "mend"),
    [
        ("https://harbor.local", "scheme", '"harbor.local"'),
        ("https://harbor.local:8443/x/", "scheme", '"harbor.local"'),
        ("bob@harbor.local", "user name", '"harbor.local"'),
        (" harbor.local", "spaces", '"harbor.local"'),
        ("harbor.local/", "ends with a slash", '"harbor.local"'),
        ("harbor.local/eks-a", "path", '"harbor.local"'),
        ("[fd00::1]", "without brackets", '"fd00::1"'),
        ("harbor.local:8443", "holds a port", '"harbor.local"'),
        ("harbor_local", "no host", "alone"),
        ("har bor", "no host", "alone"),
    ],
)
def test_an_endpoint_that_is_no_bare_host_will_not_work(
    endpoint: str, words: str, mend: str
) -> None:
    (finding,) = found(replace(GOOD, endpoint=endpoint))
    assert finding.level is Level.WILL_NOT_WORK
    assert finding.code is FindingCode.ENDPOINT_NOT_A_HOST
    assert words in finding.message
    assert mend in finding.mend


def test_capital_letters_in_the_endpoint_are_worth_a_word() -> None:
    (finding,) = found(replace(GOOD, endpoint="Harbor.local"))
    assert (finding.level, finding.code) == (Level.CAUTION, FindingCode.ENDPOINT_CAPITALS)
    assert found(replace(GOOD, endpoint="FD00::1")) == []


@pytest.mark.parametrize(
    ("registry", "words"),
    [
        ("https://docker.io", "scheme"),
        ("docker.io/", "path"),
        ("public.ecr.aws/l0g8r8j6", "path"),
        (" docker.io", "spaces"),
        ("Docker.io", "capital"),
        ("*.dkr.ecr.us-west-2.amazonaws.com", "no host"),
    ],
)
def test_a_registry_that_is_no_bare_host_never_matches(registry: str, words: str) -> None:
    entries = (NamespaceMapping(PUBLIC_ECR, ""), NamespaceMapping(registry, "x"))
    (finding,) = found(replace(GOOD, oci_namespaces=entries))
    assert finding.level is Level.WILL_NOT_WORK
    assert finding.code is FindingCode.REGISTRY_NOT_A_HOST
    assert finding.field == "ociNamespaces[1].registry"
    assert words in finding.message


@pytest.mark.parametrize("namespace", ["EKS-A", "a b", "a/../b", "a:1", "-a", " a"])
def test_a_namespace_that_is_none_will_not_work(namespace: str) -> None:
    findings = found(mapped(public="", docker=namespace))
    assert [(one.level, one.code) for one in findings] == [
        (Level.WILL_NOT_WORK, FindingCode.NAMESPACE_INVALID)
    ]


@pytest.mark.parametrize("namespace", ["/a", "a/", "a//b", "./a"])
def test_a_namespace_that_is_cleaned_is_worth_a_word(namespace: str) -> None:
    findings = found(mapped(public="", docker=namespace))
    assert [(one.level, one.code) for one in findings] == [
        (Level.CAUTION, FindingCode.NAMESPACE_CLEANED)
    ]


def test_a_registry_that_is_mapped_twice_will_not_work_as_meant() -> None:
    entries = (NamespaceMapping(PUBLIC_ECR, "first"), NamespaceMapping(PUBLIC_ECR, "last"))
    (finding,) = found(replace(GOOD, oci_namespaces=entries))
    assert (finding.level, finding.code) == (Level.WILL_NOT_WORK, FindingCode.REGISTRY_TWICE)
    assert "harbor.local:8443/last" in finding.cause


def test_mappings_without_public_ecr_make_the_mirror_useless() -> None:
    (finding,) = found(mapped(docker="dockerhub"))
    assert (finding.level, finding.code) == (Level.WILL_NOT_WORK, FindingCode.PUBLIC_ECR_MISSING)
    assert found(mapped(public="", docker="dockerhub")) == []


@pytest.mark.parametrize("registry", ["packages", "regional"])
@pytest.mark.parametrize(
    ("core", "right"), [("", "eks-anywhere"), ("a", "a/eks-anywhere"), ("/a/", "a/eks-anywhere")]
)
def test_packages_belong_beside_the_core_images(registry: str, core: str, right: str) -> None:
    right_one = found(mapped(**{"public": core, registry: right}))
    assert FindingCode.PACKAGES_ELSEWHERE not in codes(right_one)
    wrong = found(mapped(**{"public": core, registry: "curated-packages"}))
    (finding,) = [one for one in wrong if one.code is FindingCode.PACKAGES_ELSEWHERE]
    assert finding.level is Level.WILL_NOT_WORK
    assert f'namespace: "{right}"' in finding.mend


def test_the_own_account_of_a_customer_is_no_packages_registry() -> None:
    assert not is_packages_registry("123456789012.dkr.ecr.us-west-2.amazonaws.com")
    assert not is_packages_registry(f"x{PACKAGES_REGISTRY}")
    assert is_packages_registry(PACKAGES_REGISTRY.replace("us-west-2", "eu-west-1"))
    assert is_packages_registry(regional_packages_registry("af-south-1"))
    assert not is_packages_registry("346438352937.dkr.ecr.us-east-1.amazonaws.com")
    assert regional_packages_registry("mars-1") == ""


def test_authenticate_needs_its_variables() -> None:
    wants = replace(GOOD, authenticate=True)
    findings = found(wants, environment={})
    assert [one.upstream for one in findings] == [
        "please set REGISTRY_USERNAME env var",
        "please set REGISTRY_PASSWORD env var",
    ]
    empty = found(wants, environment={"REGISTRY_USERNAME": "u", "REGISTRY_PASSWORD": ""})
    assert [(one.level, one.code) for one in empty] == [
        (Level.WILL_NOT_WORK, FindingCode.LOGIN_VARIABLE_EMPTY)
    ]
    assert found(wants, environment={"REGISTRY_USERNAME": "u", "REGISTRY_PASSWORD": "p"}) == []
    assert found(wants) == []
    assert found(GOOD, environment={}) == []


def test_the_certificate_is_judged_with_the_rest() -> None:
    bad = replace(GOOD, ca_cert_content="text")
    assert codes(found(bad)) == [FindingCode.CA_UNREADABLE]
    assert found(bad)[0].level is Level.REJECTED
    assert found(replace(bad, insecure_skip_verify=True))[0].level is Level.WILL_NOT_WORK


BOTTLEROCKET = frozenset({OsFamily.BOTTLEROCKET})
UBUNTU = frozenset({OsFamily.UBUNTU})


def cluster(
    provider: Provider,
    families: frozenset[OsFamily] = UBUNTU,
    *,
    external_etcd: bool = False,
    kube_version: str = "",
) -> ClusterFacts:
    return ClusterFacts(provider, families, external_etcd, kube_version)


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


def test_versions_are_compared_by_number() -> None:
    assert Version(0, 9) < Version(0, 10)
    assert Version.parse("v0.9.0") == Version(0, 9)
    assert Version.parse("0.10.2+abc") == Version(0, 10, 2)
    assert Version.parse("1.33") == Version(1, 33)
    for text in ("", "latest", "v0.0.0-dev", "1", "1.33.4.5", "v1.x"):
        assert Version.parse(text) is None


def test_findings_are_sorted_by_gravity_and_stay_in_order_within() -> None:
    bad = replace(mapped(docker="B", packages="/x"), port="0", endpoint="Harbor.local")
    findings = found(bad)
    order = [list(Level).index(one.level) for one in findings]
    assert order == sorted(order)
    assert set(order) == {0, 1, 2}
    assert by_gravity(reversed(findings)) != tuple(findings)


def test_every_finding_is_said_in_full() -> None:
    everything = [
        *found(
            replace(mapped(docker="B"), port="0", endpoint="x/y", authenticate=True), environment={}
        ),
        *found(GOOD, release="v0.19.0", cluster=cluster(Provider.BARE_METAL, BOTTLEROCKET)),
    ]
    assert len(everything) > 6
    for one in everything:
        assert one.field
        assert one.message.endswith(".")
        assert one.cause
        assert one.mend
        assert (one.level is Level.REJECTED) == bool(one.upstream)


_text = st.text(max_size=12) | st.sampled_from([PUBLIC_ECR, PACKAGES_REGISTRY, "a/b", "443"])
_configurations = st.builds(
    RegistryMirrorConfiguration,
    endpoint=_text,
    port=_text,
    oci_namespaces=st.lists(st.builds(NamespaceMapping, _text, _text), max_size=4).map(tuple),
    ca_cert_content=_text | st.just(CA),
    authenticate=st.booleans(),
    insecure_skip_verify=st.booleans(),
)
_facts = st.builds(
    ClusterFacts,
    provider=st.none() | st.sampled_from(Provider),
    os_families=st.frozensets(st.sampled_from(OsFamily)),
    external_etcd=st.booleans(),
    kube_version=_text,
)


@given(_configurations, st.none() | _facts, _text | st.from_regex(r"v0\.[0-9]{1,2}\.[0-9]"))
def test_nothing_makes_the_rules_fail(
    configuration: RegistryMirrorConfiguration, facts: ClusterFacts | None, release: str
) -> None:
    for one in judge(configuration, cluster=facts, release=release, environment={}, now=NOW):
        assert one.message
        assert one.cause
        assert one.mend


@given(_configurations)
def test_a_rejection_of_the_form_is_what_upstream_rejects(
    configuration: RegistryMirrorConfiguration,
) -> None:
    registries = [one.registry for one in configuration.oci_namespaces]
    legacy = [one for one in registries if "783794618700.dkr.ecr." in one]
    assert set(legacy) <= {PACKAGES_REGISTRY}
    accepted = (
        bool(configuration.endpoint)
        and configuration.port in ("", *map(str, range(1, 65536)))
        and all(registries)
        and len(legacy) < 2
    )
    odd_port = bool(configuration.port) and configuration.port[0] in "+0"
    assert odd_port or (not list(rejections(configuration))) is accepted
