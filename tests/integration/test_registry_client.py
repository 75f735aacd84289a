"""The registry client against docker-registry."""

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from pydantic import SecretStr

from core.demo.registry import DemoRegistry, Login
from core.errors import Code, RegistryError
from core.oci import (
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    canonical_json,
    digest_of,
)
from core.registry.auth import push
from core.registry.blobs import (
    blob_size,
    has_blob,
    hash_blob,
    mount_blob,
    open_blob,
    read_blob,
)
from core.registry.credentials import Credentials
from core.registry.manifests import get_manifest, put_manifest
from core.registry.retry import ONCE, RetryPolicy
from core.registry.session import Connection, Session
from core.registry.tls import TlsSettings
from core.registry.transport import Body
from core.registry.upload import Upload, UploadLostError
from tests.fixtures.proxy import Exchange, Handler, Hangup
from tests.fixtures.registries import ProxyFactory, RegistryFactory, TokenRegistry
from tests.fixtures.tools import Skopeo

_MIB = 2**20


class _Reachable(Protocol):
    @property
    def address(self) -> str: ...
    @property
    def ca_file(self) -> Path: ...
    @property
    def username(self) -> str: ...
    @property
    def password(self) -> SecretStr: ...


def _connection(registry: _Reachable) -> Connection:
    return Connection(registry.address, TlsSettings(registry.ca_file))


def _login(registry: _Reachable) -> Credentials | None:
    if not registry.username:
        return None
    return Credentials(registry.username, registry.password, "a test")


def _session(registry: _Reachable, policy: RetryPolicy | None = None) -> Session:
    return Session(_connection(registry), _login(registry), policy=policy)


def _content(seed: str, length: int = 100_000) -> bytes:
    return hashlib.shake_128(seed.encode()).digest(length)


def _push(session: Session, repository: str, content: bytes) -> str:
    digest = digest_of(content)
    Upload.start(session, repository).finish(digest, Body.of(content))
    return digest


# Getting in


def test_a_ping_with_the_login(registry: DemoRegistry) -> None:
    with _session(registry) as session:
        answer = session.ping()
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"


def test_a_ping_without_one_where_none_is_needed(anonymous_registry: DemoRegistry) -> None:
    with _session(anonymous_registry) as session:
        assert session.ping().status == 200


def test_a_wrong_password_is_told_as_a_refused_login(registry: DemoRegistry) -> None:
    wrong = Credentials(registry.username, SecretStr("wrong"))
    with Session(_connection(registry), wrong) as session:
        with pytest.raises(RegistryError) as pinged:
            session.ping()
        with pytest.raises(RegistryError) as pushed:
            Upload.start(session, "a/b")
    assert pinged.value.code is Code.LOGIN_REFUSED
    assert pushed.value.code is Code.LOGIN_REFUSED


def test_no_credentials_are_told_as_a_missing_login(registry: DemoRegistry) -> None:
    with Session(_connection(registry)) as session:
        with pytest.raises(RegistryError) as pinged:
            session.ping()
        with pytest.raises(RegistryError) as pushed:
            Upload.start(session, "a/b")
    assert pinged.value.code is Code.LOGIN_MISSING
    assert pushed.value.code is Code.LOGIN_MISSING


def test_a_token_server_tells_the_same(token_registry: TokenRegistry) -> None:
    wrong = Credentials(token_registry.username, SecretStr("wrong"))
    codes = []
    for credentials in (wrong, None):
        with (
            Session(_connection(token_registry), credentials) as session,
            pytest.raises(RegistryError) as raised,
        ):
            session.ping()
        codes.append(raised.value.code)
    assert codes == [Code.LOGIN_REFUSED, Code.LOGIN_MISSING]


def test_a_password_of_any_characters_is_shown_right(fresh_registry: RegistryFactory) -> None:
    login = Login("robot$eks-a+push", SecretStr("p:ä\"'\\ $日本&%"))
    registry = fresh_registry(auth=login)
    with _session(registry) as session:
        assert session.ping().status == 200


