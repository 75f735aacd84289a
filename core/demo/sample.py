"""Writes a sample release: the tarball of images, and the manifests that say what it must hold.

The layout is that of `eksctl anywhere download images` and `download artifacts`; only the content
is made up. The same spec always gives the same bytes.
"""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from isal import isal_zlib

from core.demo import catalog
from core.demo.charts import pack_chart
from core.demo.content import Content, Entry, Fill, program_like, tar_of
from core.demo.docker_save import classic, docker25
from core.demo.images import Image, make_images
from core.demo.release import BUNDLES_FILE, DOWNLOADS, package_bundle_yaml, release_files
from core.errors import Code, EksaMirrorError, UsageError
from core.oci import digest_of
from core.reference import Artifact, Kind, Reference

TOOLS_FILE = "tools-image.tar"
IMAGES_FILE = "images.tar"


class Layout(StrEnum):
    """How docker saved the images."""

    CLASSIC = "classic"
    DOCKER25 = "docker25"


@dataclass(frozen=True, slots=True)
class SampleSpec:
    """What the sample is like.

    Attributes:
        images: how many the tarball holds; see `core.demo.catalog` for what they are.
        megabytes: size of all distinct layers together, about; in units of 1,000,000 bytes.
        seed: decides every byte of the layers.
        gzip: write `images.tar.gz` in place of `images.tar`.
        layout: how docker saved the images.
        leave_out: a reference that the manifests require and the tarball lacks; or empty.
        extra: a reference that the tarball holds and nothing requires; or empty.
    """

    images: int = len(catalog.ALWAYS)
    megabytes: float = 0.3
    seed: str = "1"
    gzip: bool = False
    layout: Layout = Layout.CLASSIC
    leave_out: str = ""
    extra: str = ""


BENCHMARK = SampleSpec(images=20, megabytes=780)
"""780 MB in 20 images with 44 distinct layers."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A chart or a package bundle as the tarball holds it."""

    reference: Reference
    name: str
    content: bytes

    @property
    def digest(self) -> str:
        """Of the bytes, as they become a layer in a registry."""
        return digest_of(self.content)


@dataclass(frozen=True, slots=True)
class Sample:
    """What was written, so that tests can judge what becomes of it.

    Attributes:
        folder: where it lies.
        archive: `images.tar` or `images.tar.gz`.
        bundles: the Bundles manifest; the paths in it are relative to `folder`.
        downloads: the folder that `bundles` lies in, as a .tar.gz.
        images: what the tarball holds, the tools image first, the others sorted by name.
        charts: the charts in the tarball.
        package_bundles: the package bundles in the tarball.
        required: what the manifests require, in the tarball or not: images, then charts, then
            package bundles, sorted.
    """

    folder: Path
    archive: Path
    bundles: Path
    downloads: Path
    images: tuple[Image, ...]
    charts: tuple[StoredFile, ...]
    package_bundles: tuple[StoredFile, ...]
    required: tuple[Artifact, ...]

    @property
    def layer_bytes(self) -> int:
        """Bytes of all distinct layers together, uncompressed."""
        layers = {layer.diff_id: layer for image in self.images for layer in image.layers}
        return sum(layer.content.size for layer in layers.values())

    def image(self, reference: Reference) -> Image:
        """The image of that name; KeyError where the tarball lacks it."""
        return {image.reference: image for image in self.images}[reference]


def write_sample(folder: Path, spec: SampleSpec | None = None, fill: Fill = program_like) -> Sample:
    """Write a sample release into `folder`, which is made where it is missing.

    Memory stays at a few MiB whatever the size; about twice the layers' bytes are made, once for
    their digests and once for the tarball.

    Args:
        fill: makes the files of the layers.

    Raises:
        UsageError: the spec asks for what there is not.
        MirrorError: `extra` is not a reference.
        EksaMirrorError: the folder cannot be written (`bad-usage`) or is full (`disk-full`).
    """
    spec = spec or SampleSpec()
    released = catalog.images(spec.images)
    images = _images(_stored(released, spec), spec, fill)
    charts = [StoredFile(c.reference, c.file_name, pack_chart(c)) for c in catalog.CHARTS]
    bundles = _package_bundles()
    archive = folder / (f"{IMAGES_FILE}.gz" if spec.gzip else IMAGES_FILE)
    downloads = folder / f"{DOWNLOADS}.tar.gz"
    files = release_files(released)
    with _writing(folder):
        _write(archive, _archive(images, [*charts, *bundles], spec.layout))
        _write(downloads, _downloads(files))
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
    return Sample(
        folder=folder,
        archive=archive,
        bundles=folder / BUNDLES_FILE,
        downloads=downloads,
        images=tuple(images),
        charts=tuple(charts),
        package_bundles=tuple(bundles),
        required=_required(released, charts, bundles),
    )


