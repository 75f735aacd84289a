"""What of an import is in the mirror, counted by kind and said in a sentence."""

import pytest

from core.errors import Code, RegistryError
from core.reference import Kind
from core.transfer.records import ArtifactRow
from core.transfer.states import ArtifactState
from core.transfer.verified import Verdict, counted, verdict, verdict_words

BUNDLES = "public.ecr.aws/eks-anywhere/eks-anywhere-packages-bundles"


def row(
    number: int,
    kind: Kind = Kind.IMAGE,
    state: ArtifactState = ArtifactState.DONE,
    code: str = "",
    source: str = "",
) -> ArtifactRow:
    name = source or f"public.ecr.aws/image-{number}:1"
    return ArtifactRow(
        number, kind, name, f"h/{number}", True, 10, "", state, "sha256:1", True, "", 0, None,
        None, code, "It failed.",
    )  # fmt: skip


def test_a_complete_mirror() -> None:
    counts = counted([row(1), row(2, state=ArtifactState.PRESENT), row(3, Kind.CHART)])
    assert [one.words for one in counts] == [
        "2 of 2, manifest and every layer",
        "1 of 1",
        "0 of 0",
    ]
    assert verdict(counts) is Verdict.COMPLETE


def test_what_was_left_out_on_purpose_does_not_count() -> None:
    images, *_ = counted([row(1), row(2, state=ArtifactState.SKIPPED)])
    assert (images.whole, images.wanted) == (1, 1)


def test_a_package_bundle_that_was_not_in_the_tarball_leaves_a_mirror_that_works() -> None:
    missing = row(
        2, Kind.PACKAGE_BUNDLE, ArtifactState.FAILED, Code.NOT_IN_ARCHIVE, f"{BUNDLES}:v1-36-latest"
    )
    counts = counted([row(1), row(3, Kind.PACKAGE_BUNDLE), missing])
    assert counts[2].words == "1 of 2, v1-36-latest was not in the tarball"
    assert verdict(counts) is Verdict.LACKS_EXTRAS
    assert verdict_words(counts) == (
        "Your mirror holds all that the cluster asks for, except 1 package bundle."
    )


def test_without_an_image_the_cluster_would_not_start() -> None:
    counts = counted([row(1), row(2, state=ArtifactState.FAILED), row(3, Kind.CHART)])
    assert verdict(counts) is Verdict.INCOMPLETE
    assert verdict_words(counts) == "1 image is missing. The cluster would not start."


@pytest.mark.parametrize(("many", "words"), [(2, "image-1:1 and image-2:1"), (3, "3 are missing")])
def test_several_are_named_or_counted(many: int, words: str) -> None:
    images, *_ = counted([row(n, state=ArtifactState.FAILED) for n in range(1, many + 1)])
    assert words in images.words


def test_what_a_later_look_finds_counts() -> None:
    gone = RegistryError(Code.MIRROR_DIFFERS, "The registry has nothing under this name.")
    images, *_ = counted([row(1), row(2)], {2: gone})
    assert images.whole == 1
    assert images.missing[0].message == gone.message
    assert images.missing[0].code == Code.MIRROR_DIFFERS
