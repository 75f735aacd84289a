"""A plan that meets a mirror where something lies already: from us, from others, or in part."""

from pathlib import Path

from core.demo.registry import DemoRegistry
from core.oci import (
    DOCKER_LAYER_ZSTD,
    DOCKER_MANIFEST,
    canonical_json,
)
from core.registry.manifests import get_manifest, put_manifest
from core.registry.upload import Upload
from core.transfer.states import PlacementState
from tests.core.transfer.making import (
    Site,
    config_of,
    layer,
    noise,
    packed,
    ready_image,
    saved_image,
    site,
    stored_blob,
    uploads_left,
    upstream,
)
from tests.fixtures.proxy import Proxy

BASE = layer(noise("base", 150_000))
APP, TOOL = (layer(noise(name, 40_000)) for name in ("app", "tool"))
PACKED = stored_blob(noise("packed", 90_000))
ONE = saved_image(upstream("one"), BASE, APP)
TWO = saved_image(upstream("two"), BASE, TOOL)
READY = ready_image(upstream("ready"), PACKED)


def test_a_second_run_of_a_finished_import_sends_nothing(
    counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    for expected in ("done", "present", "present"):
        with site(counting_proxy, namespace, journal_file) as place:
            counting_proxy.forget()
            engine = place.move(ONE, TWO, READY)
            assert set(place.states().values()) == {expected}
    assert counting_proxy.bytes_sent() == 0
    assert {one.method for one in counting_proxy.exchanges} <= {"GET", "HEAD"}
    assert engine.totals.total == 0
    assert engine.totals.present == sum(
        {b.digest: b.size for s in (ONE, TWO, READY) for b in s.content.all_blobs()}.values()
    )


def test_without_its_journal_an_import_finds_everything_in_the_mirror_all_the_same(
    counting_proxy: Proxy, namespace: str, tmp_path: Path
) -> None:
    with site(counting_proxy, namespace, tmp_path / "first.sqlite") as place:
        place.move(ONE, READY)
        digest = place.rows()["one"].digest
    counting_proxy.forget()
    with site(counting_proxy, namespace, tmp_path / "other.sqlite") as place:
        place.move(ONE, READY)
        assert set(place.states().values()) == {"present"}
        assert place.rows()["one"].digest == digest
    assert counting_proxy.bytes_sent() == 0


def test_a_new_image_mounts_the_layers_that_others_brought_in_an_earlier_run(
    counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    with site(counting_proxy, namespace, journal_file) as place:
        place.move(ONE)
    counting_proxy.forget()
    with site(counting_proxy, namespace, journal_file) as place:
        engine = place.move(ONE, TWO)
        assert place.states() == {"one": "present", "two": "done"}
    uploads = sum(one.sent for one in counting_proxy.matching(path="/blobs/"))
    assert uploads < TOOL.size + 2_000, "the base layer was not sent again"
    assert engine.totals.mounted == BASE.size
    assert engine.totals.done == engine.totals.total


def test_what_the_journal_believes_and_the_registry_lost_is_sent_again(
    place: Site, counting_proxy: Proxy
) -> None:
    """The layers were there, the manifest was not yet, and then somebody cleaned up."""
    assert place.send(BASE, "one") is PlacementState.SENT
    place.delete(f"blobs/{place.sent_digest(BASE)}", "one")
    counting_proxy.forget()

    place.move(ONE)

    assert place.states() == {"one": "done"}
    assert place.rows()["one"].attempts == 1, "the first pass believed the journal"
    assert counting_proxy.matching("PUT", "/manifests/")[0].status == 400


def test_a_blob_that_vanished_from_a_finished_image_is_all_that_is_sent_again(
    counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    with site(counting_proxy, namespace, journal_file) as place:
        place.move(ONE, READY)
        place.delete(f"blobs/{place.sent_digest(APP)}", "one")
    counting_proxy.forget()
    with site(counting_proxy, namespace, journal_file) as place:
        place.move(ONE, READY)
        assert place.states() == {"one": "done", "ready": "present"}
        assert place.rows()["one"].attempts == 0
    uploads = sum(one.sent for one in counting_proxy.matching(path="/blobs/"))
    assert uploads == len(packed(APP))


def test_a_tag_that_was_removed_is_put_again_without_sending_a_blob(
    counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    with site(counting_proxy, namespace, journal_file) as place:
        place.move(ONE)
        place.delete(f"manifests/{place.rows()['one'].digest}", "one")
    counting_proxy.forget()
    with site(counting_proxy, namespace, journal_file) as place:
        place.move(ONE)
        assert place.states() == {"one": "done"}
    assert sum(one.sent for one in counting_proxy.matching(path="/blobs/")) == 0


def test_a_tag_with_other_content_is_replaced(place: Site) -> None:
    other = saved_image(upstream("one"), TOOL)
    place.move(other)
    place.move(ONE)
    assert place.states() == {"one": "done"}
    manifest = get_manifest(place.session, place.repository("one"), "v1")
    assert manifest
    assert manifest.digest == place.rows()["one"].digest
    assert len(manifest.layers) == 2


def test_layers_that_others_compressed_in_another_way_are_not_used_for_our_images(
    place: Site,
) -> None:
    """The image is there as somebody else pushed it, with zstd; ours say gzip."""
    content = b"pretend that this is zstd"
    foreign = stored_blob(content, media_type=DOCKER_LAYER_ZSTD)
    only_base = saved_image(upstream("one"), BASE)
    config = config_of(only_base)
    for blob in (foreign, config):
        place.send(blob, "one")
    document = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": config.descriptor(),
        "layers": [foreign.descriptor()],
    }
    manifest = canonical_json(document)
    put_manifest(place.session, place.repository("one"), "v1", manifest, DOCKER_MANIFEST)

    place.move(only_base, TWO)

    assert place.states() == {"one": "present", "two": "done"}
    mine = get_manifest(place.session, place.repository("two"), "v1")
    assert mine
    assert foreign.digest not in [one.digest for one in mine.layers]


def test_uploads_that_no_later_run_would_go_on_with_are_cancelled(
    place: Site, registry: DemoRegistry
) -> None:
    """Of a blob that is in no image any more, and of one whose image somebody else brought."""
    gone = layer(noise("gone", 10_000))
    place.move(READY)
    for blob, name in ((gone, "old"), (PACKED, "ready")):
        upload = Upload.start(place.session, place.repository(name))
        place.journal.set_placement(
            blob, place.repository(name), PlacementState.SENDING, upload.location, 0
        )
    assert len(place.journal.open_uploads()) == 2

    place.move(READY)

    assert place.states() == {"ready": "present"}
    assert place.journal.open_uploads() == []
    assert not uploads_left(registry, place.mirror.namespace)
