"""The address of the mirror as people type it, and the namespaces in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Code, MirrorError
from core.mirror.endpoint import Mirror, NamespaceMapping, clean_namespace, default_mappings


def refused(text: str) -> MirrorError:
    with pytest.raises(MirrorError) as caught:
        Mirror.parse(text)
    assert caught.value.code is Code.ENDPOINT_INVALID
    return caught.value


@pytest.mark.parametrize(
    ("text", "address", "with_port", "namespace"),
    [
        ("harbor.local", "harbor.local", "harbor.local:443", ""),
        ("harbor.local:8443", "harbor.local:8443", "harbor.local:8443", ""),
        ("harbor.local:443/eks-a", "harbor.local:443", "harbor.local:443", "eks-a"),
        ("10.0.0.5/a/b", "10.0.0.5", "10.0.0.5:443", "a/b"),
        ("harbor/eks-a", "harbor", "harbor:443", "eks-a"),
        ("harbor.local/", "harbor.local", "harbor.local:443", ""),
        ("harbor.local/eks-a/", "harbor.local", "harbor.local:443", "eks-a"),
        ("harbor.local//a//b/.//", "harbor.local", "harbor.local:443", "a/b"),
        ("[fd00::1]:5000/team", "[fd00::1]:5000", "[fd00::1]:5000", "team"),
        ("[fd00::1]", "[fd00::1]", "[fd00::1]:443", ""),
        ("fd00::1", "[fd00::1]", "[fd00::1]:443", ""),
        ("fd00::1/team", "[fd00::1]", "[fd00::1]:443", "team"),
        ("Harbor.Local/x", "Harbor.Local", "Harbor.Local:443", "x"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", "xn--bcher-kva.example:443", ""),
    ],
)
def test_an_address_is_read(text: str, address: str, with_port: str, namespace: str) -> None:
    mirror = Mirror.parse(text)
    assert mirror.address == address
    assert mirror.address_with_port == with_port
    assert mirror.namespace == namespace
    assert mirror.mappings == default_mappings(namespace)
    assert str(mirror) == (f"{address}/{namespace}" if namespace else address)


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("https://harbor.local:8443/eks-a/", "harbor.local:8443/eks-a"),
        ("HTTP://harbor.local", "harbor.local"),
        ("oci://harbor.local/x", "harbor.local/x"),
        ("http:/harbor.local", "harbor.local"),
        (" harbor.local ", "harbor.local"),
        ("harbor.local\n", "harbor.local"),
        ("harbor.local/EKS-A", "harbor.local/eks-a"),
        ("HARBOR.local/a/B", "HARBOR.local/a/b"),
    ],
)
def test_what_can_be_corrected_shows_the_corrected_value(text: str, corrected: str) -> None:
    error = refused(text)
    assert error.mend == f"Write {corrected}"
    assert Mirror.parse(corrected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "host is missing"),
        ("/eks-a", "host is missing"),
        (":443", "host is missing"),
        ("har bor.local", "space"),
        ("harbor.local/a b", "space"),
        ("harbor\x00.local", "control character"),
        ("harbor_1.local", "not the name or address"),
        ("-harbor.local", "not the name or address"),
        ("harbor..local", "not the name or address"),
        ("härbor.local", "not the name or address"),
        ("a" * 64 + ".local", "not the name or address"),
        (".".join(["abc"] * 80), "not the name or address"),
        ("5000", "neither a name nor four numbers"),
        ("10.0.5", "neither a name nor four numbers"),
        ("10.0.0.256/x", "neither a name nor four numbers"),
        ("harbor.1:5000", "neither a name nor four numbers"),
        ("harbor.local:", "not a port"),
        ("harbor.local:0", "not a port"),
        ("harbor.local:65536", "not a port"),
        ("harbor.local:443a", "not a port"),
        ("harbor.local:٤٤٣", "not a port"),
        ("harbor.local:-1", "not a port"),
        ("[fd00::1]:", "not a port"),
        ("[fd00::1", "must enclose"),
        ("[fd00::1]5000", "must enclose"),
        ("[harbor.local]:443", "must enclose"),
        ("[fe80::1%eth0]:443", "must enclose"),
        ("::ffff:10.0.0.1", "needs brackets"),
        ("harbor.local:443:5", "needs brackets"),
        ("harbor.local/a/../b", "go up"),
        ("harbor.local/..", "go up"),
        ("harbor.local/eks-a:v1", "no part of a namespace"),
        ("harbor.local/-a", "no part of a namespace"),
        ("harbor.local/a?b=c", "no part of a namespace"),
    ],
)
def test_what_is_wrong_is_said(text: str, words: str) -> None:
    assert words in refused(text).message


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    for text in ("https://bob:hunter2@harbor.local", "bob:hunter2@harbor.local/x", "x@"):
        error = refused(text)
        assert "hunter2" not in f"{error.message}{error.where}{error.cause}{error.mend}"
        assert "REGISTRY_PASSWORD" in error.mend


def test_a_very_long_value_is_shortened_in_the_message() -> None:
    assert len(refused("x" * 100_000).message) < 600


def test_host_and_host_443_are_one_registry() -> None:
    assert Mirror.parse("harbor.local").same_registry(Mirror.parse("HARBOR.local:443/x"))
    assert Mirror.parse("fd00::1").same_registry(Mirror.parse("[fd00::1]:443"))
    assert not Mirror.parse("harbor.local").same_registry(Mirror.parse("harbor.local:8443"))
    assert not Mirror.parse("harbor.local").same_registry(Mirror.parse("harbor.lan"))


def test_default_mappings_are_those_of_import_images() -> None:
    assert default_mappings("eks-a") == (
        NamespaceMapping("public.ecr.aws", "eks-a"),
        NamespaceMapping("783794618700.dkr.ecr.us-west-2.amazonaws.com", "eks-a/eks-anywhere"),
        NamespaceMapping("067575901363.dkr.ecr.us-west-2.amazonaws.com", "eks-a/x3k6m8v0"),
    )
    assert [one.namespace for one in default_mappings("")] == ["", "eks-anywhere", "x3k6m8v0"]


def test_own_mappings_are_added_and_win_over_the_defaults() -> None:
    extra = [NamespaceMapping.parse("ghcr.io=/ghcr/"), NamespaceMapping("public.ecr.aws", "else")]
    mirror = Mirror.parse("harbor.local/eks-a", extra)
    assert mirror.namespace_for("ghcr.io") == "ghcr"
    assert mirror.namespace_for("public.ecr.aws") == "else"
    assert mirror.namespace_for("quay.io") is None
    assert Mirror.parse("harbor.local").namespace_for("public.ecr.aws") == ""


@pytest.mark.parametrize(
    "text",
    [
        "ghcr.io",
        "=ns",
        "ghcr.io/x=ns",
        "https://ghcr.io=ns",
        "ghcr.io=NS",
        "ghcr.io=a/../b",
        "g h=x",
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(MirrorError) as caught:
        NamespaceMapping.parse(text)
    assert caught.value.code is Code.ENDPOINT_INVALID


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_the_one_code(text: str) -> None:
    try:
        mirror = Mirror.parse(text)
    except MirrorError as error:
        assert error.code is Code.ENDPOINT_INVALID  # noqa: PT017 - either outcome is right
        return
    assert Mirror.parse(str(mirror)) == mirror
    assert Mirror.parse(mirror.address_with_port).same_registry(mirror)


_part = st.from_regex(r"[a-z0-9]+([._-][a-z0-9]+){0,2}", fullmatch=True)


@given(st.lists(_part, max_size=4), st.lists(st.sampled_from(["", ".", "/"]), max_size=4))
def test_cleaning_a_namespace_drops_empty_parts_only(parts: list[str], noise: list[str]) -> None:
    mixed = "/".join(noise) + "/" + "//./".join(parts) + "/" + "/".join(noise)
    assert clean_namespace(mixed) == "/".join(parts)
    assert clean_namespace(clean_namespace(mixed)) == clean_namespace(mixed)
