"""What becomes of a reference: in the commands of EKS Anywhere, and on a node.

Both follow upstream to the letter, bad configurations included, so that the checks ask the registry
for exactly what clusters will ask for.

Source: aws/eks-anywhere `pkg/registrymirror/registrymirror.go` and `containerd/utils.go`, v0.26.1.
"""

import re

from core.errors import Code, MirrorError
from core.mirror.configuration import RegistryMirrorConfiguration
from core.reference import Reference

_AUTHORITY_END = re.compile(r"[/?#]")
_AUTHORITY = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}")
_DOCKER_HUB = "docker.io"
_DOCKER_HUB_API = "registry-1.docker.io"


def cli_rewrite(configuration: RegistryMirrorConfiguration | None, url: str) -> str:
    """The URL or reference that the EKS Anywhere CLI uses in place of `url`.

    A registry that is mapped is replaced where it stands first; anything else stays as it is. Only
    the exact name counts: no wildcard, no other region.

    Args:
        configuration: None where the cluster has no mirror.
        url: `oci://host/path`, `https://host/path`, `host/path:tag` or `host/path@digest`.
    """
    if configuration is None:
        return url
    rest = url.partition("://")[2] if "://" in url else url
    registry = _AUTHORITY_END.split(rest, maxsplit=1)[0]
    place = configuration.mirrors().get(registry) if registry else None
    return url if place is None else url.replace(registry, place, 1)


def api_endpoint(place: str) -> str:
    """`host:port/v2/namespace` for `host:port/namespace`: what containerd is told."""
    authority, slash, namespace = place.partition("/")
    return f"{authority}/v2{slash}{namespace}" if authority else "v2"


def node_url(configuration: RegistryMirrorConfiguration | None, reference: Reference) -> str:
    """The URL that a node asks first for the manifest of `reference`.

    A node whose mirror has no answer goes on to the upstream registry, so a missing image shows in
    an air gap as a timeout there.

    Args:
        configuration: None where the cluster has no mirror.
        reference: an upstream reference, as in the pods of the cluster.

    Raises:
        MirrorError: `endpoint-invalid` where the configuration gives no URL at all.
    """
    target = reference.target
    place = None if configuration is None else configuration.mirrors().get(reference.registry)
    if place is None:
        host = _DOCKER_HUB_API if reference.registry == _DOCKER_HUB else reference.registry
        return f"https://{host}/v2/{reference.repository}/manifests/{target}"
    if not _AUTHORITY.fullmatch(place.partition("/")[0]):
        raise MirrorError(
            Code.ENDPOINT_INVALID,
            f"Nodes can make no URL of “{place}”, which they are told for {reference.registry}.",
            where="registryMirrorConfiguration.endpoint",
            mend="Give endpoint the bare host name or address.",
        )
    return f"https://{api_endpoint(place)}/{reference.repository}/manifests/{target}"
