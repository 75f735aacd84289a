"""The answers file: versioned YAML that says where it is wrong, by line and column.

Every scalar is taken as the text that it is (`1.30` is a version, not a number), and only the
model says what it means. Nothing of YAML's odder half is needed, so it is refused: aliases, tags,
several documents.
"""

import difflib
import re
from pathlib import Path

import yaml
from pydantic import ValidationError

from core.answers.forms import error_text, known_keys
from core.answers.model import VERSION, Answers
from core.answers.values import FOLDER
from core.errors import Code, UsageError
from core.files import write_atomically
from core.yaml_marks import LOADER, place

MAX_BYTES = 1024 * 1024
"""Largest answers file that is read; one with a thousand mappings has a tenth of it."""

_MAX_DEPTH = 16
_CORE = "tag:yaml.org,2002:"
_NULL = f"{_CORE}null"
_OWN_TAGS = frozenset(
    _CORE + name for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq")
)
"""What values without a tag are given."""
_SECRET = re.compile(r"pass(word|wd|phrase)?$|secret|token|(api|private)[-_]?key", re.IGNORECASE)
_CLOSE_ENOUGH = 0.7
_LONGEST_NAME = 40

Plain = dict[str, "Plain"] | list["Plain"] | str
_Loc = tuple[int | str, ...]


def load_answers(path: Path) -> Answers:
    """Read an answers file; paths in it are meant from the folder that it lies in.

    Raises:
        UsageError: `bad-answers`, with line and column.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _bad(str(path), f"The file cannot be read: {error.strerror}.") from None
    return read_answers(content, str(path), folder=path.absolute().parent)


def read_answers(content: bytes, where: str, *, folder: Path | None = None) -> Answers:
    """Read the content of an answers file.

    Args:
        content: at most `MAX_BYTES`.
        where: the file, for messages.
        folder: what relative paths start from; the working folder where None.

    Raises:
        UsageError: `bad-answers`, with line and column.
    """
    root = _compose(content, where)
    _check_version(root, where)
    document = _plain(root, where)
    assert isinstance(document, dict)  # noqa: S101 - `_check_version` saw to it
    try:
        return Answers.model_validate(
            document | {"version": VERSION}, context={FOLDER: folder} if folder else None
        )
    except ValidationError as error:
        raise _told(error, root, where) from None


def dump_answers(answers: Answers) -> bytes:
    """The content of an answers file: what is not as by default."""
    document = answers.model_dump(mode="json", exclude_defaults=True)
    whole = {"version": VERSION, **document}
    return yaml.dump(
        whole, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**30
    ).encode()


def save_answers(answers: Answers, path: Path) -> None:
    """Write an answers file, 0600, at once or not at all.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    write_atomically(path, dump_answers(answers))


class _Dumper(yaml.SafeDumper):
    """Escapes what YAML would take for a line end; PyYAML does so in double quotes only."""


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(f"{_CORE}str", text, None if text.isprintable() else '"')


_Dumper.add_representer(str, _represent_text)


def _compose(content: bytes, where: str) -> yaml.MappingNode:
    if len(content) > MAX_BYTES:
        raise _bad(where, f"It is larger than {MAX_BYTES // 1024**2} MiB: no answers file is.")
    try:
        _refuse_odd_parts(content, where)
        nodes: list[yaml.Node | None] = list(yaml.compose_all(content, Loader=LOADER))
    except yaml.MarkedYAMLError as error:
        problem = error.problem or error.context or "something is wrong here"
        raise _bad(
            place(where, error.problem_mark or error.context_mark), f"Not valid YAML: {problem}."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _bad(where, f"Not a YAML text: {str(error).splitlines()[0]}.") from None
    documents = [node for node in nodes if node is not None and node.tag != _NULL]
    if not documents:
        raise _bad(where, "It is empty.", mend="Let the wizard write it, or leave --answers out.")
    if len(documents) > 1:
        raise _bad(_at(where, documents[1]), "A second document begins here; it may hold only one.")
    if not isinstance(documents[0], yaml.MappingNode):
        raise _bad(_at(where, documents[0]), "Not an answers file: it must begin with version: 1.")
    return documents[0]


def _refuse_odd_parts(content: bytes, where: str) -> None:
    """Composing recurses, and follows aliases: both are looked at before."""
    depth = 0
    for event in yaml.parse(content, Loader=LOADER):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _bad(_at(where, event), "Anchors (&) and aliases (*) have no place in answers.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                raise _bad(_at(where, event), f"It is nested deeper than {_MAX_DEPTH} levels.")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_version(root: yaml.MappingNode, where: str) -> None:
    versions = [value for key, value in root.value if key.value == "version"]
    if not versions:
        raise _bad(
            where,
            "Not an answers file: it has no version.",
            cause="It is another kind of file, or its first line is lost.",
            mend=f"The wizard writes answers files; they begin with version: {VERSION}.",
        )
    node = versions[0]
    version = node.value if isinstance(node, yaml.ScalarNode) else ""
    if version == str(VERSION):
        return
    if version.isascii() and version.isdigit() and version[0] != "0":
        raise _bad(
            _at(where, node),
            f"It was written by version {version[:20]}; this is version {VERSION}.",
            cause="A newer eksa-mirror wrote it.",
            mend="Use that release of eksa-mirror here too.",
        )
    raise _bad(_at(where, node), f"The version must be {VERSION}.")


def _plain(node: yaml.Node, where: str) -> Plain:
    if node.tag not in _OWN_TAGS:
        tag = node.tag.removeprefix(_CORE)[:_LONGEST_NAME]
        raise _bad(_at(where, node), f"The tag {tag} has no place in answers.")
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, where) for item in node.value]
    found: dict[str, Plain] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _bad(_at(where, key), "A list or mapping stands where a key belongs.")
        if key.value in found:
            raise _bad(_at(where, key), f"The key {key.value} is there twice.")
        if value.tag != _NULL:
            found[key.value] = _plain(value, where)
    return found


