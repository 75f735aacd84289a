"""Writing the files of Review in a thread: one after the other, each told as it is done."""

from collections.abc import Callable
from dataclasses import dataclass

from core.errors import Code, EksaMirrorError
from core.host.daemon import connect
from core.host.docker_login import docker_login
from core.mirror.outputs import Change
from core.registry.credentials import Credentials
from core.transfer.site import Site, SiteFile, install_trust, trust_is_installed, write_file

LOGIN = "docker login"
"""What stands for docker's login among the paths of files."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file.

    Attributes:
        state: `written`, `failed`, or `needed` where somebody with root rights has to do it.
        told: why, or what is left to do.
        undo: the command that makes it as it was; empty where nothing changed.
        changed: whether somebody else changed it meanwhile.
    """

    state: str
    told: str = ""
    undo: str = ""
    changed: bool = False


def write_site(
    site: Site,
    credentials: Credentials | None,
    rooted: Outcome | None,
    tell: Callable[[str, Outcome], None],
) -> bool:
    """Write all that changes; one that fails does not keep the others.

    Args:
        credentials: for docker's login.
        rooted: what came of asking for root rights; None where none were needed.
        tell: told of each path what became of it.

    Returns:
        Whether nothing failed.
    """
    outcomes = []

    def note(key: str, outcome: Outcome) -> None:
        outcomes.append(outcome)
        tell(key, outcome)

    for file in site.to_write:
        if file.output:
            note(str(file.path), _write(file))
    of_trust = [file for file in site.to_write if file.step]
    if of_trust:
        outcome = _trust(site, rooted)
        for file in of_trust:
            note(str(file.path), outcome)
    if site.docker_user and not site.logged_in and credentials:
        note(LOGIN, _log_in(site, credentials))
    return all(one.state != "failed" for one in outcomes)


def _write(file: SiteFile) -> Outcome:
    try:
        undo = write_file(file)
    except EksaMirrorError as error:
        return Outcome("failed", _reason(error), changed=error.code is Code.FILE_CHANGED)
    kept = file.need if file.change is not Change.NEW else ""
    return Outcome("written", kept, undo)


def _trust(site: Site, rooted: Outcome | None) -> Outcome:
    if rooted and rooted.state != "written":
        return rooted
    assert site.trust  # noqa: S101 - some files are docker's
    try:
        if rooted is None:
            install_trust(site.trust)
    except EksaMirrorError as error:
        return Outcome("failed", _reason(error))
    if not trust_is_installed(site):
        return Outcome("failed", "it is not there after all")
    return Outcome("written", undo="eksa-mirror trust --remove --answers answers.yaml")


def _log_in(site: Site, credentials: Credentials) -> Outcome:
    try:
        with connect() as daemon:
            kept = docker_login(daemon, site.registry_names, credentials)
    except EksaMirrorError as error:
        return Outcome("failed", _reason(error))
    undo = " && ".join(f"docker logout {name}" for name in site.registry_names)
    return Outcome("written", f"kept in {kept}", undo)


def _reason(error: EksaMirrorError) -> str:
    """`no space left`, `no right to write here`, or what was said."""
    message = error.message.replace(" Nothing was changed.", "")
    if "No space left" in message:
        return "no space left"
    if "may not write" in message or "Permission denied" in message:
        return "no right to write here"
    return message.removeprefix("It cannot be written: ").rstrip(".")
