"""All that an operator decides, in one model.

Flags, wizard and file set the same fields; whatever way an answer came, it is judged here.
A secret is never part of it: credentials are named by where they lie.

Each field tells its help line (`description`), its name on a form (`title`), and what is said where
its value is wrong (`Told`, or the validator's own words).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from core.answers.values import (
    SEVERAL,
    AnyPath,
    Bytes,
    CompressionName,
    Endpoint,
    KubeVersion,
    Namespace,
    PackagesRegistry,
    PlatformName,
    Told,
    Upstream,
    Username,
    spelled_as,
    split_address,
)

VERSION: Literal[1] = 1

_ADDRESS_PARTS = ("endpoint", "port", "namespace")


class CredentialSource(StrEnum):
    """Where the login lies."""

    AUTO = "auto"
    ENVIRONMENT = "environment"
    KEYRING = "keyring"
    DOCKER_CONFIG = "docker-config"
    FILE = "file"
    ASK = "ask"
    NONE = "none"


class Provider(StrEnum):
    """Where clusters run."""

    VSPHERE = "vSphere"
    BARE_METAL = "bare metal"
    NUTANIX = "Nutanix"
    SNOW = "Snow"
    CLOUDSTACK = "CloudStack"
    DOCKER = "Docker"


class OsFamily(StrEnum):
    """Operating systems of nodes, as in `osFamily`."""

    UBUNTU = "ubuntu"
    RHEL = "redhat"
    BOTTLEROCKET = "bottlerocket"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ArtifactAnswers(_Section):
    """What is to be moved."""

    archive: Annotated[AnyPath, Told(missing="Enter the path of the tarball.", read=True)] = Field(
        None,
        title="Images tarball",
        description="From “eksctl anywhere download images”, tar or tar.gz.",
    )
    bundles: Annotated[
        AnyPath, Told(missing="Enter the path of the bundle manifest.", read=True)
    ] = Field(
        None,
        title="Bundle manifest",
        description="The file of kind Bundles, not manifest.yaml (kind Release).",
    )
    kube_versions: Annotated[tuple[KubeVersion, ...], SEVERAL, Told("Versions such as 1.33.")] = (
        Field(
            (),
            title="Kubernetes",
            description="Only what this version needs, such as 1.33; or all.",
        )
    )
    include_all: bool = Field(
        False, title="All of it", description="Also what the bundle manifest does not require."
    )
    platforms: Annotated[
        tuple[PlatformName, ...], SEVERAL, Told("Platforms such as linux/amd64.")
    ] = Field((), title="Platforms", description="Of the nodes, such as linux/amd64.")


class MappingAnswer(_Section):
    """One upstream registry and its namespace."""

    registry: Annotated[Upstream, Told("Enter a host name.", "Enter a host name.")] = Field(
        title="Upstream registry", description="Host name only, for example docker.io."
    )
    namespace: Annotated[Namespace, Told("A path, in quotes.")] = Field(
        title="Namespace",
        description="A project, and a path below it if you like. May be empty.",
    )


class RegistryAnswers(_Section):
    """Where to: the private registry, how it is trusted, and what lies where in it."""

    endpoint: Annotated[
        Endpoint,
        Told(
            "A host name or an IP address.",
            "Enter the host name or IP address of your registry.",
        ),
    ] = Field(
        "",
        title="Endpoint",
        description="Host name or IP address only: no https://, no path.",
    )
    port: Annotated[int | None, Told("A number from 1 to 65535.")] = Field(
        None,
        ge=1,
        le=65535,
        title="Port",
        description="443 unless your registry listens elsewhere.",
    )
    namespace: Annotated[Namespace, Told("A path, such as eks-a.")] = Field(
        "",
        title="Namespace",
        description="A project, and a path below it if you like. May be empty.",
    )
    given_address: Annotated[str, Told("An address, such as harbor.example.com:8443/eks-a.")] = (
        Field(
            "",
            alias="address",
            exclude=True,
            repr=False,
            title="Registry",
            description="Your registry, with the namespace that all goes below.",
        )
    )
    mappings: Annotated[tuple[MappingAnswer, ...], Told("A list of registry and namespace.")] = (
        Field((), title="Mappings", description="The namespace of another upstream registry.")
    )
    packages_registry: Annotated[PackagesRegistry, Told("The host name of a registry.")] = Field(
        None, title="Packages", description="Where curated packages come from; empty for none."
    )
    ca_file: Annotated[AnyPath, Told(read=True)] = Field(
        None, title="CA file", description="The certificate that signed the registry's, as PEM."
    )
    insecure: bool = Field(
        False,
        title="Skip TLS check",
        description="Nodes would accept any certificate. Never on Bottlerocket.",
    )
    plain_http: bool = Field(
        False, title="Plain HTTP", description="No TLS at all. Nodes cannot use such a registry."
    )
    trusted_hosts: Annotated[tuple[Upstream, ...], SEVERAL, Told("Host names.")] = Field(
        (), title="Trusted hosts", description="Other hosts that may be shown the login."
    )

    @property
    def address(self) -> str:
        """`HOST[:PORT][/NAMESPACE]`; IPv6 in brackets; empty where no endpoint is given."""
        host = f"[{self.endpoint}]" if ":" in self.endpoint else self.endpoint
        port = "" if self.port is None else f":{self.port}"
        namespace = f"/{self.namespace}" if self.namespace else ""
        return f"{host}{port}{namespace}" if host else ""

    @model_validator(mode="before")
    @classmethod
    def _split_address(cls, given: Any) -> Any:
        """`address` stands for endpoint, port and namespace; one that is wrong is told below."""
        address = given.get("address") if isinstance(given, Mapping) else None
        if not isinstance(address, str):
            return given
        others = {key: value for key, value in given.items() if key != "address"}
        if not address.strip():
            return others
        try:
            parts = split_address(address)
        except ValueError:
            return given
        return given if any(given.get(part) for part in _ADDRESS_PARTS) else others | parts

    @field_validator("given_address")
    @classmethod
    def _tell_address(cls, address: str) -> str:
        split_address(address)
        raise ValueError("Give either an address, or endpoint, port and namespace.")

    @field_validator("port", mode="before")
    @classmethod
    def _absent(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("mappings")
    @classmethod
    def _each_once(cls, mappings: tuple[MappingAnswer, ...]) -> tuple[MappingAnswer, ...]:
        names = [one.registry for one in mappings]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name} is already in the list.")
        return mappings


class CredentialAnswers(_Section):
    """The login, by reference."""

    source: Annotated[
        CredentialSource,
        spelled_as(CredentialSource, {}),
        Told("auto, environment, keyring, docker-config, file or ask."),
    ] = Field(CredentialSource.AUTO, title="Kept in", description="Where the login lies.")
    username: Annotated[Username, Told("A name, in quotes.", "Enter the user name.")] = Field(
        "", title="User", description="A robot account with push and pull is best."
    )
    file: Annotated[AnyPath, Told(missing="Enter the path of the file.", read=True)] = Field(
        None, title="Password file", description="Holds the password alone; readable only by you."
    )
    authenticate: bool = Field(
        False, title="Login", description="Nodes get the same login (authenticate: true)."
    )


class ClusterAnswers(_Section):
    """The cluster that will pull from the registry."""

    file: Annotated[AnyPath, Told(read=True)] = Field(
        None, title="Cluster file", description="The mirror is merged into it; a .bak is kept."
    )
    provider: Annotated[
        Provider | None,
        spelled_as(Provider, {"tinkerbell": Provider.BARE_METAL, "": None}),
        Told("vSphere, bare metal, Nutanix, Snow, CloudStack or Docker."),
    ] = Field(None, title="Provider", description="Decides which settings reach the nodes.")
    os_family: Annotated[
        OsFamily | None,
        spelled_as(OsFamily, {"rhel": OsFamily.RHEL, "red hat": OsFamily.RHEL, "": None}),
        Told("ubuntu, redhat or bottlerocket."),
    ] = Field(None, title="OS family", description="Of the node images.")
    external_etcd: bool = Field(
        False, title="External etcd", description="etcd runs on machines of its own."
    )


class OutputAnswers(_Section):
    """Files that are written for `eksctl anywhere`."""

    fragment: Annotated[AnyPath, Told()] = Field(
        None, title="Fragment", description="The mirror's settings alone, as YAML."
    )
    environment: Annotated[AnyPath, Told()] = Field(
        None, title="Environment file", description="Variables for the shell, without the password."
    )
    with_password: bool = Field(
        False,
        title="With password",
        description="Also write the password into the environment file.",
    )


class AdminMachineAnswers(_Section):
    """What is done on this machine so that its docker can use the registry."""

    trust_ca: bool = Field(
        False, title="CA for docker", description="Install the CA for docker. May ask for sudo."
    )
    docker_login: bool = Field(
        False, title="Docker login", description="Log docker in to the registry."
    )


class TransferAnswers(_Section):
    """How it is moved."""

    jobs: Annotated[int, Told("A number from 1 to 16.")] = Field(
        4, ge=1, le=16, title="Uploads", description="Uploads at a time, 1 to 16 (default 4)."
    )
    compression: Annotated[CompressionName, Told("gzip:0-9, zstd:1-9, auto or none.")] = Field(
        "gzip:1",
        title="Compression",
        description="Of plain layers: gzip:0-9 (gzip:1), zstd:1-9, auto, none.",
    )
    chunk_size: Annotated[Bytes, Told("From 64Ki to 512Mi.")] = Field(
        8 * 2**20,
        ge=64 * 2**10,
        le=512 * 2**20,
        title="Chunk size",
        description="Sent in one request, such as 8Mi (default) or 512K.",
    )
    limit_rate: Annotated[Bytes, Told("A number of bytes, such as 20M.")] = Field(
        0,
        ge=0,
        le=10**15,
        title="Rate limit",
        description="A second at the most, such as 20M (default: no limit).",
    )
    patience: Annotated[float, Told("A number of seconds.")] = Field(
        1800.0,
        ge=0,
        allow_inf_nan=False,
        title="Patience",
        description="Seconds that a registry may be away (default 1800).",
    )
    scratch: Annotated[AnyPath, Told()] = Field(
        None, title="Scratch folder", description="To unzip a .tar.gz into; or the job's own."
    )
    verify: bool = Field(
        True, title="Verify", description="Ask the registry for every artifact at the end."
    )


class Answers(_Section):
    """Everything that was decided."""

    version: Annotated[Literal[1], Told("1 is the only one that this program knows.")] = VERSION
    artifacts: ArtifactAnswers = Field(default_factory=ArtifactAnswers)
    registry: RegistryAnswers = Field(default_factory=RegistryAnswers)
    credentials: CredentialAnswers = Field(default_factory=CredentialAnswers)
    cluster: ClusterAnswers = Field(default_factory=ClusterAnswers)
    output: OutputAnswers = Field(default_factory=OutputAnswers)
    admin_machine: AdminMachineAnswers = Field(default_factory=AdminMachineAnswers)
    transfer: TransferAnswers = Field(default_factory=TransferAnswers)
