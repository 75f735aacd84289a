"""From answers to the mirror and the way to it; light, so that commands come up at once."""

from typing import TYPE_CHECKING

from core.errors import Code, UsageError
from core.mirror.endpoint import Mirror, NamespaceMapping
from core.registry.connection import Connection
from core.registry.tls import TlsSettings

if TYPE_CHECKING:
    from core.answers import Answers


def mirror_of(answers: "Answers") -> Mirror:
    """The mirror that the answers name.

    Raises:
        UsageError: none is named.
        MirrorError: `endpoint-invalid`.
    """
    registry = answers.registry
    if not registry.address:
        raise UsageError(
            Code.BAD_USAGE, "No registry was named.", where="--registry",
            cause="The flag is missing, and no answers file gives it.",
            mend="Add -r HOST[:PORT][/NAMESPACE].",
        )  # fmt: skip
    mappings = [NamespaceMapping(one.registry, one.namespace) for one in registry.mappings]
    return Mirror.parse(registry.address, mappings)


def connection_of(answers: "Answers") -> Connection:
    """How the mirror is spoken to.

    Raises:
        UsageError: no registry is named.
        MirrorError: `endpoint-invalid`.
    """
    registry = answers.registry
    return Connection(
        mirror_of(answers).address,
        TlsSettings(registry.ca_file, verify=not registry.insecure),
        plain_http=registry.plain_http,
        trusted_hosts=registry.trusted_hosts,
    )
