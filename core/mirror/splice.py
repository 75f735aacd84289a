"""Editing a user's YAML in place: only lines of the mirror change, all others stay byte for byte.

A round trip through a YAML library would write the whole file anew, with other indents, quotes and
line ends. So the library only tells where things stand; the text itself is cut and joined.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

from core.mirror.cluster_document import read_configuration
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.fragment import BLOCK, KEYS, as_mapping, block_lines, entry_lines, quoted, scalar
from core.mirror.yaml_nodes import entries, has_merge, invalid, is_alias, is_null
from core.yaml_marks import place

# What YAML takes for the end of a line.
_LINE = re.compile(r"[^\r\n\x85\u2028\u2029]*(?:\r\n|[\r\n\x85\u2028\u2029]|\Z)")
_MARKER = re.compile(r"(?:---|\.\.\.)(?:\s|\Z)")
_ONE_LINE_KEYS = frozenset({"endpoint", "port", "authenticate", "insecureSkipVerify"})
_Entry = tuple[yaml.ScalarNode, yaml.Node]


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the letters from `start` up to `end` by `text`."""

    start: int
    end: int
    text: str


def apply(text: str, edits: Sequence[Edit]) -> str:
    """The text with all edits, which must not overlap; what is put between lines comes first."""
    done, pieces = 0, []
    for edit in sorted(edits, key=lambda one: (one.start, one.end)):
        pieces += [text[done : edit.start], edit.text]
        done = edit.end
    return "".join([*pieces, text[done:]])


def edits_for(
    text: str, document: yaml.Node, configuration: RegistryMirrorConfiguration, where: str
) -> list[Edit]:
    """The edits that give the Cluster `document` this mirror, where it says something else.

    Raises:
        MirrorError: `manifest-invalid` where the spec is written in a way that cannot be edited.
    """
    spec_entry = next((entry for entry in entries(document) if entry[0].value == "spec"), None)
    if spec_entry is None or is_alias(*spec_entry):
        here = place(where, document.start_mark)
        raise invalid(here, "This Cluster has no spec of its own, so nothing can be added to it.")
    _, spec = spec_entry
    page = _Page(text, where)
    own = [entry for entry in entries(spec) if entry[0].value.lower() == BLOCK.lower()]
    if isinstance(spec, yaml.MappingNode) and spec.flow_style:
        return _in_braces(page, spec, own, configuration)
    if not own:
        return _added(page, spec_entry, configuration)
    first, *others = own
    removed = [page.lines_replaced(entry, []) for entry in others]
    if not others and _has_editable_keys(page, first):
        return [*_renamed(first[0], BLOCK), *_key_by_key(page, first[1], configuration)]
    return [page.lines_replaced(first, block_lines(configuration, _column(first[0]))), *removed]


class _Page:
    """A text with its lines."""

    def __init__(self, text: str, where: str) -> None:
        self.where = where
        self._text = text
        self._newline = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
        self._lines = [found[0] for found in _LINE.finditer(text)]
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def lines_replaced(self, entry: _Entry, lines: Sequence[str]) -> Edit:
        """Put `lines` in place of those of an entry."""
        first, end = self._span(entry)
        return Edit(self._starts[first], self._starts[end], self._joined(lines))

    def lines_after(self, entry: _Entry, lines: Sequence[str]) -> Edit:
        """Put `lines` below those of an entry."""
        _, end = self._span(entry)
        at = self._starts[end]
        unfinished = at > 0 and self._text[at - 1] not in "\r\n\x85\u2028\u2029"
        return Edit(at, at, (self._newline if unfinished else "") + self._joined(lines))

    def lines_before(self, entry: _Entry, lines: Sequence[str]) -> Edit:
        """Put `lines` above those of an entry."""
        at = self._starts[self._span(entry)[0]]
        return Edit(at, at, self._joined(lines))

    def before_the_brace(self, spec: yaml.MappingNode, text: str) -> Edit:
        """Put `text` before the end of a mapping in braces, as one more entry."""
        at = spec.end_mark.index - 1
        comma = "" if self._text[:at].rstrip().endswith(("{", ",")) else ", "
        return Edit(at, at, comma + text)

    def begins_a_line(self, node: yaml.Node) -> bool:
        """Whether nothing but spaces stands before it."""
        return not self._lines[node.start_mark.line][: _column(node)].strip()

    def _joined(self, lines: Sequence[str]) -> str:
        return "".join(line + self._newline for line in lines)

    def _span(self, entry: _Entry) -> tuple[int, int]:
        """First line of an entry, and the line after its last one.

        Deeper lines belong to it, and list items at its own depth. Empty lines, and comments that
        are no deeper, count only where more of it follows: they belong to the next key.
        """
        key, value = entry
        first, column = key.start_mark.line, _column(key)
        if not self.begins_a_line(key):
            here = place(self.where, key.start_mark)
            raise invalid(here, f"{key.value} does not stand at the beginning of a line.")
        last = first if is_null(value) or is_alias(key, value) else _last_line(value)
        for number in range(first + 1, len(self._lines)):
            line = self._lines[number]
            content = line.lstrip(" ")
            depth = len(line) - len(content)
            if not content.strip():
                continue
            if depth > column or (depth == column and re.match(r"-\s", content)):
                last = max(last, number)
            elif (not content.startswith("#") and number > last) or _MARKER.match(line):
                break
        return first, last + 1


