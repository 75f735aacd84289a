"""Blobs and manifests: answers that a real registry seldom gives."""

import json

import pytest

from core.errors import Code, RegistryError
from core.oci import OCI_INDEX, OCI_MANIFEST, canonical_json, digest_of
from core.registry.blobs import blob_size, has_blob, hash_blob, mount_blob, read_blob
from core.registry.credentials import Credentials
from core.registry.manifests import get_manifest, put_manifest
from core.registry.upload import Upload
from tests.core.registry.servers import FAST, Answer, Asked, Judge, http_server, plain_session

_DIGEST = digest_of(b"blob")


def _always(answer: Answer) -> Judge:
    return lambda _: answer


# Blobs


@pytest.mark.parametrize(
    ("answer", "size"),
    [
        (Answer(200, [("Content-Length", "4")]), 4),
        (Answer(200, [("Content-Length", "0")]), 0),
        (Answer(200, [("Content-Length", "many")]), -1),
        (Answer(404), None),
    ],
)
def test_the_size_of_a_blob_is_told(answer: Answer, size: int | None) -> None:
    with http_server(_always(answer)) as server, plain_session(server) as session:
        assert blob_size(session, "a", _DIGEST) == size


@pytest.mark.parametrize(
    ("answer", "there"),
    [
        (Answer(200, [("Content-Length", "4")]), True),
        (Answer(200, [("Content-Length", "x")]), True),
        (Answer(200, [("Content-Length", "3")]), False),
        (Answer(404), False),
    ],
)
def test_a_blob_of_another_size_is_not_there(answer: Answer, there: bool) -> None:
    with http_server(_always(answer)) as server, plain_session(server) as session:
        assert has_blob(session, "a", _DIGEST, 4) is there


def test_a_head_that_leads_to_a_store_elsewhere_is_followed() -> None:
    with http_server(_always(Answer(200, [("Content-Length", "4")]))) as store:
        redirect = Answer(307, [("Location", f"{store.url}/b?sig=1")])
        with http_server(_always(redirect)) as server, plain_session(server) as session:
            assert blob_size(session, "a", _DIGEST) == 4
        assert store.asked[0].method == "HEAD"


def test_a_blob_is_read_again_where_the_connection_broke() -> None:
    half = Answer(200, [("Content-Length", "9")], b"half")
    whole = Answer(200, body=b"blob")
    answers = iter([half, Answer(503), whole, whole])
    with (
        http_server(lambda _: next(answers)) as server,
        plain_session(server, policy=FAST, stall=0.3) as session,
    ):
        assert read_blob(session, "a", _DIGEST) == b"blob"
        assert hash_blob(session, "a", _DIGEST) == 4
        assert len(server.asked) == 4


def test_a_blob_that_is_not_what_its_digest_says_is_told() -> None:
    with http_server(_always(Answer(200, body=b"other"))) as server, plain_session(server) as s:
        for read in (read_blob, hash_blob):
            with pytest.raises(RegistryError) as raised:
                read(s, "a", _DIGEST)
            assert raised.value.code is Code.MIRROR_DIFFERS
            assert raised.value.where == f"a@{_DIGEST}"
        assert len(server.asked) == 2  # reading it again would not mend it


def test_a_blob_larger_than_expected_is_refused_before_it_is_read() -> None:
    with (
        http_server(_always(Answer(200, body=bytes(50_000_000)))) as server,
        plain_session(server) as session,
        pytest.raises(RegistryError) as raised,
    ):
        read_blob(session, "a", _DIGEST, limit=1000)
    assert raised.value.code is Code.MIRROR_DIFFERS
    assert "1000 bytes" in raised.value.message


def test_a_blob_that_is_missing_is_told() -> None:
    with http_server(_always(Answer(404))) as server, plain_session(server) as session:
        for read in (read_blob, hash_blob):
            with pytest.raises(RegistryError) as raised:
                read(session, "a", _DIGEST)
            assert raised.value.code is Code.REGISTRY_NOT_FOUND


# Mounts


def _mount(mounted: Answer, started: Answer) -> tuple[Upload | None, list[str]]:
    """What a mount gives, and the targets that were asked."""

    def judge(asked: Asked) -> Answer:
        return mounted if "mount=" in asked.target else started

    with http_server(judge) as server, plain_session(server) as session:
        upload = mount_blob(session, "a", _DIGEST, "b/c")
        return upload, [asked.target for asked in server.asked]


def test_a_mount_that_is_done_needs_no_upload() -> None:
    upload, targets = _mount(Answer(201), Answer(500))
    assert upload is None
    assert targets == [f"/v2/a/blobs/uploads/?mount={_DIGEST}&from=b/c"]


