"""What other imports know: heard where it fits, passed over where it does not."""

from contextlib import closing
from pathlib import Path

import pytest

from core.answers import Answers, ArtifactAnswers, RegistryAnswers, save_answers
from core.mirror.endpoint import Mirror
from core.transfer.compression import Compression
from core.transfer.hearsay import Hearsay, hear, journals_beside, journals_of_all, take_in
from core.transfer.job import Job, begin_anew, job_for
from core.transfer.journal import Journal
from core.transfer.states import PlacementState
from tests.core.transfer.making import (
    GZIP,
    NONE,
    config_of,
    layer,
    plan_of,
    saved_image,
    upstream,
)

MIRROR = Mirror.parse("harbor.local/eks-a")
BASE, APP, FOREIGN = (layer(name) for name in (b"base", b"app", b"foreign"))
IMAGE = saved_image(upstream("one"), BASE, APP)
PLAN = plan_of(MIRROR, IMAGE)
NOTHING = Hearsay({}, frozenset())


def write(path: Path, mirror: str = "harbor.local/eks-a", compression: str = "gzip:1") -> Journal:
    journal = Journal(path)
    journal.set_facts(mirror=mirror, compression=compression)
    for blob, digest in ((BASE, "sha256:base"), (FOREIGN, "sha256:foreign")):
        journal.set_known(blob, digest, 7)
    journal.set_placement(BASE, "eks-a/old", PlacementState.SENT)
    journal.set_placement(BASE, "eks-a/under-way", PlacementState.SENDING, "https://r/up", 3)
    journal.set_placement(FOREIGN, "eks-a/old", PlacementState.SENT)
    journal.set_placement(config_of(IMAGE), "eks-a/old", PlacementState.PRESENT)
    return journal


@pytest.fixture
def told(tmp_path: Path) -> Path:
    path = tmp_path / "other.sqlite"
    write(path).close()
    return path


def test_only_what_the_plan_needs_is_heard(told: Path) -> None:
    assert hear(PLAN, GZIP, [told]) == Hearsay(
        {BASE.digest: ("sha256:base", 7)},
        frozenset({(BASE.digest, "eks-a/old"), (config_of(IMAGE).digest, "eks-a/old")}),
    )


def test_another_level_of_the_same_codec_will_do(told: Path) -> None:
    assert hear(PLAN, Compression("gzip", 9), [told]).layers


def test_another_codec_makes_other_blobs(told: Path) -> None:
    assert hear(PLAN, NONE, [told]) == NOTHING


@pytest.mark.parametrize(
    ("mirror", "heard"),
    [
        ("harbor.local", True),
        ("harbor.local:443/other/place", True),
        ("harbor.local:8443/eks-a", False),
        ("harbor.example.com/eks-a", False),
        ("", False),
        ("not an address", False),
    ],
)
def test_only_the_same_registry_counts(mirror: str, heard: bool, tmp_path: Path) -> None:
    write(tmp_path / "j.sqlite", mirror).close()
    assert bool(hear(PLAN, GZIP, [tmp_path / "j.sqlite"]).layers) is heard


def test_the_first_journal_that_knows_a_layer_is_heard_and_places_come_from_all(
    told: Path, tmp_path: Path
) -> None:
    other = tmp_path / "later.sqlite"
    with closing(write(other)) as journal:
        journal.set_known(BASE, "sha256:other", 9)
        journal.set_known(APP, "sha256:app", 5)
        journal.set_placement(APP, "eks-a/app", PlacementState.MOUNTED)
    heard = hear(PLAN, GZIP, [told, other])
    assert heard.layers == {BASE.digest: ("sha256:base", 7), APP.digest: ("sha256:app", 5)}
    assert (APP.digest, "eks-a/app") in heard.places


def test_journals_that_cannot_be_read_are_passed_over(told: Path, tmp_path: Path) -> None:
    garbage, empty = tmp_path / "garbage.sqlite", tmp_path / "empty.sqlite"
    garbage.write_bytes(b"no database " * 1_000)
    empty.touch()
    journals = [tmp_path / "missing.sqlite", garbage, empty, tmp_path, told]
    assert hear(PLAN, GZIP, journals).layers


def test_a_journal_that_is_being_written_is_read_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "busy.sqlite"
    with closing(write(path)) as journal, journal.together():
        journal.set_facts(busy="yes")
        assert hear(PLAN, GZIP, [path]).layers


def test_what_a_journal_knows_itself_counts_more_than_what_is_heard(
    told: Path, tmp_path: Path
) -> None:
    with closing(Journal(tmp_path / "own.sqlite")) as own:
        own.set_known(BASE, "sha256:own", 1)
        heard = Hearsay(
            {BASE.digest: ("sha256:base", 7), APP.digest: ("sha256:app", 5)},
            frozenset({(BASE.digest, "eks-a/old")}),
        )
        take_in(own, PLAN, heard)
        assert own.known_as(BASE) == ("sha256:own", 1)
        assert own.known_as(APP) == ("sha256:app", 5)
        assert own.holders(BASE) == ["eks-a/old"]
        assert not own.placement(BASE, "eks-a/old").state.is_there, "it is asked before"


def job(namespace: str) -> Job:
    registry = RegistryAnswers.model_validate({"address": f"harbor.local/{namespace}"})
    answers = Answers(artifacts=ArtifactAnswers(archive=Path("/srv/i.tar")), registry=registry)
    made = job_for(answers)
    save_answers(answers, made.answers)
    return made


def test_the_journals_beside_a_job_are_those_of_others_and_its_own_old_ones() -> None:
    mine, other = job("mine"), job("other")
    for one in (mine, other):
        write(one.journal).close()
    aside = begin_anew(mine)
    write(mine.journal).close()
    assert journals_beside(mine) == [aside, other.journal]
    assert set(journals_of_all()) == {mine.journal, other.journal}
