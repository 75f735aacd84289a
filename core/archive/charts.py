"""Helm charts: the .tgz as it is, with the manifest that `helm push` would write.

Source: helm `pkg/registry/{client,chart,constants}.go`. The annotation with the time of the push is
left out, so that the same chart has the same manifest on every run.
"""

from collections.abc import Mapping
from typing import Any

import yaml

from core.archive.model import Blob, ReadyManifest, StoredArtifact
from core.archive.sources import MemoryBytes
from core.archive.tarindex import TarTree, is_tar
from core.archive.tree import MIB, Region, Tree
from core.archive.trouble import damaged, hostile, shown
from core.archive.zipped import gunzip
from core.oci import HELM_CHART, HELM_CONFIG, OCI_MANIFEST, canonical_json, digest_of
from core.reference import Kind, Reference

_MAX_TGZ = 64 * MIB
_MAX_UNZIPPED = 100 * MIB
"""helm itself refuses charts that unzip to more."""
_MAX_CHART_YAML = MIB

_TEXTS = (
    "name",
    "home",
    "version",
    "description",
    "icon",
    "apiVersion",
    "condition",
    "tags",
    "appVersion",
    "kubeVersion",
    "type",
)
_MAINTAINER_TEXTS = ("name", "email", "url")
_DEPENDENCY_TEXTS = ("name", "version", "repository", "condition", "alias")
_OCI = "org.opencontainers.image."
_FIXED_ANNOTATIONS = frozenset({_OCI + "title", _OCI + "version"})


def chart_artifact(region: Region, file_name: str) -> StoredArtifact:
    """A chart as it lies in the tarball of `download images`.

    Raises:
        ArchiveError: `archive-damaged` or `archive-truncated` where it cannot be unzipped or has
            no usable Chart.yaml, `archive-hostile` for absurd sizes.
    """
    content = region.read(_MAX_TGZ)
    metadata = _chart_metadata(content, region.entry)
    config_json = canonical_json(metadata)
    config = Blob(
        digest_of(config_json),
        len(config_json),
        HELM_CONFIG,
        f"{region.entry}: Chart.yaml",
        MemoryBytes(config_json),
    )
    layer = region.blob(digest_of(content), HELM_CHART)
    manifest = canonical_json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": config.descriptor(),
            "layers": [layer.descriptor()],
            "annotations": _annotations(metadata),
        }
    )
    ready = ReadyManifest(digest_of(manifest), OCI_MANIFEST, manifest, (config, layer))
    return StoredArtifact(
        Kind.CHART,
        shown(file_name),
        (),
        ready,
        chart_name=metadata["name"],
        chart_version=metadata["version"],
    )


def chart_file_name(reference: Reference) -> str:
    """The file under which `download images` stores a chart.

    Source: eks-anywhere `pkg/helm/download.go`: the last element of the URI, its first `:`
    replaced by `-`.
    """
    return str(reference).rpartition("/")[2].replace(":", "-", 1) + ".tgz"


def version_key(version: str) -> str:
    """A chart's version as it appears in a tag, where `+` is not allowed."""
    return version.replace("+", "_")


def chart_tree(content: bytes, where: str) -> TarTree:
    """The files of a .tgz.

    Raises:
        ArchiveError: `archive-damaged`, `archive-truncated`, `archive-hostile`.
    """
    unzipped = gunzip(content, _MAX_UNZIPPED, where)
    if unzipped is None:
        raise hostile(f"It unzips to more than {_MAX_UNZIPPED:,} bytes.", where)
    if not is_tar(unzipped):
        raise damaged("It is no chart: there is no tarball in it.", where)
    return TarTree(MemoryBytes(unzipped), where)


def chart_yaml_name(tree: Tree) -> str:
    """Name of the Chart.yaml of a chart's own folder; empty where the tarball is no chart."""
    for name in tree.names():
        folder, _, file = name.partition("/")
        if folder and file == "Chart.yaml":
            return name
    return ""


def _chart_metadata(content: bytes, where: str) -> dict[str, Any]:
    tree = chart_tree(content, where)
    region = tree.find(name) if (name := chart_yaml_name(tree)) else None
    if region is None:
        raise damaged("It is no chart: there is no Chart.yaml in it.", where)
    try:
        document = _load_yaml(region.read(_MAX_CHART_YAML))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise damaged(f"It is not valid YAML ({error}).", region.entry) from None
    metadata = _metadata(document) if isinstance(document, Mapping) else {}
    if not metadata.get("name") or not metadata.get("version"):
        raise damaged("It has no name and version.", region.entry)
    return metadata


class _ChartLoader(yaml.BaseLoader):
    """Keeps scalars as they are written; refuses aliases, with which 1 kB can mean terabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not supported")
        return super().compose_node(parent, index)


def _load_yaml(content: bytes) -> Any:
    loader = _ChartLoader(content)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _metadata(document: Mapping[Any, Any]) -> dict[str, Any]:
    """The fields of helm's `chart.Metadata`, empty ones left out as Go does."""
    return _without_empty(
        _texts(document, _TEXTS)
        | {
            "sources": _list_of_texts(document.get("sources")),
            "keywords": _list_of_texts(document.get("keywords")),
            "annotations": _map_of_texts(document.get("annotations")),
            "deprecated": _is_true(document.get("deprecated")),
            "maintainers": [
                _texts(item, _MAINTAINER_TEXTS) for item in _mappings(document.get("maintainers"))
            ],
            "dependencies": [_dependency(item) for item in _mappings(document.get("dependencies"))],
        }
    )


def _dependency(item: Mapping[Any, Any]) -> dict[str, Any]:
    # helm writes `repository` even where it is empty.
    fields = {
        "tags": _list_of_texts(item.get("tags")),
        "enabled": _is_true(item.get("enabled")),
        "import-values": _import_values(item.get("import-values")),
    }
    return {"name": "", "repository": ""} | _without_empty(_texts(item, _DEPENDENCY_TEXTS) | fields)


def _import_values(value: Any) -> list[Any]:
    if not isinstance(value, list):
        return []
    return [_text(item) or _map_of_texts(item) for item in value]


def _annotations(metadata: Mapping[str, Any]) -> dict[str, str]:
    sources = metadata.get("sources", [])
    found = {
        _OCI + "description": metadata.get("description", ""),
        _OCI + "title": metadata["name"],
        _OCI + "version": metadata["version"],
        _OCI + "url": metadata.get("home", ""),
        _OCI + "source": sources[0] if sources else "",
        _OCI + "authors": ", ".join(map(_author, metadata.get("maintainers", []))),
    }
    found = {key: value for key, value in found.items() if value.strip()}
    own = metadata.get("annotations", {})
    return found | {key: own[key] for key in own if key not in _FIXED_ANNOTATIONS}


def _author(maintainer: Mapping[str, str]) -> str:
    email = maintainer.get("email", "")
    return maintainer.get("name", "") + (f" ({email})" if email else "")


def _texts(item: Mapping[Any, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: text for key in keys if (text := _text(item.get(key)))}


def _text(value: Any) -> str:
    if not isinstance(value, str) or value in {"null", "~"}:
        return ""
    # An escape such as "\ud800" makes text that cannot be written as UTF-8.
    return value.encode(errors="replace").decode()


def _list_of_texts(value: Any) -> list[str]:
    return [_text(item) for item in value] if isinstance(value, list) else []


def _map_of_texts(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {_text(key): _text(item) for key, item in value.items() if isinstance(key, str)}


def _mappings(value: Any) -> list[Mapping[Any, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _is_true(value: Any) -> bool:
    return isinstance(value, str) and value.lower() == "true"


def _without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value}
