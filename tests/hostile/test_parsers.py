"""Whatever stands in a file or an answer: it is read, or refused in words of our own."""

import json
import resource
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import EksaMirrorError
from tests.core.archive.test_fuzz import Edit, edited, edits
from tests.hostile.parsers import HOST, OWN, PARSERS, Parser

SECONDS = 5.0
MIB = 1024 * 1024


def try_it(parser: Parser, content: bytes) -> str:
    """What was said; empty where it was read. Anything but an error of our own fails the test."""
    begun = time.monotonic()
    said = ""
    try:
        parser.read(content)
    except (EksaMirrorError, *OWN) as error:
        said = str(error)
        said.encode()  # whatever is said can be shown, and written to a log
    assert time.monotonic() - begun < SECONDS
    return said


@pytest.mark.parametrize("name", PARSERS)
def test_the_real_thing_is_read(name: str) -> None:
    assert not try_it(PARSERS[name], PARSERS[name].good)


def _mutations(examples: int, name: str) -> None:
    @settings(max_examples=examples, deadline=None, database=None)
    @given(changes=edits)
    def mutate(changes: list[Edit]) -> None:
        try_it(PARSERS[name], edited(PARSERS[name].good, changes))

    @settings(max_examples=examples, deadline=None, database=None)
    @given(content=st.binary(max_size=300))
    def anything(content: bytes) -> None:
        try_it(PARSERS[name], content)

    mutate()
    anything()


@pytest.mark.parametrize("name", PARSERS)
def test_mutations_are_read_or_refused(name: str) -> None:
    _mutations(60, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", PARSERS)
def test_many_mutations_are_read_or_refused(name: str) -> None:
    _mutations(3_000, name)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.just("\ud800"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
JSON_PARSERS = ("manifest", "index", "docker config", "error body")


def replaced(document: object, number: int, value: object) -> tuple[object, int]:
    """The document with its n-th part replaced; counts down and stops at zero."""
    if number == 0:
        return value, -1
    number -= 1
    items: list[tuple[object, object]]
    if isinstance(document, dict):
        items = list(document.items())
    elif isinstance(document, list):
        items = list(enumerate(document))
    else:
        return document, number
    made = []
    for key, part in items:
        new, number = replaced(part, number, value) if number >= 0 else (part, number)
        made.append((key, new))
    return (dict(made) if isinstance(document, dict) else [new for _, new in made]), number


@pytest.mark.parametrize("name", JSON_PARSERS)
@settings(max_examples=150, deadline=None)
@given(number=st.integers(0, 14), value=VALUES)
def test_any_value_in_any_place_is_read_or_refused(name: str, number: int, value: object) -> None:
    document = json.loads(PARSERS[name].good)
    try_it(PARSERS[name], json.dumps(replaced(document, number, value)[0]).encode())


BOMBS = {
    "JSON depth": b"[" * 200_000,
    "JSON objects": b'{"a":' * 100_000,
    "YAML depth": b"[" * 50_000,
    "YAML mappings": b"".join(b" " * n + b"a:\n" for n in range(600)),
    "YAML aliases": b"a: &a [x]\n"
    + b"".join(
        b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 118)
    ),
    "a number of a million digits": b'{"errors": ' + b"9" * 1_000_000 + b"}",
    "a line of 3 MB": b"a" * 3 * MIB,
    "quotes": b'"' * 100_000,
    "backslashes": b'a="' + b"\\" * 100_000,
    "begins of certificates": b"-----BEGIN CERTIFICATE-----\n" * 20_000,
    "zeros": bytes(100_000),
    "escapes of terminals": b"\x1b]0;owned\x07\x1b[2J" * 1000,
    "half a pair": b'{"errors":[{"code":"\\ud800","message":"\\udfff"}], "auths": {"\\ud800": 1}}',
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("name", PARSERS)
def test_bombs_do_not_go_off(name: str, bomb: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    try_it(PARSERS[name], BOMBS[bomb])

    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100 * 1024, f"{grown} KiB"


def test_half_a_pair_in_the_login_of_docker_is_told() -> None:
    said = try_it(
        PARSERS["docker config"], b'{"auths": {"%s": {"auth": "\\ud800"}}}' % HOST.encode()
    )
    assert "docker" in said.lower()
