"""The ground that other tests stand on: real servers and tools do what the fixtures say."""

import hashlib
import json
import tarfile
import time
from pathlib import Path

import pytest
import urllib3

from core.demo.registry import DemoRegistry, Login
from core.demo.sample import IMAGES_FILE, TOOLS_FILE, Layout, Sample, SampleSpec
from tests.fixtures.private_docker import PrivateDocker
from tests.fixtures.proxy import Answer, Exchange, Handler, Hangup, Proxy
from tests.fixtures.registries import ProxyFactory, RegistryFactory, TokenRegistry
from tests.fixtures.samples import SampleFactory
from tests.fixtures.tools import Skopeo, SkopeoError

LAYOUTS = pytest.mark.parametrize("layout", list(Layout))


def _unpack(sample: Sample, folder: Path) -> list[Path]:
    with tarfile.open(sample.archive) as archive:
        archive.extractall(folder, filter="data")
    return [folder / TOOLS_FILE, folder / IMAGES_FILE]


def _ask(
    server: DemoRegistry | Proxy,
    path: str,
    *,
    method: str = "GET",
    token: str = "",
    password: str = "",
    body: bytes | None = None,
) -> urllib3.BaseHTTPResponse:
    """One request; with a token, else with the server's login."""
    secret = password or server.password.get_secret_value()
    headers = urllib3.make_headers(basic_auth=f"{server.username}:{secret}")
    if token:
        headers = {"Authorization": f"Bearer {token}"}
    with urllib3.PoolManager(ca_certs=str(server.ca_file), retries=False, timeout=10) as pool:
        url = path if path.startswith("https:") else server.url + path
        return pool.request(method, url, headers=headers, body=body)


def _push_blob(server: DemoRegistry | Proxy, repository: str, content: bytes) -> str:
    """Upload as most clients do: POST, one PATCH, PUT."""
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    begun = _ask(server, f"/v2/{repository}/blobs/uploads/", method="POST")
    sent = _ask(server, begun.headers["Location"], method="PATCH", body=content)
    ended = _ask(server, f"{sent.headers['Location']}&digest={digest}", method="PUT")
    assert (begun.status, sent.status, ended.status) == (202, 202, 201)
    return digest


@LAYOUTS
def test_docker_loads_every_image_of_the_sample(
    layout: Layout, make_sample: SampleFactory, private_docker: PrivateDocker, tmp_path: Path
) -> None:
    sample = make_sample(SampleSpec(layout=layout, seed=f"load {layout}"))
    for file in _unpack(sample, tmp_path):
        with file.open("rb") as content:
            private_docker.client.images.load(content)
    for image in sample.images:
        loaded = private_docker.client.images.get(str(image.reference))
        assert loaded.id == image.config_digest
        assert loaded.attrs["RootFS"]["Layers"] == [layer.diff_id for layer in image.layers]


@LAYOUTS
def test_skopeo_reads_every_image_of_the_sample(
    layout: Layout, make_sample: SampleFactory, skopeo: Skopeo, tmp_path: Path
) -> None:
    sample = make_sample(SampleSpec(layout=layout))
    tools, others = _unpack(sample, tmp_path)
    for number, image in enumerate(sample.images):
        file = tools if number == 0 else others
        config = skopeo.run(
            "inspect", "--config", "--raw", f"docker-archive:{file}:{image.reference}"
        )
        assert config == image.config


@LAYOUTS
def test_skopeo_copies_the_sample_and_docker_pulls_it_back(
    *,
    layout: Layout,
    make_sample: SampleFactory,
    registry: DemoRegistry,
    namespace: str,
    skopeo: Skopeo,
    private_docker: PrivateDocker,
    tmp_path: Path,
) -> None:
    sample = make_sample(SampleSpec(layout=layout, seed=f"pull {layout}"))
    image = sample.images[-1]
    name = f"{namespace}/{image.reference.repository}:{image.reference.tag}"
    skopeo.copy_in(
        f"docker-archive:{_unpack(sample, tmp_path)[1]}:{image.reference}", registry, name
    )
    config = skopeo.manifest(registry, name).config
    assert config is not None
    assert config.digest == image.config_digest
    login = {"username": registry.username, "password": registry.password.get_secret_value()}
    pulled = private_docker.client.images.pull(f"{registry.address}/{name}", auth_config=login)
    assert pulled.id == image.config_digest


def test_a_wrong_password_is_refused(registry: DemoRegistry) -> None:
    assert _ask(registry, "/v2/").status == 200
    assert _ask(registry, "/v2/", password="wrong").status == 401


