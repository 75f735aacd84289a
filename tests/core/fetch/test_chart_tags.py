"""Tags of images, out of the values of a chart."""

import gzip

import pytest

from core.errors import ArchiveError, EksaMirrorError
from core.fetch.packages import tags_in_chart
from tests.core.archive.making import Entries, tar_bytes

A, B = (f"sha256:{letter * 64}" for letter in "ab")


def chart(values: str, name: str = "x/values.yaml") -> bytes:
    entries: Entries = {"x/Chart.yaml": b"name: x\n", name: values.encode()}
    return gzip.compress(tar_bytes(entries), mtime=0)


@pytest.mark.parametrize(
    ("values", "tags"),
    [
        (f"image: {{tag: v1, digest: '{A}'}}", {A: "v1"}),
        (f"image: {{tag: 1.10, digest: '{A}'}}", {A: "1.10"}),  # no number: upstream fails here
        (
            f"a: {{b: {{tag: v1, digest: '{A}', c: {{tag: v2, digest: '{B}'}}}}}}",
            {A: "v1", B: "v2"},
        ),
        (f"a: {{tag: 'sha256:x', digest: '{A}', b: {{tag: v2, digest: '{B}'}}}}", {B: "v2"}),
        (f"tag: v1\ndigest: '{A}'", {}),
        (f"list: [{{tag: v1, digest: '{A}'}}]", {}),
        (f"a: {{tag: '', digest: '{A}'}}\nb: {{tag: v1, digest: ''}}\nc: {{tag: v1}}", {}),
        ("", {}),
    ],
)
def test_tags_are_found_where_upstream_looks(values: str, tags: dict[str, str]) -> None:
    assert tags_in_chart(chart(values), "chart") == tags


def test_a_chart_without_values_tells_none() -> None:
    assert tags_in_chart(chart("a: 1", "x/other.yaml"), "chart") == {}


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"no tar"), chart("")[:-20]],
    ids=["no-gzip", "no-tar", "cut-off"],
)
def test_what_is_no_chart(content: bytes) -> None:
    with pytest.raises(EksaMirrorError):
        tags_in_chart(content, "chart")


def test_values_that_are_no_yaml() -> None:
    with pytest.raises(EksaMirrorError) as raised:
        tags_in_chart(chart("a: ["), "chart")

    assert not isinstance(raised.value, ArchiveError)
    assert "values.yaml" in raised.value.where
