"""Gathers the licences of everything that the kit holds, into one text.

    python licences.py COLLECT-00.toc > LICENCES-OF-OTHERS.txt

Packages tell theirs in their metadata, Python beside its library, libraries of the system through
the package manager that brought them. What tells none fails the build: it may not be handed on.
"""

import ast
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

_OURS = "eksa-mirror"
_OF_THE_BUILD = frozenset({_OURS, "pip", "setuptools", "altgraph", "pyinstaller-hooks-contrib"})
_TEXT = re.compile(
    r"(?i)(^|/)(licen[cs]es?|copying|notice|copyright)([-._][^/]*)?$|/licenses/[^/]+$"
)
_COMMON = re.compile(r"/usr/share/common-licenses/[A-Za-z0-9.+-]*[A-Za-z0-9]")
_LINE = "=" * 80


def main() -> int:
    """Print them all; 1 where one is missing."""
    whole = [*_packages(), ("Python", sys.version.split()[0], _python()), *_libraries(sys.argv[1])]
    for name, version, text in whole:
        sys.stdout.write(f"{_LINE}\n{name} {version}\n{_LINE}\n{text.strip()}\n\n")
    for path in sorted({path for *_, text in whole for path in _COMMON.findall(text)}):
        text = Path(path).read_text(errors="replace")
        sys.stdout.write(f"{_LINE}\n{path}, named above\n{_LINE}\n{text.strip()}\n\n")
    missing = [name for name, _, text in whole if not text.strip()]
    sys.stderr.writelines(f"No licence was found of {name}.\n" for name in missing)
    return 1 if missing else 0


def _packages() -> Iterator[tuple[str, str, str]]:
    """Name, version and licence of each Python package; of PyInstaller the kit has its loader."""
    for package in sorted(distributions(), key=lambda one: one.name.lower()):
        if package.name.lower() not in _OF_THE_BUILD:
            yield package.name, package.version, _licence(package)


def _licence(package: Distribution) -> str:
    """The texts that it brings; where it brings none, what it says about itself."""
    texts = [
        Path(str(package.locate_file(path))).read_text(errors="replace")
        for path in package.files or ()
        if _TEXT.search(str(path)) and path.suffix not in (".py", ".pyc")
    ]
    about = package.metadata
    said = about.get("License-Expression") or about.get("License") or ""
    kinds = [one for one in about.get_all("Classifier", []) if one.startswith("License ::")]
    pages = about.get_all("Project-URL", []) or about.get_all("Home-page", [])
    if not (texts or said or kinds):
        return ""
    return "\n\n".join([f"{said or kinds[0]}", *pages, *dict.fromkeys(texts)])


def _python() -> str:
    return (Path(sysconfig.get_path("stdlib")) / "LICENSE.txt").read_text()


def _libraries(collected: str) -> Iterator[tuple[str, str, str]]:
    """Of the shared libraries that come from the system.

    Args:
        collected: PyInstaller's list of what it put into the folder: name, source, kind.
    """
    found = ast.literal_eval(Path(collected).read_text())
    entries = found[0] if isinstance(found[0], list) else found
    ours = (sys.prefix, sys.base_prefix)
    for name, source, kind in sorted(entries):
        if kind == "BINARY" and not source.startswith(ours):
            yield name, "", _of_the_system(Path(source))


def _of_the_system(library: Path) -> str:
    """From Debian's or Red Hat's records; files are known there with or without /usr."""
    names = {str(library), str(library.resolve())}
    names |= {name.removeprefix("/usr") for name in names}
    for name in sorted(names):
        if package := _said("dpkg", "-S", name).partition(":")[0]:
            return Path(f"/usr/share/doc/{package}/copyright").read_text(errors="replace")
        if files := _said("rpm", "-qf", "--licensefiles", name).split("\n"):
            texts = [Path(one).read_text(errors="replace") for one in files if one]
            if texts:
                return "\n\n".join(texts)
    return ""


def _said(*command: str) -> str:
    """Standard output of a package manager; nothing where it is not here or knows nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return "" if done.returncode else done.stdout


if __name__ == "__main__":
    sys.exit(main())
