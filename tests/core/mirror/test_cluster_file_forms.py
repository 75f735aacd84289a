"""Whatever YAML a cluster file is written in: it is merged rightly, or refused in words."""

import json

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import Code, MirrorError
from core.mirror.cluster_file import ClusterFile
from core.mirror.fragment import as_mapping
from tests.core.mirror.cluster_cases import (
    BLOCK,
    HEAD,
    OTHER,
    SPEC,
    WANTED,
    data,
    merge,
    refused,
)


def test_anchors_and_aliases_elsewhere_stay() -> None:
    spec = """\
spec:
  controlPlaneConfiguration: &group
    count: &three 3
    machineGroupRef: {kind: VSphereMachineConfig, name: m1}
  workerNodeGroupConfigurations:
  - <<: *group
    name: md-0
    count: *three
"""
    assert merge(HEAD + spec + OTHER) == HEAD + spec + BLOCK + OTHER


def test_a_mirror_that_is_an_alias_is_replaced_and_the_anchor_stays() -> None:
    text = "x: &mirror\n  endpoint: old\n" + HEAD + SPEC
    expected = text + BLOCK
    for alias in ("*mirror", "*mirror   # shared", "\n    *mirror"):
        assert merge(f"{text}  registryMirrorConfiguration: {alias}\n") == expected


def test_a_mirror_that_comes_with_a_merge_key_is_overridden() -> None:
    text = (
        "x: &base\n  registryMirrorConfiguration: {endpoint: old}\n" + HEAD + SPEC + "  <<: *base\n"
    )
    assert merge(text) == text + BLOCK
    inner = "x: &base {endpoint: old}\n" + HEAD + SPEC
    old = "  registryMirrorConfiguration:\n    <<: *base\n    port: '1'\n"
    assert merge(inner + old) == inner + BLOCK


def test_an_anchor_in_the_mirror_that_others_use_is_not_torn_out() -> None:
    old = "  registryMirrorConfiguration:\n    endpoint: &host old.local\n  proxy: *host\n"
    error = refused(HEAD + SPEC + old)
    assert error.code is Code.MANIFEST_INVALID
    assert "anchor" in error.cause
    assert "by hand" in error.mend


def test_an_anchor_that_is_there_twice_is_refused() -> None:
    text = "x: &host first\n" + HEAD + SPEC
    old = "  registryMirrorConfiguration:\n    endpoint: &host old.local\n  proxy: *host\n"
    with pytest.raises(MirrorError, match="duplicate anchor"):
        ClusterFile.load((text + old).encode(), "c.yaml")


def test_a_spec_that_is_an_alias_or_missing_cannot_be_edited() -> None:
    assert "no spec of its own" in refused("x: &s {a: b}\n" + HEAD + "spec: *s\n").message
    error = refused(HEAD)
    assert "no spec of its own" in error.message
    assert error.where == "c.yaml:2:1"


@pytest.mark.parametrize("spec", ["spec: text\n", "spec: []\n", "spec:\n- a\n"])
def test_a_spec_that_is_no_mapping_cannot_be_edited(spec: str) -> None:
    assert "no mapping" in refused(HEAD + spec).message


def test_json_is_edited_in_place_too() -> None:
    cluster = {
        "apiVersion": "anywhere.eks.amazonaws.com/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": "mgmt"},
        "spec": {"kubernetesVersion": "1.33"},
    }
    for indent in (None, 2):
        text = json.dumps(cluster, indent=indent)
        merged = json.loads(merge(text))
        assert merged["spec"].pop("registryMirrorConfiguration") == as_mapping(WANTED)
        assert merged == cluster


@pytest.mark.parametrize(
    "spec",
    [
        "{}",
        "{a: b}",
        "{a: b,}",
        "{a: b, registryMirrorConfiguration: {endpoint: x}}",
        "{\n  a: b\n}",
    ],
)
def test_a_spec_in_braces_is_edited_in_place(spec: str) -> None:
    text = merge(HEAD + f"spec: {spec}   # after\nstatus: {{}}\n")
    (document,) = data(text)
    assert isinstance(document, dict)
    assert document["spec"]["registryMirrorConfiguration"] == as_mapping(WANTED)
    assert text.endswith("}   # after\nstatus: {}\n")


