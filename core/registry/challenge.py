"""Reading `WWW-Authenticate` (RFC 9110, section 11.6.1): one header may hold several challenges."""

import re
from dataclasses import dataclass, field

_BREAK = r"[\s,]*+"
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_TOKEN68 = r"(?:\s++[0-9A-Za-z._~+/-]++=*+(?=\s*+(?:,|$)))?+"
_SCHEME = re.compile(rf"{_BREAK}({_WORD})(?=[\s,]|$)(?!\s*+=){_TOKEN68}")
# Values without quotes are read up to the next break: some registries leave them off around URLs.
_PARAMETER = re.compile(
    rf'{_BREAK}({_WORD})\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s,"]++))', re.DOTALL
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MAX_HEADER = 8192


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in which a registry lets itself be asked.

    Attributes:
        scheme: lower case: `basic`, `bearer`, …
        parameters: names in lower case: `realm`, `service`, `scope`, `error`.
    """

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


def parse_challenges(header: str) -> tuple[Challenge, ...]:
    """All challenges of a header; what cannot be read ends the list, it raises nothing."""
    challenges: list[Challenge] = []
    text, position = header[:_MAX_HEADER], 0
    while match := _SCHEME.match(text, position):
        position = match.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(text, position):
            name, quoted, bare = parameter.groups()
            value = _ESCAPED.sub(r"\1", quoted) if quoted is not None else bare
            parameters[name.lower()] = value
            position = parameter.end()
        challenges.append(Challenge(match.group(1).lower(), parameters))
    return tuple(challenges)
