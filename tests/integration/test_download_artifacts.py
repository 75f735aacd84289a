"""The manifests of a release from a real web server, and what our own reader makes of them."""

import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from core.demo.certificates import Authority
from core.demo.sample import Sample
from core.eksa import DOWNLOADS_FOLDER
from core.transfer.inputs import read_requirements
from tests.integration.program import Ended, run
from tests.integration.web import ASSETS, Site, Trouble, published


@pytest.fixture
def site(sample: Sample, authority: Authority) -> Iterator[Site]:
    with Site(published(sample), authority) as running:
        yield running


@pytest.fixture(autouse=True)
def _in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def fetch(site: Site, *more: str | Path) -> Ended:
    return run("download", "artifacts", *site.flags, *more)


def an_eksd_path(site: Site) -> str:
    return min(path for path in site.files if "/eks-distro/kubernetes-" in path)


def test_the_tree_is_that_of_upstream_and_serves_an_import(
    site: Site, sample: Sample, tmp_path: Path
) -> None:
    result = fetch(site, "-r")

    assert result.code == 0, result.err
    folder = tmp_path / DOWNLOADS_FOLDER
    sums = f"{DOWNLOADS_FOLDER}.tar.gz.sha256"
    checked = subprocess.check_output(["sha256sum", "--strict", "-c", sums], text=True)
    assert f"{DOWNLOADS_FOLDER}/bundle-release.yaml: OK" in checked
    theirs = sample.folder / DOWNLOADS_FOLDER
    for path in theirs.rglob("*.yaml"):
        if path.name != "bundle-release.yaml":
            ours = folder / path.relative_to(theirs)
            assert ours.read_bytes() == path.read_bytes()
    rewritten = (folder / "bundle-release.yaml").read_text()
    assert rewritten == (theirs / "bundle-release.yaml").read_text()
    wanted = {one.artifact for one in read_requirements(sample.bundles).artifacts}
    for source in (folder, folder / "bundle-release.yaml", tmp_path / f"{folder.name}.tar.gz"):
        assert {one.artifact for one in read_requirements(source).artifacts} == wanted


def test_the_tarball_holds_the_same_with_folders_and_its_checksums_are_right(
    site: Site, tmp_path: Path
) -> None:
    assert fetch(site).code == 0

    assert not (tmp_path / DOWNLOADS_FOLDER).exists()  # as upstream, unless it is to be kept
    sums = f"{DOWNLOADS_FOLDER}.tar.gz.sha256"
    subprocess.run(["sha256sum", "--strict", "--quiet", "-c", sums], check=True)
    with tarfile.open(f"{DOWNLOADS_FOLDER}.tar.gz") as tar:
        members = tar.getmembers()
        tar.extractall(tmp_path, filter="data")
    assert members[0].isdir()
    assert members[0].name == DOWNLOADS_FOLDER
    assert all(one.name.startswith(DOWNLOADS_FOLDER) for one in members)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [DOWNLOADS_FOLDER, f"{DOWNLOADS_FOLDER}.tar.gz", sums]


@pytest.mark.parametrize("folder", ["elsewhere", "absolute"])
def test_another_folder_keeps_the_name_by_which_upstream_knows_an_air_gap(
    site: Site, tmp_path: Path, folder: str
) -> None:
    given = str(tmp_path / folder) if folder == "absolute" else folder

    assert fetch(site, "-d", given, "-r").code == 0

    bundles = yaml.safe_load((tmp_path / folder / "bundle-release.yaml").read_text())
    for bundle in bundles["spec"]["versionsBundles"]:
        url = bundle["eksD"]["manifestUrl"]
        assert url.startswith(f"{given}/")
        assert DOWNLOADS_FOLDER in url
        assert (tmp_path / url).is_file()
    with tarfile.open(f"{given}.tar.gz") as tar:
        assert all(name.split("/")[0] == folder for name in tar.getnames())
    assert read_requirements(tmp_path / f"{folder}.tar.gz").artifacts


