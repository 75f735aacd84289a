"""What upstream's tags meant when they were first asked for.

A tag may move while a download is interrupted. The manifests that it named are kept beside the
archive, so that the next start goes on with the same content.
"""

import threading
from pathlib import Path

from core.fetch.record import line_of, read_lines
from core.files import write_atomically
from core.oci import Manifest, digest_of, parse_manifest

_FILE = "pins.jsonl"


class Pins:
    """Manifests by reference and by digest.

    Args:
        folder: where they outlive this process; None keeps them in memory.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._roots: dict[str, tuple[str, str]] = {}
        self._contents: dict[str, bytes] = {}
        if folder:
            self._roots.update(read_lines(folder / _FILE, _root))

    def root(self, reference: str) -> Manifest | None:
        """What a reference named; None where it was not asked for yet."""
        digest, media_type = self._roots.get(reference, ("", ""))
        return self.manifest(digest, media_type) if digest else None

    def manifest(self, digest: str, media_type: str) -> Manifest | None:
        """The manifest of that digest; None where it was not kept, or its file is damaged."""
        content = self._contents.get(digest)
        if content is None and self._folder:
            file = _file(self._folder, digest)
            content = file.read_bytes() if file.exists() else None
        if content is None or digest_of(content) != digest:
            return None
        return parse_manifest(content, media_type)

    def keep(self, manifest: Manifest, reference: str = "") -> None:
        """Keep a manifest, and what named it.

        Raises:
            OSError: the folder cannot be written.
        """
        digest = manifest.digest
        with self._lock:
            if self._folder is None:
                self._contents[digest] = manifest.content
            else:
                write_atomically(_file(self._folder, digest), manifest.content)
            if reference:
                self._roots[reference] = digest, manifest.media_type
                self._note(reference, digest, manifest.media_type)

    def _note(self, reference: str, digest: str, media_type: str) -> None:
        if self._folder is None:
            return
        with (self._folder / _FILE).open("a") as file:
            file.write(line_of(reference=reference, digest=digest, media_type=media_type))


def _root(noted: dict[str, str]) -> tuple[str, tuple[str, str]]:
    return noted["reference"], (noted["digest"], noted["media_type"])


def _file(folder: Path, digest: str) -> Path:
    return folder / f"manifest-{digest.removeprefix('sha256:')}.json"
