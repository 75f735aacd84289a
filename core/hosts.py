"""What is the name or address of a host, and what is not."""

import ipaddress
import re

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LONGEST = 253


def is_host(text: str) -> bool:
    """Whether it is a host's name or IPv4 address (RFC 1123, section 2.1)."""
    return len(text) <= _LONGEST and _NAME.fullmatch(text) is not None and not is_misread(text)


def is_misread(text: str) -> bool:
    """Whether the system would make an address of something that nobody meant as one.

    What ends in a number is taken for an address, also where it is none that people write: 5000
    is 0.0.19.136 then.
    """
    return text.rpartition(".")[2].isdecimal() and not _is_ipv4(text)


def is_ipv6(text: str) -> bool:
    """References know IPv6 in hexadecimal only: no zone, no dotted tail."""
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "." not in text and "%" not in text


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True