def _stored(
    released: Sequence[catalog.ReleaseImage], spec: SampleSpec
) -> list[catalog.ReleaseImage]:
    stored = [image for image in released if str(image.reference) != spec.leave_out]
    if spec.leave_out and len(stored) == len(released):
        raise UsageError(
            Code.BAD_USAGE, f"The sample has no image “{spec.leave_out}” to leave out."
        )
    if spec.extra:
        extra = Reference.parse(spec.extra)
        if extra in {image.reference for image in released}:
            raise UsageError(Code.BAD_USAGE, f"“{extra}” is no extra: the sample has it already.")
        stored.append(catalog.ReleaseImage(extra, ()))
    return stored


def _images(stored: Sequence[catalog.ReleaseImage], spec: SampleSpec, fill: Fill) -> list[Image]:
    """The tools image first, the others sorted by name, as `docker save` is asked for them."""
    images = make_images(stored, round(spec.megabytes * 1_000_000), spec.seed, fill)
    tools = catalog.TOOLS.reference
    return sorted(images, key=lambda image: (image.reference != tools, str(image.reference)))


def _package_bundles() -> list[StoredFile]:
    return [
        StoredFile(
            catalog.package_bundle(kube),
            catalog.package_bundle_file(kube),
            package_bundle_yaml(kube),
        )
        for kube in catalog.KUBE_VERSIONS
    ]


def _required(
    released: Sequence[catalog.ReleaseImage],
    charts: Sequence[StoredFile],
    bundles: Sequence[StoredFile],
) -> tuple[Artifact, ...]:
    images = [Artifact(Kind.IMAGE, image.reference) for image in released if image.imported]
    files = [Artifact(Kind.CHART, chart.reference) for chart in charts]
    lists = [Artifact(Kind.PACKAGE_BUNDLE, bundle.reference) for bundle in bundles]
    return (*sorted(images), *sorted(files), *sorted(lists))


def _archive(images: Sequence[Image], files: Sequence[StoredFile], layout: Layout) -> Content:
    save = {Layout.CLASSIC: classic, Layout.DOCKER25: docker25}[layout]
    tools = [image for image in images if image.reference == catalog.TOOLS.reference]
    others = [image for image in images if image not in tools]
    entries = [Entry(file.name, Content.of(file.content)) for file in files]
    entries.append(Entry(IMAGES_FILE, save(others)))
    if tools:
        entries.append(Entry(TOOLS_FILE, save(tools)))
    return tar_of(sorted(entries, key=lambda entry: entry.name))


def _downloads(files: dict[str, bytes]) -> Content:
    folders = {str(parent) for path in files for parent in Path(path).parents if parent.name}
    entries = [Entry(f"{folder}/") for folder in folders]
    entries += [Entry(path, Content.of(content)) for path, content in files.items()]
    return tar_of(sorted(entries, key=lambda entry: entry.name))


def _write(path: Path, content: Content) -> None:
    blocks = content.blocks()
    with path.open("wb") as file:
        file.writelines(_gzipped(blocks) if path.suffix == ".gz" else blocks)


def _gzipped(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """One gzip member without a time, so the same every day."""
    zipper = isal_zlib.compressobj(level=2, wbits=31)
    for block in blocks:
        yield zipper.compress(block)
    yield zipper.flush()


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise EksaMirrorError(
            Code.DISK_FULL if full else Code.BAD_USAGE,
            f"The sample cannot be written: {error.strerror}.",
            where=str(folder),
            cause="The disk is full." if full else "The account may not write there.",
            mend="Choose another folder.",
        ) from error
