"""Moving a plan: each blob once, each artifact for itself, and what is there is left there."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.archive.model import ReadyManifest, StoredArtifact
from core.demo.registry import DemoRegistry
from core.errors import Code, Interrupted
from core.oci import (
    OCI_INDEX,
    OCI_LAYER,
    canonical_json,
    digest_of,
    parse_manifest,
)
from core.reference import Kind, Reference
from core.registry.manifests import get_manifest
from core.transfer.engine import Engine
from core.transfer.states import ArtifactState, PlacementState
from core.transfer.view import JournalView
from tests.core.transfer.making import (
    HASTY,
    Site,
    config_of,
    layer,
    noise,
    packed,
    plan_of,
    ready_image,
    saved_image,
    site,
    stored_blob,
    uploads_left,
    upstream,
)
from tests.fixtures.proxy import Answer, Exchange, Handler, Proxy

BASE = layer(noise("base", 150_000))
APP, TOOL = (layer(noise(name, 40_000)) for name in ("app", "tool"))
PACKED = stored_blob(noise("packed", 90_000))
ONE = saved_image(upstream("one"), BASE, APP)
TWO = saved_image(upstream("two"), BASE, TOOL)
READY = ready_image(upstream("ready"), PACKED)


def test_images_of_both_kinds_arrive_with_the_content_they_have_in_the_archive(place: Site) -> None:
    place.move(ONE, READY)

    assert place.states() == {"one": "done", "ready": "done"}
    manifest = get_manifest(place.session, place.repository("one"), "v1")
    assert manifest
    assert manifest.config
    assert manifest.digest == place.rows()["one"].digest
    assert manifest.config.digest == config_of(ONE).digest
    assert [place.content(one.digest, "one") for one in manifest.layers] == [
        packed(BASE), packed(APP),
    ]  # fmt: skip
    ready = get_manifest(place.session, place.repository("ready"), "v1")
    assert isinstance(READY.content, ReadyManifest)
    assert ready
    assert ready.content == READY.content.content


def test_a_manifest_is_the_same_on_every_run_and_machine(
    counting_proxy: Proxy, namespace: str, tmp_path: Path
) -> None:
    digests = set()
    for number in range(2):
        with site(counting_proxy, f"{namespace}/{number}", tmp_path / f"{number}.sqlite") as place:
            place.move(ONE)
            digests.add(place.rows()["one"].digest)
    assert len(digests) == 1


def test_a_blob_is_sent_once_and_mounted_elsewhere(place: Site, counting_proxy: Proxy) -> None:
    images = [saved_image(upstream(f"image{number}"), BASE) for number in range(5)]

    engine = place.move(*images)

    assert set(place.states().values()) == {"done"}
    configs = sum(config_of(image).size for image in images)
    uploads = sum(one.sent for one in counting_proxy.matching(path="/blobs/"))
    assert uploads == len(packed(BASE)) + configs
    mounts = [one for one in counting_proxy.matching("POST") if "mount=" in one.target]
    assert len(mounts) == 4
    assert engine.totals.mounted == 4 * BASE.size
    assert engine.totals.done == engine.totals.total == BASE.size + configs


class Deny(Handler):
    """No right to push to one repository."""

    def __init__(self, name: str) -> None:
        self.name = name

    def request(self, exchange: Exchange) -> Answer | None:
        if exchange.method == "POST" and f"/{self.name}/blobs/" in exchange.path:
            return Answer(403, body=b'{"errors": [{"code": "DENIED", "message": "no"}]}')
        return None


@pytest.mark.parametrize("denied", ["one", "two"])
def test_a_repository_that_is_denied_does_not_keep_the_blob_from_the_others(
    denied: str, place: Site, counting_proxy: Proxy
) -> None:
    counting_proxy.handler = Deny(denied)
    place.move(ONE, TWO, READY)
    other = "two" if denied == "one" else "one"
    assert place.states() == {denied: "failed", other: "done", "ready": "done"}
    failed = place.rows()[denied]
    assert failed.code == "push-denied"
    assert failed.status == 403
    assert failed.attempts == 2, "the second pass tried once more"
    assert failed.mend


def test_damage_fails_the_images_that_have_it_and_no_others(
    place: Site, registry: DemoRegistry
) -> None:
    damaged = layer(noise("damaged", 300_000), digest=digest_of(b"what it should be"))
    place.move(saved_image(upstream("bad"), damaged, APP), ONE, READY)
    assert place.states() == {"bad": "failed", "one": "done", "ready": "done"}
    bad = place.rows()["bad"]
    assert (bad.code, bad.place, bad.attempts) == ("archive-damaged", damaged.entry, 1)
    assert not uploads_left(registry, place.mirror.namespace)
    assert get_manifest(place.session, place.repository("bad"), "v1") is None


def test_nothing_more_is_sent_for_an_image_that_is_damaged(
    counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    damaged = layer(noise("damaged", 300_000), digest=digest_of(b"what it should be"))
    with site(counting_proxy, namespace, journal_file, jobs=1) as place:
        place.move(saved_image(upstream("bad"), damaged, APP, TOOL))
        assert place.journal.placement(APP, place.repository("bad")).state is PlacementState.WAITING
    assert counting_proxy.bytes_sent() <= 300_000 + 2_000


class FaultsAtFirst(Handler):
    """The first requests of a kind to one repository are answered with a fault."""

    def __init__(self, method: str, name: str, times: int) -> None:
        self.method, self.name, self.left = method, name, times

    def request(self, exchange: Exchange) -> Answer | None:
        mine = exchange.method == self.method and f"/{self.name}/" in exchange.path
        if mine and self.left:
            self.left -= 1
            return Answer(500, body=b"<html><body>out of order</body></html>")
        return None


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_second_pass_brings_what_failed_in_the_first(
    method: str, counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    counting_proxy.handler = FaultsAtFirst(method, "one", times=HASTY.fault_attempts)
    with site(counting_proxy, namespace, journal_file, jobs=1) as place:
        place.move(ONE, READY)
        assert place.states() == {"one": "done", "ready": "done"}
        assert place.rows()["one"].attempts == 1
        assert place.rows()["one"].code == ""
    with JournalView(journal_file) as view:
        assert "artifact-retrying" in [event.kind for event in view.events()]


def test_an_image_without_layers_arrives_and_is_found_again(place: Site) -> None:
    empty = saved_image(upstream("scratch"))
    place.move(empty)
    assert place.states() == {"scratch": "done"}
    place.move(empty)
    assert place.states() == {"scratch": "present"}


def test_an_index_arrives_with_all_its_manifests(place: Site) -> None:
    children = [ready_image(upstream(name), stored_blob(noise(name, 5_000))) for name in "ab"]
    manifests = [one.content for one in children if isinstance(one.content, ReadyManifest)]
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [
            {"mediaType": one.media_type, "digest": one.digest, "size": len(one.content)}
            for one in manifests
        ],
    }
    content = canonical_json(document)
    index = ReadyManifest(digest_of(content), OCI_INDEX, content, (), tuple(manifests))
    name = upstream("multi")
    stored = StoredArtifact(Kind.IMAGE, name, (Reference.parse(name),), index)

    place.move(stored)

    assert place.states() == {"multi": "done"}
    found = get_manifest(place.session, place.repository("multi"), "v1")
    assert found
    assert found.content == content
    assert [one.digest for one in parse_manifest(content).manifests] == [
        one.digest for one in manifests
    ]
    place.move(stored)
    assert place.states() == {"multi": "present"}
    place.delete(f"manifests/{manifests[1].digest}", "multi")
    place.move(stored)
    assert place.states() == {"multi": "done"}


def test_problems_and_what_is_skipped_are_settled_at_once(place: Site) -> None:
    plan = plan_of(place.mirror, ONE, TWO, READY)
    first, second, third = plan.artifacts
    error = Interrupted("any problem")
    changed = (
        type(first)(first.kind, first.source, None, None, True, problem=error),
        type(second)(second.kind, second.source, None, TWO, False, skipped="not required"),
        third,
    )
    engine = place.engine(type(plan)(plan.mirror, changed))
    engine.register()
    assert place.states() == {"one": "failed", "two": "skipped", "ready": "waiting"}
    assert place.rows()["two"].note == "not required"
    engine.survey()
    engine.send()
    assert place.states() == {"one": "failed", "two": "skipped", "ready": "done"}


def test_the_upload_of_an_image_that_failed_is_kept_for_the_next_run(
    place: Site, counting_proxy: Proxy
) -> None:
    counting_proxy.handler = FaultsAtFirst("PATCH", "ready", times=10**6)
    place.move(READY)
    assert place.states() == {"ready": "failed"}
    assert [one.digest for one in place.journal.open_uploads()] == [PACKED.digest]


def test_a_stop_leaves_the_rest_for_the_next_run(
    counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    with site(counting_proxy, namespace, journal_file, jobs=1) as place:
        counting_proxy.handler = StopAtFirst("PUT", place)
        with pytest.raises(Interrupted):
            place.move(ONE, TWO, READY)
        assert "done" not in place.states().values()
        before = sum(one.sent for one in counting_proxy.matching(path="/blobs/"))
        assert before
    counting_proxy.handler = Handler()
    with site(counting_proxy, namespace, journal_file) as place:
        place.move(ONE, TWO, READY)
        assert set(place.states().values()) == {"done"}
    blobs = {b.digest: b for s in (ONE, TWO, READY) for b in s.content.all_blobs()}
    whole = sum(len(packed(b)) if b.compressible else b.size for b in blobs.values())
    assert sum(one.sent for one in counting_proxy.matching(path="/blobs/")) == whole


class StopAtFirst(Handler):
    """Asks the job to stop while the first request of a kind is under way."""

    def __init__(self, method: str, place: Site) -> None:
        self.method, self.place = method, place

    def request(self, exchange: Exchange) -> Answer | None:
        if exchange.method == self.method:
            self.place.stop.set()
        return None


def test_every_code_that_a_failed_artifact_can_have_is_known(place: Site) -> None:
    damaged = layer(noise("damaged", 3_000), digest=digest_of(b"what it should be"))
    place.move(saved_image(upstream("bad"), damaged))
    assert Code(place.rows()["bad"].code) is Code.ARCHIVE_DAMAGED
    assert place.rows()["bad"].state is ArtifactState.FAILED


def test_totals_add_up_when_the_mirror_held_a_part(place: Site) -> None:
    place.send(BASE, "one")
    place.journal.forget_placements(place.repository("one"), [BASE.digest])
    engine: Engine = place.move(ONE, TWO)
    totals = engine.totals
    everything = {b.digest: b.size for s in (ONE, TWO) for b in s.content.all_blobs()}
    assert totals.present == BASE.size
    assert totals.mounted == BASE.size
    assert totals.done == totals.total == sum(everything.values()) - BASE.size


def test_a_layer_that_goes_out_in_two_forms_arrives_in_both(place: Site) -> None:
    plain = replace(BASE, compressible=False, media_type=OCI_LAYER)
    place.move(ONE, ready_image(upstream("ready"), plain))
    assert place.states() == {"one": "done", "ready": "done"}
    assert place.content(BASE.digest, "ready") == BASE.read_all()
    assert place.content(place.sent_digest(BASE), "one") == packed(BASE)
