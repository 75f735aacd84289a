"""The certificate zoo: what is said of each kind, and that nothing is said of what is right."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from core.checks import certificate_checks
from core.checks.context import Context
from core.checks.finding import Finding, State
from core.mirror.findings import FindingCode
from tests.core.checks.looking import answers, climb, look, states
from tests.fixtures.zoo import (
    DAY,
    HOST,
    HOST_6,
    Signer,
    Specimen,
    Zoo,
    ZooServer,
    make_signer,
    with_sha1,
)

CHECKS = {
    "name": certificate_checks.check_name,
    "validity": certificate_checks.check_validity,
    "signature": certificate_checks.check_signature,
    "chain": certificate_checks.check_chain,
}

Kind = Callable[[Zoo], Specimen]


def shown(specimen: Specimen, name: str, host: str = HOST, **registry: object) -> Finding:
    """What one check says of a specimen."""
    with ZooServer(specimen, host=host) as server:
        given = answers(server.address, **({"ca_file": specimen.ca_file} | registry))
        return look(CHECKS[name], given)


@pytest.mark.parametrize(
    ("kind", "failing"),
    [
        (Zoo.good, ()),
        (Zoo.expired, ("validity",)),
        (Zoo.not_yet_valid, ("validity",)),
        (Zoo.ends_soon, ()),
        (Zoo.wrong_san, ("name",)),
        (Zoo.common_name_only, ("name",)),
        (Zoo.ip_as_dns_name, ("name",)),
        (Zoo.sha1, ("signature",)),
        (Zoo.leaf_as_ca, ()),
        (Zoo.self_signed, ()),
        (Zoo.intermediate_missing, ("chain",)),
        (Zoo.wrong_order, ()),
        (Zoo.root_sent, ()),
        (Zoo.from_the_root, ()),
        (Zoo.ip_san, ()),
        (Zoo.other_ca, ()),
    ],
)
def test_each_fault_fails_its_own_check_and_no_other(
    zoo: Zoo, kind: Kind, failing: tuple[str, ...]
) -> None:
    found = {name: shown(kind(zoo), name) for name in CHECKS}
    assert [name for name, one in found.items() if one.state is State.FAIL] == list(failing)
    for one in found.values():
        assert one.seen
        assert one.state is not State.FAIL or (one.cause and one.mend and one.code)


def test_a_name_that_is_covered_is_said(zoo: Zoo) -> None:
    found = shown(zoo.good(), "name")
    assert (found.state, found.seen) == (State.PASS, f"the certificate covers {HOST}")


def test_an_ipv6_address_is_covered_by_an_entry_of_its_own(zoo: Zoo) -> None:
    found = shown(zoo.ipv6(), "name", host=HOST_6)
    assert (found.state, found.seen) == (State.PASS, f"the certificate covers {HOST_6}")
    assert shown(zoo.ip_san(), "name", host=HOST_6).state is State.FAIL


def test_a_wrong_name_lists_those_that_are_covered(zoo: Zoo) -> None:
    found = shown(zoo.wrong_san(), "name")
    assert found.seen == "it covers only harbor.lan, 10.1.2.3"
    assert found.cause == f"{HOST} is not among its names (SAN)."
    assert found.code == FindingCode.CERTIFICATE_NAME_MISMATCH


def test_a_common_name_alone_is_no_name_and_upstream_is_quoted(zoo: Zoo) -> None:
    found = shown(zoo.common_name_only(), "name")
    assert found.seen == "it has no SAN"
    assert any("x509: certificate relies on legacy Common Name field" in d for d in found.details)


def test_an_address_among_the_dns_names_is_explained(zoo: Zoo) -> None:
    found = shown(zoo.ip_as_dns_name(), "name")
    assert found.seen == f"it holds {HOST} as a DNS name, not as an IP address"


def test_dates_are_said(zoo: Zoo) -> None:
    today = datetime.now(UTC)
    ended, begins = (f"{today + days * DAY:%Y-%m-%d}" for days in (-10, 10))
    assert shown(zoo.expired(), "validity").seen == f"the server certificate ended on {ended}"
    early = shown(zoo.not_yet_valid(), "validity")
    assert early.seen == f"the server certificate is not valid before {begins}"
    assert early.command == "date"
    soon = shown(zoo.ends_soon(), "validity")
    assert soon.state is State.WARN
    assert soon.seen.endswith("in 19 days")
    assert shown(zoo.good(), "validity").state is State.PASS


@pytest.mark.parametrize(("days", "state"), [(119, State.WARN), (121, State.PASS)])
def test_120_days_before_the_end_it_is_told(zoo: Zoo, days: int, state: State) -> None:
    assert shown(zoo.good(ends=timedelta(days=days, hours=1)), "validity").state is state


def test_a_clock_that_is_wrong_makes_a_good_certificate_invalid(zoo: Zoo) -> None:
    def last_year(context: Context) -> Finding:
        return certificate_checks.check_validity(context, datetime.now(UTC) - 365 * DAY)

    specimen = zoo.good()
    with ZooServer(specimen) as server:
        found = look(last_year, answers(server.address, ca_file=specimen.ca_file))
    assert found.code == FindingCode.CERTIFICATE_NOT_YET_VALID
    assert "clock" in found.cause


def test_a_root_that_has_ended_is_found_in_the_ca_file(zoo: Zoo) -> None:
    old = make_signer("Old Root CA", ends=-DAY / 2)
    specimen = zoo.specimen([zoo.leaf(signer=old)], ca=[old.certificate])
    found = shown(specimen, "validity")
    assert found.state is State.FAIL
    assert found.seen.startswith("“Old Root CA” ended on ")


def test_a_sha1_signature_is_named(zoo: Zoo) -> None:
    found = shown(zoo.sha1(), "signature")
    assert found.seen == "“registry.zoo.example” is signed with SHA-1"
    assert "SHA-1 with RSA, RSA 2048 bits" in found.details[0]


def test_a_sha1_signature_of_a_root_does_no_harm(zoo: Zoo) -> None:
    root = Signer(with_sha1(zoo.root.certificate, zoo.root.key), zoo.root.key)
    leaf = zoo.leaf(signer=root)
    specimen = zoo.specimen([leaf, root.certificate], ca=[root.certificate])
    found = shown(specimen, "signature")
    assert (found.state, found.seen) == (State.PASS, "SHA-256 with RSA")


def test_a_missing_intermediate_is_named(zoo: Zoo) -> None:
    found = shown(zoo.intermediate_missing(), "chain")
    assert found.seen == "“Zoo Issuing CA”, which signed the certificate, is not sent"
    assert "“Zoo Root CA”" in found.cause


def test_a_missing_intermediate_without_a_ca_file_is_only_a_doubt(zoo: Zoo) -> None:
    found = shown(zoo.intermediate_missing(), "chain", ca_file=None)
    assert (found.state, found.seen) == (State.WARN, "only the server's certificate is sent")


def test_the_wrong_order_is_a_warning(zoo: Zoo) -> None:
    found = shown(zoo.wrong_order(), "chain")
    assert (found.state, found.seen) == (State.WARN, "complete, but sent in the wrong order")


def test_a_complete_chain_says_who_signed_it(zoo: Zoo) -> None:
    assert shown(zoo.good(), "chain").seen == "complete: 2 certificates, signed by “Zoo Root CA”"
    assert shown(zoo.root_sent(), "chain").seen == "complete: 3 certificates"


@pytest.mark.parametrize("kind", [Zoo.expired, Zoo.wrong_san, Zoo.sha1, Zoo.intermediate_missing])
def test_with_skip_verify_a_fault_is_only_information(zoo: Zoo, kind: Kind) -> None:
    specimen = kind(zoo)
    found = [shown(specimen, name, insecure=True) for name in CHECKS]
    assert {one.state for one in found} <= {State.PASS, State.WARN}
    assert any("insecureSkipVerify" in one.effect for one in found)


def test_plain_http_has_no_certificates_and_stops_nobody() -> None:
    with ZooServer(None) as server:
        found = climb(answers(server.address, plain_http=True), *CHECKS, "ca-file", "import-trust")
    assert states(found) == dict.fromkeys((*CHECKS, "ca-file"), "skipped") | {
        "import-trust": "pass"
    }


def test_a_fault_is_told_once_and_what_depends_on_it_waits(zoo: Zoo) -> None:
    specimen = zoo.expired()
    with ZooServer(specimen) as server:
        found = climb(
            answers(server.address, ca_file=specimen.ca_file),
            *("tls", *CHECKS, "ca-file", "import-trust", "node-trust"),
        )
    assert [name for name, one in found.items() if one.state is State.FAIL] == ["validity"]
    assert found["ca-file"].seen == "waits for Validity"
