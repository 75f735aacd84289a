"""The main job from the command line: real archives, a real registry, skopeo as the judge."""

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.demo.registry import DemoRegistry, Login
from core.demo.sample import Layout, Sample, SampleSpec
from core.oci import (
    DOCKER_MANIFEST,
    HELM_CHART,
    HELM_CONFIG,
    OCI_LAYER,
    UNKNOWN_CONFIG,
    digest_of,
)
from core.reference import Reference
from core.transfer.job import jobs_folder
from tests.fixtures.private_docker import PrivateDocker
from tests.fixtures.proxy import Proxy
from tests.fixtures.registries import RegistryFactory, TokenRegistry
from tests.fixtures.samples import SampleFactory
from tests.fixtures.tools import Registry, Skopeo
from tests.integration.program import (
    PROGRAM,
    environment,
    files_below,
    import_flags,
    only_job,
    run,
)

PASSWORD_MARK = "s3cret'\"$`\\ ü:@mark"


def in_mirror(reference: Reference, namespace: str) -> str:
    return f"{namespace}/{reference.repository}:{reference.tag}"


def check_with_skopeo(skopeo: Skopeo, sample: Sample, registry: Registry, space: str) -> None:
    """Every required artifact is there, with the content that the tarball holds."""
    required = {artifact.reference for artifact in sample.required}
    for image in sample.images:
        if image.reference in required:
            manifest = skopeo.manifest(registry, in_mirror(image.reference, space))
            assert manifest.config
            assert manifest.config.digest == image.config_digest, image.reference
    for stored in (*sample.charts, *sample.package_bundles):
        manifest = skopeo.manifest(registry, in_mirror(stored.reference, space))
        assert [layer.digest for layer in manifest.layers] == [stored.digest]


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(SampleSpec(), id="classic"),
        pytest.param(SampleSpec(layout=Layout.DOCKER25), id="docker25"),
        pytest.param(SampleSpec(gzip=True), id="gzip"),
    ],
)
def test_everything_required_arrives_and_a_second_run_sends_nothing(
    spec: SampleSpec,
    registry: DemoRegistry,
    counting_proxy: Proxy,
    namespace: str,
    make_sample: SampleFactory,
    skopeo: Skopeo,
) -> None:
    sample = make_sample(spec)
    flags = import_flags(sample, counting_proxy, namespace)

    first = run("import", *flags, login=registry)

    assert first.code == 0, first.err
    check_with_skopeo(skopeo, sample, registry, namespace)
    assert f"{len(sample.required)} done" in first.err
    report = json.loads(only_job().report("json").read_text())
    assert report["counts"]["done"] == len(sample.required)
    assert all(a["verified"] for a in report["artifacts"] if a["required"])

    counting_proxy.forget()
    second = run("import", *flags, login=registry)

    assert second.code == 0, second.err
    assert f"{len(sample.required)} already there" in second.err
    assert counting_proxy.bytes_sent() == 0
    assert counting_proxy.count("POST") == counting_proxy.count("PUT") == 0


def test_each_distinct_layer_is_sent_once(
    registry: DemoRegistry, counting_proxy: Proxy, namespace: str, sample: Sample
) -> None:
    result = run("import", *import_flags(sample, counting_proxy, namespace), login=registry)

    assert result.code == 0, result.err
    finished = [e.target for e in counting_proxy.matching("PUT", "/blobs/uploads/")]
    digests = [target.partition("digest=")[2] for target in finished]
    assert len(digests) == len(set(digests))
    mounted = counting_proxy.matching("POST", "/blobs/uploads/")
    assert any("mount=" in e.target and e.status == 201 for e in mounted)


def test_charts_and_package_bundles_have_the_shapes_that_helm_and_eks_anywhere_read(
    registry: DemoRegistry, namespace: str, sample: Sample, skopeo: Skopeo, tmp_path: Path
) -> None:
    assert run("import", *import_flags(sample, registry, namespace), login=registry).code == 0

    for chart in sample.charts:
        manifest = skopeo.manifest(registry, in_mirror(chart.reference, namespace))
        assert manifest.config
        assert manifest.config.media_type == HELM_CONFIG
        assert [layer.media_type for layer in manifest.layers] == [HELM_CHART]
    for bundle in sample.package_bundles:
        manifest = skopeo.manifest(registry, in_mirror(bundle.reference, namespace))
        assert manifest.config
        assert manifest.config.media_type == UNKNOWN_CONFIG
        assert [layer.media_type for layer in manifest.layers] == [OCI_LAYER]
        folder = tmp_path / bundle.reference.tag
        skopeo.copy_out(registry, in_mirror(bundle.reference, namespace), f"dir:{folder}")
        assert (folder / bundle.digest.removeprefix("sha256:")).read_bytes() == bundle.content


