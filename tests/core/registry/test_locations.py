"""Where a Location leads, and where the login may go."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import Code, RegistryError
from core.registry.connection import Connection
from core.registry.credentials import Credentials
from core.registry.session import Session
from core.registry.transport import Body
from core.registry.urls import split_url
from tests.core.registry.servers import Answer, Asked, http_server, plain_session


def _session(address: str, *, plain_http: bool = False) -> Session:
    return Session(Connection(address, plain_http=plain_http))


_ASKED = "/v2/a/blobs/uploads/"


@pytest.mark.parametrize(
    ("address", "location", "leads_to"),
    [
        ("r.example", "/v2/a/u/1?_state=x%3D%3D", "https://r.example/v2/a/u/1?_state=x%3D%3D"),
        ("r.example:5000", "1?s=a&b=c", "https://r.example:5000/v2/a/blobs/uploads/1?s=a&b=c"),
        ("r.example", "https://r.example/u?_state=a+b/c", "https://r.example/u?_state=a+b/c"),
        ("r.example:443", "https://r.example/u", "https://r.example:443/u"),
        ("r.example", "https://r.example:443/u", "https://r.example/u"),
        ("r.example", "https://R.Example/u", "https://r.example/u"),
        ("r.example", "  /u \t", "https://r.example/u"),
        ("r.example", "/u#part", "https://r.example/u"),
        ("r.example", "//r.example/u", "https://r.example/u"),
        ("r.example", "http://r.example/u", "https://r.example/u"),
        ("r.example:443", "http://r.example/u?q", "https://r.example:443/u?q"),
        ("r.example:8443", "http://r.example:8443/u", "https://r.example:8443/u"),
        ("r.example", "https://store.example/b?sig=1", "https://store.example/b?sig=1"),
        ("r.example", "https://r.example:8443/u", "https://r.example:8443/u"),
        ("r.example", "https://user:secret@r.example/u", "https://r.example/u"),
        ("[::1]:5000", "/u", "https://[::1]:5000/u"),
        ("[fd00::1]", "https://[fd00::1]:443/u", "https://[fd00::1]/u"),
        ("[fd00::1]:443", "http://[FD00::1]/u", "https://[fd00::1]:443/u"),
    ],
)
def test_a_location_is_resolved(address: str, location: str, leads_to: str) -> None:
    session = _session(address)
    assert session.resolve(session.absolute(_ASKED), location) == leads_to


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("http://r.example:5000/u", "http://r.example:5000/u"),
        ("https://r.example:5000/u", "http://r.example:5000/u"),
        ("https://r.example/u", "https://r.example/u"),
        ("http://store.example/u", "http://store.example/u"),
    ],
)
def test_a_registry_without_tls_stays_without(location: str, leads_to: str) -> None:
    session = _session("r.example:5000", plain_http=True)
    assert session.resolve(session.absolute(_ASKED), location) == leads_to


def test_a_registry_on_port_80_that_moves_to_https_is_another_host() -> None:
    session = _session("r.example", plain_http=True)
    moved = session.resolve(session.absolute("/v2/"), "https://r.example/v2/")
    assert moved == "https://r.example/v2/"
    assert not session.is_own(moved)


@pytest.mark.parametrize(
    "location",
    [
        "",
        "http://store.example/u",
        "http://r.example:80/u",
        "ftp://r.example/u",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://[::1/u",
        "https://r.example:99999/u",
        "https://r.example:x/u",
        "//[/u",
    ],
)
def test_a_location_that_makes_no_sense_is_refused(location: str) -> None:
    session = _session("r.example")
    with pytest.raises(RegistryError) as raised:
        session.resolve(session.absolute(_ASKED), location)
    assert raised.value.code is Code.REDIRECT_REFUSED


def test_a_refusal_shows_no_signed_state_and_no_control_characters() -> None:
    session = _session("r.example")
    for location in ("ftp://u:pw@h/\x1b[31mx?_state=signed", "http://u:pw@h/?_state=signed"):
        with pytest.raises(RegistryError) as raised:
            session.resolve(session.absolute(_ASKED) + "?_state=signed", location)
        said = str(raised.value)
        assert "signed" not in said
        assert "pw" not in said
        assert said.isprintable()


@given(st.text(max_size=60) | st.text("htps:/[]@?#%r.example0123456789\\\x00\n ", max_size=40))
@example("https://r.example/ü")
@example("https://bücher.example/")
@example("http://[v1.x]/")
def test_no_location_gives_another_exception(location: str) -> None:
    session = _session("r.example")
    with suppress(RegistryError):
        url = session.resolve(session.absolute(_ASKED), location)
        assert split_url(url) is not None
        assert url.startswith("https://")


@pytest.mark.parametrize(
    ("address", "url", "own"),
    [
        ("r.example", "https://r.example/", True),
        ("r.example", "https://r.example:443/", True),
        ("r.example:443", "https://r.example/", True),
        ("r.example", "https://r.example.evil/", False),
        ("r.example", "https://r.example@evil/", False),
        ("r.example", "https://evil/r.example", False),
        ("r.example", "https://r.example:444/", False),
        ("r.example:5000", "https://r.example/", False),
        ("[::1]:5000", "https://[::1]:5000/x", True),
        ("r.example", "not a url", False),
        ("r.example", "https://r.example:0/", False),
    ],
)
def test_the_login_goes_to_the_registry_alone(address: str, url: str, own: bool) -> None:
    assert _session(address).is_own(url) is own


def test_a_redirect_to_another_host_is_followed_without_the_login(
    login: Credentials,
) -> None:
    def store(_: Asked) -> Answer:
        return Answer(200, body=b"blob")

    with http_server(store) as elsewhere:

        def registry(asked: Asked) -> Answer:
            if not asked.authorization:
                return Answer(401, [("WWW-Authenticate", 'Basic realm="r"')])
            return Answer(307, [("Location", f"{elsewhere.url}/blob?sig=1")])

        with http_server(registry) as own, plain_session(own, login) as session:
            assert session.request("GET", "/v2/a/blobs/x", scopes=("s",)).content == b"blob"
            with session.open("/v2/a/blobs/x", ("s",)) as answer:
                assert answer.read() == b"blob"
        assert [asked.target for asked in elsewhere.asked] == ["/blob?sig=1"] * 2
        assert not any(asked.authorization for asked in elsewhere.asked)


def test_an_upload_elsewhere_is_sent_without_the_login(login: Credentials) -> None:
    with http_server(lambda _: Answer(202)) as elsewhere:

        def registry(asked: Asked) -> Answer:
            if not asked.authorization:
                return Answer(401, [("WWW-Authenticate", 'Basic realm="r"')])
            return Answer(200)

        with http_server(registry) as own, plain_session(own, login) as session:
            session.ping()
            session.request("PATCH", f"{elsewhere.url}/up?sig=1", scopes=("s",), ok=(202,))
        assert not elsewhere.asked[0].authorization


def test_a_circle_of_redirects_is_refused() -> None:
    def judge(asked: Asked) -> Answer:
        return Answer(302, [("Location", asked.path)])

    with http_server(judge) as server, plain_session(server) as session:
        with pytest.raises(RegistryError) as requested:
            session.request("GET", "/v2/")
        with pytest.raises(RegistryError) as opened, session.open("/v2/a/blobs/x", ()):
            pass
    assert requested.value.code is Code.REDIRECT_REFUSED
    assert opened.value.code is Code.REDIRECT_REFUSED


def test_an_upload_is_redirected_only_where_method_and_body_stay() -> None:
    def judge(asked: Asked) -> Answer:
        if asked.path == "/there":
            return Answer(201, body=asked.body)
        return Answer(307 if asked.path == "/kept" else 302, [("Location", "/there")])

    with http_server(judge) as server, plain_session(server) as session:
        kept = session.request("PUT", "/kept", body=Body.of(b"content"), ok=(201,))
        assert kept.content == b"content"
        with pytest.raises(RegistryError) as raised:
            session.request("PUT", "/lost", body=Body.of(b"content"), ok=(201,))
    assert raised.value.status == 302
