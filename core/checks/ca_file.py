"""The CA file: what is in it, and whether EKS Anywhere would take it.

Source: aws/eks-anywhere `pkg/validations/cluster.go` and `pkg/crypto/validator.go`, v0.26.1: the
registry is dialled with the system's roots, and where a CA is given once more with its first PEM
block as the only root.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path

from core.checks.chain import Certificate, read_pem
from core.checks.context import Context
from core.checks.finding import Finding, failed, from_error, passed, skipped, warned
from core.checks.handshake import go_context
from core.checks.presented import handshake_trouble, presented, trouble_with
from core.checks.words import listed
from core.errors import Code, RegistryError
from core.mirror.certificates import judge_ca
from core.mirror.configuration import CA_VARIABLE
from core.mirror.findings import Finding as Judgement
from core.mirror.findings import FindingCode
from core.registry.tls import TlsSettings

MAX_BYTES = 4 * 1024 * 1024
_DER_MARK = b"\x30\x82"
_REFUSED = "EKS Anywhere would refuse this file"
_PREFIX = "invalid registry certificate: "
_DIAL = f"EKS Anywhere: {_PREFIX}verifying tls connection to host with custom CA: …"
_SELF_SIGNED = (
    "EKS Anywhere: registry {endpoint} is using self-signed certs, please provide the certificate "
    "using caCertContent field. Or use insecureSkipVerify field to skip registry certificate "
    "verification"
)


@dataclass(frozen=True, slots=True)
class CaFile:
    """The CA file as EKS Anywhere will get it.

    Attributes:
        path: where it lies.
        from_variable: whether only `EKSA_REGISTRY_MIRROR_CA` names it.
        content: its bytes.
        certificates: those in it that can be parsed.
    """

    path: Path
    from_variable: bool
    content: bytes
    certificates: tuple[Certificate, ...]


def ca_file(context: Context) -> CaFile | None:
    """The CA file that the answers name, or else `EKSA_REGISTRY_MIRROR_CA`; None without either.

    Raises:
        RegistryError: `ca-file-invalid` where it cannot be read.
    """
    return context.once("ca-file", lambda: _read(context))


def ca_certificates(context: Context) -> tuple[Certificate, ...]:
    """What the CA file holds; nothing where there is none or it cannot be read."""
    try:
        given = ca_file(context)
    except RegistryError:
        return ()  # the check of the CA file tells it
    return given.certificates if given else ()


def right_root(context: Context) -> Certificate | None:
    """The certificate of the CA file that is accepted as the only root; a root before others.

    Raises:
        RegistryError: the registry does not answer.
    """
    candidates = sorted(ca_certificates(context), key=lambda one: not one.is_self_signed)
    return next((one for one in candidates if refusal(context, one) is None), None)


def refusal(context: Context, root: Certificate) -> RegistryError | None:
    """Why EKS Anywhere refuses the registry with `root` alone; None where it does not.

    Raises:
        RegistryError: the registry does not answer.
    """
    return context.once(
        f"alone {root.fingerprint}",
        lambda: handshake_trouble(context, go_context([root.der])),
    )


def check_ca_file(context: Context) -> Finding:
    """Would EKS Anywhere accept the registry with this CA file, or without one."""
    registry = context.answers.registry
    if registry.plain_http:
        return skipped("plain HTTP has no certificates")
    try:
        given = ca_file(context)
    except RegistryError as error:
        return from_error(error)
    if given is not None:
        judged = judge_ca(
            given.content.decode("utf-8", "replace"),
            endpoint=context.mirror.host,
            verified=not registry.insecure,
        )
        if unusable := _unusable(given, judged):
            return unusable
    if registry.insecure:
        return warned(
            "nodes accept any certificate (insecureSkipVerify)",
            effect="They could be given false images. EKS Anywhere does not look at the registry.",
            mend="Use it for tests only; leave it off and give the CA file.",
            details=_insecure_details(context, given),
        )
    if given is None:
        return _without_file(context)
    return _with_file(context, given, judged)


def _read(context: Context) -> CaFile | None:
    named, variable = context.answers.registry.ca_file, context.environment.get(CA_VARIABLE)
    if named is None and not variable:
        return None
    path = named or Path(str(variable))
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name is not valid"
        raise RegistryError(
            Code.CA_FILE_INVALID,
            f"The CA file cannot be read: {str(why).lower()}.",
            where=str(path),
            cause=f"{CA_VARIABLE} names it."
            if named is None
            else "The path is wrong, or this account may not read it.",
            mend=f"Look at it: ls -l {shlex.quote(str(path))}",
        ) from None
    if len(content) > MAX_BYTES:
        raise RegistryError(
            Code.CA_FILE_INVALID,
            f"The CA file is larger than {MAX_BYTES // 2**20} MiB.",
            where=str(path),
        )
    return CaFile(path, named is None, content, read_pem(content))


def _unusable(given: CaFile, judged: tuple[Judgement, ...]) -> Finding | None:
    """What is wrong with the file itself, whatever the registry shows."""
    path = shlex.quote(str(given.path))
    for one in judged:
        if one.code is FindingCode.CA_PRIVATE_KEY:
            return failed(
                "this file holds a private key",
                cause="It would be readable in the cluster file and on every node.",
                mend="Give only the certificate. If the key was written anywhere, replace it.",
                details=_details(given, one),
                code=one.code,
            )
        if one.code is FindingCode.CA_UNREADABLE and given.content.startswith(_DER_MARK):
            return failed(
                "this file is DER, not PEM",
                cause="EKS Anywhere reads PEM only.",
                mend="Turn it into PEM.",
                command=f"openssl x509 -inform der -in {path} -out ca.crt",
                details=_details(given, one),
                code=one.code,
            )
        if one.code is FindingCode.CA_UNREADABLE:
            return failed(
                "there is no certificate in this file that can be read",
                cause=one.message,
                mend="Ask for the CA's certificate in PEM; it has a line BEGIN CERTIFICATE.",
                details=_details(given, one),
                code=one.code,
            )
    return None


def _without_file(context: Context) -> Finding:
    trouble = trouble_with(context, TlsSettings())
    if trouble is None:
        return passed(
            "not needed: this machine's system store knows the authority",
            details=("EKS Anywhere checks with that store; the nodes must know it, too.",),
        )
    untrusted = trouble.code is Code.TLS_UNTRUSTED
    host = context.mirror.host
    return failed(
        "EKS Anywhere would refuse this registry",
        cause="An authority that is not known here signed its certificate; no CA file is given."
        if untrusted
        else "Its certificate is not accepted, for the reason that the checks above name.",
        mend="Give the CA's certificate: --ca-file, in the wizard step 3."
        if untrusted
        else "Mend the certificate first.",
        details=(
            _SELF_SIGNED.format(endpoint=host),
            trouble.message,
        ),
        code=trouble.code,
    )


def _with_file(context: Context, given: CaFile, judged: tuple[Judgement, ...]) -> Finding:
    first = given.certificates[0]
    trouble = refusal(context, first)
    if trouble is not None:
        return _refused(context, given, trouble)
    details = _details(given, *(one for one in judged if one.code not in _ONLY_FIRST))
    if not first.is_ca or not first.is_self_signed:
        return _not_a_root(context, given, details)
    if given.from_variable:
        return warned(
            f"“{first.name}” signs the chain, but only {CA_VARIABLE} names it",
            effect="The import and the nodes of a cluster made elsewhere do not see it.",
            mend=f"Name it with --ca-file {shlex.quote(str(given.path))}",
            details=details,
        )
    return passed(f"“{first.name}” signs the chain", details=details)


_ONLY_FIRST = frozenset({FindingCode.CA_NOT_A_CA, FindingCode.CA_WRONG_ORDER})
"""Judged by the file alone; here the handshake has shown that the first certificate is taken."""


def _not_a_root(context: Context, given: CaFile, details: tuple[str, ...]) -> Finding:
    """Go takes any certificate as an anchor, yet only a root lasts."""
    first, better = given.certificates[0], right_root(context)
    own = first == presented(context).chain.leaf
    what = "the server's own certificate" if own else "an intermediate CA"
    mend, command = f"Ask for the root above “{first.name}”.", ""
    if first.is_self_signed:
        mend = "Better have the registry's certificate signed by a CA."
    elif better is not None and better.is_self_signed:
        mend, command = _use_alone(given, better)
    return warned(
        f"accepted, but “{first.name}” is {what}",
        effect="The day it is renewed, every node and cluster file needs the new one.",
        mend=mend,
        command=command,
        details=details,
        code=FindingCode.CA_NOT_A_CA if own else FindingCode.CA_WRONG_ORDER,
    )


def _use_alone(given: CaFile, root: Certificate) -> tuple[str, str]:
    number = given.certificates.index(root) + 1
    path = shlex.quote(str(given.path))
    return f"Use “{root.name}” alone.", f"awk '/BEGIN/{{n++}} n=={number}' {path} > root.crt"


def _refused(context: Context, given: CaFile, trouble: RegistryError) -> Finding:
    first, chain = given.certificates[0], presented(context).chain
    details = (*_details(given), _DIAL, trouble.message)
    if trouble.code is not Code.TLS_UNTRUSTED:
        return failed(
            "EKS Anywhere would refuse this registry",
            cause="Its certificate is not accepted, for the reason that the checks above name.",
            mend="Mend the certificate first.",
            details=details,
            code=trouble.code,
        )
    better = right_root(context)
    if better is not None:
        mend, command = _use_alone(given, better)
        return failed(
            _REFUSED,
            cause=f"It reads the first certificate only, “{first.name}”.",
            mend=mend,
            command=command,
            details=details,
            code=FindingCode.CA_WRONG_ORDER,
        )
    if trouble_with(context, TlsSettings()) is None:
        return failed(
            "a private CA for a public certificate",
            cause="EKS Anywhere would trust this CA alone, and it did not sign the chain.",
            mend="Leave the CA file out.",
            details=details,
            code=trouble.code,
        )
    held = listed(f"“{one.name}”" for one in given.certificates)
    top = chain.top
    end = top.name if top.is_self_signed else top.issuer_name
    return failed(
        "this CA did not sign the chain",
        cause=f"The chain ends in “{end}”; the file holds {held}.",
        mend=f"Ask for the certificate of “{end}”.",
        details=details,
        code=trouble.code,
    )


def _details(given: CaFile, *judged: Judgement) -> tuple[str, ...]:
    lines = [f"{given.path}: {len(given.certificates)} certificates"]
    lines += [f"“{one.name}”, SHA-256 {one.fingerprint}" for one in given.certificates]
    lines += [f"EKS Anywhere: {one.upstream}" for one in judged if one.upstream]
    return tuple(lines)


def _insecure_details(context: Context, given: CaFile | None) -> tuple[str, ...]:
    """What would happen if certificates were checked; for information."""
    try:
        trouble = (
            refusal(context, given.certificates[0])
            if given and given.certificates
            else trouble_with(context, TlsSettings())
        )
    except RegistryError as error:
        return (error.message,)
    return (
        f"If it were checked: {trouble.message}" if trouble else "If it were checked: accepted",
    )
