"""A whole import to each product of the field, read back from the real registry behind it."""

import gzip
from pathlib import Path

import pytest

from core.answers import TransferAnswers
from core.demo.registry import DemoRegistry
from core.errors import ExitCode
from core.transfer.states import ArtifactState
from tests.core.transfer.running import Import
from tests.faults.conftest import Tarball, write_tarball
from tests.faults.gates import Bearer
from tests.faults.profiles import MIB, PROFILES, Created, Store, profile
from tests.faults.truth import Truth
from tests.fixtures.proxy import Proxy
from tests.fixtures.registries import ProxyFactory
from tests.fixtures.tools import Skopeo

UNIT = 16 * 1024
"""What stands for a MiB: the default chunk of 8 MiB is 128 KiB here."""

WITHOUT_CHUNKS = {"google"}


@pytest.fixture
def store(registry: DemoRegistry, proxy_for: ProxyFactory) -> Proxy:
    return proxy_for(registry, Store(registry))


@pytest.mark.parametrize("name", PROFILES)
def test_a_whole_import_arrives(
    name: str,
    tarball: Tarball,
    registry: DemoRegistry,
    counting_proxy: Proxy,
    store: Proxy,
    namespace: str,
    skopeo: Skopeo,
    tmp_path: Path,
) -> None:
    handler, disturbed = profile(name, registry, UNIT, store.url)
    counting_proxy.handler = handler
    transfer = TransferAnswers(patience=1, jobs=2, chunk_size=8 * UNIT)
    work = Import(counting_proxy, tarball.answers, namespace, transfer)

    assert work.run() is ExitCode.DONE

    assert disturbed.lost == (name not in WITHOUT_CHUNKS)
    assert all(row.verified for row in work.rows)
    Truth(registry, tarball.images).confirms(work.rows)
    image = next(row for row in work.rows if row.kind == "image")
    skopeo.copy_out(registry, image.destination.partition("/")[2], f"dir:{tmp_path / 'out'}")
    assert isinstance(store.handler, Store)
    assert not store.handler.shown_login
    counting_proxy.forget()
    assert work.run() is ExitCode.DONE
    assert counting_proxy.bytes_sent() == 0


def test_a_mount_that_the_last_scope_forbids_becomes_an_upload(
    tarball: Tarball, registry: DemoRegistry, counting_proxy: Proxy, store: Proxy, namespace: str
) -> None:
    counting_proxy.handler, _ = profile("gitlab", registry, UNIT, store.url)
    work = Import(counting_proxy, tarball.answers, namespace, TransferAnswers(patience=1))
    assert work.run() is ExitCode.DONE
    mounts = [one for one in counting_proxy.matching("POST") if "mount=" in one.target]
    assert mounts
    assert {one.status for one in mounts} == {401}
    Truth(registry, tarball.images).confirms(work.rows)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROFILES)
def test_a_whole_import_of_large_layers_arrives_with_the_limits_as_they_are(
    name: str,
    large: Tarball,
    registry: DemoRegistry,
    counting_proxy: Proxy,
    store: Proxy,
    namespace: str,
) -> None:
    counting_proxy.handler, _ = profile(name, registry, MIB, store.url)
    work = Import(counting_proxy, large.answers, namespace)
    assert work.run() is ExitCode.DONE
    Truth(registry, large.images).confirms(work.rows)


@pytest.fixture(scope="session")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Tarball:
    """One whose largest layers take two chunks of eight units, as large ones do in the field."""
    return write_tarball(tmp_path_factory.mktemp("tarball"), 1_800_000)


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Tarball:
    """One with layers of several chunks of the usual size."""
    made = write_tarball(tmp_path_factory.mktemp("large"), 110_000_000)
    blobs = [layer.content for image in made.images for layer in image.layers]
    assert max(len(gzip.compress(b"".join(one.blocks()), 1)) for one in blobs) > 8 * MIB
    return made


def test_tokens_that_end_in_mid_blob_are_renewed(
    tarball: Tarball, registry: DemoRegistry, counting_proxy: Proxy, namespace: str
) -> None:
    counting_proxy.handler = gate = Bearer(registry, serves=2)
    transfer = TransferAnswers(patience=1, jobs=2, chunk_size=64 * 1024)
    work = Import(counting_proxy, tarball.answers, namespace, transfer)
    assert work.run() is ExitCode.DONE
    assert gate.ended > 5
    Truth(registry, tarball.images).confirms(work.rows)


def test_a_repository_that_nobody_created_is_told_and_the_others_arrive(
    tarball: Tarball, registry: DemoRegistry, counting_proxy: Proxy, namespace: str
) -> None:
    counting_proxy.handler = Created("eks/cilium/operator-generic")
    work = Import(counting_proxy, tarball.answers, namespace, TransferAnswers(patience=1))
    assert work.run() is ExitCode.SOME_FAILED
    (failed,) = [row for row in work.rows if row.state is ArtifactState.FAILED]
    assert failed.code == "registry-not-found"
    assert "operator-generic" in failed.source
    Truth(registry, tarball.images).confirms(work.rows)
