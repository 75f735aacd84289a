"""What the other imports of this account know of the same mirror.

A new release shares most of its base layers with the last one, and an import that was begun anew
with itself. Their journals tell under which digest a layer was sent, and where it lies; the
registry is asked before any of it is believed.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import JobError, MirrorError
from core.mirror.endpoint import Mirror
from core.transfer.compression import Compression
from core.transfer.job import Job, existing_jobs
from core.transfer.journal import Journal
from core.transfer.plan import Plan
from core.transfer.view import JournalView

_MOST_JOURNALS = 20

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hearsay:
    """Of the blobs of a plan, by the digest that they have stored.

    Attributes:
        layers: digest and size under which a layer was sent.
        places: digest of a blob, and a repository of the mirror that held it.
    """

    layers: dict[str, tuple[str, int]]
    places: frozenset[tuple[str, str]]


def hear(plan: Plan, compression: Compression, journals: Sequence[Path]) -> Hearsay:
    """Read what journals tell of the blobs of a plan; the first that knows a layer is heard.

    Only journals of imports to the same registry and with the same codec count; those that cannot
    be read are passed over.
    """
    wanted = {need.blob.digest for need in plan.needs()}
    layers: dict[str, tuple[str, int]] = {}
    places: set[tuple[str, str]] = set()
    for path in journals[:_MOST_JOURNALS]:
        try:
            with JournalView(path) as view:
                if not _is_alike(view.summary().facts, plan, compression):
                    continue
                sent, there = view.sent_layers(), view.places()
        except (JobError, MirrorError) as error:
            _LOG.info("passed over: %s", error)
            continue
        layers |= {digest: sent[digest] for digest in wanted & sent.keys() - layers.keys()}
        places |= {(digest, repository) for digest, repository in there if digest in wanted}
    return Hearsay(layers, frozenset(places))


def take_in(journal: Journal, plan: Plan, hearsay: Hearsay) -> None:
    """Write into a journal what it does not know itself."""
    with journal.together(durable=False):
        for blob in (need.blob for need in plan.needs()):
            if blob.digest in hearsay.layers and journal.known_as(blob) is None:
                journal.set_known(blob, *hearsay.layers[blob.digest])
        journal.set_hearsay(hearsay.places)


def journals_beside(job: Job) -> list[Path]:
    """Journals of the other jobs, and those of this one that were set aside; newest first."""
    others = (other.journal for other in existing_jobs() if other.folder != job.folder)
    return [*sorted(_set_aside(job), reverse=True), *others]


def journals_of_all() -> list[Path]:
    """Journals of every job, newest first."""
    return [job.journal for job in existing_jobs()]


def _set_aside(job: Job) -> Iterator[Path]:
    return job.folder.glob("journal.*.sqlite")


def _is_alike(facts: dict[str, str], plan: Plan, compression: Compression) -> bool:
    if facts.get("compression", "").partition(":")[0] != compression.codec:
        return False
    mirror = facts.get("mirror", "")
    return bool(mirror) and Mirror.parse(mirror).same_registry(plan.mirror)
