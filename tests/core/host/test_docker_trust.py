"""Installing a CA for docker in folders of the test's own, and undoing it to the byte."""

import hashlib
import json
import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.demo.certificates import Authority
from core.errors import Code, MachineError
from core.host.certs_d import Reader, halves, read_ca
from core.host.docker_trust import Change, TrustPlan, apply, plan_removal, plan_trust
from core.host.trust_record import RECORD_NAME, read_record
from core.host.trust_script import shell_commands, shell_script
from core.mirror.endpoint import Mirror

HARBOR = Mirror.parse("harbor.site-a.example/eks-a")
OTHER_CA = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

Tree = dict[str, tuple[int, bytes]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Stands for `/`, as a machine with docker has it."""
    root = tmp_path / "root"
    (root / "etc" / "docker").mkdir(parents=True)
    return root


@pytest.fixture
def foreign_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root whose folders belong to somebody else; everybody may look."""
    if os.geteuid() != 0:
        pytest.skip("only root can make folders of somebody else: run the tests as root")
    folder = Path(tmp_path_factory.mktemp("foreign"))
    for path in (folder, *folder.parents[:3]):
        path.chmod(path.stat().st_mode | 0o055)
    (folder / "etc/docker/certs.d").mkdir(parents=True)
    return folder


@pytest.fixture
def ca(authority: Authority) -> bytes:
    return read_ca(authority.ca_file)


def test_port_443_is_installed_under_both_names_and_undone(root: Path, ca: bytes) -> None:
    before = _tree(root)
    plan = _plan(root, ca)
    base = root / "etc/docker/certs.d"
    expected = [base / "harbor.site-a.example", base / "harbor.site-a.example:443"]
    assert [(step.folder, step.change) for step in plan.steps] == [
        (folder, Change.NEW) for folder in expected
    ]
    assert _tree(root) == before, "a plan changes nothing"

    apply(plan)
    for folder in expected:
        assert (folder / "ca.crt").read_bytes() == ca
        assert stat.S_IMODE((folder / "ca.crt").stat().st_mode) == 0o644
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755

    apply(_removal(root))
    assert _tree(root) == before


def test_whatever_the_umask_docker_may_read_it(root: Path, ca: bytes) -> None:
    old = os.umask(0o077)
    try:
        apply(_plan(root, ca))
    finally:
        os.umask(old)
    for path in (root / "etc/docker/certs.d").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644)


def test_installed_twice_is_installed_once(root: Path, ca: bytes) -> None:
    apply(_plan(root, ca))
    once = _tree(root)
    again = _plan(root, ca)
    assert again.is_settled
    assert {step.change for step in again.steps} == {Change.SAME}
    assert {step.change for step in apply(again)} == {Change.SAME}
    assert _tree(root) == once


def test_a_ca_that_is_trusted_there_under_another_name_is_left_alone(root: Path, ca: bytes) -> None:
    folder = _folder(root)
    folder.mkdir(parents=True)
    (folder / "corporate.crt").write_bytes(b"Our CA\r\n" + ca.replace(b"\n", b"\r\n") + OTHER_CA)
    assert [step.change for step in _plan(root, ca).steps] == [Change.SAME, Change.NEW]


def test_another_ca_is_kept_and_comes_back(root: Path, ca: bytes) -> None:
    folder = _folder(root)
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(OTHER_CA)
    (folder / "ca.crt").chmod(0o640)
    (folder / "ca.crt.bak").write_bytes(b"of somebody else")
    before = _tree(root)

    step = _plan(root, ca).steps[0]
    assert (step.change, step.backup) == (Change.REPLACE, folder / "ca.crt.bak2")
    apply(_plan(root, ca))
    assert (folder / "ca.crt").read_bytes() == ca
    assert (folder / "ca.crt.bak2").read_bytes() == OTHER_CA

    removal = _removal(root)
    assert removal.steps[-1].change is Change.RESTORE
    apply(removal)
    assert _tree(root) == before


def test_a_link_is_kept_as_a_link_and_what_it_leads_to_stays(
    root: Path, ca: bytes, tmp_path: Path
) -> None:
    target, folder = tmp_path / "corporate.pem", _folder(root)
    target.write_bytes(OTHER_CA)
    folder.mkdir(parents=True)
    (folder / "ca.crt").symlink_to(target)
    apply(_plan(root, ca))
    assert target.read_bytes() == OTHER_CA
    assert not (folder / "ca.crt").is_symlink()
    apply(_removal(root))
    assert (folder / "ca.crt").readlink() == target


