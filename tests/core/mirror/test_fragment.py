"""The fragment is canonical, and reads back as what was written."""

import tomllib
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.mirror.cluster_document import read_configuration
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.endpoint import Mirror, NamespaceMapping
from core.mirror.fragment import as_mapping, fragment, normal_pem
from core.mirror.hosts_toml import HIDDEN_LOGIN, node_files
from core.mirror.upstreams import PACKAGES_REGISTRY, PUBLIC_ECR

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
FULL = RegistryMirrorConfiguration(
    endpoint="10.0.0.5",
    port="8443",
    oci_namespaces=(NamespaceMapping(PUBLIC_ECR, "eks-a"), NamespaceMapping("docker.io", "")),
    ca_cert_content=PEM,
    authenticate=True,
)
TEXT = """\
spec:
  registryMirrorConfiguration:
    endpoint: "10.0.0.5"
    port: "8443"
    ociNamespaces:
      - registry: "public.ecr.aws"
        namespace: "eks-a"
      - registry: "docker.io"
        namespace: ""
    caCertContent: |
      -----BEGIN CERTIFICATE-----
      MIIB
      -----END CERTIFICATE-----
    authenticate: true
    insecureSkipVerify: false
"""


def read_back(text: str) -> RegistryMirrorConfiguration:
    node = yaml.compose(text)
    assert isinstance(node, yaml.MappingNode)
    spec = node.value[0][1]
    configuration, findings = read_configuration(spec.value[0][1])
    assert findings == ()
    return configuration


def test_the_fragment_is_canonical() -> None:
    assert fragment(FULL) == TEXT
    assert read_back(TEXT) == FULL


def test_what_is_empty_is_left_out_and_the_port_never() -> None:
    bare = fragment(RegistryMirrorConfiguration(endpoint="h"))
    assert bare.splitlines() == [
        "spec:",
        "  registryMirrorConfiguration:",
        '    endpoint: "h"',
        '    port: "443"',
        "    authenticate: false",
        "    insecureSkipVerify: false",
    ]


def test_a_certificate_is_written_with_plain_line_ends() -> None:
    windows = replace(FULL, ca_cert_content="\n" + PEM.replace("\n", "\r\n") + "\r\n\r\n")
    assert fragment(windows) == TEXT
    assert normal_pem("  \n") == ""


@pytest.mark.parametrize(
    "odd", ["ä", "a\tb", "a\x00b", "a\u2028b", "a\x80b", "a\U000e0001b", "  x\n y", "# x", "a: b"]
)
def test_what_is_no_pem_is_still_valid_yaml(odd: str) -> None:
    (spec,) = yaml.safe_load(fragment(replace(FULL, ca_cert_content=odd))).values()
    found = spec["registryMirrorConfiguration"]["caCertContent"]
    assert found == normal_pem(odd)


def test_the_mirror_becomes_the_mappings() -> None:
    made = RegistryMirrorConfiguration.from_mirror(
        Mirror.parse("[fd00::1]/eks-a", [NamespaceMapping("ghcr.io", "gh")])
    )
    assert (made.endpoint, made.port) == ("fd00::1", "443")
    assert made.oci_namespaces == (
        NamespaceMapping(PUBLIC_ECR, "eks-a"),
        NamespaceMapping(PACKAGES_REGISTRY, "eks-a/eks-anywhere"),
        NamespaceMapping("ghcr.io", "gh"),
    )


def test_another_packages_registry_takes_the_place_of_the_default() -> None:
    mirror = Mirror.parse("h:1/a")
    regional = RegistryMirrorConfiguration.from_mirror(mirror, packages_registry="r.example")
    assert [str(one.registry) for one in regional.oci_namespaces] == [PUBLIC_ECR, "r.example"]
    assert regional.oci_namespaces[1].namespace == "a/eks-anywhere"
    none = RegistryMirrorConfiguration.from_mirror(mirror, packages_registry="")
    assert [one.registry for one in none.oci_namespaces] == [PUBLIC_ECR]


def test_an_own_mapping_of_packages_is_kept() -> None:
    mirror = Mirror.parse("h/a", [NamespaceMapping(PACKAGES_REGISTRY, "own")])
    made = RegistryMirrorConfiguration.from_mirror(mirror)
    assert NamespaceMapping(PACKAGES_REGISTRY, "own") in made.oci_namespaces


_text = st.text(max_size=20)
_namespaces = st.lists(st.builds(NamespaceMapping, _text, _text), max_size=3).map(tuple)


@given(_text, _text, _namespaces, st.text(max_size=60), st.booleans(), st.booleans())
def test_whatever_is_written_reads_back(
    endpoint: str,
    port: str,
    namespaces: tuple[NamespaceMapping, ...],
    content: str,
    authenticate: bool,
    skip: bool,
) -> None:
    written = RegistryMirrorConfiguration(endpoint, port, namespaces, content, authenticate, skip)
    text = fragment(written)
    assert as_mapping(read_back(text)) == as_mapping(written)
    (spec,) = yaml.safe_load(text).values()
    assert spec["registryMirrorConfiguration"] == as_mapping(written) | {"endpoint": endpoint}


def test_nodes_get_a_file_for_the_mirror_and_for_each_mapping() -> None:
    files = node_files(replace(FULL, insecure_skip_verify=True))
    base = "/etc/containerd/certs.d"
    assert sorted(files) == [
        f"{base}/10.0.0.5:8443/ca.crt",
        f"{base}/10.0.0.5:8443/hosts.toml",
        f"{base}/docker.io/hosts.toml",
        f"{base}/public.ecr.aws/hosts.toml",
    ]
    assert files[f"{base}/10.0.0.5:8443/ca.crt"] == PEM
    public = tomllib.loads(files[f"{base}/public.ecr.aws/hosts.toml"])
    assert public == {
        "server": "https://public.ecr.aws",
        "host": {
            "https://10.0.0.5:8443/v2/eks-a": {
                "capabilities": ["pull", "resolve"],
                "override_path": True,
                "ca": f"{base}/10.0.0.5:8443/ca.crt",
                "skip_verify": True,
                "header": {"authorization": HIDDEN_LOGIN},
            }
        },
    }
    mirror = tomllib.loads(files[f"{base}/10.0.0.5:8443/hosts.toml"])
    assert mirror["server"] == "https://10.0.0.5:8443"
    assert list(mirror["host"]) == ["https://10.0.0.5:8443/v2"]


def test_nodes_get_only_what_is_configured() -> None:
    plain = replace(FULL, ca_cert_content="", authenticate=False, oci_namespaces=())
    files = node_files(plain)
    assert sorted(files) == [
        "/etc/containerd/certs.d/10.0.0.5:8443/hosts.toml",
        "/etc/containerd/certs.d/public.ecr.aws/hosts.toml",
    ]
    for content in files.values():
        (host,) = tomllib.loads(content)["host"].values()
        assert set(host) == {"capabilities", "override_path"}


def test_snow_and_cloudstack_nodes_get_no_header() -> None:
    assert all("header" not in text for text in node_files(FULL, login_on_nodes=False).values())
    assert any("header" in text for text in node_files(FULL).values())
