"""What is known of the cluster and of the release that a mirror is for."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from core.answers import OsFamily, Provider

__all__ = ["ClusterFacts", "OsFamily", "Provider", "Version"]


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What matters of a cluster for its mirror.

    Attributes:
        provider: None where it is not known.
        os_families: of all its machines; empty where it is not known.
        external_etcd: whether etcd runs on machines of its own.
        kube_version: `1.33`, empty where it is not known.
    """

    provider: Provider | None = None
    os_families: frozenset[OsFamily] = frozenset()
    external_etcd: bool = False
    kube_version: str = ""

    @property
    def bottlerocket(self) -> bool:
        """Whether any machine runs Bottlerocket."""
        return OsFamily.BOTTLEROCKET in self.os_families

    @property
    def only_bottlerocket(self) -> bool:
        """Whether all machines run Bottlerocket, as far as is known."""
        return self.os_families == {OsFamily.BOTTLEROCKET}


class Version(NamedTuple):
    """A version of EKS Anywhere or Kubernetes, for comparisons."""

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> "Version | None":
        """Read `v0.26.0`, `v0.26.0-eks-a-115` or `1.33`.

        None for anything else, and for 0.0.0, which development builds call themselves.
        """
        found = _VERSION.match(text)
        if not found:
            return None
        version = cls(*(int(part or 0) for part in found.groups()))
        return version if any(version) else None


_VERSION = re.compile(r"v?([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,4}))?(?![0-9.])")