def _told(error: ValidationError, root: yaml.MappingNode, where: str) -> UsageError:
    """The first thing that is wrong, in the order of the file, and how many more there are."""
    found = []
    for one in error.errors(include_url=False, include_input=False):
        loc, unknown = one["loc"], one["type"] == "extra_forbidden"
        mark = _mark(root, loc, of_key=unknown)
        if unknown and _SECRET.search(str(loc[-1])):
            return _secret(f"{where}:{mark.line + 1}:{mark.column + 1}", str(loc[-1]))
        words = _unknown_key(loc) if unknown else error_text(loc, one["type"], one["msg"])
        found.append((mark.line, mark.column, _dotted(loc), words))
    line, column, name, words = min(found)
    others = len(found) - 1
    more = f" {others} more {'is' if others == 1 else 'are'} wrong." if others else ""
    return _bad(f"{where}:{line + 1}:{column + 1}", f"{name}: {words}{more}")


def _secret(where: str, key: str) -> UsageError:
    return _bad(
        where,
        f"{key[:_LONGEST_NAME]}: secrets have no place in an answers file.",
        cause="Answers are saved, copied and shown; they only say where a secret lies.",
        mend="Remove the line, and change the password if others could read it. Then name the "
        "place: credentials: {source: keyring}, or environment, docker-config, file, ask.",
    )


def _mark(root: yaml.MappingNode, loc: _Loc, *, of_key: bool) -> yaml.Mark:
    """Where a value stands, its key where it is a block, or what it is missing from."""
    node: yaml.Node = root
    mark = root.start_mark
    for part in loc:
        below = _below(node, part)
        if below is None:
            break
        key, node = below
        is_block = isinstance(node, yaml.CollectionNode)
        mark = key.start_mark if of_key or is_block else node.start_mark
    return mark


def _below(node: yaml.Node, part: int | str) -> tuple[yaml.Node, yaml.Node] | None:
    """The entry of a list or mapping, as key and value; an item of a list is its own key."""
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        item = node.value[part]
        return item, item
    if isinstance(node, yaml.MappingNode):
        # A part of an address stands where the address does.
        for name in (part, "address"):
            for key, value in node.value:
                if key.value == name:
                    return key, value
    return None


def _unknown_key(loc: _Loc) -> str:
    close = difflib.get_close_matches(str(loc[-1]), known_keys(loc[:-1]), 1, _CLOSE_ENOUGH)
    return f"There is no such key.{f' Did you mean {close[0]}?' if close else ''}"


def _dotted(loc: _Loc) -> str:
    """`registry.mappings[1].namespace`; a name from the file is cut to a readable length."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part[:_LONGEST_NAME]}"
    return text.lstrip(".") or "the file"


def _at(where: str, node: yaml.Node | yaml.Event) -> str:
    return place(where, node.start_mark)


def _bad(where: str, message: str, *, cause: str = "", mend: str = "") -> UsageError:
    return UsageError(Code.BAD_ANSWERS, message, where=where, cause=cause, mend=mend)
