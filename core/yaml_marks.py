"""What all readers of YAML share: the parser, and the words for a place in a file."""

import yaml

LOADER: type[yaml.CSafeLoader] | type[yaml.SafeLoader] = getattr(
    yaml, "CSafeLoader", yaml.SafeLoader
)
"""libyaml's where it is there; it knows plain data only."""


def place(where: str, mark: object) -> str:
    """`file:line:column`, counted from 1; the marks of libyaml and of PyYAML share no type."""
    line, column = getattr(mark, "line", None), getattr(mark, "column", None)
    return where if line is None or column is None else f"{where}:{line + 1}:{column + 1}"