def test_a_spec_in_braces_whose_mirror_is_an_alias_is_refused() -> None:
    text = "x: &m {endpoint: a}\n" + HEAD + "spec: {registryMirrorConfiguration: *m}\n"
    assert "cannot be edited" in refused(text).message


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: b\n\tc: d\n", "c.yaml:2:1", "spaces, never with tabs"),
        ("a: [b\nc: d\n", "c.yaml:", ""),
        ("a: b\n c: d\n", "c.yaml:2:", ""),
        ("a: *nothing\n", "c.yaml:1:4", ""),
        ("[" * 100, "c.yaml:1:65", ""),
        ("a: \x00", "c.yaml", ""),
    ],
)
def test_what_is_not_yaml_is_named_with_line_and_column(text: str, place: str, words: str) -> None:
    with pytest.raises(MirrorError) as caught:
        ClusterFile.load(text.encode(), "c.yaml")
    assert caught.value.code is Code.MANIFEST_INVALID
    assert caught.value.where.startswith(place)
    assert words in caught.value.mend


def test_what_is_not_utf_8_is_refused() -> None:
    with pytest.raises(MirrorError, match="UTF-8"):
        ClusterFile.load(b"a: \xff\xfe", "c.yaml")


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", OTHER, "kind: Cluster\n", "- a\n", "kind: [Cluster]\n"]
)
def test_a_file_without_a_cluster_is_named(text: str) -> None:
    with pytest.raises(MirrorError) as caught:
        ClusterFile.load(text.encode(), "c.yaml")
    assert caught.value.code is Code.MANIFEST_WRONG_KIND


def test_an_alias_bomb_does_no_harm() -> None:
    lines = ["a0: &a0 [x, x]", *[f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]]
    text = "\n".join(lines) + "\n" + HEAD + SPEC
    assert merge(text) == text + BLOCK
    bomb = "\n".join(lines) + "\n" + HEAD + "spec:\n  registryMirrorConfiguration: *a59\n"
    assert merge(bomb).endswith("spec:\n" + BLOCK)


_style = st.sampled_from(["{}", '"{}"', "'{}'", "{}   # why", '"{}" # "x"'])
_comment = st.sampled_from(["", "# note\n", "  # note\n", "    # note\n", "\n"])


@given(_style, st.lists(_comment, min_size=3, max_size=3), st.permutations(range(4)), st.booleans())
def test_however_it_is_written_only_the_mirror_changes(
    style: str, comments: list[str], order: list[int], windows: bool
) -> None:
    above, between, below = comments
    keys = [
        f"    endpoint: {style.format('old.local')}\n",
        "    insecureSkipVerify: true # x\n",
        "    ociNamespaces:\n    - {registry: public.ecr.aws, namespace: old}\n",
        "    caCertContent: |\n      -----BEGIN\n\n      # not a comment\n      -----END\n",
    ]
    block = "  registryMirrorConfiguration:\n" + between.join(keys[index] for index in order)
    before = HEAD + SPEC + above
    after = below + "  workerNodeGroupConfigurations: []\n" + OTHER
    text = before + block + after
    if windows:
        text, before, after = (part.replace("\n", "\r\n") for part in (text, before, after))
    merged = merge(text)
    assert merged.startswith(before)
    assert merged.endswith(after)
    old, new = data(text), data(merged)
    assert isinstance(old[0], dict)
    assert isinstance(new[0], dict)
    assert new[0]["spec"].pop("registryMirrorConfiguration") == as_mapping(WANTED)
    old[0]["spec"].pop("registryMirrorConfiguration")
    assert new == old


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_give_another_exception(content: bytes) -> None:
    with pytest.raises(MirrorError):
        ClusterFile.load(content, "c.yaml").merged(WANTED)


_lines = st.sampled_from(
    [
        *["endpoint: a", "port: 1", "authenticate: yes", "caCertContent: |", "ociNamespaces:"],
        *["endPoint: b", "<<: {port: 2}", "- a: b", "# c", "&x endpoint: c", '"port": "8443"'],
        *["? port", ": 3", "  x", "  - registry: d", "{endpoint: e}", "- {registry: r}", "[]", "'"],
    ]
)
_indented = st.builds("{}{}\n".format, st.sampled_from(["", "  ", "    ", "    ", "    "]), _lines)


@given(st.lists(_indented, max_size=8).map("".join))
@example("    port: 1\n    caCertContent: |\n    ociNamespaces:\n    endpoint: a\n")
def test_odd_yaml_is_merged_rightly_or_refused(inside: str) -> None:
    text = HEAD + SPEC + "  registryMirrorConfiguration:\n" + inside + OTHER
    try:
        old = data(text)
        merged = ClusterFile.load(text.encode(), "c.yaml").merged(WANTED).decode()
    except (MirrorError, yaml.YAMLError):
        return
    new = data(merged)
    assert isinstance(old[0], dict)
    assert isinstance(new[0], dict)
    found = new[0]["spec"].pop("registryMirrorConfiguration")
    assert found | {"insecureSkipVerify": False} == as_mapping(WANTED)
    old[0]["spec"].pop("registryMirrorConfiguration", None)
    assert new == old