def test_docker_pulls_and_unpacks_an_imported_image(
    registry: DemoRegistry, namespace: str, sample: Sample, private_docker: PrivateDocker
) -> None:
    assert run("import", *import_flags(sample, registry, namespace), login=registry).code == 0
    image = sample.images[-1]

    pulled = private_docker.client.images.pull(
        f"{registry.address}/{namespace}/{image.reference.repository}",
        tag=image.reference.tag,
        auth_config={
            "username": registry.username,
            "password": registry.password.get_secret_value(),
        },
    )

    assert pulled.id == image.config_digest
    assert pulled.attrs["RootFS"]["Layers"] == [layer.diff_id for layer in image.layers]


def test_an_archive_of_a_real_docker_save_arrives_with_the_same_config(
    registry: DemoRegistry,
    namespace: str,
    private_docker: PrivateDocker,
    skopeo: Skopeo,
    tmp_path: Path,
) -> None:
    client, name = private_docker.client, "public.ecr.aws/eks-anywhere/real"
    (tmp_path / "hello").write_text("from a real daemon")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY hello /hello\nLABEL a=b\n")
    image, _ = client.images.build(path=str(tmp_path), tag=f"{name}:v1")
    archive = tmp_path / "saved.tar"
    with archive.open("wb") as file:
        for block in image.save(named=f"{name}:v1"):
            file.write(block)
    target = ("-r", f"{registry.address}/{namespace}", "--ca-file", registry.ca_file)

    result = run("import", "-i", archive, "--all", *target, login=registry)

    assert result.code == 0, result.err
    manifest = skopeo.manifest(registry, f"{namespace}/eks-anywhere/real:v1")
    assert manifest.media_type == DOCKER_MANIFEST
    assert manifest.config
    assert manifest.config.digest == image.id


def test_an_oci_layout_keeps_its_manifest_digests(
    registry: DemoRegistry, namespace: str, sample: Sample, skopeo: Skopeo, tmp_path: Path
) -> None:
    first = run("import", *import_flags(sample, registry, namespace), login=registry)
    assert first.code == 0
    image = sample.images[1]
    layout = tmp_path / "layout.tar"
    source = in_mirror(image.reference, namespace)
    skopeo.copy_out(registry, source, f"oci-archive:{layout}:{image.reference}")
    wanted = _only_manifest_digest(skopeo, layout)
    target = ("-r", f"{registry.address}/{namespace}-oci", "--ca-file", registry.ca_file)

    result = run("import", "-i", layout, "--all", *target, login=registry)

    assert result.code == 0, result.err
    arrived = skopeo.raw(registry, in_mirror(image.reference, f"{namespace}-oci"))
    assert digest_of(arrived) == wanted


def _only_manifest_digest(skopeo: Skopeo, layout: Path) -> str:
    raw = skopeo.run("inspect", "--raw", f"oci-archive:{layout}")
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def test_tokens_of_a_few_seconds_are_renewed_on_the_way(
    token_registry: TokenRegistry, make_sample: SampleFactory, skopeo: Skopeo
) -> None:
    token_registry.tokens.life = 2.0
    sample = make_sample(SampleSpec(megabytes=12))
    flags = import_flags(sample, token_registry, "eks-a")

    result = run("import", *flags, "--limit-rate", "1M", "-j", "1", login=token_registry)

    assert result.code == 0, result.err
    check_with_skopeo(skopeo, sample, token_registry, "eks-a")
    asked = [scope for one in token_registry.tokens.asked for scope in one.scopes]
    assert max(asked.count(scope) for scope in asked) > 1, "no token ended on the way"


def test_what_the_tarball_lacks_is_told_and_the_rest_arrives(
    registry: DemoRegistry, namespace: str, make_sample: SampleFactory, skopeo: Skopeo
) -> None:
    missing = "public.ecr.aws/eks/cilium/operator-generic:v1.19.4-1"
    sample = make_sample(SampleSpec(leave_out=missing))

    result = run("import", *import_flags(sample, registry, namespace), login=registry)

    assert result.code == 1
    assert "Not in the tarball" in result.err
    assert missing in result.err
    report = json.loads(only_job().report("json").read_text())
    states = {a["source"]: a["state"] for a in report["artifacts"] if a["required"]}
    assert states.pop(missing) == "failed"
    assert set(states.values()) == {"done"}
    assert report["counts"]["done"] == len(sample.required) - 1


def test_what_nobody_requires_is_imported_only_with_all(
    registry: DemoRegistry, namespace: str, make_sample: SampleFactory, skopeo: Skopeo
) -> None:
    extra = Reference.parse("public.ecr.aws/eks-anywhere/left-over:v1")
    sample = make_sample(SampleSpec(extra=str(extra)))
    flags = import_flags(sample, registry, namespace)

    assert run("import", *flags, login=registry).code == 0
    report = json.loads(only_job().report("json").read_text())
    (left,) = [a for a in report["artifacts"] if a["source"] == str(extra)]
    assert left["state"] == "skipped by filter"

    assert run("import", *flags, "--all", login=registry).code == 0
    assert skopeo.manifest(registry, in_mirror(extra, namespace)).config


