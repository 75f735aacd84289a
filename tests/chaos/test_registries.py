"""What befalls a registry in the middle of an import: told, outlived, or mended by the next run."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.demo.certificates import Authority
from core.demo.registry import DemoRegistry
from core.errors import ExitCode
from core.transfer.states import ArtifactState
from tests.chaos.conftest import When
from tests.core.transfer.making import uploads_left
from tests.core.transfer.running import Import
from tests.faults.conftest import CHUNK, Tarball
from tests.faults.gates import refusal
from tests.faults.scripts import FOREVER, On, Say
from tests.faults.truth import Truth
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy
from tests.fixtures.registries import ProxyFactory, RegistryFactory
from tests.fixtures.small_disk import small_disk_at
from tests.fixtures.tools import Skopeo, need

UPLOADS = "/blobs/uploads/"
EMPTY_BLOBS = "find docker/registry/v2/blobs -name data -size 0"


@pytest.fixture
def cramped(tmp_path: Path, authority: Authority) -> Iterator[DemoRegistry]:
    """A registry whose disk has no room for all of the tarball."""
    need("docker-registry")
    with ExitStack() as undo:
        disk = undo.enter_context(small_disk_at(tmp_path / "disk", "500k"))
        folder = tmp_path / "registry"
        (folder / "storage").parent.mkdir()
        (folder / "storage").symlink_to(disk)
        yield undo.enter_context(DemoRegistry(folder, authority=authority))


def test_a_full_registry_is_told_and_goes_on_when_it_has_room(
    cramped: DemoRegistry, work: Import, tarball: Tarball
) -> None:
    work.registry = cramped

    assert work.run() is ExitCode.SOME_FAILED

    failed = [row for row in work.rows if row.state is ArtifactState.FAILED]
    codes = {row.code for row in failed}
    assert "registry-disk-full" in codes, [row.message for row in failed]
    assert codes <= {"registry-disk-full", "registry-fault"}, "a HEAD is answered without words"
    assert all("df -h" in row.mend for row in failed)
    truth = Truth(cramped, tarball.images)
    truth.confirms(work.rows)
    disk = cramped.storage.resolve()
    subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
    if work.run() is not ExitCode.DONE:  # where the disk was full depends on who came first
        lost = [row for row in work.rows if row.state is ArtifactState.FAILED]
        assert {row.code for row in lost} == {"registry-fault"}, [row.message for row in lost]
        assert all(EMPTY_BLOBS in row.mend for row in lost)
        assert delete_empty_content(cramped)
        assert work.run() is ExitCode.DONE
    truth.confirms(work.rows)
    assert not uploads_left(cramped, work.namespace)


def delete_empty_content(registry: DemoRegistry) -> int:
    """What the mend of a registry-fault says, word for word."""
    found = subprocess.run(
        EMPTY_BLOBS.split(), cwd=registry.storage, capture_output=True, text=True, check=True
    )
    empty = found.stdout.splitlines()
    for name in empty:
        (registry.storage / name).unlink()
    return len(empty)


def test_a_manifest_that_a_full_disk_left_empty_is_told_until_the_registry_forgets_it(
    fresh_registry: RegistryFactory, work: Import, tarball: Tarball
) -> None:
    """docker-registry 2 takes an empty file for the manifest, and says 201 to who sends it."""
    registry = fresh_registry()
    work.registry = registry
    assert work.run() is ExitCode.DONE
    _, _, digest = work.rows[0].digest.partition(":")
    blobs = registry.storage / "docker/registry/v2/blobs/sha256"
    (blobs / digest[:2] / digest / "data").write_bytes(b"")

    for restart in (False, True):
        assert work.run(restart=restart) is ExitCode.SOME_FAILED
        (failed,) = [row for row in work.rows if row.state is ArtifactState.FAILED]
        assert failed.code == "registry-fault"
        assert EMPTY_BLOBS in failed.mend

    assert delete_empty_content(registry) == 1
    assert work.run() is ExitCode.DONE
    Truth(registry, tarball.images).confirms(work.rows)


def test_what_a_full_disk_left_half_written_is_sent_again(
    fresh_registry: RegistryFactory, work: Import, tarball: Tarball
) -> None:
    """Empty notes of which blobs a repository holds: docker-registry 2 fails at them for ever."""
    registry = fresh_registry()
    work.registry = registry
    assert work.run() is ExitCode.DONE
    links = list(registry.storage.rglob("_layers/sha256/*/link"))
    for link in links:
        link.write_bytes(b"")
    assert links

    code = work.run(restart=True)
    assert code is ExitCode.DONE, [(one.source, one.code, one.message) for one in work.rows]

    assert all(row.verified for row in work.rows)
    Truth(registry, tarball.images).confirms(work.rows)


def test_a_quota_that_is_used_up_half_way_is_told(
    work: Import, truth: Truth, counting_proxy: Proxy
) -> None:
    said = "adding 3 MiB of storage resource, which when updated to 11 GiB will exceed the"
    said += " configured upper limit of 10 GiB"
    counting_proxy.handler = Say(
        On("PUT", "/manifests/", after=1, times=FOREVER), lambda: refusal(403, "DENIED", said)
    )
    assert work.run() is ExitCode.SOME_FAILED
    failed = [row for row in work.rows if row.state is ArtifactState.FAILED]
    assert {row.code for row in failed} == {"quota-exceeded"}
    truth.confirms(work.rows)


IMMUTABLE = {
    "harbor": (412, "PRECONDITION", "tag 'a:v1' is configured as immutable, cannot be updated"),
    "ecr": (400, "TAG_INVALID", "image tag 'v1' already exists and the repository is immutable"),
}


@pytest.mark.parametrize("product", IMMUTABLE)
def test_a_tag_that_may_not_change_fails_alone_and_keeps_its_content(
    product: str, work: Import, tarball: Tarball, truth: Truth, counting_proxy: Proxy
) -> None:
    image = tarball.images[0].reference
    path = f"/{image.repository}/manifests/"
    status, code, said = IMMUTABLE[product]
    counting_proxy.handler = Say(
        On("PUT", path, times=FOREVER), lambda: refusal(status, code, said)
    )

    assert work.run() is ExitCode.SOME_FAILED

    (failed,) = [row for row in work.rows if row.state is ArtifactState.FAILED]
    assert failed.source == str(image)
    assert failed.code == "tag-immutable"
    truth.confirms(work.rows)


def test_a_project_that_is_deleted_half_way_is_filled_again(
    work: Import, truth: Truth, counting_proxy: Proxy, registry: DemoRegistry
) -> None:
    """As registries do that make a repository at the first push."""
    project = registry.storage / "docker/registry/v2/repositories" / work.namespace

    def delete() -> None:
        shutil.rmtree(project, ignore_errors=True)

    counting_proxy.handler = when = When(On("PUT", UPLOADS, after=2), delete)

    code = work.run()

    assert when.on.struck
    assert code in (ExitCode.DONE, ExitCode.SOME_FAILED)
    truth.confirms(work.rows)
    assert work.run() is ExitCode.DONE
    truth.confirms(work.rows)


class ProjectGone(Handler):
    """Harbor, after somebody deleted the project: no right to what is not there."""

    def __init__(self, after: int) -> None:
        self.on = On(path="/v2/.", after=after, times=FOREVER)

    def request(self, exchange: Exchange) -> Answer | None:
        if not self.on.strikes(exchange):
            return None
        words = "unauthorized to access repository, action: push"
        return refusal(401, "UNAUTHORIZED", words, WWW_Authenticate='Basic realm="harbor"')


@pytest.mark.parametrize(
    "after",
    [pytest.param(n, marks=() if n == 10 else pytest.mark.slow) for n in (0, 10, 30)],
)
def test_a_project_that_is_gone_is_told_with_what_to_do(
    after: int, work: Import, truth: Truth, counting_proxy: Proxy
) -> None:
    counting_proxy.handler = ProjectGone(after)
    assert work.run() is ExitCode.SOME_FAILED
    failed = [row for row in work.rows if row.state is ArtifactState.FAILED]
    assert {row.code for row in failed} == {"push-denied"}
    assert all("Create the project" in row.mend for row in failed)
    counting_proxy.handler = Handler()
    truth.confirms(work.rows)
    assert work.run() is ExitCode.DONE
    truth.confirms(work.rows)


def test_two_importers_of_the_same_images_do_not_disturb_each_other(
    fresh_registry: RegistryFactory,
    proxy_for: ProxyFactory,
    tarball: Tarball,
    tmp_path: Path,
    skopeo: Skopeo,
) -> None:
    """Their requests alternate one by one, so that each meets what the other has half done."""
    registry = fresh_registry()
    turns = Alternating()
    works = []
    for name in ("one", "two"):
        archive = tmp_path / f"{name}.tar"
        archive.symlink_to(shutil.copy2(tarball.archive, tmp_path / f"{name}-real.tar"))
        proxy = proxy_for(registry, turns.side(name))
        answers = tarball.answers.model_copy(update={"archive": archive})
        works.append(Import(proxy, answers, "eks-a"))
    for work in works:
        work.transfer = work.transfer.model_copy(update={"chunk_size": CHUNK, "jobs": 2})

    codes: dict[str, ExitCode] = {}

    def run(name: str, work: Import) -> None:
        try:
            codes[name] = work.run()
        finally:
            turns.leave(name)

    threads = [
        threading.Thread(target=run, args=pair) for pair in zip(turns.names, works, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(codes.values()) == {ExitCode.DONE}
    for work in works:
        assert all(row.verified for row in work.rows)
        Truth(registry, tarball.images).confirms(work.rows)
    for image in tarball.images:
        name = f"eks-a/{image.reference.repository}:{image.reference.tag}"
        raw = json.loads(skopeo.raw(registry, name))
        assert raw["config"]["digest"] == image.config_digest
        skopeo.copy_out(registry, name, f"dir:{tmp_path / 'out'}")
    assert turns.changes > 20
    assert not uploads_left(registry, "eks-a")


class Alternating:
    """Lets the requests of two clients through in turn, as long as both are at work."""

    def __init__(self) -> None:
        self.names = ("one", "two")
        self.changes = 0
        self._next = "one"
        self._here = set(self.names)
        self._turn = threading.Condition()

    def side(self, name: str) -> Handler:
        alternating = self

        class Side(Handler):
            def request(self, exchange: Exchange) -> Answer | None:
                alternating.take(name)
                return None

        return Side()

    def take(self, name: str) -> None:
        with self._turn:
            # The other may have nothing to ask just now: then its turn is passed over.
            mine = self._turn.wait_for(lambda: self._next == name or len(self._here) < 2, 0.05)
            self.changes += mine
            self._next = next(one for one in self.names if one != name)
            self._turn.notify_all()

    def leave(self, name: str) -> None:
        with self._turn:
            self._here.discard(name)
            self._turn.notify_all()
