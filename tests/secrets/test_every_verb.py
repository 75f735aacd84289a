"""A password is in nothing that any verb writes, shows or hands on, whatever comes of it."""

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.demo.registry import DemoRegistry, Login
from core.demo.sample import Sample
from core.errors import ExitCode
from core.transfer.engine import Engine
from core.transfer.job import jobs_folder
from tests.core.transfer.running import Import, of
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy
from tests.fixtures.registries import ProxyFactory, RegistryFactory
from tests.integration.program import PROGRAM, environment, files_below

MARK = "Ma4rk-of-a-p4ssword"
WRONG = "Wr0ng-m4rk-of-a-password"
USER = "robot"
pytestmark = pytest.mark.integration


@contextmanager
def watched() -> Iterator[list[bytes]]:
    """Arguments and environment of every process of this program."""
    seen: list[bytes] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.01):
            for folder in Path("/proc").glob("[0-9]*"):
                seen.extend(_shown(folder))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def _shown(folder: Path) -> list[bytes]:
    try:
        line = (folder / "cmdline").read_bytes()
        if b"eksa-mirror" not in line and b"core.transfer.worker" not in line:
            return []
        return [line, (folder / "environ").read_bytes()]
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []


def said_by(verb: str, *flags: str | Path, password: str = MARK) -> tuple[int, str]:
    """Run a verb with the password on standard input; its code, and all that it said."""
    process = subprocess.Popen(
        [PROGRAM, verb, *map(str, flags), "-u", USER, "--password-stdin"],
        env=environment(None),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with watched() as seen:
        out, _ = process.communicate(password + "\n", timeout=90)
    assert seen
    assert not [one for one in seen if password.encode() in one], "in arguments or environment"
    return process.returncode, out


def check_nowhere(*passwords: str) -> None:
    """Neither in the state nor in the home, and everything of the jobs is private."""
    for path in files_below(jobs_folder(), Path(os.environ["HOME"])):
        content = path.read_bytes()
        assert not [one for one in passwords if one.encode() in content], path
    for path in jobs_folder().rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.fixture
def locked(fresh_registry: RegistryFactory) -> DemoRegistry:
    return fresh_registry(auth=Login(USER, SecretStr(MARK)))


def target(registry: DemoRegistry | Proxy) -> list[str | Path]:
    return ["-r", f"{registry.address}/eks-a", "--ca-file", registry.ca_file]


def source(sample: Sample) -> list[str | Path]:
    return ["-i", sample.archive, "-b", sample.bundles]


def test_no_verb_lets_the_password_out(locked: DemoRegistry, sample: Sample) -> None:
    flags = [*source(sample), *target(locked)]
    for verb in ("check", "plan", "import", "verify"):
        code, said = said_by(verb, *flags)
        assert code in (0, 3), (verb, said)  # `check` also looks for docker, which is not here
        assert MARK not in said, verb
    for command in (["status", "--json"], ["report"], ["attach"]):
        shown = subprocess.run(
            [PROGRAM, *command], capture_output=True, check=False, timeout=60, env=environment(None)
        )
        assert MARK.encode() not in shown.stdout + shown.stderr, command
    check_nowhere(MARK)
    assert MARK not in locked.log_file.read_text()


def test_a_wrong_password_is_as_secret_as_a_right_one(locked: DemoRegistry, sample: Sample) -> None:
    for verb in ("check", "plan", "import", "verify"):
        code, said = said_by(verb, *source(sample), *target(locked), password=WRONG)
        assert code != 5, (verb, said)
        assert WRONG not in said, verb
    check_nowhere(WRONG)


class Repeats(Handler):
    """A registry that says what it was sent, as servers in debug mode do."""

    def answer(self, exchange: Exchange) -> Answer | None:
        sent = exchange.headers.get("Authorization", "")
        exchange.answer_headers["X-Debug"] = f"{sent} {MARK}"
        return None


def test_a_registry_that_repeats_the_login_gets_it_into_no_file(
    locked: DemoRegistry, proxy_for: ProxyFactory, sample: Sample
) -> None:
    proxy = proxy_for(locked, Repeats())

    code, said = said_by("import", *source(sample), *target(proxy))

    assert code == 0, said
    assert MARK not in said
    check_nowhere(MARK)


def test_a_defect_of_ours_shows_no_password(
    locked: DemoRegistry,
    sample: Sample,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A crash in the middle is told with its trace, and the password is not in it."""

    def fail(self: Engine) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(Engine, "send", fail)

    assert Import(locked, of(sample)).run() is ExitCode.BUG

    assert "Traceback" in caplog.text
    assert MARK not in caplog.text
    check_nowhere(MARK)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A host that the operator did not name; whoever connects to it waits in its queue."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def test_an_upload_is_not_sent_over_plain_http_to_another_host(
    locked: DemoRegistry, proxy_for: ProxyFactory, sample: Sample, listener: socket.socket
) -> None:
    class Downgrades(Handler):
        def answer(self, exchange: Exchange) -> Answer | None:
            if exchange.method == "POST" and exchange.status == 202:
                del exchange.answer_headers["Location"]
                port = listener.getsockname()[1]
                exchange.answer_headers["Location"] = f"http://localhost:{port}{exchange.target}x"
            return None

    proxy = proxy_for(locked, Downgrades())

    code, said = said_by("import", *source(sample), *target(proxy))

    assert code == 1, said
    assert "leads to plain HTTP on localhost" in said
    assert proxy.bytes_sent("PATCH") == 0
    with pytest.raises(BlockingIOError):
        listener.accept()
    check_nowhere(MARK)
