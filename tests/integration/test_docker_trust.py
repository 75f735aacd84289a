"""A real daemon pulls through TLS, fails, and pulls again, as the CA comes and goes."""

import json
import os
import pty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.answers import Answers, ArtifactAnswers, RegistryAnswers
from core.checks import admin_machine
from core.checks.context import Context
from core.checks.finding import Finding, State
from core.demo.certificates import Authority
from core.demo.registry import DemoRegistry, Login
from core.demo.sample import Sample
from core.errors import Code, EksaMirrorError, ExitCode, MachineError, RegistryError
from core.host.daemon import DaemonKind
from core.host.docker_login import docker_login, logged_in_as
from core.reference import Reference
from core.registry.credentials import Credentials
from tests.fixtures.tools import need
from tests.integration import program
from tests.integration.docker_ground import HOST, Ground, docker_ground

NAMES = (HOST, f"{HOST}:443")


@pytest.fixture(scope="module")
def ground(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, sample: Sample
) -> Iterator[Ground]:
    """A machine whose registry was filled by an import."""
    need("docker-registry")
    folder = tmp_path_factory.mktemp("filled")
    with DemoRegistry(folder, auth=Login(), authority=authority) as registry:
        flags = program.import_flags(sample, registry, "eks-a")
        done = program.run("import", *flags, login=registry)
        assert done.code == ExitCode.DONE, done.err
    issued = authority.issue("harbor", [HOST])
    with docker_ground(registry, issued.certificate_file, issued.key_file) as ground:
        yield ground


@pytest.fixture
def image(ground: Ground, sample: Sample) -> Iterator[str]:
    """An imported image, below the registry; no CA is installed when the test begins or ends."""
    assert not ground.certs.exists()
    reference = sample.images[0].reference
    yield f"eks-a/{reference.repository}:{reference.tag}"
    done = ground.eksa_mirror("trust", "-r", HOST, "--remove", "--yes")
    assert done.code == ExitCode.DONE, done.err


def test_docker_pulls_only_while_the_ca_is_installed(
    ground: Ground, sample: Sample, image: str
) -> None:
    for name in NAMES:
        assert _refusal(ground, f"{name}/{image}").code is Code.TLS_UNTRUSTED

    done = _trust(ground, "--json")
    assert done.code == ExitCode.DONE, done.err
    assert [(one["registry"], one["change"], one["accepted"]) for one in done.json] == [
        (name, "new", True) for name in NAMES
    ]
    for name in NAMES:
        assert (ground.certs / name / "ca.crt").read_bytes() == ground.ca_file.read_bytes()
        assert _pull(ground, f"{name}/{image}") == sample.images[0].config_digest
    with ground.connected() as daemon:
        assert daemon.facts.kind is DaemonKind.DOCKER
        with pytest.raises(RegistryError):
            daemon.pull_through(Reference.parse(f"{HOST}/eks-a/none:1"), ground.credentials)

    again = _trust(ground, "--json")
    assert [one["change"] for one in again.json] == ["same", "same"]

    done = ground.eksa_mirror("trust", "-r", HOST, "--remove", "--yes", "--json")
    assert [(one["change"], one["accepted"]) for one in done.json] == [("remove", False)] * 2
    assert not ground.certs.exists()
    for name in NAMES:
        assert _refusal(ground, f"{name}/{image}").code is Code.TLS_UNTRUSTED


def test_a_check_leaves_no_image_behind(ground: Ground, image: str) -> None:
    _trust(ground)
    before = ground.run("docker", "images", "--all", "--quiet").out
    _pull(ground, f"{HOST}/{image}")
    assert ground.run("docker", "images", "--all", "--quiet").out == before


def test_an_image_that_was_there_stays(ground: Ground, image: str) -> None:
    _trust(ground)
    name = f"{HOST}/{image}"
    with ground.connected() as daemon:
        docker_login(daemon, [HOST], ground.credentials)
    assert ground.run("docker", "pull", name).code == 0
    _pull(ground, name)
    assert ground.run("docker", "image", "rm", name).code == 0


