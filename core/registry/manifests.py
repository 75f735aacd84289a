"""Manifests and indexes in a registry: look, read, put."""

from core.errors import Code, RegistryError
from core.oci import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    InvalidContentError,
    Manifest,
    digest_of,
    is_digest,
    parse_manifest,
)
from core.registry.auth import pull, push
from core.registry.session import Session
from core.registry.transport import Body
from core.registry.upload import check_stored

_ACCEPT = {"Accept": ", ".join((OCI_INDEX, DOCKER_INDEX, OCI_MANIFEST, DOCKER_MANIFEST))}


def get_manifest(session: Session, repository: str, target: str) -> Manifest | None:
    """The manifest under a tag or digest; None where there is none.

    Raises:
        RegistryError: no right to look, no answer, or an answer that is no manifest.
    """
    path = f"/v2/{repository}/manifests/{target}"
    response = session.request(
        "GET", path, scopes=(pull(repository),), headers=_ACCEPT, ok=(200, 404)
    )
    if response.status == 404:
        return None
    if is_digest(target) and digest_of(response.content) != target:
        raise RegistryError(
            Code.MIRROR_DIFFERS,
            f"The registry answers with another manifest than {target}.",
            where=response.url,
        )
    media_type = response.headers.get("content-type", "").partition(";")[0].strip()
    try:
        return parse_manifest(response.content, media_type)
    except InvalidContentError as error:
        raise RegistryError(
            Code.REGISTRY_PROTOCOL,
            f"The registry's manifest cannot be used: {error}.",
            where=response.url,
        ) from None


def put_manifest(
    session: Session, repository: str, target: str, content: bytes, media_type: str
) -> str:
    """Put a manifest under a tag or digest, and say its digest.

    Raises:
        RegistryError: refused, or the registry stored other bytes.
    """
    response = session.request(
        "PUT",
        f"/v2/{repository}/manifests/{target}",
        scopes=(push(repository),),
        body=Body.of(content, media_type),
        ok=(200, 201, 202),
    )
    digest = digest_of(content)
    check_stored(response, digest)
    return digest
