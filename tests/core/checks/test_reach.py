"""DNS, TCP, TLS: what is said of an address where something, nothing or the wrong thing listens."""

import errno
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.checks import handshake, presented, reach
from core.checks.finding import Finding, State
from core.errors import Code
from tests.core.checks.looking import answers, look
from tests.core.registry.servers import RawServer, wait_for_hangup
from tests.fixtures.zoo import (
    HOST,
    HOST_6,
    Zoo,
    ZooServer,
    only_tls,
    wants_client_certificates,
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (reach, presented):
        monkeypatch.setattr(module, "ANSWER_SECONDS", 0.5)


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name lead to these addresses."""

    def answer(_host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    monkeypatch.setattr("socket.getaddrinfo", answer)


def silent() -> RawServer:
    """A port that takes connections and says nothing."""
    return RawServer(lambda connection, _: wait_for_hangup(connection))


def saying(content: bytes) -> RawServer:
    """A port that says this to everybody and hangs up."""

    def talk(connection: socket.socket, _: int) -> None:
        connection.sendall(content)

    return RawServer(talk)


def closed_port() -> str:
    with socket.create_server((HOST, 0)) as listener:
        return f"{HOST}:{listener.getsockname()[1]}"


def test_a_name_that_dns_knows_passes_with_all_its_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolving(monkeypatch, "10.20.0.14", "10.20.0.15", "10.20.0.14")
    found = look(reach.check_dns, answers("harbor.site-a.example"))
    assert (found.state, found.seen) == (
        State.PASS,
        "harbor.site-a.example is 10.20.0.14, 10.20.0.15",
    )


def test_a_name_that_nobody_knows_fails_with_the_systems_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    found = look(reach.check_dns, answers("no.such.example"))
    assert (found.state, found.seen) == (State.FAIL, "the name is not known here")
    assert found.command == "nslookup no.such.example"
    assert "Name or service not known" in found.details[0]
    assert found.code == Code.REGISTRY_UNREACHABLE


def test_a_name_of_the_hosts_file_is_warned_about(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("10.0.0.1 other\n10.20.0.14 Harbor.site-a.example alias # 10.9.9.9 no\n")
    monkeypatch.setattr(reach, "HOSTS_FILE", hosts)
    resolving(monkeypatch, "10.20.0.14")
    found = look(reach.check_dns, answers("harbor.site-a.example"))
    assert (found.state, found.effect) == (State.WARN, "Nodes do not read this file.")
    assert look(reach.check_dns, answers("no.example")).state is State.PASS


@pytest.mark.parametrize("host", ["localhost", HOST, HOST_6, f"[{HOST_6}]"])
def test_this_machine_itself_is_warned_about(host: str) -> None:
    found = look(reach.check_dns, answers(host))
    assert found.state is State.WARN
    assert "this machine itself" in found.seen


@pytest.mark.parametrize("host", ["10.1.2.3", "fd00::1"])
def test_an_address_needs_no_name(host: str) -> None:
    found = look(reach.check_dns, answers(host))
    assert (found.state, found.seen) == (State.PASS, f"{host} is an address, no name is needed")


def test_without_a_registry_the_first_check_says_so() -> None:
    from core.errors import UsageError

    with pytest.raises(UsageError, match="No registry was named"):
        look(reach.check_dns, answers())


def test_an_open_port_passes_with_its_time() -> None:
    with silent() as server:
        found = look(reach.check_port, answers(server.address))
    assert found.state is State.PASS
    assert found.seen.endswith("ms")


def test_a_closed_port_fails() -> None:
    address = closed_port()
    found = look(reach.check_port, answers(address))
    port = address.partition(":")[2]
    assert (found.state, found.seen) == (State.FAIL, f"nothing listens on port {port}")
    assert found.command == "ss -ltn"


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (TimeoutError(), "no answer on port 443 in 0.5 s"),
        (
            OSError(errno.EHOSTUNREACH, "No route to host"),
            "port 443 cannot be reached: no route to it",
        ),
    ],
)
def test_a_port_that_cannot_be_reached_tells_how(
    monkeypatch: pytest.MonkeyPatch, error: OSError, seen: str
) -> None:
    def refuse(*_: object, **__: object) -> socket.socket:
        raise error

    monkeypatch.setattr("socket.create_connection", refuse)
    found = look(reach.check_port, answers("10.1.2.3"))
    assert (found.state, found.seen) == (State.FAIL, seen)


def test_one_of_two_addresses_that_is_closed_is_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with silent() as server:
        monkeypatch.setattr(reach, "addresses", lambda _: (HOST, "127.0.0.9"))
        host, port = "registry.example", server.address.partition(":")[2]
        found = look(reach.check_port, answers(f"{host}:{port}"))
    assert found.state is State.WARN
    assert found.seen == f"{port} is open at {HOST}, not at 127.0.0.9"


def test_a_proxy_of_the_environment_is_warned_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    with silent() as server:
        monkeypatch.setattr(reach, "addresses", lambda _: (HOST,))
        port = server.address.partition(":")[2]
        found = look(reach.check_port, answers(f"registry.example:{port}"))
    assert found.state is State.WARN
    assert found.mend == "Add registry.example to NO_PROXY."
    assert "http://proxy.example:3128" in found.details[-1]


def test_tls_with_a_private_authority_and_no_ca_file_is_a_warning(zoo: Zoo) -> None:
    with ZooServer(zoo.good()) as server:
        found = look(reach.check_tls, answers(server.address))
    assert (found.state, found.seen) == (
        State.WARN,
        "TLS 1.3, signed by an authority not known here",
    )


def test_tls_with_a_ca_file_passes(zoo: Zoo) -> None:
    specimen = zoo.good()
    with ZooServer(specimen) as server:
        found = look(reach.check_tls, answers(server.address, ca_file=specimen.ca_file))
    assert (found.state, found.seen) == (State.PASS, "TLS 1.3, signed by a private authority")
    assert "2 certificates sent" in found.details[0]


def test_tls_that_the_system_store_knows_passes(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    specimen = zoo.good()
    monkeypatch.setenv("SSL_CERT_FILE", str(specimen.ca_file))
    with ZooServer(specimen) as server:
        found = look(reach.check_tls, answers(server.address))
    assert (found.state, found.seen) == (
        State.PASS,
        "TLS 1.3, signed by an authority that this machine knows",
    )


def test_tls_1_2_is_told(zoo: Zoo) -> None:
    specimen = zoo.good()
    with ZooServer(specimen, adapt=only_tls(ssl.TLSVersion.TLSv1_2)) as server:
        found = look(reach.check_tls, answers(server.address, ca_file=specimen.ca_file))
    assert found.seen.startswith("TLS 1.2, ")


@pytest.mark.parametrize(
    ("version", "name"), [(ssl.TLSVersion.TLSv1_1, "TLS 1.1"), (ssl.TLSVersion.TLSv1, "TLS 1.0")]
)
def test_tls_that_is_too_old_fails_by_its_name(
    zoo: Zoo, version: ssl.TLSVersion, name: str
) -> None:
    with ZooServer(zoo.good(), adapt=only_tls(version)) as server:
        found = look(reach.check_tls, answers(server.address))
    assert (found.state, found.seen) == (State.FAIL, f"it speaks {name} at the most")
    assert found.mend.startswith("Allow TLS 1.2")


def test_plain_http_is_told_from_tls() -> None:
    with ZooServer(None) as server:
        found = look(reach.check_tls, answers(server.address))
    assert (found.state, found.seen) == (State.FAIL, "this port speaks plain HTTP")
    assert "no setting for HTTP" in found.cause


@pytest.mark.parametrize("says", [b"SSH-2.0-OpenSSH_9.2\r\n", b"+OK POP3 ready\r\n"])
def test_another_service_is_told_from_tls(says: bytes) -> None:
    with saying(says) as server:
        found = look(reach.check_tls, answers(server.address))
    assert (found.state, found.seen) == (State.FAIL, "the port speaks neither TLS nor HTTP")
    assert "OpenSSL: " in found.details[0]


def test_a_port_that_says_nothing_is_told() -> None:
    with silent() as server:
        found = look(reach.check_tls, answers(server.address))
    assert (found.state, found.seen) == (
        State.FAIL,
        "the port is open, but says nothing in 0.5 s",
    )


def test_a_connection_that_is_cut_in_the_handshake_is_told() -> None:
    with saying(b"") as server:
        found = look(reach.check_tls, answers(server.address))
    assert found.state is State.FAIL
    assert found.seen in (
        "the port speaks neither TLS nor HTTP",
        "the connection is cut during the handshake: connection reset by peer",
    )


def only_psk(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("PSK-AES128-CBC-SHA")


def mutual_tls_1_2(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    wants_client_certificates(context)


@pytest.mark.parametrize("adapt", [only_psk, mutual_tls_1_2])
def test_a_handshake_that_is_broken_off_is_told(
    zoo: Zoo, adapt: Callable[[ssl.SSLContext], None]
) -> None:
    with ZooServer(zoo.good(), adapt=adapt) as server:
        found = look(reach.check_tls, answers(server.address))
    assert (found.state, found.seen) == (State.FAIL, "the registry breaks off the handshake")
    assert "OpenSSL: " in found.details[0]


def test_a_certificate_with_a_fault_is_left_to_the_checks_of_it(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    specimen = zoo.wrong_san()
    monkeypatch.setenv("SSL_CERT_FILE", str(specimen.ca_file))
    with ZooServer(specimen) as server:
        found = look(reach.check_tls, answers(server.address))
    assert (found.state, found.code) == (State.WARN, Code.TLS_NAME_MISMATCH)


def test_plain_http_that_was_chosen_is_a_warning() -> None:
    with ZooServer(None) as server:
        found = look(reach.check_tls, answers(server.address, plain_http=True))
    assert (found.state, found.seen) == (State.WARN, "plain HTTP, as was chosen")


def test_plain_http_that_was_chosen_where_tls_is_spoken_fails(zoo: Zoo) -> None:
    with ZooServer(zoo.good()) as server:
        found = look(reach.check_tls, answers(server.address, plain_http=True))
    assert (found.state, found.mend) == (State.FAIL, "Leave out --plain-http.")


def test_ipv6_is_reached(zoo: Zoo) -> None:
    specimen = zoo.ipv6()
    with ZooServer(specimen, host=HOST_6) as server:
        given = answers(server.address, ca_file=specimen.ca_file)
        found: list[Finding] = [look(one, given) for one in (reach.check_port, reach.check_tls)]
    assert [one.state for one in found] == [State.PASS, State.PASS]


def test_the_chain_is_told_by_a_python_that_has_it_only_below(zoo: Zoo) -> None:
    """3.11 and 3.12 keep it below, 3.13 and later tell it: both ways give the same bytes."""
    specimen = zoo.good()
    with ZooServer(specimen) as server:
        shown = handshake.look_at(HOST, server.server_port, 5)
    from cryptography.hazmat.primitives.serialization import Encoding

    assert shown.chain == tuple(one.public_bytes(Encoding.DER) for one in specimen.sent)


def test_a_python_that_tells_no_chain_still_tells_the_servers_certificate(zoo: Zoo) -> None:
    class Bare:
        def getpeercert(self, *, binary_form: bool) -> bytes:
            assert binary_form
            return b"der"

    bare: Any = Bare()
    assert handshake._chain(bare, "get_unverified_chain") == ()
    assert handshake._leaf(bare) == (b"der",)


def test_a_python_with_the_public_function_is_asked_by_it() -> None:
    class Later:
        def get_unverified_chain(self) -> list[bytes]:
            return [b"leaf", b"ca"]

    later: Any = Later()
    assert handshake._chain(later, "get_unverified_chain") == (b"leaf", b"ca")
