"""The registry as a node sees it: the URL that containerd makes, the login that it sends unasked.

Source: `hosts.toml` of EKS Anywhere (`core.mirror.hosts_toml`): `override_path`, so that the path
is used as it is, and a Basic header with every request.
"""

from core.checks.ca_file import ca_file
from core.checks.context import Context
from core.checks.finding import Finding, failed, from_error, passed, skipped
from core.checks.login import node_get
from core.checks.wanted import planned
from core.errors import Code, EksaMirrorError, MirrorError, RegistryError
from core.mirror.configuration import RegistryMirrorConfiguration
from core.mirror.rewrite import node_url
from core.oci import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    InvalidContentError,
    Manifest,
    parse_manifest,
)
from core.reference import Kind, Reference
from core.registry.auth import challenges
from core.registry.session import REDIRECTS
from core.registry.transport import Response

_ACCEPT = {"Accept": ", ".join((DOCKER_MANIFEST, DOCKER_INDEX, OCI_MANIFEST, OCI_INDEX, "*/*"))}
_TRIES = 3


def check_node_view(context: Context) -> Finding:
    """Once something is imported: can a node pull it, by its own URL and login."""
    if context.answers.registry.plain_http:
        return skipped("nodes use HTTPS only")
    try:
        images = _images(context)
    except EksaMirrorError:
        return skipped("the artifacts cannot be read")
    if not images:
        return skipped("no artifacts are named yet")
    for reference in images:
        context.go_on()
        try:
            url = node_url(configuration(context), reference)
            answer = node_get(context, url, _ACCEPT)
        except (MirrorError, RegistryError) as error:
            return from_error(error)
        if answer.status != 404:
            return _judged(context, reference, url, answer)
    return skipped(f"nothing is imported yet: {images[0].repository} is not in the registry")


def configuration(context: Context) -> RegistryMirrorConfiguration:
    """The `registryMirrorConfiguration` that the answers stand for.

    Raises:
        EksaMirrorError: no registry is named, or the CA file cannot be read.
    """
    given = ca_file(context)
    registry = context.answers.registry
    return RegistryMirrorConfiguration.from_mirror(
        context.mirror,
        ca_cert_content=given.content.decode("utf-8", "replace") if given else "",
        authenticate=context.credentials is not None,
        insecure_skip_verify=registry.insecure,
    )


def _images(context: Context) -> list[Reference]:
    """A few upstream references of images, from all over the list."""
    sources = [one.source for one in planned(context) if one.kind is Kind.IMAGE and one.destination]
    step = max(1, len(sources) // _TRIES)
    return [Reference.parse(source) for source in sources[::step][:_TRIES]]


def _judged(context: Context, reference: Reference, url: str, answer: Response) -> Finding:
    asked = f"GET {url}: HTTP {answer.status}"
    if answer.status == 200:
        return _with_blob(context, reference, url, answer, asked)
    refused = answer.status in (401, 403)
    if refused and context.credentials is None and context.answers.credentials.authenticate:
        return skipped("nodes log in, and the password is not known here: step 4")
    if refused and "bearer" in challenges(answer):
        return failed(
            f"a node may not pull {reference.repository}",
            cause="The registry wants a token; nodes send user and password and fetch none.",
            mend="Allow the basic login in the registry, or anonymous pull.",
            details=(asked, answer.error("GET").message),
            code=Code.LOGIN_REFUSED,
        )
    error = answer.error("GET")
    return from_error(error, seen=f"a node gets HTTP {answer.status} for {reference.repository}")


def _with_blob(
    context: Context, reference: Reference, url: str, answer: Response, asked: str
) -> Finding:
    """A manifest alone is not enough: also its first blob must be given."""
    try:
        manifest = parse_manifest(answer.content, answer.headers.get("content-type", ""))
    except InvalidContentError as error:
        return failed(
            f"what a node gets for {reference.repository} is no manifest",
            cause=f"The answer is {error}.",
            mend="Look who answers there: a proxy may give a page of its own.",
            details=(asked,),
            code=Code.REGISTRY_PROTOCOL,
        )
    base = url.rpartition("/manifests/")[0]
    blob = _first_blob(context, base, manifest)
    details = [asked]
    if blob:
        got = node_get(context, f"{base}/blobs/{blob}")
        details.append(f"GET {base}/blobs/{blob}: HTTP {got.status}")
        if got.status != 200 and got.status not in REDIRECTS:
            return from_error(
                got.error("GET"), seen=f"a node gets no layers of {reference.repository}"
            )
    return passed(f"a node can pull {reference.repository}:{reference.tag}", details=details)


def _first_blob(context: Context, base: str, manifest: Manifest) -> str:
    """The smallest blob that it names: its config; of an index, that of its first manifest."""
    if manifest.config is not None:
        return manifest.config.digest
    for child in manifest.manifests[:1]:
        answer = node_get(context, f"{base}/manifests/{child.digest}", _ACCEPT)
        try:
            inner = parse_manifest(answer.content) if answer.status == 200 else None
        except InvalidContentError:
            return ""
        return inner.config.digest if inner and inner.config else ""
    return ""
