"""Answers of a registry that mean no, turned into words.

Bodies follow the distribution specification (`{"errors": [{code, message, detail}]}`), but proxies
answer with HTML and some registries with anything; what is known of them stands in the tables.
"""

import http.client
import json
import re
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape

import urllib3.exceptions as urllib3_errors

from core.errors import Code, RegistryError
from core.plain_text import one_line

_EMPTY_BLOBS = "find docker/registry/v2/blobs -name data -size 0"
"""Not all of the storage: files of uploads that are under way begin empty, too."""

_CONTENT = r"/v2/.+/(manifests/|blobs/sha)"
_TEMPORARY = frozenset({408, 416, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
"""After 416 the registry is asked how far an upload came; then the next chunk fits."""

_LONGEST_WORDS = 300
_LONGEST_BODY = 20_000

_BY_TEXT = {
    Code.BODY_TOO_LARGE: r"request body is too large",
    # docker-registry 2 gives the system's error as its number: ENOSPC and EDQUOT.
    Code.REGISTRY_DISK_FULL: r"no space left|disk quota|insufficient storage|disk is full"
    r'|"Err": (?:28|122)\b',
    Code.TAG_IMMUTABLE: r"immutable|TAG_INVALID.*exist|TagAlreadyExists",
    Code.QUOTA_EXCEEDED: r"quota|exceed the configured upper limit",
    Code.REGISTRY_NOT_FOUND: r"invalid repository name",
    Code.REGISTRY_REFUSED: r"read.only mode",
}
_WITHOUT_TEXT = frozenset({401, 404, 429})
"""Here words of the table are names of repositories, or tell of a rate limit."""

_BY_CODE = {
    "DIGEST_INVALID": Code.DIGEST_REFUSED,
    "MANIFEST_BLOB_UNKNOWN": Code.MIRROR_DIFFERS,
    "NAME_INVALID": Code.REGISTRY_NOT_FOUND,
    "NAME_UNKNOWN": Code.REGISTRY_NOT_FOUND,
    "DENIED": Code.PUSH_DENIED,
    "UNAUTHORIZED": Code.PUSH_DENIED,
}
_BY_STATUS = {
    401: Code.LOGIN_REFUSED,
    403: Code.PUSH_DENIED,
    404: Code.REGISTRY_NOT_FOUND,
    408: Code.REGISTRY_STALLED,
    413: Code.BODY_TOO_LARGE,
    429: Code.REGISTRY_BUSY,
    507: Code.REGISTRY_DISK_FULL,
}
_STATUS_FIRST = frozenset({401, 413, 429})

_CUT_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
_CUT_REASONS = frozenset({"DECRYPTION_FAILED_OR_BAD_RECORD_MAC", "SSLV3_ALERT_BAD_RECORD_MAC"})
"""TLS that worked and was broken on the way."""

_CUT_HTTP = (OSError, http.client.IncompleteRead)
"""Exceptions of HTTP that tell of a broken connection, not of a broken answer."""


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What a registry said beside the status.

    Attributes:
        codes: codes of the specification, upper case.
        text: messages and details on one line, cut to a readable length; plain text, to be shown
            as such.
    """

    codes: tuple[str, ...]
    text: str


def read_error_body(content: bytes) -> ErrorBody:
    """Words out of an error body, whatever it is; never raises."""
    try:
        document = json.loads(content)
        errors = document["errors"] if isinstance(document, dict) else None
        if isinstance(errors, list):
            known = [error for error in errors[:5] if isinstance(error, dict)]
            codes = tuple(str(error.get("code") or "").upper() for error in known)
            return ErrorBody(codes, plain("; ".join(map(_sentence, known))))
    except (ValueError, KeyError, RecursionError):
        pass  # not JSON, or nothing that this program could read: its words are shown as they are
    return ErrorBody((), _words_of_page(content[:_LONGEST_BODY].decode("utf-8", "replace")))


def from_response(
    method: str,
    url: str,
    status: int,
    content: bytes,
    retry_after: str | None = None,
) -> RegistryError:
    """The error for an answer that was not wanted.

    Args:
        url: without its query, which may hold signed state.
        content: the beginning of the body.
        retry_after: the header, seconds or an HTTP date.
    """
    body = read_error_body(content)
    code = _code(method, status, body)
    said = f": {body.text}" if body.text else ""
    cause, mend = _unreadable(method, url, status) or _special(status, code, body)
    return RegistryError(
        code,
        f"The registry answered HTTP {status} to {method}{said}",
        where=url,
        cause=cause,
        mend=mend,
        status=status,
        temporary=status in _TEMPORARY,
        retry_after=parse_retry_after(retry_after),
    )


def parse_retry_after(value: str | None) -> float | None:
    """Seconds to wait, from either form of `Retry-After` (RFC 9110, section 10.2.3)."""
    if not value:
        return None
    seconds = value.strip(" \t")
    if re.fullmatch(r"[0-9]{1,9}", seconds):
        return float(seconds)
    try:
        moment = parsedate_to_datetime(value[:100])
        # "-0000" and no zone at all both stand for UTC, and come without one.
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (aware - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None


def from_exception(error: Exception, url: str, *, through_proxy: bool = False) -> RegistryError:
    """The error for a request that brought no answer."""
    if isinstance(error, urllib3_errors.LocationValueError):
        return _unreachable(f"The address cannot be used: {plain(str(error))}.", url)
    chain = _chain(error)
    known = [
        e for kind in (OSError, http.client.HTTPException) for e in chain if isinstance(e, kind)
    ]
    root = (known or chain[-1:])[0]
    if isinstance(root, ssl.SSLCertVerificationError):
        return _certificate_error(root, url)
    if isinstance(root, ssl.SSLError) and not _is_cut(root):
        return RegistryError(
            Code.TLS_FAILED, f"The TLS handshake failed: {_reason(root)}.", where=url
        )
    if through_proxy:
        return _unreachable(
            f"The proxy does not let it through: {_words(root)}.",
            url,
            cause="HTTPS_PROXY is set, and that proxy is down or does not reach the registry.",
            mend="Add the registry's host to NO_PROXY, or unset HTTPS_PROXY.",
            temporary=True,
        )
    return _silence(chain, root, url)


def _silence(chain: list[BaseException], root: BaseException, url: str) -> RegistryError:
    """No answer, or none that can be read, although nothing is wrong with proxy and TLS."""
    if isinstance(root, socket.gaierror):
        return _unreachable(
            f"The name cannot be resolved: {root.strerror or root}.",
            url,
            cause="The name is wrong, or no DNS server knows it.",
            temporary=True,
        )
    # urllib3 derives every other failure to connect from this one.
    if any(type(e) is urllib3_errors.ConnectTimeoutError for e in chain):
        return _unreachable(
            "No connection came about in time.",
            url,
            cause="The address or port is wrong, or a firewall drops what is sent to it.",
            temporary=True,
        )
    if isinstance(root, TimeoutError | urllib3_errors.TimeoutError):
        return RegistryError(
            Code.REGISTRY_STALLED, "The registry gave no sign in time.", where=url, temporary=True
        )
    if isinstance(root, http.client.HTTPException) and not isinstance(root, _CUT_HTTP):
        return RegistryError(
            Code.REGISTRY_PROTOCOL,
            f"The answer is not HTTP: {_words(root)}.",
            where=url,
            temporary=True,
        )
    return _unreachable(f"No answer: {_words(root)}.", url, temporary=True)


def plain(text: str) -> str:
    """Text from outside on one line, without control characters, cut to a readable length."""
    text = re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*|\x1b.", " ", text[:_LONGEST_BODY])
    line = " ".join(one_line(text).split())
    return line if len(line) <= _LONGEST_WORDS else line[: _LONGEST_WORDS - 1] + "…"


def _words_of_page(page: str) -> str:
    """What a reader of an HTML page would see; text that is no HTML stays as it is."""
    if not re.search(r"(?i)<(?:!doctype|html|head|body)\b", page):
        return plain(page)
    return _seen(page, "style|script|title") or _seen(page, "style|script")


def _seen(page: str, hidden: str) -> str:
    text = re.sub(rf"(?is)<({hidden})\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", " ", page)
    return plain(unescape(re.sub(r"<[^>]{0,200}>", " ", text)))


def _code(method: str, status: int, body: ErrorBody) -> Code:
    if status in _STATUS_FIRST:
        return _BY_STATUS[status]
    fault = Code.REGISTRY_FAULT if status >= 500 else Code.REGISTRY_PROTOCOL
    refusal = Code.REGISTRY_REFUSED if status < 500 and any(body.codes) else fault
    return (
        _code_of_text(status, body.text)
        or _code_of_codes(method, body.codes)
        or _BY_STATUS.get(status, refusal)
    )


def _code_of_text(status: int, text: str) -> Code | None:
    if status < 400 or status in _WITHOUT_TEXT:
        return None
    found = (code for code, words in _BY_TEXT.items() if re.search(words, text, re.IGNORECASE))
    return next(found, None)


def _code_of_codes(method: str, codes: tuple[str, ...]) -> Code | None:
    if method == "PUT" and "BLOB_UNKNOWN" in codes:
        return Code.MIRROR_DIFFERS
    return next((_BY_CODE[code] for code in codes if code in _BY_CODE), None)


def _unreadable(method: str, url: str, status: int) -> tuple[str, str] | None:
    """Cause and mend where a registry fails at what it said to have stored.

    docker-registry 2 takes a file that it could only make, not fill, for the content itself: it
    answers 500 to who asks for it, and 201 to who sends it again, for ever.
    """
    if status != 500 or method not in ("GET", "HEAD") or not re.search(_CONTENT, url):
        return None
    return (
        "It cannot read what it stored; a full disk leaves empty files in docker-registry.",
        f"On its host: df -h; then delete what this lists in its storage: {_EMPTY_BLOBS}",
    )


def _special(status: int, code: Code, body: ErrorBody) -> tuple[str, str]:
    """Cause and mend, where this answer tells more than its code."""
    if code is Code.REGISTRY_NOT_FOUND and status == 400:
        return (
            "The registry takes only names of the form PROJECT/NAME, as Harbor does.",
            "Give a namespace with the address: -r HOST:PORT/PROJECT",
        )
    if status == 408:
        return (
            "A proxy in front of the registry does not wait until all that is sent has come.",
            "Raise its limit (in nginx: client_body_timeout 300s;), or send less: --chunk-size 1Mi",
        )
    if code is Code.REGISTRY_REFUSED and status in (403, 405):
        return (
            "It is read-only for now, or only a cache of another registry.",
            "End its read-only mode, or give the address of a registry that takes uploads.",
        )
    if code is Code.REGISTRY_PROTOCOL and re.search(r"(?i)\bhttp request\b.*\bhttps\b", body.text):
        return "The port speaks TLS.", "Leave out --plain-http."
    return "", ""


def _sentence(error: dict[str, object]) -> str:
    message = str(error.get("message") or error.get("code") or "")
    detail = error.get("detail")
    if not detail:
        return message
    words = detail if isinstance(detail, str) else json.dumps(detail, sort_keys=True)
    return f"{message} ({words})"


def _chain(error: BaseException) -> list[BaseException]:
    """The exceptions that explain each other, outermost first: urllib3 wraps several times."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        inner = getattr(current, "reason", None) or current.__cause__ or current.__context__
        arguments = (a for a in current.args if isinstance(a, BaseException))
        current = inner if isinstance(inner, BaseException) else next(arguments, None)
    return chain


def _words(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError):
        return _reason(error)
    return plain(str(getattr(error, "strerror", None) or error)) or type(error).__name__


def _is_cut(error: ssl.SSLError) -> bool:
    """A connection that broke under TLS, as against one that never came about."""
    return isinstance(error, _CUT_TLS) or error.reason in _CUT_REASONS


def _reason(error: ssl.SSLError) -> str:
    if error.reason == "WRONG_VERSION_NUMBER":
        return "the other side speaks plain HTTP"
    if isinstance(error, _CUT_TLS):
        return "the other side hung up"
    return plain((error.reason or str(error)).replace("_", " ").lower())


def _certificate_error(error: ssl.SSLCertVerificationError, url: str) -> RegistryError:
    words = error.verify_message or str(error)
    if "mismatch" in words.lower() or error.verify_code in (62, 64):
        code = Code.TLS_NAME_MISMATCH
    elif error.verify_code in (9, 10):
        code = Code.TLS_EXPIRED
    elif error.verify_code in (2, 18, 19, 20, 21):
        code = Code.TLS_UNTRUSTED
    else:
        return RegistryError(
            Code.TLS_FAILED,
            f"The certificate is not accepted: {words.rstrip('.')}.",
            where=url,
            cause="The certificate breaks a rule that clients keep.",
            mend="Have it issued anew for server authentication, with SHA-256 and a strong key.",
        )
    return RegistryError(code, f"The certificate is not accepted: {words.rstrip('.')}.", where=url)


def _unreachable(
    message: str, url: str, *, cause: str = "", mend: str = "", temporary: bool = False
) -> RegistryError:
    return RegistryError(
        Code.REGISTRY_UNREACHABLE,
        message,
        where=url,
        cause=cause,
        mend=mend,
        temporary=temporary,
    )
