"""Verbs that take the password from the environment or a file, or get it only to look after it."""

import base64
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.errors import ExitCode
from tests.fixtures.https_server import HttpsServer
from tests.fixtures.proxy import Proxy
from tests.fixtures.registries import ProxyFactory, RegistryFactory
from tests.integration.curated import Packages
from tests.integration.program import PROGRAM
from tests.integration.test_download_packages import published as published  # noqa: PLC0414 - pytest finds it here
from tests.integration.upstream import fill_upstream
from tests.secrets.searching import MARK, USER, WRONG, check_nowhere, holds, watched
from tests.secrets.test_every_verb import source, target

pytestmark = pytest.mark.integration


def said_with_environment(
    *arguments: str | Path, login: bool = True, **more: str
) -> tuple[int, str]:
    """Run a verb, with a login in its environment; its code, and all that it said."""
    known = {"REGISTRY_USERNAME": USER, "REGISTRY_PASSWORD": MARK} if login else {}
    process = subprocess.Popen(
        [PROGRAM, *map(str, arguments)],
        env=os.environ | known | more,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with watched(but=process.pid) as seen:
        out, _ = process.communicate(timeout=90)
    assert seen
    assert not [one for one in seen if holds(one) or holds(one, WRONG)], (
        "in arguments, or handed on"
    )
    return process.returncode, out


def check_quiet(said: str, code: int, *expected: int) -> None:
    assert code in expected, said
    assert not holds(said), said


def test_verbs_that_look_after_an_import(locked: DemoRegistry, sample: Sample) -> None:
    flags = (*source(sample), *target(locked))
    code, said = said_with_environment("import", *flags)
    check_quiet(said, code, ExitCode.DONE)
    verbs: Sequence[tuple[str, ...]] = (
        ("status",),
        ("status", "--json"),
        ("stop",),
        ("attach", "--plain"),
        ("attach", "--json"),
        *(("report", "--format", form) for form in ("json", "md", "html")),
    )
    for verb in verbs:
        code, said = said_with_environment(*verb)
        check_quiet(said, code, ExitCode.DONE)
    check_nowhere(MARK)


def test_verbs_that_write_settings(locked: DemoRegistry, sample: Sample, tmp_path: Path) -> None:
    flags = (*source(sample), *target(locked), "--authenticate")
    for verb in (
        ("spec",),
        ("spec", "--json"),
        ("spec", "--environment"),
        ("spec", "--hosts-toml"),
    ):
        code, said = said_with_environment(*verb, *flags)
        check_quiet(said, code, ExitCode.DONE, ExitCode.CHECK_FAILED)
    files = {flag: tmp_path / flag for flag in ("fragment", "environment")}
    places = [part for flag, path in files.items() for part in (f"--{flag}", path)]
    code, said = said_with_environment("write", *flags, *places, "--yes", "--anyway")
    check_quiet(said, code, ExitCode.DONE)
    for path in files.values():
        assert not holds(path.read_bytes()), path
    script = tmp_path / "trust.sh"
    code, said = said_with_environment("trust", *target(locked), "--script", script)
    check_quiet(said, code, ExitCode.DONE)
    assert not holds(script.read_bytes())
    check_nowhere(MARK)


def test_the_one_file_that_may_hold_it_is_private_and_written_only_when_asked_for(
    locked: DemoRegistry, sample: Sample, tmp_path: Path
) -> None:
    path = tmp_path / "registry.env"
    flags = (*source(sample), *target(locked), "--authenticate", "--yes", "--anyway")
    code, said = said_with_environment(
        "write", *flags, "--environment", path, "--environment-with-password"
    )
    check_quiet(said, code, ExitCode.DONE)
    assert holds(path.read_bytes())
    assert path.stat().st_mode & 0o777 == 0o600
    check_nowhere(MARK)


def test_a_password_file_is_read_and_its_content_goes_no_further(
    locked: DemoRegistry, sample: Sample, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(f"{MARK}\n")
    file.chmod(0o600)
    flags = (*source(sample), *target(locked), "-u", USER, "--password-file", file)
    code, said = said_with_environment("import", *flags, login=False)
    check_quiet(said, code, ExitCode.DONE)
    check_nowhere(MARK)


@pytest.mark.slow
def test_the_demo_hands_nothing_of_the_environment_on(tmp_path: Path) -> None:
    code, said = said_with_environment("demo", TMPDIR=str(tmp_path))
    check_quiet(said, code, ExitCode.DONE)


def docker_config(folder: Path, registry: DemoRegistry | HttpsServer) -> Path:
    """As `docker login` leaves it."""
    folder.mkdir()
    login = base64.b64encode(f"{USER}:{MARK}".encode()).decode()
    file = folder / "config.json"
    file.write_text(json.dumps({"auths": {registry.address: {"auth": login}}}))
    return file


def leaked(proxy: Proxy) -> list[str]:
    """What a proxy saw of the login: in a request to a registry that it is not for."""
    return [str(one) for one in proxy.exchanges if holds(one.headers.as_bytes())]


@pytest.mark.slow
def test_a_download_sends_the_login_of_one_registry_to_no_other(
    locked: DemoRegistry,
    fresh_registry: RegistryFactory,
    proxy_for: ProxyFactory,
    sample: Sample,
    tmp_path: Path,
) -> None:
    upstream = fill_upstream(fresh_registry(), sample)
    proxy = proxy_for(upstream.registry)
    config = docker_config(tmp_path / "docker", locked)
    place = ("--upstream-mirror", f"public.ecr.aws={proxy.address}", "--ca-file", proxy.ca_file)

    code, said = said_with_environment(
        *("download", "images", "-o", tmp_path / "images.tar", "-b", sample.bundles, *place),
        DOCKER_CONFIG=str(config.parent),
    )

    check_quiet(said, code, ExitCode.DONE, ExitCode.SOME_FAILED)
    assert proxy.exchanges
    assert leaked(proxy) == []
    check_nowhere(MARK)


def test_a_copy_gives_the_login_to_the_destination_alone(
    locked: DemoRegistry, published: Packages, proxy_for: ProxyFactory
) -> None:
    destination, charts = proxy_for(locked), proxy_for(published.charts)
    flags = [str(one).replace(published.charts.address, charts.address) for one in published.flags]

    code, said = said_with_environment(
        *("copy", "packages", f"{destination.address}/eks-a", *flags),
        *("--kube-version", "1.33", "--dst-cert", locked.ca_file),
    )

    check_quiet(said, code, ExitCode.DONE)
    assert charts.exchanges
    assert leaked(charts) == []
    assert leaked(destination), "there it is needed"
    check_nowhere(MARK)
