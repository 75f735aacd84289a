"""The installed wizard in a real terminal: typed through, killed, come back to, verified."""

import os
import signal
import time
from pathlib import Path

import pytest

from core.demo.registry import DemoRegistry
from core.demo.sample import Sample, SampleSpec, write_sample
from core.transfer.controls import change_controls
from core.transfer.job import Job
from core.transfer.standing import Stand, look_at
from tests.fixtures.tmux import Terminal
from tests.fixtures.tools import Skopeo
from tests.integration.program import PROGRAM, kill_worker, only_job

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def large_sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Large enough that an import at a limited rate can be watched."""
    return write_sample(tmp_path_factory.mktemp("large"), SampleSpec(images=9, megabytes=24))


@pytest.fixture
def login(registry: DemoRegistry) -> dict[str, str]:
    return {
        "REGISTRY_USERNAME": registry.username,
        "REGISTRY_PASSWORD": registry.password.get_secret_value(),
    }


def wait_for(job: Job, *stands: Stand) -> None:
    end = time.monotonic() + 90
    while look_at(job)[0].stand not in stands:
        assert time.monotonic() < end, look_at(job)
        time.sleep(0.1)


def type_through(
    terminal: Terminal, sample: Sample, registry: DemoRegistry, namespace: str
) -> None:
    """Start, and steps 1 to 8, as somebody types them."""
    host, _, port = registry.address.rpartition(":")
    terminal.wait_for("Start a new set-up")
    terminal.press("Enter")
    terminal.wait_for("1  Artifacts")
    terminal.type(str(sample.archive))
    terminal.press("Enter")
    terminal.wait_for("Found beside the tarball.")
    terminal.wait_for("To import")
    terminal.press("F8")
    terminal.wait_for("2  Registry")
    terminal.type(host)
    terminal.press("Enter")
    terminal.type(port)
    terminal.wait_for("2 warnings.")  # of loopback, and of a CA that comes with the next step
    terminal.press("F8")
    terminal.wait_for("3  Trust")
    terminal.type(str(registry.ca_file))
    terminal.press("Enter")
    terminal.wait_for("in the CA file")
    terminal.press("F8")
    terminal.wait_for("4  Credentials", "accepted as")
    terminal.press("F8")
    terminal.wait_for("5  Namespaces", "Live example")
    terminal.press("Enter")
    terminal.calm()
    terminal.type(namespace)
    terminal.wait_for(f"{namespace}/")
    terminal.press("F8")
    terminal.wait_for("6  Cluster")
    terminal.press("F8")
    terminal.wait_for("7  Admin machine")
    terminal.press("F8")
    terminal.wait_for("8  Review & write")


def to_the_import(terminal: Terminal) -> None:
    """Over open points to step 9: the files of Review are not what these tests are about."""
    terminal.press("F2")
    terminal.wait_for("needs step 9", "Enter Go")
    terminal.press("Down", "Enter")
    terminal.wait_for("9  Import", "Start the import", "may write to")


def test_the_whole_way_with_a_killed_wizard_in_between(
    large_sample: Sample,
    registry: DemoRegistry,
    login: dict[str, str],
    skopeo: Skopeo,
    tmp_path: Path,
) -> None:
    namespace = "whole-way"
    with Terminal([PROGRAM], tmp_path, environment=login) as terminal:
        type_through(terminal, large_sample, registry, namespace)
        to_the_import(terminal)
        terminal.press("w")
        terminal.wait_for("Uploads at a time")
        terminal.press("Tab")
        terminal.type("1M")
        terminal.press("Tab", "Tab", "Enter")
        terminal.press("F8")
        terminal.wait_for("running", "Sending")
        job = only_job()
        os.kill(terminal.pid(), signal.SIGKILL)
        terminal.until(lambda _: terminal.ended())
        assert job.is_running(), "the worker knows nothing of its screen"
    with Terminal([PROGRAM, "attach"], tmp_path, environment=login) as terminal:
        terminal.wait_for("9  Import", "running")
        change_controls(job, limit_rate=0)
        wait_for(job, Stand.DONE)
        terminal.wait_for("10  Done", "verified")
        terminal.press("q")
        terminal.until(lambda _: terminal.ended())
    names = [str(one.reference) for one in large_sample.required]
    image = next(name for name in names if "cilium/cilium:v" in name)
    assert skopeo.manifest(registry, f"{namespace}/{image.partition('/')[2]}")


def test_a_killed_worker_is_resumed_from_the_wizard(
    large_sample: Sample, registry: DemoRegistry, login: dict[str, str], tmp_path: Path
) -> None:
    with Terminal([PROGRAM, "--basic"], tmp_path, environment=login) as terminal:
        type_through(terminal, large_sample, registry, "killed-worker")
        to_the_import(terminal)
        terminal.press("w")
        terminal.wait_for("Uploads at a time")
        terminal.press("Tab")
        terminal.type("1M")
        terminal.press("Tab", "Tab", "Enter")
        terminal.press("F8")
        terminal.wait_for("running", "Sending")
        job = only_job()
        kill_worker(job)
        terminal.wait_for("cut off at", "Nothing is lost.", seconds=5)
        assert terminal.screen().isascii()
        terminal.press("n")
        terminal.wait_for("running")
        change_controls(job, limit_rate=0)
        wait_for(job, Stand.DONE)
        terminal.wait_for("10  Done", "verified")
