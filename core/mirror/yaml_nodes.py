"""A user's YAML as nodes that know their line and column, so that it can be edited in place."""

from collections.abc import Iterator

import yaml

from core.errors import Code, MirrorError
from core.yaml_marks import LOADER, place

MAX_BYTES = 8 * 1024 * 1024
"""Largest cluster file that is read."""

_MAX_DEPTH = 64
_MERGE = "tag:yaml.org,2002:merge"
_NULL = "tag:yaml.org,2002:null"


def compose(text: str, where: str) -> list[yaml.Node]:
    """The documents of a YAML text; empty ones are left out.

    Raises:
        MirrorError: `manifest-invalid` with line and column.
    """
    if len(text) > MAX_BYTES:
        raise invalid(where, f"It is larger than {MAX_BYTES // 1024**2} MiB.")
    try:
        _check_depth(text, where)
        nodes: list[yaml.Node | None] = list(yaml.compose_all(text, Loader=LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = ", ".join(part for part in (error.problem, error.context) if part)
        tab = "\\t" in problem or "tab" in problem
        mend = "YAML is indented with spaces, never with tabs." if tab else ""
        raise invalid(place(where, mark), f"It is not valid YAML: {problem}.", mend) from None
    except yaml.YAMLError as error:
        first_line = str(error).splitlines()[0]
        raise invalid(where, f"It is not a YAML text: {first_line}.") from None
    return [node for node in nodes if node is not None and node.tag != _NULL]


def entries(node: yaml.Node | None) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    """Keys and values that a mapping itself holds, without merged ones; none of other nodes."""
    if not isinstance(node, yaml.MappingNode):
        return []
    return [(key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]


def merged_entries(node: yaml.Node | None) -> dict[str, yaml.Node]:
    """Keys and values of a mapping, those of its merge keys (`<<`) included."""
    return _merged(node, {})


def value_of(node: yaml.Node | None, *path: str) -> yaml.Node | None:
    """The node at a path of keys, None where there is none."""
    for key in path:
        node = merged_entries(node).get(key)
    return node


def text_of(node: yaml.Node | None) -> str:
    """The text of a scalar; empty for null and for anything else."""
    return node.value if isinstance(node, yaml.ScalarNode) and node.tag != _NULL else ""


def items(node: yaml.Node | None) -> list[yaml.Node]:
    """The items of a list; none of other nodes."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def is_null(node: yaml.Node) -> bool:
    """Whether a value is empty, `null` or `~`."""
    return node.tag == _NULL


def has_merge(node: yaml.Node) -> bool:
    """Whether a mapping takes keys from elsewhere with `<<`."""
    return any(key.tag == _MERGE for key, _ in entries(node))


def is_alias(key: yaml.Node, value: yaml.Node) -> bool:
    """Whether a value is written as `*name`: then its node lies where the anchor is."""
    return bool(value.start_mark.index < key.end_mark.index)


def same(one: yaml.Node, other: yaml.Node) -> bool:
    """Whether two nodes mean the same, whatever their style and place."""
    seen: set[tuple[int, int]] = set()
    waiting = [(one, other)]
    while waiting:
        left, right = waiting.pop()
        if (id(left), id(right)) in seen:
            continue
        seen.add((id(left), id(right)))
        if left.tag != right.tag:
            return False
        if isinstance(left, yaml.ScalarNode):
            if left.value != right.value:
                return False
            continue
        below_left, below_right = list(_children(left)), list(_children(right))
        if len(below_left) != len(below_right):
            return False
        waiting.extend(zip(below_left, below_right, strict=True))
    return True


def invalid(where: str, message: str, mend: str = "") -> MirrorError:
    """The error for YAML that cannot be used."""
    return MirrorError(Code.MANIFEST_INVALID, message, where=where, mend=mend)


def _check_depth(text: str, where: str) -> None:
    """Composing recurses in C, so the depth is looked at before."""
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                here = place(where, event.start_mark)
                raise invalid(here, f"It is nested deeper than {_MAX_DEPTH} levels.")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    for item in node.value:
        if isinstance(item, tuple):
            yield from item
        else:
            yield item


def _merged(node: yaml.Node | None, seen: dict[int, dict[str, yaml.Node]]) -> dict[str, yaml.Node]:
    if id(node) in seen:
        return seen[id(node)]
    seen[id(node)] = {}
    found: dict[str, yaml.Node] = {}
    for key, value in entries(node):
        if key.tag == _MERGE:
            for source in [value] if isinstance(value, yaml.MappingNode) else items(value):
                found = _merged(source, seen) | found
    for key, value in entries(node):
        if key.tag != _MERGE:
            found[key.value] = value
    seen[id(node)] = found
    return found
