"""EKS-D manifests are found on the disk, wherever the download was unpacked."""

import os
from pathlib import Path

import pytest

from core.release import locate
from core.release.locate import ManifestLocator

FILE = "kubernetes-1-33-eks-30.yaml"
RELATIVE = f"eks-anywhere-downloads/1.33/eks-distro/{FILE}"
HTTPS = f"https://distro.eks.amazonaws.com/kubernetes-1-33/{FILE}"


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def put(path: Path, content: bytes = b"here") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_relative_path_counts_from_the_working_folder(
    tmp_path: Path, working_folder: Path
) -> None:
    put(working_folder / RELATIVE)
    assert ManifestLocator(tmp_path / "elsewhere/bundle-release.yaml")(RELATIVE) == b"here"


def test_a_relative_path_counts_from_the_parent_of_the_bundles_manifest(tmp_path: Path) -> None:
    put(tmp_path / "usb" / RELATIVE)
    bundles = tmp_path / "usb/eks-anywhere-downloads/bundle-release.yaml"
    assert ManifestLocator(bundles)(RELATIVE) == b"here"


def test_a_renamed_downloads_folder_does_no_harm(tmp_path: Path) -> None:
    put(tmp_path / f"usb/renamed/1.33/eks-distro/{FILE}")
    assert ManifestLocator(tmp_path / "usb/renamed/bundle-release.yaml")(RELATIVE) == b"here"


@pytest.mark.parametrize("uri", [HTTPS, f"embed:///testdata/{FILE}", f"http://x/{FILE}?a=b#c"])
@pytest.mark.parametrize(
    "place",
    [FILE, f"1.33/eks-distro/{FILE}", f"eks-anywhere-downloads/1.33/eks-distro/{FILE}"],
)
def test_a_url_is_found_offline_by_its_name(tmp_path: Path, uri: str, place: str) -> None:
    put(tmp_path / "usb" / place)
    assert ManifestLocator(tmp_path / "usb/bundle-release.yaml")(uri) == b"here"


def test_the_precise_path_wins_over_a_file_of_the_same_name(
    tmp_path: Path, working_folder: Path
) -> None:
    put(working_folder / FILE, b"stray")
    put(tmp_path / "usb" / RELATIVE, b"right")
    assert ManifestLocator(tmp_path / "usb/bundle-release.yaml")(RELATIVE) == b"right"


def test_an_absolute_path_is_read(tmp_path: Path) -> None:
    path = put(tmp_path / f"abs/1.33/eks-distro/{FILE}")
    assert ManifestLocator(tmp_path / "usb/bundle-release.yaml")(str(path)) == b"here"


def test_an_absolute_path_of_the_other_machine_is_found_by_its_end(tmp_path: Path) -> None:
    put(tmp_path / f"usb/1.33/eks-distro/{FILE}")
    uri = f"/home/other/eks-anywhere-downloads/1.33/eks-distro/{FILE}"
    assert ManifestLocator(tmp_path / "usb/bundle-release.yaml")(uri) == b"here"


@pytest.mark.parametrize(
    "uri",
    [
        "../secret",
        "../../secret",
        "a/../../secret",
        "eks-anywhere-downloads/../../secret",
        "embed:///../secret",
        "embed://../secret",
        "https://h/../secret",
        "https://h/%2e%2e/secret",
        "https://h/%2e%2e%2fsecret",
        "..",
        ".",
        "/",
        "",
    ],
)
def test_a_path_that_leaves_the_folders_is_not_followed(
    tmp_path: Path, working_folder: Path, uri: str
) -> None:
    put(tmp_path / "secret", b"secret")
    put(tmp_path.parent / "secret", b"secret")
    locator = ManifestLocator(working_folder / "usb/deep/bundle-release.yaml")
    assert locator(uri) is None


def test_a_downloads_folder_beside_the_working_folder_is_found_without_following_dots(
    tmp_path: Path,
) -> None:
    put(tmp_path / f"downloads/1.33/eks-distro/{FILE}")
    locator = ManifestLocator(tmp_path / "downloads/bundle-release.yaml")
    assert locator(f"../downloads/1.33/eks-distro/{FILE}") == b"here"


def test_what_is_no_ordinary_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    locator = ManifestLocator(tmp_path / "bundle-release.yaml")
    for uri in ("folder", "pipe", str(tmp_path / "pipe"), "/dev/zero", "/dev/null"):
        assert locator(uri) is None
    assert "pipe" in locator.explain("pipe")
    assert "not an ordinary file" in locator.explain("pipe")


@pytest.mark.parametrize(
    "uri", ["a\0b", "/a\0b", "a\ud800b", "x" * 5000, "a/" * 5000, "https://[bad/x", "embed://"]
)
def test_odd_names_give_none_and_no_exception(tmp_path: Path, uri: str) -> None:
    locator = ManifestLocator(tmp_path / "bundle-release.yaml")
    assert locator(uri) is None
    assert locator.explain(uri)


def test_a_file_beyond_the_limit_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locate, "MAX_BYTES", 3)
    put(tmp_path / FILE, b"four")
    put(tmp_path / "small.yaml", b"123")
    locator = ManifestLocator(tmp_path / "bundle-release.yaml")
    assert locator(FILE) is None
    assert "larger than" in locator.explain(FILE)
    assert locator("small.yaml") == b"123"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    put(tmp_path / FILE).chmod(0)
    locator = ManifestLocator(tmp_path / "bundle-release.yaml")
    assert locator(FILE) is None
    assert "permission denied" in locator.explain(FILE)


def test_readers_of_a_tarball_are_asked_first_with_shorter_and_shorter_names(
    tmp_path: Path,
) -> None:
    put(tmp_path / FILE, b"disk")
    asked: list[str] = []

    def reader(name: str) -> bytes | None:
        asked.append(name)
        return b"tarball" if name == f"1.33/eks-distro/{FILE}" else None

    locator = ManifestLocator(tmp_path / "downloads.tar.gz", [lambda _: None, reader])
    assert locator(HTTPS) == b"tarball"
    assert asked[0] == HTTPS
    assert locator("other.yaml") is None


def test_the_places_that_were_tried_are_kept_for_each_uri(tmp_path: Path) -> None:
    locator = ManifestLocator(tmp_path / "bundle-release.yaml")
    assert locator(RELATIVE) is None
    assert str(tmp_path / RELATIVE) in locator.tried(RELATIVE)
    assert locator.tried("never asked") == ()
    assert str(tmp_path) in locator.explain(RELATIVE)
    assert FILE in locator.explain(RELATIVE)
