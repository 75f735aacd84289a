"""What is installed is locked: one release of each package, and the hashes of its files."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / ".ci" / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ENTRY = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<marker>[^\\]+))? \\$")


def entries() -> dict[str, str]:
    """The release of each package that the lock holds."""
    found = (ENTRY.match(line) for line in LOCK.splitlines())
    return {one["name"]: one["version"] for one in found if one}


def wanted() -> list[Requirement]:
    """What pyproject.toml asks for, also to build."""
    project = PROJECT["project"]
    extras = (one for extra in project["optional-dependencies"].values() for one in extra)
    build = PROJECT["build-system"]["requires"]
    return [Requirement(one) for one in (*project["dependencies"], *extras, *build)]


@pytest.mark.parametrize("requirement", wanted(), ids=lambda one: one.name)
def test_the_lock_holds_what_the_project_asks_for(requirement: Requirement) -> None:
    """Else: .ci/lock"""
    locked = entries()[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(locked)


def test_each_release_has_hashes_and_nothing_else_is_in_the_lock() -> None:
    unlike = [
        line
        for line in LOCK.splitlines()
        if not (ENTRY.match(line) or re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?", line))
    ]
    assert unlike == [], "no index, no address, no package without a hash"
    assert len(entries()) > 40


def test_the_program_runs_with_what_is_locked() -> None:
    locked = entries()
    asked = [Requirement(one) for one in PROJECT["project"]["dependencies"]]
    own = [one.name for one in asked if one.marker is None or one.marker.evaluate()]
    assert {name: metadata.version(name) for name in own} == {
        name: locked[canonicalize_name(name)] for name in own
    }
