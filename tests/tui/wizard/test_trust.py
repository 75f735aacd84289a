"""Step 3: the CA file, the chain, and what its keys write."""

import asyncio
import stat
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from textual.pilot import Pilot

from core.answers import Answers, ClusterAnswers, OsFamily, RegistryAnswers
from core.checks.trust_view import DER_TEXT
from tests.fixtures.zoo import Zoo, ZooServer, pem
from tests.tui.wizard.looking import LARGE, SMALL, new_app, running, shown, until
from tui.app import MirrorApp
from tui.screens.credentials import CredentialsScreen
from tui.screens.dialogs import Dialog
from tui.screens.text_page import TextPage
from tui.screens.trust import TrustScreen
from tui.terminal import Look
from tui.widgets.certificate_tree import CertificateTree
from tui.widgets.field import Field

OWN = "✗ The first certificate is the server's own, not a CA."


def wizard_test(body: Coroutine[Any, Any, None]) -> None:
    asyncio.run(body)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return Zoo(tmp_path_factory.mktemp("zoo"))


def answers(address: str, ca: Path | None, **registry: object) -> Answers:
    given = {"address": address, "ca_file": ca, **registry}
    return Answers(registry=RegistryAnswers.model_validate(given))


def trust(app: MirrorApp) -> TrustScreen:
    assert isinstance(app.screen, TrustScreen), app.screen
    return app.screen


def ca_field(app: MirrorApp) -> Field:
    return trust(app).query_one("#field-registry-ca_file", Field)


async def looked(pilot: Pilot[str], app: MirrorApp) -> None:
    """The chain is there, and all checks have ended."""
    tree = trust(app).query_one(CertificateTree)
    await until(pilot, lambda: tree.display and app.session.boards[3].ended is not None)
    await until(pilot, lambda: tree.selected is not None and tree.cursor_line == 2)


@pytest.mark.parametrize(
    ("size", "rows"),
    [
        (
            SMALL,
            (
                "    Zoo Root CA                        in the CA file   20",
                "    └─ Zoo Issuing CA                  sent             20",
                "  ►    └─ registry.zoo.example         sent             20",
            ),
        ),
        (
            LARGE,
            (
                "Zoo Root CA                           not sent, in the CA file  20",
                "└─ Zoo Issuing CA                     sent by the registry      20",
                "►    └─ registry.zoo.example            sent by the registry      20",
            ),
        ),
    ],
)
def test_the_chain_is_shown_and_u_writes_the_root_alone(
    zoo: Zoo, size: tuple[int, int], rows: tuple[str, ...]
) -> None:
    async def body() -> None:
        specimen = zoo.bundle(first="leaf")
        with ZooServer(specimen) as server:
            app = new_app(answers(server.address, specimen.ca_file), step=3)
            async with running(app, size) as pilot:
                await looked(pilot, app)
                for row in (*rows, OWN):
                    assert row in shown(app)
                assert ("SHA-256        " in shown(app)) is (size == LARGE)
                await pilot.press("tab", "u")
                written = specimen.ca_file.with_name("root.crt")
                await until(pilot, lambda: ca_field(app).value == str(written))
                await until(pilot, lambda: app.session.boards[3].ended is not None)
                assert "Written: root.crt, 1 certificate." in shown(app)
                assert OWN not in shown(app)
                assert written.read_bytes() == pem(zoo.root.certificate)
                assert app.session.answers.registry.ca_file == written
                assert app.session.boards[3].rows["ca-file"].state == "pass"

    wizard_test(body())


def test_basic_mode_draws_the_tree_in_ascii(zoo: Zoo) -> None:
    async def body() -> None:
        specimen = zoo.ends_soon()
        with ZooServer(specimen) as server:
            given = answers(server.address, specimen.ca_file)
            app = new_app(given, step=3, look=Look(basic=True))
            async with running(app) as pilot:
                await looked(pilot, app)
                text = shown(app)
                assert text.isascii()
                assert "  >    `- registry.zoo.example         sent             20" in text
                assert "  ! 19 days" in text
                assert "  Skip TLS check   [ ] insecureSkipVerify" in text

    wizard_test(body())


def test_d_shows_all_of_the_certificate_under_the_pointer(zoo: Zoo) -> None:
    async def body() -> None:
        specimen = zoo.good()
        with ZooServer(specimen) as server:
            app = new_app(answers(server.address, specimen.ca_file), step=3)
            async with running(app) as pilot:
                await looked(pilot, app)
                await pilot.press("tab", "tab", "up", "up")
                link = trust(app).query_one(CertificateTree).selected
                assert link is not None
                assert link.name == "Zoo Root CA"
                await pilot.press("d")
                await until(pilot, lambda: isinstance(app.screen, TextPage))
                assert link.certificate is not None
                assert link.certificate.fingerprint[48:] in shown(app)
                assert "Where from       not sent, in the CA file" in shown(app)
                await pilot.press("escape")
                await until(pilot, lambda: isinstance(app.screen, TrustScreen))

    wizard_test(body())


