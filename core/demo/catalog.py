"""What the sample release is made of: names and tags as in production.

Fields are those of the Bundles manifest; `eks-d: NAME` is a component of the EKS-D manifest.
Source: the manifests that aws/eks-anywhere and aws/eks-distro publish.
"""

from dataclasses import dataclass

from core.errors import Code, UsageError
from core.reference import Reference

RELEASE = "v0.26.0"
BUILD = "eks-a-115"
UPSTREAM = "public.ecr.aws"


@dataclass(frozen=True, slots=True)
class KubeVersion:
    """One Kubernetes version of the release, with the EKS-D release under it."""

    name: str
    patch: str
    eksd_number: int

    @property
    def dashed(self) -> str:
        """`1-33`, as in tags and file names."""
        return self.name.replace(".", "-")

    @property
    def eksd_name(self) -> str:
        """`kubernetes-1-33-eks-30`."""
        return f"kubernetes-{self.dashed}-eks-{self.eksd_number}"

    @property
    def eksd_tag(self) -> str:
        """`eks-1-33-30`, the end of the tags of EKS-D."""
        return f"eks-{self.dashed}-{self.eksd_number}"


KUBE_VERSIONS = (KubeVersion("1.33", "v1.33.13", 30), KubeVersion("1.34", "v1.34.9", 21))


@dataclass(frozen=True, slots=True)
class ReleaseImage:
    """An image of the release.

    Attributes:
        reference: upstream reference.
        fields: where the manifests name it.
        kube_versions: the versions that name it.
        imported: False for what `download images` stores and `import images` leaves out.
    """

    reference: Reference
    fields: tuple[str, ...]
    kube_versions: tuple[KubeVersion, ...] = KUBE_VERSIONS
    imported: bool = True


@dataclass(frozen=True, slots=True)
class ReleaseChart:
    """A helm chart of the release."""

    reference: Reference
    field: str

    @property
    def file_name(self) -> str:
        """As `download images` names it."""
        return f"{self.reference.repository.rpartition('/')[2]}-{self.reference.tag}.tgz"


def _shared(name: str, *fields: str) -> tuple[ReleaseImage, ...]:
    return (ReleaseImage(Reference.parse(f"{UPSTREAM}/{name}"), fields),)


def _built(name: str, version: str, *fields: str) -> tuple[ReleaseImage, ...]:
    return _shared(f"eks-anywhere/{name}:{version}-{BUILD}", *fields)


def _each(name: str, tag: str, field: str) -> tuple[ReleaseImage, ...]:
    """One image for each Kubernetes version; `tag` may name parts of it."""
    return tuple(
        ReleaseImage(
            Reference.parse(f"{UPSTREAM}/{name}:{tag.format(kube=kube)}"),
            (field,),
            (kube,),
        )
        for kube in KUBE_VERSIONS
    )


_KUBE_RBAC_PROXY = (
    "bootstrap.kubeProxy",
    "clusterAPI.kubeProxy",
    "controlPlane.kubeProxy",
    "docker.kubeProxy",
    "etcdadmBootstrap.kubeProxy",
    "etcdadmController.kubeProxy",
    "vSphere.kubeProxy",
)

ALWAYS: tuple[ReleaseImage, ...] = (
    *_built("cli-tools", "v0.26.0", "eksa.cliTools"),
    *_built("eks-anywhere-packages", "v0.4.17", "packageController.packageController"),
    *_built("brancz/kube-rbac-proxy", "v0.20.2", *_KUBE_RBAC_PROXY),
    *_shared("eks/cilium/cilium:v1.19.4-1", "cilium.cilium"),
    *_shared("eks/cilium/operator-generic:v1.19.4-1", "cilium.operator"),
    *_shared("bottlerocket/bottlerocket-admin:v0.21.1", "bottlerocketHostContainers.admin"),
    *_each("eks-distro/kubernetes/pause", "{kube.patch}-{kube.eksd_tag}", "eks-d: kubernetes"),
    ReleaseImage(
        Reference.parse(f"{UPSTREAM}/csi-components/livenessprobe:v2.17.0-eks-1-33-30"),
        ("eks-d: livenessprobe",),
        KUBE_VERSIONS[:1],
        imported=False,
    ),
)
"""The smallest release that has one of everything."""

TOOLS = ALWAYS[0]
"""The image that `download images` saves apart from the others."""

SAME_TOP_LAYER = ("eks/cilium/cilium", "eks/cilium/operator-generic")
"""Two repositories whose images end in the same layer, which `docker save` stores once."""

