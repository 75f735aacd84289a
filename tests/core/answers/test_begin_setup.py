"""Beginning a set-up never loses one that has no name yet."""

from pathlib import Path

from core.answers import Answers, ArtifactAnswers
from core.answers.setups import NEW, begin_setup, open_setup, saved_setups

FOUND = Answers(artifacts=ArtifactAnswers(archive=Path("/media/usb/images.tar")))


def test_one_of_which_nothing_is_known_is_replaced(tmp_path: Path) -> None:
    begin_setup(tmp_path).save()

    assert begin_setup(tmp_path).name == NEW
    assert saved_setups(tmp_path) == []


def test_one_that_has_answers_is_kept_beside_the_new_one(tmp_path: Path) -> None:
    begin_setup(tmp_path, FOUND).save()

    second = begin_setup(tmp_path)
    second.save()

    assert second.name == f"{NEW}~2"
    kept = {one.name: open_setup(one).draft.answers for one in saved_setups(tmp_path)}
    assert kept == {NEW: FOUND, f"{NEW}~2": Answers()}


def test_what_was_typed_and_is_wrong_is_kept_too(tmp_path: Path) -> None:
    first = begin_setup(tmp_path)
    first.draft.put("registry", "port", "x")
    first.save()

    assert begin_setup(tmp_path).name == f"{NEW}~2"


def test_beginning_twice_with_the_same_files_makes_one(tmp_path: Path) -> None:
    begin_setup(tmp_path, FOUND).save()

    assert begin_setup(tmp_path, FOUND).name == NEW


def test_one_that_cannot_be_read_is_kept(tmp_path: Path) -> None:
    (tmp_path / NEW).mkdir()
    (tmp_path / NEW / "answers.yaml").write_text("registry: [")

    assert begin_setup(tmp_path).name == f"{NEW}~2"
    assert (tmp_path / NEW).is_dir()


def test_the_second_takes_the_name_of_its_registry(tmp_path: Path) -> None:
    begin_setup(tmp_path, FOUND).save()
    second = begin_setup(tmp_path)
    second.save()
    second.draft.put("registry", "endpoint", "harbor.example")
    second.save()

    assert {one.name for one in saved_setups(tmp_path)} == {NEW, "harbor.example"}


def test_a_registry_that_is_typed_wrong_gives_no_half_name(tmp_path: Path) -> None:
    setup = begin_setup(tmp_path)
    for typed in ("htt", "https://harbor.example"):
        setup.draft.put("registry", "endpoint", typed)
    setup.save()
    assert setup.name == NEW

    setup.draft.put("registry", "endpoint", "harbor.example")
    setup.save()
    assert [one.name for one in saved_setups(tmp_path)] == ["harbor.example"]


def test_a_registry_that_is_still_being_typed_is_no_name_for_ever(tmp_path: Path) -> None:
    setup = begin_setup(tmp_path)
    setup.step = setup.reached = 2
    for typed in ("harbo", "harbor.exmaple", "harbor.example"):
        setup.draft.put("registry", "endpoint", typed)
        setup.save()
    assert [one.name for one in saved_setups(tmp_path)] == ["harbor.example"]

    setup.reached = 3
    setup.draft.put("registry", "endpoint", "10.0.0.5")
    setup.save()
    assert setup.name == "harbor.example", "who comes back to step 2 finds it under its name"
