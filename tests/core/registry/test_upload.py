"""Uploads: the ways in which registries tell how far one came, and that they forgot it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Code, RegistryError
from core.oci import digest_of
from core.registry.transport import Body
from core.registry.upload import Upload, UploadLostError, whole_number
from tests.core.registry.servers import Answer, Asked, HttpServer, Judge, http_server, plain_session

_START = "/v2/a/blobs/uploads/"


def _always(answer: Answer) -> Judge:
    return lambda _: answer


def _error(status: int, code: str) -> Answer:
    return Answer(status, body=json.dumps({"errors": [{"code": code}]}).encode())


def _upload(server: HttpServer, offset: int = 0) -> Upload:
    session = plain_session(server)
    return Upload(session, "a", f"{server.url}/u/1?_state=s", offset)


# The beginning


def test_an_upload_begins_where_the_registry_says() -> None:
    headers = [("Location", "/u/1?_state=a%3D"), ("OCI-Chunk-Min-Length", "5242880")]
    with http_server(_always(Answer(202, headers))) as server, plain_session(server) as session:
        upload = Upload.start(session, "a")
    assert upload.location == f"{server.url}/u/1?_state=a%3D"
    assert upload.offset == 0
    assert upload.smallest_chunk == 5_242_880


@pytest.mark.parametrize("told", ["", "-1", "many", "²", "9" * 5000, "1.5"])
def test_a_smallest_chunk_that_is_no_number_is_none(told: str) -> None:
    headers = [("Location", "/u/1"), ("OCI-Chunk-Min-Length", told)]
    with http_server(_always(Answer(202, headers))) as server, plain_session(server) as session:
        assert Upload.start(session, "a").smallest_chunk == 0


def test_an_upload_that_begins_nowhere_is_told() -> None:
    with (
        http_server(_always(Answer(202))) as server,
        plain_session(server) as session,
        pytest.raises(RegistryError) as raised,
    ):
        Upload.start(session, "a")
    assert raised.value.code is Code.REGISTRY_PROTOCOL
    assert "does not say where" in raised.value.message


@given(st.text(max_size=30))
def test_whole_numbers_are_read_and_nothing_else(text: str) -> None:
    number = whole_number(text)
    assert number is None or str(number) == (text.lstrip("0") or "0")


# Chunks


def test_each_chunk_goes_to_the_newest_location() -> None:
    numbers = iter(range(2, 9))

    def judge(asked: Asked) -> Answer:
        if asked.method == "PUT":
            return Answer(201)
        return Answer(202, [("Location", f"/u/{next(numbers)}?_state={'x' * 5}")])

    with http_server(judge) as server:
        upload = _upload(server)
        upload.send(Body.of(b"12345"))
        upload.send(Body.of(b"678"))
        upload.finish(digest_of(b"123456789"), Body.of(b"9"))
        targets = [asked.target for asked in server.asked]
        ranges = [asked.headers.get("content-range") for asked in server.asked]
    assert targets == [
        "/u/1?_state=s",
        "/u/2?_state=xxxxx",
        f"/u/3?_state=xxxxx&digest={digest_of(b'123456789')}",
    ]
    assert ranges == ["0-4", "5-7", "8-8"]
    assert upload.offset == 8


def test_a_location_without_a_query_gets_the_digest_as_its_query() -> None:
    with http_server(_always(Answer(201))) as server, plain_session(server) as session:
        digest = digest_of(b"x")
        Upload(session, "a", f"{server.url}/u/1").finish(digest, Body.of(b"x"))
        (asked,) = server.asked
    assert asked.target == f"/u/1?digest={digest}"
    assert "content-range" not in asked.headers  # a blob in one piece is no chunk
    assert asked.body == b"x"


def test_a_chunk_without_bytes_has_no_range() -> None:
    with http_server(_always(Answer(202))) as server:
        upload = _upload(server, 5)
        upload.send(Body.of(b""))
        upload.finish(digest_of(b"12345"))
        assert not any("content-range" in asked.headers for asked in server.asked)


def test_a_location_that_is_not_told_stays() -> None:
    with http_server(_always(Answer(202))) as server:
        upload = _upload(server)
        upload.send(Body.of(b"x"))
    assert upload.location == f"{server.url}/u/1?_state=s"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404),
        _error(404, "BLOB_UPLOAD_UNKNOWN"),
        _error(400, "BLOB_UPLOAD_INVALID"),
        _error(400, "BLOB_UPLOAD_UNKNOWN"),
    ],
    ids=["404", "unknown", "invalid", "unknown as 400"],
)
def test_a_session_that_was_forgotten_is_lost(answer: Answer) -> None:
    with http_server(_always(answer)) as server:
        with pytest.raises(UploadLostError):
            _upload(server).send(Body.of(b"x"))
        with pytest.raises(UploadLostError):
            _upload(server).finish(digest_of(b"x"))
        with pytest.raises(UploadLostError):
            _upload(server, 5).ask_offset()


def test_another_400_is_told_and_not_taken_for_a_lost_session() -> None:
    with http_server(_always(_error(400, "DIGEST_INVALID"))) as server:
        with pytest.raises(RegistryError) as raised:
            _upload(server).finish(digest_of(b"x"), Body.of(b"y"))
        assert len(server.asked) == 1
    assert raised.value.code is Code.DIGEST_REFUSED


@pytest.mark.parametrize("status", [416, 500, 503])
def test_a_chunk_is_never_sent_twice_blindly(status: int) -> None:
    with http_server(_always(Answer(status))) as server:
        upload = _upload(server, 10)
        with pytest.raises(RegistryError) as raised:
            upload.send(Body.of(b"x"))
        assert len(server.asked) == 1
    assert raised.value.temporary
    assert upload.offset == 10


def test_a_registry_that_stored_other_bytes_is_told() -> None:
    answer = Answer(201, [("Docker-Content-Digest", digest_of(b"other"))])
    with http_server(_always(answer)) as server, pytest.raises(RegistryError) as raised:
        _upload(server).finish(digest_of(b"x"), Body.of(b"x"))
    assert raised.value.code is Code.DIGEST_REFUSED


def test_an_empty_digest_header_is_none() -> None:
    with http_server(_always(Answer(201, [("Docker-Content-Digest", "")]))) as server:
        _upload(server).finish(digest_of(b"x"), Body.of(b"x"))


# How far it came


@pytest.mark.parametrize(
    ("told", "journal", "offset"),
    [
        ("0-99", 100, 100),  # the specification: the last byte
        ("0-99", 50, 100),  # the answer to the last chunk was lost
        ("0-49", 100, 50),  # the registry lost a part
        ("0-0", 0, 0),  # distribution says so of an upload with nothing in it
        ("0-0", 1, 1),  # … and of one byte
        ("0-0", 100, 0),
        ("bytes=0-100", 100, 100),  # Quay: the number of bytes
        ("bytes=0-99", 100, 100),  # the specification, written as Quay writes it
        ("bytes=0-50", 100, 50),
        ("bytes=0-0", 0, 0),
        (" 0-99 ", 100, 100),
        (None, 100, 100),
        ("", 100, 100),
        ("5-99", 100, 100),
        ("0-", 100, 100),
        ("bytes 0-99/100", 100, 100),
        ("0-" + "9" * 500, 100, 100),
        ("0-²", 100, 100),
    ],
)
def test_the_registry_and_the_journal_agree_on_the_offset(
    told: str | None, journal: int, offset: int
) -> None:
    headers = [("Location", "/u/2")] + ([("Range", told)] if told is not None else [])
    with http_server(_always(Answer(204, headers))) as server:
        upload = _upload(server, journal)
        assert upload.ask_offset() == offset
        assert upload.offset == offset
        assert upload.location == f"{server.url}/u/2"


@pytest.mark.parametrize("status", [404, 405, 416])
def test_a_registry_that_cannot_tell_has_lost_it(status: int) -> None:
    with http_server(_always(Answer(status))) as server, pytest.raises(UploadLostError):
        _upload(server, 5).ask_offset()


# Giving up


@pytest.mark.parametrize("status", [200, 202, 204, 400, 403, 404, 405])
def test_an_upload_is_cancelled_where_the_registry_lets_us(status: int) -> None:
    with http_server(_always(Answer(status))) as server:
        _upload(server).cancel()
        (asked,) = server.asked
    assert (asked.method, asked.target) == ("DELETE", "/u/1?_state=s")


def test_a_registry_that_fails_to_cancel_is_told_at_once() -> None:
    with http_server(_always(Answer(503))) as server:
        with pytest.raises(RegistryError):
            _upload(server).cancel()
        assert len(server.asked) == 1


def test_the_signed_state_is_in_no_repr() -> None:
    with http_server(_always(Answer(202))) as server:
        assert repr(_upload(server, 7)) == f"Upload('{server.url}/u/1', offset=7)"
