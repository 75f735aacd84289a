"""`registryMirrorConfiguration` of a cluster, with the defaults that EKS Anywhere fills in.

Source: aws/eks-anywhere `pkg/api/v1alpha1/cluster_types.go` and `cluster_defaults.go`, v0.26.1.
"""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import Code, MirrorError
from core.mirror.endpoint import Mirror, NamespaceMapping, packages_namespace
from core.mirror.upstreams import PACKAGES_REGISTRY, PACKAGES_REGISTRY_DEV, PUBLIC_ECR

CA_VARIABLE = "EKSA_REGISTRY_MIRROR_CA"
"""Environment variable with the path of the CA file, used where `caCertContent` is empty."""

DEFAULT_PORT = "443"


@dataclass(frozen=True, slots=True)
class RegistryMirrorConfiguration:
    """The block as it is written, right or wrong; `core.mirror.rules` judges it.

    Attributes:
        endpoint: host name or address; IPv6 without brackets, as EKS Anywhere adds them.
        port: text; empty means 443.
        oci_namespaces: may hold anything; of two for one registry EKS Anywhere uses the last.
        ca_cert_content: PEM, empty for a certificate that is publicly trusted.
        authenticate: whether the registry wants a login.
        insecure_skip_verify: whether certificates are not checked.
    """

    endpoint: str = ""
    port: str = ""
    oci_namespaces: tuple[NamespaceMapping, ...] = ()
    ca_cert_content: str = ""
    authenticate: bool = False
    insecure_skip_verify: bool = False

    @classmethod
    def from_mirror(
        cls,
        mirror: Mirror,
        *,
        packages_registry: str = PACKAGES_REGISTRY,
        ca_cert_content: str = "",
        authenticate: bool = False,
        insecure_skip_verify: bool = False,
    ) -> "RegistryMirrorConfiguration":
        """What a cluster needs to pull from `mirror`.

        Args:
            mirror: its mappings become `ociNamespaces`, without that of development builds.
            packages_registry: where curated packages come from: the default or a regional account;
                empty where no packages are used.
            ca_cert_content: PEM of the CA that signed the registry's certificate.
            authenticate: whether the registry wants a login.
            insecure_skip_verify: whether certificates are not checked.
        """
        chosen = {one.registry: one.namespace for one in mirror.mappings}
        chosen.pop(PACKAGES_REGISTRY_DEV, None)
        if packages_registry != PACKAGES_REGISTRY:
            chosen.pop(PACKAGES_REGISTRY, None)
        if packages_registry:
            core = chosen.get(PUBLIC_ECR, mirror.namespace)
            chosen.setdefault(packages_registry, packages_namespace(core))
        return cls(
            endpoint=mirror.host,
            port=DEFAULT_PORT if mirror.port is None else str(mirror.port),
            oci_namespaces=tuple(NamespaceMapping(*entry) for entry in chosen.items()),
            ca_cert_content=ca_cert_content,
            authenticate=authenticate,
            insecure_skip_verify=insecure_skip_verify,
        )

    @property
    def base(self) -> str:
        """Host and port as Go's `net.JoinHostPort` puts them together."""
        host = f"[{self.endpoint}]" if ":" in self.endpoint else self.endpoint
        return f"{host}:{self.port or DEFAULT_PORT}"

    def mirrors(self) -> dict[str, str]:
        """Upstream registry to its place in the mirror, `10.0.0.5:8443/eks-a`.

        Without `ociNamespaces` this is `public.ecr.aws` alone, at the root.
        Source: `pkg/registrymirror/registrymirror.go`.
        """
        places = {one.registry: _go_join(self.base, one.namespace) for one in self.oci_namespaces}
        return places or {PUBLIC_ECR: self.base}

    def with_defaults(self, environment: Mapping[str, str]) -> "RegistryMirrorConfiguration":
        """The same with port and CA filled in as EKS Anywhere does.

        Args:
            environment: where `EKSA_REGISTRY_MIRROR_CA` may stand.

        Raises:
            MirrorError: `ca-file-invalid` where the file that it names cannot be read.
        """
        content = self.ca_cert_content
        path = environment.get(CA_VARIABLE, "")
        if not content and path:
            content = _read_text(Path(path))
        return replace(self, port=self.port or DEFAULT_PORT, ca_cert_content=content)


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise MirrorError(
            Code.CA_FILE_INVALID,
            f"The file that {CA_VARIABLE} names cannot be read: {why}.",
            where=str(path),
            cause=f"EKS Anywhere will stop with “reading the cert file {path}: …”.",
            mend=f"Set {CA_VARIABLE} to the full path of the CA's certificate, or unset it.",
        ) from None


def _go_join(base: str, namespace: str) -> str:
    """Go's `path.Join` of two elements, with all it does to `..` and to double slashes."""
    joined = posixpath.normpath("/".join(part for part in (base, namespace) if part))
    return "/" + joined.lstrip("/") if joined.startswith("//") else joined
