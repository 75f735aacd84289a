"""From the manifests of a release to the artifacts that its clusters will ask for."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.eksa import PACKAGE_BUNDLES
from core.errors import Code, MirrorError, ReleaseError
from core.oci import is_digest
from core.reference import Artifact, Kind, Reference
from core.release import kube_version
from core.release.bundles import BundlesManifest, VersionsBundle
from core.release.eksd import EksdRelease, load_eksd
from core.release.fields import NUTANIX_KUBE_VIP, Field, fields
from core.release.locate import ManifestLocator, ManifestReader
from core.release.model import RequiredArtifact, Requirements

CSI_COMPONENTS = "public.ecr.aws/csi-components/"
"""Images below this are in EKS-D but neither needed nor imported by EKS Anywhere (since v0.23)."""

_CLI_TOOLS = "eksa.cliTools"
_PACKAGE_CONTROLLER = "packageController.packageController"
_RELEASE_IN_TAG = re.compile(r"(v[0-9]+\.[0-9]+\.[0-9]+)-eks-a-.+")
_ORDER = tuple(Kind)


def required_artifacts(
    bundles: BundlesManifest,
    read_manifest: ManifestReader | None,
    kube_versions: Sequence[str] = (),
) -> Requirements:
    """Everything that clusters of this release need in the mirror.

    Args:
        bundles: the bundles manifest.
        read_manifest: gives the EKS-D release manifest that a URI names; a `ManifestLocator` also
            tells the places that were tried. None leaves the images of EKS-D out, with a warning.
        kube_versions: only these (`1.33`, `v1.33` or `1-33`); all where empty.

    Raises:
        ReleaseError: `kube-version-unknown`; `manifest-not-found` naming every EKS-D release
            manifest that is missing; `manifest-wrong-kind` or `manifest-invalid` where one is of no
            use, or where a manifest holds a reference that is none.
    """
    chosen = kube_version.choose(bundles.kube_versions, kube_versions, bundles.where)
    selected = [one for one in bundles.versions_bundles if one.kube_version in chosen]
    collected = _Collected(bundles.where)
    for versions_bundle in selected:
        collected.take_versions_bundle(versions_bundle)
    if read_manifest is None:
        collected.warnings.append(
            "The images of EKS-D are not counted, because its release manifests were not read."
        )
    else:
        for versions_bundle, content in _eksd_contents(bundles.where, selected, read_manifest):
            release = load_eksd(content, versions_bundle.eksd_uri)
            collected.take_eksd(versions_bundle.kube_version, release)
    return Requirements(
        artifacts=collected.artifacts(),
        kube_versions=chosen,
        known_kube_versions=bundles.kube_versions,
        release=collected.release,
        warnings=(*collected.warnings, *collected.left_out()),
    )


@dataclass(slots=True)
class _Need:
    kube_versions: set[str] = field(default_factory=set)
    fields: dict[str, None] = field(default_factory=dict)
    digests: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Collected:
    """What was found so far; an artifact that several fields name is kept once."""

    where: str
    release: str = ""
    needs: dict[Artifact, _Need] = field(default_factory=dict)
    blank: set[str] = field(default_factory=set)
    csi: set[str] = field(default_factory=set)
    nutanix_kube_vips: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)

    def take_versions_bundle(self, bundle: VersionsBundle) -> None:
        version = bundle.kube_version
        for one in fields(bundle.content):
            if one.is_blank:
                self.blank.add(one.path)
            elif one.path == NUTANIX_KUBE_VIP and one.kind:
                self.nutanix_kube_vips.add(one.uri)
            elif one.kind and one.is_imported:
                self._need(one.kind, one.uri, version, one.path, one.digest)
                self._look_for_special_meaning(one, version)

    def take_eksd(self, version: str, release: EksdRelease) -> None:
        channel = kube_version.normalized(release.channel)
        if channel and channel != version:
            self.warnings.append(
                f"The EKS-D release manifest for Kubernetes {version} says it is for {channel}."
            )
        for component in release.components:
            for image in component.images:
                named = f"eks-d: {component.name}"
                self._need(Kind.IMAGE, image.uri, version, named, image.digest)

    def artifacts(self) -> tuple[RequiredArtifact, ...]:
        in_order = sorted(self.needs, key=lambda one: (_ORDER.index(one.kind), str(one)))
        return tuple(self._required(artifact) for artifact in in_order)

    def left_out(self) -> list[str]:
        sentences = []
        if self.blank:
            names = ", ".join(sorted(self.blank))
            sentences.append(f"These fields are empty in this release and were left out: {names}.")
        if self.csi:
            sentences.append(
                f"Images of {CSI_COMPONENTS.rstrip('/')} ({len(self.csi)}) were left out, as EKS "
                "Anywhere itself does not import them."
            )
        named = {str(artifact) for artifact in self.needs}
        sentences += [
            f"{NUTANIX_KUBE_VIP} names {uri}, which EKS Anywhere neither downloads nor imports; "
            "clusters on Nutanix may ask for it."
            for uri in sorted(self.nutanix_kube_vips - named)
        ]
        return sentences

    def _need(self, kind: Kind, uri: str, version: str, path: str, digest: str) -> None:
        if uri.startswith(CSI_COMPONENTS):
            self.csi.add(uri)
            return
        need = self.needs.setdefault(Artifact(kind, self._reference(uri, path)), _Need())
        need.kube_versions.add(version)
        need.fields[path] = None
        if is_digest(digest):
            need.digests.add(digest)

    def _look_for_special_meaning(self, one: Field, version: str) -> None:
        if one.path == _CLI_TOOLS:
            tag = _RELEASE_IN_TAG.fullmatch(self._reference(one.uri, one.path).tag)
            self.release = self.release or (tag[1] if tag else "")
        elif one.path == _PACKAGE_CONTROLLER:
            uri = _package_bundle_uri(one.uri, version)
            self._need(Kind.PACKAGE_BUNDLE, uri, version, f"{one.path}: package bundle", "")

    def _reference(self, uri: str, path: str) -> Reference:
        try:
            return Reference.parse(uri)
        except MirrorError as error:
            message = f"{path} cannot be used: {error.message}"
            raise ReleaseError(Code.MANIFEST_INVALID, message, where=self.where) from None

    def _required(self, artifact: Artifact) -> RequiredArtifact:
        need = self.needs[artifact]
        published = artifact.reference.digest
        if not published and len(need.digests) == 1:
            (published,) = need.digests
        return RequiredArtifact(
            artifact, kube_version.ascending(need.kube_versions), tuple(need.fields), published
        )


def _package_bundle_uri(controller: str, version: str) -> str:
    """Where the package bundle lies: beside the packages controller.

    Source: `GetPackageBundleRef`, aws/eks-anywhere `pkg/curatedpackages/bundle.go`.
    """
    parts = controller.partition("@")[0].split("/")
    home = "/".join(parts[: min(2, len(parts) - 1)])
    return f"{home}/{PACKAGE_BUNDLES}:v{version.replace('.', '-')}-latest"


def _eksd_contents(
    where: str, selected: Iterable[VersionsBundle], read_manifest: ManifestReader
) -> list[tuple[VersionsBundle, bytes]]:
    """The EKS-D release manifests of all selected versions; all missing ones in one error."""
    found, missing = [], []
    for bundle in selected:
        content = read_manifest(bundle.eksd_uri) if bundle.eksd_uri else None
        if content is None:
            missing.append(bundle)
        else:
            found.append((bundle, content))
    if missing:
        raise _not_found(where, missing, read_manifest)
    return found


def _not_found(
    where: str, missing: Sequence[VersionsBundle], read_manifest: ManifestReader
) -> ReleaseError:
    versions = ", ".join(bundle.kube_version for bundle in missing)
    uri = missing[0].eksd_uri
    named = f"it points to {uri}" if uri else "it has no eksD.manifestUrl"
    looked = ""
    if isinstance(read_manifest, ManifestLocator) and uri:
        looked = " " + read_manifest.explain(uri)
    return ReleaseError(
        Code.MANIFEST_NOT_FOUND,
        f"The EKS-D release manifest of Kubernetes {versions} is not here: {named}.{looked}",
        where=where,
        mend="Unpack eks-anywhere-downloads.tar.gz beside the bundles manifest, give that tarball "
        "to -b, or name only versions that are here with --kube-version.",
    )
