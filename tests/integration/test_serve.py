"""The wizard as a page: who gets in, what a real browser shows, and how it ends."""

import os
import re
import signal
import ssl
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from core.demo.certificates import Authority, Certificate
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample, SampleSpec, write_sample
from core.errors import ExitCode
from core.transfer.controls import change_controls
from tests.fixtures.chromium import Browser
from tests.integration.program import PROGRAM, begin, environment, import_flags, run, wait_until
from tests.tui.terminal import run_on_terminal

pytestmark = pytest.mark.integration
PASSWORD = "correct-horse-battery"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
KEYS = ".xterm-helper-textarea"
EVERYTHING = ("/", "/ws", "/page.css", "/page.js", "/static/js/textual.js", "/download/x", "/none")


@dataclass
class Served:
    """A running `serve`.

    Attributes:
        url: that it printed.
        trusted: its CA, where it has TLS.
    """

    process: "subprocess.Popen[str]"
    url: str
    trusted: Path | None = None

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    @property
    def origin(self) -> str:
        return f"{urlsplit(self.url).scheme}://{urlsplit(self.url).netloc}"

    @property
    def token(self) -> str:
        return urlsplit(self.url).query.removeprefix("token=")

    def ask(self, path: str, method: str = "GET", body: str = "", **headers: str) -> HTTPResponse:
        """One request; `_` in names of headers stands for `-`."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        if self.trusted:
            context = ssl.create_default_context(cafile=self.trusted)
            connection: HTTPConnection = HTTPSConnection(
                "localhost", self.port, timeout=30, context=context
            )
        else:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body or None, named)
        answer = connection.getresponse()
        if answer.status != 101:
            answer.read()
        connection.close()
        return answer

    def enter(self) -> str:
        """Use the token up; the cookie that comes for it."""
        answer = self.ask(f"/?token={self.token}")
        assert answer.status == 303
        return (answer.headers["Set-Cookie"]).partition(";")[0]

    def wizards(self) -> list[int]:
        """The processes behind its pages."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(pid) for pid in listed.stdout.split()]

    def end(self) -> tuple[int, str]:
        """Ctrl-C; its exit code and all that it said to people."""
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


@contextmanager
def serving(
    *flags: str | Path, stdin: str = "", trusted: Path | None = None, **more: str
) -> Iterator[Served]:
    process = subprocess.Popen(
        [PROGRAM, "serve", "--port", "0", *map(str, flags)],
        env=environment(None) | more,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    with process:
        process.stdin.write(stdin)
        process.stdin.flush()
        try:
            yield Served(process, process.stdout.readline().strip(), trusted)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """One for all tests that leave its token alone."""
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Certificate:
    return authority.issue("page", ("localhost", "page.example", "127.0.0.1"))


def tls(certificate: Certificate) -> list[str | Path]:
    return ["--tls-cert", certificate.certificate_file, "--tls-key", certificate.key_file]


# --- who gets in -------------------------------------------------------------------------------


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


# --- in a browser ------------------------------------------------------------------------------


def colours(browser: Browser, *, width: int = 300, height: int = 60) -> set[bytes]:
    """Of the upper left corner of the page: filters of PNG undone, eight bits a channel."""
    png, found, data = browser.picture(width, height), set(), b""
    at = 8
    while at < len(png):
        (size,) = struct.unpack_from(">I", png, at)
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + size]
        at += size + 12
    step = {2: 3, 6: 4}[png[25]]
    lines, stride = zlib.decompress(data), width * step
    above = bytearray(stride)
    for start in range(0, height * (stride + 1), stride + 1):
        row = _unfiltered(lines[start], lines[start + 1 : start + 1 + stride], above, step)
        found |= {bytes(row[i : i + 3]) for i in range(0, stride, step)}
        above = row
    return found


