"""What is still open before the files are written, and what EKS Anywhere would make of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.answers import Answers
from core.checks.finding import Finding, State
from core.checks.words import first_lower
from core.mirror.findings import Finding as Judgement
from core.mirror.findings import Level

REFUSED = "EKS Anywhere would refuse this"
IN_VAIN = "EKS Anywhere takes it, but it will not work"
IMPORT_FAILS = "The import will fail"
THIS_MACHINE = "It concerns this machine, not the files"

_HANDSHAKE = frozenset({"dns", "port", "tls"})
_CERTIFICATE = frozenset({"name", "validity", "signature", "chain", "ca-file", "node-trust"})
"""Checks of what EKS Anywhere asks of the registry before it creates a cluster: it connects, and
has the certificate verified; not where `insecureSkipVerify` is set."""

_IMPORT = ("manifest", "tarball", "disk", "import-trust", "push")
_MACHINE = (
    *("keyring", "docker", "stray-files", "docker-ca", "docker-trust", "docker-login"),
    *("docker-pull", "eksctl"),
)
_OTHER_THINGS = dict.fromkeys(_IMPORT, IMPORT_FAILS) | dict.fromkeys(_MACHINE, THIS_MACHINE)
"""What a failure means that the files have no part in."""

_VERDICTS = {Level.REJECTED: REFUSED, Level.WILL_NOT_WORK: IN_VAIN, Level.CAUTION: ""}
_GROUPS = {
    "endpoint": "Registry",
    "port": "Registry",
    "ociNamespaces": "Namespaces",
    "caCertContent": "Trust",
    "insecureSkipVerify": "Trust",
    "authenticate": "Credentials",
}


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """Something that is to be known before the files are written.

    Attributes:
        group: the heading under which it is mended: `Trust`.
        state: warn or fail.
        text: what it is, without a full stop.
        verdict: what a failure leads to; empty for a warning.
    """

    group: str
    state: State
    text: str
    verdict: str = ""

    @property
    def sentence(self) -> str:
        """All of it on one line, for a report."""
        verdict = f" ({self.verdict})" if self.verdict else ""
        return f"{self.group}: {self.text}{verdict}"


def open_points(
    found: Mapping[str, Sequence[Finding]],
    judgements: Sequence[Judgement],
    answers: Answers,
) -> tuple[OpenPoint, ...]:
    """Every warning and failure, failures first; what writing itself settles is left out.

    Args:
        found: by the checks, under their heading.
        judgements: on the settings that will be written.
        answers: tell what is done on this machine.
    """
    points = [
        _of_finding(group, one, judgements, answers)
        for group, findings in found.items()
        for one in findings
        if one.state in (State.FAIL, State.WARN) and not is_settled_by_writing(one, answers)
    ]
    codes = {one.code for findings in found.values() for one in findings if one.code}
    points += _of_judgements([one for one in judgements if one.code.value not in codes])
    return tuple(sorted(dict.fromkeys(points), key=lambda one: one.state is not State.FAIL))


def is_settled_by_writing(finding: Finding, answers: Answers) -> bool:
    """Whether a warning goes away with what is ticked for this machine."""
    machine = answers.admin_machine
    ticked = {
        "docker-ca": machine.trust_ca,
        "docker-trust": machine.trust_ca,
        "docker-login": machine.docker_login,
    }
    return finding.state is State.WARN and ticked.get(finding.name, False)


def _of_finding(
    group: str, finding: Finding, judgements: Sequence[Judgement], answers: Answers
) -> OpenPoint:
    verdict = _verdict(finding, judgements, answers) if finding.state is State.FAIL else ""
    about = (
        f"{finding.subject}: " if finding.subject and finding.subject not in finding.seen else ""
    )
    return OpenPoint(group, finding.state, about + finding.seen, verdict)


def _verdict(finding: Finding, judgements: Sequence[Judgement], answers: Answers) -> str:
    for one in judgements:
        if one.code.value == finding.code and _VERDICTS[one.level]:
            return _VERDICTS[one.level]
    if finding.name in _OTHER_THINGS:
        return _OTHER_THINGS[finding.name]
    connects = not answers.registry.insecure
    return REFUSED if connects and finding.name in _HANDSHAKE | _CERTIFICATE else IN_VAIN


def _of_judgements(judgements: Sequence[Judgement]) -> Iterator[OpenPoint]:
    for one in judgements:
        state = State.WARN if one.level is Level.CAUTION else State.FAIL
        group = _GROUPS.get(one.field.partition("[")[0].partition(".")[0], "Cluster")
        yield OpenPoint(group, state, first_lower(one.message), _VERDICTS[one.level])
