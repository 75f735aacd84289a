"""From upstream straight into another registry, where one machine reaches both."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from core.errors import Code, EksaMirrorError
from core.fetch.images import Failure, in_threads
from core.fetch.relay import Relay
from core.fetch.resolve import Resolved
from core.fetch.upstreams import concerns_all
from core.oci import Descriptor, Manifest
from core.reference import Artifact, Kind, Reference
from core.registry.blobs import has_blob, mount_blob
from core.registry.manifests import get_manifest, put_manifest
from core.registry.session import Session


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of an artifact.

    Attributes:
        artifact: in upstream.
        target: repository and tag or digest in the destination.
        digest: of its manifest, the same on both sides.
        sent: bytes that were sent for it.
        mounted: bytes that the destination took from another repository of its own.
    """

    artifact: Artifact
    target: str
    digest: str
    sent: int
    mounted: int


@dataclass(slots=True)
class _Count:
    sent: int = 0
    mounted: int = 0


@dataclass(slots=True)
class Copier:
    """Copies whole artifacts; for all threads.

    Args:
        relay: takes blobs from the source to the destination.
        prefix: path in front of every repository there; may be empty.
        homes: kind of artifact to the path of upstream that its names there are below, such as
            `eks-anywhere`; it is left out.
    """

    relay: Relay
    prefix: str
    homes: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _holders: dict[str, str] = field(default_factory=dict)
    _sending: dict[str, threading.Lock] = field(default_factory=dict)

    @property
    def session(self) -> Session:
        """The destination."""
        return self.relay.session

    def target(self, artifact: Artifact) -> tuple[str, str]:
        """Repository and tag in the destination; the tag is empty where there is none."""
        reference = artifact.reference
        home = self.homes.get(artifact.kind.value, "")
        repository = reference.repository.removeprefix(f"{home}/") if home else reference.repository
        return f"{self.prefix}/{repository}" if self.prefix else repository, reference.tag

    def copy(self, resolved: Resolved) -> Copied:
        """Bring blobs, manifests and tag of an artifact into the destination.

        Raises:
            RegistryError: one side refuses.
            Interrupted: the copy is to stop.
        """
        repository, tag = self.target(resolved.artifact)
        root, count = resolved.root, _Count()
        if not self._is_there(repository, tag, root):
            for blob in {one.digest: one for one in resolved.blobs()}.values():
                self._bring(resolved.artifact.reference, repository, blob, count)
            for manifest in reversed(list(resolved.manifests())):
                target = tag if tag and manifest is root else manifest.digest
                put_manifest(
                    self.session, repository, target, manifest.content, manifest.media_type
                )
        target = f"{repository}:{tag}" if tag else f"{repository}@{root.digest}"
        return Copied(resolved.artifact, target, root.digest, count.sent, count.mounted)

    def _is_there(self, repository: str, tag: str, root: Manifest) -> bool:
        """A registry takes a manifest only once all that it names is there."""
        found = get_manifest(self.session, repository, tag or root.digest)
        return found is not None and found.digest == root.digest

    def _bring(self, source: Reference, repository: str, blob: Descriptor, count: _Count) -> None:
        with self._lock:
            lock = self._sending.setdefault(blob.digest, threading.Lock())
        with lock:  # a second repository waits, and mounts it
            if has_blob(self.session, repository, blob.digest, blob.size):
                self._holders.setdefault(blob.digest, repository)
                return
            holder = self._holders.get(blob.digest)
            if holder:
                upload = mount_blob(self.session, repository, blob.digest, holder)
                if upload is None:
                    count.mounted += blob.size
                    return
                self.relay.send(source, repository, blob, upload)
            else:
                self.relay.send(source, repository, blob, None)
            count.sent += blob.size
            self._holders[blob.digest] = repository


def copy_all(
    copier: Copier,
    resolved: Sequence[Resolved],
    jobs: int,
    on_done: Callable[[Copied | Failure], None],
) -> tuple[Copied | Failure, ...]:
    """Copy artifacts; one that fails does not stop the others. Package bundles come last.

    A package bundle is left out where anything before it failed: whoever finds it relies on all
    that it names.

    Raises:
        Interrupted: the copy is to stop.
        RegistryError: a registry is away for good.
    """
    stop = copier.relay.upstreams.waiter.stop

    def copy(one: Resolved) -> Copied | Failure:
        result: Copied | Failure
        try:
            result = copier.copy(one)
        except EksaMirrorError as error:
            if concerns_all(error):
                raise
            result = Failure(one.artifact, error)
        on_done(result)
        return result

    first = [one for one in resolved if one.artifact.kind is not Kind.PACKAGE_BUNDLE]
    last = [one for one in resolved if one.artifact.kind is Kind.PACKAGE_BUNDLE]
    results = tuple(in_threads(jobs, first, copy, stop))
    if any(isinstance(one, Failure) for one in results):
        return (*results, *_left_out(last, on_done))
    return (*results, *in_threads(1, last, copy, stop))


def _left_out(
    bundles: Iterable[Resolved], on_done: Callable[[Copied | Failure], None]
) -> Iterator[Failure]:
    for one in bundles:
        error = EksaMirrorError(
            Code.MIRROR_DIFFERS,
            "It was left out, because not all that it names could be copied.",
            cause="Clusters that find a package bundle rely on all that it names.",
            mend="Mend what failed before it, then run the same command again.",
        )
        failure = Failure(one.artifact, error)
        on_done(failure)
        yield failure
