"""The README's code blocks, run as they stand: host names alone are those of the tests."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from core.demo.certificates import Authority
from core.demo.registry import DemoRegistry, Login
from core.demo.sample import Sample
from core.transfer.job import existing_jobs
from core.transfer.standing import Stand, look_at
from tests.core.registry.feeding_ground import ADMIN, PASSWORD, feeding_mock, writes
from tests.fixtures.harbor_mock import running
from tests.fixtures.harbor_replication_mock import Site
from tests.fixtures.registries import RegistryFactory
from tests.fixtures.tools import Skopeo
from tests.integration.many import log_in
from tests.integration.names import ForwardProxy
from tests.integration.program import PROGRAM, SECONDS
from tests.integration.test_download_names import company as company  # noqa: PLC0414 - for pytest
from tests.tui.clusters import CLUSTER
from tests.tui.terminal import run_on_terminal

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS: list[str] = [
    one.strip() for one in re.findall(r"^```\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
]
HOST = "harbor.example.com"
RUN = {
    "export REGISTRY_USERNAME",
    "eksa-mirror write",
    "eksa-mirror download artifacts",
    "eksa-mirror replicate",
    "for site in",
    "eksa-mirror import -i images.tar -b eks-anywhere-downloads.tar.gz \\\n",
}
"""How the blocks begin that a test below runs."""

NOT_RUN = {
    "make demo": "test_demo runs the demo, and this is one of the tests",
    "eksa-mirror\n": "test_wizard types through the wizard",
    "release ": "a drawing of the code",
    "make check": "they check and build the project; a test below looks that they exist",
}
"""How the others begin, and why nobody runs them here."""


@pytest.fixture
def registry(fresh_registry: RegistryFactory) -> DemoRegistry:
    """Takes the robot account of the README."""
    return fresh_registry(auth=Login("robot$eksa-mirror"))


@pytest.fixture
def place(tmp_path: Path, sample: Sample, registry: DemoRegistry) -> Path:
    """A folder with the files that the README names."""
    (tmp_path / "images.tar").symlink_to(sample.archive)
    (tmp_path / "eks-anywhere-downloads.tar.gz").symlink_to(sample.downloads)
    (tmp_path / "ca.crt").symlink_to(registry.ca_file)
    (tmp_path / "cluster.yaml").write_text(CLUSTER)
    return tmp_path


def block(begin: str, put: Mapping[str, str]) -> str:
    """The block of that beginning; each text of `put` must be in it, and is replaced."""
    (text,) = (one for one in BLOCKS if f"{one}\n".startswith(begin))
    for old, new in put.items():
        assert old in text
        text = text.replace(old, new)
    return text


def environment() -> dict[str, str]:
    """Of a machine that has eksa-mirror and nothing else."""
    return os.environ | {"PATH": str(PROGRAM.parent)}


def run_block(text: str, folder: Path, typed: str = "", **more: str) -> str:
    """Run a block as a shell does that stops at the first failure; all that was said."""
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", text],
        cwd=folder,
        env=environment() | more,
        input=typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def login_of(registry: DemoRegistry) -> dict[str, str]:
    return {
        "REGISTRY_USERNAME": registry.username,
        "REGISTRY_PASSWORD": registry.password.get_secret_value(),
    }


def test_every_block_is_run_or_has_a_reason() -> None:
    begins = [*RUN, *NOT_RUN]
    found = [[one for one in begins if f"{text}\n".startswith(one)] for text in BLOCKS]

    assert all(len(one) == 1 for one in found), [
        BLOCKS[n] for n, one in enumerate(found) if not one
    ]
    assert sorted(begins) == sorted(one for (one,) in found)


def test_every_target_of_make_exists() -> None:
    named = set(re.findall(r"\bmake ([a-z][a-z-]+)\b", re.sub(r"\s+", " ", README)))
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert {"demo", "test", "setup", "kit"} <= named & known
    assert named <= known


def test_the_real_job_in_five_lines_and_what_to_do_while_it_runs(
    place: Path, registry: DemoRegistry, sample: Sample, skopeo: Skopeo
) -> None:
    text = block("export REGISTRY_USERNAME", {HOST: registry.address})
    password = registry.password.get_secret_value()

    said = run_block(text, place, typed=f"{password}\n")

    assert f"{len(sample.required)} of {len(sample.required)} artifacts are in" in said
    reference = sample.required[0].reference
    assert skopeo.raw(registry, f"eks-a/{reference.repository}:{reference.tag}")
    assert password not in said
    rows = README.partition("| to | command |")[2].partition("\n\n")[0]
    for command in dict.fromkeys(re.findall(r"`(eksa-mirror [a-z -]+)`", rows)):
        if command != "eksa-mirror verify":  # with its flags it was in the block
            run_block(command, place, **login_of(registry))


def test_the_cluster_is_told_and_docker_trusts(
    place: Path, registry: DemoRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As docker without root rights, whose folder is not that of this machine."""
    text = block(
        "eksa-mirror write", {HOST: registry.address, " trust ": " trust --for rootless-docker "}
    )
    monkeypatch.chdir(place)

    seen = run_on_terminal(
        *("-euo", "pipefail", "-c", text),
        answers={"Write 1 file?": "y\n", "Change 1 file?": "y\n"},
        program="/bin/bash",
        PATH=str(PROGRAM.parent),
    )

    assert seen.code == 0, seen.text
    (cluster, _) = yaml.safe_load_all((place / "cluster.yaml").read_text())
    mirror = cluster["spec"]["registryMirrorConfiguration"]
    assert f"{mirror['endpoint']}:{mirror['port']}" == registry.address
    assert mirror["caCertContent"] == registry.ca_file.read_text()
    assert mirror["authenticate"] is True, "the registry of this README wants a login"
    trusted = Path(os.environ["XDG_CONFIG_HOME"]) / "docker/certs.d" / registry.address / "ca.crt"
    assert trusted.read_text() == registry.ca_file.read_text()