def test_a_registry_without_tls(fresh_registry: RegistryFactory) -> None:
    registry = fresh_registry(tls=False)
    with Session(Connection(registry.address, plain_http=True)) as session:
        digest = _push(session, "a", b"blob")
        assert read_blob(session, "a", digest) == b"blob"
    with (
        Session(_connection(registry), policy=ONCE) as session,
        pytest.raises(RegistryError) as raised,
    ):
        session.ping()
    assert raised.value.code is Code.TLS_FAILED
    assert "plain HTTP" in raised.value.message


def test_plain_http_to_a_registry_with_tls_is_told(anonymous_registry: DemoRegistry) -> None:
    connection = Connection(anonymous_registry.address, plain_http=True)
    with Session(connection, policy=ONCE) as session, pytest.raises(RegistryError) as raised:
        session.ping()
    assert raised.value.code is Code.REGISTRY_PROTOCOL
    assert raised.value.cause == "The port speaks TLS."


def test_a_connection_that_is_refused_is_told_at_once(fresh_registry: RegistryFactory) -> None:
    registry = fresh_registry()
    registry.stop()
    started = time.monotonic()
    with _session(registry, ONCE) as session, pytest.raises(RegistryError) as raised:
        session.ping()
    assert raised.value.code is Code.REGISTRY_UNREACHABLE
    assert "refused" in raised.value.message
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("kind", ["registry", "token_registry"])
def test_eight_threads_at_first_contact(
    kind: str, request: pytest.FixtureRequest, namespace: str
) -> None:
    registry: _Reachable = request.getfixturevalue(kind)
    start = threading.Barrier(8)
    digests: list[str] = []

    def work(number: int) -> None:
        start.wait(20)
        digests.append(_push(session, f"{namespace}/{number % 2}", _content(str(number))))

    with _session(registry) as session:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert sorted(digests) == sorted(digest_of(_content(str(number))) for number in range(8))


# Uploads


@pytest.mark.parametrize("length", [0, 1, 100_000, 20 * _MIB])
def test_a_blob_in_one_piece(length: int, registry: DemoRegistry, namespace: str) -> None:
    content = _content("whole", length)
    with _session(registry) as session:
        digest = _push(session, namespace, content)
        assert blob_size(session, namespace, digest) == length
        assert hash_blob(session, namespace, digest) == length


@pytest.mark.parametrize("last", [b"", b"the end"], ids=["empty end", "end with content"])
def test_a_blob_in_chunks(last: bytes, registry: DemoRegistry, namespace: str) -> None:
    chunks = [_content("one", 300_000), _content("two", 1), _content("three", 300_000)]
    content = b"".join([*chunks, last])
    with _session(registry) as session:
        upload = Upload.start(session, namespace)
        for chunk in chunks:
            before = upload.location
            upload.send(Body(len(chunk), (chunk[:7], chunk[7:])))
            assert upload.location != before
        assert upload.offset == 600_001
        upload.finish(digest_of(content), Body.of(last) if last else None)
        assert read_blob(session, namespace, digest_of(content)) == content


def test_an_upload_goes_on_in_a_new_process(registry: DemoRegistry, namespace: str) -> None:
    content = _content("resumed", 500_000)
    with _session(registry) as session:
        upload = Upload.start(session, namespace)
        upload.send(Body.of(content[:200_000]))
        kept = upload.location, upload.offset
    with _session(registry) as session:
        upload = Upload(session, namespace, *kept)
        assert upload.ask_offset() == 200_000
        upload.send(Body.of(content[200_000:400_000]))
        upload.finish(digest_of(content), Body.of(content[400_000:]))
        assert has_blob(session, namespace, digest_of(content), len(content))


