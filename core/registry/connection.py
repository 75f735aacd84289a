"""Where a registry is and how it is spoken to."""

from dataclasses import dataclass, field

from core.registry.tls import TlsSettings


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a registry is and how it is spoken to.

    Attributes:
        address: `host[:port]`, IPv6 in brackets.
        tls: how its certificate is judged.
        plain_http: no TLS at all, because the operator said so.
        trusted_hosts: hosts beside its own that may be shown the login.
    """

    address: str
    tls: TlsSettings = field(default_factory=TlsSettings)
    plain_http: bool = False
    trusted_hosts: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """`https://host[:port]`."""
        return f"{'http' if self.plain_http else 'https'}://{self.address}"
