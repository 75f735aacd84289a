"""A first glance at this machine, before anything is decided: docker, and room on the disk."""

import shutil
from pathlib import Path

from core.answers import Answers
from core.checks.admin_machine import check_docker
from core.checks.context import Context
from core.checks.finding import Finding, passed, warned
from core.files import nearest_existing
from core.units import size

ENOUGH = 10**9
"""Bytes that an import needs at most: its journal, log and reports."""


def glance_at_docker() -> Finding:
    """Does docker answer; may take some seconds."""
    with Context(Answers()) as context:
        return check_docker(context)


def glance_at_disk(folder: Path) -> Finding:
    """Is there room for what an import writes down.

    Args:
        folder: of the jobs; where it is not there yet, its nearest parent is asked.
    """
    place = nearest_existing(folder)
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return warned(f"{place} does not tell: {str(error.strerror).lower()}")
    if free < ENOUGH:
        return warned(
            f"{size(free)} free",
            effect="The import stops when its journal cannot be written.",
            mend=f"Make room in {place}.",
        )
    return passed(f"{size(free)}. The import unpacks nothing, 1 GB is enough.")