_MORE: tuple[ReleaseImage, ...] = (
    *_each("eks-distro/coredns/coredns", "v1.12.4-{kube.eksd_tag}", "eks-d: coredns"),
    *_built("kube-vip/kube-vip", "v1.2.0", "vSphere.kubeVip", "tinkerbell.kubeVip"),
    *_built("eks-anywhere-cluster-controller", "v0.26.0", "eksa.clusterController"),
    *_built("cert-manager/cert-manager-controller", "v1.20.2", "certManager.controller"),
    *_built("cert-manager/cert-manager-webhook", "v1.20.2", "certManager.webhook"),
    *_built("cert-manager/cert-manager-cainjector", "v1.20.2", "certManager.cainjector"),
    *_built(
        "kubernetes-sigs/cluster-api/cluster-api-controller", "v1.13.2", "clusterAPI.controller"
    ),
    *_each("eks-distro/etcd-io/etcd", "v3.6.6-{kube.eksd_tag}", "eks-d: etcd"),
    *_built(
        "kubernetes-sigs/cluster-api/kubeadm-bootstrap-controller",
        "v1.13.2",
        "bootstrap.controller",
    ),
    *_built(
        "kubernetes-sigs/cluster-api/kubeadm-control-plane-controller",
        "v1.13.2",
        "controlPlane.controller",
    ),
    *_built("ecr-token-refresher", "v0.4.17", "packageController.tokenRefresher"),
    *_built("eks-anywhere-diagnostic-collector", "v0.26.0", "eksa.diagnosticCollector"),
    *_shared("bottlerocket/bottlerocket-control:v0.21.1", "bottlerocketHostContainers.control"),
    *_built("cert-manager/cert-manager-acmesolver", "v1.20.2", "certManager.acmesolver"),
    *_each(
        "eks-anywhere/aws/upgrader",
        f"v{{kube.dashed}}-{{kube.eksd_number}}-{BUILD}",
        "upgrader.upgrader",
    ),
    *_each(
        "eks-anywhere/bottlerocket-bootstrap",
        f"v{{kube.dashed}}-{{kube.eksd_number}}-{BUILD}",
        "bottlerocketHostContainers.kubeadmBootstrap",
    ),
    *_each(
        "eks-anywhere/kubernetes-sigs/kind/node",
        f"{{kube.patch}}-eks-d-{{kube.dashed}}-{{kube.eksd_number}}-{BUILD}",
        "eksD.kindNode",
    ),
    *_built("aws/etcdadm-bootstrap-provider", "v1.0.22", "etcdadmBootstrap.controller"),
    *_built("aws/etcdadm-controller", "v1.0.28", "etcdadmController.controller"),
    *_built("envoyproxy/envoy", "v1.22.2.0-prod", "tinkerbell.envoy"),
    *_built(
        "tinkerbell/tink/tink-relay-init",
        "v0.12.2",
        "tinkerbell.tinkerbellStack.tink.tinkRelayInit",
    ),
)

CHARTS = (
    ReleaseChart(Reference.parse(f"{UPSTREAM}/eks/cilium/cilium:1.19.4-1"), "cilium.helmChart"),
    ReleaseChart(
        Reference.parse(f"{UPSTREAM}/eks-anywhere/eks-anywhere-packages:0.4.17-{BUILD}"),
        "packageController.helmChart",
    ),
    ReleaseChart(
        Reference.parse(f"{UPSTREAM}/eks-anywhere/tinkerbell/tinkerbell-chart:0.2.7-{BUILD}"),
        "tinkerbell.tinkerbellStack.tinkerbellChart",
    ),
)

MOST_IMAGES = len(ALWAYS) + len(_MORE)


def images(count: int) -> tuple[ReleaseImage, ...]:
    """The first `count` images of the catalog.

    Raises:
        UsageError: fewer than one of everything, or more than there are.
    """
    if not len(ALWAYS) <= count <= MOST_IMAGES:
        raise UsageError(
            Code.BAD_USAGE,
            f"A sample has {len(ALWAYS)} to {MOST_IMAGES} images, not {count}.",
            mend=f"Ask for a number from {len(ALWAYS)} to {MOST_IMAGES}.",
        )
    return (ALWAYS + _MORE)[:count]


def package_bundle(kube: KubeVersion) -> Reference:
    """The package bundle of one Kubernetes version."""
    tag = f"v{kube.dashed}-latest"
    return Reference(UPSTREAM, "eks-anywhere/eks-anywhere-packages-bundles", tag)


def package_bundle_file(kube: KubeVersion) -> str:
    """As `download images` names it."""
    return f"eks-anywhere-packages-bundles-v{kube.dashed}-latest.yaml"