def test_skopeo_is_refused_without_the_authority(registry: DemoRegistry, skopeo: Skopeo) -> None:
    with pytest.raises(SkopeoError, match="x509"):
        skopeo.run("inspect", "--no-creds", f"docker://{registry.address}/nothing:1")


def test_content_survives_a_kill_and_the_port_stays(fresh_registry: RegistryFactory) -> None:
    registry = fresh_registry(auth=Login())
    digest = _push_blob(registry, "a/b", b"kept")
    address = registry.address
    registry.kill()
    assert not registry.running
    registry.restart()
    assert registry.address == address
    assert _ask(registry, f"/v2/a/b/blobs/{digest}").data == b"kept"


def test_an_upload_session_survives_a_restart(fresh_registry: RegistryFactory) -> None:
    registry = fresh_registry(auth=Login())
    content = b"first half, second half"
    begun = _ask(registry, "/v2/a/b/blobs/uploads/", method="POST")
    half = _ask(registry, begun.headers["Location"], method="PATCH", body=content[:11])
    registry.restart()
    rest = _ask(registry, half.headers["Location"], method="PATCH", body=content[11:])
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    assert _ask(registry, f"{rest.headers['Location']}&digest={digest}", method="PUT").status == 201


def test_the_registry_takes_tokens_for_their_scopes_only(token_registry: TokenRegistry) -> None:
    registry, tokens = token_registry.registry, token_registry.tokens
    challenge = _ask(registry, "/v2/").headers["WWW-Authenticate"]
    token = tokens.token(["repository:a/b:pull,push", "repository:c/d:pull"])
    assert tokens.auth.realm in challenge
    assert _ask(registry, "/v2/a/b/tags/list", token=token).status == 404
    assert _ask(registry, "/v2/c/d/tags/list", token=token).status == 404
    assert _ask(registry, "/v2/c/d/blobs/uploads/", method="POST", token=token).status == 401
    assert _ask(registry, "/v2/e/f/tags/list", token=token).status == 401


def test_a_token_is_refused_once_its_life_is_over(token_registry: TokenRegistry) -> None:
    begun = time.monotonic()
    token = token_registry.tokens.token(["repository:a/b:pull"], life=1)
    while _ask(token_registry.registry, "/v2/a/b/tags/list", token=token).status == 404:
        assert time.monotonic() < begun + 5
    assert time.monotonic() - begun >= 1


def test_the_token_server_counts_and_asks_for_the_login(
    token_registry: TokenRegistry, skopeo: Skopeo, sample: Sample, tmp_path: Path
) -> None:
    registry, tokens = token_registry.registry, token_registry.tokens
    image = sample.images[1]
    source = f"docker-archive:{_unpack(sample, tmp_path)[1]}:{image.reference}"
    with pytest.raises(SkopeoError):
        skopeo.copy_in(source, registry, "a/b:1")
    assert {asked.status for asked in tokens.asked} == {401}
    skopeo.copy_in(source, token_registry, "a/b:1")
    assert skopeo.config(token_registry, "a/b:1") == json.loads(image.config)
    assert "repository:a/b:pull,push" in {s for asked in tokens.asked for s in asked.scopes}
    assert tokens.asked[-1].status == 200
    assert tokens.asked[-1].username == tokens.login.username


def test_a_read_only_repository_takes_no_push(token_registry: TokenRegistry) -> None:
    token_registry.tokens.read_only.add("a/b")
    token = token_registry.tokens.token(["repository:a/b:pull,push"])
    registry = token_registry.registry
    assert _ask(registry, "/v2/a/b/tags/list", token=token).status == 404
    assert _ask(registry, "/v2/a/b/blobs/uploads/", method="POST", token=token).status == 401


def test_the_proxy_counts_requests_and_bytes(counting_proxy: Proxy, namespace: str) -> None:
    content = bytes(range(256)) * 1000
    digest = _push_blob(counting_proxy, f"{namespace}/a", content)
    answer = _ask(counting_proxy, f"/v2/{namespace}/a/blobs/{digest}")
    head = _ask(counting_proxy, f"/v2/{namespace}/a/blobs/{digest}", method="HEAD")
    assert answer.data == content
    assert head.headers["Content-Length"] == str(len(content))
    assert [e.method for e in counting_proxy.exchanges] == ["POST", "PATCH", "PUT", "GET", "HEAD"]
    assert counting_proxy.count("PATCH", rf"^/v2/{namespace}/a/blobs/uploads/") == 1
    assert counting_proxy.count(path="/no/such") == 0
    assert counting_proxy.bytes_sent() == counting_proxy.bytes_sent("PATCH") == len(content)
    assert [e.received for e in counting_proxy.matching("GET")] == [len(content)]
    assert [e.status for e in counting_proxy.exchanges] == [202, 202, 201, 200, 200]


