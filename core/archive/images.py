"""The images of one docker save file or OCI layout, or of both in one: newer dockers write both."""

from dataclasses import replace

from core.archive.docker_save import (
    LayerPool,
    SavedImage,
    digest_in_name,
    read_config,
    read_saved_images,
    saved_content,
)
from core.archive.layout import Layout, LayoutContent, Named, lists_as_published, read_index
from core.archive.model import ImageParts, StoredArtifact
from core.archive.names import full_reference, image_reference
from core.archive.shelf import Shelf
from core.archive.tree import Tree
from core.archive.trouble import shown
from core.eksa import PACKAGE_BUNDLES
from core.oci import HELM_CONFIG
from core.reference import Kind, Reference


def read_images(tree: Tree, shelf: Shelf, pool: LayerPool) -> None:
    """Put all that manifest.json and index.json list on the shelf.

    index.json leads where both are there, because it knows the manifests; manifest.json adds the
    names that docker knows, and tells that uncompressed layers come from `docker save`. Where
    index.json says that it lists what upstream published, it alone counts: manifest.json is there
    for docker.

    Raises:
        ArchiveError: see `read_saved_images`, `saved_content`, `read_index`, `Layout.content`.
    """
    saved = {} if lists_as_published(tree) else _by_config(tree)
    used: set[str] = set()
    layout = Layout(tree)
    for named in _grouped(read_index(tree)):
        content = layout.content(named[0].descriptor)
        known = [digest for digest in content.configs if digest in saved]
        used.update(known)
        names = [name for digest in known for name in saved[digest].names]
        artifact = _from_layout(named, names, content)
        if content.plain and known:
            parts, _ = saved_content(tree, saved[known[0]], pool)
            if isinstance(parts, ImageParts):
                artifact = replace(artifact, content=parts)
        shelf.add(artifact)
        if content.partial:
            shelf.note_partial(artifact.name, artifact.platforms)
    for digest, image in saved.items():
        if digest not in used:
            shelf.add(_from_saved(tree, image, digest, pool))


def _by_config(tree: Tree) -> dict[str, SavedImage]:
    """The images of manifest.json by config digest; one that is listed twice keeps all names."""
    found: dict[str, SavedImage] = {}
    for image in read_saved_images(tree):
        digest = digest_in_name(image.config) or read_config(tree, image.config)[0].digest
        earlier = found.get(digest)
        names = (*earlier.names, *image.names) if earlier else image.names
        found[digest] = replace(earlier or image, names=names)
    return found


def _grouped(listed: tuple[Named, ...]) -> list[list[Named]]:
    """Descriptors of the same content together: each tag of an image has one of its own."""
    groups: dict[str, list[Named]] = {}
    for named in listed:
        groups.setdefault(named.descriptor.digest, []).append(named)
    return list(groups.values())


def _from_saved(tree: Tree, image: SavedImage, digest: str, pool: LayerPool) -> StoredArtifact:
    content, platform = saved_content(tree, image, pool)
    references = tuple(filter(None, map(image_reference, image.names)))
    name = shown(image.names[0]) if image.names else _short(digest)
    platforms = (platform,) if platform else ()
    return StoredArtifact(Kind.IMAGE, name, references, content, platforms)


def _from_layout(
    named: list[Named], saved_names: list[str], content: LayoutContent
) -> StoredArtifact:
    full = [item.full_name or item.ref_name for item in named]
    found = [image_reference(item.full_name) for item in named if item.full_name]
    found += [full_reference(item.ref_name) for item in named if not item.full_name]
    found += [image_reference(name) for name in saved_names]
    references = tuple(dict.fromkeys(filter(None, found)))
    labels = [str(references[0])] if references else [text for text in full if text]
    config = content.configs[0] if content.configs else content.manifest.digest
    name = shown(labels[0]) if labels else _short(config)
    kind = _kind(content.config_type, references)
    if kind is not Kind.CHART:
        return StoredArtifact(kind, name, references, content.manifest, content.platforms)
    chart = content.config if isinstance(content.config, dict) else {}
    return StoredArtifact(
        kind,
        name,
        references,
        content.manifest,
        chart_name=_text(chart.get("name")),
        chart_version=_text(chart.get("version")),
    )


def _kind(config_type: str, references: tuple[Reference, ...]) -> Kind:
    if config_type == HELM_CONFIG:
        return Kind.CHART
    if any(reference.repository.endswith(PACKAGE_BUNDLES) for reference in references):
        return Kind.PACKAGE_BUNDLE
    return Kind.IMAGE


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]
