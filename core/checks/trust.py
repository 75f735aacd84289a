"""Trust as each of those who will speak to the registry sees it, and picking a missing root."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from core.checks.ca_file import ca_certificates
from core.checks.chain import Certificate, Link, links
from core.checks.context import ANSWER_SECONDS, Context
from core.checks.finding import Finding, failed, passed, skipped, warned
from core.checks.handshake import go_context, shake_hands
from core.checks.presented import handshake_trouble, presented, trouble_with
from core.checks.words import first_lower
from core.errors import Code, EksaMirrorError, MachineError, RegistryError, UsageError
from core.files import write_atomically
from core.host.certs_d import certs_folder, crt_files
from core.host.docker_readers import readers_here
from core.host.docker_view import shake_hands_as_docker
from core.registry.tls import TlsSettings, ssl_context
from core.registry.transport import Transport

_NO_TLS = "plain HTTP needs no trust"


def check_import_trust(context: Context) -> Finding:
    """Does the import itself accept the registry: its own client, its own settings."""
    settings = context.connection.tls
    url = f"{context.connection.origin}/v2/"
    client = Transport(settings, stall=ANSWER_SECONDS)
    try:
        client.request("GET", url, {})
    except RegistryError as error:
        return _not_accepted(context, "the import cannot trust the registry", error)
    finally:
        client.close()
    if context.answers.registry.plain_http:
        return passed("plain HTTP, nothing to trust")
    if not settings.verify:
        return warned(
            "the import accepts any certificate",
            effect="Somebody on the way could read the login and take the uploads.",
            mend="Leave out --insecure and give the CA file.",
        )
    return passed(
        "the import accepts the certificate",
        details=(f"with the system store{' and the CA file' if settings.ca_file else ''}",),
    )


def check_node_trust(context: Context) -> Finding:
    """Will nodes accept the registry, which know the CA file and not this machine's store."""
    registry = context.answers.registry
    if registry.plain_http:
        return skipped(_NO_TLS)
    if registry.insecure:
        return warned(
            "nodes do not check the certificate",
            effect="Bottlerocket and external etcd machines check it all the same.",
            mend="Leave insecureSkipVerify off and give the CA file.",
        )
    given = ca_certificates(context)
    if not given:
        trouble = trouble_with(context, TlsSettings())
        if trouble is not None:
            return _not_accepted(context, "nodes would refuse the registry", trouble)
        return passed(
            "this machine accepts it without a CA file; nodes do where they know the same CAs",
            details=("Nodes have the public authorities of their operating system.",),
        )
    trouble = handshake_trouble(context, go_context(one.der for one in given))
    if trouble is not None:
        return _not_accepted(context, "nodes would refuse the registry", trouble)
    return passed(
        "nodes accept the certificate with this CA file alone",
        details=[f"“{one.name}”, SHA-256 {one.fingerprint}" for one in given],
    )


def check_docker_trust(context: Context, folder: Path | None = None) -> Finding:
    """Does docker on this machine accept the registry: the system's store and certs.d.

    Args:
        folder: where docker looks for this registry; that of this machine where None.
    """
    if context.answers.registry.plain_http:
        return skipped(_NO_TLS)
    if folder is None and shutil.which("docker") is None:
        return skipped("docker is not installed here")
    looked = folder or docker_folder(context)
    try:
        shake_hands_as_docker(context.mirror, looked, seconds=ANSWER_SECONDS)
        installed = crt_files(looked)
    except MachineError as error:
        return warned(
            first_lower(error.message),
            cause=error.cause,
            effect="docker refuses every contact with this registry.",
            mend=error.mend,
            details=(error.where,),
            code=error.code,
        )
    except RegistryError as error:
        return _docker_refuses(error, looked)
    except OSError as error:
        return skipped(f"{looked} may not be read here: {str(error.strerror).lower()}")
    how = "with certs.d" if installed else "with the system store"
    details = [f"read: {file}" for file in installed]
    return passed(f"docker accepts the certificate, {how}", details=details)


def docker_folder(context: Context) -> Path:
    """The folder that docker reads when EKS Anywhere calls it, which always names the port."""
    environment = context.environment
    folder = certs_folder(readers_here(environment)[0], environment=environment)
    return folder / context.mirror.address_with_port


def certificate_tree(context: Context) -> tuple[Link, ...]:
    """The chain for the screen, the root first; what is missing is said.

    Raises:
        RegistryError: the registry does not answer, or speaks no TLS.
    """
    chain = presented(context).chain
    client = ssl_context(TlsSettings())
    try:
        path = shake_hands(context.mirror.host, context.port, client, ANSWER_SECONDS).path
    except OSError:
        path = ()  # not known to the system's store; the other checks say why
    return links(chain, ca_certificates(context), path)


def write_ca(path: Path, offered: Iterable[Certificate], fingerprint: str) -> Certificate:
    """Write one certificate as a CA file of its own, after its fingerprint was confirmed.

    Args:
        path: the new file; an old one is replaced at once or not at all.
        offered: what may be picked: the chain as presented, or the CA file that was given.
        fingerprint: SHA-256 as the operator confirmed it, with or without colons.

    Raises:
        UsageError: `ca-file-invalid` where no certificate has this fingerprint, or it is no CA.
        EksaMirrorError: `file-not-written`.
    """
    wanted = _bare(fingerprint)
    found = next((one for one in offered if _bare(one.fingerprint) == wanted), None)
    if found is None:
        raise UsageError(
            Code.CA_FILE_INVALID,
            "No certificate has the fingerprint that was confirmed.",
            cause="It was mistyped, or the registry shows other certificates than before.",
            mend="Compare it with the one that the CA's owner tells you.",
        )
    if not found.is_ca and not found.is_self_signed:
        raise UsageError(
            Code.CA_FILE_INVALID,
            f"“{found.name}” is a server's own certificate, not a CA.",
            cause="It ends with the next renewal, and then no node trusts the registry.",
            mend=f"Ask for the certificate of “{found.issuer_name}”.",
        )
    try:
        write_atomically(path, found.pem, 0o644)
    except OSError as error:
        raise EksaMirrorError(
            Code.FILE_NOT_WRITTEN, f"It could not be written: {error.strerror}.", where=str(path)
        ) from None
    return found


def _not_accepted(context: Context, seen: str, error: RegistryError) -> Finding:
    given = error.code is Code.TLS_UNTRUSTED and context.answers.registry.ca_file
    return failed(
        seen,
        cause=error.message,
        mend="Take the CA file that belongs to the chain; see CA file." if given else error.mend,
        details=(error.message,),
        code=error.code,
    )


def _docker_refuses(error: RegistryError, folder: Path) -> Finding:
    untrusted = error.code is Code.TLS_UNTRUSTED
    cause = "It looks for the CA in a folder that has the registry's exact name and port."
    return warned(
        "docker would refuse the registry",
        cause=cause if untrusted else error.message,
        effect="The import works without docker. Creating a cluster does not.",
        mend="Install the CA for docker: eksa-mirror trust" if untrusted else error.mend,
        details=(f"looked in: {folder}", error.message),
        code=error.code,
    )


def _bare(fingerprint: str) -> str:
    return re.sub(r"^SHA-?256\s*[:=]?|[^0-9A-F]", "", fingerprint.strip().upper())
