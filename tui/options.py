"""Flags of the command line, made from the fields of the answers: name and help are told once.

A verb that needs answers takes them as its first argument and says which flags can set them::

    @takes_answers(SOURCE, REGISTRY, LOGIN)
    def verb(answers: Answers, deep: Annotated[bool, ...] = False) -> int: ...
"""

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from getpass import getpass
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr, ValidationError

from core.answers import Answers, CredentialSource, error_text, field_help, load_answers
from core.errors import Code, UsageError
from core.host.credentials import find_credentials
from core.mirror.endpoint import Mirror, NamespaceMapping
from core.registry.credentials import Credentials
from core.transfer.settings import mirror_of
from tui.words import plain, tell, warn_of_exposure


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag that sets a field of the answers.

    Attributes:
        field: `section.name`.
        kind: what the shell gives.
        names: with their dashes, the shown one first.
        value: what the help shows for its value; empty for a switch.
        more: what the help says beyond the help line of the form.
    """

    field: str
    kind: Any
    names: tuple[str, ...]
    value: str = ""
    more: str = ""

    @property
    def section(self) -> str:
        """Section of the answers."""
        return self.field.partition(".")[0]

    @property
    def name(self) -> str:
        """Field of the section."""
        return self.field.partition(".")[2]

    @property
    def parameter(self) -> str:
        """Name of the parameter that typer fills."""
        return self.field.replace(".", "_")

    def signature(self) -> inspect.Parameter:
        """As a parameter that is None where the flag is not given."""
        option = typer.Option(
            *self.names,
            help=_as_flag(field_help(self.section, self.name)) + self.more,
            show_default=False,
            metavar=self.value or None,
        )
        return inspect.Parameter(
            self.parameter,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=_annotated(self.kind | None, option),
        )


def _as_flag(help_line: str) -> str:
    """The help line of a form, in the style of the other flags."""
    rest = help_line[1:].removesuffix(".")
    return (help_line[:1] if rest[:1].isupper() else help_line[:1].lower()) + rest


def _annotated(kind: Any, option: Any) -> Any:
    return Annotated[kind, option]


SOURCE = (
    Flag("artifacts.archive", Path, ("--input", "-i"), "FILE"),
    Flag(
        "artifacts.bundles",
        Path,
        ("--bundles", "-b"),
        "FILE",
        "; or eks-anywhere-downloads.tar.gz, which holds it",
    ),
    Flag("artifacts.kube_versions", list[str], ("--kube-version",), "VERSION"),
    Flag("artifacts.include_all", bool, ("--all/--required",)),
)
REGISTRY = (
    Flag("registry.address", str, ("--registry", "-r"), "HOST[:PORT][/NAMESPACE]"),
    Flag("registry.mappings", list[str], ("--map",), "UPSTREAM=NAMESPACE"),
    Flag("registry.ca_file", Path, ("--ca-file",), "FILE"),
    Flag("registry.insecure", bool, ("--insecure/--verify-tls",)),
    Flag("registry.plain_http", bool, ("--plain-http/--https",)),
    Flag("registry.trusted_hosts", list[str], ("--trust-host",), "HOST"),
    Flag("credentials.username", str, ("--username", "-u"), "NAME"),
    Flag(
        "credentials.source",
        str,
        ("--login-from",),
        "SOURCE",
        ": auto, environment, keyring, docker-config, file, ask or none",
    ),
    Flag("credentials.file", Path, ("--password-file",), "FILE"),
)
_ONLY_FOR_CONNECTING = ("registry.plain_http", "registry.trusted_hosts")
TRANSFER = (
    Flag("transfer.jobs", int, ("--jobs", "-j"), "NUMBER"),
    Flag(
        "transfer.compression",
        str,
        ("--compression",),
        "CODEC",
        "; auto chooses by the rate of the link, zstd needs containerd 1.5 or Docker 23",
    ),
    Flag("transfer.chunk_size", str, ("--chunk-size",), "BYTES"),
    Flag("transfer.limit_rate", str, ("--limit-rate",), "BYTES"),
    Flag("transfer.patience", float, ("--patience",), "SECONDS"),
    Flag("transfer.scratch", Path, ("--scratch",), "FOLDER"),
    Flag("transfer.verify", bool, ("--verify/--no-verify",)),
)
SETTINGS = (
    *(one for one in REGISTRY if one.field not in _ONLY_FOR_CONNECTING),
    Flag("registry.packages_registry", str, ("--packages-registry",), "HOST"),
    Flag("credentials.authenticate", bool, ("--authenticate/--anonymous",)),
)
CLUSTER = (
    Flag(
        "cluster.provider",
        str,
        ("--provider",),
        "NAME",
        ": vSphere, bare metal, Nutanix, Snow, CloudStack or Docker",
    ),
    Flag(
        "cluster.os_family",
        str,
        ("--os-family",),
        "NAME",
        ": ubuntu, redhat or bottlerocket",
    ),
    Flag("cluster.external_etcd", bool, ("--external-etcd/--stacked-etcd",)),
)
OUTPUT = (
    Flag("output.fragment", Path, ("--fragment",), "FILE"),
    Flag("cluster.file", Path, ("--cluster-file",), "FILE"),
    Flag("output.environment", Path, ("--environment",), "FILE"),
    Flag(
        "output.with_password",
        bool,
        ("--environment-with-password/--environment-without-password",),
    ),
)

_AnswersFile = Annotated[
    Path | None,
    typer.Option(
        "--answers",
        metavar="FILE",
        help="file of answers, as the wizard writes it; flags win over it",
        show_default=False,
    ),
]
PasswordFlag = Annotated[
    bool,
    typer.Option("--password-stdin", help="read the password from standard input"),
]
ClusterFlag = Annotated[
    list[str] | None,
    typer.Option(
        "--cluster",
        metavar="NAME",
        help="only this cluster of the file; may be repeated",
        show_default=False,
    ),
]


def takes_answers(
    *groups: Iterable[Flag], several: str = ""
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a verb the flags of `groups`, and call it with the answers that they make.

    Args:
        several: field whose flag may be repeated; the verb gets a list then, with the answers for
            each of its values, or those for none.
    """
    flags = [
        replace(flag, kind=list[flag.kind], more="; may be repeated")  # type: ignore[name-defined]
        if flag.field == several
        else flag
        for group in groups
        for flag in group
    ]

    def decorate(verb: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(verb)
        def run(*, answers_file: Path | None = None, **given: Any) -> int:
            values = {flag: given.pop(flag.parameter) for flag in flags}
            begun = _read_answers(answers_file) if answers_file else Answers()
            answers = [_with_flags(begun, one) for one in _each(values, several)]
            registry = answers[0].registry
            warn_of_exposure(insecure=registry.insecure, plain_http=registry.plain_http)
            return verb(answers if several else answers[0], **given)

        own = list(inspect.signature(verb).parameters.values())[1:]
        file = inspect.Parameter(
            "answers_file", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_AnswersFile
        )
        keywords = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
        parameters = [*(flag.signature() for flag in flags), file, *keywords]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        del run.__wrapped__  # typer would look through it and find the verb's own signature
        return run

    return decorate


def _each(flags: Mapping[Flag, Any], several: str) -> list[dict[Flag, Any]]:
    """The values of flags once for each value of the one that may be repeated."""
    found = next((flag for flag in flags if flag.field == several), None)
    if found is None or not flags[found]:
        return [dict(flags)]
    return [{**flags, found: value} for value in flags[found]]


def _with_flags(answers: Answers, flags: Mapping[Flag, Any]) -> Answers:
    """Answers with the flags that were given on top.

    Args:
        flags: their values; None stands for a flag that was not given.

    Raises:
        UsageError: `bad-usage`.
    """
    document = answers.model_dump()
    for flag, value in flags.items():
        if value is not None and value != []:
            document[flag.section] |= _from_shell(flag, value)
    try:
        return Answers.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"][:2]))
        where = next((one.names[0] for one in flags if one.field == field), field)
        words = error_text(first["loc"], first["type"], first["msg"])
        raise UsageError(
            Code.BAD_USAGE, f"The value cannot be used. {words}", where=where
        ) from None


def _read_answers(file: Path) -> Answers:
    """An answers file, or what a cluster file says about its mirror.

    Raises:
        UsageError: `bad-answers`.
    """
    # Imported only where a file is named: an import that flags describe comes up faster without.
    from core.mirror.prefill import answers_from_cluster, is_cluster_file  # noqa: PLC0415

    if not is_cluster_file(file):
        return load_answers(file)
    found = answers_from_cluster(file)
    for note in found.notes:
        tell(f"Warning: {plain(note)}")
    return found.answers


def find_login(answers: Answers, *, password_stdin: bool) -> Credentials | None:
    """The login for the mirror: flags, environment, keyring, docker config, in this order.

    Raises:
        UsageError: `--password-stdin` without a name or a password.
        RegistryError: a store of credentials is broken.
    """
    username, password = answers.credentials.username, None
    if password_stdin:
        if not username:
            raise UsageError(
                Code.BAD_USAGE, "A password was given, but no user name.", where="--username"
            )
        password = SecretStr(sys.stdin.readline().rstrip("\r\n"))
        if not password.get_secret_value():
            raise UsageError(
                Code.BAD_USAGE,
                "Standard input holds no password.",
                where="--password-stdin",
                mend="For example: pass registry | eksa-mirror import … --password-stdin",
            )
    elif answers.credentials.source is CredentialSource.ASK and sys.stdin.isatty():
        password = SecretStr(getpass(f"Password of {username or 'the account'}: "))
    return find_credentials(
        mirror_of(answers).address,
        username=username,
        password=password,
        source=answers.credentials.source,
        password_file=answers.credentials.file,
    )


def _from_shell(flag: Flag, value: Any) -> dict[str, Any]:
    """The fields that a flag sets.

    Raises:
        MirrorError: `endpoint-invalid`.
    """
    if flag.field == "registry.address":
        mirror = Mirror.parse(value)
        return {"endpoint": mirror.host, "port": mirror.port, "namespace": mirror.namespace}
    if flag.field == "registry.mappings":
        mappings = [NamespaceMapping.parse(text) for text in value]
        value = [{"registry": one.registry, "namespace": one.namespace} for one in mappings]
    return {flag.name: value}