def test_a_file_of_no_use_holds_the_step_and_der_is_turned(zoo: Zoo, tmp_path: Path) -> None:
    async def body() -> None:
        der = tmp_path / "ca.der"
        der.write_bytes(zoo.root.certificate.public_bytes(Encoding.DER))
        with ZooServer(zoo.good()) as server:
            app = new_app(answers(server.address, der), step=3)
            async with running(app) as pilot:
                await until(pilot, lambda: f"✗ {DER_TEXT}" in shown(app))
                await pilot.press("f8")
                await pilot.pause()
                assert "Fix 1 field to go on." in shown(app)
                await pilot.press("tab", "u")
                await until(pilot, lambda: ca_field(app).value == str(tmp_path / "ca.pem"))
                await pilot.press("f8")
                await until(pilot, lambda: isinstance(app.screen, CredentialsScreen))

    wizard_test(body())


def test_a_sent_root_is_written_only_after_its_fingerprint_was_compared(zoo: Zoo) -> None:
    async def body() -> None:
        with ZooServer(zoo.root_sent()) as server:
            app = new_app(answers(server.address, None), step=3)
            async with running(app) as pilot:
                await looked(pilot, app)
                link = trust(app).query_one(CertificateTree).get_node_at_line(0)
                assert link is not None
                assert link.data is not None
                assert link.data.certificate is not None
                print_of_it = link.data.certificate.fingerprint
                await pilot.press("tab", "u")
                await until(pilot, lambda: isinstance(app.screen, Dialog))
                assert print_of_it[:47] in shown(app)
                assert print_of_it[48:] in shown(app)
                await pilot.press("enter")
                await until(pilot, lambda: isinstance(app.screen, TrustScreen))
                assert ca_field(app).value == "", "Cancel has the focus"
                await pilot.press("u")
                await until(pilot, lambda: isinstance(app.screen, Dialog))
                await pilot.press("right", "enter")
                await until(pilot, lambda: app.session.answers.registry.ca_file is not None)
                file = app.session.setup.folder / "root.crt"
                assert app.session.answers.registry.ca_file == file
                assert file.read_bytes() == pem(zoo.root.certificate)
                assert stat.S_IMODE(file.stat().st_mode) == 0o644

    wizard_test(body())


def test_skip_tls_check_is_asked_for_once_more() -> None:
    async def body() -> None:
        given = answers("127.0.0.1:9", None)
        given = given.model_copy(
            update={"cluster": ClusterAnswers(os_family=OsFamily.BOTTLEROCKET)}
        )
        app = new_app(given, step=3)
        async with running(app) as pilot:
            await pilot.press("tab", "space")
            await until(pilot, lambda: isinstance(app.screen, Dialog))
            assert "Accept any certificate?" in shown(app)
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, TrustScreen))
            assert not app.session.answers.registry.insecure
            await pilot.press("space")
            await until(pilot, lambda: isinstance(app.screen, Dialog))
            await pilot.press("right", "enter")
            await until(pilot, lambda: app.session.answers.registry.insecure)
            await until(pilot, lambda: "✗ EKS Anywhere refuses this on Bottlerocket." in shown(app))
            await pilot.press("space")
            await until(pilot, lambda: not app.session.answers.registry.insecure)

    wizard_test(body())


def test_the_file_of_the_variable_is_proposed_once(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        specimen = zoo.good()
        monkeypatch.setenv("EKSA_REGISTRY_MIRROR_CA", str(specimen.ca_file))
        app = new_app(answers("127.0.0.1:9", None), step=3)
        async with running(app) as pilot:
            assert "From EKSA_REGISTRY_MIRROR_CA." in shown(app)
            assert app.session.answers.registry.ca_file == specimen.ca_file
            await until(pilot, lambda: "No chain yet: the registry does not answer" in shown(app))
            ca_field(app).input.value = ""
            await pilot.pause()
            await pilot.press("f8", "escape")
            await until(pilot, lambda: isinstance(app.screen, TrustScreen))
            assert ca_field(app).value == ""

    wizard_test(body())


def test_a_wrong_path_is_kept_with_its_error() -> None:
    async def body() -> None:
        app = new_app(answers("127.0.0.1:9", None), step=3)
        async with running(app) as pilot:
            await pilot.press(*"nofile")
            await pilot.press("tab")
            await pilot.pause()
            assert "✗ No such file." in shown(app)
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, TrustScreen))
            await pilot.press("f8")
            await until(pilot, lambda: isinstance(app.screen, TrustScreen))
            assert ca_field(app).value.endswith("nofile")
            assert "✗ No such file." in shown(app)

    wizard_test(body())
