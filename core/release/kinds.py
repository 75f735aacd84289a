"""Which manifest is which: every file that is given by mistake is recognised and named."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import Code, ReleaseError
from core.release.plain_yaml import Plain, read_documents


@dataclass(frozen=True, slots=True)
class ManifestKind:
    """A kind of manifest.

    Attributes:
        kind: `kind` in the file.
        group: the part of `apiVersion` before the slash.
        words: what it is, for messages.
        hint: which file to give where this one was wanted.
    """

    kind: str
    group: str
    words: str
    hint: str = ""


BUNDLES = ManifestKind(
    "Bundles",
    "anywhere.eks.amazonaws.com",
    "a bundles manifest",
    "Give bundle-release.yaml, which `eksctl anywhere download artifacts` writes "
    "into eks-anywhere-downloads.",
)
RELEASES = ManifestKind(
    "Release",
    "anywhere.eks.amazonaws.com",
    "manifest.yaml, the list of all releases, which names no images",
    "Give manifest.yaml.",
)
EKSD_RELEASE = ManifestKind(
    "Release",
    "distro.eks.amazonaws.com",
    "the EKS-D release manifest of one Kubernetes version",
    "Give kubernetes-1-XX-eks-N.yaml, which lies in eks-anywhere-downloads/1.XX/eks-distro.",
)
PACKAGE_BUNDLE = ManifestKind(
    "PackageBundle",
    "packages.eks.amazonaws.com",
    "a package bundle, which names the curated packages only",
    "Give eks-anywhere-packages-bundles-v1-XX-latest.yaml.",
)
CLUSTER = ManifestKind(
    "Cluster",
    "anywhere.eks.amazonaws.com",
    "a cluster file, which says how a cluster is built",
    "Give the file that you pass to `eksctl anywhere create cluster -f`.",
)
_KNOWN = (BUNDLES, RELEASES, EKSD_RELEASE, PACKAGE_BUNDLE, CLUSTER)

_GZIP_MAGIC = b"\x1f\x8b"
_TAR_MAGIC = b"ustar"
_TAR_MAGIC_OFFSET = 257


def load_manifest(content: bytes, where: str, wanted: ManifestKind) -> Mapping[str, Plain]:
    """The first document of the wanted kind.

    Args:
        content: what the file holds.
        where: the file, for messages.
        wanted: which kind it must be.

    Raises:
        ReleaseError: `manifest-wrong-kind`, saying what it is and which file to give;
            `manifest-invalid` where it is empty, an error page, a tarball or not YAML.
    """
    _refuse_other_formats(content, where, wanted)
    documents = read_documents(content, where)
    if not documents:
        raise ReleaseError(
            Code.MANIFEST_INVALID,
            "The manifest is empty.",
            where=where,
            cause="Its download or copy did not finish.",
            mend=wanted.hint,
        )
    for document in documents:
        if isinstance(document, dict) and _is(document, wanted):
            return document
    raise ReleaseError(
        Code.MANIFEST_WRONG_KIND,
        f"This is {_describe(documents[0])}; {wanted.words} is needed.",
        where=where,
        mend=wanted.hint,
    )


def _refuse_other_formats(content: bytes, where: str, wanted: ManifestKind) -> None:
    start = content[:512].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    mend, cause = wanted.hint, ""
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<error", b"<head")):
        what = "a web page or an error page, not a manifest"
        cause = "`eksctl anywhere download` stores the answer of a server even when it is an error."
        mend = f"Download it again and look into it. {wanted.hint}"
    elif content.startswith(_GZIP_MAGIC):
        what = "a gzip-ed file, not a manifest"
    elif content.startswith(_TAR_MAGIC, _TAR_MAGIC_OFFSET):
        what = "a tarball, not a manifest"
    else:
        return
    raise ReleaseError(
        Code.MANIFEST_INVALID, f"This is {what}.", where=where, cause=cause, mend=mend
    )


def _describe(document: Plain) -> str:
    if not isinstance(document, dict):
        return "not a manifest: it has no fields"
    for known in _KNOWN:
        if _is(document, known):
            return f"{known.words} (kind: {known.kind})"
    kind, version = document.get("kind"), document.get("apiVersion")
    if not isinstance(kind, str) or not kind:
        return "a file without a kind"
    return f"a file of kind “{kind[:60]}” (apiVersion: {str(version)[:80]})"


def _is(document: Mapping[str, Plain], wanted: ManifestKind) -> bool:
    version = document.get("apiVersion")
    group = version.partition("/")[0] if isinstance(version, str) else ""
    return document.get("kind") == wanted.kind and group == wanted.group
