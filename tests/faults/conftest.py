"""What tests of faults and quirks share: a small tarball, and retries that do not wait long."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from core.answers import ArtifactAnswers
from core.demo import catalog
from core.demo.charts import pack_chart
from core.demo.content import Content, Entry, tar_of
from core.demo.docker_save import classic
from core.demo.images import Image, make_images
from core.registry.retry import RetryPolicy
from core.transfer import worker

CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Tarball:
    """A tarball and what is in it: two images that share layers, and a chart.

    All of it is imported, as without a bundle manifest.
    """

    archive: Path
    images: tuple[Image, ...]

    @property
    def answers(self) -> ArtifactAnswers:
        return ArtifactAnswers(archive=self.archive, include_all=True)


def write_tarball(folder: Path, layer_bytes: int) -> Tarball:
    """Write one whose layers have so many bytes together."""
    chosen = [one for one in catalog.ALWAYS if one.reference.repository.startswith("eks/cilium")]
    images = make_images(chosen, layer_bytes, "faults")
    chart = catalog.CHARTS[0]
    entries = [
        Entry(chart.file_name, Content.of(pack_chart(chart))),
        Entry("images.tar", classic(images)),
    ]
    archive = folder / "images.tar"
    with archive.open("wb") as file:
        file.writelines(tar_of(entries).blocks())
    return Tarball(archive, tuple(images))


@pytest.fixture(scope="session")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Tarball:
    """One whose largest layers take two chunks of the smallest size."""
    return write_tarball(tmp_path_factory.mktemp("tarball"), 900_000)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts as many as in the field; only the waits between them are short."""

    def hasty(*, patience: float) -> RetryPolicy:
        return RetryPolicy(patience=patience, first_wait=0.01, longest_wait=0.03)

    monkeypatch.setattr(worker, "RetryPolicy", hasty)
