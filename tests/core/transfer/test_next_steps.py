"""What is said once a mirror is filled: commands that fit the site, and no secret in them."""

import shlex
from datetime import date
from pathlib import Path

import pytest

from core.answers import (
    Answers,
    ArtifactAnswers,
    ClusterAnswers,
    CredentialAnswers,
    OutputAnswers,
)
from core.transfer.next_steps import downloads_folder, next_steps, reminders

HERE = Path("/srv/eksa")
BUNDLES = HERE / "eks-anywhere-downloads/bundle-release.yaml"


def answers(
    *,
    bundles: Path | None = BUNDLES,
    cluster: Path | None = HERE / "cluster.yaml",
    user: str = "",
) -> Answers:
    return Answers(
        artifacts=ArtifactAnswers(bundles=bundles),
        cluster=ClusterAnswers(file=cluster),
        credentials=CredentialAnswers(username=user, authenticate=bool(user)),
    )


def test_with_a_login_it_is_given_to_the_shell_first_and_read_at_the_prompt() -> None:
    steps = next_steps(answers(user="robot$eksa-mirror"), HERE)
    assert [one.text for one in steps] == [
        "Give eksctl the registry login",
        "Create the cluster, from the folder that holds eks-anywhere-downloads",
    ]
    assert steps[0].commands == (
        "export REGISTRY_USERNAME='robot$eksa-mirror'",
        "read -rs REGISTRY_PASSWORD && export REGISTRY_PASSWORD",
    )


def test_the_override_is_named_from_the_folder_that_holds_the_downloads() -> None:
    (step,) = next_steps(answers(), HERE)
    (command,) = step.commands
    assert command == (
        "eksctl anywhere create cluster -f cluster.yaml "
        "--bundles-override eks-anywhere-downloads/bundle-release.yaml"
    )


def test_from_elsewhere_the_way_there_is_told_and_the_cluster_file_by_all_its_path() -> None:
    (step,) = next_steps(answers(cluster=Path("/home/op/my cluster.yaml")), Path("/home/op"))
    assert step.commands[0] == "cd /srv/eksa"
    words = shlex.split(step.commands[1])
    assert words[words.index("-f") + 1] == "/home/op/my cluster.yaml"
    assert words[-1] == "eks-anywhere-downloads/bundle-release.yaml"


def test_a_manifest_that_lies_elsewhere_is_named_as_it_is() -> None:
    (step,) = next_steps(answers(bundles=Path("/mnt/usb/bundle-release.yaml")), HERE)
    assert step.text == "Create the cluster"
    assert step.commands[0].endswith("--bundles-override /mnt/usb/bundle-release.yaml")


def test_the_tarball_of_the_downloads_is_unpacked_first_for_eksctl_reads_none() -> None:
    carried = Path("/mnt/my stick/eks-anywhere-downloads.tar.gz")

    (step,) = next_steps(answers(bundles=carried), HERE)

    assert step.text == "Create the cluster, from the folder that holds eks-anywhere-downloads"
    unpack, create = step.commands
    assert unpack == f"tar xf '{carried}'"
    assert create.endswith("--bundles-override eks-anywhere-downloads/bundle-release.yaml")


def test_a_fragment_that_was_never_written_is_not_shown_with_cat(tmp_path: Path) -> None:
    fragment = tmp_path / "registry-mirror.yaml"
    given = answers(cluster=None).model_copy(update={"output": OutputAnswers(fragment=fragment)})

    unwritten = next_steps(given, tmp_path)[0]
    fragment.touch()
    written = next_steps(given, tmp_path)[0]

    assert unwritten.text.startswith("Write registry-mirror.yaml, and put it into")
    assert not unwritten.commands
    assert written.commands == ("cat registry-mirror.yaml",)


def test_without_a_cluster_file_the_fragment_goes_into_one() -> None:
    steps = next_steps(answers(cluster=None), HERE)
    assert "spec of your cluster file" in steps[0].text


@pytest.mark.parametrize(
    ("bundles", "folder"),
    [(BUNDLES, HERE), (Path("/mnt/usb/bundle-release.yaml"), None), (None, None)],
)
def test_the_folder_of_the_downloads(bundles: Path | None, folder: Path | None) -> None:
    assert downloads_folder(bundles) == folder


def test_what_to_keep_in_mind() -> None:
    labels = [
        one.label
        for one in reminders(
            answers(user="robot"),
            certificate_ends=date(2026, 11, 30),
            answers_file=HERE / "answers.yaml",
        )
    ]
    assert labels == ["2026-11-30", "Later changes", "Not imported", "The next site"]
    assert all(len(label) <= 16 for label in labels)
    assert [one.label for one in reminders(answers())] == ["Not imported"]
