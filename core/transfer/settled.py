"""From answers to the mirror's settings, for all that shows, judges or writes them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.answers import Answers
from core.mirror.cluster_document import ClusterDocument
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.findings import Finding
from core.mirror.from_answers import configuration_of, judge_answers
from core.transfer.needs import needs_of
from core.transfer.settings import mirror_of


@dataclass(frozen=True, slots=True)
class Settled:
    """The settings that answers make.

    Attributes:
        configuration: the settings.
        findings: all that is wrong with them, worst first.
        release: of EKS Anywhere, by the bundles manifest; empty where it is not known.
    """

    configuration: RegistryMirrorConfiguration
    findings: tuple[Finding, ...]
    release: str


def settle(
    answers: Answers,
    clusters: Sequence[ClusterDocument] = (),
    *,
    login_is_set_up: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> Settled:
    """Make the settings, and judge them.

    Args:
        clusters: that will get them.
        login_is_set_up: whether it gets into the shell by other means than this one's variables.
        environment: of this shell.

    Raises:
        EksaMirrorError: no registry is named, or a file cannot be used.
    """
    needs = needs_of(answers)
    configuration = configuration_of(answers, mirror_of(answers), environment)
    findings = judge_answers(
        answers,
        configuration,
        clusters=clusters,
        release=needs.release,
        upstreams=needs.upstreams,
        environment=None if login_is_set_up else environment,
    )
    return Settled(configuration, findings, needs.release)
