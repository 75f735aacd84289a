"""Where certificates are not verified, every verb, report and screen says so."""

import asyncio
from pathlib import Path

import pytest

from core.answers import Answers, RegistryAnswers
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from tests.fixtures.registries import RegistryFactory
from tests.integration.program import import_flags, run
from tests.tui.wizard.looking import LARGE, SMALL, new_app, running, shown, until

UNVERIFIED = "certificates are not verified"


def without_ca(sample: Sample, registry: DemoRegistry, namespace: str) -> list[str | Path]:
    flags = import_flags(sample, registry, namespace)
    return flags[: flags.index("--ca-file")]


def test_every_verb_and_report_says_that_certificates_are_not_verified(
    registry: DemoRegistry, sample: Sample, namespace: str
) -> None:
    flags = without_ca(sample, registry, namespace)
    for verb in ("plan", "import", "verify", "check", "spec"):
        said = run(verb, *flags, "--insecure", login=registry)
        assert said.code != 5
        assert UNVERIFIED in said.err, verb
    quiet = run("plan", *import_flags(sample, registry, namespace), login=registry).err
    assert UNVERIFIED not in quiet
    for form in ("json", "md", "html"):
        report = run("report", "--format", form).out
        assert "unverified" in report or "NOT VERIFIED (--insecure)" in report, form
    assert "NOT VERIFIED" in run("status").out
    assert "NOT VERIFIED" in run("attach", "--plain").err


def test_plain_http_is_said_as_well(fresh_registry: RegistryFactory, sample: Sample) -> None:
    registry = fresh_registry(tls=False)
    said = run("import", *without_ca(sample, registry, "eks-a"), "--plain-http")
    assert said.code == 0, said.err
    assert "Warning: plain HTTP." in said.err
    assert "NONE, plain HTTP" in run("report").out
    assert "plain HTTP" in run("status").out


@pytest.mark.parametrize(
    "size",
    [pytest.param(SMALL, id="small"), pytest.param(LARGE, id="large", marks=pytest.mark.slow)],
)
def test_every_step_of_the_wizard_says_it(size: tuple[int, int]) -> None:
    async def body(step: int, *, insecure: bool) -> str:
        given = {"address": "127.0.0.1:1/eks-a", "insecure": insecure}
        app = new_app(Answers(registry=RegistryAnswers.model_validate(given)), step=step)
        async with running(app, size) as pilot:
            await until(pilot, lambda: "eksa-mirror" in shown(app))
            return shown(app).splitlines()[0]

    for step in range(1, 11):
        assert "TLS not verified" in asyncio.run(body(step, insecure=True)), step
    assert "TLS not verified" not in asyncio.run(body(2, insecure=False))
