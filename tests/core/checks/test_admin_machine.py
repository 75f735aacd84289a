"""The checks of this machine's docker; what a real daemon does stands in tests/integration."""

import base64
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.checks import admin_machine
from core.checks.context import Context
from core.checks.finding import Finding, State
from core.demo.certificates import Authority
from core.demo.registry import DemoRegistry
from core.errors import Code
from core.host.certs_d import Reader, read_ca
from core.host.docker_trust import apply, plan_trust
from core.mirror.endpoint import Mirror
from core.reference import Reference
from tests.core.checks.looking import answers, context, login, look
from tests.core.host.daemons import INFO, VERSION, answering

HARBOR = "harbor.site-a.example"
NO_DAEMON = {"DOCKER_HOST": "unix:///nowhere/docker.sock", "PATH": ""}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short one: the path of a socket is limited."""
    with tempfile.TemporaryDirectory(prefix="eksa-") as name:
        yield Path(name)


def test_a_daemon_that_answers_passes_with_its_version(folder: Path) -> None:
    with answering(folder / "docker.sock") as host:
        found = _docker(DOCKER_HOST=host)
    assert found.state is State.PASS
    assert found.seen == f"27.1.1, answers on {folder}/docker.sock"
    assert "overlay2" in found.details[0]


def test_rootless_docker_is_named(folder: Path) -> None:
    rootless = INFO | {"SecurityOptions": ["name=rootless"]}
    with answering(folder / "docker.sock", info=rootless) as host:
        found = _docker(DOCKER_HOST=host)
    assert found.seen.startswith("27.1.1 (rootless docker), answers on ")


def test_podman_in_dockers_place_is_a_warning(folder: Path) -> None:
    podman = VERSION | {"Version": "5.2.0", "Components": [{"Name": "Podman Engine"}]}
    with answering(folder / "docker.sock", version=podman) as host:
        found = _docker(DOCKER_HOST=host)
    assert found.state is State.WARN
    assert found.seen.startswith("podman 5.2.0 answers in docker's place")


def test_a_daemon_that_does_not_answer_fails_with_a_mend(folder: Path) -> None:
    found = _docker(DOCKER_HOST=f"unix://{folder}/none.sock", XDG_RUNTIME_DIR="/nowhere")
    assert (found.state, found.code) == (State.FAIL, Code.DOCKER_UNREACHABLE)
    assert found.mend == "sudo systemctl start docker"


def test_no_docker_at_all_is_a_warning_for_the_import_needs_none(folder: Path) -> None:
    found = _docker(PATH=str(folder), DOCKER_CONTEXT="none", DOCKER_CONFIG=str(folder))
    assert (found.state, found.seen) == (State.WARN, "docker is not installed here")
    assert "import works without docker" in found.effect


def test_the_ca_is_missing_until_it_is_installed_under_both_names(
    authority: Authority, tmp_path: Path
) -> None:
    found = _ca(authority.ca_file, tmp_path)
    assert (found.state, found.code) == (State.WARN, Code.TLS_UNTRUSTED)
    assert found.seen == f"missing for {HARBOR}, {HARBOR}:443"
    assert found.mend == f"eksa-mirror trust -r {HARBOR} --ca-file {authority.ca_file}"
    assert found.command.count("sudo install -D -m 644") == 2

    one = plan_trust(
        Mirror.parse(HARBOR), read_ca(authority.ca_file), [Reader.DOCKER], root=tmp_path
    )
    apply(one)
    assert _ca(authority.ca_file, tmp_path).seen == "installed for both names"

    (tmp_path / "etc/docker/certs.d" / f"{HARBOR}:443" / "ca.crt").unlink()
    assert _ca(authority.ca_file, tmp_path).seen == f"missing for {HARBOR}:443"


def test_another_ca_is_told_and_how_it_is_kept(authority: Authority, tmp_path: Path) -> None:
    folder = tmp_path / "etc/docker/certs.d" / f"{HARBOR}:443"
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(Authority(tmp_path / "old").ca_file.read_bytes())
    found = _ca(authority.ca_file, tmp_path)
    assert (found.state, found.seen) == (State.WARN, "another CA is installed there")
    assert f"sudo cp -a {folder}/ca.crt {folder}/ca.crt.bak" in found.command


def test_an_installation_that_is_chosen_is_named_as_the_mend(
    authority: Authority, tmp_path: Path
) -> None:
    given = answers(HARBOR, ca_file=authority.ca_file)
    machine = given.admin_machine.model_copy(update={"trust_ca": True})
    found = look(
        lambda one: admin_machine.check_docker_ca(one, tmp_path),
        given.model_copy(update={"admin_machine": machine}),
        environment=NO_DAEMON,
    )
    assert found.mend.startswith("eksa-mirror write")


def test_without_a_ca_file_docker_must_accept_the_registry_as_it_is(
    anonymous_registry: DemoRegistry, tmp_path: Path
) -> None:
    def check(one: Context) -> Finding:
        return admin_machine.check_docker_ca(one, tmp_path)

    given = answers(anonymous_registry.address)
    found = look(check, given, environment=NO_DAEMON)
    assert (found.state, found.code) == (State.WARN, Code.TLS_UNTRUSTED)
    ca = read_ca(anonymous_registry.ca_file)
    apply(plan_trust(Mirror.parse(given.registry.address), ca, [Reader.DOCKER], root=tmp_path))
    assert look(check, given, environment=NO_DAEMON).state is State.PASS


def test_half_of_a_client_certificate_fails_and_the_ca_waits_for_it(
    authority: Authority, tmp_path: Path
) -> None:
    assert _stray(tmp_path).state is State.PASS
    folder = tmp_path / "etc/docker/certs.d" / f"{HARBOR}:443"
    folder.mkdir(parents=True)
    (folder / "client.cert").touch()
    found = _stray(tmp_path)
    assert (found.state, found.code) == (State.FAIL, Code.CLIENT_KEY_MISSING)
    assert found.seen == "client.cert has no client.key"
    assert found.command == f"ls -la {folder}"
    waiting = _ca(authority.ca_file, tmp_path)
    assert (waiting.state, waiting.seen) == (State.SKIPPED, "waits for Stray files")
    (folder / "client.key").touch()
    assert _stray(tmp_path).state is State.PASS


def test_a_ca_file_that_cannot_be_used_is_told(authority: Authority, tmp_path: Path) -> None:
    assert _ca(tmp_path / "none.crt", tmp_path).seen == "waits for CA file"
    found = _ca(authority.issue("key").key_file, tmp_path)
    assert (found.state, found.code) == (State.FAIL, Code.CA_FILE_INVALID)


def test_docker_is_logged_in_only_with_every_name(folder: Path) -> None:
    environment = {"DOCKER_CONFIG": str(folder), "PATH": ""}
    config = folder / "config.json"
    robot = {"auth": base64.b64encode(b"robot$a+b:hunter2").decode()}

    def check() -> Finding:
        found = look(
            admin_machine.check_docker_login, answers(HARBOR), login("robot$a+b"), environment
        )
        assert "hunter2" not in str(found)
        return found

    missing = check()
    assert (missing.state, missing.seen) == (State.WARN, "not logged in")
    assert missing.command == f"docker login {HARBOR}:443 --username 'robot$a+b'"
    config.write_text(json.dumps({"auths": {HARBOR: robot}}))
    assert check().seen == f"logged in to {HARBOR} only"
    config.write_text(json.dumps({"auths": {HARBOR: robot, f"https://{HARBOR}:443/v2/": robot}}))
    assert (check().state, check().seen) == (State.PASS, "logged in as robot$a+b")
    config.write_text("{")
    assert check().code == Code.CREDENTIALS_UNREADABLE
    config.write_text(json.dumps({"credsStore": "none"}))
    assert check().state is State.FAIL


def test_without_a_login_there_is_nothing_to_keep() -> None:
    found = look(admin_machine.check_docker_login, answers(HARBOR))
    assert (found.state, found.seen) == (State.SKIPPED, "no login is used")


@pytest.mark.parametrize(
    ("said", "status", "release", "state", "seen"),
    [
        ("Version: v0.26.0", 0, "v0.26.0", State.PASS, "v0.26.0, fits the bundle"),
        (
            "Version: v0.25.2\nRelease Manifest URL: https://x/v9.9.9",
            0,
            "v0.26.0",
            State.WARN,
            "v0.25.2, the bundle asks for v0.26.0",
        ),
        ("v0.26.1-dev", 0, "", State.PASS, "v0.26.1"),
        (
            "unknown command anywhere",
            1,
            "v0.26.0",
            State.WARN,
            "eksctl anywhere does not tell its version",
        ),
    ],
)
def test_eksctl_must_be_of_the_release_of_the_bundle(
    *,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    status: int,
    release: str,
    state: State,
    seen: str,
) -> None:
    program = folder / "eksctl"
    program.write_text(
        f'#!/bin/sh\n[ "$1 $2" = "anywhere version" ] || exit 9\nprintf "%s" "{said}"\n'
        f"exit {status}\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(admin_machine, "_release", lambda _: release.removeprefix("v"))
    found = look(
        admin_machine.check_eksctl, answers(HARBOR), environment={"PATH": f"{folder}:/bin"}
    )
    assert (found.state, found.seen) == (state, seen)


def test_without_eksctl_there_is_nothing_to_say(folder: Path) -> None:
    found = look(admin_machine.check_eksctl, answers(HARBOR), environment={"PATH": str(folder)})
    assert (found.state, found.seen) == (State.SKIPPED, "eksctl is not installed here")


def test_without_docker_a_pull_is_no_failure_of_the_checks(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else `check` would end with 3 on the machines that imports are made for."""
    image = Reference.parse("public.ecr.aws/eks-distro/kubernetes/pause:v1.33")
    monkeypatch.setattr(admin_machine, "_small_images", lambda _: [image])
    without = {"PATH": str(folder), "DOCKER_CONFIG": str(folder)}

    found = look(admin_machine.check_docker_pull, answers(HARBOR), environment=without)

    assert (found.state, found.seen) == (State.SKIPPED, "docker is not installed here")


def test_a_pull_is_not_tried_before_artifacts_are_named() -> None:
    found = look(admin_machine.check_docker_pull, answers(HARBOR))
    assert (found.state, found.seen) == (State.SKIPPED, "no artifacts are named yet")


def _docker(**environment: str) -> Finding:
    with context(answers(HARBOR), environment={"PATH": "/usr/bin", **environment}) as one:
        return admin_machine.check_docker(one)


def _ca(ca_file: Path, root: Path) -> Finding:
    return look(
        lambda one: admin_machine.check_docker_ca(one, root),
        answers(HARBOR, ca_file=ca_file),
        environment=NO_DAEMON,
    )


def _stray(root: Path) -> Finding:
    return look(
        lambda one: admin_machine.check_stray_files(one, root),
        answers(HARBOR),
        environment=NO_DAEMON,
    )
