"""Answers that are being typed: what is right is an answer, what is wrong is kept as typed."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from core.answers.forms import validate_field
from core.answers.model import Answers

Rough = dict[str, Any]
"""Values as typed that are no answers yet, by `section.field`."""


class Draft:
    """One form over all sections of the answers.

    Args:
        answers: to begin with.
        rough: what was typed before and was not right.

    Attributes:
        answers: every field that is right; the others as they were before.
    """

    def __init__(self, answers: Answers | None = None, rough: Mapping[str, Any] | None = None):
        self.answers = answers or Answers()
        self.rough: Rough = dict(rough or {})

    def value(self, section: str, field: str) -> Any:
        """What the form shows: as typed where it is wrong, else the answer."""
        key = f"{section}.{field}"
        if key in self.rough:
            return self.rough[key]
        return getattr(getattr(self.answers, section), field)

    def put(self, section: str, field: str, value: object) -> bool:
        """Take what was typed; False where the form of it is wrong."""
        key = f"{section}.{field}"
        try:
            changed = _replaced(getattr(self.answers, section), field, value)
        except ValidationError:
            self.rough[key] = value
            return False
        self.rough.pop(key, None)
        self.answers = self.answers.model_copy(update={section: changed})
        return True

    def error(self, section: str, field: str) -> str:
        """What is wrong with the value of a field; empty where nothing is."""
        return validate_field(section, field, self.value(section, field))


def _replaced(section: BaseModel, field: str, value: object) -> BaseModel:
    """The section with one field changed.

    Raises:
        ValidationError: the value is wrong.
    """
    values = {name: getattr(section, name) for name in type(section).model_fields}
    values.pop("given_address", None)
    return type(section).model_validate(values | {field: value})