def _has_editable_keys(page: _Page, entry: _Entry) -> bool:
    """Whether the keys of the block stand on lines of their own, and once each."""
    key, value = entry
    if not isinstance(value, yaml.MappingNode) or value.flow_style or is_alias(key, value):
        return False
    names = [one.value.lower() for one, _ in entries(value)]
    once = len(set(names)) == len(names) == len(value.value)
    known = set(names) <= {key.lower() for key in KEYS} and not has_merge(value)
    return once and known and all(page.begins_a_line(one) for one, _ in entries(value))


def _key_by_key(
    page: _Page, block: yaml.Node, configuration: RegistryMirrorConfiguration
) -> Iterator[Edit]:
    """Change only the keys that differ, so that comments and styles of the others stay."""
    present = {entry[0].value.lower(): entry for entry in entries(block)}
    first = entries(block)[0]
    indent = _column(first[0])
    current, findings = read_configuration(block)
    odd = {finding.field.partition("[")[0] for finding in findings}
    have, want = as_mapping(current), as_mapping(configuration)
    before: _Entry | None = None
    for key in KEYS:
        entry = present.get(key.lower())
        lines = entry_lines(configuration, key, indent)
        if entry is None:
            if have.get(key) != want.get(key):
                yield page.lines_after(before, lines) if before else page.lines_before(first, lines)
            continue
        before = entry
        if have.get(key) == want.get(key) and key not in odd:
            continue
        if key in _ONE_LINE_KEYS and _stands_on_one_line(entry):
            yield from _renamed(entry[0], key)
            yield _in_place_of(entry[1], scalar(configuration, key))
        else:
            yield page.lines_replaced(entry, lines)


def _renamed(key: yaml.ScalarNode, right: str) -> Iterator[Edit]:
    if key.value != right:
        yield _in_place_of(key, right)


def _in_place_of(node: yaml.Node, text: str) -> Edit:
    return Edit(node.start_mark.index, node.end_mark.index, text)


def _in_braces(
    page: _Page,
    spec: yaml.MappingNode,
    own: Sequence[_Entry],
    configuration: RegistryMirrorConfiguration,
) -> list[Edit]:
    """A spec in braces, as in JSON: the block goes in as JSON too, on one line."""
    text = f"{quoted(BLOCK)}: {quoted(as_mapping(configuration))}"
    if not own:
        return [page.before_the_brace(spec, text)]
    key, value = own[0]
    if len(own) > 1 or is_alias(key, value):
        here = place(page.where, key.start_mark)
        raise invalid(here, f"{key.value} is written in a way that cannot be edited.")
    return [Edit(key.start_mark.index, value.end_mark.index, text)]


def _added(
    page: _Page, spec_entry: _Entry, configuration: RegistryMirrorConfiguration
) -> list[Edit]:
    """The block as the last entry of a spec that has none."""
    key, spec = spec_entry
    inside = entries(spec)
    if not inside and not is_null(spec):
        raise invalid(place(page.where, spec.start_mark), "The spec is no mapping.")
    indent = _column(inside[0][0]) if inside else _column(key) + 2
    lines = page.lines_after(spec_entry, block_lines(configuration, indent))
    return [lines] if inside else [_in_place_of(spec, ""), lines]


def _stands_on_one_line(entry: _Entry) -> bool:
    key, value = entry
    return (
        isinstance(value, yaml.ScalarNode)
        and value.style in (None, "", "'", '"')
        and not is_null(value)
        and not is_alias(key, value)
        and key.start_mark.line == value.start_mark.line == value.end_mark.line
    )


def _last_line(value: yaml.Node) -> int:
    """The last line of a value that tells its end; of others the line on which it begins."""
    closed = isinstance(value, yaml.CollectionNode) and value.flow_style
    closed = closed or (isinstance(value, yaml.ScalarNode) and value.style not in ("|", ">"))
    return int(value.end_mark.line if closed else value.start_mark.line)


def _column(node: yaml.Node) -> int:
    return int(node.start_mark.column)
