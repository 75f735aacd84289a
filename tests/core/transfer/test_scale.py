"""Far more than any release holds: what reads it stays quick, and small in memory."""

from pathlib import Path

import pytest

from tests.bench.scale import LAYERS, measured

MOST_MEMORY = 250_000_000


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_ten_thousand_images_with_a_hundred_thousand_layers(tmp_path: Path) -> None:
    images = 10_000
    stages = {stage.name: stage for stage in measured(tmp_path, images)}
    entries = images * (LAYERS + 1)
    # Time that it computed: other work on the machine does not count.
    assert stages["index of the archive"].cpu < entries / 10_000
    assert stages["plan"].cpu + stages["what is needed where"].cpu < 5
    assert stages["journal, first run"].cpu < 5
    assert stages["journal, resumed"].cpu < 5
    assert stages["what changed since"].cpu < 0.1
    assert stages["layers of 50 artifacts"].cpu < 0.1
    assert max(stage.peak for stage in stages.values()) < MOST_MEMORY
