"""HTTPS_PROXY and NO_PROXY, by the rules that docker and the nodes follow."""

import base64
import socket
from pathlib import Path

import pytest

from core.errors import Code, RegistryError
from core.registry.connection import Connection
from core.registry.proxies import HttpProxy, proxy_for
from core.registry.retry import ONCE
from core.registry.session import Session
from core.registry.tls import TlsSettings
from tests.core.registry.certificates import from_trustme
from tests.core.registry.servers import Answer, RawServer, http_server, read_head

_PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("http://proxy.example:3128", HttpProxy("http://proxy.example:3128")),
        ("proxy.example:3128", HttpProxy("http://proxy.example:3128")),
        ("https://proxy.example", HttpProxy("https://proxy.example")),
        ("http://[fd00::1]:3128/", HttpProxy("http://[fd00::1]:3128")),
        ("http://bob:p%40ss%3A@proxy:1", HttpProxy("http://proxy:1", "bob:p@ss:")),
    ],
)
def test_a_proxy_is_read(named: str, expected: HttpProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", named)
    assert proxy_for("https://registry.example/v2/") == expected


def test_there_is_no_proxy_without_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_for("https://registry.example/") is None
    monkeypatch.setenv("HTTP_PROXY", _PROXY)
    assert proxy_for("https://registry.example/") is None
    assert proxy_for("http://registry.example/") == HttpProxy(_PROXY)


@pytest.mark.parametrize(
    ("host", "exceptions"),
    [
        ("registry.example", "registry.example"),
        ("registry.example:5000", "other, registry.example"),
        ("registry.example", ".example"),
        ("registry.example", "example"),
        ("registry.example", "*"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3:5000", "192.168.0.0/16,10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3/8"),
        ("[fd00::5]:5000", "fd00::/8"),
        ("[fd00::5]", "fd00::5"),
        ("[fd00::5]", "[fd00::5]"),
    ],
)
def test_no_proxy_is_obeyed(host: str, exceptions: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", _PROXY)
    monkeypatch.setenv("NO_PROXY", exceptions)
    assert proxy_for(f"https://{host}/v2/") is None


@pytest.mark.parametrize(
    ("host", "exceptions"),
    [
        ("registry.example", "other.example"),
        ("registry.example", "10.0.0.0/8, rubbish/99, ,"),
        ("11.1.2.3", "10.0.0.0/8"),
        ("10.1.2.3", "fd00::/8"),
    ],
)
def test_other_hosts_go_through_the_proxy(
    host: str, exceptions: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", _PROXY)
    monkeypatch.setenv("NO_PROXY", exceptions)
    assert proxy_for(f"https://{host}/v2/") is not None


@pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1", "127.8.9.10:5000", "[::1]:5000"])
def test_this_machine_is_never_asked_through_a_proxy(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", _PROXY)
    assert proxy_for(f"https://{host}/v2/") is None


@pytest.mark.parametrize(
    "named", ["socks5://proxy:1080", "http://", "http://[::1", "http://proxy:99999", "ftp://x:1"]
)
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", named.replace("proxy", "bob:secret@proxy"))
    with pytest.raises(RegistryError) as raised:
        proxy_for("https://registry.example/")
    assert raised.value.where == "HTTPS_PROXY"
    assert not raised.value.temporary
    assert "secret" not in str(raised.value) + raised.value.mend + raised.value.cause


def test_a_login_of_a_proxy_is_in_no_repr() -> None:
    assert "secret" not in repr(HttpProxy("http://proxy", "bob:secret"))


# Real connections


def test_tls_goes_through_the_proxy_with_its_login(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown = from_trustme(tmp_path, "registry.example")
    heads: list[bytes] = []

    def talk(connection: socket.socket, _: int) -> None:
        heads.append(read_head(connection))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with shown.context.wrap_socket(connection, server_side=True) as registry:
            heads.append(read_head(registry))
            registry.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with RawServer(talk) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://bob:p%40ss@{proxy.address}")
        connection = Connection("registry.example", TlsSettings(shown.ca_file))
        with Session(connection, policy=ONCE) as session:
            assert session.ping().status == 200
    login = base64.b64encode(b"bob:p@ss")
    assert heads[0].startswith(b"CONNECT registry.example:443 ")
    assert b"Basic " + login in heads[0]
    assert login not in heads[1]


def test_plain_http_goes_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_server(lambda _: Answer()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        connection = Connection("registry.example:5000", plain_http=True)
        with Session(connection, policy=ONCE) as session:
            assert session.ping().status == 200
        assert proxy.asked[0].target == "http://registry.example:5000/v2/"


@pytest.mark.parametrize("answer", [b"HTTP/1.1 403 Forbidden\r\n\r\n", b""])
def test_a_proxy_that_refuses_is_told_with_no_proxy_as_the_way_out(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def talk(connection: socket.socket, _: int) -> None:
        read_head(connection)
        connection.sendall(answer)

    with RawServer(talk) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        with (
            Session(Connection("registry.example"), policy=ONCE) as session,
            pytest.raises(RegistryError) as raised,
        ):
            session.ping()
    assert raised.value.code is Code.REGISTRY_UNREACHABLE
    assert "NO_PROXY" in raised.value.mend


def test_a_proxy_that_is_down_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    with (
        Session(Connection("registry.example"), policy=ONCE) as session,
        pytest.raises(RegistryError) as raised,
    ):
        session.ping()
    assert "proxy" in raised.value.message
    assert "NO_PROXY" in raised.value.mend
