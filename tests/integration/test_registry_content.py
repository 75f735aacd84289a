"""The registry client against docker-registry: uploads, blobs, manifests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.demo.registry import DemoRegistry
from core.errors import Code, RegistryError
from core.oci import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, canonical_json, digest_of
from core.registry.blobs import blob_size, has_blob, hash_blob, mount_blob, open_blob, read_blob
from core.registry.manifests import get_manifest, put_manifest
from core.registry.session import Session
from core.registry.transport import Body
from core.registry.upload import Upload, UploadLostError
from tests.fixtures.proxy import Exchange, Handler, Hangup
from tests.fixtures.registries import ProxyFactory, RegistryFactory
from tests.fixtures.tools import Skopeo
from tests.integration.clients import content_of, push_blob, session_with

_MIB = 2**20


# Uploads


@pytest.mark.parametrize("length", [0, 1, 100_000, 20 * _MIB])
def test_a_blob_in_one_piece(length: int, registry: DemoRegistry, namespace: str) -> None:
    content = content_of("whole", length)
    with session_with(registry) as session:
        digest = push_blob(session, namespace, content)
        assert blob_size(session, namespace, digest) == length
        assert hash_blob(session, namespace, digest) == length


@pytest.mark.parametrize("last", [b"", b"the end"], ids=["empty end", "end with content"])
def test_a_blob_in_chunks(last: bytes, registry: DemoRegistry, namespace: str) -> None:
    chunks = [content_of("one", 300_000), content_of("two", 1), content_of("three", 300_000)]
    content = b"".join([*chunks, last])
    with session_with(registry) as session:
        upload = Upload.start(session, namespace)
        for chunk in chunks:
            before = upload.location
            upload.send(Body(len(chunk), (chunk[:7], chunk[7:])))
            assert upload.location != before
        assert upload.offset == 600_001
        upload.finish(digest_of(content), Body.of(last) if last else None)
        assert read_blob(session, namespace, digest_of(content)) == content


def test_an_upload_goes_on_in_a_new_process(registry: DemoRegistry, namespace: str) -> None:
    content = content_of("resumed", 500_000)
    with session_with(registry) as session:
        upload = Upload.start(session, namespace)
        upload.send(Body.of(content[:200_000]))
        kept = upload.location, upload.offset
    with session_with(registry) as session:
        upload = Upload(session, namespace, *kept)
        assert upload.ask_offset() == 200_000
        upload.send(Body.of(content[200_000:400_000]))
        upload.finish(digest_of(content), Body.of(content[400_000:]))
        assert has_blob(session, namespace, digest_of(content), len(content))


def test_an_upload_that_only_began_goes_on_at_zero(registry: DemoRegistry, namespace: str) -> None:
    with session_with(registry) as session:
        upload = Upload.start(session, namespace)
        assert upload.ask_offset() == 0
        upload.finish(digest_of(b"x"), Body.of(b"x"))
        assert read_blob(session, namespace, digest_of(b"x")) == b"x"


def test_an_upload_of_one_byte_is_not_taken_for_an_empty_one(
    registry: DemoRegistry, namespace: str
) -> None:
    with session_with(registry) as session:
        upload = Upload.start(session, namespace)
        upload.send(Body.of(b"x"))
        assert upload.ask_offset() == 1
        upload.finish(digest_of(b"xy"), Body.of(b"y"))


def test_a_chunk_that_the_journal_missed_loses_the_upload(
    registry: DemoRegistry, namespace: str
) -> None:
    """Killed after the registry took a chunk, before it was written down.

    distribution 2 signs the offset into the location and takes no older one, not even to cancel.
    """
    with session_with(registry) as session:
        upload = Upload.start(session, namespace)
        kept = upload.location, upload.offset
        upload.send(Body.of(b"12345"))
        stale = Upload(session, namespace, *kept)
        with pytest.raises(UploadLostError):
            stale.ask_offset()
        stale.cancel()
        assert upload.ask_offset() == 5


def _broken(length: int) -> Body:
    def pieces() -> Iterator[bytes]:
        yield bytes(length // 2)
        raise ConnectionAbortedError("the test cuts the connection")

    return Body(length, pieces())


def test_an_upload_broken_in_the_middle_of_a_chunk_is_lost_and_begins_anew(
    registry: DemoRegistry, namespace: str
) -> None:
    content = content_of("broken", 2 * _MIB)
    with session_with(registry) as session:
        upload = Upload.start(session, namespace)
        upload.send(Body.of(content[:_MIB]))
        with pytest.raises(RegistryError) as raised:
            upload.send(_broken(_MIB))
        assert raised.value.temporary
        with pytest.raises(UploadLostError):
            upload.ask_offset()
        with pytest.raises(UploadLostError):
            upload.send(Body.of(content[_MIB:]))
        with pytest.raises(UploadLostError):
            upload.finish(digest_of(content))
        assert push_blob(session, namespace, content) == digest_of(content)


def test_a_proxy_that_hangs_up_in_a_chunk_is_survived(
    registry: DemoRegistry, namespace: str, proxy_for: ProxyFactory
) -> None:
    class _Cut(Handler):
        def upload(self, exchange: Exchange, block: bytes) -> bytes:
            if exchange.method == "PATCH" and exchange.sent > 300_000:
                raise Hangup(reset=True)
            return block

    proxy = proxy_for(registry, _Cut())
    content = content_of("reset", _MIB)
    with session_with(proxy) as session:
        upload = Upload.start(session, namespace)
        with pytest.raises(RegistryError) as raised:
            upload.send(Body(_MIB, (content[: _MIB // 2], content[_MIB // 2 :])))
        assert raised.value.temporary
        assert raised.value.code is Code.REGISTRY_UNREACHABLE
        assert upload.offset == 0
        proxy.handler = Handler()
        assert push_blob(session, namespace, content) == digest_of(content)


def test_an_upload_with_a_forged_state_is_lost(registry: DemoRegistry, namespace: str) -> None:
    with session_with(registry) as session:
        upload = Upload.start(session, namespace)
        head, _, state = upload.location.partition("_state=")
        forged = Upload(session, namespace, f"{head}_state=AAAA{state[4:]}")
        with pytest.raises(UploadLostError):
            forged.send(Body.of(b"x"))


def test_a_cancelled_upload_is_lost(registry: DemoRegistry, namespace: str) -> None:
    with session_with(registry) as session:
        upload = Upload.start(session, namespace)
        upload.send(Body.of(b"x"))
        uploads = registry.storage / f"docker/registry/v2/repositories/{namespace}/_uploads"
        assert list(uploads.glob("*/data"))
        upload.cancel()
        assert not list(uploads.glob("*/data"))
        with pytest.raises(UploadLostError):
            upload.ask_offset()
        upload.cancel()


def test_other_bytes_than_the_digest_says_are_refused(
    registry: DemoRegistry, namespace: str
) -> None:
    with session_with(registry) as session, pytest.raises(RegistryError) as raised:
        Upload.start(session, namespace).finish(digest_of(b"x"), Body.of(b"y"))
    assert raised.value.code is Code.DIGEST_REFUSED
    assert not raised.value.temporary


def test_a_chunk_is_taken_whatever_its_range_says(registry: DemoRegistry, namespace: str) -> None:
    """Why a PATCH is never repeated blindly: distribution 2 would append it a second time."""
    with session_with(registry) as session:
        upload = Upload.start(session, namespace)
        upload.send(Body.of(b"12345"))
        upload.offset = 0
        upload.send(Body.of(b"12345"))
        assert upload.ask_offset() == 10


# Blobs


def test_a_blob_is_mounted_from_another_repository(registry: DemoRegistry, namespace: str) -> None:
    source, target = f"{namespace}/source", f"{namespace}/target"
    with session_with(registry) as session:
        digest = push_blob(session, source, b"blob")
        assert blob_size(session, target, digest) is None
        assert mount_blob(session, target, digest, source) is None
        assert blob_size(session, target, digest) == 4


def test_a_mount_of_what_is_not_there_becomes_an_upload(
    registry: DemoRegistry, namespace: str
) -> None:
    with session_with(registry) as session:
        digest = digest_of(b"blob")
        upload = mount_blob(session, f"{namespace}/target", digest, f"{namespace}/nowhere")
        assert upload is not None
        upload.finish(digest, Body.of(b"blob"))
        assert has_blob(session, f"{namespace}/target", digest, 4)
        assert not has_blob(session, f"{namespace}/target", digest, 5)


def test_a_blob_that_is_not_there(registry: DemoRegistry, namespace: str) -> None:
    with session_with(registry) as session:
        assert blob_size(session, namespace, digest_of(b"none")) is None
        with pytest.raises(RegistryError) as raised:
            read_blob(session, namespace, digest_of(b"none"))
    assert raised.value.code is Code.REGISTRY_NOT_FOUND


def test_a_blob_is_read_in_blocks(registry: DemoRegistry, namespace: str) -> None:
    content = content_of("blocks", 5 * _MIB)
    with session_with(registry) as session:
        digest = push_blob(session, namespace, content)
        with open_blob(session, namespace, digest) as blocks:
            assert b"".join(blocks) == content
        with open_blob(session, namespace, digest) as blocks:
            assert content.startswith(next(blocks))
        assert blob_size(session, namespace, digest) == len(content)


def test_a_blob_that_was_damaged_in_the_registrys_store_is_told(
    fresh_registry: RegistryFactory,
) -> None:
    registry = fresh_registry()
    with session_with(registry) as session:
        digest = push_blob(session, "a", b"blob")
        algorithm, _, value = digest.partition(":")
        stored = registry.storage / f"docker/registry/v2/blobs/{algorithm}/{value[:2]}/{value}/data"
        stored.write_bytes(b"evil")
        for read in (hash_blob, read_blob):
            with pytest.raises(RegistryError) as raised:
                read(session, "a", digest)
            assert raised.value.code is Code.MIRROR_DIFFERS


# Manifests


def _image(session: Session, repository: str, seed: str = "image") -> bytes:
    """The manifest of an image whose blobs are in place."""
    config = canonical_json({"architecture": "amd64", "os": "linux", "seed": seed})
    layer = content_of(seed, 10_000)
    descriptors = [
        {"mediaType": kind, "digest": push_blob(session, repository, content), "size": len(content)}
        for kind, content in ((OCI_CONFIG, config), (OCI_LAYER, layer))
    ]
    return canonical_json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptors[0],
            "layers": descriptors[1:],
        }
    )


def test_a_manifest_comes_back_byte_for_byte(
    registry: DemoRegistry, namespace: str, skopeo: Skopeo
) -> None:
    with session_with(registry) as session:
        content = b" \n" + _image(session, namespace)
        assert get_manifest(session, namespace, "1.0") is None
        digest = put_manifest(session, namespace, "1.0", content, OCI_MANIFEST)
        assert digest == digest_of(content)
        for target in ("1.0", digest):
            manifest = get_manifest(session, namespace, target)
            assert manifest is not None
            assert manifest.content == content
            assert manifest.media_type == OCI_MANIFEST
        assert get_manifest(session, namespace, digest_of(b"none")) is None
    assert skopeo.raw(registry, f"{namespace}:1.0") == content


def test_an_index_is_put_after_what_it_lists(registry: DemoRegistry, namespace: str) -> None:
    with session_with(registry) as session:
        child = _image(session, namespace)
        digest = put_manifest(session, namespace, digest_of(child), child, OCI_MANIFEST)
        entry = {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(child)}
        index = canonical_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]})
        put_manifest(session, namespace, "all", index, OCI_INDEX)
        found = get_manifest(session, namespace, "all")
    assert found is not None
    assert found.is_index
    assert [one.digest for one in found.manifests] == [digest]


def test_a_manifest_whose_blob_is_missing_is_told(registry: DemoRegistry, namespace: str) -> None:
    with session_with(registry) as session:
        content = _image(session, f"{namespace}/elsewhere")
        with pytest.raises(RegistryError) as raised:
            put_manifest(session, namespace, "1.0", content, OCI_MANIFEST)
    assert raised.value.code is Code.MIRROR_DIFFERS
    assert digest_of(content_of("image", 10_000)) in raised.value.message


def test_a_manifest_that_is_none_is_refused(registry: DemoRegistry, namespace: str) -> None:
    with session_with(registry) as session, pytest.raises(RegistryError) as raised:
        put_manifest(session, namespace, "1.0", b"no json", OCI_MANIFEST)
    assert raised.value.status == 400
    assert raised.value.code is Code.REGISTRY_REFUSED


def test_what_was_pushed_is_an_image_to_skopeo(
    registry: DemoRegistry, namespace: str, skopeo: Skopeo, tmp_path: Path
) -> None:
    with session_with(registry) as session:
        content = _image(session, namespace)
        put_manifest(session, namespace, "1.0", content, OCI_MANIFEST)
    skopeo.copy_out(registry, f"{namespace}:1.0", f"dir:{tmp_path}/copy")
    assert (tmp_path / "copy/manifest.json").read_bytes() == content
