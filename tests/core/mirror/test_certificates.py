"""Certificates are judged by the rules of EKS Anywhere and of Go."""

import ssl
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from core.mirror.certificates import (
    common_name,
    covers,
    is_ca,
    is_self_signed,
    judge_ca,
    judge_names,
)
from core.mirror.findings import Finding, FindingCode, Level
from tests.core.mirror.pki import DAY, NOW, Made, make

HOST = "harbor.local"
ROOT = make("Root CA")
ISSUING = make("Issuing CA", issuer=ROOT)
SERVER = make(HOST, issuer=ISSUING, ca=False, dns=[HOST])
OWN = make(HOST, ca=False, dns=[HOST])


def judge(
    *content: Made | str, endpoint: str = HOST, verified: bool = True
) -> dict[FindingCode, Finding]:
    text = "".join(one if isinstance(one, str) else one.pem for one in content)
    findings = judge_ca(text, endpoint=endpoint, verified=verified, now=NOW)
    assert len({one.code for one in findings}) == len(findings)
    return {one.code: one for one in findings}


def levels(found: dict[FindingCode, Finding]) -> dict[FindingCode, Level]:
    return {code: one.level for code, one in found.items()}


def test_a_root_alone_is_right() -> None:
    assert judge(ROOT) == {}
    assert judge("some words before\n", ROOT.pem.replace("\n", "\r\n")) == {}


@pytest.mark.parametrize(
    "content",
    ["", "/etc/ssl/ca.crt", "MIIB", ROOT.certificate.public_bytes(Encoding.DER).hex()],
    ids=["nothing", "a-path", "base64", "der-as-hex"],
)
def test_what_holds_no_certificate_is_rejected(content: str) -> None:
    (finding,) = judge(content).values()
    assert finding.code is FindingCode.CA_UNREADABLE
    assert finding.level is Level.REJECTED
    assert finding.upstream == ("invalid registry certificate: failed to parse certificate PEM")


@pytest.mark.parametrize("which", [0, 1], ids=["issuer", "subject"])
def test_a_certificate_with_a_name_that_is_no_text_is_rejected(which: int) -> None:
    name = common_name(ROOT.certificate).encode()
    der = bytearray(ROOT.certificate.public_bytes(Encoding.DER))
    place = der.index(name) if which == 0 else der.rindex(name)
    der[place] = 0xFF
    (finding,) = judge(ssl.DER_cert_to_PEM_cert(bytes(der))).values()
    assert "not a certificate" in finding.message


@pytest.mark.parametrize(
    "block",
    [
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n\u00e4\n-----END CERTIFICATE-----\n",
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n",
        ROOT.pem.replace("MII", "MIJ", 1),
    ],
    ids=["too-short", "no-base64", "a-public-key", "a-broken-certificate"],
)
def test_a_first_block_that_is_no_certificate_is_rejected(block: str) -> None:
    (finding,) = judge(block, ROOT).values()
    assert finding.code is FindingCode.CA_UNREADABLE
    assert finding.upstream.startswith(
        "invalid registry certificate: failed to parse certificate: "
    )


def test_a_private_key_is_never_let_pass() -> None:
    after = judge(ROOT, ROOT.key_pem)
    assert levels(after) == {FindingCode.CA_PRIVATE_KEY: Level.WILL_NOT_WORK}
    before = judge(ROOT.key_pem, ROOT)
    assert levels(before) == {FindingCode.CA_PRIVATE_KEY: Level.REJECTED}
    assert ROOT.key_pem.splitlines()[1] not in str(after) + str(before)
    assert levels(judge(ROOT, ROOT.key_pem, verified=False)) == levels(after)


def test_the_registrys_own_certificate_in_front_works_only_until_it_is_replaced() -> None:
    found = judge(SERVER, ISSUING, ROOT)
    assert levels(found) == {FindingCode.CA_NOT_A_CA: Level.WILL_NOT_WORK}
    assert "Use the root “Root CA” alone." in found[FindingCode.CA_NOT_A_CA].mend
    alone = judge(SERVER)[FindingCode.CA_NOT_A_CA]
    assert "“Issuing CA”" in alone.mend


def test_another_servers_certificate_in_front_is_rejected() -> None:
    found = judge(SERVER, ISSUING, ROOT, endpoint="another.example")
    assert found[FindingCode.CA_NOT_A_CA].level is Level.REJECTED


def test_an_intermediate_in_front_hides_the_root() -> None:
    found = judge(ISSUING, ROOT)
    assert levels(found) == {FindingCode.CA_WRONG_ORDER: Level.WILL_NOT_WORK}
    assert "“Root CA”" in found[FindingCode.CA_WRONG_ORDER].mend
    assert levels(judge(ISSUING)) == {FindingCode.CA_WRONG_ORDER: Level.CAUTION}


def test_of_several_certificates_only_the_first_counts() -> None:
    found = judge(ROOT, ISSUING)
    assert levels(found) == {FindingCode.CA_ONLY_FIRST_USED: Level.CAUTION}
    assert "2 certificates" in found[FindingCode.CA_ONLY_FIRST_USED].message


