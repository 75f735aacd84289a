"""What hashing, compressing and encrypting a sample cost, each done alone in one thread."""

import hashlib
import ssl
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from core.archive.open import open_archive
from core.demo.certificates import Authority
from core.demo.sample import Sample
from core.transfer.compression import Compression

_BLOCK = 64 * 1024
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


class _Clock:
    """Adds up seconds of CPU by the name of what was done."""

    def __init__(self, *names: str) -> None:
        self.spent = dict.fromkeys(names, 0.0)

    def run(
        self, name: str, work: Callable[_Given, _Result], *given: _Given.args, **more: _Given.kwargs
    ) -> _Result:
        began = time.process_time()
        result = work(*given, **more)
        self.spent[name] += time.process_time() - began
        return result


def split(sample: Sample, codec: str) -> dict[str, float]:
    """Seconds of CPU by `hashes`, `compression` and `TLS`."""
    clock = _Clock("hashes", "compression", "TLS")
    compression = Compression.parse(codec)
    with open_archive(sample.archive) as archive, tempfile.TemporaryDirectory() as folder:
        sender = _Sender(Path(folder))
        found = {blob.digest: blob for one in archive.artifacts for blob in one.content.all_blobs()}
        for blob in found.values():
            stored = sent = list(blob.blocks())
            clock.run("hashes", _hash, stored)
            if blob.compressible:
                sent = clock.run("compression", _compressed, compression, stored, blob.size)
                clock.run("hashes", _hash, sent)
            clock.run("TLS", sender.send, sent)
    return clock.spent


def _compressed(compression: Compression, blocks: list[bytes], size: int) -> list[bytes]:
    return list(compression.apply(blocks, size))


def _hash(blocks: list[bytes]) -> None:
    hasher = hashlib.sha256()
    for block in blocks:
        hasher.update(block)


class _Sender:
    """The sending end of a TLS connection whose other end is in memory, too."""

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder)
        shown = authority.issue("split")
        theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        theirs.load_cert_chain(shown.certificate_file, shown.key_file)
        ours = ssl.create_default_context(cafile=str(authority.ca_file))
        self._out, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._client = ours.wrap_bio(back, self._out, server_hostname="127.0.0.1")
        server = theirs.wrap_bio(self._out, back, server_side=True)
        _shake_hands(self._client, server)
        self._out.read()

    def send(self, blocks: list[bytes]) -> None:
        """Encrypt, and throw away."""
        for block in blocks:
            for start in range(0, len(block), _BLOCK):
                self._client.write(memoryview(block)[start : start + _BLOCK])
                self._out.read()


def _shake_hands(*ends: ssl.SSLObject) -> None:
    left = set(ends)
    while left:
        for end in tuple(left):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            left.discard(end)