def test_an_upload_that_only_began_goes_on_at_zero(registry: DemoRegistry, namespace: str) -> None:
    with _session(registry) as session:
        upload = Upload.start(session, namespace)
        assert upload.ask_offset() == 0
        upload.finish(digest_of(b"x"), Body.of(b"x"))
        assert read_blob(session, namespace, digest_of(b"x")) == b"x"


def test_an_upload_of_one_byte_is_not_taken_for_an_empty_one(
    registry: DemoRegistry, namespace: str
) -> None:
    with _session(registry) as session:
        upload = Upload.start(session, namespace)
        upload.send(Body.of(b"x"))
        assert upload.ask_offset() == 1
        upload.finish(digest_of(b"xy"), Body.of(b"y"))


def test_a_chunk_that_the_journal_missed_loses_the_upload(
    registry: DemoRegistry, namespace: str
) -> None:
    """Killed after the registry took a chunk, before it was written down.

    distribution 2 signs the offset into the location and takes no older one.
    """
    with _session(registry) as session:
        upload = Upload.start(session, namespace)
        kept = upload.location, upload.offset
        upload.send(Body.of(b"12345"))
        with pytest.raises(UploadLostError):
            Upload(session, namespace, *kept).ask_offset()
        assert upload.ask_offset() == 5