def test_a_filter_by_kubernetes_version_leaves_the_others_out(
    registry: DemoRegistry, namespace: str, sample: Sample
) -> None:
    flags = import_flags(sample, registry, namespace)

    assert run("import", *flags, "--kube-version", "1.33", login=registry).code == 0

    report = json.loads(only_job().report("json").read_text())
    assert report["kube_versions"] == ["1.33"]
    other = [a for a in report["artifacts"] if "1-34" in a["source"]]
    assert other
    assert {a["state"] for a in other} == {"skipped by filter"}


def test_a_wrong_password_is_told_at_once_and_in_words(
    registry: DemoRegistry, namespace: str, sample: Sample
) -> None:
    flags = import_flags(sample, registry, namespace)

    result = run("import", *flags, REGISTRY_USERNAME=registry.username, REGISTRY_PASSWORD="no")

    assert result.code == 3
    assert "The registry refuses the login [login-refused]" in result.err
    assert "Fix" in result.err


def test_an_unknown_authority_is_told_with_the_flag_that_mends_it(
    registry: DemoRegistry, namespace: str, sample: Sample
) -> None:
    flags = import_flags(sample, registry, namespace)[:-2]

    result = run("import", *flags, login=registry)

    assert result.code == 3
    assert "[tls-untrusted]" in result.err
    assert "--ca-file" in result.err


def test_the_release_manifest_given_by_mistake_is_recognised(
    registry: DemoRegistry, namespace: str, sample: Sample
) -> None:
    flags = import_flags(sample, registry, namespace)
    flags[3] = sample.bundles.with_name("manifest.yaml")

    result = run("import", *flags, login=registry)

    assert result.code == 2
    assert "[manifest-wrong-kind]" in result.err
    assert "bundle-release.yaml" in result.err


def test_manifests_are_read_out_of_the_downloads_tarball(
    registry: DemoRegistry, namespace: str, sample: Sample
) -> None:
    flags = import_flags(sample, registry, namespace)
    flags[3] = sample.downloads

    result = run("plan", *flags, "--json", login=registry)

    assert result.code == 0, result.err
    assert len([a for a in result.json["artifacts"] if a["required"]]) == len(sample.required)


def test_json_is_an_event_a_line_and_ends_with_the_exit_code(
    registry: DemoRegistry, namespace: str, sample: Sample
) -> None:
    result = run("import", *import_flags(sample, registry, namespace), "--json", login=registry)

    events = result.events
    assert events[-1]["event"] == "end"
    assert events[-1]["exit"] == 0
    done = {e["artifact"] for e in events if e["event"] == "artifact-done"}
    assert done == {str(artifact.reference) for artifact in sample.required}
    assert any(e["event"] == "progress" and e["bytes"]["sent"] > 0 for e in events)


def test_verify_finds_what_was_removed_or_altered(
    fresh_registry: RegistryFactory, sample: Sample
) -> None:
    registry = fresh_registry(auth=Login())
    flags = import_flags(sample, registry, "eks-a")
    assert run("import", *flags, login=registry).code == 0
    whole = run("verify", *flags, "--deep", "--json", login=registry)
    assert whole.code == 0, whole.err
    assert all(one["verified"] for one in whole.json)

    blobs = registry.storage.rglob("blobs/sha256/*/*/data")
    largest = max(blobs, key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)

    assert run("verify", *flags, login=registry).code == 0, "sizes alone cannot show it"
    deep = run("verify", *flags, "--deep", "--json", login=registry)
    assert deep.code == 1
    assert any("error" in one for one in deep.json)


def test_the_password_is_nowhere(
    fresh_registry: RegistryFactory, make_sample: SampleFactory
) -> None:
    registry = fresh_registry(auth=Login("robot$a+b", SecretStr(PASSWORD_MARK)))
    sample = make_sample(SampleSpec(megabytes=4))
    flags = import_flags(sample, registry, "eks-a")
    command = [PROGRAM, "import", *flags, "-u", "robot$a+b", "--password-stdin"]
    seen: list[bytes] = []
    with subprocess.Popen(
        [*map(str, command), "--limit-rate", "1M"],
        env=environment(None),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(PASSWORD_MARK + "\n")
        process.stdin.close()
        while process.poll() is None:
            seen += _arguments_and_environments()
        said = process.stdout.read()

    assert process.returncode == 0, said
    assert seen
    mark = PASSWORD_MARK.encode()
    assert not [line for line in seen if mark in line]
    assert PASSWORD_MARK not in said
    state, home = jobs_folder(), Path(os.environ["HOME"])
    assert not [path for path in files_below(state, home) if mark in path.read_bytes()]


def _arguments_and_environments() -> list[bytes]:
    """What `ps` shows of every process of this program."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes()
            if b"core.transfer.worker" in line or b"eksa-mirror" in line:
                found += [line, (folder / "environ").read_bytes()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
