"""What a release of EKS Anywhere requires."""

from dataclasses import dataclass

from core.reference import Artifact


@dataclass(frozen=True, slots=True)
class RequiredArtifact:
    """One artifact that clusters of this release will ask for.

    Attributes:
        artifact: kind and upstream reference.
        kube_versions: the Kubernetes versions (`1.33`) that need it, ascending.
        fields: where the manifests name it (`eksa.cliTools`, `eks-d: coredns`), for messages.
        digest: the digest that upstream published, where the manifest tells one; of the multi-arch
            index, so it equals what is pushed only for archives that kept it.
    """

    artifact: Artifact
    kube_versions: tuple[str, ...]
    fields: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Requirements:
    """All that one bundles manifest requires, after the filter by Kubernetes version.

    Attributes:
        artifacts: images, then charts, then package bundles; each distinct one once, sorted.
        kube_versions: the versions that were chosen, ascending.
        known_kube_versions: all that the manifest carries, ascending.
        release: `v0.26.0` where the manifest tells it, else empty.
        warnings: what was left out or could not be read, in sentences for the operator.
    """

    artifacts: tuple[RequiredArtifact, ...]
    kube_versions: tuple[str, ...]
    known_kube_versions: tuple[str, ...]
    release: str = ""
    warnings: tuple[str, ...] = ()
