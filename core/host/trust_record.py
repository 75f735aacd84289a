"""The record beside an installed CA: what was put there, and what was there before."""

import json
from dataclasses import dataclass
from pathlib import Path

RECORD_NAME = ".eksa-mirror.json"

_VERSION = 1
_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Record:
    """What was installed in a folder.

    Attributes:
        sha256: of the file that was installed, in hex.
        backup: name of the file that it replaced; empty where there was none.
        made: folders that were made for it, outermost first.
    """

    sha256: str
    backup: str = ""
    made: tuple[str, ...] = ()

    def dump(self) -> bytes:
        """As it is written."""
        document = {
            "version": _VERSION,
            "sha256": self.sha256,
            "backup": self.backup,
            "made": list(self.made),
        }
        return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def read_record(folder: Path) -> Record | None:
    """The record of a folder; None where there is none, or none that makes sense.

    Raises:
        PermissionError: it cannot be seen.
    """
    try:
        with (folder / RECORD_NAME).open("rb") as file:
            document = json.loads(file.read(_MAX_BYTES))
        record = Record(document["sha256"], document["backup"], tuple(document["made"]))
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError, RecursionError):
        return None
    names = (record.sha256, record.backup, *record.made)
    sound = all(isinstance(name, str) for name in names) and "/" not in record.backup
    return record if sound else None
