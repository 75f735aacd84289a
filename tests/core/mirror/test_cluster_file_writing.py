"""A cluster file is written aside and kept: nothing of it is ever lost."""

import os
from pathlib import Path

import pytest

from core.errors import Code, MirrorError
from core.mirror.cluster_file import difference, write_merged
from tests.core.mirror.cluster_cases import (
    BLOCK,
    HEAD,
    SPEC,
)


def test_the_difference_shows_only_the_lines_that_change() -> None:
    before = (HEAD + SPEC + BLOCK).encode()
    after = (HEAD + SPEC + BLOCK.replace("8443", "5000")).encode()
    changed = [
        line for line in difference(before, after, "c.yaml").splitlines() if line[:1] in "+-"
    ]
    assert changed == ["--- c.yaml", "+++ c.yaml", '-    port: "8443"', '+    port: "5000"']
    assert difference(before, before, "c.yaml") == ""


def test_writing_keeps_the_old_file_and_its_rights(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_bytes(b"old")
    path.chmod(0o640)
    backup = write_merged(path, b"old", b"new")
    assert backup == tmp_path / "cluster.yaml.bak"
    assert (backup.read_bytes(), path.read_bytes()) == (b"old", b"new")
    assert {one.stat().st_mode & 0o777 for one in (backup, path)} == {0o640}
    assert write_merged(path, b"new", b"newer") == tmp_path / "cluster.yaml.bak2"
    assert backup.read_bytes() == b"old"
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "cluster.yaml",
        "cluster.yaml.bak",
        "cluster.yaml.bak2",
    ]


def test_nothing_is_written_where_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_bytes(b"same")
    stamp = path.stat().st_mtime_ns
    assert write_merged(path, b"same", b"same") is None
    assert path.stat().st_mtime_ns == stamp
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_changed_in_the_meantime_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_bytes(b"edited")
    with pytest.raises(MirrorError) as caught:
        write_merged(path, b"old", b"new")
    assert caught.value.code is Code.FILE_CHANGED
    assert path.read_bytes() == b"edited"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_and_its_target_is_written(tmp_path: Path) -> None:
    target = tmp_path / "real" / "cluster.yaml"
    target.parent.mkdir()
    target.write_bytes(b"old")
    link = tmp_path / "link.yaml"
    link.symlink_to(target)
    assert write_merged(link, b"old", b"new") == target.with_name("cluster.yaml.bak")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(MirrorError) as caught:
        write_merged(tmp_path / "missing.yaml", b"old", b"new")
    assert caught.value.code is Code.FILE_NOT_WRITTEN
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    with pytest.raises(MirrorError) as caught:
        write_merged(loop, b"old", b"new")
    assert caught.value.code is Code.FILE_NOT_WRITTEN


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_stays_theirs(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_bytes(b"old")
    os.chown(path, 12345, 12345)
    backup = write_merged(path, b"old", b"new")
    assert backup is not None
    assert {one.stat().st_uid for one in (path, backup)} == {12345}
