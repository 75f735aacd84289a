"""Asking the mirror: what is missing, removed or replaced is told, each for itself."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from core.demo.registry import DemoRegistry
from core.errors import Code, Interrupted, RegistryError
from core.oci import DOCKER_MANIFEST, canonical_json
from core.reference import Artifact
from core.registry.manifests import put_manifest
from core.transfer.audit import Audited, audit
from core.transfer.plan import Plan, make_plan
from core.transfer.states import ArtifactState
from core.transfer.verification import verify
from tests.core.transfer.making import (
    HASTY,
    Site,
    config_of,
    layer,
    noise,
    plan_of,
    ready_image,
    requirements,
    saved_image,
    site,
    stored_blob,
    upstream,
)
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy

BASE, APP = (layer(noise(name, 60_000)) for name in ("base", "app"))
ONE = saved_image(upstream("one"), BASE, APP)
TWO = saved_image(upstream("two"), BASE)
READY = ready_image(upstream("ready"), stored_blob(noise("packed", 70_000)))
IMAGES = (ONE, TWO, READY)


@pytest.fixture
def filled(place: Site) -> Site:
    """A mirror that holds all three images."""
    place.move(*IMAGES)
    assert set(place.states().values()) == {"done"}
    return place


def verify_all(place: Site, *, deep: bool = False, again: bool = False) -> None:
    verify(
        place.session, place.journal, threads=2, stop=threading.Event(), deep=deep, again=again
    )  # fmt: skip


def audit_all(place: Site, plan: Plan | None = None, *, deep: bool = False) -> dict[str, Audited]:
    found = audit(plan or plan_of(place.mirror, *IMAGES), place.session, threads=2, deep=deep)
    return {one.artifact.source.rpartition("/")[2].partition(":")[0]: one for one in found}


def problems(audited: dict[str, Audited]) -> dict[str, str]:
    return {name: one.problem.message for name, one in audited.items() if one.problem}


def replace_tag(place: Site, name: str) -> None:
    """Put another image under the tag, as somebody else may do."""
    other = stored_blob(canonical_json({"other": name}))
    place.send(other, name)
    document = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": other.descriptor(),
        "layers": [],
    }
    content = canonical_json(document)
    put_manifest(place.session, place.repository(name), "v1", content, DOCKER_MANIFEST)


def test_what_is_whole_is_verified(filled: Site, counting_proxy: Proxy) -> None:
    counting_proxy.forget()
    verify_all(filled)
    assert all(row.verified for row in filled.rows().values())
    asked = {one.path.rpartition("/")[2] for one in counting_proxy.matching("HEAD", "/blobs/")}
    blobs = [known for image in IMAGES for one in image.content.all_blobs()
             if (known := filled.journal.known_as(one))]  # fmt: skip
    assert asked == {digest for digest, _ in blobs}


def test_what_was_verified_is_not_asked_again_unless_wanted(
    filled: Site, counting_proxy: Proxy
) -> None:
    verify_all(filled)
    counting_proxy.forget()
    verify_all(filled)
    assert counting_proxy.count() == 0
    verify_all(filled, again=True)
    assert counting_proxy.count("GET", "/manifests/") == 3


def test_a_removed_blob_is_told_and_only_its_image_fails(filled: Site) -> None:
    digest = filled.sent_digest(APP)
    filled.delete(f"blobs/{digest}", "one")
    verify_all(filled)
    one = filled.rows()["one"]
    assert one.state is ArtifactState.FAILED
    assert not one.verified
    assert one.code == Code.MIRROR_DIFFERS
    assert f"lacks parts of it: blob {digest}" in one.message
    assert filled.states() == {"one": "failed", "two": "done", "ready": "done"}
    assert not filled.journal.placement(APP, filled.repository("one")).state.is_there
    assert filled.journal.placement(BASE, filled.repository("two")).state.is_there


def test_a_removed_tag_is_told(filled: Site) -> None:
    filled.delete(f"manifests/{filled.rows()['two'].digest}", "two")
    verify_all(filled)
    assert "has nothing under this name" in filled.rows()["two"].message
    assert filled.states()["one"] == "done"


def test_a_replaced_tag_is_told_with_the_digest_that_is_there(filled: Site) -> None:
    replace_tag(filled, "ready")
    verify_all(filled)
    row = filled.rows()["ready"]
    assert row.state is ArtifactState.FAILED
    assert "another content under this name (sha256:" in row.message
    assert row.place.endswith("/ready:v1")


def test_many_missing_parts_are_told_in_few_words(place: Site) -> None:
    layers = [layer(noise(str(number), 1_000)) for number in range(6)]
    many = saved_image(upstream("many"), *layers)
    place.move(many)
    for one in layers:
        place.delete(f"blobs/{place.sent_digest(one)}", "many")
    verify_all(place)
    message = place.rows()["many"].message
    assert message.count("blob sha256:") == 3
    assert message.endswith(" and 3 more.")


def scribble(registry: DemoRegistry, digest: str) -> None:
    """The registry's disk rots: same size, other bytes."""
    name = digest.partition(":")[2]
    path = registry.storage / "docker/registry/v2/blobs/sha256" / name[:2] / name / "data"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def test_only_reading_everything_back_finds_bytes_that_rotted(
    filled: Site, registry: DemoRegistry
) -> None:
    scribble(registry, filled.sent_digest(APP))
    verify_all(filled)
    assert filled.states()["one"] == "done"
    verify_all(filled, deep=True, again=True)
    assert filled.states() == {"one": "failed", "two": "done", "ready": "done"}
    assert problems(audit_all(filled)) == {}
    assert list(problems(audit_all(filled, deep=True))) == ["one"]


