"""`trust` where it must not do the deed itself; what it does stands in tests/integration."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.demo.certificates import Authority
from core.errors import Code, ExitCode, MachineError, UsageError
from core.host.certs_d import Reader
from tui.commands.trusting import trust

HOST = "harbor.site-a.example"


@pytest.fixture
def ca_file(authority: Authority) -> Iterator[Path]:
    """A CA file that everybody may read."""
    with tempfile.TemporaryDirectory(prefix="eksa-") as folder:
        Path(folder).chmod(0o755)
        yield Path(shutil.copy(authority.ca_file, Path(folder) / "ca.crt"))


def test_without_rights_it_shows_the_commands_and_changes_nothing(
    ca_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody without rights: run the tests as root")
    os.seteuid(65534)
    try:
        with pytest.raises(MachineError) as caught:
            trust(**_flags(registry_ca_file=ca_file, whom=[Reader.DOCKER], yes=True))
    finally:
        os.seteuid(0)
    assert caught.value.code is Code.NEEDS_ROOT
    told = capsys.readouterr().err
    path = f"/etc/docker/certs.d/{HOST}:443/ca.crt"
    assert f"  + new      {path}\n" in told
    assert f"  $ sudo install -D -m 644 {ca_file} {path}\n" in told
    assert not Path(path).exists()


def test_on_macos_it_shows_what_to_tell_the_keychain(
    ca_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert trust(**_flags(registry_ca_file=ca_file)) == ExitCode.DONE
    assert trust(**_flags(registry_ca_file=ca_file, remove=True)) == ExitCode.DONE
    install, remove = capsys.readouterr().out.splitlines()
    assert install.startswith("sudo security add-trusted-cert ")
    assert remove.startswith("sudo security remove-trusted-cert ")


def test_a_ca_file_must_be_named_to_install_it() -> None:
    with pytest.raises(UsageError, match="No CA file was named"):
        trust(**_flags(whom=[Reader.DOCKER]))


def test_a_script_that_cannot_be_written_is_told(ca_file: Path, tmp_path: Path) -> None:
    with pytest.raises(MachineError) as caught:
        trust(
            **_flags(
                registry_ca_file=ca_file, whom=[Reader.DOCKER], script=tmp_path / "none" / "x.sh"
            )
        )
    assert caught.value.code is Code.FILE_NOT_WRITTEN


def _flags(**given: object) -> dict[str, object]:
    """What typer gives: every flag, those that were not given as None."""
    flags: dict[str, object] = {
        "registry_address": HOST,
        "registry_ca_file": None,
        "credentials_username": None,
    }
    return flags | given
