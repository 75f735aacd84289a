"""The tarball changes or vanishes while it is imported: nothing wrong gets into the mirror."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import ExitCode
from core.transfer.states import ArtifactState
from tests.chaos.conftest import When
from tests.core.transfer.running import Import
from tests.faults.conftest import Tarball
from tests.faults.scripts import On
from tests.faults.truth import Truth
from tests.fixtures.proxy import Handler, Proxy


@pytest.fixture
def archive(tmp_path: Path, tarball: Tarball) -> Path:
    return Path(shutil.copy2(tarball.archive, tmp_path / "images.tar"))


@pytest.fixture
def own(work: Import, archive: Path) -> Import:
    """An import of a tarball that no other test reads."""
    work.artifacts = work.artifacts.model_copy(update={"archive": archive})
    return work


def cut_off(archive: Path) -> None:
    with archive.open("r+b") as file:
        file.truncate(archive.stat().st_size // 3)


def overwritten(archive: Path) -> None:
    """By another copy that goes on, or by a failing disk."""
    with archive.open("r+b") as file:
        file.seek(archive.stat().st_size // 3)
        file.write(b"\xa5" * (archive.stat().st_size // 2))


def emptied(archive: Path) -> None:
    archive.write_bytes(b"")


AT = On("PATCH", "/blobs/uploads/", after=1)


@pytest.mark.parametrize("change", [cut_off, overwritten, emptied])
def test_an_archive_that_is_written_to_is_noticed_and_nothing_wrong_arrives(
    change: Callable[[Path], None],
    own: Import,
    archive: Path,
    tarball: Tarball,
    truth: Truth,
    counting_proxy: Proxy,
) -> None:
    counting_proxy.handler = when = When(On(AT.method, AT.path, AT.after), lambda: change(archive))

    assert own.run() in (ExitCode.SOME_FAILED, ExitCode.USAGE)

    assert when.on.struck
    failed = [row for row in own.rows if row.state is ArtifactState.FAILED]
    assert failed
    assert {row.code for row in failed} <= {
        "archive-changed",
        "archive-damaged",
        "archive-truncated",
    }
    assert all(row.mend for row in failed)
    truth.confirms(own.rows)
    counting_proxy.handler = Handler()
    shutil.copy2(tarball.archive, archive)
    assert own.run() is ExitCode.DONE, "the first file is back, with its time"
    truth.confirms(own.rows)


def replaced(archive: Path) -> None:
    other = archive.with_name("other.tar")
    other.write_bytes(b"another tarball")
    other.replace(archive)


@pytest.mark.parametrize("change", [Path.unlink, replaced])
def test_an_archive_that_is_removed_is_read_to_its_end_and_missed_by_the_next_run(
    change: Callable[[Path], None],
    own: Import,
    archive: Path,
    truth: Truth,
    counting_proxy: Proxy,
) -> None:
    """Whoever has a file open goes on with it, as the system has it."""
    counting_proxy.handler = When(On(AT.method, AT.path, AT.after), lambda: change(archive))

    assert own.run() is ExitCode.DONE
    truth.confirms(own.rows)

    assert own.run() is ExitCode.USAGE
    assert own.summary.error["code"] in ("archive-not-found", "archive-unknown-format")
    assert own.summary.error["mend"]
