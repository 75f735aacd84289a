"""Cluster files as people write them."""

from pathlib import Path

CLUSTER = """\
# Site A, management cluster. Owner: platform team.
apiVersion: anywhere.eks.amazonaws.com/v1alpha1
kind: Cluster
metadata:
  name: site-a            # also the name of the kubeconfig
spec:
  kubernetesVersion: "1.33"
  controlPlaneConfiguration:
    count: 3
    endpoint: {host: "10.20.0.5"}   # the virtual IP
    machineGroupRef: &machines
      kind: VSphereMachineConfig
      name: site-a-machines
  workerNodeGroupConfigurations:
    - name: md-0
      machineGroupRef: *machines
  datacenterRef:
    kind: VSphereDatacenterConfig
    name: site-a-dc

---
# Machines
apiVersion: anywhere.eks.amazonaws.com/v1alpha1
kind: VSphereMachineConfig
metadata:
  name: site-a-machines
spec:
  osFamily: ubuntu
"""


def cluster_with(mirror: str, name: str = "one") -> str:
    """A Cluster whose mirror holds the lines of `mirror`."""
    block = "".join(f"    {line}\n" for line in mirror.strip().splitlines())
    return (
        "apiVersion: anywhere.eks.amazonaws.com/v1alpha1\nkind: Cluster\n"
        f"metadata: {{name: {name}}}\nspec:\n  registryMirrorConfiguration:\n{block}"
    )


def write_file(folder: Path, *documents: str) -> Path:
    """A cluster file with these documents."""
    path = folder / "cluster.yaml"
    path.write_text("---\n".join(documents))
    return path
