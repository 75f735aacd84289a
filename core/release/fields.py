"""Finding images and charts in a versions bundle, whatever the release calls its fields.

The fields change with nearly every release of EKS Anywhere, so a fixed list would fit only one.
Every mapping with a `uri` that names something in a registry counts, except the fields of
`NOT_IMPORTED`: those that stand in bundles manifests but that EKS Anywhere's own list of images
leaves out. A field once retired does not come back under its name, and a new field is found
without a change here, so the rule keeps.

Source: aws/eks-anywhere, `release/api/v1alpha1/artifacts.go` (images, charts) and
`artifact_types.go`, as of v0.26.1.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.oci import is_digest
from core.reference import Kind
from core.release.plain_yaml import Plain

PLACEHOLDER = "<placeholder>"
"""What stands in the fields of a provider that a release no longer carries (CloudStack)."""

NUTANIX_KUBE_VIP = "nutanix.kubeVip"
"""Left out upstream because it is normally the same image as vSphere's."""

NOT_IMPORTED = frozenset(
    {
        NUTANIX_KUBE_VIP,
        "packageController.credentialProviderPackage",
        "certManager.ctl",
        "tinkerbell.tinkerbellStack.hegel",
        "tinkerbell.tinkerbellStack.rufio",
        "tinkerbell.tinkerbellStack.tink.tinkController",
        "tinkerbell.tinkerbellStack.tink.tinkServer",
        "tinkerbell.tinkerbellStack.tink.tinkWorker",
        "vSphere.driver",
        "vSphere.syncer",
    }
)
"""Fields with an image that `import images` does not move."""

RETIRED_PROVIDERS = frozenset({"aws"})
"""Providers of early manifests of which no image was ever imported."""

_CHART_FIELDS = frozenset({"helmChart", "tinkerbellChart", "tinkerbellCrds", "stack"})
_REGISTRY_HOST = re.compile(r"localhost|[^/]*[.:][^/]*")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a versions bundle that has a `uri`.

    Attributes:
        path: `tinkerbell.tinkerbellStack.hook.kernel`.
        uri: as written, without spaces around it.
        kind: image or chart; None where it names nothing in a registry (a file, or nothing).
        digest: `imageDigest` where it is one, else empty.
    """

    path: str
    uri: str
    kind: Kind | None
    digest: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether the release has nothing to put here."""
        return self.uri in ("", PLACEHOLDER)

    @property
    def is_imported(self) -> bool:
        """Whether EKS Anywhere itself downloads and imports this field."""
        return self.path not in NOT_IMPORTED and self.path.split(".")[0] not in RETIRED_PROVIDERS


def fields(content: Mapping[str, Plain]) -> Iterator[Field]:
    """Every field that has a `uri`, in the order of the file."""
    waiting: list[tuple[str, Plain]] = [("", dict(content))]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            uri = value.get("uri", "")
            if "uri" in value and isinstance(uri, str | None):
                yield _field(path, (uri or "").strip(), value)
            below = [(f"{path}.{key}" if path else key, item) for key, item in value.items()]
            waiting.extend(reversed(below))
        elif isinstance(value, list):
            waiting.extend((path, item) for item in reversed(value))


def _field(path: str, uri: str, content: Mapping[str, Plain]) -> Field:
    digest = content.get("imageDigest")
    kind = None
    if _names_something_in_a_registry(uri, content):
        kind = Kind.CHART if _is_chart(path, content) else Kind.IMAGE
    return Field(path, uri, kind, digest if isinstance(digest, str) and is_digest(digest) else "")


def _names_something_in_a_registry(uri: str, content: Mapping[str, Plain]) -> bool:
    """Tell a reference from a file: `download artifacts` turns URLs of files into paths."""
    host, slash, path = uri.removeprefix("oci://").partition("/")
    if not slash or "://" in path or not _REGISTRY_HOST.fullmatch(host) or host in (".", ".."):
        return False
    has_tag = ":" in path.rpartition("/")[2] or "@" in path
    return has_tag or "imageDigest" in content


def _is_chart(path: str, content: Mapping[str, Plain]) -> bool:
    """Charts are made for no machine: they alone have a digest but neither `os` nor `arch`."""
    if path.rpartition(".")[2] in _CHART_FIELDS:
        return True
    return "imageDigest" in content and "os" not in content and "arch" not in content
