"""Is there anything at the address: DNS, TCP, TLS."""

import ipaddress
import socket
import time
from pathlib import Path

from core.checks.context import ANSWER_SECONDS, Context
from core.checks.finding import Finding, failed, from_error, passed, warned
from core.checks.handshake import OLD_VERSIONS, speaks_http
from core.checks.presented import presented, trouble_with
from core.checks.words import listed, milliseconds, os_words
from core.errors import Code, RegistryError
from core.registry.proxies import proxy_for
from core.registry.tls import TlsSettings

HOSTS_FILE = Path("/etc/hosts")


def check_dns(context: Context) -> Finding:
    """Does the name lead anywhere; all addresses."""
    host = context.mirror.host
    if _is_address(host):
        if ipaddress.ip_address(host).is_loopback:
            return _this_machine(f"{host} is this machine itself", (host,))
        return passed(f"{host} is an address, no name is needed")
    try:
        found = addresses(context)
    except RegistryError as error:
        return failed(
            "the name is not known here",
            cause="There is no DNS entry for it, and none in /etc/hosts.",
            mend="Ask for a DNS entry that nodes can use too, or enter the IP address.",
            command=f"nslookup {host}",
            details=(error.message,),
            code=error.code,
        )
    return _judged_addresses(host, found)


def check_port(context: Context) -> Finding:
    """Is the port open, at every address."""
    open_at: dict[str, float] = {}
    closed: dict[str, OSError] = {}
    found = addresses(context)
    for address in found:
        context.go_on()
        try:
            open_at[address] = _connect(address, context.port, ANSWER_SECONDS / len(found))
        except OSError as error:
            closed[address] = error
    if not open_at:
        return _closed(context, closed)
    details = [f"{one}: answered in {milliseconds(s)}" for one, s in open_at.items()]
    details += [f"{one}: {os_words(error)}" for one, error in closed.items()]
    if closed:
        return warned(
            f"{context.port} is open at {listed(open_at)}, not at {listed(closed)}",
            effect="Whoever is given the other address by DNS cannot reach the registry.",
            mend="Remove the address from DNS, or let the registry listen there.",
            details=details,
            code=Code.REGISTRY_UNREACHABLE,
        )
    if proxied := _proxy_details(context):
        return warned(
            f"{context.port} is open, but this machine would use a proxy",
            effect="The import goes through it; EKS Anywhere and the nodes connect straight.",
            mend=f"Add {context.mirror.host} to NO_PROXY.",
            details=(*details, *proxied),
        )
    fastest = milliseconds(min(open_at.values()))
    return passed(f"{context.port} is open, answered in {fastest}", details=details)


def check_tls(context: Context) -> Finding:
    """Is it TLS or plain HTTP, which version, and signed by whom."""
    if context.answers.registry.plain_http:
        return _plain_as_wanted(context)
    try:
        seen = presented(context)
    except RegistryError as error:
        return from_error(error)
    version = seen.shown.version
    details = [f"{version}, {seen.shown.cipher}, {len(seen.chain.sent)} certificates sent"]
    if version in OLD_VERSIONS:
        return failed(
            f"it speaks {version} at the most",
            cause="EKS Anywhere and the nodes need TLS 1.2.",
            mend="Allow TLS 1.2 on the registry, or on the proxy before it.",
            details=details,
            code=Code.TLS_FAILED,
        )
    refusal = trouble_with(context, TlsSettings())
    if refusal is None:
        return passed(f"{version}, signed by an authority that this machine knows", details=details)
    return _not_from_the_system(context, version, refusal, details)


def addresses(context: Context) -> tuple[str, ...]:
    """All addresses of the registry's host, in the order in which they are tried.

    Raises:
        RegistryError: `registry-unreachable`.
    """
    return context.once("addresses", lambda: _resolve(context.mirror.host, context.port))


def _resolve(host: str, port: int) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RegistryError(
            Code.REGISTRY_UNREACHABLE,
            f"The name {host} cannot be resolved: {reason}.",
            where=host,
            cause="The name is wrong, or no DNS server knows it.",
            mend="Ask for a DNS entry that nodes can use too, or enter the IP address.",
        ) from None
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))


