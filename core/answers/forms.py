"""What a form shows about a field: its name, its help line, and what is wrong with a value."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from core.answers.model import Answers, MappingAnswer
from core.answers.values import Told

_OWN_WORDS = "Value error, "
"""What pydantic puts in front of the words of a validator."""


def _sections() -> dict[str, type[BaseModel]]:
    found: dict[str, type[BaseModel]] = {"mapping": MappingAnswer}
    for name, info in Answers.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            found[name] = info.annotation
    return found


SECTIONS = _sections()
"""Sections of the answers by their keys, and `mapping` for one row of `registry.mappings`."""


def field_help(section: str, field: str) -> str:
    """The one line that tells what a field is for."""
    return _info(SECTIONS[section], field).description or ""


def field_label(section: str, field: str) -> str:
    """The name of a field on a form."""
    return _info(SECTIONS[section], field).title or field


def validate_field(section: str, field: str, value: object) -> str:
    """What is wrong with the value of one field; empty where nothing is.

    Other than a whole section, a form also needs some fields filled, and files that can be read.
    """
    model = SECTIONS[section]
    told = _told(_info(model, field))
    if told.missing and value in (None, "", (), []):
        return told.missing
    try:
        filled = model.model_validate({field: value})
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            if one["loc"][:1] == (field,):
                return _words(model, one["loc"], one["type"], one["msg"])
        return ""  # only other fields are missing, as in a row that is being typed
    path = getattr(filled, field, None)
    return _unreadable(path) if told.read and isinstance(path, Path) else ""


def error_text(loc: Sequence[int | str], kind: str, message: str) -> str:
    """What is wrong in the whole of the answers, in the words of the field.

    Args:
        loc, kind, message: `loc`, `type` and `msg` of an error of pydantic.
    """
    return _words(Answers, loc, kind, message)


def known_keys(loc: Sequence[int | str]) -> list[str]:
    """The keys that a mapping in an answers file may have."""
    model = _model_at(Answers, loc)
    return [info.alias or name for name, info in model.model_fields.items()] if model else []


def _words(model: type[BaseModel], loc: Sequence[int | str], kind: str, message: str) -> str:
    if kind == "value_error":
        return message.removeprefix(_OWN_WORDS)
    names = [part for part in loc if isinstance(part, str)]
    parent = _model_at(model, names[:-1])
    if not names or parent is None:
        return "A mapping of keys and values."
    info = _info(parent, names[-1])
    told = _told(info)
    if kind == "missing":
        return told.missing or "It is missing."
    if told.wrong:
        return told.wrong
    if _model_in(info.annotation):
        return "A mapping of keys and values."
    return "true or false." if info.annotation is bool else "One value, as text."


def _model_at(model: type[BaseModel], loc: Sequence[int | str]) -> type[BaseModel] | None:
    """The model of a mapping; items of a list are all of one kind."""
    found: type[BaseModel] | None = model
    for part in loc:
        if isinstance(part, str) and found:
            known = found.model_fields.get(part)
            found = _model_in(known.annotation) if known else None
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for one in (annotation, *get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def _info(model: type[BaseModel], field: str) -> FieldInfo:
    by_alias = {info.alias or name: info for name, info in model.model_fields.items()}
    return by_alias[field]


def _told(info: FieldInfo) -> Told:
    return next((one for one in info.metadata if isinstance(one, Told)), Told())


def _unreadable(path: Path) -> str:
    try:
        path.stat()
    except (OSError, ValueError):
        return "No such file."
    return "" if os.access(path, os.R_OK) else "This account may not read the file."
