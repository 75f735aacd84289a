"""The questions of a preparation: what each field means, and what is wrong with what was typed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import EksaMirrorError
from core.fetch.gathering import stands_in_the_way, still_there
from core.fetch.picture import read_picture
from core.fetch.platforms import parse_platforms
from core.fetch.preparation import Preparation, errand_for, is_version
from core.fetch.release import is_url
from core.fetch.upstreams import parse_places
from core.release.kube_version import normalized

_KUBE = re.compile(r"\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Question:
    """One field.

    Attributes:
        help: the line below it, at most 59 characters.
    """

    name: str
    label: str
    help: str
    is_path: bool = False
    placeholder: str = ""


QUESTIONS = (
    Question("folder", "Folder", "All files come to lie here: a disk to carry over.", True),
    Question("release", "Release", "Such as v0.26.0; or file or URL of a bundle manifest.",
             placeholder="the latest"),
    Question("kube_versions", "Kubernetes", "Such as 1.33, 1.34.", placeholder="all versions"),
    Question("platforms", "Platforms", "Such as linux/amd64. All keep the digests of upstream.",
             placeholder="all platforms"),
    Question("packages_from", "Packages from", "Registry of images; after a blank that of charts.",
             placeholder="no curated packages"),
    Question("ca_file", "Extra CA file", "Of a proxy that opens TLS on the way to upstream.", True,
             placeholder="none"),
    Question("upstream_mirrors", "Caches", "UPSTREAM=HOST[/PREFIX]: take from there instead.",
             placeholder="none"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed, judged.

    Attributes:
        preparation: None where something is wrong.
        wrong: by the name of the field.
    """

    preparation: Preparation | None
    wrong: dict[str, str]


def read_form(values: Mapping[str, str]) -> Form:
    """Judge the fields; looks at the disk."""
    wrong = {}
    for name, judge in _JUDGES.items():
        if error := judge(values.get(name, "").strip()):
            wrong[name] = error
    if wrong:
        return Form(None, wrong)
    ca_file, release = (values.get(name, "").strip() for name in ("ca_file", "release"))
    places = [one.removeprefix("https://").rstrip("/") for one in _words(values, "packages_from")]
    return Form(
        Preparation(
            folder=_path(values["folder"].strip()),
            release=str(_path(release)) if _is_path(release) else release,
            kube_versions=tuple(normalized(one) for one in _words(values, "kube_versions")),
            platforms=_words(values, "platforms"),
            packages_from=places[0] if places else "",
            charts_from=places[1] if len(places) > 1 else "",
            ca_file=_path(ca_file) if ca_file else None,
            upstream_mirrors=_words(values, "upstream_mirrors"),
        ),
        {},
    )


def fields_of(preparation: Preparation) -> dict[str, str]:
    """The fields as they were typed for a preparation."""
    joined = {
        name: ", ".join(getattr(preparation, name))
        for name in ("kube_versions", "platforms", "upstream_mirrors")
    }
    return joined | {
        "folder": str(preparation.folder),
        "release": preparation.release,
        "packages_from": f"{preparation.packages_from} {preparation.charts_from}".strip(),
        "ca_file": str(preparation.ca_file or ""),
    }


def _words(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(values.get(name, "").replace(",", " ").split())


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _is_path(release: str) -> bool:
    return bool(release) and not (is_version(release) or is_url(release))


def _judge_folder(text: str) -> str:
    if not text:
        return "Name a folder."
    folder = _path(text)
    if folder.exists() and not folder.is_dir():
        return "It is a file, not a folder."
    if not folder.exists():
        return "" if folder.parent.is_dir() else f"There is no folder {folder.parent}."
    picture = read_picture(errand_for(folder))
    taken = stands_in_the_way(folder, still_there(folder, picture.written if picture else {}))
    return f"{taken[0]} is there already." if taken else ""


def _judge_release(text: str) -> str:
    return "No such file." if _is_path(text) and not _path(text).exists() else ""


def _judge_kube(text: str) -> str:
    for word in text.replace(",", " ").split():
        if not _KUBE.fullmatch(normalized(word)):
            return f"“{word}” is no version of Kubernetes."
    return ""


def _judge_platforms(text: str) -> str:
    return _said(lambda: parse_platforms(text.replace(",", " ").split()))


def _judge_packages(text: str) -> str:
    words = text.replace(",", " ").split()
    return "Name one registry or two." if len(words) > 2 else ""


def _judge_places(text: str) -> str:
    return _said(lambda: parse_places(text.replace(",", " ").split()))


def _judge_ca(text: str) -> str:
    return "No such file." if text and not _path(text).is_file() else ""


def _said(parse: Callable[[], object]) -> str:
    try:
        parse()
    except EksaMirrorError as error:
        return error.message
    return ""


_JUDGES = {
    "folder": _judge_folder,
    "release": _judge_release,
    "kube_versions": _judge_kube,
    "platforms": _judge_platforms,
    "packages_from": _judge_packages,
    "ca_file": _judge_ca,
    "upstream_mirrors": _judge_places,
}
