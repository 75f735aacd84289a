"""Small manifests in the shape of the real ones, made by code."""

from typing import Any

import yaml

DIGEST = "sha256:" + "0123456789abcdef" * 4
CLI_TOOLS = "public.ecr.aws/eks-anywhere/cli-tools:v0.26.0-eks-a-115"
CONTROLLER = "public.ecr.aws/eks-anywhere/eks-anywhere-packages:v0.4.17-eks-a-115"


def image(uri: str, digest: str = DIGEST) -> dict[str, Any]:
    return {
        "name": "some-image",
        "os": "linux",
        "arch": ["amd64", "arm64"],
        "description": "Container image",
        "imageDigest": digest,
        "uri": uri,
    }


def chart(uri: str) -> dict[str, Any]:
    return {"name": "c", "description": "Helm chart", "imageDigest": DIGEST, "uri": uri}


def versions_bundle(version: str, **more: Any) -> dict[str, Any]:
    dashed = version.replace(".", "-")
    base: dict[str, Any] = {
        "kubeVersion": version,
        "eksa": {"cliTools": image(CLI_TOOLS), "components": {"uri": "https://b/eksa.yaml"}},
        "packageController": {
            "packageController": image(CONTROLLER),
            "helmChart": chart("public.ecr.aws/eks-anywhere/eks-anywhere-packages:0.4.17"),
            "credentialProviderPackage": image("public.ecr.aws/eks-anywhere/credential:v0.4.17"),
        },
        "eksD": {
            "manifestUrl": f"eks-anywhere-downloads/{version}/eks-distro/{eksd_file(version)}",
            "kindNode": image(f"public.ecr.aws/eks-anywhere/kind/node:v{dashed}"),
        },
    }
    return base | more


def eksd_file(version: str) -> str:
    return f"kubernetes-{version.replace('.', '-')}-eks-30.yaml"


def bundles(*entries: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "anywhere.eks.amazonaws.com/v1alpha1",
        "kind": "Bundles",
        "metadata": {"name": "bundles-115"},
        "spec": {"number": 115, "versionsBundles": list(entries)},
    }


def eksd(version: str, *uris: str) -> dict[str, Any]:
    binary = {"name": "tar.gz", "archive": {"uri": "https://distro/x.tar.gz", "sha256": "0"}}
    components = [
        {"name": uri.rpartition("/")[2].partition(":")[0], "assets": [{"image": {"uri": uri}}]}
        for uri in uris
    ]
    return {
        "apiVersion": "distro.eks.amazonaws.com/v1alpha1",
        "kind": "Release",
        "spec": {"channel": version.replace(".", "-"), "number": 30},
        "status": {"components": [*components, {"name": "only-binaries", "assets": [binary]}]},
    }


def as_yaml(*documents: object) -> bytes:
    return yaml.safe_dump_all(documents, explicit_start=len(documents) > 1).encode()