def _broken(length: int) -> Body:
    def pieces() -> Iterator[bytes]:
        yield bytes(length // 2)
        raise ConnectionAbortedError("the test cuts the connection")

    return Body(length, pieces())


def test_an_upload_broken_in_the_middle_of_a_chunk_is_lost_and_begins_anew(
    registry: DemoRegistry, namespace: str
) -> None:
    content = _content("broken", 2 * _MIB)
    with _session(registry) as session:
        upload = Upload.start(session, namespace)
        upload.send(Body.of(content[:_MIB]))
        with pytest.raises(RegistryError) as raised:
            upload.send(_broken(_MIB))
        assert raised.value.temporary
        with pytest.raises(UploadLostError):
            upload.ask_offset()
        with pytest.raises(UploadLostError):
            upload.send(Body.of(content[_MIB:]))
        with pytest.raises(UploadLostError):
            upload.finish(digest_of(content))
        assert _push(session, namespace, content) == digest_of(content)


def test_a_proxy_that_hangs_up_in_a_chunk_is_survived(
    registry: DemoRegistry, namespace: str, proxy_for: ProxyFactory
) -> None:
    class _Cut(Handler):
        def upload(self, exchange: Exchange, block: bytes) -> bytes:
            if exchange.method == "PATCH" and exchange.sent > 300_000:
                raise Hangup(reset=True)
            return block

    proxy = proxy_for(registry, _Cut())
    content = _content("reset", _MIB)
    with _session(proxy) as session:
        upload = Upload.start(session, namespace)
        with pytest.raises(RegistryError) as raised:
            upload.send(Body(_MIB, (content[: _MIB // 2], content[_MIB // 2 :])))
        assert raised.value.temporary
        assert raised.value.code is Code.REGISTRY_UNREACHABLE
        assert upload.offset == 0
        proxy.handler = Handler()
        assert _push(session, namespace, content) == digest_of(content)


def test_an_upload_with_a_forged_state_is_lost(registry: DemoRegistry, namespace: str) -> None:
    with _session(registry) as session:
        upload = Upload.start(session, namespace)
        head, _, state = upload.location.partition("_state=")
        forged = Upload(session, namespace, f"{head}_state=AAAA{state[4:]}")
        with pytest.raises(UploadLostError):
            forged.send(Body.of(b"x"))


def test_a_cancelled_upload_is_lost(registry: DemoRegistry, namespace: str) -> None:
    with _session(registry) as session:
        upload = Upload.start(session, namespace)
        upload.send(Body.of(b"x"))
        uploads = registry.storage / f"docker/registry/v2/repositories/{namespace}/_uploads"
        assert list(uploads.glob("*/data"))
        upload.cancel()
        assert not list(uploads.glob("*/data"))
        with pytest.raises(UploadLostError):
            upload.ask_offset()
        upload.cancel()


def test_other_bytes_than_the_digest_says_are_refused(
    registry: DemoRegistry, namespace: str
) -> None:
    with _session(registry) as session, pytest.raises(RegistryError) as raised:
        Upload.start(session, namespace).finish(digest_of(b"x"), Body.of(b"y"))
    assert raised.value.code is Code.DIGEST_REFUSED
    assert not raised.value.temporary


def test_a_chunk_is_taken_whatever_its_range_says(registry: DemoRegistry, namespace: str) -> None:
    """Why a PATCH is never repeated blindly: distribution 2 would append it a second time."""
    with _session(registry) as session:
        upload = Upload.start(session, namespace)
        upload.send(Body.of(b"12345"))
        upload.offset = 0
        upload.send(Body.of(b"12345"))
        assert upload.ask_offset() == 10


# Blobs


def test_a_blob_is_mounted_from_another_repository(registry: DemoRegistry, namespace: str) -> None:
    source, target = f"{namespace}/source", f"{namespace}/target"
    with _session(registry) as session:
        digest = _push(session, source, b"blob")
        assert blob_size(session, target, digest) is None
        assert mount_blob(session, target, digest, source) is None
        assert blob_size(session, target, digest) == 4


def test_a_mount_of_what_is_not_there_becomes_an_upload(
    registry: DemoRegistry, namespace: str
) -> None:
    with _session(registry) as session:
        digest = digest_of(b"blob")
        upload = mount_blob(session, f"{namespace}/target", digest, f"{namespace}/nowhere")
        assert upload is not None
        upload.finish(digest, Body.of(b"blob"))
        assert has_blob(session, f"{namespace}/target", digest, 4)
        assert not has_blob(session, f"{namespace}/target", digest, 5)


def test_a_blob_that_is_not_there(registry: DemoRegistry, namespace: str) -> None:
    with _session(registry) as session:
        assert blob_size(session, namespace, digest_of(b"none")) is None
        with pytest.raises(RegistryError) as raised:
            read_blob(session, namespace, digest_of(b"none"))
    assert raised.value.code is Code.REGISTRY_NOT_FOUND


def test_a_blob_is_read_in_blocks(registry: DemoRegistry, namespace: str) -> None:
    content = _content("blocks", 5 * _MIB)
    with _session(registry) as session:
        digest = _push(session, namespace, content)
        with open_blob(session, namespace, digest) as blocks:
            assert b"".join(blocks) == content
        with open_blob(session, namespace, digest) as blocks:
            assert content.startswith(next(blocks))
        assert blob_size(session, namespace, digest) == len(content)


def test_a_blob_that_was_damaged_in_the_registrys_store_is_told(
    fresh_registry: RegistryFactory,
) -> None:
    registry = fresh_registry()
    with _session(registry) as session:
        digest = _push(session, "a", b"blob")
        algorithm, _, value = digest.partition(":")
        stored = registry.storage / f"docker/registry/v2/blobs/{algorithm}/{value[:2]}/{value}/data"
        stored.write_bytes(b"evil")
        for read in (hash_blob, read_blob):
            with pytest.raises(RegistryError) as raised:
                read(session, "a", digest)
            assert raised.value.code is Code.MIRROR_DIFFERS


# Manifests


def _image(session: Session, repository: str, seed: str = "image") -> bytes:
    """The manifest of an image whose blobs are in place."""
    config = canonical_json({"architecture": "amd64", "os": "linux", "seed": seed})
    layer = _content(seed, 10_000)
    descriptors = [
        {"mediaType": kind, "digest": _push(session, repository, content), "size": len(content)}
        for kind, content in ((OCI_CONFIG, config), (OCI_LAYER, layer))
    ]
    return canonical_json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptors[0],
            "layers": descriptors[1:],
        }
    )


def test_a_manifest_comes_back_byte_for_byte(
    registry: DemoRegistry, namespace: str, skopeo: Skopeo
) -> None:
    with _session(registry) as session:
        content = b" \n" + _image(session, namespace)
        assert get_manifest(session, namespace, "1.0") is None
        digest = put_manifest(session, namespace, "1.0", content, OCI_MANIFEST)
        assert digest == digest_of(content)
        for target in ("1.0", digest):
            manifest = get_manifest(session, namespace, target)
            assert manifest is not None
            assert manifest.content == content
            assert manifest.media_type == OCI_MANIFEST
        assert get_manifest(session, namespace, digest_of(b"none")) is None
    assert skopeo.raw(registry, f"{namespace}:1.0") == content


def test_an_index_is_put_after_what_it_lists(registry: DemoRegistry, namespace: str) -> None:
    with _session(registry) as session:
        child = _image(session, namespace)
        digest = put_manifest(session, namespace, digest_of(child), child, OCI_MANIFEST)
        entry = {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(child)}
        index = canonical_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]})
        put_manifest(session, namespace, "all", index, OCI_INDEX)
        found = get_manifest(session, namespace, "all")
    assert found is not None
    assert found.is_index
    assert [one.digest for one in found.manifests] == [digest]


