"""This machine: its docker, the CA and the login in it, and `eksctl anywhere`.

An import needs none of them; creating a cluster does: `eksctl anywhere` logs docker in and pulls
its tools image through the daemon, always under the registry's name with the port.
"""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.checks.ca_file import ca_file
from core.checks.context import ANSWER_SECONDS, Context
from core.checks.finding import Finding, failed, from_error, passed, skipped, warned
from core.checks.wanted import planned, requirements
from core.checks.words import first_lower, listed
from core.errors import Code, EksaMirrorError, MachineError, RegistryError
from core.host.certs_d import Reader, certs_folder, halves, read_ca, registry_names
from core.host.daemon import DaemonFacts, DaemonKind, Pulled, connect
from core.host.docker_login import logged_in_as
from core.host.docker_readers import readers_for
from core.host.docker_trust import Change, TrustPlan, plan_trust
from core.host.docker_view import shake_hands_as_docker
from core.host.trust_script import shell_commands
from core.reference import Kind, Reference
from core.registry.faults import plain

_ROOT = Path("/")
_TRIES = 3
_VERSION = re.compile(r"v?([0-9]+\.[0-9]+\.[0-9]+)")
_NOT_DOCKER = "The import works without docker. Creating a cluster does not."
_NOT_INSTALLED = "docker is not installed here"


def check_docker(context: Context) -> Finding:
    """Does the daemon answer that the docker command would use; what is it."""
    try:
        facts = _daemon(context)
    except MachineError as error:
        if _is_absent(context):
            return warned(_NOT_INSTALLED, effect=_NOT_DOCKER, code=error.code)
        return failed(
            "docker does not answer",
            cause=error.cause,
            mend=error.mend,
            details=(f"{error.where}: {error.message}", _NOT_DOCKER),
            code=error.code,
        )
    endpoint = facts.endpoint
    details = (
        f"chosen by {endpoint.chosen_by}; {facts.platform}; storage driver {facts.storage}",
        f"version {facts.version} of {facts.kind}",
    )
    if not endpoint.is_local:
        return warned(
            f"{facts.version} on another machine: {endpoint.address}",
            effect="It looks for the CA on that machine, not on this one.",
            mend="Install the CA there: run eksa-mirror trust on it.",
            details=details,
        )
    where = endpoint.address.removeprefix("unix://")
    if facts.kind is DaemonKind.PODMAN:
        return warned(
            f"podman {facts.version} answers in docker's place on {where}",
            effect="EKS Anywhere is made for docker; podman is not what it is tried with.",
            mend="Install docker, or try a small cluster first.",
            details=details,
        )
    kind = "" if facts.kind is DaemonKind.DOCKER else f" ({facts.kind})"
    return passed(f"{facts.version}{kind}, answers on {where}", details=details)


def check_docker_ca(context: Context, root: Path = _ROOT) -> Finding:
    """Is the CA where docker looks for it, under every name of the registry.

    Args:
        root: folder that stands for `/`, for tests.
    """
    if context.answers.registry.plain_http:
        return skipped("plain HTTP has no certificates")
    try:
        given = ca_file(context)
        return _with_ca(context, given.path, root) if given else _without_ca(context, root)
    except RegistryError:
        return skipped("waits for CA file")
    except MachineError as error:
        if error.code is Code.CLIENT_KEY_MISSING:
            return skipped("waits for Stray files")
        return from_error(error, seen=first_lower(error.message))


def check_stray_files(context: Context, root: Path = _ROOT) -> Finding:
    """Is no half of a client certificate where docker looks: then it refuses the registry.

    Args:
        root: folder that stands for `/`, for tests.
    """
    looked = list(_folders(context, root))
    for reader, folder in looked:
        try:
            found = halves(folder)
        except OSError as error:
            return skipped(f"{folder} may not be read here: {str(error.strerror).lower()}")
        for path in found:
            other = path.with_suffix(".key" if path.suffix == ".cert" else ".cert").name
            return failed(
                f"{path.name} has no {other}",
                cause=f"{_shown(reader)} then refuses every contact with this registry.",
                mend="Add its other half, or remove it. A CA's file must end in .crt.",
                command=f"ls -la {shlex.quote(str(folder))}",
                details=(str(path),),
                code=Code.CLIENT_KEY_MISSING,
            )
    return passed("no .cert without its .key", details=[str(folder) for _, folder in looked])


