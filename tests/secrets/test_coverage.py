"""No verb is without a test that looks for a password in all that it does."""

import ast
import importlib
import inspect
from collections.abc import Callable

import pytest

from tui.cli import VERBS

_BY_PASSWORD = "test_every_verb.test_no_verb_lets_the_password_out"
_OF_JOBS = "test_other_verbs.test_verbs_that_look_after_an_import"
_OF_SETTINGS = "test_other_verbs.test_verbs_that_write_settings"
TESTS = {
    **dict.fromkeys(("check", "plan", "import", "verify"), _BY_PASSWORD),
    **dict.fromkeys(("attach", "status", "stop", "report"), _OF_JOBS),
    **dict.fromkeys(("spec", "write", "trust"), _OF_SETTINGS),
    "wizard": "test_wizard_pictures.test_a_defect_after_the_password_was_typed_does_not_tell_it",
    "serve": "test_serving.test_the_password_of_a_page_goes_no_further",
    "replicate": "test_replicating.test_a_login_is_told_to_the_harbor_alone",
    "download artifacts": "test_downloads.test_manifests_are_fetched_without_a_login",
    "download images": "test_downloads.test_a_login_of_docker_is_in_no_tarball",
    "download packages": "test_downloads.test_a_login_of_the_flags_is_in_no_tarball",
    "copy packages": "test_other_verbs.test_a_copy_gives_the_login_to_the_destination_alone",
    "demo": "test_other_verbs.test_the_demo_hands_nothing_of_the_environment_on",
}
"""The test of each verb; verbs have others, too."""


def test_every_verb_has_one() -> None:
    assert set(TESTS) == set(VERBS)


@pytest.mark.parametrize("verb", TESTS)
def test_it_is_there_and_runs_the_verb(verb: str) -> None:
    module, _, name = TESTS[verb].partition(".")
    test: Callable[..., None] = getattr(importlib.import_module(f"tests.secrets.{module}"), name)
    whole = list(ast.walk(ast.parse(inspect.getsource(test))))
    texts = {one.value for one in whole if isinstance(one, ast.Constant)}
    names = {one.id for one in whole if isinstance(one, ast.Name)}  # of what runs it
    assert set(verb.split()) <= texts | names
