"""The connected side in the wizard, against real registries: whole way, wrong answers, kills."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.demo.certificates import Authority
from core.demo.registry import DemoRegistry
from core.demo.sample import Sample
from core.fetch.preparation import errand_for, existing_errands
from core.oci import digest_of
from core.reference import Reference
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy
from tests.fixtures.registries import ProxyFactory
from tests.fixtures.tools import need
from tests.integration.clients import content_of
from tests.integration.downloads import an_image, check_whole
from tests.integration.preparing import Hold, kill, kill_all, prepared
from tests.integration.upstream import Upstream, fill_upstream
from tests.integration.web import Site, published
from tests.tui.wizard.looking import LARGE, SMALL, new_app, running, shown, until
from tui.app import MirrorApp
from tui.prepare_form import fields_of
from tui.screens.dialogs import Dialog
from tui.screens.prepare import PrepareScreen
from tui.screens.prepare_progress import PrepareProgress
from tui.screens.start import StartScreen
from tui.terminal import Look
from tui.widgets.menu import Menu

pytestmark = pytest.mark.integration

BIG = content_of("a large layer of the wizard", 3_000_000)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tui.screens.prepare.ASK_DELAY", 0.1)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


@pytest.fixture(autouse=True)
def _no_worker_survives(_own_machine: None) -> Iterator[None]:
    yield
    kill_all()


@pytest.fixture(scope="module")
def site(sample: Sample, authority: Authority) -> Iterator[Site]:
    with Site(published(sample), authority) as web:
        yield web


@pytest.fixture(scope="module")
def upstream(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, sample: Sample
) -> Iterator[Upstream]:
    need("docker-registry")
    folder = tmp_path_factory.mktemp("upstream")
    with DemoRegistry(folder, authority=authority) as registry:
        yield fill_upstream(registry, sample, BIG)


@pytest.fixture
def carry(tmp_path: Path) -> Path:
    folder = tmp_path / "carry"
    folder.mkdir()
    return folder


def asking(
    site: Site, registry: DemoRegistry | Proxy, folder: Path, look: Look | None = None
) -> MirrorApp:
    """The wizard whose questions are answered already, as they are when one comes back."""
    app = new_app(look=look)
    app.session.notes["prepare"] = fields_of(prepared(site, registry, folder))
    return app


async def open_prepare(pilot: Pilot[str], app: MirrorApp) -> None:
    await until(pilot, lambda: app.screen.query_one(Menu).entries)
    await pilot.press("end", "enter")
    await until(pilot, lambda: isinstance(app.screen, PrepareScreen) and app.screen.framed)


async def begin(pilot: Pilot[str], app: MirrorApp, held: Hold) -> None:
    """Until the worker stands still in the middle of the large layer."""
    await open_prepare(pilot, app)
    await until(pilot, lambda: "to fetch; " in shown(app))
    await pilot.press("f8")
    await until(pilot, held.reached.is_set)


def test_the_whole_way_in_a_small_basic_window(site: Site, upstream: Upstream, carry: Path) -> None:
    async def play() -> None:
        app = asking(site, upstream.registry, carry, Look(basic=True))
        async with running(app, SMALL) as pilot:
            await open_prepare(pilot, app)
            await until(pilot, lambda: "3 MB to fetch; " in shown(app))
            assert "GB are free." in shown(app)
            assert "more lines" in shown(app)
            await pilot.press("pagedown", "pagedown")
            await until(pilot, lambda: "images.tar                  3 MB" in shown(app))
            text = shown(app)
            assert "Release          + pass     v0.26.0, Kubernetes 1.33 to 1.34" in text
            assert "To fetch         + pass     13 artifacts, 3 MB" in text
            assert "Proxy            - none" in text
            await pilot.press("f8")
            await until(pilot, lambda: isinstance(app.screen, PrepareProgress))
            await until(pilot, lambda: "+ done" in shown(app))
            text = shown(app)
            assert text.isascii()
            assert "100 %" in text
            assert "13 of 13 artifacts" in text
            assert "$ eksa-mirror import -i images.tar -b eks-anywhere-downloads.tar.gz" in text
            assert max(map(len, text.splitlines())) <= SMALL[0]
            check_whole(carry / "images.tar", upstream)
            await pilot.press("f8")
            await until(pilot, lambda: isinstance(app.screen, StartScreen))
            await until(pilot, lambda: "Open the download to" in shown(app))

    asyncio.run(play())


def test_it_goes_on_after_the_screen_was_left_and_after_a_kill(
    site: Site, upstream: Upstream, carry: Path, proxy_for: ProxyFactory
) -> None:
    held = Hold(digest_of(BIG), 2_000_000)
    proxy = proxy_for(upstream.registry, held)

    async def leave() -> None:
        app = asking(site, proxy, carry)
        async with running(app, LARGE) as pilot:
            await begin(pilot, app, held)
            await until(pilot, lambda: "1 of 3 MB" in shown(app) or "2 of 3 MB" in shown(app))
            await until(pilot, lambda: "Fetching now" in shown(app) and "◐ fetching" in shown(app))
            text = shown(app)
            assert "◐ running" in text
            assert "1 Artifacts    2 Log    3 Errors (0)" in text
            assert "◐ fetching" in text
            await pilot.press("2")
            await until(pilot, lambda: "manifests of 13 artifacts" in shown(app))
            await pilot.press("f10")
        assert app.return_value
        assert "The download goes on: " in app.return_value

    async def come_back() -> None:
        app = new_app()
        async with running(app, LARGE) as pilot:
            await until(pilot, lambda: "Open the running download to" in shown(app))
            kill(errand_for(carry))
            held.go.set()
            proxy.handler = Handler()
            proxy.forget()
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, PrepareProgress))
            await until(pilot, lambda: "✗ cut off" in shown(app))
            assert "◐ fetching" not in shown(app), "nobody is at it"
            assert "B/s" not in shown(app)
            assert "Nothing is lost. Resume fetches only the rest." in shown(app)
            await pilot.press("f8")
            await until(pilot, lambda: "✓ done" in shown(app))

    asyncio.run(leave())
    assert errand_for(carry).job.is_running()
    asyncio.run(come_back())
    assert proxy.matching("GET", "/manifests/") == []  # they were kept
    (again,) = proxy.matching("GET", digest_of(BIG))
    assert again.status == 206
    assert again.received < len(BIG) - 1_000_000
    check_whole(carry / "images.tar", upstream)


def test_a_stopped_download_is_offered_by_start_and_goes_on(
    site: Site, upstream: Upstream, carry: Path, proxy_for: ProxyFactory
) -> None:
    held = Hold(digest_of(BIG), 1_000_000)
    proxy = proxy_for(upstream.registry, held)

    async def play() -> None:
        app = asking(site, proxy, carry)
        async with running(app, SMALL) as pilot:
            await begin(pilot, app, held)
            await until(pilot, lambda: "Stop  s" in shown(app))
            await pilot.press("s")
            await until(pilot, lambda: isinstance(app.screen, Dialog))
            await pilot.press("right", "enter")
            held.go.set()
            await until(pilot, lambda: "– stopped" in shown(app))
            proxy.handler = Handler()
            await pilot.press("escape")
            await until(pilot, lambda: "Resume the download to" in shown(app))
            await pilot.press("enter")
            await until(pilot, lambda: "– stopped" in shown(app))
            await pilot.press("f5")
            await until(pilot, lambda: "✓ done" in shown(app))

    asyncio.run(play())


def test_wrong_answers_are_told_at_their_fields_and_hold_the_download(tmp_path: Path) -> None:
    (tmp_path / "images.tar").write_text("of somebody else")

    async def play() -> None:
        app = new_app()
        app.session.notes["prepare"] = {
            "folder": str(tmp_path), "kube_versions": "newest", "platforms": "amd64",
            "ca_file": str(tmp_path / "none.pem"), "upstream_mirrors": "cache.example",
        }  # fmt: skip
        async with running(app, LARGE) as pilot:
            await open_prepare(pilot, app)
            await until(pilot, lambda: "Fix 5 fields to go on." in shown(app))
            await pilot.press("f8")
            await until(pilot, lambda: "✗ images.tar is there already." in shown(app))
            text = shown(app)
            assert "✗ “newest” is no version of Kubernetes." in text
            assert "✗ “amd64” is no platform." in text
            assert "✗ No such file." in text
            assert "cache.example” cannot be used" in text
            assert isinstance(app.screen, PrepareScreen)
            assert existing_errands() == []

    asyncio.run(play())


def test_a_release_that_upstream_does_not_know_is_told_with_the_known_ones(
    site: Site, upstream: Upstream, carry: Path
) -> None:
    async def play() -> None:
        app = asking(site, upstream.registry, carry)
        answers = fields_of(prepared(site, upstream.registry, carry, release="v9.9.9"))
        app.session.notes["prepare"] = answers
        async with running(app, LARGE) as pilot:
            await open_prepare(pilot, app)
            await until(pilot, lambda: "✗ fail" in shown(app))
            text = shown(app)
            assert "The release v9.9.9 is not in the list of releases." in text
            assert "The newest in it: " in text
            assert "Cannot start: upstream says no." in text
            await pilot.press("f8")
            await pilot.pause()
            assert isinstance(app.screen, PrepareScreen)
            await pilot.press("tab", *["backspace"] * 6)
            await pilot.press("end", *["backspace"] * 6)
            await until(pilot, lambda: "v0.26.0, Kubernetes" in shown(app))

    asyncio.run(play())


def test_without_room_nothing_is_begun(
    site: Site, upstream: Upstream, carry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(carry)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))

    async def play() -> None:
        app = asking(site, upstream.registry, carry)
        async with running(app, LARGE) as pilot:
            await open_prepare(pilot, app)
            await until(pilot, lambda: "3 MB needed, 1 MB free" in shown(app))
            assert "Cannot start: the disk is too small." in shown(app)
            await pilot.press("f8")
            await pilot.pause()
            assert existing_errands() == []

    asyncio.run(play())


class Lacks(Handler):
    """Knows nothing of one artifact."""

    def __init__(self, lost: Reference) -> None:
        self._path = f"/{lost.repository}/manifests/{lost.tag}"

    def request(self, exchange: Exchange) -> Answer | None:
        return Answer(404, {}, b"{}") if exchange.path.endswith(self._path) else None


def test_what_upstream_lacks_is_told_and_can_be_left_out(
    site: Site, upstream: Upstream, carry: Path, proxy_for: ProxyFactory
) -> None:
    lost = an_image(upstream)
    proxy = proxy_for(upstream.registry, Lacks(lost))

    async def play() -> None:
        app = asking(site, proxy, carry)
        async with running(app, LARGE) as pilot:
            await open_prepare(pilot, app)
            await until(pilot, lambda: "! warn     1 artifact:" in shown(app))
            await pilot.press("f8")
            await until(pilot, lambda: "✗ 1 failed" in shown(app))
            assert lost.tag in shown(app)
            assert "leave it out with l." in shown(app)
            assert not (carry / "images.tar").exists()
            await pilot.press("l")
            await until(pilot, (carry / "images.tar").exists)
            await until(pilot, lambda: "What is here is kept." in shown(app))

    asyncio.run(play())
    there = {one: digest for one, digest in upstream.digests.items() if one != str(lost)}
    check_whole(carry / "images.tar", replace(upstream, digests=there))
