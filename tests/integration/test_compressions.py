"""Every compression from the command line; skopeo unpacks what arrived, and a resume keeps it."""

import json
from pathlib import Path

import pytest

from core.archive.open import open_archive
from core.demo.images import Image
from core.demo.registry import DemoRegistry, Login
from core.demo.sample import Sample, SampleSpec
from core.oci import (
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    OCI_LAYER_ZSTD,
    OCI_MANIFEST,
    Manifest,
    digest_of,
    parse_manifest,
)
from core.transfer.compression import Compression
from core.transfer.states import JobState
from core.transfer.view import JournalView, Summary
from tests.fixtures.proxy import Proxy
from tests.fixtures.registries import RegistryFactory
from tests.fixtures.samples import SampleFactory
from tests.fixtures.tools import Registry, Skopeo
from tests.integration.program import begin, import_flags, kill_worker, only_job, run, wait_until

SLOW_LINK = ("--limit-rate", "14M")
"""So slow that more compression pays on any number of cores."""

GZIP_6 = Compression("gzip", 6)


def check_unpacked(
    skopeo: Skopeo, image: Image, registry: Registry, space: str, folder: Path
) -> Manifest:
    """Config and layers of an image are those of the tarball; its manifest in the registry.

    skopeo verifies every digest, and unpacks the layers, whatever they are compressed with.
    """
    name = f"{space}/{image.reference.repository}:{image.reference.tag}"
    packed, plain = (folder / f"{image.config_digest[-8:]}.{kind}" for kind in ("packed", "plain"))
    skopeo.copy_out(registry, name, f"dir:{packed}")
    skopeo.run("copy", "--dest-decompress", f"dir:{packed}", f"dir:{plain}")
    manifest = parse_manifest((packed / "manifest.json").read_bytes())
    assert manifest.config
    assert manifest.config.digest == image.config_digest
    unpacked = {digest_of(path.read_bytes()) for path in plain.iterdir()}
    assert {image.config_digest, *(layer.diff_id for layer in image.layers)} <= unpacked
    return manifest


@pytest.mark.parametrize(
    ("codec", "manifest_type", "layer_type"),
    [
        pytest.param("gzip:6", DOCKER_MANIFEST, DOCKER_LAYER_GZIP, id="gzip"),
        pytest.param("zstd:3", OCI_MANIFEST, OCI_LAYER_ZSTD, id="zstd"),
        pytest.param("none", DOCKER_MANIFEST, DOCKER_LAYER, id="none"),
    ],
)
def test_what_arrives_unpacks_to_what_the_tarball_holds_and_is_found_again(
    codec: str,
    manifest_type: str,
    layer_type: str,
    registry: DemoRegistry,
    counting_proxy: Proxy,
    namespace: str,
    sample: Sample,
    skopeo: Skopeo,
    tmp_path: Path,
) -> None:
    flags = [*import_flags(sample, counting_proxy, namespace), "--compression", codec]
    result = run("import", *flags, login=registry)
    assert result.code == 0, result.err
    manifest = check_unpacked(skopeo, sample.images[-1], registry, namespace, tmp_path)
    assert manifest.media_type == manifest_type
    assert {layer.media_type for layer in manifest.layers} == {layer_type}
    assert json.loads(only_job().report("json").read_text())["compression"] == codec
    counting_proxy.forget()
    assert run("import", *flags, login=registry).code == 0
    assert counting_proxy.bytes_sent() == 0


@pytest.mark.slow
def test_a_choice_by_the_link_outlives_a_kill(
    fresh_registry: RegistryFactory, make_sample: SampleFactory, skopeo: Skopeo, tmp_path: Path
) -> None:
    registry, sample = fresh_registry(auth=Login()), make_sample(SampleSpec(megabytes=70))
    flags = import_flags(sample, registry, "eks-a")

    def chosen(summary: Summary) -> bool:
        decided = summary.facts.get("compression") not in (None, "auto")
        return summary.state is JobState.SENDING and decided

    with begin("import", *flags, "--compression", "auto", *SLOW_LINK, login=registry) as first:
        job = wait_until(chosen, first)
        kill_worker(job)
        first.communicate()
    with JournalView(job.journal) as view:
        before = view.sent_layers()
        assert view.summary().facts["compression"] == "gzip:6"

    again = run("import", *flags, "--compression", "zstd:3", login=registry)

    assert again.code == 0, again.err
    with JournalView(job.journal) as view:
        summary, after = view.summary(), view.sent_layers()
        warned = [event.text for event in view.events() if event.kind == "warning"]
    assert summary.facts["compression"] == "gzip:6"
    assert "compression stays gzip:6, as this import began" in warned
    assert before.items() <= after.items(), "what was sent keeps its digest"
    later = after.keys() - before.keys()
    assert later
    with open_archive(sample.archive) as archive:
        stored = {b.digest: b for a in archive.artifacts for b in a.content.all_blobs()}
        for blob in sorted((stored[digest] for digest in later), key=lambda blob: blob.size)[:5]:
            packed = b"".join(GZIP_6.apply(blob.blocks(), blob.size))
            assert after[blob.digest] == (digest_of(packed), len(packed))
    for one in (sample.images[0], sample.images[-1]):
        manifest = check_unpacked(skopeo, one, registry, "eks-a", tmp_path)
        assert {layer.media_type for layer in manifest.layers} == {DOCKER_LAYER_GZIP}