def check_docker_login(context: Context) -> Finding:
    """Is docker logged in to the registry, under every name of it."""
    if context.credentials is None:
        return skipped("no login is used")
    names = registry_names(context.mirror)
    try:
        users = {name: logged_in_as(name, context.environment) for name in names}
    except EksaMirrorError as error:
        return from_error(error)
    details = [f"{name}: {user or 'a token' if user is not None else 'no login'}"
               for name, user in users.items()]  # fmt: skip
    known = [name for name, user in users.items() if user is not None]
    if len(known) == len(names):
        user = users[names[-1]] or "a token"
        return passed(f"logged in as {plain(user)}", details=details)
    command = f"docker login {names[-1]}"
    if context.credentials.username:
        command += f" --username {shlex.quote(context.credentials.username)}"
    return warned(
        f"logged in to {listed(known)} only" if known else "not logged in",
        effect="docker pull is refused. EKS Anywhere logs docker in itself.",
        mend="Log in; docker takes a name with and one without the port for two registries.",
        command=command,
        details=details,
        code=Code.LOGIN_MISSING,
    )


def check_docker_pull(context: Context) -> Finding:
    """Once something is imported: a real pull through the daemon, which keeps nothing."""
    try:
        images = _small_images(context)
    except EksaMirrorError:
        return skipped("the artifacts cannot be read")
    if not images:
        return skipped("no artifacts are named yet")
    for reference in images:
        context.go_on()
        try:
            pulled = _pull(context, reference)
        except (MachineError, RegistryError) as error:
            if error.code is Code.REGISTRY_NOT_FOUND:
                continue
            return _not_pulled(context, error)
        name = reference.repository.rpartition("/")[2]
        return passed(
            f"docker pulled {name} in {pulled.seconds:.1f} s",
            details=(str(reference), f"image ID {pulled.image_id}"),
        )
    return skipped(f"nothing is imported yet: {images[0].repository} is not in the registry")


def _not_pulled(context: Context, error: MachineError | RegistryError) -> Finding:
    if isinstance(error, MachineError) and _is_absent(context):
        return skipped(_NOT_INSTALLED)
    return from_error(error, seen="docker cannot pull from the registry")


def check_eksctl(context: Context) -> Finding:
    """Is `eksctl anywhere` here, and of the release that the bundles manifest is for."""
    path = shutil.which("eksctl", path=context.environment.get("PATH"))
    if path is None:
        return skipped("eksctl is not installed here")
    said = _eksctl_version(path, context)
    found = _VERSION.search(said)
    if found is None:
        return warned(
            "eksctl anywhere does not tell its version",
            effect="Without its plugin no cluster can be created from here.",
            mend="Install the plugin eksctl-anywhere beside eksctl.",
            command="eksctl anywhere version",
            details=(plain(said),),
            code=Code.TOOL_MISSING,
        )
    version, wanted = found[1], _release(context)
    if not wanted:
        return passed(f"v{version}", details=(path,))
    if version == wanted:
        return passed(f"v{version}, fits the bundle", details=(path,))
    return warned(
        f"v{version}, the bundle asks for v{wanted}",
        effect="It may ask for images that this bundle does not name.",
        mend=f"Take eksctl anywhere v{wanted}.",
        details=(path,),
    )


def _is_absent(context: Context) -> bool:
    """Whether nobody ever meant to have docker here."""
    command = shutil.which("docker", path=context.environment.get("PATH"))
    return command is None and not context.environment.get("DOCKER_HOST")


def _daemon(context: Context) -> DaemonFacts:
    """The daemon, asked once.

    Raises:
        MachineError: `docker-unreachable`.
    """

    def ask() -> DaemonFacts:
        with connect(context.environment, seconds=int(ANSWER_SECONDS)) as daemon:
            return daemon.facts

    return context.once("docker daemon", ask)


