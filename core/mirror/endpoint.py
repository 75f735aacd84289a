"""The mirror: its address, and which namespace in it stands for which upstream registry."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.errors import Code, MirrorError
from core.hosts import is_host, is_ipv6, is_misread
from core.mirror.upstreams import PACKAGES_REGISTRY, PACKAGES_REGISTRY_DEV, PUBLIC_ECR

HTTPS_PORT = 443

_MAX_LENGTH = 512
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/{1,2}")
_PART = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_PORT = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class NamespaceMapping:
    """An entry of `ociNamespaces`: images of `registry` lie below `namespace` in the mirror.

    Attributes:
        registry: upstream host, with a port where it has one.
        namespace: path in the mirror; empty for its root.
    """

    registry: str
    namespace: str

    @classmethod
    def parse(cls, text: str) -> "NamespaceMapping":
        """Read `UPSTREAM=NAMESPACE`, the form of `--map`.

        Raises:
            MirrorError: `endpoint-invalid`.
        """
        registry, equals, namespace = text.partition("=")
        if not equals:
            raise _invalid(text, "a mapping has the form UPSTREAM=NAMESPACE", where="--map")
        return cls(registry, namespace).checked()

    def checked(self) -> "NamespaceMapping":
        """The same with a clean namespace.

        Raises:
            MirrorError: `endpoint-invalid`, where the registry is no host or the namespace no path.
        """
        _parse_authority(self.registry, self.registry)
        return replace(self, namespace=clean_namespace(self.namespace))


@dataclass(frozen=True, slots=True)
class Mirror:
    """The private registry that clusters pull from.

    Attributes:
        host: name or address as typed; IPv6 without brackets.
        port: as typed, or None.
        namespace: path below which everything lies; empty for the registry's root.
        mappings: upstream registries and their namespaces, `namespace` included in each. Of two
            mappings for one registry the last one counts, as for EKS Anywhere.
    """

    host: str
    port: int | None = None
    namespace: str = ""
    mappings: tuple[NamespaceMapping, ...] = ()

    @classmethod
    def parse(cls, text: str, mappings: Sequence[NamespaceMapping] = ()) -> "Mirror":
        """Read `HOST[:PORT][/NAMESPACE]`, with the default mappings and then these.

        IPv6 may stand without brackets where no port follows. Empty parts of the namespace are
        dropped, so a slash at the end does no harm.

        Raises:
            MirrorError: `endpoint-invalid`, with the corrected value where it is plain.
        """
        _refuse_decorations(text)
        authority, _, path = text.partition("/")
        host, port = _parse_authority(authority, text)
        namespace = clean_namespace(path, text)
        checked = tuple(mapping.checked() for mapping in mappings)
        return cls(host, port, namespace, default_mappings(namespace) + checked)

    @property
    def address(self) -> str:
        """Host and port as typed, as references in the mirror begin; IPv6 in brackets."""
        return self._bracketed if self.port is None else f"{self._bracketed}:{self.port}"

    @property
    def address_with_port(self) -> str:
        """Host and port, 443 where none was typed: the form that EKS Anywhere always uses."""
        return f"{self._bracketed}:{self.port or HTTPS_PORT}"

    def same_registry(self, other: "Mirror") -> bool:
        """Whether both are one registry: `host` is `host:443`, and case does not matter."""
        mine, theirs = self.address_with_port, other.address_with_port
        return mine.lower() == theirs.lower()

    def namespace_for(self, registry: str) -> str | None:
        """The namespace of an upstream registry, None where it has none."""
        found = None
        for mapping in self.mappings:
            if mapping.registry == registry:
                found = mapping.namespace
        return found

    def __str__(self) -> str:
        return f"{self.address}/{self.namespace}" if self.namespace else self.address

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def default_mappings(namespace: str) -> tuple[NamespaceMapping, ...]:
    """Where `eksctl anywhere import images` puts what it imports to `HOST/namespace`.

    Source: aws/eks-anywhere `cmd/eksctl-anywhere/cmd/import_images.go` and `pkg/docker`, v0.26.1.
    """
    return (
        NamespaceMapping(PUBLIC_ECR, namespace),
        NamespaceMapping(PACKAGES_REGISTRY, packages_namespace(namespace)),
        NamespaceMapping(PACKAGES_REGISTRY_DEV, _join(namespace, "x3k6m8v0")),
    )


def packages_namespace(namespace: str) -> str:
    """Where curated packages belong when all else lies below `namespace`."""
    return _join(namespace, "eks-anywhere")


def clean_namespace(text: str, whole: str = "") -> str:
    """The namespace without empty parts, as EKS Anywhere cleans it (Go's `path.Join`).

    Args:
        text: the namespace.
        whole: what was typed, for the message; `text` where empty.

    Raises:
        MirrorError: `endpoint-invalid`; other than upstream, `..` is refused instead of resolved.
    """
    parts = [part for part in text.split("/") if part not in ("", ".")]
    for part in parts:
        if part == "..":
            raise _invalid(whole or text, "a namespace cannot go up with “..”")
        if _PART.fullmatch(part):
            continue
        if _PART.fullmatch(part.lower()):
            mend = f"Write {_lower_namespace(whole or text, text)}"
            raise _invalid(
                whole or text, f"“{part}” has capital letters; namespaces are lower case", mend=mend
            )
        raise _invalid(
            whole or text,
            f"“{part}” is no part of a namespace: only a-z, 0-9 and single . _ - between them",
        )
    return "/".join(parts)


def _parse_authority(authority: str, whole: str) -> tuple[str, int | None]:
    """Host (IPv6 without brackets) and port."""
    if authority.startswith("["):
        host, bracket, rest = authority[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or not is_ipv6(host):
            raise _invalid(whole, "“[” must enclose an IPv6 address: [fd00::1]:5000")
        return host, _parse_port(rest[1:], whole) if rest else None
    if authority.count(":") > 1:
        if is_ipv6(authority):
            return authority, None
        raise _invalid(whole, "an IPv6 address with a port needs brackets: [fd00::1]:5000")
    host, colon, port = authority.partition(":")
    if not host:
        raise _invalid(whole, "the host is missing")
    if is_misread(host):
        raise _invalid(whole, f"“{host}” is neither a name nor four numbers below 256")
    if not is_host(host):
        raise _invalid(whole, f"“{host}” is not the name or address of a host")
    return host, _parse_port(port, whole) if colon else None


def _parse_port(text: str, whole: str) -> int:
    if not _PORT.fullmatch(text) or not 1 <= int(text) <= 65535:
        raise _invalid(whole, f"“{text}” is not a port (1 to 65535)")
    return int(text)


def _refuse_decorations(text: str) -> None:
    """Refuse what people paste along with an address, and show the address alone."""
    if len(text) > _MAX_LENGTH:
        raise _invalid(text[:40] + "…", f"it is longer than {_MAX_LENGTH} letters")
    if "@" in text:
        # The text is not repeated: there may be a password in it.
        raise MirrorError(
            Code.ENDPOINT_INVALID,
            "The registry's address holds an “@”: no user name or password belongs into it.",
            mend="Give the address alone; credentials go into REGISTRY_USERNAME and "
            "REGISTRY_PASSWORD.",
        )
    if text != text.strip():
        raise _invalid(text, "there are spaces around it", mend=f"Write {text.strip()}")
    if not text.isprintable() or " " in text:
        raise _invalid(text, "there is a space or control character in it")
    scheme = _SCHEME.match(text)
    if scheme:
        rest = text[scheme.end() :].rstrip("/")
        raise _invalid(text, f"it begins with “{scheme[0]}”", mend=f"Write {rest}")


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)


def _lower_namespace(whole: str, namespace: str) -> str:
    return whole.removesuffix(namespace) + namespace.lower()


def _invalid(text: str, why: str, *, mend: str = "", where: str = "") -> MirrorError:
    return MirrorError(
        Code.ENDPOINT_INVALID, f"“{text}” cannot be used: {why}.", mend=mend, where=where
    )
