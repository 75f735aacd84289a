"""Error answers turned into words."""

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import ADVICE, Code
from core.registry.faults import from_response, parse_retry_after, plain, read_error_body

_NGINX_413 = b"""<html>\r
<head><title>413 Request Entity Too Large</title></head>\r
<body>\r
<center><h1>413 Request Entity Too Large</h1></center>\r
<hr><center>nginx/1.24.0</center>\r
</body>\r
</html>\r
"""


def _body(code: str, message: str = "", detail: object = None) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message, "detail": detail}]}).encode()


def _code(method: str, status: int, body: bytes = b"") -> Code:
    return from_response(method, "https://r/v2/", status, body).code


# Bodies


def test_code_message_and_detail_are_told() -> None:
    body = read_error_body(_body("DENIED", "requested access", {"name": "a", "action": "push"}))
    assert body.codes == ("DENIED",)
    assert body.text == 'requested access ({"action": "push", "name": "a"})'


def test_several_errors_are_joined_and_codes_become_upper_case() -> None:
    errors = [{"code": "denied", "message": "one"}, "nonsense", {"code": None}, {"code": "X"}]
    body = read_error_body(json.dumps({"errors": errors}).encode())
    assert body.codes == ("DENIED", "", "X")
    assert body.text == "one; ; X"


def test_an_html_page_is_told_as_its_reader_sees_it() -> None:
    assert read_error_body(_NGINX_413).text == "413 Request Entity Too Large nginx/1.24.0"


def test_styles_scripts_and_comments_of_a_page_are_left_out() -> None:
    page = (
        b"<!DOCTYPE html><html><head><style>body { color: red }</style><script>if (a < b) {}"
        b"</script></head><body><!-- build 7 --><h1>Access&nbsp;denied &amp; logged</h1></body>"
    )
    assert read_error_body(page).text == "Access denied & logged"


def test_a_page_that_has_only_a_title_is_told_by_it() -> None:
    page = b"<html><head><title>Sign in</title></head><body><div id=app></div></body></html>"
    assert read_error_body(page).text == "Sign in"


def test_markup_in_plain_text_stays_text() -> None:
    assert read_error_body(b"[red]no <nil> [/red]").text == "[red]no <nil> [/red]"
    assert read_error_body(_body("X", "[bold]<b>a</b>")).text == "[bold]<b>a</b>"


def test_terminal_escapes_and_control_characters_are_removed() -> None:
    hostile = "a\x1b[31mred\x1b]0;title\x07b\x1bc\x00\x9b\r\n\u202ed\u2066"
    assert read_error_body(hostile.encode()).text == "a red b d"
    assert read_error_body(_body("X", hostile)).text == "a red b d"


def test_half_a_json_document_is_told_as_text() -> None:
    half = _body("DENIED", "no right")[:30]
    assert read_error_body(half).text == half.decode()


@pytest.mark.parametrize("depth", range(100, 1100, 50))
def test_deep_json_is_survived(depth: int) -> None:
    detail = b"[" * depth + b"]" * depth
    body = read_error_body(b'{"errors": [{"code": "X", "detail": ' + detail + b"}]}")
    assert len(body.text) <= 300


