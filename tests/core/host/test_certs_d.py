"""Folders of trust: their names, and what is read out of them."""

import os
from pathlib import Path

import pytest

from core.demo.certificates import Authority
from core.errors import Code, MachineError
from core.host.certs_d import Reader, certs_folder, read_ca, registry_names, trusts
from core.mirror.endpoint import Mirror

OTHER_CA = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Stands for `/`."""
    return tmp_path / "root"


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("h", ("h", "h:443")),
        ("h:443/eks-a", ("h", "h:443")),
        ("h:8443", ("h:8443",)),
        ("fd00::1", ("[fd00::1]", "[fd00::1]:443")),
        ("[fd00::1]:5000", ("[fd00::1]:5000",)),
        ("h:4430", ("h:4430",)),
    ],
)
def test_the_folders_are_named_as_references_begin(address: str, names: tuple[str, ...]) -> None:
    assert registry_names(Mirror.parse(address)) == names


def test_each_reader_has_its_own_folder(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = {"HOME": str(tmp_path / "home")}
    settings = home | {"XDG_CONFIG_HOME": str(tmp_path / "settings")}
    assert certs_folder(Reader.DOCKER, environment=home) == Path("/etc/docker/certs.d")
    assert certs_folder(Reader.DOCKER, root=root) == root / "etc/docker/certs.d"
    rootless = Reader.ROOTLESS_DOCKER
    assert certs_folder(rootless, environment=home) == tmp_path / "home/.config/docker/certs.d"
    assert certs_folder(rootless, environment=settings) == tmp_path / "settings/docker/certs.d"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert certs_folder(Reader.PODMAN, root=root) == root / "etc/containers/certs.d"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    own = tmp_path / "home/.config/containers/certs.d"
    assert certs_folder(Reader.PODMAN, environment=home, root=root) == own


def test_a_ca_file_is_taken_without_what_surrounds_its_certificates(
    authority: Authority, tmp_path: Path
) -> None:
    path = tmp_path / "ca.crt"
    content = authority.ca_file.read_bytes()
    path.write_bytes(b"subject=CN = Root\r\n" + content.replace(b"\n", b"\r\n") + b"\xff\n")
    assert read_ca(path) == content
    path.write_bytes(content + content)
    assert read_ca(path) == content * 2


def test_a_ca_file_that_cannot_be_used_is_told(authority: Authority, tmp_path: Path) -> None:
    certificate = authority.issue("leaf")
    content = authority.ca_file.read_bytes()
    path = tmp_path / "ca.crt"
    for wrong, words in (
        (b"", "no line BEGIN CERTIFICATE"),
        (b"0\x82", "no line BEGIN CERTIFICATE"),
        (content + certificate.key_file.read_bytes(), "holds a private key"),
        (content + OTHER_CA, "Certificate 2 of 2 in it cannot be read"),
        (content.replace(b"MII", b"MIX"), "Certificate 1 of 1 in it cannot be read"),
        (b"x" * (4 * 2**20 + 1), "larger than 4 MiB"),
    ):
        path.write_bytes(wrong)
        with pytest.raises(MachineError, match=words) as caught:
            read_ca(path)
        assert caught.value.code is Code.CA_FILE_INVALID
        assert "PRIVATE KEY-----" not in str(caught.value)
    with pytest.raises(MachineError, match="No such file"):
        read_ca(tmp_path / "none.crt")


def test_two_certificates_are_trusted_only_if_both_are_there(
    authority: Authority, tmp_path: Path
) -> None:
    one, other = read_ca(authority.ca_file), read_ca(Authority(tmp_path / "other").ca_file)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.crt").write_bytes(one)
    assert trusts(folder, one)
    assert not trusts(folder, one + other)
    (folder / "b.crt").write_bytes(other)
    assert trusts(folder, one + other)
    (folder / "b.crt").rename(folder / "b.pem")
    assert not trusts(folder, other)
