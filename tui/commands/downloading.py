"""`download images` and `download artifacts`: the connected side."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from core.eksa import DOWNLOADS_FOLDER
from core.errors import Code, ExitCode, Interrupted, UsageError
from core.fetch.artifacts import FileFailure, Wanted, fetch_all, finish, forget, want
from core.fetch.images import Failure, Survey, download, survey
from core.fetch.partial import hold_file, hold_folder
from core.fetch.pins import Pins
from core.fetch.platforms import parse_platforms
from core.fetch.preparation import MANIFESTS_FILE
from core.fetch.release import (
    RELEASES_URL,
    Release,
    find_bundles_url,
    is_url,
    open_release,
    read_file,
)
from core.release.model import Requirements
from core.units import size
from tui import fetching
from tui.flags import JsonFlag
from tui.words import plain, plural, put, tell

OutputFlag = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="FILE", help="the tarball to write: images.tar",
        show_default=False,
    ),
]  # fmt: skip
AllowMissingFlag = Annotated[
    bool, typer.Option("--allow-missing", help="write the tarball without what upstream lacks")
]

_FolderFlag = Annotated[
    str,
    typer.Option("--download-dir", "-d", metavar="FOLDER", help="the folder to make; its tarball "
                 "lies beside it"),
]  # fmt: skip
_RetainFlag = Annotated[
    bool, typer.Option("--retain-dir", "-r", help="keep the folder beside its tarball")
]
_BundlesOverride = Annotated[
    str,
    typer.Option("--bundles", "-b", metavar="FILE|URL", help="the bundles manifest, in place of "
                 "the one that the list of releases names", show_default=False),
]  # fmt: skip
_ReleasesFlag = Annotated[
    str,
    typer.Option("--release-manifest", metavar="FILE|URL", help="the list of all releases "
                 "(default: that of AWS)", show_default=False),
]  # fmt: skip
_ReleaseFlag = Annotated[
    str,
    typer.Option("--release", metavar="VERSION", help="release of EKS Anywhere, such as v0.26.0 "
                 "(default: the latest)", show_default=False),
]  # fmt: skip


def images(
    *,
    output: OutputFlag,
    bundles: fetching.BundlesFlag,
    kube_version: fetching.KubeFlag = None,
    platform: fetching.PlatformFlag = None,
    allow_missing: AllowMissingFlag = False,
    upstream_mirror: fetching.PlaceFlag = None,
    ca_file: fetching.CaFlag = None,
    insecure: fetching.InsecureFlag = False,
    trust_host: fetching.TrustHostFlag = None,
    jobs: fetching.JobsFlag = 4,
    limit_rate: fetching.RateFlag = "",
    patience: fetching.PatienceFlag = 1800.0,
    restart: fetching.RestartFlag = False,
    dry_run: fetching.DryRunFlag = False,
    as_json: JsonFlag = False,
) -> int:
    """Fetch all that a release requires from upstream into one tarball.

    Images, charts and package bundles, with the digests of upstream. `import` and `eksctl anywhere
    import images` both take the tarball. Run the same command again after whatever went wrong: it
    goes on where it stopped. Logins are those of docker, with its credential helpers.
    """
    wanted = parse_platforms(platform or ())
    check_output(output, may_exist=restart or dry_run)
    with fetching.going(
        places=upstream_mirror, ca_file=ca_file, insecure=insecure, trust_hosts=trust_host,
        jobs=jobs, limit_rate=limit_rate, patience=patience,
    ) as run:  # fmt: skip
        release = open_release(bundles, run.upstreams)
        required = release.requirements(kube_version or ())
        artifacts = [one.artifact for one in required.artifacts]
        tools = release.tools(required)
        if dry_run:
            seen = survey(artifacts, run.upstreams, platforms=wanted, tools=tools, jobs=jobs)
            _show(seen, required, as_json=as_json)
            return ExitCode.SOME_FAILED if seen.failures else ExitCode.DONE
        with hold_folder(output, restart=restart) as folder:
            tell(f"Asking upstream for {plural(len(artifacts), 'artifact')}")
            seen = survey(
                artifacts, run.upstreams,
                platforms=wanted, tools=tools, pins=Pins(folder), jobs=jobs,
            )  # fmt: skip
            if seen.failures and not allow_missing:
                return give_up(seen.failures)
            failures = fetch(run, seen, folder, output, jobs)
    if failures:
        return give_up(failures)
    return _tell_end(output, seen, required, as_json=as_json)


def artifacts(
    *,
    download_dir: _FolderFlag = DOWNLOADS_FOLDER,
    bundles: _BundlesOverride = "",
    release_manifest: _ReleasesFlag = "",
    release: _ReleaseFlag = "",
    retain_dir: _RetainFlag = False,
    upstream_mirror: fetching.PlaceFlag = None,
    ca_file: fetching.CaFlag = None,
    insecure: fetching.InsecureFlag = False,
    patience: fetching.PatienceFlag = 1800.0,
    restart: fetching.RestartFlag = False,
    dry_run: fetching.DryRunFlag = False,
) -> int:
    """Fetch the manifests of a release into a folder and its tarball.

    The tree is that of `eksctl anywhere download artifacts`, and bundle-release.yaml in it points
    to the files beside it. Checksums of all files lie beside the tarball.
    """
    if release and bundles:
        raise UsageError(Code.BAD_USAGE, "--bundles names the release already.", where="--release")
    with fetching.going(
        places=upstream_mirror, ca_file=ca_file, insecure=insecure, trust_hosts=None,
        jobs=1, limit_rate="", patience=patience,
    ) as run:  # fmt: skip
        releases = _releases(run, release_manifest, bundles)
        if not bundles and releases:
            version, bundles = find_bundles_url(releases[1], releases[0], release)
            tell(f"Release {version}")
        opened = open_release(bundles, run.upstreams)
        wanted = want(opened, download_dir, releases)
        if dry_run:
            for path, pointer in sorted(wanted.files.items()):
                put(plain(f"{pointer.uri} -> {wanted.folder}/{path}"))
            return ExitCode.DONE
        _check_places(wanted, restart=restart, retain=retain_dir)
        with hold_file(wanted.partial):
            failures = fetch_all(wanted, _reader(opened, run), _tell_file)
            if failures:
                return _tell_lost(failures)
            finish(wanted, retain=retain_dir)
    tell(f"{plural(len(wanted.files), 'file')} in {wanted.tarball}")
    return ExitCode.DONE


def _releases(run: fetching.Going, source: str, bundles: str) -> tuple[str, bytes] | None:
    """The list of all releases: always where it is named, else only where it is needed."""
    if bundles and not source:
        return None
    source = source or RELEASES_URL
    content = run.upstreams.read(source) if is_url(source) else read_file(Path(source))
    return source, content


def _reader(release: Release, run: fetching.Going) -> Callable[[str], bytes | None]:
    return lambda uri: run.upstreams.read(uri) if is_url(uri) else release.read(uri)


def _check_places(wanted: Wanted, *, restart: bool, retain: bool) -> None:
    if restart:
        forget(wanted)
    parent = wanted.tarball.parent
    if not parent.is_dir():
        raise UsageError(
            Code.BAD_USAGE, f"There is no folder {parent}.", where="--download-dir",
            mend=f"Make it: mkdir -p {parent}",
        )  # fmt: skip
    folder = Path(wanted.folder)
    taken = [wanted.tarball] * (not restart) + [folder] * retain
    for place in taken:
        if place.exists():
            raise UsageError(
                Code.BAD_USAGE, f"{place} is there already.", where="--download-dir",
                mend="Move it away, or name another folder with --download-dir.",
            )  # fmt: skip


def _tell_file(path: str, known: bool) -> None:
    tell(plain(f"{'had already' if known else 'fetched':<12}{path}"))


def _tell_lost(failures: tuple[FileFailure, ...]) -> int:
    tell()
    tell(f"x {plural(len(failures), 'file')} could not be had:")
    for one in failures:
        tell(f"    {plain(one.uri)}")
        tell(f"      {plain(one.error.message)}")
    tell("There is no tarball yet. What was fetched is kept for the next run.")
    return ExitCode.SOME_FAILED


def fetch(
    run: fetching.Going, seen: Survey, folder: Path, output: Path, jobs: int
) -> tuple[Failure, ...]:
    """Fetch what was seen into the tarball, and show how far it is."""
    tell(f"Fetching {size(seen.shape.fetched)}; the tarball gets {size(seen.shape.size)}")
    progress = fetching.Progress(seen.shape.fetched)
    watcher = fetching.watcher(run, progress)
    try:
        return download(seen, run.upstreams, folder, output, jobs=jobs, watcher=watcher)
    except Interrupted:
        tell("Run the same command again to go on.")
        raise Interrupted("The download was stopped.") from None
    finally:
        progress.end()


def give_up(failures: tuple[Failure, ...]) -> int:
    """Tell what could not be had, where that is the end."""
    fetching.tell_failures(failures)
    tell("There is no tarball yet. What was fetched is kept for the next run.")
    return ExitCode.SOME_FAILED


def _tell_end(output: Path, seen: Survey, required: Requirements, *, as_json: bool) -> int:
    if as_json:
        put(json.dumps(_document(seen, required) | {"file": str(output)}, indent=2))
    for warning in required.warnings:
        tell(f"Warning: {plain(warning)}")
    tell(f"{plural(len(seen.resolved), 'artifact')} in {output}, {size(seen.shape.size)}")
    fetching.tell_import(output.name, MANIFESTS_FILE)
    if seen.failures:
        fetching.tell_failures(seen.failures)
        return ExitCode.SOME_FAILED
    return ExitCode.DONE


def _show(seen: Survey, required: Requirements, *, as_json: bool) -> None:
    if as_json:
        put(json.dumps(_document(seen, required), indent=2))
    else:
        for one in seen.resolved:
            bytes_of = {blob.digest: blob.size for blob in one.blobs()}
            line = f"{size(sum(bytes_of.values())):>10}  {one.artifact.kind:<15}{one.artifact}"
            put(plain(line))
    for warning in required.warnings:
        tell(f"Warning: {plain(warning)}")
    if seen.failures:
        fetching.tell_failures(seen.failures)
    tell()
    fetching.tell_sizes(seen)
    for platform, count in seen.by_platform().items():
        tell(f"  {platform:<20} {size(count):>10} of the images")


def _document(seen: Survey, required: Requirements) -> dict[str, Any]:
    return {
        "release": required.release,
        "kube_versions": list(required.kube_versions),
        "bytes": {
            "fetch": seen.shape.fetched,
            "file": seen.shape.size,
            "platforms": seen.by_platform(),
        },
        "warnings": list(required.warnings),
        "artifacts": [
            {
                "kind": one.artifact.kind.value,
                "source": str(one.artifact),
                "digest": one.root.digest,
                "size": sum({blob.digest: blob.size for blob in one.blobs()}.values()),
                "platforms": sorted({str(platform) for platform in one.platforms.values()}),
            }
            for one in seen.resolved
        ],
        "failed": [
            {
                "kind": one.artifact.kind.value,
                "source": str(one.artifact),
                "error": {"code": one.error.code.value, "message": one.error.message},
            }
            for one in seen.failures
        ],
    }


def check_output(output: Path, *, may_exist: bool) -> None:
    """Whether the tarball can get this name.

    Raises:
        UsageError: it cannot.
    """
    if output.name.endswith((".gz", ".tgz")):
        raise UsageError(
            Code.BAD_USAGE,
            "A gzip-ed tarball is not written.",
            where="--output",
            cause="All layers are compressed already, so it would not become smaller.",
            mend=f"Name it {output.name.partition('.')[0]}.tar.",
        )
    if not output.parent.is_dir():
        raise UsageError(
            Code.BAD_USAGE, f"There is no folder {output.parent}.", where="--output",
            mend=f"Make it: mkdir -p {output.parent}",
        )  # fmt: skip
    if output.exists() and not may_exist:
        raise UsageError(
            Code.BAD_USAGE,
            f"{output} is there already.",
            where="--output",
            cause="An earlier download finished it.",
            mend="Name another file, or add --restart to replace it.",
        )
