"""The demo's registry: how it starts, and what it says when it cannot."""

import os
import signal
import socket
import subprocess
from pathlib import Path
from threading import Timer

import pytest
import urllib3
from pydantic import SecretStr

from core.demo import registry as demo
from core.demo.registry import DemoRegistry, Login
from core.errors import Code, EksaMirrorError
from tests.fixtures.registries import RegistryFactory
from tests.fixtures.tools import need


def _status(registry: DemoRegistry) -> int:
    with urllib3.PoolManager(ca_certs=str(registry.ca_file), retries=False) as pool:
        return pool.request("GET", f"{registry.url}/v2/").status


def test_it_answers_once_it_is_entered_and_is_gone_afterwards(tmp_path: Path) -> None:
    need("docker-registry")
    with DemoRegistry(tmp_path, auth=Login("me", SecretStr("secret"))) as registry:
        assert _status(registry) == 401
        process = registry.process_id
        assert process
    assert not registry.running
    assert registry.process_id == 0
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_every_login_is_a_new_one_and_stays_hidden() -> None:
    first, second = Login(), Login()
    assert first.password.get_secret_value() != second.password.get_secret_value()
    assert first.password.get_secret_value() not in repr(first)


def test_names_of_this_machine_are_in_its_certificate(fresh_registry: RegistryFactory) -> None:
    registry = fresh_registry()
    with urllib3.PoolManager(ca_certs=str(registry.ca_file), retries=False) as pool:
        assert pool.request("GET", f"https://localhost:{registry.port}/v2/").status == 200


def test_without_tls_it_speaks_plain_http(fresh_registry: RegistryFactory) -> None:
    registry = fresh_registry(tls=False)
    assert registry.url.startswith("http://127.0.0.1:")
    assert _status(registry) == 200


def test_variables_of_the_operator_do_not_configure_it(
    fresh_registry: RegistryFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_HTTP_ADDR", "127.0.0.1:1")
    monkeypatch.setenv("REGISTRY_PASSWORD", "secret")
    registry = fresh_registry()
    assert _status(registry) == 200
    assert "secret" not in registry.log_file.read_text()


def test_its_secrets_are_readable_by_the_owner_only(fresh_registry: RegistryFactory) -> None:
    registry = fresh_registry(auth=Login())
    folder = registry.log_file.parent
    for name in ("config.yml", "htpasswd"):
        assert (folder / name).stat().st_mode & 0o077 == 0


def test_start_and_stop_may_be_said_twice(fresh_registry: RegistryFactory) -> None:
    registry = fresh_registry()
    process = registry.process_id
    registry.start()
    assert registry.process_id == process
    registry.stop()
    registry.stop()
    registry.kill()
    assert not registry.running


def test_no_client_is_given_the_port_of_one_that_is_down(fresh_registry: RegistryFactory) -> None:
    registry = fresh_registry()
    given = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert registry.port < int(given[0])
    kept = registry.port
    registry.restart()
    assert registry.port == kept


def test_a_restart_waits_for_its_port(fresh_registry: RegistryFactory) -> None:
    registry = fresh_registry()
    port = registry.port
    registry.kill()
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        leave = Timer(0.3, squatter.close)
        leave.start()
        registry.restart()
        leave.join()
    assert registry.port == port
    assert _status(registry) == 200
    assert "address already in use" in registry.log_file.read_text()


def test_a_port_that_stays_taken_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("docker-registry")
    monkeypatch.setattr(demo, "PORT_SECONDS", 0.3)
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        registry = DemoRegistry(tmp_path, port=squatter.getsockname()[1])
        with pytest.raises(EksaMirrorError, match="address already in use") as raised:
            registry.start()
    assert raised.value.code is Code.REGISTRY_UNREACHABLE
    assert raised.value.where == str(registry.log_file)
    assert not registry.running


def test_a_registry_that_ends_at_once_shows_the_end_of_its_log(tmp_path: Path) -> None:
    need("docker-registry")
    registry = DemoRegistry(tmp_path)
    (tmp_path / "certificates" / "registry.key").write_text("no key")
    with pytest.raises(EksaMirrorError, match=r"did not start: .*tls: "), registry:
        pytest.fail("it cannot start")
    assert not registry.running


def test_a_missing_program_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EksaMirrorError) as raised:
        DemoRegistry(tmp_path)
    assert raised.value.code is Code.TOOL_MISSING
    assert raised.value.mend == "apt-get install docker-registry"


class CutOffError(Exception):
    """What the signal of the test raises, as Ctrl-C raises KeyboardInterrupt."""


def test_a_signal_while_it_is_begun_leaves_no_process_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("docker-registry")
    begun: list[subprocess.Popen[bytes]] = []

    class CutOff(subprocess.Popen[bytes]):
        """The signal comes when the process is there and nobody knows of it yet."""

        def __init__(self, *arguments: object, **settings: object) -> None:
            super().__init__(*arguments, **settings)  # type: ignore[call-overload]
            begun.append(self)
            signal.raise_signal(signal.SIGTERM)

    def interrupt(*_: object) -> None:
        raise CutOffError

    before = signal.signal(signal.SIGTERM, interrupt)
    monkeypatch.setattr(subprocess, "Popen", CutOff)
    try:
        with pytest.raises(CutOffError), DemoRegistry(tmp_path):
            pytest.fail("it was interrupted")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [process.returncode for process in begun] == [-signal.SIGKILL]
