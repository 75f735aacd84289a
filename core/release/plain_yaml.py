"""Reading YAML that came from outside, as plain data and without surprises.

Every scalar stays the text that it is: `kubeVersion: 1.30` is "1.30" and not the number 1.3. Of a
key that is there twice the last one counts, as for EKS Anywhere. Refused are tags that ask for
objects, nesting without end, and aliases that stand for more than could ever be walked through.
"""

from dataclasses import dataclass
from typing import NoReturn

import yaml

from core.errors import Code, ReleaseError
from core.yaml_marks import LOADER, place

MAX_BYTES = 32 * 1024 * 1024
"""Largest manifest that is read; the largest published one is below 300 KiB."""

_MAX_NODES = 1_000_000
_MAX_DEPTH = 64
_TOO_DEEP = f"it is nested deeper than {_MAX_DEPTH} levels"
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq"))

Plain = dict[str, "Plain"] | list["Plain"] | str | None
"""What YAML is read as."""


def read_documents(content: bytes, where: str) -> list[Plain]:
    """Read all documents of a YAML stream; empty ones are left out.

    Args:
        content: the bytes, at most `MAX_BYTES`.
        where: the file, for messages.

    Raises:
        ReleaseError: `manifest-invalid` with line and column.
    """
    if len(content) > MAX_BYTES:
        raise _invalid(where, f"it is larger than {MAX_BYTES // 1024**2} MiB")
    builder = _Builder(where)
    try:
        for event in yaml.parse(content, Loader=LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = error.problem or error.context or "it is not YAML"
        if "maximum nesting" in why:  # newer libyaml looks ahead, and refuses first
            why = _TOO_DEEP
        raise _invalid(place(where, mark), why) from None
    except yaml.YAMLError as error:
        first_line = str(error).splitlines()[0]
        raise _invalid(where, f"it is not YAML text ({first_line})") from None
    return [document for document in builder.documents if document is not None]


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is still open.

    Attributes:
        value: what was put into it so far.
        anchor: its name for aliases, if it has one.
        count_before: nodes that were counted when it began.
        key: the key that waits for its value.
        height: levels below it.
    """

    value: dict[str, Plain] | list[Plain]
    anchor: str | None
    count_before: int
    key: str | None = None
    height: int = 0


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an alias stands for, and what it costs to walk through it."""

    value: Plain
    count: int
    height: int


class _Builder:
    """Puts plain data together from the events of a YAML parser, without recursion."""

    def __init__(self, where: str) -> None:
        self.documents: list[Plain] = []
        self._where = where
        self._open: list[_Frame] = []
        self._anchored: dict[str, _Anchored] = {}
        self._count = 0

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.ScalarEvent():
                self._check_tag(event)
                self._scalar(event)
            case yaml.MappingStartEvent():
                self._begin(event, {})
            case yaml.SequenceStartEvent():
                self._begin(event, [])
            case yaml.CollectionEndEvent():
                self._end(event)
            case yaml.DocumentEndEvent():
                self._anchored.clear()

    def refuse(self, event: yaml.Event, why: str) -> NoReturn:
        raise _invalid(place(self._where, event.start_mark), why)

    def _check_tag(self, event: yaml.NodeEvent) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!" and tag not in _PLAIN_TAGS:
            self.refuse(event, f"it holds the YAML tag {tag}")

    def _begin(self, event: yaml.CollectionStartEvent, new: dict[str, Plain] | list[Plain]) -> None:
        self._check_tag(event)
        self._add(event, 1, 0)
        self._open.append(_Frame(new, event.anchor, self._count))

    def _end(self, event: yaml.Event) -> None:
        frame = self._open.pop()
        count = self._count - frame.count_before + 1
        self._put(event, frame.value, frame.height + 1)
        if frame.anchor:
            self._anchored[frame.anchor] = _Anchored(frame.value, count, frame.height + 1)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._add(event, 1, 0)
        frame = self._open[-1] if self._open else None
        if frame and isinstance(frame.value, dict) and frame.key is None:
            frame.key = event.value
            return
        value = None if event.implicit[0] and event.value in _NULLS else event.value
        self._put(event, value, 0)
        if event.anchor:
            self._anchored[event.anchor] = _Anchored(value, 1, 0)

    def _alias(self, event: yaml.AliasEvent) -> None:
        found = self._anchored.get(event.anchor or "")
        if found is None:
            self.refuse(event, f"nothing before it is called &{event.anchor}")
        self._add(event, found.count, found.height)
        self._put(event, found.value, found.height)

    def _add(self, event: yaml.Event, count: int, height: int) -> None:
        """Count nodes as a walk through the data meets them: an alias as often as it is used."""
        self._count += count
        if self._count > _MAX_NODES:
            self.refuse(event, "it holds more entries than any manifest does")
        if len(self._open) + height >= _MAX_DEPTH:
            self.refuse(event, _TOO_DEEP)

    def _put(self, event: yaml.Event, value: Plain, height: int) -> None:
        if not self._open:
            self.documents.append(value)
            return
        frame = self._open[-1]
        frame.height = max(frame.height, height)
        if isinstance(frame.value, list):
            frame.value.append(value)
            return
        if frame.key is None:
            self.refuse(event, "a list or mapping stands where a key belongs")
        frame.value[frame.key] = value
        frame.key = None


def _invalid(where: str, why: str) -> ReleaseError:
    return ReleaseError(Code.MANIFEST_INVALID, f"The manifest cannot be read: {why}.", where=where)
