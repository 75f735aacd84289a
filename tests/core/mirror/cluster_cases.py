"""Cluster files that a mirror is put into, and what is asked of each merge."""

import pytest
import yaml

from core.errors import MirrorError
from core.mirror.cluster_file import ClusterFile
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.endpoint import NamespaceMapping
from core.mirror.fragment import block_lines

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----\n"
WANTED = RegistryMirrorConfiguration(
    endpoint="harbor.local",
    port="8443",
    oci_namespaces=(NamespaceMapping("public.ecr.aws", "eks-a"), NamespaceMapping("docker.io", "")),
    ca_cert_content=PEM,
    authenticate=True,
)
BLOCK = "\n".join(block_lines(WANTED, 2)) + "\n"

HEAD = """\
# Cluster of site A
apiVersion: anywhere.eks.amazonaws.com/v1alpha1
kind: Cluster   # the one
metadata:
  name: mgmt
"""
SPEC = """\
spec:
  kubernetesVersion: "1.33"   # keep
  datacenterRef:
      kind: VSphereDatacenterConfig
      name: 'dc'
"""
OTHER = """\
---
apiVersion: anywhere.eks.amazonaws.com/v1alpha1
kind: VSphereMachineConfig
metadata: {name: m1}
spec:
  osFamily: ubuntu
"""


def merge(text: str, wanted: RegistryMirrorConfiguration = WANTED, *names: str) -> str:
    """Merge, and see that doing it again changes nothing."""
    once = ClusterFile.load(text.encode(), "c.yaml").merged(wanted, names)
    again = ClusterFile.load(once, "c.yaml")
    assert again.merged(wanted, names) == once
    return once.decode()


def data(text: str) -> list[object]:
    return [one for one in yaml.safe_load_all(text) if one is not None]


def refused(text: str, wanted: RegistryMirrorConfiguration = WANTED) -> MirrorError:
    with pytest.raises(MirrorError) as caught:
        ClusterFile.load(text.encode(), "c.yaml").merged(wanted)
    return caught.value