def _judged_addresses(host: str, found: tuple[str, ...]) -> Finding:
    seen = f"{host} is {listed(found)}"
    if all(ipaddress.ip_address(one.partition("%")[0]).is_loopback for one in found):
        return _this_machine(f"{seen}, this machine itself", found)
    if _in_hosts_file(host):
        return warned(
            f"{seen}, from /etc/hosts",
            effect="Nodes do not read this file.",
            mend="See that DNS knows the name too, before you create a cluster.",
            command=f"nslookup {host}",
            details=found,
        )
    return passed(seen, details=found)


def _this_machine(seen: str, found: tuple[str, ...]) -> Finding:
    return warned(
        seen,
        effect="Nodes cannot reach the registry this way.",
        mend="Use the name or address that nodes will use.",
        details=found,
    )


def _in_hosts_file(host: str) -> bool:
    try:
        lines = HOSTS_FILE.read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    names = (name for line in lines for name in line.partition("#")[0].split()[1:])
    return host.lower() in (name.lower() for name in names)


def _connect(address: str, port: int, seconds: float) -> float:
    """Seconds that a connection took."""
    began = time.monotonic()
    with socket.create_connection((address, port), timeout=seconds):
        return time.monotonic() - began


def _closed(context: Context, closed: dict[str, OSError]) -> Finding:
    port, errors = context.port, list(closed.values())
    details = [f"{one}: {os_words(error)}" for one, error in closed.items()]
    details += _proxy_details(context)
    if all(isinstance(error, ConnectionRefusedError) for error in errors):
        return failed(
            f"nothing listens on port {port}",
            cause="The port is wrong, or the registry is down.",
            mend="On the registry's host, look which ports are open.",
            command="ss -ltn",
            details=details,
            code=Code.REGISTRY_UNREACHABLE,
        )
    if any(isinstance(error, TimeoutError) for error in errors):
        return failed(
            f"no answer on port {port} in {ANSWER_SECONDS:g} s",
            cause="The address is wrong, the host is down, or a firewall drops what is sent to it.",
            mend=f"Have TCP port {port} opened from this machine and from the nodes.",
            details=details,
            code=Code.REGISTRY_UNREACHABLE,
        )
    return failed(
        f"port {port} cannot be reached: {os_words(errors[0])}",
        cause="There is no way in the network from here to there.",
        mend="Look at this machine's network and routes.",
        command=f"ip route get {next(iter(closed))}",
        details=details,
        code=Code.REGISTRY_UNREACHABLE,
    )


def _plain_as_wanted(context: Context) -> Finding:
    if speaks_http(context.mirror.host, context.port, ANSWER_SECONDS):
        return warned(
            "plain HTTP, as was chosen",
            effect="Clusters cannot use it: nodes speak HTTPS only.",
            mend="Give the registry a certificate before you create a cluster.",
        )
    return failed(
        "this port does not speak plain HTTP",
        cause="It speaks TLS, or is no web server.",
        mend="Leave out --plain-http.",
        code=Code.REGISTRY_PROTOCOL,
    )


def _not_from_the_system(
    context: Context, version: str, refusal: RegistryError, details: list[str]
) -> Finding:
    details = [*details, refusal.message]
    ca_file = context.answers.registry.ca_file
    if refusal.code is not Code.TLS_UNTRUSTED:
        return warned(
            f"{version}, but its certificate has a fault",
            cause="The checks of its certificate say which.",
            mend="See below.",
            details=details,
            code=refusal.code,
        )
    if ca_file:
        return passed(f"{version}, signed by a private authority", details=details)
    return warned(
        f"{version}, signed by an authority not known here",
        effect="Without its CA file nobody can trust the registry.",
        mend="Give the CA's certificate: --ca-file, in the wizard step 3.",
        details=details,
        code=refusal.code,
    )


def _proxy_details(context: Context) -> tuple[str, ...]:
    proxy = proxy_for(context.connection.origin)
    return (f"HTTPS_PROXY sends requests through {proxy.url}",) if proxy else ()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
