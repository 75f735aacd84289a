"""What to do once the mirror is filled: commands with this site's values, and what to remember."""

import shlex
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from core.answers import Answers
from core.answers.commands import login_commands, short_path
from core.eksa import BUNDLES_FILE, DOWNLOADS_FOLDER


@dataclass(frozen=True, slots=True)
class NextStep:
    """Something to do on the admin machine.

    Attributes:
        text: what it is, without a full stop.
        commands: to be typed one after the other; no secret is in them.
    """

    text: str
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reminder:
    """Something to keep in mind: a label of at most 16 characters, and a sentence or two."""

    label: str
    text: str


def next_steps(answers: Answers, folder: Path) -> tuple[NextStep, ...]:
    """From a filled mirror to a cluster.

    Args:
        folder: where the operator works; a path below it is written short.
    """
    steps = []
    if answers.credentials.authenticate:
        steps.append(
            NextStep("Give eksctl the registry login", login_commands(answers.credentials.username))
        )
    if answers.cluster.file is None:
        steps.append(_put_fragment_in(answers, folder))
    steps.append(_create(answers, folder))
    return tuple(steps)


def downloads_folder(bundles: Path | None) -> Path | None:
    """The folder that holds `eks-anywhere-downloads`; None where the manifest lies elsewhere."""
    for parent in bundles.parents if bundles else ():
        if parent.name == DOWNLOADS_FOLDER:
            return parent.parent
    return None


def reminders(
    answers: Answers, *, certificate_ends: date | None = None, answers_file: Path | None = None
) -> tuple[Reminder, ...]:
    """What to keep in mind.

    Args:
        certificate_ends: of the registry's own certificate, where it is known.
        answers_file: where the answers were saved, to be used for the next site.
    """
    found = []
    if certificate_ends:
        found.append(
            Reminder(
                certificate_ends.isoformat(),
                "The server certificate ends. Renew it with the same CA.",
            )
        )
    if answers.credentials.authenticate:
        found.append(
            Reminder(
                "Later changes",
                "With a login, an upgrade may not change the mirror. Settle it now.",
            )
        )
    found.append(
        Reminder(
            "Not imported",
            "OS images, HookOS and curated packages. They do not come in this tarball.",
        )
    )
    if answers_file:
        found.append(
            Reminder(
                "The next site",
                f"Begin it with these answers: eksa-mirror wizard --answers {answers_file.name}",
            )
        )
    return tuple(found)


def _put_fragment_in(answers: Answers, folder: Path) -> NextStep:
    file = answers.output.fragment
    name = short_path(file, folder) if file else "the fragment"
    if file and not file.exists():  # Review was left out
        return NextStep(f"Write {name}, and put it into the spec of your cluster file", ())
    command = (f"cat {shlex.quote(name)}",) if file else ()
    return NextStep(f"Put {name} into the spec of your cluster file", command)


def _create(answers: Answers, folder: Path) -> NextStep:
    bundles, cluster = answers.artifacts.bundles, answers.cluster.file
    text, commands, start = "Create the cluster", [], folder
    if bundles and _is_tarball(bundles):  # eksctl reads no manifest out of one
        commands.append(f"tar xf {shlex.quote(short_path(bundles, folder))}")
        bundles = folder / DOWNLOADS_FOLDER / BUNDLES_FILE
    home = downloads_folder(bundles)
    if home:
        text = f"Create the cluster, from the folder that holds {DOWNLOADS_FOLDER}"
        start = home
        if home != folder:
            commands.append(f"cd {shlex.quote(str(home))}")
    file = shlex.quote(short_path(cluster, start)) if cluster else "cluster.yaml"
    command = f"eksctl anywhere create cluster -f {file}"
    if bundles:
        command += f" --bundles-override {shlex.quote(short_path(bundles, start))}"
    return NextStep(text, (*commands, command))


def _is_tarball(bundles: Path) -> bool:
    return bundles.name.endswith((".tar.gz", ".tgz", ".tar"))
