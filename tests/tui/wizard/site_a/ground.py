"""Stands the wizard on the sample site: what lies outside of the screens answers from a script.

Nothing of this machine is left in a picture: no network, docker, clock, path or time zone.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates
from pydantic import SecretStr

from core.answers import (
    AdminMachineAnswers,
    Answers,
    CredentialAnswers,
    CredentialSource,
    RegistryAnswers,
)
from core.archive.at_hand import AtHand
from core.checks.chain import Link, Source, read_certificate
from core.checks.cluster import CLUSTER
from core.checks.context import Context
from core.checks.engine import Check, Ladder
from core.checks.finding import passed, skipped
from core.checks.standard import BEFORE_IMPORT
from core.checks.trust_view import Offer, TrustView
from core.demo.sample import Sample
from core.fetch.preparation import Errand
from core.host.certs_d import Reader
from core.host.docker_trust import TrustPlan
from core.host.kept_login import KeptLogin
from core.registry.credentials import Credentials
from core.transfer.inventory import Inventory, Line, VersionPart
from core.transfer.job import Job
from core.transfer.outlook import Outlook
from core.transfer.site import plan_site
from tests.core.checks.test_cluster import CLUSTER_FILE
from tests.tui.wizard.site_a import download, transfer
from tests.tui.wizard.site_a.findings import BY_CHECK, HOST
from tui.app import MirrorApp
from tui.follower import Follower, Sight
from tui.session import Session
from tui.start_entries import LOAD, NEW
from tui.start_entries import Offer as StartOffer
from tui.widgets.menu import Entry

ARCHIVE, BUNDLES = Path("eks-a-images.tar"), Path("eks-anywhere-downloads/bundle-release.yaml")
_CHAIN = Path(__file__).with_name("chain.pem")
_NOW = 1000.0
_PARTS = tuple(VersionPart(f"1.{minor}", 16, 2_500_000_000) for minor in range(30, 37))
_LINES = (
    Line("Images", 156, 156, 24_600_000_000, "pass"),
    Line("Helm charts", 5, 5, 1_200_000, "pass"),
    Line("Package bundles", 7, 6, 400_000, "warn"),
    Line("EKS-D manifests", 7, 7, 0, "pass"),
    Line("To import", 168, 167, 24_600_000_000),
    Line("Extra, left out", 0, 2, 80_000_000),
)
_OUTLOOK = Outlook(167, 156, 5, 6, 1, 3, 24_600_000_000, asked=True)
_ENTRIES = (
    Entry("import a", "Open the import of “site-a”", "Ended 14:25 with 3 failures."),
    Entry("setup a", "Continue “site-a”", "Stopped at step 5, Namespaces. Saved today at 14:02."),
    Entry("setup c", "“site-c” cannot be read: line 3", trouble=True),
    Entry("import b", "Open the running import of “site-b”", "site-b. 58 % done."),
    Entry(NEW, "Start a new set-up", "Empty answers. Takes about ten minutes."),
    Entry(LOAD, "Load answers from a file", "Start from the answers of another site."),
)


class _Inventory(Inventory):
    """The table of the sample site, whatever is ticked."""

    def table(self, chosen: object = ()) -> tuple[Line, ...]:
        del chosen
        return _LINES


@dataclass(frozen=True, slots=True)
class Ground:
    """The sample site, and the hooks that a picture may turn.

    Attributes:
        patch: takes everything back at the end.
        answers: all ten steps filled in.
    """

    patch: pytest.MonkeyPatch
    answers: Answers

    def show_import(self, sight: Sight) -> None:
        """An import that stands so from now on."""
        journal = Path("job/journal.sqlite")
        journal.parent.mkdir()
        journal.touch()
        self.patch.setattr("tui.screens.transfer.job_for", lambda _: Job(journal.parent))
        looks = chain([sight], repeat(replace(sight, rows=(), events=())))
        self.patch.setattr(Follower, "_look", lambda _: next(looks))

    def app(self, app: MirrorApp) -> MirrorApp:
        """The app with what no two releases have in common left out."""
        app.version = "1.0.0"
        app.session.setup.reached = 10
        app.session.setup.name = "site-a" if app.session.answers.registry.endpoint else "new set-up"
        return app


@contextmanager
def standing_on_site_a(folder: Path, sample: Sample, patch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """Replace all that lies outside of the screens.

    Args:
        sample: gives the bundles manifest.
        folder: the home folder; the operator works in `site-a` below it.
    """
    work = folder / "site-a"
    shutil.copytree(sample.bundles.parent, work / BUNDLES.parent)
    patch.chdir(work)
    patch.setenv("HOME", str(folder))
    patch.setenv("TZ", "UTC")
    time.tzset()
    _write_files()
    _stop_the_clocks(patch)
    _answer_for_the_registry(patch)
    _answer_for_the_machine(patch)
    _answer_for_the_import(patch)
    _answer_for_the_connected_side(patch)
    yield Ground(patch, _answers())
    patch.undo()
    time.tzset()


def _write_files() -> None:
    ARCHIVE.touch()
    os.truncate(ARCHIVE, 31_400_000_000)  # sparse
    Path("cluster.yaml").write_text(CLUSTER_FILE)
    pems = [one.public_bytes(Encoding.PEM).decode() for one in _parsed()]
    Path("root.crt").write_text(pems[-1])
    Path("site-a-bundle.pem").write_text("".join(pems))


def _answers() -> Answers:
    """Paths are relative, as they never are in answers, so that no picture tells where it lay."""
    answers = Answers(
        registry=RegistryAnswers.model_validate(
            {
                "address": f"{HOST}:443/eks-a",
                "mappings": [
                    {
                        "registry": "783794618700.dkr.ecr.us-west-2.amazonaws.com",
                        "namespace": "eks-a/eks-anywhere",
                    },
                    {"registry": "docker.io", "namespace": "dockerhub"},
                ],
            }
        ),
        credentials=CredentialAnswers(
            username="robot$eksa-mirror", source=CredentialSource.KEYRING, authenticate=True
        ),
        admin_machine=AdminMachineAnswers(trust_ca=True, docker_login=True),
    )
    for section, field, path in (
        ("artifacts", "archive", ARCHIVE),
        ("artifacts", "bundles", BUNDLES),
        ("registry", "ca_file", Path("root.crt")),
        ("cluster", "file", Path("cluster.yaml")),
    ):
        answers = changed(answers, section, field, path)
    return answers


def changed(answers: Answers, section: str, field: str, value: object) -> Answers:
    """The same with another value, which nobody judges."""
    part = getattr(answers, section).model_copy(update={field: value})
    return answers.model_copy(update={section: part})


def _parsed() -> list[Any]:
    return load_pem_x509_certificates(_CHAIN.read_bytes())


def _stop_the_clocks(patch: pytest.MonkeyPatch) -> None:
    def clock(now: float) -> SimpleNamespace:
        return SimpleNamespace(monotonic=lambda: now, strftime=lambda _: "14:02")

    class Day(datetime):
        """The day of the pictures: 98 days before the server's certificate ends."""

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            del tz
            return datetime(2026, 8, 24, 12, tzinfo=UTC)

    patch.setattr("tui.board.time", clock(_NOW))
    patch.setattr("tui.widgets.checklist.time", clock(_NOW + 4))
    patch.setattr("tui.app.time", clock(_NOW))
    patch.setattr("tui.widgets.certificate_tree.datetime", Day)


