"""Charts of the sample, as a reader that knows gzip and tar finds them."""

import gzip
import io
import tarfile

import pytest
import yaml

from core.demo.catalog import CHARTS, ReleaseChart
from core.demo.charts import pack_chart


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.file_name)
def test_a_chart_tells_name_and_version(chart: ReleaseChart) -> None:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(pack_chart(chart)))) as archive:
        name = chart.reference.repository.rpartition("/")[2]
        content = archive.extractfile(f"{name}/Chart.yaml")
        assert content is not None
        about = yaml.safe_load(content.read())
        assert f"{name}/values.yaml" in archive.getnames()
    assert (about["name"], about["version"]) == (name, chart.reference.tag)
    assert chart.file_name == f"{name}-{about['version']}.tgz"


def test_its_gzip_header_has_a_comment_as_helm_writes_it() -> None:
    packed = pack_chart(CHARTS[0])
    assert packed[3] & 0x14 == 0x14
    assert b"Helm\0" in packed[:40]