def test_docker_takes_host_and_host_443_for_two_registries(ground: Ground, image: str) -> None:
    """The reason why both are installed."""
    folder = ground.certs / HOST
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(ground.ca_file.read_bytes())
    try:
        _pull(ground, f"{HOST}/{image}")
        assert _refusal(ground, f"{HOST}:443/{image}").code is Code.TLS_UNTRUSTED
    finally:
        (folder / "ca.crt").unlink()
        folder.rmdir()
        ground.certs.rmdir()


def test_docker_refuses_half_of_a_client_certificate_and_so_does_trust(
    ground: Ground, image: str
) -> None:
    _trust(ground)
    half = ground.certs / f"{HOST}:443" / "client.cert"
    half.touch()
    try:
        error = _refusal(ground, f"{HOST}:443/{image}")
        assert error.code is Code.CLIENT_KEY_MISSING
        assert isinstance(error, MachineError)
        done = _trust(ground)
        assert done.code == ExitCode.USAGE
        assert "client.cert has no client.key" in done.err
    finally:
        half.unlink()


def test_another_ca_is_told_and_replaced(ground: Ground, image: str, tmp_path: Path) -> None:
    old = Authority(tmp_path / "old").ca_file
    done = ground.eksa_mirror("trust", "-r", HOST, "--ca-file", old, "--yes")
    assert done.code == ExitCode.CHECK_FAILED
    assert f"fail  docker does not accept {HOST}:443" in done.err
    assert "tls-untrusted" in done.err
    assert _refusal(ground, f"{HOST}:443/{image}").code is Code.TLS_UNTRUSTED
    assert _trust(ground).code == ExitCode.DONE
    _pull(ground, f"{HOST}:443/{image}")


def test_nothing_is_done_without_being_asked(ground: Ground, image: str) -> None:
    del image
    done = ground.eksa_mirror("trust", "-r", HOST, "--ca-file", ground.ca_file)
    assert done.code == ExitCode.USAGE
    assert f"+ new      /etc/docker/certs.d/{HOST}:443/ca.crt" in done.err
    assert "there is nobody to ask" in done.err
    assert not ground.certs.exists()


def test_on_a_terminal_it_asks_first(ground: Ground, image: str) -> None:
    del image
    arguments = ("trust", "-r", HOST, "--ca-file", ground.ca_file)
    for typed, code, there in (
        (b"\n", ExitCode.USAGE, False),
        (b"\x04", ExitCode.USAGE, False),  # Ctrl-D
        (b"y\n", ExitCode.DONE, True),
    ):
        keyboard, terminal = pty.openpty()
        try:
            os.write(keyboard, typed)
            done = ground.eksa_mirror(*arguments, terminal=terminal)
        finally:
            os.close(keyboard)
            os.close(terminal)
        assert "Change 2 files?" in done.err
        assert done.code == code, done.err
        assert ground.certs.exists() is there


def test_the_script_for_root_works_too(ground: Ground, image: str, tmp_path: Path) -> None:
    script = tmp_path / "trust.sh"
    done = ground.eksa_mirror("trust", "-r", HOST, "--ca-file", ground.ca_file, "--script", script)
    assert done.code == ExitCode.DONE, done.err
    assert not ground.certs.exists()
    assert ground.run("sh", script).code == 0
    _pull(ground, f"{HOST}:443/{image}")


def test_docker_logs_in_and_the_login_is_where_docker_looks(
    ground: Ground, image: str, tmp_path: Path
) -> None:
    _trust(ground)
    environment = {"DOCKER_CONFIG": str(tmp_path), "HOME": str(tmp_path)}
    pull = ("docker", "pull", "--quiet", f"{HOST}:443/{image}")
    assert ground.run(*pull, environment=environment).code != 0
    assert logged_in_as(f"{HOST}:443", environment) is None

    wrong = Credentials(ground.credentials.username, SecretStr("wrong"))
    with ground.connected() as daemon:
        with pytest.raises(RegistryError) as caught:
            docker_login(daemon, NAMES, wrong, environment)
        assert caught.value.code is Code.LOGIN_REFUSED
        assert not (tmp_path / "config.json").exists()
        kept = docker_login(daemon, NAMES, ground.credentials, environment)

    assert kept == f"{tmp_path}/config.json (not encrypted)"
    for name in NAMES:
        assert logged_in_as(name, environment) == ground.credentials.username
    done = ground.run(*pull, environment=environment)
    assert done.code == 0, done.err
    ground.run("docker", "image", "rm", f"{HOST}:443/{image}")
    assert (tmp_path / "config.json").stat().st_mode & 0o777 == 0o600
    assert set(json.loads((tmp_path / "config.json").read_text())["auths"]) == set(NAMES)


