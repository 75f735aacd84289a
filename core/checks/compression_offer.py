"""A stronger compression where the link is slow: what it saves, and what it asks for.

What is offered leaves the level to the import, which measures the link again, with all its uploads
at a time, before it chooses (`core.transfer.tuning`).
"""

import re
from dataclasses import dataclass

from core.answers import Answers
from core.errors import MachineError
from core.host.daemon import DaemonKind, connect
from core.transfer.compression import Compression
from core.transfer.job import job_for
from core.transfer.pieces import cores

_LEFT = {"gzip:1": 0.375, "gzip:6": 0.335, "zstd:1": 0.356, "zstd:3": 0.323, "zstd:6": 0.301}
"""What is left of a byte, measured over 780 MB of layers."""

_WITH_ZSTD = 23
"""Docker before this version cannot pull a layer that is compressed with zstd."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One compression.

    Attributes:
        name: as `--compression` takes it.
        level: what it comes to on a link of this rate.
        saved: share of the bytes that gzip:1 would send; 0.2 is a fifth.
        needs: what whoever pulls must have; empty where everybody has it.
    """

    name: str
    level: str
    saved: float
    needs: str = ""


@dataclass(frozen=True, slots=True)
class CompressionOffer:
    """What can be chosen on a slow link.

    Attributes:
        rate: bytes a second that the registry took.
        choices: the one that holds where nothing is chosen comes first.
        lacking: why zstd is not among them; empty where it is.
    """

    rate: float
    choices: tuple[Choice, ...]
    lacking: str = ""


def offer_compression(
    answers: Answers, rate: float, compressible: int, docker: str
) -> CompressionOffer | None:
    """What is offered; None where the link is fast or unknown, or where the choice was made.

    Args:
        rate: bytes a second that the registry took; 0 where that is not known.
        compressible: bytes of the import that are compressed on the way.
        docker: version of the docker of this machine; empty where none is known.

    Raises:
        EksaMirrorError: no registry is named, or the folder of the import cannot be used.
    """
    gzip, zstd = Compression(auto=True), Compression("zstd", auto=True)
    usual, better, best = Compression(), gzip.decided(rate, cores()), zstd.decided(rate, cores())
    if not (rate and compressible) or better == usual:
        return None
    if answers.transfer.compression not in map(str, (usual, gzip, zstd)):
        return None
    if job_for(answers).journal.exists():
        return None  # its layers have their digests: another compression would send them anew
    choices = [
        Choice(str(usual), str(usual), 0.0),
        Choice(str(gzip), str(better), _saved(better)),
    ]
    if lacking := _lacking(docker):
        return CompressionOffer(rate, tuple(choices), lacking)
    needs = (
        f"containerd 1.5 on the nodes, Docker {_WITH_ZSTD} here, "
        "and a registry that takes OCI images"
    )
    choices.append(Choice(str(zstd), str(best), _saved(best), needs))
    return CompressionOffer(rate, tuple(choices))


def docker_version() -> str:
    """That of the docker here, which pulls from the mirror when a cluster is created; or empty."""
    try:
        with connect() as daemon:
            facts = daemon.facts
    except MachineError:
        return ""
    return "" if facts.kind is DaemonKind.PODMAN else facts.version


def _lacking(docker: str) -> str:
    major = re.match(r"[0-9]+", docker)
    if major and int(major[0]) < _WITH_ZSTD:
        return f"Docker {docker} here cannot pull zstd; {_WITH_ZSTD} and later can."
    return ""


def _saved(compression: Compression) -> float:
    return 1 - _LEFT[str(compression)] / _LEFT["gzip:1"]
