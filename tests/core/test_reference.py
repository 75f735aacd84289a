"""The names of artifacts follow the grammar of docker and containerd."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Code, MirrorError
from core.reference import MAX_REPOSITORY_LENGTH, Artifact, Kind, Reference

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("public.ecr.aws/eks/x:v1", Reference("public.ecr.aws", "eks/x", "v1")),
        ("oci://public.ecr.aws/eks/x:v1", Reference("public.ecr.aws", "eks/x", "v1")),
        ("h:5000/x", Reference("h:5000", "x")),
        (f"h/x@{DIGEST}", Reference("h", "x", "", DIGEST)),
        (f"h/x:v1@{DIGEST}", Reference("h", "x", "v1", DIGEST)),
        ("[fd00::1]:5000/a/b:v1", Reference("[fd00::1]:5000", "a/b", "v1")),
        ("h/a__b/c--d/e.f:V_1.2-3", Reference("h", "a__b/c--d/e.f", "V_1.2-3")),
        ("h/x@sha512:" + "a" * 128, Reference("h", "x", "", "sha512:" + "a" * 128)),
    ],
)
def test_a_reference_is_taken_apart(text: str, expected: Reference) -> None:
    assert Reference.parse(text) == expected
    assert str(expected) == text.removeprefix("oci://")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no registry in front"),
        ("x:v1", "no registry in front"),
        ("/x:v1", "not the address of a registry"),
        ("https://h/x:v1", "not the address of a registry"),
        ("h:port/x", "not the address of a registry"),
        ("h:123456/x", "not the address of a registry"),
        ("-h/x", "not the address of a registry"),
        ("h/", "not a repository"),
        ("h/X", "lower case only"),
        ("h/a//b", "not a repository"),
        ("h/../x", "not a repository"),
        ("h/a___b", "not a repository"),
        ("h/a.-b", "not a repository"),
        ("h/x\n", "not a repository"),
        ("h/x:", "nothing follows the :"),
        ("h/x:-v1", "not a tag"),
        ("h/x:" + "a" * 129, "not a tag"),
        ("h/x:a b", "not a tag"),
        ("h/x:v1\n", "not a tag"),
        ("h/x@", "nothing follows the @"),
        ("h/x@sha256:abc", "not a digest"),
        (f"h/x@{DIGEST.upper()}", "not a digest"),
        (f"h/x@{DIGEST}@{DIGEST}", "not a digest"),
        ("h/" + "a" * (MAX_REPOSITORY_LENGTH + 1), "longer than 255"),
    ],
)
def test_what_is_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(MirrorError) as caught:
        Reference.parse(text)
    assert caught.value.code is Code.REFERENCE_INVALID
    assert words in caught.value.message


def test_the_longest_names_are_allowed() -> None:
    assert Reference.parse("h/" + "a" * MAX_REPOSITORY_LENGTH + ":" + "t" * 128)


def test_a_registry_is_asked_for_the_digest_before_the_tag() -> None:
    assert Reference("h", "x", "v1", DIGEST).target == DIGEST
    assert Reference("h", "x", "v1").target == "v1"
    assert Reference("h", "x").target == "latest"


def test_another_tag_drops_the_digest() -> None:
    assert Reference("h", "x", "v1", DIGEST).tagged("v2") == Reference("h", "x", "v2")


def test_an_artifact_reads_as_its_reference() -> None:
    assert str(Artifact(Kind.CHART, Reference("h", "x", "1"))) == "h/x:1"


_part = st.from_regex(r"[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}", fullmatch=True)
_host = st.from_regex(r"[a-zA-Z0-9]{1,5}(\.[a-zA-Z0-9]{1,5}){0,2}(:[0-9]{1,5})?", fullmatch=True)
_tag = st.just("") | st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}", fullmatch=True)
_digest = st.just("") | st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)


@given(_host, st.lists(_part, min_size=1, max_size=4), _tag, _digest)
def test_writing_and_reading_a_reference_gives_it_back(
    host: str, parts: list[str], tag: str, digest: str
) -> None:
    reference = Reference(host, "/".join(parts), tag, digest)
    assert Reference.parse(str(reference)) == reference


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_the_one_code(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except MirrorError as error:
        assert error.code is Code.REFERENCE_INVALID  # noqa: PT017 - either outcome is right
        return
    assert str(reference) == text.removeprefix("oci://")
