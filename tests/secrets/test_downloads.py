"""The connected side: logins of upstream are in nothing that is carried across."""

import shutil
from pathlib import Path

import pytest

from core.demo.certificates import Authority
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.errors import ExitCode
from tests.integration.curated import Packages
from tests.integration.program import files_below
from tests.integration.test_download_packages import published as published  # noqa: PLC0414 - pytest finds it here
from tests.integration.upstream import fill_upstream, flags_for
from tests.integration.web import Site
from tests.integration.web import published as files_of
from tests.secrets.searching import MARK, check_nowhere, holds
from tests.secrets.test_every_verb import said_by
from tests.secrets.test_other_verbs import check_quiet, docker_config, said_with_environment

pytestmark = pytest.mark.integration


def check_files(folder: Path) -> None:
    """There is something, and no password is in it."""
    found = files_below(folder)
    assert found
    assert not [path for path in found if holds(path.read_bytes())]
    check_nowhere(MARK)


def test_manifests_are_fetched_without_a_login(
    sample: Sample, authority: Authority, tmp_path: Path
) -> None:
    target = tmp_path / "out" / "artifacts"
    target.parent.mkdir()
    with Site(files_of(sample), authority) as site:
        config = docker_config(tmp_path / "docker", site)
        code, said = said_with_environment(
            "download",
            "artifacts",
            *site.flags,
            *("-d", target, "-r"),
            DOCKER_CONFIG=str(config.parent),
        )
    check_quiet(said, code, ExitCode.DONE)
    check_files(target.parent)


@pytest.mark.slow
def test_a_login_of_docker_is_in_no_tarball(
    locked: DemoRegistry, sample: Sample, tmp_path: Path
) -> None:
    fill_upstream(locked, sample)
    config = docker_config(tmp_path / "docker", locked)
    archive = tmp_path / "out" / "images.tar"
    archive.parent.mkdir()
    code, said = said_with_environment(
        *("download", "images", "-o", archive, "-b", sample.bundles),
        *flags_for(locked),
        login=False,
        DOCKER_CONFIG=str(config.parent),
    )
    check_quiet(said, code, ExitCode.DONE)
    check_files(archive.parent)


def test_a_login_of_the_flags_is_in_no_tarball(
    locked: DemoRegistry, published: Packages, tmp_path: Path
) -> None:
    shutil.copytree(published.images.storage, locked.storage, dirs_exist_ok=True)
    flags = [one.replace(published.images.address, locked.address) for one in published.flags]
    archive = tmp_path / "packages.tar"
    code, said = said_by("download", "packages", "-o", archive, "--kube-version", "1.33", *flags)
    check_quiet(said, code, ExitCode.DONE)
    check_files(tmp_path)