def _scripted(check: Check, among: tuple[Check, ...]) -> Check:
    said = BY_CHECK.get(check.name, [skipped("not on this site")])
    if among is BEFORE_IMPORT and check.name == "projects":
        said = [passed("eks-a and dockerhub exist")]  # created in step 5
    return replace(check, run=lambda _: said)


def _answer_for_the_registry(patch: pytest.MonkeyPatch) -> None:
    def ladder(session: Session, checks: tuple[Check, ...]) -> Ladder:
        scripted = checks if checks is CLUSTER else [_scripted(one, checks) for one in checks]
        answers = session.answers
        return Ladder(scripted, lambda: Context(answers, environment={}))

    leaf, issuing, root = (read_certificate(one.public_bytes(Encoding.DER)) for one in _parsed())
    links = (
        Link(root.name, Source.CA_FILE, root),
        Link(issuing.name, Source.SENT, issuing),
        Link(leaf.name, Source.SENT, leaf),
    )
    offer = Offer(root, "Use only the root", compare=False, path=Path("root.crt"))
    finding = "The first certificate is the server's own, not a CA."
    view = TrustView(finding=finding, links=links, offer=offer)
    names = [f"public.ecr.aws/eks/cilium/cilium:v1.19.4-{number}" for number in range(1, 157)]
    required = [SimpleNamespace(artifact=SimpleNamespace(reference=one)) for one in names]
    patch.setattr(Session, "_ladder", ladder)
    patch.setattr(
        Session, "login", lambda *_: Credentials("robot$eksa-mirror", SecretStr("never shown"))
    )
    patch.setattr("tui.screens.trust.look_at_trust", lambda *_: view)
    patch.setattr(
        "tui.screens.credentials.look_at_kept_login",
        lambda *_: KeptLogin(CredentialSource.KEYRING, "robot$eksa-mirror"),
    )
    patch.setattr(
        "tui.screens.namespaces.read_requirements",
        lambda *_: SimpleNamespace(artifacts=required),
    )