def test_a_new_ca_of_ours_replaces_our_old_one_and_the_first_backup_stays(
    root: Path, ca: bytes, tmp_path: Path
) -> None:
    folder = _folder(root)
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(OTHER_CA)
    before = _tree(root)
    apply(_plan(root, read_ca(Authority(tmp_path / "old").ca_file)))
    renewed = _plan(root, ca)
    assert [(step.change, step.backup) for step in renewed.steps] == [(Change.REPLACE, None)] * 2
    apply(renewed)
    assert (folder / "ca.crt").read_bytes() == ca
    apply(_removal(root))
    assert _tree(root) == before


def test_what_somebody_changed_since_is_not_removed(root: Path, ca: bytes) -> None:
    apply(_plan(root, ca))
    path = _folder(root) / "ca.crt"
    path.write_bytes(OTHER_CA)
    plan = _removal(root)
    assert [step.change for step in plan.steps] == [Change.REMOVE, Change.KEEP]
    apply(plan)
    assert path.read_bytes() == OTHER_CA
    assert not _folder(root, ":443").exists()


def test_nothing_is_removed_that_was_not_installed(root: Path, ca: bytes) -> None:
    folder = _folder(root)
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(ca)
    before = _tree(root)
    plan = _removal(root)
    assert plan.is_settled
    assert {step.change for step in plan.steps} == {Change.NOTHING}
    apply(plan)
    assert _tree(root) == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"sha256": 1, "backup": "", "made": []}',
        b'{"sha256": "a", "backup": "../../passwd", "made": []}',
        b'{"sha256": "a", "backup": "", "made": [1]}',
    ],
)
def test_a_record_that_makes_no_sense_is_none(root: Path, content: bytes) -> None:
    folder = _folder(root)
    folder.mkdir(parents=True)
    (folder / RECORD_NAME).write_bytes(content)
    assert read_record(folder) is None
    assert _removal(root).is_settled


def test_a_record_cannot_have_other_folders_removed(root: Path, ca: bytes, tmp_path: Path) -> None:
    victim = tmp_path / "empty"
    victim.mkdir()
    folder = _folder(root)
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(ca)
    record = {"sha256": hashlib.sha256(ca).hexdigest(), "backup": "", "made": [str(victim)]}
    (folder / RECORD_NAME).write_text(json.dumps(record))
    apply(_removal(root))
    assert victim.is_dir()
    assert not (folder / "ca.crt").exists()


@pytest.mark.parametrize(
    ("name", "other"), [("client.cert", "client.key"), ("client.key", "client.cert")]
)
def test_half_of_a_client_certificate_is_refused(
    root: Path, ca: bytes, name: str, other: str
) -> None:
    folder = _folder(root, ":443")
    folder.mkdir(parents=True)
    (folder / name).touch()
    assert halves(folder) == [folder / name]
    with pytest.raises(MachineError, match=rf"{name} has no {other}") as caught:
        _plan(root, ca)
    assert caught.value.code is Code.CLIENT_KEY_MISSING
    assert caught.value.where == str(folder)
    (folder / other).touch()
    assert not _plan(root, ca).is_settled


def test_one_that_comes_between_plan_and_deed_is_refused(root: Path, ca: bytes) -> None:
    plan = _plan(root, ca)
    folder = _folder(root, ":443")
    folder.mkdir(parents=True)
    (folder / "ca.cert").touch()
    with pytest.raises(MachineError):
        apply(plan)
    assert not (folder / "ca.crt").exists()
    (folder / "ca.cert").unlink()
    apply(_removal(root))
    assert not _folder(root).exists(), "what was done until then can be undone"


