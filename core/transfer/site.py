"""Everything that the answers put on this machine: planned first, shown, then written.

The files for `eksctl anywhere`, the answers beside them, the CA for docker, and docker's login.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.answers import Answers
from core.answers.commands import without_the_wizard
from core.errors import Code, EksaMirrorError, MachineError, MirrorError, RegistryError
from core.files import write_atomically
from core.host.certs_d import Reader, read_ca, registry_names
from core.host.docker_login import logged_in_as
from core.host.docker_readers import readers_here
from core.host.docker_trust import Change as TrustChange
from core.host.docker_trust import Step, TrustPlan, apply, plan_trust
from core.host.trust_script import shell_script
from core.mirror.cluster_file import ClusterFile
from core.mirror.fragment import fragment
from core.mirror.outputs import (
    ANSWERS_NAME,
    Change,
    Login,
    PlannedFile,
    Role,
    environment_has_login,
    plan_outputs,
    with_default_outputs,
    write_outputs,
)
from core.registry.credentials import Credentials
from core.transfer.settings import mirror_of
from core.transfer.settled import Settled, settle

SCRIPT_NAME = "trust-docker.sh"

_NEEDS = {
    Role.FRAGMENT: "the fragment",
    Role.CLUSTER: "the mirror is in it already",
    Role.ENVIRONMENT: "variables for the shell",
    Role.ANSWERS: "your answers, no passwords",
}


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A file of the site, and what becomes of it.

    Attributes:
        path: where it goes.
        change: what becomes of it.
        need: what it is, or what it takes: `sudo`, `keeps cluster.yaml.bak`.
        output: where it is one for `eksctl anywhere`, or the answers.
        step: where it is docker's trust.
        content: what docker's file holds then.
    """

    path: Path
    change: Change
    need: str
    output: PlannedFile | None = None
    step: Step | None = None
    content: bytes = b""

    def shown(self) -> str:
        """What it will hold; of a file that is there, what changes. No password is in it."""
        if self.output is None:
            return self.content.decode("ascii", "replace")
        secret = self.output.role is Role.ENVIRONMENT
        if self.change in (Change.NEW, Change.SAME) and not secret:
            return self.output.after.decode("utf-8", "replace")
        return self.output.difference()


@dataclass(frozen=True, slots=True)
class Site:
    """What would be written for the answers of a moment.

    Attributes:
        answers: with the places of all files.
        settled: the settings, and what is wrong with them.
        fragment: as it is written.
        files: in the order in which they are written.
        trust: docker's trust; None where it is left alone.
        docker_user: who docker is to be logged in as; empty where nobody is.
        logged_in: whether docker is that already.
        troubles: files that cannot be planned, and why.
        commands: the same without the wizard.
    """

    answers: Answers
    settled: Settled
    fragment: str
    files: tuple[SiteFile, ...]
    trust: TrustPlan | None
    docker_user: str
    logged_in: bool
    troubles: tuple[EksaMirrorError, ...]
    commands: tuple[str, ...]

    @property
    def to_write(self) -> tuple[SiteFile, ...]:
        """The files that change."""
        return tuple(one for one in self.files if one.change is not Change.SAME)

    @property
    def answers_file(self) -> Path:
        """Where the answers go."""
        return _answers_file(self.answers)

    @property
    def registry_names(self) -> tuple[str, ...]:
        """Under which docker knows the registry."""
        return registry_names(mirror_of(self.answers))


def plan_site(
    answers: Answers,
    credentials: Credentials | None,
    folder: Path,
    *,
    environment: Mapping[str, str] = os.environ,
    readers: Sequence[Reader] | None = None,
    root: Path = Path("/"),
) -> Site:
    """Look at all files, and touch none. It may ask docker: not for the thread of a screen.

    Args:
        credentials: the login for the registry; None for an anonymous client.
        folder: where files go that have no other place.
        environment: of this shell.
        readers: whose trust is meant; those of this machine where None.
        root: folder that stands for `/`, for tests.

    Raises:
        EksaMirrorError: the settings cannot be made of these answers.
    """
    placed = with_default_outputs(answers, folder)
    troubles: list[EksaMirrorError] = []
    cluster = _cluster(placed, troubles)
    settled = settle(
        placed,
        cluster.chosen() if cluster else (),
        login_is_set_up=True,
        environment=environment,
    )
    outputs = _outputs(placed, settled, cluster, credentials, troubles)
    trust = _trust(placed, environment, readers, root, troubles)
    user, logged_in = _docker_login(placed, credentials, environment, troubles)
    return Site(
        placed,
        settled,
        fragment(settled.configuration),
        (*map(_of_output, outputs), *_of_trust(trust)),
        trust,
        user,
        logged_in,
        tuple(troubles),
        without_the_wizard(
            placed,
            _answers_file(placed),
            folder,
            trust_needs_root=bool(trust and trust.needs_root),
            docker_names=registry_names(mirror_of(placed)),
        ),
    )


def write_file(file: SiteFile) -> str:
    """Write one of the files for `eksctl anywhere`, or the answers.

    Returns:
        The command that undoes it; empty where nothing changed.

    Raises:
        MirrorError: `file-changed`, `file-not-written`; the file is then as it was.
    """
    written = write_outputs([file.output]) if file.output else ()
    return written[0].undo if written else ""