def test_a_manifest_whose_blob_is_missing_is_told(registry: DemoRegistry, namespace: str) -> None:
    with _session(registry) as session:
        content = _image(session, f"{namespace}/elsewhere")
        with pytest.raises(RegistryError) as raised:
            put_manifest(session, namespace, "1.0", content, OCI_MANIFEST)
    assert raised.value.code is Code.MIRROR_DIFFERS
    assert digest_of(_content("image", 10_000)) in raised.value.message


def test_a_manifest_that_is_none_is_refused(registry: DemoRegistry, namespace: str) -> None:
    with _session(registry) as session, pytest.raises(RegistryError) as raised:
        put_manifest(session, namespace, "1.0", b"no json", OCI_MANIFEST)
    assert raised.value.status == 400
    assert raised.value.code is Code.REGISTRY_REFUSED


def test_what_was_pushed_is_an_image_to_skopeo(
    registry: DemoRegistry, namespace: str, skopeo: Skopeo, tmp_path: Path
) -> None:
    with _session(registry) as session:
        content = _image(session, namespace)
        put_manifest(session, namespace, "1.0", content, OCI_MANIFEST)
    skopeo.copy_out(registry, f"{namespace}:1.0", f"dir:{tmp_path}/copy")
    assert (tmp_path / "copy/manifest.json").read_bytes() == content


# Tokens


def test_a_mount_asks_for_both_rights_in_one_token(token_registry: TokenRegistry) -> None:
    with _session(token_registry) as session:
        digest = _push(session, "source", b"blob")
        token_registry.tokens.asked.clear()
        assert mount_blob(session, "target", digest, "source") is None
        assert has_blob(session, "target", digest, 4)
    scopes = {asked.scopes for asked in token_registry.tokens.asked}
    assert ("repository:source:pull", "repository:target:pull,push") in scopes


def test_a_repository_that_may_only_be_read_is_told_as_denied(
    token_registry: TokenRegistry,
) -> None:
    token_registry.tokens.read_only.add("secret")
    with _session(token_registry) as session:
        assert blob_size(session, "secret", digest_of(b"x")) is None
        with pytest.raises(RegistryError) as raised:
            Upload.start(session, "secret")
    assert raised.value.code is Code.PUSH_DENIED


def test_an_upload_is_cancelled_with_the_right_that_this_needs(
    token_registry: TokenRegistry,
) -> None:
    with _session(token_registry) as session:
        upload = Upload.start(session, "a")
        upload.cancel()
        with pytest.raises(UploadLostError):
            upload.ask_offset()


