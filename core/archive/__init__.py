"""Tarballs and layouts that hold artifacts: opened without unpacking, read by offset."""

from core.archive.archive import Archive
from core.archive.downloads import Downloads, is_downloads
from core.archive.open import open_archive
from core.archive.zipped import scratch_needed

__all__ = ["Archive", "Downloads", "is_downloads", "open_archive", "scratch_needed"]
