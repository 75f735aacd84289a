"""Trust as commands and as a script, for an account that has no root rights itself."""

import hashlib
import shlex
from collections.abc import Iterator
from pathlib import Path

from core.host.docker_trust import Change, Step, TrustPlan
from core.host.trust_record import RECORD_NAME, Record, read_record


def shell_commands(plan: TrustPlan, ca_file: Path) -> list[str]:
    """The same as commands for an account that may use sudo, to be read and copied."""
    lines = []
    for step in plan.to_do:
        path = shlex.quote(str(step.path))
        backup = shlex.quote(str(step.backup)) if step.backup else ""
        if step.change is Change.REPLACE and backup:
            lines.append(f"sudo cp -a {path} {backup}")
        if step.change in {Change.NEW, Change.REPLACE}:
            lines.append(f"sudo install -D -m 644 {shlex.quote(str(ca_file))} {path}")
        elif step.change is Change.RESTORE:
            lines.append(f"sudo mv {backup} {path}")
        else:
            lines.append(f"sudo rm {path}")
    return lines


def shell_script(plan: TrustPlan) -> str:
    """The same as a script for root, with the certificates and the records in it."""
    lines = ["#!/bin/sh", "# Written by eksa-mirror; run it as root: sudo sh FILE", "set -eu"]
    lines += ["umask 022"]
    for step in plan.to_do:
        lines += _script_of_step(step, plan.ca)
    return "\n".join([*lines, ""])


def keychain_command(ca_file: Path, *, remove: bool = False) -> str:
    """What does it on macOS, where docker takes the keychain's word; docker is restarted then."""
    path = shlex.quote(str(ca_file))
    if remove:
        return f"sudo security remove-trusted-cert -d {path}"
    keychain = "/Library/Keychains/System.keychain"
    return f"sudo security add-trusted-cert -d -r trustRoot -k {keychain} {path}"


def _script_of_step(step: Step, ca: bytes) -> Iterator[str]:
    folder, path = shlex.quote(str(step.folder)), shlex.quote(str(step.path))
    record_file = shlex.quote(str(step.folder / RECORD_NAME))
    backup = shlex.quote(str(step.backup)) if step.backup else ""
    if step.change in {Change.NEW, Change.REPLACE}:
        made = tuple(
            str(one) for one in reversed((step.folder, *step.folder.parents)) if not one.exists()
        )
        name = step.backup.name if step.backup else ""
        note = Record(hashlib.sha256(ca).hexdigest(), name, made)
        yield f"mkdir -p {folder}"
        yield f"printf '%s\\n' {shlex.quote(note.dump().decode().strip())} > {record_file}"
        if backup:
            yield f"cp -a {path} {backup}"
        yield f"rm -f {path}"  # it may be a link
        yield f"cat > {path} <<'END'\n{ca.decode('ascii')}END"
        yield f"chmod 644 {path} {record_file}"
        return
    yield f"mv {backup} {path}" if step.change is Change.RESTORE else f"rm {path}"
    yield f"rm -f {record_file}"
    record = read_record(step.folder)
    for folder in reversed(record.made if record else ()):
        yield f"rmdir {shlex.quote(folder)} 2>/dev/null || :"