@pytest.mark.parametrize("says_life", [True, False], ids=["said", "not said"])
def test_tokens_that_end_in_mid_upload_are_renewed(
    says_life: bool, token_registry: TokenRegistry, proxy_for: ProxyFactory
) -> None:
    """Before their end where it is said, else when the registry refuses them."""
    tokens = token_registry.tokens
    tokens.life, tokens.says_life = 2.0, says_life
    proxy = proxy_for(token_registry.registry)
    login = Credentials(tokens.login.username, tokens.login.password)
    content = bytearray()
    pause = threading.Event()
    with Session(_connection(proxy), login, policy=ONCE) as session:
        upload = Upload.start(session, "a")
        end = time.monotonic() + 30
        while len(tokens.asked) < 3:
            assert time.monotonic() < end
            chunk = _content(str(len(content)), 10_000)
            content += chunk
            upload.send(Body.of(chunk))
            pause.wait(0.02)
        upload.finish(digest_of(bytes(content)))
        assert hash_blob(session, "a", digest_of(bytes(content))) == len(content)
    refused = [one for one in proxy.matching("PATCH") if one.status == 401]
    assert bool(refused) is not says_life


def test_a_token_is_used_for_many_requests(token_registry: TokenRegistry) -> None:
    with _session(token_registry) as session:
        for number in range(10):
            _push(session, "a", _content(str(number)))
    assert len(token_registry.tokens.asked) == 1


def test_access_token_is_understood(token_registry: TokenRegistry) -> None:
    token_registry.tokens.field = "access_token"
    with _session(token_registry) as session:
        assert session.ping().status == 200


# A registry that goes away


def test_a_registry_that_is_killed_and_restarted_is_outlived(
    fresh_registry: RegistryFactory,
) -> None:
    registry = fresh_registry(auth=Login())
    away = threading.Event()
    contents = [_content(str(number), 200_000) for number in range(40)]
    failures: list[Exception] = []

    def work() -> None:
        try:
            for number, content in enumerate(contents):
                if number == 10:
                    registry.kill()
                _send_until_there(session, content)
        except (RegistryError, UploadLostError) as error:
            failures.append(error)

    with Session(_connection(registry), _login(registry), on_retry=lambda _: away.set()) as session:
        thread = threading.Thread(target=work)
        thread.start()
        assert away.wait(30)
        registry.start()
        thread.join(60)
        assert not thread.is_alive()
        assert not failures
        for content in contents:
            assert has_blob(session, "a", digest_of(content), len(content))


def _send_until_there(session: Session, content: bytes) -> None:
    """A blob in two chunks; begun anew where the registry forgot it or was away meanwhile."""

    def send() -> None:
        upload = Upload.start(session, "a")
        upload.send(Body.of(content[:100_000]))
        upload.finish(digest_of(content), Body.of(content[100_000:]))

    session.retrying(send)


def test_an_upload_goes_on_after_the_registry_was_restarted(
    fresh_registry: RegistryFactory,
) -> None:
    registry = fresh_registry(auth=Login())
    content = _content("restarted", 300_000)
    with _session(registry) as session:
        upload = Upload.start(session, "a")
        upload.send(Body.of(content[:100_000]))
        registry.kill()
        with pytest.raises(RegistryError) as raised:
            upload.send(Body.of(content[100_000:200_000]))
        assert raised.value.temporary
        registry.start()
        assert upload.ask_offset() == 100_000
        upload.send(Body.of(content[100_000:200_000]))
        upload.finish(digest_of(content), Body.of(content[200_000:]))
        assert hash_blob(session, "a", digest_of(content)) == len(content)


# Secrets


def test_a_whole_push_logs_no_secret(
    token_registry: TokenRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "urllib3.connectionpool")
    with _session(token_registry) as session:
        upload = Upload.start(session, "a")
        state = upload.location.partition("_state=")[2]
        upload.send(Body.of(b"12345"))
        upload.finish(digest_of(b"12345"))
        header = session._auth.header((push("a"),)) or ""
    assert state
    logged = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    assert "PATCH" in logged
    for secret in (state, header[7:], token_registry.password.get_secret_value()):
        assert secret
        assert secret not in logged
