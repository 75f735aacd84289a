"""The mirror is put into a cluster file in place; everything else stays byte for byte."""

import json
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import Code, MirrorError
from core.mirror.cluster_file import ClusterFile, difference, write_merged
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.endpoint import NamespaceMapping
from core.mirror.fragment import as_mapping, block_lines

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----\n"
WANTED = RegistryMirrorConfiguration(
    endpoint="harbor.local",
    port="8443",
    oci_namespaces=(NamespaceMapping("public.ecr.aws", "eks-a"), NamespaceMapping("docker.io", "")),
    ca_cert_content=PEM,
    authenticate=True,
)
BLOCK = "\n".join(block_lines(WANTED, 2)) + "\n"

HEAD = """\
# Cluster of site A
apiVersion: anywhere.eks.amazonaws.com/v1alpha1
kind: Cluster   # the one
metadata:
  name: mgmt
"""
SPEC = """\
spec:
  kubernetesVersion: "1.33"   # keep
  datacenterRef:
      kind: VSphereDatacenterConfig
      name: 'dc'
"""
OTHER = """\
---
apiVersion: anywhere.eks.amazonaws.com/v1alpha1
kind: VSphereMachineConfig
metadata: {name: m1}
spec:
  osFamily: ubuntu
"""


def merge(text: str, wanted: RegistryMirrorConfiguration = WANTED, *names: str) -> str:
    """Merge, and see that doing it again changes nothing."""
    once = ClusterFile.load(text.encode(), "c.yaml").merged(wanted, names)
    again = ClusterFile.load(once, "c.yaml")
    assert again.merged(wanted, names) == once
    return once.decode()


def data(text: str) -> list[object]:
    return [one for one in yaml.safe_load_all(text) if one is not None]


def refused(text: str, wanted: RegistryMirrorConfiguration = WANTED) -> MirrorError:
    with pytest.raises(MirrorError) as caught:
        ClusterFile.load(text.encode(), "c.yaml").merged(wanted)
    return caught.value


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


def test_the_difference_shows_only_the_lines_that_change() -> None:
    before = (HEAD + SPEC + BLOCK).encode()
    after = (HEAD + SPEC + BLOCK.replace("8443", "5000")).encode()
    changed = [
        line for line in difference(before, after, "c.yaml").splitlines() if line[:1] in "+-"
    ]
    assert changed == ["--- c.yaml", "+++ c.yaml", '-    port: "8443"', '+    port: "5000"']
    assert difference(before, before, "c.yaml") == ""


def test_writing_keeps_the_old_file_and_its_rights(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_bytes(b"old")
    path.chmod(0o640)
    backup = write_merged(path, b"old", b"new")
    assert backup == tmp_path / "cluster.yaml.bak"
    assert (backup.read_bytes(), path.read_bytes()) == (b"old", b"new")
    assert {one.stat().st_mode & 0o777 for one in (backup, path)} == {0o640}
    assert write_merged(path, b"new", b"newer") == tmp_path / "cluster.yaml.bak2"
    assert backup.read_bytes() == b"old"
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "cluster.yaml",
        "cluster.yaml.bak",
        "cluster.yaml.bak2",
    ]


def test_nothing_is_written_where_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_bytes(b"same")
    stamp = path.stat().st_mtime_ns
    assert write_merged(path, b"same", b"same") is None
    assert path.stat().st_mtime_ns == stamp
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_changed_in_the_meantime_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_bytes(b"edited")
    with pytest.raises(MirrorError) as caught:
        write_merged(path, b"old", b"new")
    assert caught.value.code is Code.FILE_CHANGED
    assert path.read_bytes() == b"edited"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_and_its_target_is_written(tmp_path: Path) -> None:
    target = tmp_path / "real" / "cluster.yaml"
    target.parent.mkdir()
    target.write_bytes(b"old")
    link = tmp_path / "link.yaml"
    link.symlink_to(target)
    assert write_merged(link, b"old", b"new") == target.with_name("cluster.yaml.bak")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(MirrorError) as caught:
        write_merged(tmp_path / "missing.yaml", b"old", b"new")
    assert caught.value.code is Code.FILE_NOT_WRITTEN
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    with pytest.raises(MirrorError) as caught:
        write_merged(loop, b"old", b"new")
    assert caught.value.code is Code.FILE_NOT_WRITTEN


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_stays_theirs(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_bytes(b"old")
    os.chown(path, 12345, 12345)
    backup = write_merged(path, b"old", b"new")
    assert backup is not None
    assert {one.stat().st_uid for one in (path, backup)} == {12345}