def test_what_the_connected_side_downloads_is_what_an_import_takes(
    company: ForwardProxy,
    authority: Authority,
    registry: DemoRegistry,
    sample: Sample,
    tmp_path: Path,
) -> None:
    """Word for word: the names of upstream lead to the test's servers through a proxy."""
    text = block("eksa-mirror download artifacts", {})
    through = {"HTTPS_PROXY": company.url, "SSL_CERT_FILE": str(authority.ca_file)}

    said = run_block(text, tmp_path, **through)

    carried = ("images.tar", "eks-anywhere-downloads.tar.gz")
    rights = [(tmp_path / name).stat().st_mode for name in carried]
    assert rights[0] == rights[1], "another account reads them on the other side"
    (command,) = re.findall(r"^ +(eksa-mirror import .*)$", said, re.MULTILINE)
    told = re.sub(r"HOST\S*", f"{registry.address}/eks-a", command)
    planned = run_block(
        f"{told} --ca-file {authority.ca_file} --dry-run", tmp_path, **login_of(registry)
    )
    assert f"{len(sample.required)} artifacts to send to {registry.address}/eks-a" in planned


def test_a_harbor_is_shown_what_would_feed_others(tmp_path: Path) -> None:
    (tmp_path / "feed.password").write_text("of the others")
    (tmp_path / "feed.password").chmod(0o600)
    others = [f"https://harbor-{name}.example.com" for name in "bc"]
    mock = feeding_mock()
    mock.sites = {url: Site({"robot$feed": "of the others"}) for url in others}
    with running(mock) as server:
        text = block(
            "eksa-mirror replicate",
            {"harbor-a.example.com/eks-a": f"{server.address}/eks-a --plain-http"},
        )
        login = {"REGISTRY_USERNAME": ADMIN, "REGISTRY_PASSWORD": PASSWORD}

        said = run_block(text, tmp_path, **login)

        assert [url in said for url in others] == [True, True]
        assert writes(server) == []


def test_each_site_is_fed_from_its_answers(place: Path, registry: DemoRegistry) -> None:
    for site in ("north", "south"):
        (place / f"{site}.yaml").write_text(f"""
version: 1
artifacts: {{archive: images.tar, bundles: eks-anywhere-downloads.tar.gz}}
registry: {{address: "{registry.address}/{site}", ca_file: ca.crt}}
""")

    run_block(block("for site in", {}), place, **login_of(registry))

    assert {look_at(job)[0].stand for job in existing_jobs()} == {Stand.DONE}
    assert len(existing_jobs()) == 2


def test_several_registries_at_once(
    place: Path, registry: DemoRegistry, fresh_registry: RegistryFactory
) -> None:
    other = fresh_registry(auth=Login("robot$eksa-mirror"))
    log_in(registry, other)
    text = block(
        "eksa-mirror import",
        {
            "harbor-a.example.com": registry.address,
            "harbor-b.example.com": other.address,
        },
    )

    said = run_block(f"{text} --ca-file ca.crt", place)

    assert {look_at(job)[0].stand for job in existing_jobs()} == {Stand.DONE}, said
    assert len(existing_jobs()) == 2
