"""Names for files: backups that replace nothing, and the folder that is there already."""

from pathlib import Path

from core.files import backup_name, nearest_existing


def test_a_backup_replaces_no_older_one_and_no_link_that_leads_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    assert backup_name(file) == tmp_path / "cluster.yaml.bak"
    (tmp_path / "cluster.yaml.bak").write_bytes(b"older")
    (tmp_path / "cluster.yaml.bak2").symlink_to(tmp_path / "unplugged")
    assert backup_name(file) == tmp_path / "cluster.yaml.bak3"


def test_a_folder_that_is_not_made_yet_lies_in_the_nearest_one_that_is(tmp_path: Path) -> None:
    assert nearest_existing(tmp_path / "state" / "jobs") == tmp_path
    assert nearest_existing(tmp_path) == tmp_path
    assert nearest_existing(Path("not-there")) == Path.cwd()
