"""The wizard as a page: who gets in, and how it ends."""

import re
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlencode

import pytest

from core.demo.certificates import Authority, Certificate
from core.errors import ExitCode
from tests.integration.program import run
from tests.integration.served import PASSWORD, Served, serving, tls
from tests.tui.terminal import run_on_terminal

pytestmark = pytest.mark.integration
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
EVERYTHING = ("/", "/ws", "/page.css", "/page.js", "/static/js/textual.js", "/download/x", "/none")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """One for all tests that leave its token alone."""
    with serving() as running:
        yield running


@pytest.mark.parametrize("path", EVERYTHING)
def test_without_cookie_and_token_there_is_nothing(served: Served, path: str) -> None:
    assert served.ask(path).status == 403
    assert served.ask(path, Cookie="eksa-mirror=guessed").status == 403
    assert served.ask(path + "?token=guessed").status == 403
    assert served.ask(path, **UPGRADE, Origin=served.origin).status == 403


def test_the_token_works_once_and_the_cookie_from_then_on() -> None:
    with serving() as own:
        assert own.ask(f"/?token={own.token}", "HEAD").status == 403
        first = own.ask(f"/?token={own.token}")
        second = own.ask(f"/?token={own.token}")
        cookie, _, flags = first.headers["Set-Cookie"].partition("; ")

        assert (first.status, first.headers["Location"]) == (303, "/")
        assert set(flags.split("; ")) == {"HttpOnly", "Path=/", "SameSite=Strict"}
        assert second.status == 403
        assert "Set-Cookie" not in second.headers
        for path in ("/", "/page.css", "/page.js", "/static/js/textual.js"):
            assert own.ask(path, Cookie=cookie).status == 200, path
        assert own.ask("/static/", Cookie=cookie).status == 403, "no list of files"


def test_a_page_of_somebody_else_gets_nothing_with_our_cookie() -> None:
    with serving() as own:
        cookie = own.enter()
        port = own.port

        for name in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "a;b", ""):
            assert own.ask("/", Cookie=cookie, Host=name).status == 403, name
        for name in (f"localhost:{port}", "localhost:9999", f"[::1]:{port}"):
            assert own.ask("/", Cookie=cookie, Host=name).status == 200, name
        wrong = ("http://evil.example", f"http://127.0.0.1:{port + 1}", "null", "")
        for origin in wrong:
            asked = own.ask("/ws", Cookie=cookie, **UPGRADE, Origin=origin)
            assert asked.status == 403, origin
            assert own.ask("/", Cookie=cookie, Origin=origin).status == 403, origin
        assert own.ask("/ws", Cookie=cookie, **UPGRADE).status == 403, "no origin at all"
        assert own.ask("/ws", Cookie=cookie, **UPGRADE, Origin=own.origin).status == 101


def test_the_token_is_in_no_process_list_and_no_log() -> None:
    with serving(EKSA_MIRROR_SERVE_PASSWORD="", SECRET_OF_THE_SHELL="sesame") as own:
        assert len(own.token) >= 40
        shown = Path(f"/proc/{own.process.pid}/cmdline").read_text()
        own.enter()
        own.ask(f"/?token={own.token}")
        code, said = own.end()

    assert code == ExitCode.DONE
    assert own.token not in shown + said
    assert "Ctrl-C" in said


def test_a_name_below_the_pages_is_not_a_file_of_the_machine(served: Served) -> None:
    with serving() as own:
        cookie = own.enter()
        for path in ("/static/../server.py", "/static/%2e%2e/server.py", "/../gate.py"):
            assert own.ask(path, Cookie=cookie).status in (403, 404), path


# --- with TLS and a password -------------------------------------------------------------------


