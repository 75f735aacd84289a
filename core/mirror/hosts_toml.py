"""The files with which EKS Anywhere tells containerd on the nodes about the mirror, for reading.

Source: aws/eks-anywhere `pkg/clusterapi/registry_mirror.go` and `pkg/clusterapi/config`, v0.26.1.
"""

from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.fragment import normal_pem, quoted
from core.mirror.rewrite import api_endpoint

FOLDER = "/etc/containerd/certs.d"
HIDDEN_LOGIN = "Basic <base64 of REGISTRY_USERNAME:REGISTRY_PASSWORD>"
"""Stands where the real file holds the login."""


def node_files(
    configuration: RegistryMirrorConfiguration, *, login_on_nodes: bool = True
) -> dict[str, str]:
    """What Ubuntu and RHEL nodes get: path to content, the login left out.

    Args:
        configuration: with its defaults filled in.
        login_on_nodes: False on Snow and CloudStack, whose templates hold no login.
    """
    base = configuration.base
    files = {}
    if configuration.ca_cert_content:
        files[f"{FOLDER}/{base}/ca.crt"] = normal_pem(configuration.ca_cert_content)
    for upstream, place in {base: base, **configuration.mirrors()}.items():
        files[f"{FOLDER}/{upstream}/hosts.toml"] = _hosts_toml(
            configuration, upstream, place, login_on_nodes
        )
    return files


def _hosts_toml(
    configuration: RegistryMirrorConfiguration, upstream: str, place: str, login: bool
) -> str:
    host = quoted(f"https://{api_endpoint(place)}")
    lines = [
        f"server = {quoted(f'https://{upstream}')}",
        "",
        f"[host.{host}]",
        '  capabilities = ["pull", "resolve"]',
        "  override_path = true",
    ]
    if configuration.ca_cert_content:
        lines.append(f"  ca = {quoted(f'{FOLDER}/{configuration.base}/ca.crt')}")
    if configuration.insecure_skip_verify:
        lines.append("  skip_verify = true")
    if configuration.authenticate and login:
        lines += [f"  [host.{host}.header]", f"    authorization = {quoted(HIDDEN_LOGIN)}"]
    return "\n".join([*lines, ""])
