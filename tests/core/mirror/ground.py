"""A folder with a cluster file, and outputs planned for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.answers import Answers
from core.mirror.cluster_file import ClusterFile
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.endpoint import NamespaceMapping
from core.mirror.outputs import Login, PlannedFile, plan_outputs

WANTED = RegistryMirrorConfiguration(
    endpoint="harbor.local", port="443", oci_namespaces=(NamespaceMapping("public.ecr.aws", "a"),)
)
OTHER = RegistryMirrorConfiguration(endpoint="other.local", port="443")
CLUSTER = """\
# Site A
apiVersion: anywhere.eks.amazonaws.com/v1alpha1
kind: Cluster   # the one
metadata: {name: mgmt}
spec:
  kubernetesVersion: "1.33"   # keep
---
kind: Secret
"""


class Ground:
    """Three outputs in a folder, and answers that name them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fragment = folder / "fragment.yaml"
        self.cluster = folder / "cluster.yaml"
        self.environment = folder / "eks.env"
        self.cluster.write_text(CLUSTER)

    def plan(
        self,
        configuration: RegistryMirrorConfiguration = WANTED,
        login: Login | None = None,
        sections: Mapping[str, Any] | None = None,
    ) -> tuple[PlannedFile, ...]:
        chosen = sections or {
            "output": {"fragment": self.fragment, "environment": self.environment},
            "cluster": {"file": self.cluster},
        }
        answers = Answers.model_validate(chosen)
        file = answers.cluster.file
        cluster = ClusterFile.read(file) if file else None
        return plan_outputs(answers, configuration, cluster=cluster, login=login)

    def content(self) -> dict[str, bytes]:
        """Every file, to be compared."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir() if path.is_file()}