def test_a_crash_in_the_middle_loses_nothing(
    root: Path, ca: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is cut off: another run completes it, and a removal brings back what was."""
    folder = _folder(root)
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(OTHER_CA)
    before = _tree(root)
    for last in range(1, 12):
        with monkeypatch.context() as patch:
            ended = _crash_after(last, patch, _plan(root, ca))
        if ended:
            break
        assert OTHER_CA in [path.read_bytes() for path in folder.iterdir()]
        apply(_plan(root, ca))
        assert (folder / "ca.crt").read_bytes() == ca
        apply(_removal(root))
        assert _files_of(_tree(root)) == _files_of(before), "an empty folder may stay"
    else:
        pytest.fail("it was never cut off late enough")
    assert last > 4


def _crash_after(calls: int, patch: pytest.MonkeyPatch, plan: TrustPlan) -> bool:
    """Apply a plan, with the power cut at the given renaming, linking or making of a folder."""
    left = [calls]

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **options: object) -> object:
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt
            return real(*args, **options)

        return call

    for owner, name in ((os, "link"), (Path, "replace"), (Path, "mkdir")):
        patch.setattr(owner, name, counted(getattr(owner, name)))
    try:
        apply(plan)
    except KeyboardInterrupt:
        return False
    return True


def test_without_rights_nothing_is_tried_and_the_commands_are_told(
    foreign_root: Path, ca: bytes
) -> None:
    before = _tree(foreign_root)
    with _as_nobody():
        plan = _plan(foreign_root, ca)
        assert plan.needs_root
        with pytest.raises(MachineError) as caught:
            apply(plan)
    assert caught.value.code is Code.NEEDS_ROOT
    assert _tree(foreign_root) == before
    base = foreign_root / "etc/docker/certs.d"
    assert shell_commands(plan, Path("/srv/my ca.crt")) == [
        f"sudo install -D -m 644 '/srv/my ca.crt' {base}/harbor.site-a.example/ca.crt",
        f"sudo install -D -m 644 '/srv/my ca.crt' {base}/harbor.site-a.example:443/ca.crt",
    ]


def test_a_folder_that_cannot_be_seen_is_for_root(foreign_root: Path, ca: bytes) -> None:
    (foreign_root / "etc/docker").chmod(0o700)
    with _as_nobody():
        assert _plan(foreign_root, ca).needs_root
        with pytest.raises(MachineError) as caught:
            _removal(foreign_root)
    assert caught.value.code is Code.NEEDS_ROOT, "what is ours cannot be told from what is not"


def test_the_script_does_the_same_and_can_be_undone(root: Path, ca: bytes, tmp_path: Path) -> None:
    folder, target = _folder(root), tmp_path / "corporate.pem"
    folder.mkdir(parents=True)
    target.write_bytes(OTHER_CA)
    (folder / "ca.crt").symlink_to(target)
    before = _tree(root)
    script = tmp_path / "trust.sh"
    script.write_text(shell_script(_plan(root, ca)))
    subprocess.run(["sh", "-eu", script], check=True)
    assert target.read_bytes() == OTHER_CA
    for name in ("", ":443"):
        assert (_folder(root, name) / "ca.crt").read_bytes() == ca
    assert _plan(root, ca).is_settled
    done_by_script = _tree(root)

    apply(_removal(root))
    assert _tree(root) == before

    apply(_plan(root, ca))
    assert _tree(root) == done_by_script
    script.write_text(shell_script(_removal(root)))
    subprocess.run(["sh", "-eu", script], check=True)
    assert _tree(root) == before


def test_the_commands_keep_what_is_there(root: Path, ca: bytes) -> None:
    folder = _folder(root)
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(OTHER_CA)
    path = f"{folder}/ca.crt"
    assert shell_commands(_plan(root, ca), Path("ca.crt"))[0] == f"sudo cp -a {path} {path}.bak"
    apply(_plan(root, ca))
    commands = shell_commands(_removal(root), Path("ca.crt"))
    assert commands == [
        f"sudo rm {_folder(root, ':443')}/ca.crt",
        f"sudo mv {path}.bak {path}",
    ]


def test_a_disk_that_cannot_be_written_is_told(
    root: Path, ca: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MachineError, match="No space left on device") as caught:
        apply(_plan(root, ca))
    assert caught.value.code is Code.FILE_NOT_WRITTEN
    assert not list(root.rglob("ca.crt"))


def _plan(root: Path, ca: bytes) -> TrustPlan:
    return plan_trust(HARBOR, ca, [Reader.DOCKER], root=root)


def _removal(root: Path) -> TrustPlan:
    return plan_removal(HARBOR, [Reader.DOCKER], root=root)


def _folder(root: Path, port: str = "") -> Path:
    return root / "etc" / "docker" / "certs.d" / f"harbor.site-a.example{port}"


def _tree(root: Path) -> Tree:
    """Everything below a folder: rights, and content or target."""
    found = {}
    for path in sorted(root.rglob("*")):
        content = b""
        if path.is_symlink():
            content = os.fsencode(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        found[str(path.relative_to(root))] = (path.lstat().st_mode, content)
    return found


def _files_of(tree: Tree) -> Tree:
    return {name: (mode, content) for name, (mode, content) in tree.items() if content}


@contextmanager
def _as_nobody() -> Iterator[None]:
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
