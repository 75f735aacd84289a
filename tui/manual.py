"""The manual page and the completions of shells, made from the command line itself.

`python -m tui.manual man|bash|zsh` prints one; the kit is built with all three.
"""

import os
import sys
import time
from collections.abc import Iterator

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from core import __version__
from core.errors import ExitCode
from tui.cli import VERBS, application

_EXITS = {
    ExitCode.DONE: "done and verified",
    ExitCode.SOME_FAILED: "some artifacts failed",
    ExitCode.USAGE: "bad usage or answers",
    ExitCode.CHECK_FAILED: "a check failed",
    ExitCode.INTERRUPTED: "interrupted; the next start goes on",
    ExitCode.BUG: "a defect of eksa-mirror",
}
_FILES = (
    ("$XDG_STATE_HOME/eksa-mirror/", "a folder for each import, with its journal and reports"),
    ("$XDG_STATE_HOME/eksa-mirror/setups/", "set-ups that the wizard keeps; no passwords"),
)
_VARIABLES = (
    ("REGISTRY_USERNAME, REGISTRY_PASSWORD", "the login for the registry"),
    (
        "EKSA_MIRROR_TARGET_USERNAME, EKSA_MIRROR_TARGET_PASSWORD",
        "the login that replicate gives to a Harbor for those that it feeds",
    ),
    ("EKSA_REGISTRY_MIRROR_CA", "a file with the registry's CA"),
    ("EKSA_MIRROR_SERVE_PASSWORD", "the password of the page that serve shows to other machines"),
    ("HTTPS_PROXY, NO_PROXY", "how the registry is reached"),
    ("NO_COLOR, TERM", "how the wizard is drawn"),
    ("ESCDELAY", "milliseconds after which Esc is a key of its own, 15 where it is not set"),
)


def commands() -> Iterator[tuple[str, TyperCommand]]:
    """Every verb with its options."""
    for name in VERBS:
        found = typer.main.get_command(application(name.split()))
        for word in name.split():
            assert isinstance(found, TyperGroup)  # noqa: S101 - the verb is below it
            found = found.commands[word]
        assert isinstance(found, TyperCommand)  # noqa: S101 - a verb is never a group
        yield name, found


def man_page(date: str) -> str:
    """The manual page, in the language of roff.

    Args:
        date: of the release, `2026-11-24`.
    """
    lines = [
        f'.TH EKSA-MIRROR 1 "{date}" "eksa-mirror {__version__}" "User Commands"',
        ".SH NAME",
        r"eksa-mirror \- fill a private registry with what EKS Anywhere needs",
        ".SH SYNOPSIS",
        ".B eksa-mirror",
        ".br",
        ".B eksa-mirror",
        r".I VERB\fR [\fIOPTIONS\fR]",
        ".SH DESCRIPTION",
        "Without a verb, on a terminal, it opens the wizard. Every step can be done without it:",
        "an import runs in a process of its own and goes on where it stopped, whatever ended it.",
        ".SH VERBS",
    ]
    for name, command in commands():
        lines += [".SS " + name, *_paragraphs(command)]
        for option in _options(command):
            lines += [".TP", f".B {_roff(', '.join(option.opts))}", _roff(option.help or "")]
    lines += [".SH EXIT STATUS"]
    for code, text in _EXITS.items():
        lines += [".TP", f".B {int(code)}", text]
    for title, rows in (("ENVIRONMENT", _VARIABLES), ("FILES", _FILES)):
        lines.append(f".SH {title}")
        for name, text in rows:
            lines += [".TP", f".B {_roff(name)}", text]
    return "\n".join(lines) + "\n"


def bash_completion() -> str:
    """Verbs, options, and files elsewhere."""
    cases = "\n".join(
        f'    {name}) words="{" ".join(words)}" ;;' for name, words in _words_by_verb().items()
    )
    return f"""# Completion of eksa-mirror for bash.
_eksa_mirror() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} verb=${{COMP_WORDS[1]}} words=
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="{" ".join(_words_by_verb())} --help --version"
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    return
  fi
  case $verb in
{cases}
  esac
  case $current in
    -*) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -f -W "${{words//--*/}}" -- "$current") ;;
  esac
}}
complete -o filenames -F _eksa_mirror eksa-mirror
"""


def zsh_completion() -> str:
    """The same for zsh, with what each verb does."""
    summaries = {name.split()[0]: verb.summary for name, verb in reversed(VERBS.items())}
    verbs = "\n".join(f"    '{name}:{_zsh(summaries[name])}'" for name in _words_by_verb())
    cases = "\n".join(
        f"    {name}) words_of_it=({' '.join(words)}) ;;"
        for name, words in _words_by_verb().items()
    )
    return f"""#compdef eksa-mirror
# Completion of eksa-mirror for zsh.
_eksa_mirror() {{
  local -a verbs words_of_it seconds
  verbs=(
{verbs}
  )
  if (( CURRENT == 2 )); then
    _describe 'verb' verbs
    return
  fi
  case $words[2] in
{cases}
  esac
  seconds=(${{words_of_it:#-*}})
  if [[ $words[CURRENT] == -* ]]; then
    compadd -- ${{(M)words_of_it:#-*}}
  elif (( CURRENT == 3 && $#seconds )); then
    compadd -- $seconds
  else
    _files
  fi
}}
_eksa_mirror "$@"
"""


def _words_by_verb() -> dict[str, list[str]]:
    """What may follow the first word of each verb: its second words, then all its flags."""
    found: dict[str, list[str]] = {}
    for name, command in commands():
        first, *second = name.split()
        words = found.setdefault(first, [])
        words[:0] = second
        words += [flag for flag in _flags(command) if flag not in words]
    return found


def _options(command: TyperCommand) -> list[TyperOption]:
    return [one for one in command.params if isinstance(one, TyperOption) and not one.hidden]


def _flags(command: TyperCommand) -> list[str]:
    found = [
        flag for option in _options(command) for flag in (*option.opts, *option.secondary_opts)
    ]
    return [*(flag for flag in found if flag.startswith("--")), "--help"]


def _paragraphs(command: TyperCommand) -> list[str]:
    text = (command.help or "").partition("\f")[0]
    return [_roff(" ".join(part.split())) or ".PP" for part in text.split("\n\n")]


def _roff(text: str) -> str:
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _zsh(text: str) -> str:
    return text.replace("'", "’").replace(":", r"\:")


def _today() -> str:
    """Or the day that a reproducible build names (`SOURCE_DATE_EPOCH`, in seconds)."""
    now = float(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    return time.strftime("%Y-%m-%d", time.gmtime(now))


def main() -> int:
    """Print what is asked for."""
    makers = {
        "man": lambda: man_page(_today()),
        "bash": bash_completion,
        "zsh": zsh_completion,
    }
    wanted = sys.argv[1] if len(sys.argv) == 2 else ""
    if wanted not in makers:
        sys.stderr.write("Give one of: man, bash, zsh.\n")
        return ExitCode.USAGE
    sys.stdout.write(makers[wanted]())
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
