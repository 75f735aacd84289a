"""The mirror is put into a cluster file in place; everything else stays byte for byte."""

import json

import pytest

from core.errors import MirrorError
from core.mirror.cluster_file import ClusterFile
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.fragment import as_mapping, block_lines
from tests.core.mirror.cluster_cases import (
    BLOCK,
    HEAD,
    OTHER,
    SPEC,
    WANTED,
    data,
    merge,
)


def test_a_cluster_without_a_mirror_gets_it_at_the_end_of_its_spec() -> None:
    assert merge(HEAD + SPEC + OTHER) == HEAD + SPEC + BLOCK + OTHER


@pytest.mark.parametrize(
    "after",
    ["", "\n", "\n\n# about the next document\n", "status: {}\n", "# at the margin\nstatus: {}\n"],
)
def test_what_follows_the_spec_stays_below_it(after: str) -> None:
    assert merge(HEAD + SPEC + after + OTHER) == HEAD + SPEC + BLOCK + after + OTHER


def test_a_comment_inside_the_spec_stays_above_what_is_added() -> None:
    comment = "  # the end of the spec\n"
    assert merge(HEAD + SPEC + comment + OTHER) == HEAD + SPEC + comment + BLOCK + OTHER


def test_a_file_without_a_newline_at_its_end_gets_one() -> None:
    assert merge((HEAD + SPEC).rstrip("\n")) == HEAD + SPEC + BLOCK


def test_the_indent_of_the_spec_is_kept() -> None:
    deep = SPEC.replace("  ", "      ")
    expected = "\n".join(block_lines(WANTED, 6)) + "\n"
    assert merge(HEAD + deep) == HEAD + deep + expected


@pytest.mark.parametrize("empty", ["spec:\n", "spec: null\n", "spec: ~  # nothing yet\n"])
def test_an_empty_spec_is_filled(empty: str) -> None:
    text = merge(HEAD + empty + "status: {}\n")
    (document,) = data(text)
    assert isinstance(document, dict)
    assert document["spec"] == {"registryMirrorConfiguration": as_mapping(WANTED)}
    assert text.endswith("status: {}\n")


def test_only_the_key_that_differs_is_touched() -> None:
    old = BLOCK.replace('port: "8443"', "port: '5000'   # behind nginx").replace(
        'endpoint: "harbor.local"', "endpoint: harbor.local"
    )
    new = old.replace("'5000'", '"8443"')
    assert merge(HEAD + SPEC + old + OTHER) == HEAD + SPEC + new + OTHER


def test_comments_around_and_inside_of_the_mirror_stay() -> None:
    old = """\
  # above
  registryMirrorConfiguration:   # here
    # the endpoint
    endpoint: old.local   # host
    # the end of the block
  # below
  workerNodeGroupConfigurations: []
"""
    text = merge(HEAD + SPEC + old)
    for comment in ("  # above\n", ":   # here\n", "    # the endpoint\n", "# host\n"):
        assert comment in text
    assert text.endswith("  # below\n  workerNodeGroupConfigurations: []\n")
    assert '    endpoint: "harbor.local"   # host\n' in text


def test_missing_keys_go_to_their_place_in_the_usual_order() -> None:
    old = "  registryMirrorConfiguration:\n    authenticate: true\n    port: '8443'\n"
    lines = merge(HEAD + SPEC + old).splitlines()
    keys = [line.split(":")[0].strip() for line in lines if line.startswith("    ") and ":" in line]
    order = [key for key in keys if key in as_mapping(WANTED)]
    assert order == ["endpoint", "authenticate", "port", "ociNamespaces", "caCertContent"]


def test_a_certificate_is_replaced_whole_and_its_neighbours_stay() -> None:
    old = BLOCK.replace("MIIB\n      AAAA", "OLD1\n\n      OLD2")
    assert "OLD1" in old
    assert merge(HEAD + SPEC + old + OTHER) == HEAD + SPEC + BLOCK + OTHER


def test_what_is_not_wanted_any_more_is_removed() -> None:
    bare = RegistryMirrorConfiguration(endpoint="harbor.local", port="8443", authenticate=True)
    text = merge(HEAD + SPEC + BLOCK + OTHER, bare)
    assert "caCertContent" not in text
    assert "ociNamespaces" not in text
    assert text.startswith(HEAD + SPEC)
    assert text.endswith(OTHER)


def test_list_items_at_the_depth_of_their_key_belong_to_it() -> None:
    old = """\
  registryMirrorConfiguration:
    endpoint: harbor.local
    port: "8443"
    ociNamespaces:
    - registry: public.ecr.aws
      namespace: old
    - registry: docker.io
      namespace: ""
    authenticate: true
"""
    text = merge(HEAD + SPEC + old)
    assert "namespace: old" not in text
    assert text.count("registry:") == 2
    assert "    authenticate: true\n" in text


