"""Each rule fires where it should, with upstream's words, and is silent where it should be."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.endpoint import Mirror, NamespaceMapping
from core.mirror.facts import ClusterFacts, OsFamily, Provider, Version
from core.mirror.findings import FindingCode, Level, by_gravity
from core.mirror.rules import judge, rejections
from core.mirror.upstreams import (
    PACKAGES_REGISTRY,
    PUBLIC_ECR,
    is_packages_registry,
)
from tests.core.mirror.pki import NOW
from tests.core.mirror.rule_cases import (
    BOTTLEROCKET,
    CA,
    GOOD,
    REGIONAL,
    cluster,
    codes,
    found,
    mapped,
)


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
    assert is_packages_registry("783635962247.dkr.ecr.af-south-1.amazonaws.com")
    assert not is_packages_registry("346438352937.dkr.ecr.us-east-1.amazonaws.com")


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