def test_a_mount_that_begins_an_upload_goes_on_with_it() -> None:
    upload, targets = _mount(Answer(202, [("Location", "/u/1")]), Answer(500))
    assert upload is not None
    assert upload.location.endswith("/u/1")
    assert len(targets) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        Answer(202),
        Answer(400),
        Answer(401, [("WWW-Authenticate", 'Basic realm="r"')]),
        Answer(401),
        Answer(403),
        Answer(404),
        Answer(405),
        Answer(500),
    ],
    ids=["no location", "400", "401", "401 bare", "403", "404", "405", "500"],
)
def test_a_refused_mount_becomes_an_upload(refusal: Answer, login: Credentials) -> None:
    started = Answer(202, [("Location", "/u/2")])

    def judge(asked: Asked) -> Answer:
        return refusal if "mount=" in asked.target else started

    with http_server(judge) as server, plain_session(server, login) as session:
        upload = mount_blob(session, "a", _DIGEST, "b")
    assert upload is not None
    assert upload.location.endswith("/u/2")


def test_a_token_that_is_refused_for_two_repositories_is_asked_for_one(login: Credentials) -> None:
    """GitLab's token server refuses all where one of the rights is missing."""

    def judge(asked: Asked) -> Answer:
        if asked.path == "/token":
            if asked.target.count("scope=") > 1:
                return Answer(403, body=b'{"errors": [{"code": "DENIED"}]}')
            return Answer(200, body=b'{"token": "t"}')
        if not asked.authorization:
            return Answer(401, [("WWW-Authenticate", f'Bearer realm="{server.url}/token"')])
        return Answer(202, [("Location", "/u/3")])

    with http_server(judge) as server, plain_session(server, login) as s:
        upload = mount_blob(s, "a", _DIGEST, "b")
    assert upload is not None
    assert upload.location.endswith("/u/3")


def test_a_mount_of_a_registry_that_is_away_is_told() -> None:
    with (
        http_server(_always(Answer(503))) as server,
        plain_session(server) as session,
        pytest.raises(RegistryError) as raised,
    ):
        mount_blob(session, "a", _DIGEST, "b")
    assert raised.value.temporary


# Manifests


def _index() -> bytes:
    return canonical_json({"schemaVersion": 2, "manifests": []})


def test_a_manifest_keeps_its_bytes_and_type() -> None:
    content = b" " + _index()
    answer = Answer(200, [("Content-Type", f"{OCI_INDEX}; charset=utf-8")], content)
    with http_server(_always(answer)) as server, plain_session(server) as session:
        manifest = get_manifest(session, "a", "1.0")
        accepted = server.asked[0].headers["accept"]
    assert manifest is not None
    assert manifest.content == content
    assert manifest.media_type == OCI_INDEX
    assert OCI_MANIFEST in accepted


def test_a_manifest_that_is_not_there_is_none() -> None:
    with http_server(_always(Answer(404))) as server, plain_session(server) as session:
        assert get_manifest(session, "a", "1.0") is None


def test_a_manifest_under_another_digest_is_told() -> None:
    with (
        http_server(_always(Answer(200, body=_index()))) as server,
        plain_session(server) as session,
        pytest.raises(RegistryError) as raised,
    ):
        get_manifest(session, "a", digest_of(b"another"))
    assert raised.value.code is Code.MIRROR_DIFFERS


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"[]", b"{}", b'{"manifests": 5}', b'{"config": {}, "layers": []}', b"\xff"],
)
def test_an_answer_that_is_no_manifest_is_told(content: bytes) -> None:
    with (
        http_server(_always(Answer(200, body=content))) as server,
        plain_session(server) as session,
        pytest.raises(RegistryError) as raised,
    ):
        get_manifest(session, "a", "1.0")
    assert raised.value.code is Code.REGISTRY_PROTOCOL
    assert raised.value.message.startswith("The registry's manifest cannot be used")


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_manifest_is_put_with_its_type(status: int) -> None:
    with http_server(_always(Answer(status))) as server, plain_session(server) as session:
        assert put_manifest(session, "a", "1.0", _index(), OCI_INDEX) == digest_of(_index())
        (asked,) = server.asked
    assert (asked.method, asked.target) == ("PUT", "/v2/a/manifests/1.0")
    assert asked.headers["content-type"] == OCI_INDEX
    assert asked.headers["content-length"] == str(len(_index()))
    assert asked.body == _index()


def test_a_manifest_that_is_stored_otherwise_is_told() -> None:
    answer = Answer(201, [("Docker-Content-Digest", digest_of(b"\x1b[31m"))])
    with (
        http_server(_always(answer)) as server,
        plain_session(server) as session,
        pytest.raises(RegistryError) as raised,
    ):
        put_manifest(session, "a", "1.0", _index(), OCI_INDEX)
    assert raised.value.code is Code.DIGEST_REFUSED


def test_a_manifest_whose_blob_is_missing_is_told() -> None:
    body = json.dumps({"errors": [{"code": "MANIFEST_BLOB_UNKNOWN"}]}).encode()
    with (
        http_server(_always(Answer(400, body=body))) as server,
        plain_session(server) as session,
        pytest.raises(RegistryError) as raised,
    ):
        put_manifest(session, "a", "1.0", _index(), OCI_INDEX)
    assert raised.value.code is Code.MIRROR_DIFFERS
