"""How much goes out at a time: found once for all threads, as proxy and registry allow."""

import threading

SMALLEST_CHUNK = 64 * 1024
"""A proxy that refuses even this is told to the operator (HTTP 413)."""

LARGEST_FORCED_CHUNK = 64 * 1024 * 1024
"""What a registry may ask for at the most; each upload holds two chunks in memory."""


class ChunkSize:
    """Bytes of a chunk, the same for all threads: a proxy's limit is found once."""

    def __init__(self, wanted: int) -> None:
        self._lock = threading.Lock()
        self.value = wanted

    def raise_to(self, least: int) -> None:
        """The registry wants chunks of at least this size."""
        with self._lock:
            self.value = max(self.value, min(least, LARGEST_FORCED_CHUNK))

    def shrink_below(self, refused: int) -> bool:
        """A body of this size was refused; False where it cannot become smaller."""
        with self._lock:
            if refused <= SMALLEST_CHUNK:
                return False
            self.value = min(self.value, max(SMALLEST_CHUNK, refused // 2))
            return True