def test_a_long_message_is_cut() -> None:
    text = read_error_body(_body("X", "word " * 1000)).text
    assert len(text) == 300
    assert text.endswith("…")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["errors", "code", "message", "detail"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(
    st.binary(max_size=2000)
    | st.text(max_size=500).map(str.encode)
    | _json.map(lambda value: json.dumps({"errors": [value]}).encode())
    | _json.map(lambda value: json.dumps({"errors": value}).encode()),
    st.sampled_from(["GET", "PUT", "HEAD"]),
    st.integers(300, 599),
)
@example(b'{"errors": [{"code": ["a"], "message": {"b": 1}}]}', "GET", 400)
@example(b'{"errors": [{"message": "\\ud800"}]}', "GET", 400)
@example(b"\xff\xfe{", "GET", 500)
@example(b"9" * 5000, "GET", 500)
def test_no_body_makes_it_raise(content: bytes, method: str, status: int) -> None:
    error = from_response(method, "https://r/v2/", status, content)
    assert error.message.isprintable()
    assert len(error.message) < 400
    assert error.code in ADVICE


@pytest.mark.parametrize(
    "hostile",
    [
        b"<html>" + b"<style" * 10_000,
        b"<html>" + b"<!--" * 10_000,
        b"<html>" + b"<" * 60_000,
        b"\x1b[" * 30_000,
        b"\x1b]" * 30_000,
        b"&" * 60_000,
    ],
    ids=range(6),
)
def test_hostile_bodies_take_no_time(hostile: bytes) -> None:
    started = time.thread_time()
    read_error_body(hostile)
    assert time.thread_time() - started < 0.5


def test_plain_text_of_any_kind_is_one_printable_line() -> None:
    assert plain(" a\tb\nc\u2028d ") == "a b c d"


# Codes


@pytest.mark.parametrize(
    ("method", "status", "body", "code"),
    [
        ("GET", 401, b"", Code.LOGIN_REFUSED),
        ("GET", 401, _body("UNAUTHORIZED"), Code.LOGIN_REFUSED),
        ("POST", 403, _body("DENIED"), Code.PUSH_DENIED),
        ("POST", 403, _NGINX_413, Code.PUSH_DENIED),
        ("POST", 400, _body("UNAUTHORIZED"), Code.PUSH_DENIED),
        ("GET", 404, b"", Code.REGISTRY_NOT_FOUND),
        ("GET", 404, _body("NAME_UNKNOWN", "team/quota-service"), Code.REGISTRY_NOT_FOUND),
        ("PATCH", 413, _NGINX_413, Code.BODY_TOO_LARGE),
        ("GET", 429, _body("TOOMANYREQUESTS", "quota exceeded"), Code.REGISTRY_BUSY),
        ("PUT", 500, _body("UNKNOWN", "write: no space left on device"), Code.REGISTRY_DISK_FULL),
        ("PUT", 507, b"", Code.REGISTRY_DISK_FULL),
        ("PUT", 500, b"", Code.REGISTRY_FAULT),
        ("PUT", 502, b"", Code.REGISTRY_FAULT),
        (
            "PUT",
            412,
            _body("PRECONDITION", "Failed to process request due to 'a:1' configured as immutable"),
            Code.TAG_IMMUTABLE,
        ),
        ("PUT", 400, _body("TAG_INVALID", "the tag exists and is immutable"), Code.TAG_IMMUTABLE),
        (
            "PUT",
            403,
            _body("DENIED", "adding 1.2 MiB ... will exceed the configured upper limit of 1 MiB"),
            Code.QUOTA_EXCEEDED,
        ),
        ("PUT", 400, _body("DIGEST_INVALID"), Code.DIGEST_REFUSED),
        ("PUT", 400, _body("MANIFEST_BLOB_UNKNOWN"), Code.MIRROR_DIFFERS),
        ("PUT", 404, _body("BLOB_UNKNOWN"), Code.MIRROR_DIFFERS),
        ("GET", 404, _body("BLOB_UNKNOWN"), Code.REGISTRY_NOT_FOUND),
        ("PUT", 400, _body("MANIFEST_INVALID"), Code.REGISTRY_REFUSED),
        ("POST", 405, _body("UNSUPPORTED"), Code.REGISTRY_REFUSED),
        ("POST", 403, _body("DENIED", "The system is in read only mode."), Code.REGISTRY_REFUSED),
        ("POST", 400, _body("NAME_INVALID"), Code.REGISTRY_NOT_FOUND),
        ("POST", 400, _body("BAD_REQUEST", "invalid repository name: a"), Code.REGISTRY_NOT_FOUND),
        ("POST", 400, b"<html><body>Bad Request</body></html>", Code.REGISTRY_PROTOCOL),
        ("GET", 302, b"", Code.REGISTRY_PROTOCOL),
    ],
)
def test_answers_get_the_code_that_helps(method: str, status: int, body: bytes, code: Code) -> None:
    assert _code(method, status, body) is code


def test_a_repository_without_a_project_is_told_to_give_a_namespace() -> None:
    error = from_response("POST", "u", 400, _body("NAME_INVALID"))
    assert "PROJECT/NAME" in error.cause
    assert "-r HOST:PORT/PROJECT" in error.mend


def test_a_read_only_registry_is_told_as_such() -> None:
    assert "read-only" in from_response("POST", "u", 405, _body("UNSUPPORTED")).cause


def test_plain_http_to_a_tls_port_is_told_as_such() -> None:
    for words in (
        b"Client sent an HTTP request to an HTTPS server.\n",
        b"<html><body>The plain HTTP request was sent to HTTPS port</body></html>",
    ):
        assert from_response("GET", "u", 400, words).cause == "The port speaks TLS."


@pytest.mark.parametrize("status", [408, 416, 425, 429, 500, 502, 503, 504, 520, 524])
def test_these_may_succeed_later(status: int) -> None:
    assert from_response("GET", "u", status, b"").temporary


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 409, 411, 413, 501, 505, 507])
def test_these_are_final(status: int) -> None:
    assert not from_response("GET", "u", status, b"").temporary


# Retry-After


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("-1", None),
        ("1.5", None),
        (" 7\t", 7.0),
        ("\x1c0", None),
        ("9" * 30, None),
        ("²", None),
        ("soon", None),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0),
        ("Fri, 31 Dec 1999 23:59:59 -0000", 0.0),
        ("Fri, 99 Dec 1999 23:59:59 GMT", None),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("Fri, 01 Jan 0001 00:00:00 +2359", 0.0),
    ],
)
def test_retry_after_has_two_forms(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value) == seconds


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("suffix", ["GMT", "-0000", "+0000"])
def test_dates_are_read_right_in_every_time_zone(
    zone: str, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        later = datetime.now(UTC) + timedelta(seconds=90)
        value = format_datetime(later, usegmt=True).replace("GMT", suffix)
        seconds = parse_retry_after(value)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert seconds is not None
    assert 85 < seconds <= 90


@given(st.text(max_size=100))
def test_no_retry_after_makes_it_raise(value: str) -> None:
    seconds = parse_retry_after(value)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize("value", ["Fri, 31 Dec 2100 23:59:59 GMT" + " x" * 30_000, "1" * 65_000])
def test_a_hostile_retry_after_takes_no_time(value: str) -> None:
    started = time.thread_time()
    parse_retry_after(value)
    assert time.thread_time() - started < 0.25
