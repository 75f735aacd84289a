"""What an import would do is told beforehand, and nothing is sent for it."""

from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.reference import Kind
from core.transfer.job import jobs_folder
from tests.fixtures.proxy import Proxy
from tests.integration.program import (
    import_flags,
    run,
)


def test_a_plan_tells_kinds_destinations_and_states(
    registry: DemoRegistry, namespace: str, sample: Sample
) -> None:
    flags = import_flags(sample, registry, namespace)

    before = run("plan", *flags, "--json", login=registry)
    assert before.code == 0, before.err
    required = [a for a in before.json["artifacts"] if a["required"]]
    assert {a["kind"] for a in required} == {kind.value for kind in Kind}
    assert {a["state"] for a in required} == {"to send"}
    assert before.json["bytes"]["send"] > sample.layer_bytes * 0.5
    assert before.json["bytes"]["mount"] > 0
    prefix = f"{registry.address}/{namespace}/"
    assert all(a["destination"].startswith(prefix) for a in required)

    assert run("import", *flags, login=registry).code == 0
    after = run("plan", *flags, "--json", login=registry)
    assert {a["state"] for a in after.json["artifacts"] if a["required"]} == {"already there"}
    assert after.json["bytes"]["send"] == after.json["bytes"]["mount"] == 0


def test_a_plan_needs_neither_registry_nor_archive(sample: Sample) -> None:
    result = run("plan", "--offline", "--json", "-b", sample.bundles, "-r", "mirror.invalid/eks-a")

    assert result.code == 0, result.err
    assert len(result.json["artifacts"]) == len(sample.required)
    assert {a["state"] for a in result.json["artifacts"]} == {"required"}


def test_a_dry_run_sends_nothing(
    registry: DemoRegistry, counting_proxy: Proxy, namespace: str, sample: Sample
) -> None:
    flags = import_flags(sample, counting_proxy, namespace)

    result = run("import", *flags, "--dry-run", login=registry)

    assert result.code == 0, result.err
    assert {e.method for e in counting_proxy.exchanges} <= {"GET", "HEAD"}
    assert not list(jobs_folder().glob("*/journal.sqlite"))
