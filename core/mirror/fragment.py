"""Writing `registryMirrorConfiguration` as YAML that every reader of EKS Anywhere takes.

The CLI is lenient; the API server and GitOps are not. So keys have their exact case, all text is
quoted (the port is text), and an empty namespace is written out.
"""

import json
from collections.abc import Iterator

from core.mirror.configuration import DEFAULT_PORT, RegistryMirrorConfiguration

BLOCK = "registryMirrorConfiguration"

KEYS = (
    "endpoint",
    "port",
    "ociNamespaces",
    "caCertContent",
    "authenticate",
    "insecureSkipVerify",
)
"""The keys of the block, in the order in which they are written."""


def fragment(configuration: RegistryMirrorConfiguration) -> str:
    """The block below `spec:`, to be read or pasted."""
    return "\n".join(["spec:", *block_lines(configuration, 2), ""])


def block_lines(configuration: RegistryMirrorConfiguration, indent: int) -> list[str]:
    """The block as lines, its key `indent` columns in."""
    lines = [f"{' ' * indent}{BLOCK}:"]
    for key in KEYS:
        lines += entry_lines(configuration, key, indent + 2)
    return lines


def entry_lines(configuration: RegistryMirrorConfiguration, key: str, indent: int) -> list[str]:
    """One key of the block with its value as lines; none where it is left out."""
    margin = " " * indent
    if key == "ociNamespaces":
        return list(_namespaces(configuration, margin))
    if key == "caCertContent":
        return list(_certificate(configuration, margin))
    return [f"{margin}{key}: {scalar(configuration, key)}"]


def scalar(configuration: RegistryMirrorConfiguration, key: str) -> str:
    """The value of a key that fits on one line."""
    values: dict[str, str | bool] = {
        "endpoint": configuration.endpoint,
        "port": configuration.port or DEFAULT_PORT,
        "authenticate": configuration.authenticate,
        "insecureSkipVerify": configuration.insecure_skip_verify,
    }
    return quoted(values[key])


def as_mapping(configuration: RegistryMirrorConfiguration) -> dict[str, object]:
    """The block as plain data, with the keys that are written."""
    mapping: dict[str, object] = {
        "endpoint": configuration.endpoint,
        "port": configuration.port or DEFAULT_PORT,
        "ociNamespaces": [
            {"registry": one.registry, "namespace": one.namespace}
            for one in configuration.oci_namespaces
        ],
        "caCertContent": normal_pem(configuration.ca_cert_content),
        "authenticate": configuration.authenticate,
        "insecureSkipVerify": configuration.insecure_skip_verify,
    }
    return {key: mapping[key] for key in KEYS if mapping[key] not in ("", [])}


def quoted(value: object) -> str:
    """A value on one line: JSON, which is YAML and TOML once odd letters are written as codes."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else _code(letter) for letter in text)


def _code(letter: str) -> str:
    number = ord(letter)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def normal_pem(content: str) -> str:
    """PEM with plain line ends and exactly one at the end; empty where it is empty."""
    text = content.replace("\r\n", "\n").replace("\r", "\n").strip()
    return text + "\n" if text else ""


def _namespaces(configuration: RegistryMirrorConfiguration, margin: str) -> Iterator[str]:
    if configuration.oci_namespaces:
        yield f"{margin}ociNamespaces:"
    for one in configuration.oci_namespaces:
        yield f"{margin}  - registry: {quoted(one.registry)}"
        yield f"{margin}    namespace: {quoted(one.namespace)}"


def _certificate(configuration: RegistryMirrorConfiguration, margin: str) -> Iterator[str]:
    text = normal_pem(configuration.ca_cert_content)
    lines = text.split("\n")[:-1]
    if not text:
        return
    if all(line.isascii() and line.isprintable() for line in lines):
        yield f"{margin}caCertContent: |"
        for line in lines:
            yield f"{margin}  {line}" if line else ""
    else:
        yield f"{margin}caCertContent: {quoted(text)}"
