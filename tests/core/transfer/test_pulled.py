"""What compressed layers are worth: docker, containerd and skopeo take them, or say that they do
not."""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from docker.errors import APIError

from core.archive.model import Blob
from core.demo.registry import DemoRegistry
from core.oci import (
    DOCKER_CONFIG,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_LAYER_ZSTD,
    OCI_MANIFEST,
    digest_of,
)
from core.transfer.compression import LARGE, Compression
from tests.core.transfer.making import config_of, layer, noise, saved_image, site, upstream
from tests.fixtures.private_docker import PrivateDocker
from tests.fixtures.tools import Registry, Skopeo, need

SECONDS = 60


def tar_layer(name: str, content: bytes) -> Blob:
    """A layer that holds one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return layer(buffer.getvalue())


MARK = noise("mark", 50_000)
LAYERS = tar_layer("small", MARK), tar_layer("large", MARK + bytes(LARGE) + MARK)
"""The second is made in pieces; its ends tell whether all of it was unpacked in its order."""

IMAGE = saved_image(upstream("app"), *LAYERS)


@contextmanager
def imported(registry: Registry, namespace: str, folder: Path, codec: str) -> Iterator[str]:
    """The image in the registry; its name there."""
    compression = Compression.parse(codec)
    with site(registry, namespace, folder / "j.sqlite", compression=compression) as place:
        place.move(IMAGE)
        assert place.states() == {"app": "done"}
        yield f"{place.repository('app')}:v1"


@pytest.mark.parametrize(
    ("codec", "manifest_type", "config_type", "layer_type"),
    [
        ("gzip:1", DOCKER_MANIFEST, DOCKER_CONFIG, DOCKER_LAYER_GZIP),
        ("zstd:3", OCI_MANIFEST, OCI_CONFIG, OCI_LAYER_ZSTD),
    ],
)
def test_skopeo_reads_every_byte(
    codec: str,
    manifest_type: str,
    config_type: str,
    layer_type: str,
    registry: DemoRegistry,
    namespace: str,
    skopeo: Skopeo,
    tmp_path: Path,
) -> None:
    with imported(registry, namespace, tmp_path, codec) as name:
        manifest = skopeo.manifest(registry, name)
        skopeo.copy_out(registry, name, f"dir:{tmp_path / 'out'}")
        config = skopeo.config(registry, name)
    assert manifest.media_type == manifest_type
    assert manifest.config
    assert manifest.config.media_type == config_type
    assert manifest.config.digest == config_of(IMAGE).digest
    assert {one.media_type for one in manifest.layers} == {layer_type}
    assert len(config["rootfs"]["diff_ids"]) == 2


@pytest.mark.parametrize("codec", ["gzip:1", "gzip:6"])
def test_docker_unpacks_a_layer_in_pieces(
    codec: str,
    registry: DemoRegistry,
    namespace: str,
    private_docker: PrivateDocker,
    tmp_path: Path,
) -> None:
    with imported(registry, namespace, tmp_path, codec) as name:
        client = private_docker.client
        image = client.images.pull(f"{registry.address}/{name}", auth_config=login(registry))
        try:
            assert image.id == config_of(IMAGE).digest
            check_saved(b"".join(image.save()))
        finally:
            client.images.remove(str(image.id), force=True)


def test_docker_before_23_refuses_zstd(
    registry: DemoRegistry, namespace: str, private_docker: PrivateDocker, tmp_path: Path
) -> None:
    version = private_docker.client.version()["Version"]
    if int(version.partition(".")[0]) >= 23:
        pytest.skip(f"docker {version} takes zstd")
    with imported(registry, namespace, tmp_path, "zstd:3") as name:
        low_level = private_docker.client.api
        said = list(
            low_level.pull(
                f"{registry.address}/{name}", auth_config=login(registry), stream=True, decode=True
            )
        )
    assert any("error" in line for line in said), said
    with pytest.raises(APIError):
        private_docker.client.images.get(f"{registry.address}/{name}")


@pytest.mark.parametrize("codec", ["gzip:1", "zstd:3"])
def test_containerd_unpacks_a_layer_in_pieces(
    codec: str,
    registry: DemoRegistry,
    namespace: str,
    private_docker: PrivateDocker,
    tmp_path: Path,
) -> None:
    need("ctr")
    root = tmp_path / "root"
    root.mkdir()
    with imported(registry, namespace, tmp_path, codec) as name:
        reference = f"{registry.address}/{name}"
        ctr = Ctr(private_docker, codec.replace(":", "-"))
        user = f"{registry.username}:{registry.password.get_secret_value()}"
        ctr.run("pull", "--hosts-dir", trusting(tmp_path, registry), "--user", user, reference)
    ctr.run("mount", reference, root)
    try:
        content = (root / "large").read_bytes()
        assert len(content) == LARGE + 2 * len(MARK)
        assert content.startswith(MARK)
        assert content.endswith(MARK)
        assert (root / "small").read_bytes() == MARK
    finally:
        ctr.run("unmount", root)


class Ctr:
    """The command of containerd, to the one that a private docker has.

    Args:
        space: images of one are not seen from another.
    """

    def __init__(self, daemon: PrivateDocker, space: str) -> None:
        home = Path(daemon.host.removeprefix("unix://")).parent
        socket = home / "exec" / "containerd" / "containerd.sock"
        self._command = ["ctr", "--address", str(socket), "--namespace", space, "image"]

    def run(self, verb: str, *words: str | Path) -> None:
        """One command about images."""
        snapshots = [] if verb == "unmount" else ["--snapshotter", "native"]
        subprocess.run(
            [*self._command, verb, *snapshots, *map(str, words)],
            check=True,
            capture_output=True,
            timeout=SECONDS,
        )


def trusting(folder: Path, registry: Registry) -> Path:
    """A folder that tells containerd who signed the registry's certificate."""
    hosts = folder / "hosts"
    (hosts / registry.address).mkdir(parents=True)
    (hosts / registry.address / "hosts.toml").write_text(
        f'[host."https://{registry.address}"]\n'
        f'capabilities = ["pull", "resolve"]\nca = "{registry.ca_file}"\n'
    )
    return hosts


def login(registry: Registry) -> dict[str, str]:
    """For docker's SDK."""
    return {"username": registry.username, "password": registry.password.get_secret_value()}


def check_saved(content: bytes) -> None:
    """What docker gives out again is what the archive held."""
    with tarfile.open(fileobj=io.BytesIO(content)) as saved:
        found = {
            digest_of(file.read())
            for entry in saved
            if entry.name.endswith("layer.tar") and (file := saved.extractfile(entry))
        }
    assert found == {blob.digest for blob in LAYERS}