def test_a_dry_run_lists_and_writes_nothing(site: Site, tmp_path: Path) -> None:
    result = fetch(site, "--dry-run")

    assert result.code == 0, result.err
    assert list(tmp_path.iterdir()) == []
    assert f"{ASSETS}/1.33/eks-distro/" in result.out
    assert f" -> {DOWNLOADS_FOLDER}/1.33/eks-distro/kubernetes-1-33-" in result.out
    assert not [path for path in site.asked if path.startswith("/artifacts/")]


def test_an_error_page_is_never_taken_for_a_manifest(site: Site, tmp_path: Path) -> None:
    lost, replaced = an_eksd_path(site), "/artifacts/1.33/cert-manager/cert-manager.yaml"
    content = site.files.pop(lost)
    site.troubles[replaced] = [Trouble(body=b"<html>Please log in</html>")]

    first = fetch(site)

    assert first.code == 1
    assert "HTTP 403" in first.err
    assert "a web page" in first.err
    assert not (tmp_path / f"{DOWNLOADS_FOLDER}.tar.gz").exists()
    site.files[lost] = content
    site.asked.clear()
    assert fetch(site).code == 0
    fetched = [path for path in site.asked if path.startswith("/artifacts/")]
    assert sorted(fetched) == sorted([lost, replaced])  # what was fetched once is not again


def test_a_kept_file_that_was_damaged_is_fetched_again(site: Site, tmp_path: Path) -> None:
    lost = an_eksd_path(site)
    content = site.files.pop(lost)
    assert fetch(site).code == 1
    site.files[lost] = content
    victim = next((tmp_path / f"{DOWNLOADS_FOLDER}.partial").rglob("cert-manager.yaml"))
    victim.write_text("damaged")
    site.asked.clear()

    assert fetch(site).code == 0

    assert [path for path in site.asked if path.endswith("/cert-manager.yaml")]


def test_cuts_and_busy_servers_are_waited_for(site: Site) -> None:
    path = an_eksd_path(site)
    site.troubles[path] = [
        Trouble(status=503, body=b"busy"),
        Trouble(status=429, body=b"slow down"),
        Trouble(cut=100),
    ]

    result = fetch(site)

    assert result.code == 0, result.err
    assert site.asked.count(path) == 4


def test_a_bundles_manifest_by_url_or_file_needs_no_list_of_releases(
    site: Site, sample: Sample, tmp_path: Path
) -> None:
    path = "/releases/bundles/115/manifest.yaml"
    local = tmp_path / "bundles.yaml"
    local.write_bytes(site.files[path])

    for number, source in enumerate((ASSETS.replace("/artifacts", path), str(local))):
        assert fetch(site, "-b", source, "-d", f"{DOWNLOADS_FOLDER}-{number}").code == 0
        with tarfile.open(f"{DOWNLOADS_FOLDER}-{number}.tar.gz") as tar:
            names = [name.rpartition("/")[2] for name in tar.getnames()]
        assert "bundle-release.yaml" in names
        assert "manifest.yaml" not in names
    assert "/releases/eks-a/manifest.yaml" not in site.asked


def test_a_release_that_is_not_listed(site: Site) -> None:
    result = fetch(site, "--release", "v9.9.9")

    assert result.code == 2
    assert "v9.9.9 is not in the list" in result.err


def test_what_is_there_is_never_replaced_unasked(site: Site, tmp_path: Path) -> None:
    assert fetch(site, "-r").code == 0
    before = (tmp_path / f"{DOWNLOADS_FOLDER}.tar.gz").read_bytes()

    again = fetch(site)
    kept = fetch(site, "-r", "--restart")
    restarted = fetch(site, "--restart")

    assert again.code == kept.code == 2
    assert "there already" in again.err
    assert restarted.code == 0
    assert (tmp_path / f"{DOWNLOADS_FOLDER}.tar.gz").read_bytes() == before


def test_an_untrusted_server_is_told_at_once(site: Site) -> None:
    result = run("download", "artifacts", *site.flags[:2])

    assert result.code == 3
    assert "tls-untrusted" in result.err