def test_the_password_opens_the_page_and_a_wrong_one_does_not(
    certificate: Certificate, authority: Authority
) -> None:
    flags = ["--host=0.0.0.0", *tls(certificate), "--password-stdin"]
    with serving(*flags, stdin=PASSWORD + "\n", trusted=authority.ca_file) as own:

        def sign_in(password: str, origin: str = own.origin) -> HTTPResponse:
            form = urlencode({"password": password})
            kind = "application/x-www-form-urlencoded"
            return own.ask("/sign-in", "POST", form, Content_Type=kind, Origin=origin)

        assert own.url == f"https://localhost:{own.port}/"
        assert [own.ask(path).status for path in EVERYTHING] == [403] * len(EVERYTHING)
        assert own.ask("/?token=").status == 403
        assert sign_in("wrong").status == 403
        assert sign_in("").status == 403
        assert sign_in(PASSWORD, "https://evil.example").status == 403
        entered = sign_in(PASSWORD)
        cookie, _, flagged = entered.headers["Set-Cookie"].partition("; ")
        assert cookie.startswith("__Host-")
        assert set(flagged.split("; ")) == {"HttpOnly", "Path=/", "SameSite=Strict", "Secure"}
        assert own.ask("/", Cookie=cookie).status == 200
        assert own.ask("/", Cookie=cookie, Host="other.example").status == 403
        assert own.ask("/", Cookie=cookie, Host="page.example").status == 200
        code, said = own.end()
    assert code == ExitCode.DONE
    assert PASSWORD not in said


def test_the_password_is_asked_for_on_a_terminal_and_ctrl_c_ends_it(
    certificate: Certificate,
) -> None:
    typed = {"Password of the page": PASSWORD + "\n", "Ctrl-C ends it": "\x03"}

    seen = run_on_terminal(
        *("serve", "--port", "0", "--host=0.0.0.0"), *tls(certificate), answers=typed
    )

    assert seen.code == ExitCode.DONE, seen.text
    assert "https://localhost:" in seen.text
    assert PASSWORD not in seen.text


@pytest.mark.parametrize(
    ("flags", "password", "where"),
    [
        ((), "", "--host"),
        (("tls",), "", "EKSA_MIRROR_SERVE_PASSWORD"),
        (("tls",), "short", "EKSA_MIRROR_SERVE_PASSWORD"),
        (("tls", "--password-stdin"), "", "--password-stdin"),
        (("cert",), PASSWORD, "--tls-key"),
        (("other key",), PASSWORD, "--tls-cert, --tls-key"),
        (("no file",), PASSWORD, "--tls-cert, --tls-key"),
    ],
    ids=["plain", "no password", "short", "empty", "no key", "wrong key", "no file"],
)
def test_what_others_could_reach_is_not_served_half_open(
    flags: tuple[str, ...],
    password: str,
    where: str,
    certificate: Certificate,
    authority: Authority,
) -> None:
    other = authority.issue("other")
    cert = certificate.certificate_file
    named: dict[str, list[str | Path]] = {
        "tls": tls(certificate),
        "cert": ["--tls-cert", cert],
        "other key": ["--tls-cert", cert, "--tls-key", other.key_file],
        "no file": ["--tls-cert", "none.crt", "--tls-key", "none.key"],
    }
    given = [word for flag in flags for word in named.get(flag, [flag])]

    result = run(
        "serve", "--port", "0", "--host=0.0.0.0", *given, EKSA_MIRROR_SERVE_PASSWORD=password
    )

    assert result.code == ExitCode.USAGE
    assert result.out == ""
    assert re.search(rf"Where +{re.escape(where)}\n", result.err), result.err


def test_a_port_that_is_taken_is_told(served: Served) -> None:
    result = run("serve", "--port", str(served.port))

    assert result.code == ExitCode.USAGE
    assert "--port 0" in result.err
    assert "Traceback" not in result.err


def test_other_verbs_do_not_load_the_web_server() -> None:
    script = (
        "import sys\nfrom tui.cli import application\n"
        "for verb in ('import', 'wizard', 'serve'): application([verb])\n"
        "print([name for name in ('aiohttp', 'textual_serve', 'jinja2') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
