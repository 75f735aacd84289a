"""Trust as the import, docker and the nodes see it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.checks import trust
from core.checks.context import Context
from core.checks.finding import Finding, State
from core.errors import Code
from tests.core.checks.looking import answers, look
from tests.fixtures.zoo import Specimen, Zoo, ZooServer, pem

Kind = Callable[[Zoo], Specimen]
CHECKS = (trust.check_import_trust, trust.check_node_trust)


def judged(check: Callable[[Context], Finding], specimen: Specimen, **registry: object) -> Finding:
    with ZooServer(specimen) as server:
        return look(check, answers(server.address, **({"ca_file": specimen.ca_file} | registry)))


@pytest.mark.parametrize("check", CHECKS)
def test_a_well_kept_registry_is_trusted(zoo: Zoo, check: Callable[[Context], Finding]) -> None:
    assert judged(check, zoo.good()).state is State.PASS


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (Zoo.other_ca, Code.TLS_UNTRUSTED),
        (Zoo.intermediate_missing, Code.TLS_UNTRUSTED),
        (Zoo.expired, Code.TLS_EXPIRED),
        (Zoo.not_yet_valid, Code.TLS_EXPIRED),
        (Zoo.wrong_san, Code.TLS_NAME_MISMATCH),
        (Zoo.common_name_only, Code.TLS_NAME_MISMATCH),
        (Zoo.sha1, Code.TLS_FAILED),
    ],
)
def test_a_fault_is_not_trusted(
    zoo: Zoo, kind: Kind, code: Code, check: Callable[[Context], Finding]
) -> None:
    found = judged(check, kind(zoo))
    assert (found.state, found.code) == (State.FAIL, code)
    assert found.cause.startswith("The certificate is not accepted")
    assert found.mend


def test_the_import_takes_any_certificate_of_the_file(zoo: Zoo) -> None:
    specimen = zoo.bundle(first="leaf")
    assert judged(trust.check_import_trust, specimen).state is State.PASS


@pytest.mark.parametrize("check", CHECKS)
def test_what_is_not_verified_is_a_warning(zoo: Zoo, check: Callable[[Context], Finding]) -> None:
    found = judged(check, zoo.other_ca(), insecure=True)
    assert found.state is State.WARN
    assert found.effect


def test_nodes_do_not_know_this_machines_store(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    specimen = zoo.other_ca()
    public = specimen.ca_file.parent / "public.crt"
    public.write_bytes(pem(zoo.root.certificate))
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    assert judged(trust.check_import_trust, specimen).state is State.PASS
    assert judged(trust.check_node_trust, specimen).state is State.FAIL
    alone = judged(trust.check_node_trust, specimen, ca_file=None)
    assert alone.state is State.PASS
    assert "without a CA file" in alone.seen


def test_without_a_ca_file_nodes_refuse_a_private_authority(zoo: Zoo) -> None:
    found = judged(trust.check_node_trust, zoo.good(), ca_file=None)
    assert (found.state, found.code) == (State.FAIL, Code.TLS_UNTRUSTED)


def as_docker(zoo: Zoo, folder: Path, kind: Kind = Zoo.good) -> Finding:
    def check(context: Context) -> Finding:
        return trust.check_docker_trust(context, folder)

    return judged(check, kind(zoo))


def test_docker_trusts_what_lies_in_its_folder(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(pem(zoo.root.certificate))
    found = as_docker(zoo, tmp_path)
    assert (found.state, found.seen) == (
        State.PASS,
        "docker accepts the certificate, with certs.d",
    )


def test_docker_trusts_the_system_store_too(
    zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    specimen = zoo.good()
    monkeypatch.setenv("SSL_CERT_FILE", str(specimen.ca_file))
    found = as_docker(zoo, tmp_path)
    assert found.seen == "docker accepts the certificate, with the system store"


@pytest.mark.parametrize("name", ["ca.pem", "ca.cer", ""])
def test_docker_overlooks_a_ca_under_another_ending(zoo: Zoo, tmp_path: Path, name: str) -> None:
    if name:
        (tmp_path / name).write_bytes(pem(zoo.root.certificate))
    found = as_docker(zoo, tmp_path)
    assert (found.state, found.code) == (State.WARN, Code.TLS_UNTRUSTED)
    assert "eksa-mirror trust" in found.mend
    assert "import works without docker" in found.effect


def test_docker_refuses_everything_beside_half_a_client_certificate(
    zoo: Zoo, tmp_path: Path
) -> None:
    (tmp_path / "ca.crt").write_bytes(pem(zoo.root.certificate))
    (tmp_path / "client.cert").write_bytes(pem(zoo.root.certificate))
    found = as_docker(zoo, tmp_path)
    assert found.state is State.WARN
    assert "client.cert" in found.seen
    assert "refuses every contact" in found.effect


def test_docker_refuses_for_other_reasons_in_their_words(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(pem(zoo.root.certificate))
    found = as_docker(zoo, tmp_path, Zoo.expired)
    assert (found.state, found.code) == (State.WARN, Code.TLS_EXPIRED)
    assert "eksa-mirror trust" not in found.mend


def test_without_docker_its_trust_is_not_looked_at(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = judged(trust.check_docker_trust, zoo.good())
    assert (found.state, found.seen) == (State.SKIPPED, "docker is not installed here")


def test_docker_is_asked_under_the_name_with_the_port(zoo: Zoo) -> None:
    from tests.core.checks.looking import context

    with context(answers("harbor.site-a.example")) as made:
        folder = trust.docker_folder(made)
    assert folder == Path("/etc/docker/certs.d/harbor.site-a.example:443")


@pytest.mark.parametrize("check", [trust.check_node_trust, trust.check_docker_trust])
def test_plain_http_needs_no_trust(check: Callable[[Context], Finding]) -> None:
    with ZooServer(None) as server:
        assert look(check, answers(server.address, plain_http=True)).state is State.SKIPPED
        found = look(trust.check_import_trust, answers(server.address, plain_http=True))
    assert (found.state, found.seen) == (State.PASS, "plain HTTP, nothing to trust")