def _readers(context: Context) -> Sequence[Reader]:
    try:
        return readers_for(_daemon(context), context.environment)
    except MachineError:
        return readers_for(None, context.environment)


def _folders(context: Context, root: Path) -> Iterator[tuple[Reader, Path]]:
    for reader in _readers(context):
        base = certs_folder(reader, environment=context.environment, root=root)
        for name in registry_names(context.mirror):
            yield reader, base / name


def _without_ca(context: Context, root: Path) -> Finding:
    """No CA file was given: docker must accept the registry as it is."""
    for reader, folder in _folders(context, root):
        try:
            shake_hands_as_docker(context.mirror, folder, seconds=ANSWER_SECONDS)
        except EksaMirrorError as error:
            return warned(
                f"{_shown(reader)} does not accept {folder.name}",
                cause="No CA file is given that could be installed.",
                effect=_NOT_DOCKER,
                mend="Give the CA's certificate: --ca-file, in the wizard step 3.",
                details=(error.message, f"looked in {folder}"),
                code=error.code,
            )
    return passed("not needed: docker accepts the certificate as it is")


def _with_ca(context: Context, given: Path, root: Path) -> Finding:
    """The CA file must be installed.

    Raises:
        MachineError: it cannot be used, or a folder of trust cannot.
    """
    plan = plan_trust(
        context.mirror,
        read_ca(given),
        _readers(context),
        environment=context.environment,
        root=root,
    )
    details = [f"{step.change}: {step.path}" for step in plan.steps]
    if not plan.is_settled:
        return _not_installed(context, plan, given, details)
    names = list(dict.fromkeys(step.name for step in plan.steps))
    shown = "both names" if len(names) == 2 else names[0]
    return passed(f"installed for {shown}", details=details)


def _not_installed(context: Context, plan: TrustPlan, given: Path, details: list[str]) -> Finding:
    step = plan.to_do[-1]
    if step.change is Change.REPLACE:
        seen, cause = "another CA is installed there", "It is not the one of this registry."
    else:
        missing = list(dict.fromkeys(one.name for one in plan.to_do))
        seen = f"missing for {listed(missing)}"
        cause = "docker looks under the exact name. EKS Anywhere always adds the port."
    chosen = context.answers.admin_machine.trust_ca
    return warned(
        seen,
        cause=cause,
        effect=_NOT_DOCKER,
        mend="eksa-mirror write installs it, as the answers say."
        if chosen
        else f"eksa-mirror trust -r {context.mirror.address} --ca-file {shlex.quote(str(given))}",
        command=" && ".join(shell_commands(plan, given)),
        details=(*details, "The old file is kept as .bak.") if step.backup else details,
        code=Code.TLS_UNTRUSTED,
    )


def _small_images(context: Context) -> list[Reference]:
    """A few destinations under the name that EKS Anywhere uses, those with the least to pull."""
    found = [
        (one.size or 0, "pause" not in one.destination.repository, one.destination)
        for one in planned(context)
        if one.kind is Kind.IMAGE and one.destination
    ]
    address = context.mirror.address_with_port
    chosen = [destination for _, _, destination in sorted(found)][:_TRIES]
    return [Reference(address, one.repository, one.tag, one.digest) for one in chosen]


def _pull(context: Context, reference: Reference) -> Pulled:
    with connect(context.environment, seconds=int(ANSWER_SECONDS)) as daemon:
        return daemon.pull_through(reference, context.credentials)


def _eksctl_version(path: str, context: Context) -> str:
    try:
        done = subprocess.run(
            [path, "anywhere", "version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=dict(context.environment),
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stdout if done.returncode == 0 else done.stderr).decode(errors="replace")


def _release(context: Context) -> str:
    """`0.26.0` of the bundles manifest; empty where none is named or it cannot be read."""
    try:
        required = requirements(context)
    except EksaMirrorError:
        return ""  # the check of the manifest tells it
    found = _VERSION.search(required.release) if required else None
    return found[1] if found else ""


def _shown(reader: Reader) -> str:
    return reader.replace("-", " ")
