"""From answers to the mirror's settings, for the verbs that print or write them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from core.answers import Answers
from core.errors import Code, UsageError
from core.mirror.cluster_document import ClusterDocument
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.findings import Finding
from core.mirror.from_answers import configuration_of, judge_answers
from core.mirror.outputs import Login, environment_has_login
from core.transfer.needs import needs_of
from core.transfer.settings import mirror_of
from tui import options


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
) -> Settled:
    """Make the settings, and judge them.

    Args:
        clusters: that will get them.
        login_is_set_up: whether it gets into the shell by other means than this one's variables.

    Raises:
        EksaMirrorError: no registry is named, or a file cannot be used.
    """
    needs = needs_of(answers)
    configuration = configuration_of(answers, mirror_of(answers), os.environ)
    findings = judge_answers(
        answers,
        configuration,
        clusters=clusters,
        release=needs.release,
        upstreams=needs.upstreams,
        environment=None if login_is_set_up else os.environ,
    )
    return Settled(configuration, findings, needs.release)


def login_for_environment(answers: Answers, *, password_stdin: bool = False) -> Login:
    """The login that the environment file shall tell, with its password only where it was asked.

    Raises:
        UsageError: `bad-usage` where no user name is known.
        RegistryError: a source of credentials is broken, or holds no password.
    """
    if not environment_has_login(answers):
        return Login()
    username = answers.credentials.username
    if username and not answers.output.with_password:
        return Login(username)
    found = options.find_login(answers, password_stdin=password_stdin)
    if found is None:
        raise UsageError(
            Code.BAD_USAGE,
            "Nothing tells which user logs in, so the environment file cannot be made.",
            where="--username",
            cause="No flag and no source of credentials names one.",
            mend="Add --username NAME, or leave out --authenticate where no login is wanted.",
        )
    return Login(found.username, found.password if answers.output.with_password else None)
