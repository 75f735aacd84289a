"""Files for `eksctl anywhere` are planned first, and written all or none."""

import os
import resource
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.answers import Answers
from core.errors import Code, EksaMirrorError, MirrorError, UsageError
from core.mirror.cluster_file import ClusterFile
from core.mirror.fragment import as_mapping, fragment
from core.mirror.outputs import (
    Change,
    PlannedFile,
    Role,
    check_writable,
    plan_outputs,
    write_outputs,
)
from tests.core.mirror.ground import CLUSTER, OTHER, WANTED, Ground


def changes(planned: tuple[PlannedFile, ...]) -> list[Change]:
    return [one.change for one in planned]


def code_of(action: Any, *arguments: Any) -> Code:
    with pytest.raises(EksaMirrorError) as caught:
        action(*arguments)
    return caught.value.code


def test_planning_touches_nothing(ground: Ground) -> None:
    before = ground.content()
    planned = ground.plan()
    assert [one.role for one in planned] == [Role.FRAGMENT, Role.CLUSTER, Role.ENVIRONMENT]
    assert changes(planned) == [Change.NEW, Change.MERGE, Change.NEW]
    assert ground.content() == before


def test_what_was_written_is_the_same_the_next_time(ground: Ground) -> None:
    written = write_outputs(ground.plan())
    assert [one.planned.path for one in written] == [
        ground.fragment,
        ground.cluster,
        ground.environment,
    ]
    assert ground.fragment.read_text() == fragment(WANTED)
    found = ClusterFile.read(ground.cluster).clusters[0].configuration
    assert found is not None
    assert as_mapping(found) == as_mapping(WANTED)
    once = ground.content()
    again = ground.plan()
    assert changes(again) == [Change.SAME] * 3
    assert write_outputs(again) == ()
    assert ground.content() == once


def test_the_difference_is_only_the_mirror(ground: Ground) -> None:
    _, cluster, _ = ground.plan()
    changed = [line for line in cluster.difference().splitlines()[2:] if line[0] in "+-"]
    assert all(line.startswith("+  ") for line in changed)
    assert changed[0] == "+  registryMirrorConfiguration:"
    assert cluster.note == "cluster “mgmt” has no mirror yet, it is added"


def test_the_undo_commands_bring_everything_back(ground: Ground) -> None:
    ground.fragment.write_text("spec: {}\n")
    ground.cluster.chmod(0o640)
    before = ground.content()
    written = write_outputs(ground.plan())
    assert ground.content() != before
    assert [one.backup.name if one.backup else "" for one in written] == [
        "fragment.yaml.bak",
        "cluster.yaml.bak",
        "",
    ]
    for one in written:
        subprocess.run(["sh", "-c", one.undo], check=True)
    assert ground.content() == before
    assert stat.S_IMODE(ground.cluster.stat().st_mode) == 0o640


def test_undo_commands_survive_odd_names(tmp_path: Path) -> None:
    folder = tmp_path / "it's a $site"
    folder.mkdir()
    ground = Ground(folder)
    before = ground.content()
    for one in write_outputs(ground.plan()):
        subprocess.run(["sh", "-c", one.undo], check=True)
    assert ground.content() == before


def test_older_backups_are_kept(ground: Ground) -> None:
    for configuration in (WANTED, OTHER, WANTED):
        write_outputs(ground.plan(configuration))
    assert ground.content()["cluster.yaml.bak"] == CLUSTER.encode()
    assert {"cluster.yaml.bak2", "cluster.yaml.bak3"} <= set(ground.content())


def test_where_a_later_file_fails_the_earlier_ones_are_put_back(ground: Ground) -> None:
    """The last name has room for itself, but not for the file that is written aside."""
    ground.fragment.write_text("spec: {}\n")
    before = ground.content()
    planned = ground.plan(
        sections={
            "output": {"fragment": ground.fragment, "environment": ground.folder / ("e" * 250)},
            "cluster": {"file": ground.cluster},
        }
    )
    assert changes(planned) == [Change.REPLACE, Change.MERGE, Change.NEW]
    with pytest.raises(MirrorError) as caught:
        write_outputs(planned)
    assert caught.value.code is Code.FILE_NOT_WRITTEN
    assert "Nothing was changed." in caught.value.message
    assert "e" * 250 in caught.value.where
    assert ground.content() == before


