"""Answers of a registry that mean no, turned into words.

Bodies follow the distribution specification (`{"errors": [{code, message, detail}]}`), but proxies
answer with HTML and some registries with anything; what is known of them stands in the table.
"""

import json
import re
import socket
import ssl
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import urllib3.exceptions as http

from core.errors import Code, RegistryError

_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_LONGEST_WORDS = 300

_BY_TEXT = {
    Code.REGISTRY_DISK_FULL: r"no space left|disk quota|insufficient storage|disk is full",
    Code.TAG_IMMUTABLE: r"immutable|TAG_INVALID.*exist|TagAlreadyExists",
    Code.QUOTA_EXCEEDED: r"quota|exceed the configured upper limit",
}
_BY_STATUS = {
    401: Code.LOGIN_REFUSED,
    403: Code.PUSH_DENIED,
    404: Code.REGISTRY_NOT_FOUND,
    413: Code.BODY_TOO_LARGE,
    429: Code.REGISTRY_BUSY,
    507: Code.REGISTRY_DISK_FULL,
}
_DENIED = frozenset({"DENIED", "UNAUTHORIZED"})
_DIGEST = frozenset({"DIGEST_INVALID"})
_BLOB_MISSING = frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"})


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
    except (ValueError, KeyError, RecursionError):
        errors = None
    if not isinstance(errors, list):
        return ErrorBody((), _plain(content.decode("utf-8", errors="replace")))
    codes, words = [], []
    for error in errors[:5]:
        if not isinstance(error, dict):
            continue
        codes.append(str(error.get("code", "")).upper())
        words.append(_sentence(error))
    return ErrorBody(tuple(codes), _plain("; ".join(words)))


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
    said = f": {body.text}" if body.text else ""
    return RegistryError(
        _code(status, body),
        f"The registry answered HTTP {status} to {method}{said}",
        where=url,
        status=status,
        temporary=status in _TEMPORARY,
        retry_after=parse_retry_after(retry_after),
    )


def parse_retry_after(value: str | None) -> float | None:
    """Seconds to wait, from either form of `Retry-After` (RFC 9110, section 10.2.3)."""
    if not value:
        return None
    if re.fullmatch(r"\s*\d{1,9}\s*", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    now = moment.now(moment.tzinfo)
    return max(0.0, (moment - now).total_seconds())


def from_exception(error: Exception, url: str) -> RegistryError:
    """The error for a request that brought no answer."""
    root = _root(error)
    if isinstance(root, ssl.SSLCertVerificationError):
        return _certificate_error(root, url)
    if isinstance(root, ssl.SSLError) and not _is_cut(root):
        return RegistryError(
            Code.TLS_FAILED, f"The TLS handshake failed: {_reason(root)}.", where=url
        )
    if isinstance(root, socket.gaierror):
        return RegistryError(
            Code.REGISTRY_UNREACHABLE,
            f"The name cannot be resolved: {root.strerror or root}.",
            where=url,
            cause="The name is wrong, or no DNS server knows it.",
            temporary=True,
        )
    if isinstance(root, TimeoutError | http.TimeoutError):
        return RegistryError(
            Code.REGISTRY_STALLED, "The registry gave no sign in time.", where=url, temporary=True
        )
    words = getattr(root, "strerror", None) or str(root) or type(root).__name__
    return RegistryError(
        Code.REGISTRY_UNREACHABLE, f"No answer: {_plain(words)}.", where=url, temporary=True
    )


def _code(status: int, body: ErrorBody) -> Code:
    if status >= 400:
        for code, pattern in _BY_TEXT.items():
            if re.search(pattern, body.text, re.IGNORECASE):
                return code
    if _DIGEST & set(body.codes):
        return Code.DIGEST_REFUSED
    if _BLOB_MISSING & set(body.codes):
        return Code.MIRROR_DIFFERS
    if status != 401 and _DENIED & set(body.codes):
        return Code.PUSH_DENIED
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return Code.REGISTRY_FAULT if status >= 500 else Code.REGISTRY_PROTOCOL


def _sentence(error: dict[str, object]) -> str:
    message = str(error.get("message") or error.get("code") or "")
    detail = error.get("detail")
    if not detail:
        return message
    words = detail if isinstance(detail, str) else json.dumps(detail, sort_keys=True)
    return f"{message} ({words})"


def _plain(text: str) -> str:
    without_tags = re.sub(r"<[^>]{0,200}>", " ", text[:20_000])
    line = "".join(c if c.isprintable() else " " for c in without_tags)
    line = " ".join(line.split())
    return line if len(line) <= _LONGEST_WORDS else line[: _LONGEST_WORDS - 1] + "…"


def _root(error: BaseException) -> BaseException:
    """The exception that explains most: urllib3 wraps it several times."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = getattr(error, "reason", None) or error.__cause__ or error.__context__
        arguments = [a for a in error.args if isinstance(a, BaseException)]
        if isinstance(error, ssl.SSLError | socket.gaierror | OSError):
            return error
        candidate = inner if isinstance(inner, BaseException) else next(iter(arguments), None)
        if candidate is None:
            return error
        error = candidate
    return error


def _is_cut(error: ssl.SSLError) -> bool:
    """A connection that broke under TLS, as against one that never came about."""
    return isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError)


def _reason(error: ssl.SSLError) -> str:
    if error.reason == "WRONG_VERSION_NUMBER":
        return "the other side speaks plain HTTP"
    return (error.reason or str(error)).replace("_", " ").lower()


def _certificate_error(error: ssl.SSLCertVerificationError, url: str) -> RegistryError:
    words = error.verify_message or str(error)
    if "mismatch" in words.lower() or error.verify_code in (62, 64):
        code = Code.TLS_NAME_MISMATCH
    elif error.verify_code in (9, 10):
        code = Code.TLS_EXPIRED
    elif error.verify_code in (2, 18, 19, 20, 21):
        code = Code.TLS_UNTRUSTED
    else:
        code = Code.TLS_FAILED
    return RegistryError(code, f"The certificate is not accepted: {words}.", where=url)
