"""The plan: what is required, what the archive holds, and where each goes."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.archive.archive import Archive
from core.archive.model import ReadyManifest, StoredArtifact
from core.errors import Code
from core.mirror.endpoint import Mirror, NamespaceMapping
from core.reference import Artifact, Kind, Reference
from core.release.model import Requirements
from core.transfer.plan import NOT_REQUIRED, Plan, PlannedArtifact, make_plan
from tests.core.transfer.making import (
    layer,
    ready_image,
    requirements,
    saved_image,
    stored_blob,
    upstream,
)

MIRROR = Mirror.parse("harbor.local:8443/eks-a")
SMALL, MIDDLE, LARGE = (layer(b"x" * size) for size in (10, 200, 3_000))
PAUSE = saved_image(upstream("eks-distro/pause"), SMALL, LARGE)
TOOLS = saved_image(upstream("eks-anywhere/cli-tools"), SMALL, MIDDLE)
CHART_TAG = "1.19.4+build"


def archive(*stored: StoredArtifact, warnings: tuple[str, ...] = ()) -> Archive:
    return Archive(Path("/srv/images.tar"), stored, warnings, "fingerprint", lambda: None)


def image(name: str) -> Artifact:
    return Artifact(Kind.IMAGE, Reference.parse(name))


def need(*stored: StoredArtifact) -> Requirements:
    return requirements(*(Artifact(one.kind, one.references[0]) for one in stored))


def also_named(stored: StoredArtifact, name: str) -> StoredArtifact:
    return replace(stored, references=(*stored.references, Reference.parse(name)))


def chart(file_name: str = "cilium-1.19.4-build.tgz") -> StoredArtifact:
    made = ready_image(upstream("ignored"), stored_blob(b"chart"))
    return replace(
        made,
        kind=Kind.CHART,
        name=file_name,
        references=(),
        chart_name="cilium",
        chart_version=CHART_TAG,
    )


def only(plan: Plan) -> PlannedArtifact:
    (one,) = plan.artifacts
    return one


def sources(plan: Plan) -> list[str]:
    return [one.source for one in plan.artifacts]


def test_what_is_required_and_stored_is_moved() -> None:
    one = only(make_plan(MIRROR, archive(PAUSE), need(PAUSE)))
    assert one.source == "public.ecr.aws/eks-distro/pause:v1"
    assert str(one.destination) == "harbor.local:8443/eks-a/eks-distro/pause:v1"
    assert one.stored is PAUSE
    assert one.required
    assert one.to_move
    assert one.size == PAUSE.size


def test_what_the_archive_lacks_is_a_problem_that_names_it() -> None:
    one, skipped = make_plan(MIRROR, archive(TOOLS), need(PAUSE)).artifacts
    assert skipped.skipped
    assert one.problem
    assert one.problem.code is Code.NOT_IN_ARCHIVE
    assert "image public.ecr.aws/eks-distro/pause:v1" in one.problem.message
    assert one.problem.where == "/srv/images.tar"
    assert not one.to_move
    assert one.size == 0
    assert list(one.blobs()) == []


def test_an_image_of_an_unknown_registry_is_never_sent_anywhere() -> None:
    foreign = saved_image("quay.io/cilium/cilium:v1", SMALL)
    one = only(make_plan(MIRROR, archive(foreign), need(foreign)))
    assert one.problem
    assert one.problem.code is Code.UPSTREAM_UNKNOWN
    assert one.destination is None
    assert "--map quay.io=" in one.problem.mend
    assert not one.to_move


def test_a_mapping_makes_the_registry_known() -> None:
    foreign = saved_image("quay.io/cilium/cilium:v1", SMALL)
    mirror = Mirror.parse("harbor.local/eks-a", [NamespaceMapping("quay.io", "quay")])
    one = only(make_plan(mirror, archive(foreign), need(foreign)))
    assert str(one.destination) == "harbor.local/quay/cilium/cilium:v1"
    assert one.to_move


def test_two_contents_for_one_place_are_a_problem_of_the_second() -> None:
    first = saved_image(upstream("a/app"), SMALL)
    second = saved_image("quay.io/a/app:v1", MIDDLE)
    mirror = Mirror.parse("harbor.local/eks-a", [NamespaceMapping("quay.io", "eks-a")])
    one, other = make_plan(mirror, archive(first, second), need(first, second)).artifacts
    assert one.to_move
    assert other.problem
    assert other.problem.code is Code.DESTINATION_CLASH
    assert str(first.references[0]) in other.problem.message
    assert other.destination is None
    assert other.required


def test_one_content_for_one_place_is_no_clash() -> None:
    both = also_named(PAUSE, "quay.io/eks-distro/pause:v1")
    mirror = Mirror.parse("harbor.local/eks-a", [NamespaceMapping("quay.io", "eks-a")])
    required = requirements(*(Artifact(Kind.IMAGE, name) for name in both.references))
    assert all(one.to_move for one in make_plan(mirror, archive(both), required).artifacts)


def test_one_content_under_two_required_names_is_moved_to_both_and_its_blobs_counted_once() -> None:
    both = also_named(PAUSE, upstream("eks-distro/other"))
    required = requirements(*(Artifact(Kind.IMAGE, name) for name in both.references))
    plan = make_plan(MIRROR, archive(both), required)
    assert [one.stored for one in plan.artifacts] == [both, both]
    assert {one.blob.digest for one in plan.needs()} == {b.digest for b in both.content.all_blobs()}
    assert all(len(one.repositories) == 2 for one in plan.needs())


def test_what_nobody_requires_is_listed_as_skipped() -> None:
    plan = make_plan(MIRROR, archive(PAUSE, TOOLS, chart()), need(PAUSE))
    rest = [one for one in plan.artifacts if not one.required]
    assert [one.source for one in rest] == [TOOLS.name, "cilium-1.19.4-build.tgz"]
    assert {one.skipped for one in rest} == {NOT_REQUIRED}
    assert not any(one.to_move for one in rest)
    assert MIDDLE.digest not in {need.blob.digest for need in plan.needs()}


def test_with_all_the_rest_is_moved_under_each_of_its_names() -> None:
    named_twice = also_named(TOOLS, upstream("a/b"))
    plan = make_plan(MIRROR, archive(PAUSE, named_twice), need(PAUSE), include_all=True)
    assert sources(plan) == [PAUSE.name, TOOLS.name, upstream("a/b")]
    assert [one.required for one in plan.artifacts] == [True, False, False]
    assert all(one.to_move for one in plan.artifacts)


def test_with_all_further_names_of_a_required_image_are_moved_too() -> None:
    named_twice = also_named(PAUSE, upstream("a/b"))
    plan = make_plan(MIRROR, archive(named_twice), need(PAUSE), include_all=True)
    assert sources(plan) == [PAUSE.name, upstream("a/b")]
    assert [one.required for one in plan.artifacts] == [True, False]
    assert sources(make_plan(MIRROR, archive(named_twice), need(PAUSE))) == [PAUSE.name]


def test_an_image_that_is_required_by_digest_is_not_moved_twice_to_one_place() -> None:
    ready = ready_image(upstream("a/app"), stored_blob(b"layer"))
    assert isinstance(ready.content, ReadyManifest)
    by_digest = replace(ready.references[0], digest=ready.content.digest)
    required = requirements(Artifact(Kind.IMAGE, by_digest))
    one = only(make_plan(MIRROR, archive(ready), required, include_all=True))
    assert one.source == str(by_digest)
    assert str(one.destination) == "harbor.local:8443/eks-a/a/app:v1"


def test_without_a_bundles_manifest_all_of_the_archive_is_moved() -> None:
    plan = make_plan(MIRROR, archive(PAUSE, TOOLS), None)
    assert sources(plan) == [PAUSE.name, TOOLS.name]
    assert all(one.to_move and not one.required for one in plan.artifacts)


def test_a_chart_that_no_manifest_names_goes_below_the_first_namespace() -> None:
    one = only(make_plan(MIRROR, archive(chart()), None))
    assert one.source == "cilium-1.19.4-build.tgz"
    assert str(one.destination) == "harbor.local:8443/eks-a/cilium:1.19.4_build"


def test_a_required_chart_is_found_and_goes_where_its_reference_says() -> None:
    reference = Reference.parse("public.ecr.aws/isovalent/cilium:1.19.4_build")
    required = requirements(Artifact(Kind.CHART, reference))
    for include_all in (False, True):
        plan = make_plan(MIRROR, archive(chart()), required, include_all=include_all)
        one = only(plan)
        assert str(one.destination) == "harbor.local:8443/eks-a/isovalent/cilium:1.19.4_build"
        assert one.to_move


def test_an_image_without_a_name_is_a_problem_and_not_lost() -> None:
    nameless = replace(PAUSE, name="sha256:0123", references=())
    plan = make_plan(MIRROR, archive(nameless), None)
    one = only(plan)
    assert one.problem
    assert one.problem.code is Code.REFERENCE_INVALID
    assert "“sha256:0123”" in one.problem.message


@pytest.mark.parametrize("include_all", [False, True])
def test_two_contents_that_the_archive_holds_under_one_name_stay_two(include_all: bool) -> None:
    """The first keeps the name; the other must not take its place in the journal."""
    second = replace(saved_image(PAUSE.name, MIDDLE), references=())
    plan = make_plan(MIRROR, archive(PAUSE, second), need(PAUSE), include_all=include_all)
    one, other = plan.artifacts
    assert one.source == PAUSE.name
    assert one.to_move
    assert other.source.startswith(f"{PAUSE.name} (sha256:")
    assert not other.to_move
    assert len({(entry.kind, entry.source) for entry in plan.artifacts}) == 2


def test_without_an_archive_every_required_artifact_has_its_place() -> None:
    one = only(make_plan(MIRROR, None, need(PAUSE)))
    assert str(one.destination) == "harbor.local:8443/eks-a/eks-distro/pause:v1"
    assert one.problem is None
    assert one.stored is None
    assert not one.to_move


def test_distinct_blobs_come_once_and_the_largest_first() -> None:
    plan = make_plan(MIRROR, archive(TOOLS, PAUSE), need(TOOLS, PAUSE))
    needs = plan.needs()
    sizes = [one.blob.size for one in needs]
    assert sizes == sorted(sizes, reverse=True)
    assert len({one.blob.digest for one in needs}) == len(needs) == 5
    by_digest = {one.blob.digest: one.repositories for one in needs}
    assert by_digest[SMALL.digest] == ("eks-a/eks-anywhere/cli-tools", "eks-a/eks-distro/pause")
    assert by_digest[LARGE.digest] == ("eks-a/eks-distro/pause",)


def test_a_layer_that_an_image_uses_twice_is_one_blob() -> None:
    twice = saved_image(upstream("a/app"), SMALL, LARGE, SMALL)
    one = only(make_plan(MIRROR, archive(twice), need(twice)))
    assert [blob.digest for blob in one.blobs()][1:] == [SMALL.digest, LARGE.digest]


def test_warnings_of_both_sides_are_kept() -> None:
    required = replace(need(PAUSE), warnings=("of the manifest",))
    plan = make_plan(MIRROR, archive(PAUSE, warnings=("of the archive",)), required)
    assert plan.warnings == ("of the manifest", "of the archive")


def test_a_layer_that_goes_out_in_two_forms_is_two_blobs() -> None:
    """As it is in one image's manifest, and to be compressed in docker save's."""
    plain = replace(LARGE, compressible=False)
    ready = ready_image(upstream("a/ready"), plain)
    needs = make_plan(MIRROR, archive(PAUSE, ready), need(PAUSE, ready)).needs()
    forms = {
        one.blob.compressible: one.repositories for one in needs if one.blob.size == LARGE.size
    }
    assert forms == {True: ("eks-a/eks-distro/pause",), False: ("eks-a/a/ready",)}
