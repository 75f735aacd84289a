"""Kinds of values that answers hold: how each is judged, and what is said where it is wrong.

What is said fits below a field of a form: one line, at most 59 characters.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from core.hosts import is_host, is_ipv6, is_misread
from core.reference import is_repository

FOLDER = "folder"
"""Key of the validation context: the folder that relative paths start from."""

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}
_BYTES = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*([KMG]I?|)B?(?:/S)?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/{1,2}")
_KUBE_VERSION = re.compile(r"v?[0-9]{1,4}[.-][0-9]{1,4}")
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9]+)?")
_COMPRESSION = re.compile(r"none|auto|gzip(?::[0-9])?|zstd(?::(?:[1-9]|auto))?")


@dataclass(frozen=True, slots=True)
class Told:
    """What a form says about a field, beside its help line.

    Attributes:
        wrong: of a value that has not the right form.
        missing: where the field is empty and a form needs it.
        read: it is the path of something that this machine reads.
    """

    wrong: str = ""
    missing: str = ""
    read: bool = False


def check_endpoint(text: str) -> str:
    """The name or address of a host, without a port; IPv6 without brackets.

    Raises:
        ValueError: anything else.
    """
    text = text.strip()
    _refuse_decorations(text)
    if "/" in text:
        raise ValueError("Leave out the path. It belongs to the namespace.")
    if text.startswith("["):
        raise ValueError("Write an IPv6 address without brackets.")
    if text.count(":") == 1:
        raise ValueError("The port goes into a field of its own.")
    if text.isdecimal():
        raise ValueError("A number is no host. The port goes into a field of its own.")
    if is_misread(text):
        raise ValueError("This is neither a name nor four numbers below 256.")
    if text and not (is_ipv6(text) or is_host(text)):
        raise ValueError("This is not the name or address of a host.")
    return text


def split_address(text: str) -> dict[str, str]:
    """`HOST[:PORT][/NAMESPACE]` as endpoint, port and namespace; the parts are not judged here.

    Raises:
        ValueError: there is more around it than an address.
    """
    text = text.strip()
    _refuse_decorations(text)
    authority, _, path = text.partition("/")
    if authority.startswith("["):
        host, bracket, port = authority[1:].partition("]")
        if not bracket or not is_ipv6(host) or (port and not port.startswith(":")):
            raise ValueError("“[” must enclose an IPv6 address: [fd00::1]:5000.")
    elif authority.count(":") > 1:
        host, port = authority, ""
    else:
        host, colon, port = authority.partition(":")
        port = colon + port
    if not host:
        raise ValueError("The host is missing.")
    if port and not port[1:]:
        raise ValueError("Nothing follows the colon.")
    namespace = "/".join(part for part in path.split("/") if part not in {"", "."})
    return {"endpoint": host, "port": port[1:], "namespace": namespace}


def take_apart(text: str) -> dict[str, str]:
    """The same for what somebody pasted: a scheme in front of it is dropped.

    Raises:
        ValueError: it is no address at all.
    """
    text = text.strip()
    found = _SCHEME.match(text)
    return split_address(text[found.end() :] if found else text)


def check_namespace(text: str) -> str:
    """A path in the registry; empty for its root.

    Raises:
        ValueError: anything else.
    """
    text = text.strip().removesuffix("/")
    if text.startswith("/") or text.endswith("/"):
        raise ValueError("No slash at the start or end.")
    if text and {"", ".", ".."} & set(text.split("/")):
        raise ValueError("No “..” and no empty part.")
    if text and not is_repository(text):
        raise ValueError("Lower case letters, digits, and . _ - / only.")
    return text


def check_upstream(text: str) -> str:
    """An upstream registry: a host, with a port where it has one.

    Raises:
        ValueError: anything else.
    """
    text = text.strip()
    _refuse_decorations(text)
    if not text:
        raise ValueError("Enter a host name.")
    if "/" in text:
        raise ValueError("Host name only. The path of the image name stays.")
    if not _is_authority(text):
        raise ValueError("This is not the name of a host.")
    return text


def check_username(text: str) -> str:
    """A user name, as Basic authentication can carry it (RFC 7617).

    Raises:
        ValueError: it holds a colon or a control character.
    """
    if ":" in text:
        raise ValueError("No colon in a user name.")
    if not text.isprintable():
        raise ValueError("No line end or control character in a user name.")
    return text


def parse_bytes(value: object) -> object:
    """`8M`, `512K`, `1.5G`, `8Mi` or a number, as bytes.

    Raises:
        ValueError: text that is none of these.
    """
    if not isinstance(value, str):
        return value
    found = _BYTES.fullmatch(value.strip().upper())
    if not found:
        raise ValueError("A number of bytes, such as 8M, 8Mi or 512K.")
    number, unit = found.groups()
    return int(float(number) * _UNITS[unit]) if "." in number else int(number) * _UNITS[unit]


def spelled_as(kind: type[StrEnum], also: Mapping[str, str | None]) -> BeforeValidator:
    """Read a choice however it is spelled: case, `-` and `_` do not matter.

    Args:
        kind: the choices.
        also: further spellings, in lower case with spaces.
    """
    known = {_spoken(one.value): one.value for one in kind} | dict(also)

    def read(value: object) -> object:
        return known.get(_spoken(value), value) if isinstance(value, str) else value

    return BeforeValidator(read)


def _spoken(word: str) -> str:
    return " ".join(re.split(r"[-_\s]+", word.strip().lower()))


def _form(pattern: re.Pattern[str], wrong: str) -> AfterValidator:
    def check(text: str) -> str:
        if not pattern.fullmatch(text.strip()):
            raise ValueError(wrong)
        return text.strip()

    return AfterValidator(check)


def _upstream_or_none(text: str | None) -> str | None:
    return check_upstream(text) if text else text


def _listed(value: object) -> object:
    return (
        [part for part in re.split(r"[,\s]+", value) if part] if isinstance(value, str) else value
    )


def _absent_if_empty(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _anchored(path: Path | None, info: ValidationInfo) -> Path | None:
    """An absolute path: it stays right wherever the answers are read again."""
    if path is None:
        return None
    text = str(path)
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("The name holds a byte that no answers file can hold.")
    try:
        path = path.expanduser()
        return Path((info.context or {}).get(FOLDER) or Path.cwd()) / path
    except (OSError, RuntimeError):
        raise ValueError("This folder is not known; write the full path.") from None


def _refuse_decorations(text: str) -> None:
    """Refuse what people paste along with an address, without repeating it: it may be a secret."""
    if "@" in text:
        raise ValueError("No user name and no password in an address.")
    if not text.isprintable() or any(c.isspace() for c in text):
        raise ValueError("No spaces.")
    if found := _SCHEME.match(text):
        raise ValueError(f"Leave out {found[0][:20]}.")


def _is_authority(text: str) -> bool:
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        host = text
    elif not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= 65535):
        return False
    if host.startswith("[") and host.endswith("]"):
        return is_ipv6(host[1:-1])
    return is_host(host)


AnyPath = Annotated[Path | None, AfterValidator(_anchored), BeforeValidator(_absent_if_empty)]
Endpoint = Annotated[str, AfterValidator(check_endpoint)]
Namespace = Annotated[str, AfterValidator(check_namespace)]
Upstream = Annotated[str, AfterValidator(check_upstream)]
Username = Annotated[str, AfterValidator(check_username)]
KubeVersion = Annotated[
    str, _form(_KUBE_VERSION, "A version such as 1.33, without a patch number.")
]
PlatformName = Annotated[str, _form(_PLATFORM, "A platform such as linux/amd64.")]
CompressionName = Annotated[
    str, _form(_COMPRESSION, "gzip:0 to gzip:9, zstd:1 to zstd:9, auto, or none.")
]
PackagesRegistry = Annotated[str | None, AfterValidator(_upstream_or_none)]
Bytes = Annotated[int, BeforeValidator(parse_bytes)]
SEVERAL = BeforeValidator(_listed)
"""One value, or several with commas between them, is taken for a list."""
