"""Which HTTP proxy the environment names for a request.

The rules are those of docker and the cluster's nodes (Go, golang.org/x/net/http/httpproxy), so that
one NO_PROXY serves all: unlike Python's, they know address blocks and never proxy this machine.
"""

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from core.errors import Code, RegistryError

_SCHEMES = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class HttpProxy:
    """A proxy.

    Attributes:
        url: scheme, host and port.
        login: `user:password`, or empty.
    """

    url: str
    login: str = field(default="", repr=False)


def proxy_for(url: str) -> HttpProxy | None:
    """The proxy that the environment names for `url` (HTTPS_PROXY, NO_PROXY), or none.

    Raises:
        RegistryError: it names one that cannot be used.
    """
    parts = urlsplit(url)
    proxies = getproxies()
    named = proxies.get(parts.scheme, "")
    host = parts.hostname or ""
    if not named or _is_here(host) or _is_in_block(host, proxies.get("no", "")):
        return None
    if proxy_bypass(parts.netloc):
        return None
    return _read(named if "://" in named else f"http://{named}", parts.scheme)


def _read(named: str, scheme: str) -> HttpProxy:
    variable = f"{scheme.upper()}_PROXY"
    try:
        parts = urlsplit(named)
        port = parts.port
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), None
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise RegistryError(
            Code.REGISTRY_UNREACHABLE,
            f"{variable} names a proxy that cannot be used.",
            where=variable,
            cause="Only http://HOST:PORT and https://HOST:PORT are understood.",
            mend=f"Correct {variable}, or add the registry's host to NO_PROXY.",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
    return HttpProxy(f"{parts.scheme}://{host}" + (f":{port}" if port else ""), login)


def _is_here(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _is_in_block(host: str, exceptions: str) -> bool:
    address = _address(host)
    if address is None:
        return False
    for entry in exceptions.split(","):
        try:
            block = ipaddress.ip_network(entry.strip().strip("[]"), strict=False)
        except ValueError:
            continue
        if address in block:
            return True
    return False


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