def _answer_for_the_machine(patch: pytest.MonkeyPatch) -> None:
    inventory = _Inventory((), (), "v0.26.0", _PARTS)

    def planned(*given: Any) -> object:
        return plan_site(*given, environment={}, readers=(Reader.DOCKER,))

    patch.setattr(
        "core.host.docker_trust._planned",
        lambda steps, ca=b"": TrustPlan(tuple(steps), ca, needs_root=True),
    )
    patch.setattr("core.transfer.site.logged_in_as", lambda *_: "")
    patch.setattr("tui.screens.artifacts.read_inventory", lambda *_, **__: inventory)
    patch.setattr("tui.screens.review.plan_site", planned)
    patch.setattr("tui.screens.start.offer", lambda _: StartOffer(_ENTRIES, {}))
    patch.setattr("core.archive.at_hand.removable_media", lambda: [Path("/mnt/usb")])
    patch.setattr(
        "core.archive.at_hand.look_for",
        lambda _: AtHand(Path("/mnt/usb/eks-a-v0.26.0-images.tar"), 31_400_000_000),
    )
    patch.setattr(
        "core.checks.glance.glance_at_docker",
        lambda: passed("27.1.1, answers on /var/run/docker.sock"),
    )
    patch.setattr(
        "core.checks.glance.glance_at_disk",
        lambda _: passed("212 GB. The import unpacks nothing, 1 GB is enough."),
    )


class _Journal:
    """The journal as far as a page about one artifact reads it."""

    def __init__(self, _: Path) -> None:
        pass

    def __enter__(self) -> "_Journal":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def artifact_details(self, _: int) -> object:
        return transfer.DETAILS


def _answer_for_the_import(patch: pytest.MonkeyPatch) -> None:
    for place in ("tui.widgets.sending_plan", "tui.widgets.next_import"):
        patch.setattr(f"{place}.open_inputs", nullcontext)
        patch.setattr(f"{place}.outlook", lambda *_: _OUTLOOK)
    patch.setattr("tui.screens.artifact.JournalView", _Journal)
    running = transfer.RUNNING
    patch.setattr("tui.screens.artifact.look_at", lambda _: (running.standing, running.summary))
    patch.setattr("tui.screens.done.job_for", lambda _: Job(Path("/srv/eksa/site-a/import")))
    patch.setattr("tui.screens.done._job_of_before", lambda job: job)
    patch.setattr("tui.screens.done.look_into", lambda _: transfer.DONE)
    patch.setattr("tui.screens.done.pull_as_a_node", lambda *_: passed("as a node"))
    ends = datetime(2026, 11, 30, tzinfo=UTC).date()
    patch.setattr("tui.screens.done.certificate_ends", lambda _: ends)


def _answer_for_the_connected_side(patch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(
        time=lambda: _NOW, localtime=time.localtime, strftime=lambda *_: "asked at 14:02"
    )
    patch.setattr("tui.screens.prepare.time", clock)
    patch.setattr("tui.screens.prepare.estimate", lambda *_: download.ESTIMATE)
    patch.setattr("tui.screens.prepare_progress.look_at", download.look_at)
    patch.setattr("tui.screens.prepare_progress.read_names", lambda *_: download.NAMES)
    patch.setattr(Errand, "preparation", download.preparation)