def install_trust(plan: TrustPlan) -> None:
    """Install the CA for docker with the rights of this account.

    Raises:
        MachineError: `needs-root`, `client-key-missing`, `file-not-written`.
    """
    apply(plan)


def trust_is_installed(
    site: Site,
    *,
    environment: Mapping[str, str] = os.environ,
    readers: Sequence[Reader] | None = None,
    root: Path = Path("/"),
) -> bool:
    """Whether docker has the CA now, whoever put it there."""
    troubles: list[EksaMirrorError] = []
    plan = _trust(site.answers, environment, readers, root, troubles)
    return plan is not None and plan.is_settled


def write_trust_script(site: Site) -> Path:
    """For an account without root rights: a script that somebody else runs.

    Raises:
        MachineError: `file-not-written`.
    """
    assert site.trust  # noqa: S101 - only where there is something to install
    path = site.answers_file.with_name(SCRIPT_NAME)
    try:
        write_atomically(path, shell_script(site.trust).encode(), 0o700)
    except OSError as error:
        raise MachineError(
            Code.FILE_NOT_WRITTEN, f"It cannot be written: {error.strerror}.", where=str(path)
        ) from None
    return path


def _answers_file(answers: Answers) -> Path:
    assert answers.output.fragment  # noqa: S101 - `with_default_outputs` saw to it
    return answers.output.fragment.with_name(ANSWERS_NAME)


def _cluster(answers: Answers, troubles: list[EksaMirrorError]) -> ClusterFile | None:
    try:
        return ClusterFile.read(answers.cluster.file) if answers.cluster.file else None
    except EksaMirrorError as error:
        troubles.append(error)
        return None


def _outputs(
    answers: Answers,
    settled: Settled,
    cluster: ClusterFile | None,
    credentials: Credentials | None,
    troubles: list[EksaMirrorError],
) -> tuple[PlannedFile, ...]:
    """A cluster file that cannot be merged is told; the others are written all the same."""
    login = Login()
    if environment_has_login(answers):
        username = answers.credentials.username or (credentials.username if credentials else "")
        wanted = credentials is not None and answers.output.with_password
        login = Login(username, credentials.password if credentials and wanted else None)
    target = _answers_file(answers)

    def plan(merged: ClusterFile | None) -> tuple[PlannedFile, ...]:
        return plan_outputs(
            answers, settled.configuration, cluster=merged, login=login, answers_file=target
        )

    try:
        return plan(cluster)
    except MirrorError as error:
        if cluster is None or error.code is not Code.MANIFEST_INVALID:
            raise
        troubles.append(error)
        return plan(None)


def _trust(
    answers: Answers,
    environment: Mapping[str, str],
    readers: Sequence[Reader] | None,
    root: Path,
    troubles: list[EksaMirrorError],
) -> TrustPlan | None:
    registry = answers.registry
    wanted = answers.admin_machine.trust_ca and registry.ca_file and not registry.plain_http
    if not wanted or registry.ca_file is None or sys.platform == "darwin":
        return None  # docker on macOS takes the keychain's word: `eksa-mirror trust` tells how
    try:
        whom = readers_here(environment) if readers is None else readers
        ca = read_ca(registry.ca_file)
        return plan_trust(mirror_of(answers), ca, whom, environment=environment, root=root)
    except MachineError as error:
        troubles.append(error)
        return None


def _docker_login(
    answers: Answers,
    credentials: Credentials | None,
    environment: Mapping[str, str],
    troubles: list[EksaMirrorError],
) -> tuple[str, bool]:
    if not answers.admin_machine.docker_login:
        return "", False
    if credentials is None:
        troubles.append(
            RegistryError(
                Code.LOGIN_MISSING,
                "Docker cannot be logged in: no login was found.",
                where="docker login",
                cause="The place that the answers name holds no user and password.",
                mend="Give a login in step 4, or untick it in step 7.",
            )
        )
        return "", False
    names = registry_names(mirror_of(answers))
    try:
        users = {logged_in_as(name, environment) for name in names}
    except EksaMirrorError as error:
        troubles.append(error)
        return "", False
    return credentials.username, users == {credentials.username}


def _of_output(planned: PlannedFile) -> SiteFile:
    backup = planned.backup
    need = f"keeps {backup.name}" if backup else _NEEDS[planned.role]
    return SiteFile(planned.path, planned.change, need, output=planned)


def _of_trust(plan: TrustPlan | None) -> list[SiteFile]:
    changes = {TrustChange.NEW: Change.NEW, TrustChange.REPLACE: Change.REPLACE}
    lines = []
    for step in plan.steps if plan else ():
        change = changes.get(step.change, Change.SAME)
        sudo = plan is not None and plan.needs_root and change is not Change.SAME
        words = ["sudo"] if sudo else []
        words += [f"keeps {step.backup.name}"] if step.backup else []
        need = ", ".join(words) or f"for {step.reader.value}"
        lines.append(SiteFile(step.path, change, need, step=step, content=plan.ca if plan else b""))
    return lines
