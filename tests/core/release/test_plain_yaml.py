"""YAML from outside is read as text, and its traps are refused."""

import pytest
import yaml

from core.errors import Code, ReleaseError
from core.release import plain_yaml
from core.release.plain_yaml import MAX_BYTES, read_documents


def refused(content: bytes) -> ReleaseError:
    with pytest.raises(ReleaseError) as caught:
        read_documents(content, "m.yaml")
    assert caught.value.code is Code.MANIFEST_INVALID
    return caught.value


def test_scalars_stay_the_text_that_they_are() -> None:
    content = b"a: 1.30\nb: 2024-01-01\nc: yes\nd: 0x10\ne: 'null'\nf: null\ng:\nh: ~\n"
    (document,) = read_documents(content, "m.yaml")
    assert document == {
        "a": "1.30",
        "b": "2024-01-01",
        "c": "yes",
        "d": "0x10",
        "e": "null",
        "f": None,
        "g": None,
        "h": None,
    }


def test_nested_lists_and_mappings_keep_their_shape() -> None:
    content = b"a:\n- b: [1, {c: 2}]\n- []\n- {}\nd: e\n"
    assert read_documents(content, "m.yaml") == [
        {"a": [{"b": ["1", {"c": "2"}]}, [], {}], "d": "e"}
    ]


def test_of_a_key_that_is_there_twice_the_last_one_counts() -> None:
    assert read_documents(b"a: 1\nb: 2\na: 3\n", "m.yaml") == [{"a": "3", "b": "2"}]


def test_an_alias_bomb_is_refused_with_its_line() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    error = refused("\n".join(lines).encode())
    assert "more entries" in error.message
    assert error.where.startswith("m.yaml:7:")


def test_aliases_that_build_a_tower_are_refused() -> None:
    lines = ["a0: &a0 [x]", *[f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 100)]]
    assert "nested deeper than 64" in refused("\n".join(lines).encode()).message


def test_honest_aliases_are_resolved_within_their_document() -> None:
    content = b"a: &a {b: [1]}\nc: *a\nd: [*a, &e text, *e]\n---\n- &a 2\n- *a\n"
    value = {"b": ["1"]}
    assert read_documents(content, "m.yaml") == [
        {"a": value, "c": value, "d": [value, "text", "text"]},
        ["2", "2"],
    ]


@pytest.mark.parametrize("content", [b"a: *b", b"a: &a [*a]", b"- &a 1\n---\n- *a\n"])
def test_an_alias_of_nothing_or_of_itself_is_refused(content: bytes) -> None:
    assert "nothing before it is called" in refused(content).message


@pytest.mark.parametrize("depth", [65, 5_000, 200_000])
def test_nesting_without_end_is_refused(depth: int) -> None:
    assert "nested deeper than 64" in refused(b"[" * depth).message
    assert "nested deeper than 64" in refused(b"- " * depth + b"x").message


def test_nesting_up_to_the_limit_is_read() -> None:
    assert read_documents(b"[" * 64 + b"]" * 64, "m.yaml")


@pytest.mark.parametrize(
    "content",
    [
        b"a: !!python/object/apply:os.system ['true']",
        b"a: !!int x",
        b"a: !!timestamp x",
        b"a: !!set {x}",
        b"a: !mine {x: 1}",
        b"a: !!binary [1]",
    ],
)
def test_tags_that_ask_for_objects_are_refused(content: bytes) -> None:
    assert "tag" in refused(content).message


def test_tags_of_plain_data_are_allowed() -> None:
    assert read_documents(b"a: !!str 1\nb: !!map {c: !!seq [d]}\n", "m.yaml") == [
        {"a": "1", "b": {"c": ["d"]}}
    ]


def test_an_error_names_line_and_column() -> None:
    error = refused(b"a: 1\nb:\n\t- c\n")
    assert error.where == "m.yaml:3:1"
    assert "cannot start any token" in error.message


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a: \x00", b"a: \x07", b"\x80abc"])
def test_what_is_no_text_is_refused(content: bytes) -> None:
    assert refused(content).where.startswith("m.yaml")


def test_a_list_as_a_key_is_refused() -> None:
    assert "where a key belongs" in refused(b"? [a]\n: b\n").message


def test_a_file_beyond_the_limit_is_not_parsed() -> None:
    assert "32 MiB" in refused(b" " * (MAX_BYTES + 1)).message


def test_a_file_with_absurdly_many_entries_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_yaml, "_MAX_NODES", 1000)
    assert "more entries" in refused(b"[" + b"a," * 2000 + b"]").message


def test_it_reads_the_same_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"a: {b: [1, 'x', null]}\n---\nc: |\n  text\n"
    expected = read_documents(content, "m.yaml")
    monkeypatch.setattr(plain_yaml, "LOADER", yaml.SafeLoader)
    assert read_documents(content, "m.yaml") == expected
    assert refused(b"a: 1\nb:\n\t- c\n").where == "m.yaml:3:1"
    assert "nested" in refused(b"[" * 5000).message
