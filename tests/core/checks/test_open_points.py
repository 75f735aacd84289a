"""What is open before the files are written, in two classes that words tell apart."""

import pytest

from core.answers import AdminMachineAnswers, Answers, RegistryAnswers
from core.checks.finding import Finding, State
from core.checks.open_points import (
    IMPORT_FAILS,
    IN_VAIN,
    REFUSED,
    THIS_MACHINE,
    open_points,
)
from core.mirror.findings import Finding as Judgement
from core.mirror.findings import FindingCode, Level


def finding(name: str, state: State = State.FAIL, code: str = "") -> Finding:
    return Finding(state, f"{name} is not well", code=code, name=name)


def judgement(level: Level, code: FindingCode, field: str) -> Judgement:
    return Judgement(level, code, field, "It is wrong.", "Because.", "Mend it.")


def test_failures_come_first_and_passes_not_at_all() -> None:
    found = {
        "Artifacts": [finding("tarball", State.PASS), finding("images", State.WARN)],
        "Trust": [finding("chain"), finding("docker-trust", State.SKIPPED)],
    }
    points = open_points(found, (), Answers())
    assert [(one.group, one.state) for one in points] == [
        ("Trust", State.FAIL),
        ("Artifacts", State.WARN),
    ]
    assert points[1].verdict == ""


@pytest.mark.parametrize(
    ("name", "insecure", "verdict"),
    [
        ("chain", False, REFUSED),
        ("dns", False, REFUSED),
        ("chain", True, IN_VAIN),
        ("login", False, IN_VAIN),
        ("projects", False, IN_VAIN),
        ("push", False, IMPORT_FAILS),
        ("tarball", True, IMPORT_FAILS),
        ("keyring", False, THIS_MACHINE),
        ("docker", False, THIS_MACHINE),
    ],
)
def test_what_a_failure_leads_to(name: str, insecure: bool, verdict: str) -> None:
    answers = Answers(registry=RegistryAnswers(insecure=insecure))
    (point,) = open_points({"Group": [finding(name)]}, (), answers)
    assert point.verdict == verdict


@pytest.mark.parametrize(
    ("level", "state", "verdict"),
    [
        (Level.REJECTED, State.FAIL, REFUSED),
        (Level.WILL_NOT_WORK, State.FAIL, IN_VAIN),
        (Level.CAUTION, State.WARN, ""),
    ],
)
def test_rules_on_the_settings_are_told_under_the_step_that_mends_them(
    level: Level, state: State, verdict: str
) -> None:
    judged = [judgement(level, FindingCode.REGISTRY_TWICE, "ociNamespaces[1].registry")]
    (point,) = open_points({}, judged, Answers())
    assert (point.group, point.state, point.verdict) == ("Namespaces", state, verdict)
    assert point.text == "it is wrong"


def test_what_a_step_told_already_is_told_once() -> None:
    judged = [judgement(Level.REJECTED, FindingCode.CA_NOT_A_CA, "caCertContent")]
    told = finding("rule", code=FindingCode.CA_NOT_A_CA.value)
    (point,) = open_points({"Cluster": [told]}, judged, Answers())
    assert (point.group, point.verdict) == ("Cluster", REFUSED)


def test_what_writing_settles_is_not_open() -> None:
    found = {
        "Admin machine": [finding("docker-ca", State.WARN), finding("docker-login", State.WARN)]
    }
    ticked = Answers(admin_machine=AdminMachineAnswers(trust_ca=True))
    assert [one.text for one in open_points(found, (), ticked)] == ["docker-login is not well"]
    assert len(open_points(found, (), Answers())) == 2
    failed = {"Admin machine": [finding("docker-ca")]}
    assert len(open_points(failed, (), ticked)) == 1
