"""What the tests of the mirror share."""

from pathlib import Path

import pytest

from tests.core.mirror.ground import Ground


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)
