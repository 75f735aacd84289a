"""WWW-Authenticate, as registries and whatever stands before them write it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.registry.challenge import Challenge, parse_challenges

_ALPHABET = 'aB0 \t,="\\/:.-~+;(){}\x1bé\n'


def test_basic_and_bearer_in_one_header() -> None:
    header = 'Basic realm="harbor", Bearer realm="https://h/token",service="a b",scope="x:y:pull"'
    assert parse_challenges(header) == (
        Challenge("basic", {"realm": "harbor"}),
        Challenge("bearer", {"realm": "https://h/token", "service": "a b", "scope": "x:y:pull"}),
    )


def test_commas_inside_quotes_belong_to_the_value() -> None:
    (challenge,) = parse_challenges('Bearer scope="repository:a:pull,push", realm="https://h,h/"')
    assert challenge.parameters == {"scope": "repository:a:pull,push", "realm": "https://h,h/"}


def test_escaped_quotes_and_backslashes_are_read() -> None:
    (challenge,) = parse_challenges(r'Basic realm="a \"b\" \\ c"')
    assert challenge.parameters == {"realm": r'a "b" \ c'}


def test_names_are_lower_case_and_values_as_they_are() -> None:
    assert parse_challenges('BEARER Realm="https://H/T"') == (
        Challenge("bearer", {"realm": "https://H/T"}),
    )


@pytest.mark.parametrize(
    ("header", "schemes"),
    [
        ("", ()),
        ("   ", ()),
        (",, ,", ()),
        ("Basic", ("basic",)),
        ("Negotiate, NTLM", ("negotiate", "ntlm")),
        ("Negotiate YII/abc+==, Basic realm=x", ("negotiate", "basic")),
        ("Negotiate abc, Basic realm=x", ("negotiate", "basic")),
        (', , Basic realm="x" ,, Bearer realm="y"', ("basic", "bearer")),
        ('realm="no scheme"', ()),
        ('Basic realm="never closed', ("basic",)),
        ("Basic realm=", ("basic",)),
    ],
)
def test_schemes_are_found(header: str, schemes: tuple[str, ...]) -> None:
    assert tuple(challenge.scheme for challenge in parse_challenges(header)) == schemes


def test_spaces_around_the_equals_sign_are_allowed() -> None:
    assert parse_challenges('Basic realm = "x" , charset = UTF-8') == (
        Challenge("basic", {"realm": "x", "charset": "UTF-8"}),
    )


def test_a_url_without_quotes_is_read_whole() -> None:
    (challenge,) = parse_challenges("Bearer realm=https://h:8443/service/token,service=harbor")
    assert challenge.parameters == {"realm": "https://h:8443/service/token", "service": "harbor"}


@given(st.text(alphabet=_ALPHABET, max_size=200) | st.text(max_size=200))
def test_nothing_makes_it_raise(header: str) -> None:
    for challenge in parse_challenges(header):
        assert challenge.scheme == challenge.scheme.lower() != ""


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Basic", "Bearer", "Negotiate"]),
            st.dictionaries(
                st.sampled_from(["realm", "service", "scope", "error"]),
                st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=255), max_size=40),
                min_size=1,
            ),
        ),
        max_size=5,
    )
)
def test_what_is_written_by_the_rules_is_read_back(
    written: list[tuple[str, dict[str, str]]],
) -> None:
    header = ", ".join(
        scheme + " " + ", ".join(f'{name}="{_escaped(value)}"' for name, value in values.items())
        for scheme, values in written
    )
    expected = tuple(Challenge(scheme.lower(), values) for scheme, values in written)
    if len(header) <= 8192:
        assert parse_challenges(header) == expected


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


@pytest.mark.parametrize(
    "hostile",
    [
        " " * 60_000 + "=",
        "a" * 60_000 + "=",
        (" " * 4000 + "a" * 4000 + "=") * 10,
        'Basic realm="' + "\\" * 60_000,
        'Basic realm="' + 'x\\"' * 20_000,
        "a " * 30_000,
        "a=" * 30_000,
        "," * 60_000,
        'a b="" ' * 10_000,
        "Basic " + "a" * 4000 + "=" * 4000 + "x",
    ],
    ids=range(10),
)
def test_hostile_headers_take_no_time(hostile: str) -> None:
    started = time.thread_time()
    parse_challenges(hostile)
    assert time.thread_time() - started < 0.25