def test_the_proxy_passes_chunked_bodies_on(
    counting_proxy: Proxy, registry: DemoRegistry, namespace: str
) -> None:
    begun = _ask(counting_proxy, f"/v2/{namespace}/a/blobs/uploads/", method="POST")
    pieces = [b"one ", b"two ", b"three"]
    login = urllib3.make_headers(
        basic_auth=f"{registry.username}:{registry.password.get_secret_value()}"
    )
    with urllib3.PoolManager(ca_certs=str(registry.ca_file), retries=False) as pool:
        where = begun.headers["Location"]
        sent = pool.request("PATCH", where, headers=login, body=iter(pieces), chunked=True)
    assert begun.headers["Location"].startswith(counting_proxy.url)
    assert sent.headers["Range"] == f"0-{len(b''.join(pieces)) - 1}"
    assert counting_proxy.bytes_sent("PATCH") == len(b"".join(pieces))


def test_skopeo_pushes_and_pulls_through_the_proxy(
    counting_proxy: Proxy, namespace: str, skopeo: Skopeo, sample: Sample, tmp_path: Path
) -> None:
    image = sample.images[2]
    source = f"docker-archive:{_unpack(sample, tmp_path)[1]}:{image.reference}"
    skopeo.copy_in(source, counting_proxy, f"{namespace}/a:1")
    skopeo.copy_out(counting_proxy, f"{namespace}/a:1", f"dir:{tmp_path / 'out'}")
    blobs = {layer.diff_id for layer in image.layers} | {image.config_digest}
    assert counting_proxy.count("PUT", "/manifests/1$") == 1
    assert counting_proxy.count("PATCH") == len(blobs)
    assert counting_proxy.count("GET", "/blobs/sha256:") == len(blobs)


def test_a_handler_may_answer_in_the_registrys_place(counting_proxy: Proxy) -> None:
    class Busy(Handler):
        def request(self, exchange: Exchange) -> Answer | None:
            return Answer(429, {"Retry-After": "7"}, b"slow down")

    counting_proxy.handler = Busy()
    answer = _ask(counting_proxy, "/v2/")
    assert (answer.status, answer.headers["Retry-After"], answer.data) == (429, "7", b"slow down")
    counting_proxy.handler = Handler()
    assert _ask(counting_proxy, "/v2/").status == 200


def test_a_handler_may_replace_and_alter_the_answer(counting_proxy: Proxy) -> None:
    class Liar(Handler):
        def answer(self, exchange: Exchange) -> Answer | None:
            exchange.answer_headers["X-Seen"] = str(exchange.status)
            return Answer(500) if exchange.method == "HEAD" else None

        def download(self, exchange: Exchange, block: bytes) -> bytes:
            return block.upper()

    counting_proxy.handler = Liar()
    answer = _ask(counting_proxy, "/v2/", password="wrong")
    assert answer.headers["X-Seen"] == "401"
    assert b"UNAUTHORIZED" in answer.data
    assert answer.data == answer.data.upper()
    assert _ask(counting_proxy, "/v2/", method="HEAD").status == 500


@pytest.mark.parametrize("reset", [False, True])
def test_a_handler_may_hang_up_in_mid_upload(
    *, reset: bool, counting_proxy: Proxy, registry: DemoRegistry, namespace: str
) -> None:
    class Cut(Handler):
        def upload(self, exchange: Exchange, block: bytes) -> bytes:
            if exchange.sent > 300_000:
                raise Hangup(reset=reset)
            return block

    begun = _ask(counting_proxy, f"/v2/{namespace}/a/blobs/uploads/", method="POST")
    counting_proxy.handler = Cut()
    with pytest.raises(urllib3.exceptions.HTTPError):
        _ask(counting_proxy, begun.headers["Location"], method="PATCH", body=bytes(4_000_000))
    (cut,) = counting_proxy.matching("PATCH")
    assert cut.status == 0
    assert 300_000 < cut.sent < 500_000
    assert _ask(registry, "/v2/").status == 200


def test_a_registry_that_is_down_is_a_bad_gateway(
    fresh_registry: RegistryFactory, proxy_for: ProxyFactory
) -> None:
    registry = fresh_registry()
    proxy = proxy_for(registry)
    registry.kill()
    assert _ask(proxy, "/v2/").status == 502
    registry.restart()
    assert _ask(proxy, "/v2/").status == 200
