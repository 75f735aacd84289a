"""The questions of a preparation, read and judged."""

from pathlib import Path

import pytest

from core.fetch.preparation import MANIFESTS_FILE, Preparation
from tui.prepare_form import QUESTIONS, fields_of, read_form


def test_what_was_typed_becomes_a_preparation_and_back(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.crt"
    ca_file.write_text("-")
    carry = tmp_path / "carry"
    typed = {
        "folder": f"{carry}", "release": " v0.26.0 ", "kube_versions": "v1.33, 1-34",
        "platforms": "linux/amd64", "packages_from": "https://images.example/a/ charts.example/b",
        "ca_file": f"{ca_file}", "upstream_mirrors": "public.ecr.aws=cache.example:5000/ecr",
    }  # fmt: skip

    form = read_form(typed)

    assert form.wrong == {}
    assert form.preparation == Preparation(
        folder=carry, release="v0.26.0", kube_versions=("1.33", "1.34"), platforms=("linux/amd64",),
        packages_from="images.example/a", charts_from="charts.example/b", ca_file=ca_file,
        upstream_mirrors=("public.ecr.aws=cache.example:5000/ecr",),
    )  # fmt: skip
    assert read_form(fields_of(form.preparation)) == form


def test_everything_but_the_folder_may_be_left_empty(tmp_path: Path) -> None:
    assert read_form({"folder": str(tmp_path)}).preparation == Preparation(folder=tmp_path)
    assert read_form({}).wrong == {"folder": "Name a folder."}


def test_paths_are_those_of_the_operators_home_and_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.yaml").write_text("-")

    form = read_form({"folder": "~/carry", "release": "./b.yaml"})

    assert form.preparation
    assert form.preparation.folder == Path.home() / "carry"
    assert form.preparation.release == str(tmp_path / "b.yaml")


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("folder", "/nowhere/at/all", "There is no folder /nowhere/at."),
        ("folder", "/etc/hostname", "It is a file, not a folder."),
        ("release", "/nowhere/b.yaml", "No such file."),
        ("kube_versions", "1.33 newest", "“newest” is no version of Kubernetes."),
        ("platforms", "amd64", "“amd64” is no platform."),
        ("packages_from", "a.example b.example c.example", "Name one registry or two."),
        ("ca_file", "/nowhere/ca.crt", "No such file."),
        ("upstream_mirrors", "cache.example", "cannot be used"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    tmp_path: Path, field: str, text: str, words: str
) -> None:
    form = read_form({"folder": str(tmp_path)} | {field: text})

    assert form.preparation is None
    assert list(form.wrong) == [field]
    assert words in form.wrong[field]


@pytest.mark.parametrize("name", [MANIFESTS_FILE, "images.tar", "packages-1.33.tar"])
def test_files_of_others_are_seen_before_anything_is_begun(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("of somebody else")

    assert read_form({"folder": str(tmp_path)}).wrong == {"folder": f"{name} is there already."}


def test_labels_and_help_fit_a_narrow_window() -> None:
    for one in QUESTIONS:
        assert len(one.label) <= 16
        assert len(one.help) <= 59