def _unfiltered(kind: int, line: bytes, above: bytearray, step: int) -> bytearray:
    row = bytearray(line)
    for i, byte in enumerate(line):
        left = row[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        guess = left + above[i] - corner
        paeth = min((left, above[i], corner), key=lambda one: abs(guess - one))
        add = (0, left, above[i], (left + above[i]) // 2, paeth)[kind]
        row[i] = (byte + add) % 256
    return row


def test_a_browser_shows_the_wizard_and_its_keys_reach_it(browser: Browser) -> None:
    with serving(SECRET_OF_THE_SHELL="sesame", REGISTRY_USERNAME="robot") as own:
        browser.visit(own.url)
        browser.wait_for("Start a new set-up", "Enter")
        browser.until(lambda: len(colours(browser)) > 20, "letters on the ground")
        assert bytes((17, 21, 26)) in colours(browser), "the ground of the dark theme"
        assert browser.run("location.href") == f"{own.origin}/", "without the token"
        browser.wait_for_focus(KEYS)
        browser.press("Enter")
        browser.wait_for("Images tarball", "Step 1 of 10")
        browser.press("F2")
        browser.wait_for("Admin machine")

        (wizard,) = own.wizards()
        secrets = Path(f"/proc/{wizard}/environ").read_text()
        shown = Path(f"/proc/{wizard}/cmdline").read_text()
        assert "REGISTRY_USERNAME=robot" in secrets
        assert "sesame" not in secrets
        assert own.token not in secrets + shown
        code, said = own.end()
        browser.until(lambda: "The wizard has ended" in browser.text(), "the end")
        assert code == ExitCode.DONE
        assert own.token not in said
        assert not Path(f"/proc/{wizard}").exists()
    here = (own.origin, own.origin.replace("http", "ws"), "data:,")
    assert [one for one in browser.requested if not one.startswith(here)] == []
    assert f"{own.origin}/static/js/textual.js" in browser.requested
    assert browser.complaints == []


def test_a_link_that_was_used_shows_why_it_is_refused(browser: Browser) -> None:
    with serving() as own:
        own.enter()
        browser.visit(own.url)
        browser.until(lambda: "works once" in browser.text(), "the refusal")


def test_somebody_signs_in_quits_and_opens_it_again(
    browser: Browser, certificate: Certificate
) -> None:
    browser.ask("Security.setIgnoreCertificateErrors", ignore=True)
    flags = [*tls(certificate), "--password-stdin"]
    with serving(*flags, stdin=PASSWORD + "\n") as own:
        browser.visit(own.url)
        browser.until(lambda: "Password of this page" in browser.text(), "the form")
        browser.wait_for_focus("[name=password]")
        browser.press(*PASSWORD, "Enter")
        browser.wait_for("Start a new set-up")
        browser.wait_for_focus(KEYS)
        browser.press("q")
        browser.until(lambda: "The wizard has ended" in browser.text(), "the end")
        browser.until(lambda: own.wizards() == [], "the end of its process")
        browser.received = b""
        browser.run("document.getElementById('again').click()")
        browser.wait_for("Start a new set-up")


def test_a_killed_wizard_is_told_and_a_closed_page_ends_its_own(browser: Browser) -> None:
    with serving() as own:
        browser.visit(own.url)
        browser.wait_for("Start a new set-up")
        (wizard,) = own.wizards()
        os.kill(wizard, signal.SIGKILL)
        browser.until(lambda: "The wizard has ended" in browser.text(), "the end")
        browser.visit(f"{own.origin}/")
        browser.wait_for("Start a new set-up")
        assert len(own.wizards()) == 1
        browser.visit("about:blank")
        browser.until(lambda: own.wizards() == [], "the end of its process")


def test_an_import_goes_on_when_the_page_and_its_server_end(
    browser: Browser, registry: DemoRegistry, tmp_path: Path
) -> None:
    sample: Sample = write_sample(tmp_path / "sample", SampleSpec(images=9, megabytes=24))
    flags = import_flags(sample, registry, "behind-a-page")
    with begin("import", *flags, "--limit-rate", "1M", login=registry) as importing:
        job = wait_until(lambda summary: summary.number("done_bytes") > 0, importing)
        with serving() as own:
            browser.visit(own.url)
            browser.wait_for("running")
            code, _ = own.end()
        assert code == ExitCode.DONE
        assert job.is_running()
        change_controls(job, limit_rate=0)
        importing.communicate(timeout=60)
        assert importing.returncode == ExitCode.DONE
