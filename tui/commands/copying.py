"""`copy packages` and `download packages`: the curated packages of one Kubernetes version."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from core.errors import Code, ExitCode, RegistryError, ReleaseError, UsageError
from core.fetch.copying import Copied, Copier, copy_all
from core.fetch.images import Failure, Survey, survey
from core.fetch.packages import PackageSet, bundle_reference, find_packages
from core.fetch.partial import hold_folder
from core.fetch.pins import Pins
from core.fetch.platforms import parse_platforms
from core.fetch.relay import CHUNK, Relay
from core.fetch.release import open_release
from core.fetch.upstreams import FindLogin, concerns_all, parse_places
from core.host.credentials import check_login, find_credentials
from core.host.docker_config import find_in_docker_config
from core.mirror.endpoint import Mirror
from core.oci import Platform
from core.reference import Artifact, Kind
from core.registry.connection import Connection
from core.registry.credentials import Credentials
from core.registry.retry import RetryPolicy
from core.registry.session import Session
from core.registry.tls import TlsSettings
from core.transfer.chunk_size import SMALLEST_CHUNK
from core.units import size
from tui import fetching, options
from tui.commands.downloading import AllowMissingFlag, OutputFlag, check_output, fetch, give_up
from tui.flags import JsonFlag, valued
from tui.words import plain, plural, put, tell, warn_of_exposure

_Destination = Annotated[
    str,
    typer.Argument(metavar="DESTINATION", help="HOST[:PORT]/NAMESPACE; clusters look in the "
                   "namespace of public.ecr.aws, below eks-anywhere", show_default=False),
]  # fmt: skip
_VersionFlag = Annotated[str, valued("--kube-version", "VERSION", "of Kubernetes, such as 1.33")]
_ImagesFlag = Annotated[
    str, valued("--src-image-registry", "REGISTRY[/PATH]", "where the images of the packages are")
]
_ChartsFlag = Annotated[
    str,
    valued(
        "--src-chart-registry",
        "REGISTRY[/PATH]",
        "where package bundle and charts are (default: where the images are)",
    ),
]
_UsernameFlag = Annotated[
    str,
    valued(
        "--username -u",
        "NAME",
        "login of the registry of the images, such as AWS (default: docker's)",
    ),
]
_DstCertFlag = Annotated[
    Path | None, valued("--dst-cert", "FILE", "PEM file of the destination's CA")
]
_DstInsecureFlag = Annotated[
    bool, typer.Option("--dst-insecure", help="accept any certificate of the destination")
]
_DstPlainFlag = Annotated[
    bool, typer.Option("--dst-plain-http", help="speak plain HTTP to the destination")
]
_BundleFlag = Annotated[
    str,
    valued(
        "--bundle -b", "FILE|URL", "the bundles manifest: packages of all its Kubernetes versions"
    ),
]


@dataclass(frozen=True, slots=True)
class _Source:
    """Where packages come from.

    Attributes:
        run: whom to ask, how many threads at a time.
        charts: registry and path of the package bundle and the charts.
        images: registry and path of the images.
    """

    run: fetching.Going
    charts: str
    images: str
    jobs: int


def packages(
    *,
    output: OutputFlag,
    kube_version: _VersionFlag,
    src_image_registry: _ImagesFlag,
    src_chart_registry: _ChartsFlag = "",
    platform: fetching.PlatformFlag = None,
    allow_missing: AllowMissingFlag = False,
    username: _UsernameFlag = "",
    password_stdin: options.PasswordFlag = False,
    upstream_mirror: fetching.PlaceFlag = None,
    ca_file: fetching.CaFlag = None,
    insecure: fetching.InsecureFlag = False,
    trust_host: fetching.TrustHostFlag = None,
    jobs: fetching.JobsFlag = 4,
    limit_rate: fetching.RateFlag = "",
    patience: fetching.PatienceFlag = 1800.0,
    restart: fetching.RestartFlag = False,
    dry_run: fetching.DryRunFlag = False,
) -> int:
    """Fetch the curated packages of a Kubernetes version into one tarball.

    Package bundle, charts and images, with their digests and the tags that the charts give. Take
    the tarball across the air gap, and import it with --all.
    """
    charts, images = _places(src_chart_registry, src_image_registry)
    wanted = parse_platforms(platform or ())
    check_output(output, may_exist=restart or dry_run)
    with fetching.going(
        places=upstream_mirror, ca_file=ca_file, insecure=insecure, trust_hosts=trust_host,
        jobs=jobs, limit_rate=limit_rate, patience=patience,
        find_login=_login(username, images, upstream_mirror, password_stdin=password_stdin),
    ) as run:  # fmt: skip
        source = _Source(run, charts, images, jobs)
        if dry_run:
            found, seen = _survey(source, kube_version, wanted, Pins())
            return _show(found, seen)
        with hold_folder(output, restart=restart) as folder:
            found, seen = _survey(source, kube_version, wanted, Pins(folder))
            failures = (*found.failures, *seen.failures)
            if failures and not allow_missing:
                return give_up(failures)
            if lost := fetch(run, seen, folder, output, jobs):
                return give_up(lost)
    tell(f"{plural(len(seen.resolved), 'artifact')} in {output}, {size(seen.shape.size)}")
    fetching.tell_import(output.name, "", (charts, images))
    if failures:
        fetching.tell_failures(failures)
    return ExitCode.SOME_FAILED if failures else ExitCode.DONE


def copy(
    destination: _Destination,
    *,
    src_image_registry: _ImagesFlag,
    kube_version: _VersionFlag = "",
    bundle: _BundleFlag = "",
    src_chart_registry: _ChartsFlag = "",
    dst_plain_http: _DstPlainFlag = False,
    dst_insecure: _DstInsecureFlag = False,
    dst_cert: _DstCertFlag = None,
    username: _UsernameFlag = "",
    password_stdin: options.PasswordFlag = False,
    upstream_mirror: fetching.PlaceFlag = None,
    ca_file: fetching.CaFlag = None,
    insecure: fetching.InsecureFlag = False,
    trust_host: fetching.TrustHostFlag = None,
    jobs: fetching.JobsFlag = 4,
    limit_rate: fetching.RateFlag = "",
    chunk_size: fetching.ChunkFlag = "",
    patience: fetching.PatienceFlag = 1800.0,
    dry_run: fetching.DryRunFlag = False,
    as_json: JsonFlag = False,
) -> int:
    """Copy the curated packages from upstream straight into another registry.

    For a machine that reaches both. What the registry holds already is not sent again, so the same
    command goes on after whatever went wrong. Its login is REGISTRY_USERNAME and
    REGISTRY_PASSWORD, or docker's.
    """
    if bool(kube_version) == bool(bundle):
        raise UsageError(
            Code.BAD_USAGE, "Name either a Kubernetes version or a bundles manifest.",
            where="--kube-version",
        )  # fmt: skip
    charts, images = _places(src_chart_registry, src_image_registry)
    chunk = fetching.bytes_of(chunk_size, "--chunk-size", CHUNK)
    mirror = Mirror.parse(destination)
    warn_of_exposure(insecure=dst_insecure, plain_http=dst_plain_http)
    with fetching.going(
        places=upstream_mirror, ca_file=ca_file, insecure=insecure, trust_hosts=trust_host,
        jobs=jobs, limit_rate=limit_rate, patience=patience,
        find_login=_login(username, images, upstream_mirror, password_stdin=password_stdin),
    ) as run:  # fmt: skip
        versions = [kube_version] if kube_version else _versions(bundle, run)
        connection = Connection(
            mirror.address,
            TlsSettings(dst_cert or ca_file, verify=not dst_insecure),
            plain_http=dst_plain_http,
            trusted_hosts=tuple(trust_host or ()),
        )
        homes = {Kind.IMAGE.value: images.partition("/")[2]}
        homes |= dict.fromkeys((Kind.CHART.value, Kind.PACKAGE_BUNDLE.value),
                               charts.partition("/")[2])  # fmt: skip
        with Session(
            connection, find_credentials(mirror.address), policy=RetryPolicy(patience=patience),
            waiter=run.upstreams.waiter, uploads=jobs,
        ) as session:  # fmt: skip
            relay = Relay(run.upstreams, session, run.throttle.take, max(SMALLEST_CHUNK, chunk))
            copier = Copier(relay, mirror.namespace, homes)
            if not dry_run:
                session.ping()
            results: list[Copied | Failure] = []
            for version in versions:
                source = _Source(run, charts, images, jobs)
                results += _copy_version(source, copier, version, dry_run=dry_run)
    return _report(results, as_json=as_json, dry_run=dry_run)


def _copy_version(
    source: _Source, copier: Copier, version: str, *, dry_run: bool
) -> list[Copied | Failure]:
    upstreams = source.run.upstreams
    bundle = Artifact(Kind.PACKAGE_BUNDLE, bundle_reference(source.charts, version))
    try:
        found = find_packages(
            upstreams, version, charts=source.charts, images=source.images, with_tags=not dry_run
        )
    except (RegistryError, ReleaseError) as error:
        if concerns_all(error):
            raise
        return [Failure(bundle, error)]
    seen = survey(found.artifacts, upstreams, jobs=source.jobs)
    failures = [*found.failures, *seen.failures]
    if dry_run:
        planned = []
        for one in seen.resolved:
            repository, tag = copier.target(one.artifact)
            target = f"{repository}:{tag}" if tag else f"{repository}@{one.root.digest}"
            planned.append(Copied(one.artifact, target, one.root.digest, 0, 0))
        return [*planned, *failures]
    # With something missing, the package bundle would promise what is not there.
    keep = [one for one in seen.resolved if not failures or one.artifact != found.bundle]
    return [*copy_all(copier, keep, source.jobs, _tell_copied), *failures]


def _versions(bundle: str, run: fetching.Going) -> list[str]:
    return list(open_release(bundle, run.upstreams).bundles.kube_versions)


def _survey(
    source: _Source, version: str, platforms: Sequence[Platform], pins: Pins
) -> tuple[PackageSet, Survey]:
    upstreams = source.run.upstreams
    tell(f"Asking {source.charts} for the packages of Kubernetes {version}")
    found = find_packages(upstreams, version, charts=source.charts, images=source.images, pins=pins)
    seen = survey(found.artifacts, upstreams, platforms=platforms, pins=pins, jobs=source.jobs)
    return found, seen


def _show(found: PackageSet, seen: Survey) -> int:
    for one in seen.resolved:
        put(plain(f"{one.artifact.kind:<15}{one.artifact}"))
    failures = (*found.failures, *seen.failures)
    if failures:
        fetching.tell_failures(failures)
    fetching.tell_sizes(seen)
    return ExitCode.SOME_FAILED if failures else ExitCode.DONE


def _tell_copied(one: Copied | Failure) -> None:
    if isinstance(one, Failure):
        tell(plain(f"failed  {one.artifact}: {one.error.message}"))
    else:
        what = f"{size(one.sent)} sent" if one.sent else "nothing to send"
        tell(plain(f"copied  {one.artifact} -> {one.target} ({what})"))


def _report(results: Sequence[Copied | Failure], *, as_json: bool, dry_run: bool) -> int:
    failures = [one for one in results if isinstance(one, Failure)]
    copied = [one for one in results if isinstance(one, Copied)]
    if as_json:
        put(json.dumps([_document(one) for one in results], indent=2, ensure_ascii=False))
    elif dry_run:
        for one in copied:
            put(plain(f"{one.artifact} -> {one.target}"))
    if failures:
        fetching.tell_failures(failures)
    words = "would be copied" if dry_run else "are in the destination"
    tell(f"{len(copied)} of {plural(len(results), 'artifact')} {words}")
    if not dry_run:
        sent, mounted = sum(one.sent for one in copied), sum(one.mounted for one in copied)
        tell(f"{size(sent)} sent, {size(mounted)} mounted")
    return ExitCode.SOME_FAILED if failures else ExitCode.DONE


def _document(one: Copied | Failure) -> dict[str, Any]:
    document: dict[str, Any] = {"kind": one.artifact.kind.value, "source": str(one.artifact)}
    if isinstance(one, Failure):
        error = {"code": one.error.code.value, "message": one.error.message}
        return document | {"state": "failed", "error": error}
    return document | {
        "state": "copied",
        "target": one.target,
        "digest": one.digest,
        "bytes": {"sent": one.sent, "mounted": one.mounted},
    }


def _places(charts: str, images: str) -> tuple[str, str]:
    """Registry and path of charts and of images, without scheme and slash at the end."""
    images = images.removeprefix("https://").rstrip("/")
    charts = (charts or images).removeprefix("https://").rstrip("/")
    return charts, images


def _login(
    username: str, images: str, places: Sequence[str] | None, *, password_stdin: bool
) -> FindLogin:
    """The login of the flags for the registry of the images, docker's for every other."""
    if not username and not password_stdin:
        return find_in_docker_config
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else ""
    if not username or not password:
        raise UsageError(
            Code.BAD_USAGE,
            "A user name and a password belong together.",
            where="--username",
            mend="For example: aws ecr get-login-password | eksa-mirror … --username AWS "
            "--password-stdin",
        )
    given = Credentials(username, SecretStr(password), "flags")
    check_login(given)
    host = images.partition("/")[0]
    place = parse_places(places or ()).get(host)
    reached = place.address if place else host

    def find(address: str) -> Credentials | None:
        return given if address == reached else find_in_docker_config(address)

    return find