def test_a_certificate_that_signed_itself_is_taken_with_a_word() -> None:
    assert levels(judge(OWN)) == {FindingCode.CA_NOT_A_CA: Level.CAUTION}
    without = make("other", ca=None, dns=[HOST])
    assert levels(judge(without)) == {FindingCode.CA_NOT_A_CA: Level.CAUTION}


@pytest.mark.parametrize(
    ("days", "code", "level"),
    [
        (-1, FindingCode.CERTIFICATE_EXPIRED, Level.REJECTED),
        (1, FindingCode.CERTIFICATE_EXPIRES_SOON, Level.CAUTION),
        (29, FindingCode.CERTIFICATE_EXPIRES_SOON, Level.CAUTION),
    ],
)
def test_the_end_of_a_certificate_is_minded(days: int, code: FindingCode, level: Level) -> None:
    found = judge(make("Root CA", end=NOW + days * DAY))
    assert levels(found) == {code: level}
    assert f"{NOW + days * DAY:%Y-%m-%d}" in found[code].message


def test_a_certificate_that_ends_later_is_right() -> None:
    ending = make("Root CA", end=NOW + 31 * DAY)
    assert judge(ending) == {}
    wide = judge_ca(ending.pem, endpoint=HOST, now=NOW, notice=timedelta(days=120))
    assert [one.code for one in wide] == [FindingCode.CERTIFICATE_EXPIRES_SOON]


def test_a_certificate_that_has_not_begun_is_rejected() -> None:
    found = judge(make("Root CA", begin=NOW + DAY))
    assert levels(found) == {FindingCode.CERTIFICATE_NOT_YET_VALID: Level.REJECTED}


def test_a_servers_own_certificate_needs_a_san() -> None:
    for without in (make(HOST, ca=False), make(HOST, ca=True), make(HOST.upper(), ca=True)):
        finding = judge(without)[FindingCode.CERTIFICATE_WITHOUT_SAN]
        assert finding.level is Level.REJECTED
        assert "legacy Common Name" in finding.upstream
    assert FindingCode.CERTIFICATE_WITHOUT_SAN not in judge(OWN)
    assert FindingCode.CERTIFICATE_WITHOUT_SAN not in judge(ROOT)


def test_a_servers_own_certificate_must_be_made_for_the_endpoint() -> None:
    finding = judge(OWN, endpoint="10.0.0.5")[FindingCode.CERTIFICATE_NAME_MISMATCH]
    assert "harbor.local, not for 10.0.0.5" in finding.message
    assert FindingCode.CERTIFICATE_NAME_MISMATCH not in judge(OWN)


@pytest.mark.parametrize(
    ("endpoint", "covered"),
    [
        ("harbor.local", True),
        ("HARBOR.local.", True),
        ("x.wild.local", True),
        ("wild.local", False),
        ("a.b.wild.local", False),
        ("10.0.0.5", True),
        ("10.0.0.6", False),
        ("fd00::1", True),
        ("fd00:0::0001", True),
        ("local", False),
        ("", False),
    ],
)
def test_names_are_compared_as_go_does_it(endpoint: str, covered: bool) -> None:
    certificate = make(
        "x", ca=False, dns=["harbor.local", "*.wild.local", "10.0.0.6"], ip=["10.0.0.5", "fd00::1"]
    ).certificate
    assert covers(certificate, endpoint) is covered
    assert bool(list(judge_names(certificate, endpoint, "f"))) is not covered


def test_sha_1_is_minded_more_where_it_is_checked() -> None:
    root = make("Old Root", sha1=True)
    assert is_self_signed(root.certificate)
    assert levels(judge(root)) == {FindingCode.CERTIFICATE_SHA1: Level.CAUTION}
    signed = make("Old Issuing", issuer=make("Other Root", sha1=True), sha1=True)
    assert levels(judge(signed)) == {
        FindingCode.CERTIFICATE_SHA1: Level.WILL_NOT_WORK,
        FindingCode.CA_WRONG_ORDER: Level.CAUTION,
    }
    assert FindingCode.CERTIFICATE_SHA1 not in judge(make("New Issuing", issuer=ROOT))


def test_where_certificates_are_not_checked_everything_is_a_word_of_caution() -> None:
    for content in (SERVER, make("Root CA", end=NOW - DAY), make(HOST, ca=False)):
        found = judge(content, verified=False)
        assert found
        assert set(levels(found).values()) == {Level.CAUTION}
        assert not any(one.upstream for one in found.values())
    unreadable = judge("text", verified=False)
    assert levels(unreadable) == {FindingCode.CA_UNREADABLE: Level.WILL_NOT_WORK}


def test_a_ca_is_told_by_its_constraints() -> None:
    assert is_ca(ROOT.certificate)
    assert is_ca(ISSUING.certificate)
    assert not is_ca(SERVER.certificate)
    assert not is_ca(make("x", ca=None).certificate)
    assert not is_self_signed(ISSUING.certificate)


def test_a_subject_without_a_common_name_is_shown_whole() -> None:
    nameless = make("", end=NOW - DAY)
    assert judge(nameless)[FindingCode.CERTIFICATE_EXPIRED]
