"""The CA file as EKS Anywhere takes it, and a real Go program as witness of how Go judges."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from core.checks import ca_file
from core.checks.chain import read_pem
from core.checks.finding import Finding, State
from core.checks.handshake import go_context, shake_hands
from core.errors import Code
from core.mirror.findings import FindingCode
from tests.core.checks.looking import answers, context, look
from tests.fixtures.tools import need
from tests.fixtures.zoo import (
    DAY,
    HOST,
    HOST_6,
    Signer,
    Specimen,
    Zoo,
    ZooServer,
    key_pem,
    make_signer,
    pem,
    with_sha1,
)

Kind = Callable[[Zoo], Specimen]


def judged(specimen: Specimen, **registry: object) -> Finding:
    with ZooServer(specimen) as server:
        given = answers(server.address, **({"ca_file": specimen.ca_file} | registry))
        return look(ca_file.check_ca_file, given)


def with_file(zoo: Zoo, folder: Path, content: bytes) -> Finding:
    """A well-kept registry, and a CA file with this content."""
    file = folder / "my ca.crt"
    file.write_bytes(content)
    with ZooServer(zoo.good()) as server:
        return look(ca_file.check_ca_file, answers(server.address, ca_file=file))


@pytest.mark.parametrize("kind", [Zoo.good, Zoo.wrong_order, Zoo.root_sent, Zoo.from_the_root])
def test_a_root_that_signs_the_chain_passes(zoo: Zoo, kind: Kind) -> None:
    found = judged(kind(zoo))
    assert (found.state, found.seen) == (State.PASS, "“Zoo Root CA” signs the chain")


def test_a_bundle_that_begins_with_the_root_passes(zoo: Zoo) -> None:
    assert judged(zoo.bundle(first="root")).state is State.PASS


def test_another_authority_fails_and_both_are_named(zoo: Zoo) -> None:
    found = judged(zoo.other_ca())
    assert (found.state, found.seen) == (State.FAIL, "this CA did not sign the chain")
    assert found.cause == "The chain ends in “Zoo Root CA”; the file holds “Other Root CA”."
    assert any(
        "invalid registry certificate: verifying tls connection to host with custom CA" in line
        for line in found.details
    )


def test_only_the_first_certificate_counts(zoo: Zoo, tmp_path: Path) -> None:
    both = pem(zoo.other_root.certificate) + pem(zoo.root.certificate)
    found = with_file(zoo, tmp_path, both)
    assert (found.state, found.seen) == (State.FAIL, "EKS Anywhere would refuse this file")
    assert found.cause == "It reads the first certificate only, “Other Root CA”."
    assert found.mend == "Use “Zoo Root CA” alone."


def test_the_command_that_picks_the_root_works(zoo: Zoo, tmp_path: Path) -> None:
    text = b"subject=/CN=Other\n" + pem(zoo.other_root.certificate)
    found = with_file(zoo, tmp_path, text + b"subject=/CN=Zoo\n" + pem(zoo.root.certificate))
    subprocess.run(found.command, shell=True, check=True, cwd=tmp_path)  # noqa: S602 - the proof
    picked = read_pem((tmp_path / "root.crt").read_bytes())
    assert [one.name for one in picked] == ["Zoo Root CA"]


@pytest.mark.parametrize(
    ("first", "what", "code"),
    [
        ("leaf", "the server's own certificate", FindingCode.CA_NOT_A_CA),
        ("issuing", "an intermediate CA", FindingCode.CA_WRONG_ORDER),
    ],
)
def test_what_is_no_root_is_accepted_with_a_warning(
    zoo: Zoo, first: str, what: str, code: FindingCode
) -> None:
    found = judged(zoo.bundle(first=first))
    assert found.state is State.WARN
    assert found.seen.endswith(f"is {what}")
    assert found.mend == "Use “Zoo Root CA” alone."
    assert found.code == code


def test_a_server_that_vouches_for_itself_is_accepted_with_a_warning(zoo: Zoo) -> None:
    found = judged(zoo.self_signed())
    assert found.state is State.WARN
    assert "server's own certificate" in found.seen


def test_a_private_ca_for_a_public_certificate_fails(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    specimen = zoo.other_ca()
    public = specimen.ca_file.parent / "public.crt"
    public.write_bytes(pem(zoo.root.certificate))
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    found = judged(specimen)
    assert found.seen == "a private CA for a public certificate"
    assert judged(specimen, ca_file=None).state is State.PASS


def test_without_a_file_a_private_authority_fails_in_upstreams_words(zoo: Zoo) -> None:
    found = judged(zoo.good(), ca_file=None)
    assert (found.state, found.seen) == (State.FAIL, "EKS Anywhere would refuse this registry")
    assert found.details[0] == (
        f"EKS Anywhere: registry {HOST} is using self-signed certs, please provide the certificate "
        "using caCertContent field. Or use insecureSkipVerify field to skip registry certificate "
        "verification"
    )


def test_a_private_key_is_refused_and_never_shown(zoo: Zoo, tmp_path: Path) -> None:
    key = key_pem(zoo.root.key)
    for content in (key + pem(zoo.root.certificate), pem(zoo.root.certificate) + key):
        found = with_file(zoo, tmp_path, content)
        assert (found.state, found.seen) == (State.FAIL, "this file holds a private key")
        secret = key.decode().splitlines()[1]
        assert secret not in repr(found)


def test_der_is_told_with_the_command_that_turns_it(zoo: Zoo, tmp_path: Path) -> None:
    found = with_file(zoo, tmp_path, zoo.root.certificate.public_bytes(Encoding.DER))
    assert found.seen == "this file is DER, not PEM"
    subprocess.run(found.command, shell=True, check=True, cwd=tmp_path)  # noqa: S602 - the proof
    assert [one.name for one in read_pem((tmp_path / "ca.crt").read_bytes())] == ["Zoo Root CA"]


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"],
)
def test_a_file_without_a_certificate_fails(zoo: Zoo, tmp_path: Path, content: bytes) -> None:
    found = with_file(zoo, tmp_path, content)
    assert (found.state, found.code) == (State.FAIL, FindingCode.CA_UNREADABLE)
    assert any("failed to parse certificate" in line for line in found.details)


def test_a_file_that_is_not_there_fails(zoo: Zoo, tmp_path: Path) -> None:
    found = judged(zoo.good(), ca_file=tmp_path / "none.crt")
    assert found.code == Code.CA_FILE_INVALID
    assert "no such file" in found.seen


def test_a_file_that_is_far_too_large_fails(zoo: Zoo, tmp_path: Path) -> None:
    found = with_file(zoo, tmp_path, b"x" * (ca_file.MAX_BYTES + 1))
    assert found.code == Code.CA_FILE_INVALID


def test_the_variable_of_eks_anywhere_counts_with_a_warning(zoo: Zoo) -> None:
    specimen = zoo.good()
    with ZooServer(specimen) as server:
        found = look(
            ca_file.check_ca_file,
            answers(server.address),
            environment={"EKSA_REGISTRY_MIRROR_CA": str(specimen.ca_file)},
        )
    assert found.state is State.WARN
    assert "only EKSA_REGISTRY_MIRROR_CA names it" in found.seen
    assert str(specimen.ca_file) in found.mend


def test_with_skip_verify_nodes_accept_anything_and_that_is_said(zoo: Zoo) -> None:
    accepted, refused = judged(zoo.good(), insecure=True), judged(zoo.other_ca(), insecure=True)
    assert accepted.state is refused.state is State.WARN
    assert accepted.details == ("If it were checked: accepted",)
    assert "unable to get local issuer" in refused.details[0]


def test_a_certificate_with_another_fault_points_to_its_check(zoo: Zoo) -> None:
    found = judged(zoo.expired())
    assert found.seen == "EKS Anywhere would refuse this registry"
    assert "the checks above" in found.cause


def test_the_right_root_is_found_in_a_bundle(zoo: Zoo) -> None:
    specimen = zoo.bundle(first="leaf")
    with ZooServer(specimen) as server:
        given = answers(server.address, ca_file=specimen.ca_file)
        with context(given) as made:
            root = ca_file.right_root(made)
    assert root is not None
    assert root.name == "Zoo Root CA"


def _sha1_root(zoo: Zoo) -> Specimen:
    root = Signer(with_sha1(zoo.root.certificate, zoo.root.key), zoo.root.key)
    return zoo.specimen([zoo.leaf(signer=root)], ca=[root.certificate])


def _old_root(zoo: Zoo) -> Specimen:
    root = make_signer("Old Root CA", ends=-DAY / 2)
    return zoo.specimen([zoo.leaf(signer=root)], ca=[root.certificate])


def _issuing_as_ca(zoo: Zoo) -> Specimen:
    leaf = zoo.leaf()
    return zoo.specimen([leaf, zoo.issuing.certificate], ca=[zoo.issuing.certificate])


@pytest.mark.integration
@pytest.mark.parametrize(
    "kind",
    [
        Zoo.good,
        Zoo.expired,
        Zoo.not_yet_valid,
        Zoo.wrong_san,
        Zoo.common_name_only,
        Zoo.ip_as_dns_name,
        Zoo.sha1,
        Zoo.leaf_as_ca,
        Zoo.self_signed,
        Zoo.intermediate_missing,
        Zoo.wrong_order,
        Zoo.root_sent,
        Zoo.from_the_root,
        Zoo.other_ca,
        _sha1_root,
        _old_root,
        _issuing_as_ca,
    ],
)
def test_a_program_in_go_judges_each_certificate_the_same_way(
    zoo: Zoo, kind: Kind, tmp_path: Path
) -> None:
    """skopeo trusts the one certificate beside the system's, as EKS Anywhere the one alone."""
    need("skopeo")
    specimen = kind(zoo)
    first = read_pem(specimen.ca_file.read_bytes())[0]
    (tmp_path / "ca.crt").write_bytes(first.pem)
    with ZooServer(specimen, status=404) as server:
        try:
            shake_hands(HOST, server.server_port, go_context([first.der]), 5)
            accepted = True
        except OSError:
            accepted = False
        said = subprocess.run(
            ["skopeo", "inspect", "--cert-dir", str(tmp_path), f"docker://{server.address}/a/b:c"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        ).stderr
    assert said
    assert accepted is ("x509" not in said), said


def test_an_ipv6_address_is_judged_by_its_entry(zoo: Zoo) -> None:
    specimen = zoo.ipv6()
    with ZooServer(specimen, host=HOST_6) as server:
        given = answers(server.address, ca_file=specimen.ca_file)
        assert look(ca_file.check_ca_file, given).state is State.PASS