def test_trust_logs_docker_in_where_that_is_asked_for(
    ground: Ground, image: str, tmp_path: Path
) -> None:
    environment = {
        "DOCKER_CONFIG": str(tmp_path),
        "REGISTRY_USERNAME": ground.credentials.username,
        "REGISTRY_PASSWORD": ground.credentials.password.get_secret_value(),
    }
    flags = ("-r", HOST, "--ca-file", ground.ca_file, "--yes", "--login")

    done = ground.run(program.PROGRAM, "trust", *flags, environment=environment)

    assert done.code == ExitCode.DONE, done.err
    assert f"docker is logged in to {HOST} and {HOST}:443" in done.err
    for name in NAMES:
        pulled = ground.run("docker", "pull", "-q", f"{name}/{image}", environment=environment)
        assert pulled.code == 0, pulled.err
        ground.run("docker", "image", "rm", f"{name}/{image}")


def test_a_login_without_trust_is_told_as_that(ground: Ground, image: str) -> None:
    del image
    with ground.connected() as daemon, pytest.raises(RegistryError) as caught:
        daemon.login(HOST, ground.credentials)
    assert caught.value.code is Code.TLS_UNTRUSTED
    assert ground.credentials.password.get_secret_value() not in str(caught.value)


def test_a_pull_without_a_login_is_told_as_that(ground: Ground, image: str) -> None:
    _trust(ground)
    with ground.connected() as daemon, pytest.raises(RegistryError) as caught:
        daemon.pull_through(Reference.parse(f"{HOST}/{image}"))
    assert caught.value.code is Code.LOGIN_MISSING


def test_a_registry_that_is_down_is_told_as_that(ground: Ground, image: str) -> None:
    assert _refusal(ground, f"{HOST}:4430/{image}").code is Code.REGISTRY_UNREACHABLE


def test_the_checks_see_what_the_daemon_does(ground: Ground, sample: Sample, image: str) -> None:
    del image
    assert _check(admin_machine.check_docker, ground, sample).state is State.PASS
    refused = _check(admin_machine.check_docker_pull, ground, sample)
    assert (refused.state, refused.code) == (State.FAIL, Code.TLS_UNTRUSTED)
    assert f"{HOST}:443/eks-a/" in refused.details[0]
    _trust(ground)
    pulled = _check(admin_machine.check_docker_pull, ground, sample)
    assert pulled.state is State.PASS, pulled
    assert f"{HOST}:443/eks-a/" in pulled.details[0]
    nothing = _check(admin_machine.check_docker_pull, ground, sample, namespace="empty")
    assert nothing.seen.startswith("nothing is imported yet: empty/")


def _check(
    check: Callable[[Context], Finding], ground: Ground, sample: Sample, namespace: str = "eks-a"
) -> Finding:
    answers = Answers(
        artifacts=ArtifactAnswers(bundles=sample.bundles),
        registry=RegistryAnswers(address=f"{HOST}/{namespace}", ca_file=ground.ca_file),
    )
    environment = {"DOCKER_HOST": ground.docker_host, "PATH": os.environ["PATH"]}
    with Context(answers, ground.credentials, environment=environment) as context:
        return check(context)


def _trust(ground: Ground, *more: str) -> program.Ended:
    return ground.eksa_mirror("trust", "-r", HOST, "--ca-file", ground.ca_file, "--yes", *more)


def _pull(ground: Ground, name: str) -> str:
    with ground.connected() as daemon:
        return daemon.pull_through(Reference.parse(name), ground.credentials).image_id


def _refusal(ground: Ground, name: str) -> EksaMirrorError:
    with pytest.raises(EksaMirrorError) as caught:
        _pull(ground, name)
    return caught.value
