"""What a registry really holds, found without any code of this project but its samples."""

import gzip
import hashlib
import json
from collections.abc import Iterable, Sequence

import urllib3

from core.demo.images import Image
from core.demo.registry import DemoRegistry
from core.transfer.records import ArtifactRow

_ACCEPT = ", ".join(
    (
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
    )
)


class Truth:
    """Reads everything back from the registry behind the proxy, past the proxy."""

    def __init__(self, registry: DemoRegistry, images: Iterable[Image]) -> None:
        login = f"{registry.username}:{registry.password.get_secret_value()}"
        self._url = registry.url
        self._headers = urllib3.make_headers(basic_auth=login) if registry.username else {}
        self._pool = urllib3.PoolManager(ca_certs=str(registry.ca_file), retries=False)
        self._images = {str(image.reference): image for image in images}

    def confirms(self, rows: Sequence[ArtifactRow]) -> None:
        """Fail where one that is said to have arrived is not there, whole and the right one."""
        with self._pool:
            for row in rows:
                if row.state.arrived:
                    self._confirm(row)

    def _confirm(self, row: ArtifactRow) -> None:
        _, _, name = row.destination.partition("/")
        repository, _, tag = name.rpartition(":")
        content = self._get(f"{repository}/manifests/{tag}")
        assert _digest(content) == row.digest, row.destination
        manifest = json.loads(content)
        assert "layers" in manifest, row.destination
        for blob in (manifest["config"], *manifest["layers"]):
            held = self._get(f"{repository}/blobs/{blob['digest']}")
            assert (_digest(held), len(held)) == (blob["digest"], blob["size"]), row.destination
        if image := self._images.get(row.source):
            assert manifest["config"]["digest"] == image.config_digest
            unpacked = [
                _digest(gzip.decompress(self._get(f"{repository}/blobs/{layer['digest']}")))
                for layer in manifest["layers"]
            ]
            assert unpacked == [layer.diff_id for layer in image.layers]

    def _get(self, path: str) -> bytes:
        answer = self._pool.request(
            "GET", f"{self._url}/v2/{path}", headers={**self._headers, "Accept": _ACCEPT}
        )
        assert answer.status == 200, path
        return answer.data


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
