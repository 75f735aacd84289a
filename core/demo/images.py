"""Images of the sample: layers of made-up files, and configs that docker accepts."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from core.demo.catalog import SAME_TOP_LAYER, ReleaseImage
from core.demo.content import Content, Entry, Fill, program_like, tar_of
from core.oci import canonical_json, digest_of
from core.reference import Reference

CREATED = "2026-07-25T17:20:00Z"
BASES = (("al2023", "glibc", "certificates"), ("minimal", "go-runner"))
"""Layers that images share, lowest first; images take the one row or the other in turn."""

_FILE_BYTES = 2 * 1024 * 1024
_MOST_FILES = 24
_LEAST_LAYER = 4096
_TAR_OVERHEAD = 3 * 512


@dataclass(frozen=True, slots=True)
class Layer:
    """An uncompressed layer."""

    diff_id: str
    content: Content


@dataclass(frozen=True, slots=True)
class Image:
    """An image as docker keeps it: a config, and a layer for each of its diff IDs."""

    reference: Reference
    config: bytes
    layers: tuple[Layer, ...]

    @property
    def config_digest(self) -> str:
        """What docker calls the image ID."""
        return digest_of(self.config)


def make_images(
    chosen: Sequence[ReleaseImage], total_bytes: int, seed: str, fill: Fill = program_like
) -> list[Image]:
    """Make the images.

    Args:
        chosen: which ones.
        total_bytes: of all distinct layers together, about.
        seed: decides every byte of content.
        fill: makes the files.

    Returns:
        One image for each of `chosen`. Neighbours share base layers in turn; each has two layers of
        its own, except that those of `SAME_TOP_LAYER` end in the same one.
    """
    names = [_layer_names(number, image) for number, image in enumerate(chosen)]
    distinct = sorted({name for image in names for name in image})
    weights = {name: _weight(name, seed) for name in distinct}
    unit = total_bytes / sum(weights.values())
    layers = {name: _layer(name, int(unit * weights[name]), seed, fill) for name in distinct}
    return [
        _image(image.reference, [layers[name] for name in image_names])
        for image, image_names in zip(chosen, names, strict=True)
    ]


def _layer_names(number: int, image: ReleaseImage) -> list[str]:
    own = f"{image.reference.repository}:{image.reference.tag}"
    top = "/".join(SAME_TOP_LAYER) if image.reference.repository in SAME_TOP_LAYER else own
    return [*BASES[number % len(BASES)], f"{own}/program", f"{top}/licenses"]


def _weight(name: str, seed: str) -> float:
    """Sizes as in real images: many small layers, few large ones (1 to about 12)."""
    return 1 + (hashlib.sha256(f"{seed}/{name}".encode()).digest()[0] / 77) ** 2


def _layer(name: str, size: int, seed: str, fill: Fill) -> Layer:
    """A tar of about `size` bytes with a folder and some files."""
    room = max(size, _LEAST_LAYER) - _TAR_OVERHEAD
    files = min(1 + room // _FILE_BYTES, _MOST_FILES)
    each = max(room // files - 512, 512)
    folder = f"opt/{name.replace(':', '/')}/"
    entries = [Entry(folder)]
    entries += [
        Entry(
            f"{folder}{number:02}.bin",
            fill(f"{seed}/{name}/{number}", each),
            executable=True,
        )
        for number in range(files)
    ]
    content = tar_of(entries)
    return Layer(content.digest(), content)


def _image(reference: Reference, layers: Sequence[Layer]) -> Image:
    history: list[dict[str, object]] = [
        {"created": CREATED, "created_by": f"COPY {layer.diff_id[7:19]} /"} for layer in layers
    ]
    history.append({"created": CREATED, "created_by": "ENTRYPOINT /run", "empty_layer": True})
    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": CREATED,
        "config": {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Entrypoint": ["/run"],
            "WorkingDir": "/",
            "Labels": {"org.opencontainers.image.ref.name": str(reference)},
        },
        "history": history,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
    }
    return Image(reference, canonical_json(config), tuple(layers))