class Refuse(Handler):
    """One repository cannot be looked at."""

    def __init__(self, name: str, status: int, body: bytes = b"") -> None:
        self.name, self.status, self.body = name, status, body

    def request(self, exchange: Exchange) -> Answer | None:
        return Answer(self.status, body=self.body) if f"/{self.name}/" in exchange.path else None


@pytest.mark.parametrize("status", [403, 500])
def test_one_artifact_that_cannot_be_asked_for_does_not_stop_the_others(
    status: int, filled: Site, counting_proxy: Proxy
) -> None:
    counting_proxy.handler = Refuse("two", status)
    verify_all(filled)
    assert filled.states() == {"one": "done", "two": "failed", "ready": "done"}
    assert filled.rows()["one"].verified
    assert filled.rows()["two"].status == status
    assert list(problems(audit_all(filled))) == ["two"]


class Away(Handler):
    """Nothing answers any more."""

    def request(self, exchange: Exchange) -> Answer | None:
        return Answer(503)


def test_a_registry_that_went_away_is_no_verdict_on_the_artifacts(
    counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    hasty = replace(HASTY, patience=0.2)
    with site(counting_proxy, namespace, journal_file, policy=hasty) as filled:
        filled.move(*IMAGES)
        counting_proxy.handler = Away()
        with pytest.raises(RegistryError):
            verify_all(filled)
        assert set(filled.states().values()) == {"done"}
        with pytest.raises(RegistryError):
            audit_all(filled)


class Locked(Handler):
    """The account was locked meanwhile."""

    def request(self, exchange: Exchange) -> Answer | None:
        return Answer(401, {"WWW-Authenticate": 'Basic realm="r"'})


def test_a_login_that_is_refused_ends_it(filled: Site, counting_proxy: Proxy) -> None:
    counting_proxy.handler = Locked()
    with pytest.raises(RegistryError) as caught:
        verify_all(filled)
    assert caught.value.code is Code.LOGIN_REFUSED
    with pytest.raises(RegistryError):
        audit_all(filled)
    assert set(filled.states().values()) == {"done"}


def test_a_stop_ends_it(filled: Site) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        verify(filled.session, filled.journal, threads=2, stop=stop)


# Without a job


def test_an_audit_finds_everything_in_the_order_of_the_plan(filled: Site) -> None:
    audited = audit_all(filled)
    assert list(audited) == ["one", "two", "ready"]
    assert problems(audited) == {}
    assert {name: one.digest for name, one in audited.items()} == {
        name: row.digest for name, row in filled.rows().items()
    }


def test_an_audit_tells_each_difference(filled: Site) -> None:
    filled.delete(f"blobs/{config_of(ONE).digest}", "one")
    filled.delete(f"manifests/{filled.rows()['two'].digest}", "two")
    replace_tag(filled, "ready")
    found = problems(audit_all(filled))
    assert f"lacks parts of it: blob {config_of(ONE).digest}" in found["one"]
    assert "nothing under this name" in found["two"]
    assert "another content" in found["ready"]


def test_without_an_archive_any_whole_artifact_will_do(filled: Site) -> None:
    required = requirements(*(Artifact(one.kind, one.references[0]) for one in IMAGES))
    plan = make_plan(filled.mirror, None, required)
    assert problems(audit_all(filled, plan)) == {}
    replace_tag(filled, "ready")
    assert problems(audit_all(filled, plan)) == {}
    filled.delete(f"manifests/{filled.rows()['two'].digest}", "two")
    assert list(problems(audit_all(filled, plan))) == ["two"]