@contextmanager
def room_for(count: int) -> Iterator[None]:
    """No file may be larger than `count` bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_everything_as_it_was(ground: Ground) -> None:
    """There is room for the small fragment and for the backup, not for the larger cluster file."""
    before = ground.content()
    planned = ground.plan()
    sizes = {one.role: len(one.after) for one in planned}
    assert len(CLUSTER) < sizes[Role.CLUSTER]
    assert sizes[Role.FRAGMENT] < sizes[Role.CLUSTER]
    with room_for(sizes[Role.CLUSTER] - 1), pytest.raises(MirrorError) as caught:
        write_outputs(planned)
    assert caught.value.code is Code.FILE_NOT_WRITTEN
    assert ground.content() == before


@pytest.mark.parametrize("name", ["cluster.yaml", "fragment.yaml"])
def test_a_file_that_changed_in_the_meantime_is_left_alone(ground: Ground, name: str) -> None:
    ground.fragment.write_text("spec: {}\n")
    planned = ground.plan()
    (ground.folder / name).write_text("# somebody was here\n")
    before = ground.content()
    assert code_of(write_outputs, planned) is Code.FILE_CHANGED
    assert ground.content() == before


def test_a_file_that_appeared_in_the_meantime_is_left_alone(ground: Ground) -> None:
    planned = ground.plan()
    ground.environment.write_text("# somebody was here\n")
    before = ground.content()
    assert code_of(write_outputs, planned) is Code.FILE_CHANGED
    assert ground.content() == before


def test_links_stay_links(ground: Ground) -> None:
    real = ground.folder / "real.yaml"
    ground.cluster.rename(real)
    ground.cluster.symlink_to(real.name)
    dangling = ground.folder / "later.yaml"
    ground.fragment.symlink_to(dangling.name)
    written = write_outputs(ground.plan())
    assert ground.cluster.is_symlink()
    assert ground.fragment.is_symlink()
    assert dangling.read_text() == fragment(WANTED)
    assert (ground.folder / "real.yaml.bak").read_text() == CLUSTER
    for one in written:
        subprocess.run(["sh", "-c", one.undo], check=True)
    assert real.read_text() == CLUSTER
    assert not dangling.exists()


def test_a_circle_of_links_is_told(ground: Ground) -> None:
    ground.fragment.symlink_to(ground.fragment.name)
    assert code_of(ground.plan) is Code.FILE_NOT_WRITTEN


def test_nothing_named_is_nothing_to_write(ground: Ground) -> None:
    with pytest.raises(UsageError, match="nothing to write"):
        ground.plan(sections={"registry": {"endpoint": "h"}})


def test_two_outputs_cannot_be_one_file(ground: Ground) -> None:
    (ground.folder / "link").symlink_to(ground.environment.name)
    both = {"fragment": ground.environment, "environment": ground.folder / "link"}
    with pytest.raises(UsageError, match="would replace the fragment"):
        ground.plan(sections={"output": both})


@pytest.mark.parametrize(
    ("section", "field"),
    [("registry", "ca_file"), ("artifacts", "bundles"), ("credentials", "file")],
)
def test_no_output_replaces_what_is_only_read(ground: Ground, section: str, field: str) -> None:
    ground.fragment.write_text("an input\n")
    sections = {"output": {"fragment": ground.fragment}, section: {field: ground.fragment}}
    with pytest.raises(UsageError, match="only read"):
        ground.plan(sections=sections)


def test_a_fragment_never_takes_the_place_of_a_cluster_file(ground: Ground) -> None:
    with pytest.raises(UsageError) as caught:
        ground.plan(sections={"output": {"fragment": ground.cluster}})
    assert f"--cluster-file {ground.cluster}" in caught.value.mend
    assert ground.cluster.read_text() == CLUSTER


def test_only_ordinary_files_are_replaced(ground: Ground) -> None:
    os.mkfifo(ground.fragment)
    assert code_of(ground.plan) is Code.FILE_NOT_WRITTEN
    ground.fragment.unlink()
    ground.fragment.mkdir()
    assert code_of(ground.plan) is Code.FILE_NOT_WRITTEN


def test_a_file_as_large_as_a_tarball_is_not_read(ground: Ground) -> None:
    with ground.fragment.open("wb") as file:
        file.truncate(40 * 2**30)
    with pytest.raises(MirrorError, match="another file"):
        ground.plan()


def test_a_missing_folder_is_told_before_anything_is_written(ground: Ground) -> None:
    far = ground.folder / "no folder" / "eks.env"
    planned = ground.plan(sections={"output": {"fragment": ground.fragment, "environment": far}})
    for action in (check_writable, write_outputs):
        with pytest.raises(MirrorError) as caught:
            action(planned)
        assert caught.value.mend == f"mkdir -p '{far.parent}'"
    assert not ground.fragment.exists()


def test_rights_are_looked_at_before_anything_is_written(ground: Ground) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody without rights: run the tests as root")
    for folder in (ground.folder, *ground.folder.parents):
        folder.chmod(folder.stat().st_mode | 0o055)
    planned = ground.plan()
    # `os.access` asks for the real user, so a child has to become another one.
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        refused = code_of(write_outputs, planned) is Code.FILE_NOT_WRITTEN
        os._exit(0 if refused else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert set(ground.content()) == {"cluster.yaml"}


def test_only_the_named_clusters_get_the_mirror(ground: Ground) -> None:
    second = CLUSTER.replace("mgmt", "work")
    ground.cluster.write_text(CLUSTER + "---\n" + second)
    answers = Answers.model_validate({"cluster": {"file": ground.cluster}})
    file = ClusterFile.read(ground.cluster)
    (planned,) = plan_outputs(answers, WANTED, cluster=file, names=["work"])
    write_outputs((planned,))
    documents = list(yaml.safe_load_all(ground.cluster.read_text()))
    with_mirror = [
        one["metadata"]["name"]
        for one in documents
        if "registryMirrorConfiguration" in one.get("spec", {})
    ]
    assert with_mirror == ["work"]
    assert code_of(lambda: file.chosen(["none"])) is Code.MANIFEST_INVALID
