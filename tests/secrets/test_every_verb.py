"""A password is in nothing that any verb writes, shows or hands on, whatever comes of it."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.errors import ExitCode
from core.transfer.engine import Engine
from tests.core.transfer.running import Import, of
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy
from tests.fixtures.registries import ProxyFactory
from tests.integration.program import PROGRAM, environment
from tests.secrets.searching import MARK, USER, WRONG, check_nowhere, holds, watched

pytestmark = pytest.mark.integration


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
    assert not [one for one in seen if holds(one, password)], "in arguments or environment"
    return process.returncode, out


def target(registry: DemoRegistry | Proxy) -> list[str | Path]:
    return ["-r", f"{registry.address}/eks-a", "--ca-file", registry.ca_file]


def source(sample: Sample) -> list[str | Path]:
    return ["-i", sample.archive, "-b", sample.bundles]


def test_no_verb_lets_the_password_out(locked: DemoRegistry, sample: Sample) -> None:
    flags = [*source(sample), *target(locked)]
    for verb in ("check", "plan", "import", "verify"):
        code, said = said_by(verb, *flags)
        assert code in (0, 3), (verb, said)  # `check` also looks for docker, which is not here
        assert not holds(said), verb
    for command in (["status", "--json"], ["report"], ["attach"]):
        shown = subprocess.run(
            [PROGRAM, *command], capture_output=True, check=False, timeout=60, env=environment(None)
        )
        assert not holds(shown.stdout + shown.stderr), command
    check_nowhere(MARK)
    assert not holds(locked.log_file.read_bytes())


def test_a_wrong_password_is_as_secret_as_a_right_one(locked: DemoRegistry, sample: Sample) -> None:
    for verb in ("check", "plan", "import", "verify"):
        code, said = said_by(verb, *source(sample), *target(locked), password=WRONG)
        assert code != 5, (verb, said)
        assert not holds(said, WRONG), verb
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
    assert not holds(said)
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
    assert not holds(caplog.text)
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
