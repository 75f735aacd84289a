"""A worker prepares on a connected machine: whole, cut off, without room, from a wrong source."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import NamedTuple

import pytest

from core.archive.open import open_archive
from core.demo.certificates import Authority
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.errors import Code, JobError
from core.fetch.gathering import Estimate, estimate, reach_of
from core.fetch.pins import Pins
from core.fetch.preparation import MANIFESTS_FILE, Preparation, errand_for, import_command
from core.fetch.upstreams import Upstreams
from core.fetch.worker import start
from core.oci import digest_of
from core.reference import Reference
from core.registry.retry import Waiter
from core.transfer.standing import Stand
from tests.fixtures.proxy import Handler, Proxy
from tests.fixtures.registries import ProxyFactory, RegistryFactory
from tests.fixtures.tools import Skopeo
from tests.integration.clients import content_of
from tests.integration.curated import CHARTS, IMAGES, publish_packages
from tests.integration.downloads import check_whole
from tests.integration.preparing import Hold, ended, kill, kill_all, prepared, wait_recorded
from tests.integration.program import run
from tests.integration.upstream import Upstream, fill_upstream
from tests.integration.web import Site, published

BIG = content_of("a large layer of a preparation", 4_000_000)
SECONDS = 30.0


class Ground(NamedTuple):
    """The web and the registry that stand for upstream, and an empty folder."""

    site: Site
    upstream: Upstream
    folder: Path


@pytest.fixture(autouse=True)
def _no_preparation_survives(_own_machine: None) -> Iterator[None]:
    yield
    kill_all()


@pytest.fixture
def ground(
    fresh_registry: RegistryFactory, sample: Sample, authority: Authority, tmp_path: Path
) -> Iterator[Ground]:
    with Site(published(sample), authority) as site:
        folder = tmp_path / "carry"
        folder.mkdir()
        yield Ground(site, fill_upstream(fresh_registry(), sample, BIG), folder)


def begin(preparation: Preparation, **more: bool) -> None:
    start(errand_for(preparation.folder), preparation, **more)


def under_way(
    ground: Ground, proxy_for: ProxyFactory, after: int = 1_000_000
) -> tuple[Hold, Proxy, Preparation]:
    """A preparation whose large layer stands still after some bytes."""
    held = Hold(digest_of(BIG), after)
    proxy = proxy_for(ground.upstream.registry, held)
    preparation = prepared(ground.site, proxy, ground.folder)
    begin(preparation)
    assert held.reached.wait(SECONDS)
    return held, proxy, preparation


def asked(preparation: Preparation) -> Estimate:
    with Upstreams(reach_of(preparation), lambda address: None, Waiter(Event())) as upstreams:
        return estimate(preparation, upstreams, Pins())


def test_what_was_prepared_is_imported_with_every_digest_of_upstream(
    ground: Ground, skopeo: Skopeo, registry: DemoRegistry, namespace: str
) -> None:
    site, upstream, folder = ground
    begin(prepared(site, upstream.registry, folder))

    stand, picture = ended(folder)

    assert stand is Stand.DONE, picture
    files = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert files.pop(f"{MANIFESTS_FILE}.sha256")
    assert files == picture.written
    assert picture.done == picture.total > len(BIG)
    assert picture.arrived == picture.artifacts == len(upstream.digests)
    check_whole(folder / "images.tar", upstream)
    command = import_command(str(folder / "images.tar"), str(folder / MANIFESTS_FILE))
    words = command.replace("HOST[:PORT][/NAMESPACE]", f"{registry.address}/{namespace}").split()
    imported = run(*words[1:], "--ca-file", registry.ca_file, login=registry)
    assert imported.code == 0, imported.err
    for source, digest in upstream.digests.items():
        reference = Reference.parse(source)
        name = f"{namespace}/{reference.repository}:{reference.tag}"
        assert digest_of(skopeo.raw(registry, name)) == digest


def test_a_release_is_taken_from_a_file_for_chosen_versions_and_platforms(
    ground: Ground, sample: Sample
) -> None:
    site, upstream, folder = ground
    begin(prepared(site, upstream.registry, folder, release=str(sample.bundles),
                   kube_versions=("1.34",), platforms=("linux/amd64",)))  # fmt: skip

    stand, picture = ended(folder)

    assert stand is Stand.DONE, picture
    assert site.asked == []
    assert 0 < picture.artifacts < len(upstream.digests)
    with open_archive(folder / "images.tar") as archive:
        stored = {str(ref): one.content.digest for one in archive.artifacts  # type: ignore[union-attr]
                  for ref in one.references}  # fmt: skip
    taken = {source: stored[source] for source in upstream.amd64 if source in stored}
    assert taken
    assert taken == {source: upstream.amd64[source] for source in taken}


def test_an_estimate_is_the_size_of_what_comes_and_fetches_no_layer(
    ground: Ground, proxy_for: ProxyFactory
) -> None:
    site, upstream, folder = ground
    proxy = proxy_for(upstream.registry)
    preparation = prepared(site, proxy, folder)

    found = asked(preparation)

    assert proxy.matching("GET", "/blobs/") == []
    assert list(folder.iterdir()) == []
    begin(preparation)
    _, picture = ended(folder)
    assert found.files == {"images.tar": picture.written["images.tar"]}
    assert found.need == picture.written["images.tar"]
    assert found.fetched == picture.total
    assert found.artifacts == picture.artifacts


def test_the_manifests_that_were_fetched_stay_those_of_the_first_start(
    ground: Ground, proxy_for: ProxyFactory
) -> None:
    """A newer release that comes out between two starts changes nothing."""
    site, upstream, folder = ground
    held, proxy, preparation = under_way(ground, proxy_for, 2_000_000)
    wait_recorded(folder, digest_of(BIG))
    kill(errand_for(folder))
    held.go.set()
    assert ended(folder)[0] is Stand.CUT_OFF
    site.files.clear()
    proxy.handler = Handler()
    proxy.forget()

    begin(preparation)

    stand, picture = ended(folder)
    assert stand is Stand.DONE, picture
    (again,) = proxy.matching("GET", digest_of(BIG))
    assert again.status == 206
    check_whole(folder / "images.tar", upstream)


def test_a_term_stops_it_in_order_and_a_second_worker_is_refused(
    ground: Ground, proxy_for: ProxyFactory
) -> None:
    held, _, preparation = under_way(ground, proxy_for)
    with pytest.raises(JobError) as refused:
        begin(preparation)
    os.kill(errand_for(ground.folder).job.worker_pid() or 0, signal.SIGTERM)
    held.go.set()

    assert ended(ground.folder)[0] is Stand.STOPPED
    assert refused.value.code is Code.JOB_RUNNING


def test_files_of_others_are_never_overwritten(ground: Ground) -> None:
    site, upstream, folder = ground
    (folder / "images.tar").write_text("of somebody else")

    begin(prepared(site, upstream.registry, folder))

    stand, picture = ended(folder)
    assert stand is Stand.BROKEN
    assert "images.tar is there already" in picture.error["message"]
    assert (folder / "images.tar").read_text() == "of somebody else"


def test_other_answers_are_told_apart_and_can_begin_anew(
    ground: Ground, proxy_for: ProxyFactory
) -> None:
    site, _, folder = ground
    held, proxy, _ = under_way(ground, proxy_for)
    kill(errand_for(folder))
    held.go.set()
    proxy.handler = Handler()
    smaller = prepared(site, proxy, folder, platforms=("linux/amd64",))

    begin(smaller)
    assert "with other answers" in ended(folder)[1].error["message"]
    begin(smaller, restart=True)

    assert ended(folder)[0] is Stand.DONE
    assert not list(folder.glob("*.partial"))


def test_curated_packages_come_in_a_tarball_of_their_own(
    ground: Ground, fresh_registry: RegistryFactory, skopeo: Skopeo, sample: Sample
) -> None:
    site, upstream, folder = ground
    mirror, packages = fresh_registry(), publish_packages(upstream.registry, fresh_registry())
    plan = prepared(site, upstream.registry, folder, release=str(sample.bundles),
                    kube_versions=("1.33",), packages_from=IMAGES, charts_from=CHARTS)  # fmt: skip
    places = (*plan.upstream_mirrors, packages.places[1])
    begin(plan.model_copy(update={"upstream_mirrors": places}))

    stand, picture = ended(folder)

    assert stand is Stand.DONE, picture
    command = import_command(str(folder / "packages-1.33.tar"), "", plan.package_places)
    words = command.replace("HOST[:PORT][/NAMESPACE]", f"{mirror.address}/m").split()
    imported = run(*words[1:], "--ca-file", mirror.ca_file)
    assert imported.code == 0, imported.err
    for name, digest in packages.digests.items():
        assert digest_of(skopeo.raw(mirror, f"m/eks-anywhere/{name}")) == digest