@pytest.mark.parametrize(
    "old",
    [
        "  registryMirrorConfiguration: {endpoint: x, port: '1'}  # one line\n",
        "  registryMirrorConfiguration: {\n    endpoint: x\n  }\n",
        "  registryMirrorConfiguration:\n",
        "  registryMirrorConfiguration: null\n",
        "  registryMirrorConfiguration: text\n",
        "  registryMirrorConfiguration: |\n    text\n\n    more\n",
        "  registryMirrorConfiguration:\n    - endpoint: x\n",
        "  registryMirrorConfiguration:\n  - endpoint: x\n",
        "  registryMirrorConfiguration:\n    unknown: 1\n    endpoint: x\n",
        "  registryMirrorConfiguration:\n    endpoint: x\n    endpoint: y\n",
        "  registryMirrorConfiguration:\n    ? endpoint\n    : x\n",
        '  "registryMirrorConfiguration": "text\n    more"\n',
    ],
)
def test_a_mirror_in_any_other_form_is_replaced_whole(old: str) -> None:
    following = "  workerNodeGroupConfigurations: []\n"
    assert merge(HEAD + SPEC + old + following) == HEAD + SPEC + BLOCK + following


def test_keys_in_the_wrong_case_are_put_right_in_place() -> None:
    old = BLOCK.replace("registryMirror", "RegistryMirror").replace("endpoint:", "endPoint:")
    old = old.replace("caCertContent", "CACertContent").replace(
        "authenticate: true", "Authenticate: true  # x"
    )
    text = merge(HEAD + SPEC + old + OTHER)
    assert text == HEAD + SPEC + BLOCK.replace(" true\n", " true  # x\n") + OTHER


def test_the_block_is_left_alone_where_it_is_there_twice_but_once() -> None:
    twice = "  registryMirrorConfiguration:\n    endpoint: a\n"
    text = merge(HEAD + SPEC + twice + "  proxyConfiguration: {}\n" + twice)
    assert text.count("registryMirrorConfiguration") == 1
    assert "  proxyConfiguration: {}\n" in text


def test_a_file_that_says_it_already_is_not_touched_whatever_its_style() -> None:
    mapping = as_mapping(WANTED)
    for block in (
        f"  registryMirrorConfiguration: {json.dumps(mapping)}\n",
        BLOCK.replace('"', "'"),
        BLOCK.replace("caCertContent: |", "caCertContent: |+").replace("    auth", "\n\n    auth"),
    ):
        text = HEAD + SPEC + block + OTHER
        file = ClusterFile.load(text.encode(), "c.yaml")
        assert file.merged(WANTED) is file.content


def test_an_unquoted_port_is_quoted_even_where_it_is_right() -> None:
    old = BLOCK.replace('"8443"', "8443")
    assert merge(HEAD + SPEC + old) == HEAD + SPEC + BLOCK


def test_windows_line_ends_stay() -> None:
    text = (HEAD + SPEC + OTHER).replace("\n", "\r\n")
    assert merge(text) == (HEAD + SPEC + BLOCK + OTHER).replace("\n", "\r\n")
    old = BLOCK.replace("8443", "5000").replace("MIIB", "OLD1")
    text = (HEAD + SPEC + old + OTHER).replace("\n", "\r\n")
    assert merge(text) == (HEAD + SPEC + BLOCK + OTHER).replace("\n", "\r\n")


def test_a_byte_order_mark_and_letters_of_all_kinds_stay() -> None:
    text = "\ufeff# Zürich 🏔\n" + HEAD.replace("mgmt", "zürich-🏔") + SPEC
    old = text + BLOCK.replace("8443", "5000") + OTHER
    assert merge(old) == text + BLOCK + OTHER


def test_all_clusters_of_a_file_get_the_mirror_or_only_the_named_ones() -> None:
    workload = (HEAD + SPEC).replace("mgmt", "work")
    text = HEAD + SPEC + "---\n" + workload + OTHER
    assert merge(text) == HEAD + SPEC + BLOCK + "---\n" + workload + BLOCK + OTHER
    assert merge(text, WANTED, "work") == HEAD + SPEC + "---\n" + workload + BLOCK + OTHER
    file = ClusterFile.load(text.encode(), "c.yaml")
    with pytest.raises(MirrorError, match="no cluster “other”, only mgmt, work"):
        file.merged(WANTED, ["other"])


@pytest.mark.parametrize("marker", ["...\n", "---\n", "--- # next\n", "...\n---\n"])
def test_the_end_of_a_document_is_respected(marker: str) -> None:
    rest = marker + ("kind: Other\n" if "-" in marker else "")
    assert merge(HEAD + SPEC + rest) == HEAD + SPEC + BLOCK + rest
