"""All that an operator decides, in one model and one file.

Flags, wizard and file set the same fields; whatever way an answer came, it is judged here.
A secret is never part of it: credentials are named by where they lie.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from core.errors import Code, UsageError
from core.files import write_atomically

VERSION = 1

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}


class CredentialSource(StrEnum):
    """Where the login lies."""

    AUTO = "auto"
    ENVIRONMENT = "environment"
    KEYRING = "keyring"
    DOCKER_CONFIG = "docker-config"
    ASK = "ask"
    NONE = "none"


def parse_bytes(value: object) -> object:
    """`8M`, `512K`, `1.5G`, `8Mi` or a number, as bytes."""
    if not isinstance(value, str):
        return value
    text = value.strip().upper().removesuffix("/S").removesuffix("B")
    number = text.rstrip("KMGI")
    try:
        return int(float(number) * _UNITS[text[len(number) :]])
    except (ValueError, KeyError, OverflowError):
        raise ValueError(f"“{value}” is not a number of bytes such as 8M or 512K") from None


Bytes = Annotated[int, BeforeValidator(parse_bytes)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ArtifactAnswers(_Section):
    """What is to be moved."""

    archive: Path | None = Field(
        None, description="tarball of `download images`, a docker save file or an OCI layout"
    )
    bundles: Path | None = Field(
        None, description="bundle-release.yaml, or the tarball of `download artifacts`"
    )
    kube_versions: tuple[str, ...] = Field(
        (), description="only what this Kubernetes version needs, such as 1.33; may be repeated"
    )
    include_all: bool = Field(False, description="also what the bundles manifest does not require")


class MappingAnswer(_Section):
    """One upstream registry and its namespace."""

    registry: str
    namespace: str


class RegistryAnswers(_Section):
    """Where to."""

    address: str = Field("", description="the private registry, and the namespace in it")
    mappings: tuple[MappingAnswer, ...] = Field(
        (), description="namespace for another upstream registry; may be repeated"
    )
    ca_file: Path | None = Field(
        None, description="PEM file of the CA that signed the registry's certificate"
    )
    insecure: bool = Field(False, description="do not verify the registry's certificate")
    plain_http: bool = Field(False, description="no TLS; nodes cannot use such a registry")
    trusted_hosts: tuple[str, ...] = Field(
        (), description="another host that may be shown the login; may be repeated"
    )


class CredentialAnswers(_Section):
    """The login, by reference."""

    source: CredentialSource = Field(CredentialSource.AUTO, description="where the login lies")
    username: str = Field("", description="user name, where the source holds only a password")


class TransferAnswers(_Section):
    """How it is moved."""

    jobs: int = Field(4, ge=1, le=16, description="uploads at a time, 1 to 16 (default 4)")
    compression: str = Field(
        "gzip:1", description="of uncompressed layers: gzip:0 to gzip:9, or none (default gzip:1)"
    )
    chunk_size: Bytes = Field(
        8 * 2**20,
        ge=64 * 2**10,
        le=512 * 2**20,
        description="sent in one request, such as 8Mi (default) or 512K",
    )
    limit_rate: Bytes = Field(
        0, ge=0, description="a second at the most, such as 20M (default: no limit)"
    )
    patience: float = Field(
        1800.0, ge=0, description="that a registry may be away before it is given up (default 1800)"
    )
    scratch: Path | None = Field(
        None, description="folder to unzip a .tar.gz into; default: the job's own"
    )
    verify: bool = Field(True, description="ask the registry for every artifact at the end")


class Answers(_Section):
    """Everything that was decided."""

    version: Literal[1] = 1
    artifacts: ArtifactAnswers = Field(default_factory=ArtifactAnswers)
    registry: RegistryAnswers = Field(default_factory=RegistryAnswers)
    credentials: CredentialAnswers = Field(default_factory=CredentialAnswers)
    transfer: TransferAnswers = Field(default_factory=TransferAnswers)


def load_answers(path: Path) -> Answers:
    """Read an answers file.

    Raises:
        UsageError: `bad-answers`, with line and column or the name of the field.
    """
    try:
        document = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise _bad(path, f"The file cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or "it is not valid YAML"
        raise UsageError(Code.BAD_ANSWERS, f"Not valid YAML: {problem}.", where=place) from None
    try:
        return Answers.model_validate(document or {})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the document"
        raise _bad(path, f"{field}: {first['msg']}.") from None


def save_answers(answers: Answers, path: Path) -> None:
    """Write an answers file, 0600, at once or not at all.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    document = answers.model_dump(mode="json", exclude_defaults=True)
    text = yaml.safe_dump({"version": VERSION, **document}, sort_keys=False, allow_unicode=True)
    write_atomically(path, text.encode())


def _bad(path: Path, message: str) -> UsageError:
    return UsageError(Code.BAD_ANSWERS, message, where=str(path))
