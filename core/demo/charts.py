"""Helm charts of the sample, packed as `helm package` packs them."""

import struct
import zlib

import yaml

from core.demo.catalog import ReleaseChart
from core.demo.content import Content, Entry, tar_of

_HAS_EXTRA_AND_COMMENT = 0x14
_MARK = b"+sample"


def pack_chart(chart: ReleaseChart) -> bytes:
    """A .tgz with Chart.yaml, values.yaml and a template below a folder named like the chart."""
    name = chart.reference.repository.rpartition("/")[2]
    about = {
        "apiVersion": "v2",
        "name": name,
        "version": chart.reference.tag,
        "appVersion": chart.reference.tag,
        "description": f"{name} of the sample release",
        "type": "application",
    }
    image = {"repository": f"{chart.reference.registry}/{chart.reference.repository}"}
    values = {"image": image | {"tag": f"v{chart.reference.tag}"}, "replicas": 1}
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {"image": "{{ .Values.image.repository }}:{{ .Values.image.tag }}"},
    }
    files = {"Chart.yaml": about, "values.yaml": values, "templates/settings.yaml": settings}
    entries = [
        Entry(f"{name}/{path}", Content.of(yaml.safe_dump(content).encode()))
        for path, content in files.items()
    ]
    return _gzip_like_helm(b"".join(tar_of(entries).blocks()))


def _gzip_like_helm(content: bytes) -> bytes:
    """Gzip with an extra field and the comment Helm, which some readers stumble over (RFC 1952)."""
    header = struct.pack("<4BIBB", 0x1F, 0x8B, 8, _HAS_EXTRA_AND_COMMENT, 0, 0, 255)
    extra = struct.pack("<H", len(_MARK)) + _MARK
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(content) + deflate.flush()
    trailer = struct.pack("<II", zlib.crc32(content), len(content))
    return header + extra + b"Helm\0" + body + trailer
