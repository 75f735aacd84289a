"""What the mirror's settings must know of the release comes from the manifest or the tarball."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from core.answers import Answers
from core.demo.sample import Sample, SampleSpec
from core.errors import ReleaseError
from core.transfer.needs import Needs, needs_of
from tests.fixtures.samples import SampleFactory


def needs(**artifacts: Any) -> Needs:
    return needs_of(Answers.model_validate({"artifacts": artifacts}))


def test_nothing_named_tells_nothing() -> None:
    assert needs() == Needs()


def test_the_manifest_tells_the_release(sample: Sample) -> None:
    for path in (sample.bundles, sample.downloads, sample.bundles.parent):
        found = needs(bundles=path)
        assert found.release == "v0.26.0"
        assert set(found.upstreams) == {"public.ecr.aws"}


def test_the_manifest_alone_is_enough(sample: Sample, tmp_path: Path) -> None:
    alone = shutil.copy(sample.bundles, tmp_path)
    assert needs(bundles=alone).release == "v0.26.0"


def test_the_tarball_is_asked_where_all_of_it_is_wanted(make_sample: SampleFactory) -> None:
    made = make_sample(SampleSpec(extra="docker.io/library/busybox:1.36"))
    both = {"archive": made.archive, "bundles": made.bundles}
    assert "docker.io" not in needs(**both).upstreams
    assert needs(**both, include_all=True).upstreams["docker.io"] == 1
    alone = needs(archive=made.archive)
    assert alone.upstreams["docker.io"] == 1
    assert alone.release == ""


def test_a_tarball_that_does_not_matter_is_not_opened(sample: Sample, tmp_path: Path) -> None:
    assert needs(bundles=sample.bundles, archive=tmp_path / "missing.tar").release == "v0.26.0"


def test_what_is_no_manifest_is_told(sample: Sample) -> None:
    with pytest.raises(ReleaseError):
        needs(bundles=sample.archive)
