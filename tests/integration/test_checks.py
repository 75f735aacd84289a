"""The whole ladder against real registries, and proof that it leaves nothing behind in them."""

import json
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from core.checks.engine import Check
from core.checks.finding import Finding, State
from core.checks.standard import CHECKS, GROUPS, ladder
from core.demo.registry import DemoRegistry, Login
from core.demo.sample import Sample
from core.errors import Code
from core.oci import OCI_CONFIG, OCI_MANIFEST, canonical_json, digest_of
from core.reference import Kind
from core.registry.connection import Connection
from core.registry.credentials import Credentials
from core.registry.manifests import put_manifest
from core.registry.session import Session
from core.registry.tls import TlsSettings
from core.registry.transport import Body
from core.registry.upload import Upload
from tests.core.checks.looking import answers, climb, folder_of, login, states
from tests.fixtures.proxy import Answer, Exchange, Handler
from tests.fixtures.registries import ProxyFactory, RegistryFactory, TokenRegistry

REMAINS = 1024
"""Bytes that docker-registry 2.8 itself forgets when an upload is cancelled: a hash state."""


def whole(registry: DemoRegistry | TokenRegistry) -> Credentials:
    """The login that is right."""
    return Credentials(registry.username, registry.password, "a test")


def chosen(sample: Sample) -> dict[str, Path]:
    return {"archive": sample.archive, "bundles": sample.bundles}


def failing(found: dict[str, Finding]) -> list[str]:
    return [name for name, one in found.items() if one.state is State.FAIL]


def test_a_registry_with_a_login_passes_from_the_name_to_the_upload(
    fresh_registry: RegistryFactory, sample: Sample
) -> None:
    registry = fresh_registry(auth=Login())
    given = answers(f"{registry.address}/eks-a", artifacts=chosen(sample), ca_file=registry.ca_file)
    mine = [one.name for name, group in GROUPS.items() if name != "Admin machine" for one in group]
    found = climb(given, *mine, credentials=whole(registry))
    assert failing(found) == []
    expected = dict.fromkeys(mine, "pass") | {
        "dns": "warn",  # it is this machine
        "validity": "warn",  # it ends in thirty days
        "docker-trust": states(found)["docker-trust"],  # depends on the machine
        "keyring": "skipped",  # the login is not kept there
        "node-view": "skipped",  # nothing is imported yet
    }
    assert states(found) == expected
    assert found["push"].seen == "may write to eks-a (upload opened, cancelled)"
    assert found["body-size"].seen == "requests of 64 MiB pass; the import sends 8 MiB at a time"
    assert found["kind"].seen == "Docker registry"


def test_nothing_is_left_in_the_registrys_storage(
    fresh_registry: RegistryFactory, sample: Sample
) -> None:
    registry = fresh_registry()
    before = folder_of(registry.storage)
    given = answers(f"{registry.address}/eks-a", artifacts=chosen(sample), ca_file=registry.ca_file)
    found = climb(given, "login", "pull", "push", "projects", "body-size", "node-view")
    assert failing(found) == []
    assert found["body-size"].state is State.PASS
    after = folder_of(registry.storage)
    assert before == {}
    assert not [name for name in after if name.endswith(("/data", "/startedat", "/link"))]
    assert sum(after.values()) < REMAINS
    with _session(registry) as session:
        catalog = json.loads(session.request("GET", "/v2/_catalog").content)
    assert catalog == {"repositories": []}


def test_a_check_that_is_stopped_in_the_middle_leaves_nothing_either(
    fresh_registry: RegistryFactory, proxy_for: ProxyFactory
) -> None:
    stop = threading.Event()

    class StopAtTheSecond(Handler):
        def upload(self, exchange: Exchange, block: bytes) -> bytes:
            if exchange.method == "PATCH" and int(exchange.headers["Content-Length"]) > 2**20:
                stop.set()
            return block

    registry = fresh_registry()
    proxy = proxy_for(registry, StopAtTheSecond())
    given = answers(f"{proxy.address}/eks-a", ca_file=registry.ca_file)
    (found,) = ladder(given, environment={}).run(only=["body-size"], stop=stop)
    assert (found.state, found.seen) == (State.SKIPPED, "stopped")
    sent = proxy.matching("PATCH")
    assert 2 <= len(sent) < 7  # one more may have begun before the stop was seen
    assert {exchange.status for exchange in sent} == {202}
    assert proxy.count("DELETE") == proxy.count("POST") == 1
    assert not [name for name in folder_of(registry.storage) if name.endswith("/data")]


def test_a_wrong_password_fails_and_what_needs_the_login_waits(
    registry: DemoRegistry, namespace: str
) -> None:
    given = answers(f"{registry.address}/{namespace}", ca_file=registry.ca_file)
    found = climb(given, *_from("v2"), credentials=login(registry.username, "wrong"))
    assert failing(found) == ["login"]
    assert found["login"].seen == "refused (HTTP 401)"
    assert {found[name].seen for name in ("pull", "push", "node-login")} == {"waits for Login"}


def test_without_a_login_a_closed_registry_fails(registry: DemoRegistry, namespace: str) -> None:
    given = answers(f"{registry.address}/{namespace}", ca_file=registry.ca_file)
    found = climb(given, *_from("v2"))
    assert failing(found) == ["login"]
    assert found["login"].code == Code.LOGIN_MISSING


def test_an_open_registry_needs_no_login(anonymous_registry: DemoRegistry, namespace: str) -> None:
    given = answers(f"{anonymous_registry.address}/{namespace}", ca_file=anonymous_registry.ca_file)
    found = climb(given, *_from("v2"))
    assert failing(found) == []
    assert found["v2"].seen == "/v2/ answers, open to everybody"
    assert found["push"].state is State.PASS


def test_a_token_server_is_followed_and_nodes_are_told_apart(
    token_registry: TokenRegistry,
) -> None:
    given = answers(f"{token_registry.address}/eks-a", ca_file=token_registry.ca_file)
    found = climb(given, *_from("v2"), credentials=whole(token_registry))
    assert failing(found) == ["node-login"]
    assert found["login-address"].seen.endswith("/token")
    assert found["login"].seen.endswith("for 30 s at a time")
    assert found["push"].state is State.PASS
    assert found["node-login"].seen == "only token logins are accepted"


def test_a_token_server_that_grants_no_push_fails_push_alone(
    token_registry: TokenRegistry,
) -> None:
    token_registry.tokens.read_only.add("eks-a/eksa-mirror-check")
    given = answers(f"{token_registry.address}/eks-a", ca_file=token_registry.ca_file)
    found = climb(given, "login", "pull", "push", credentials=whole(token_registry))
    assert states(found) == {"login": "pass", "pull": "pass", "push": "fail"}
    assert found["push"].code == Code.PUSH_DENIED


def test_a_short_token_is_a_warning(token_registry: TokenRegistry) -> None:
    token_registry.tokens.life = 10
    given = answers(f"{token_registry.address}/eks-a", ca_file=token_registry.ca_file)
    found = climb(given, "login", credentials=whole(token_registry))
    assert found["login"].seen.endswith("but a token lasts only 10 s")


def test_plain_http_fails_unless_it_was_chosen(fresh_registry: RegistryFactory) -> None:
    registry = fresh_registry(tls=False)
    refused = climb(answers(f"{registry.address}/eks-a"), *_from("tls"))
    assert failing(refused) == ["tls"]
    assert refused["tls"].seen == "this port speaks plain HTTP"
    taken = climb(answers(f"{registry.address}/eks-a", plain_http=True), *_from("tls"))
    assert failing(taken) == []
    assert taken["tls"].state is State.WARN
    assert taken["push"].state is State.PASS
    assert taken["node-login"].state is State.SKIPPED


def test_a_registry_that_is_down_fails_at_its_port(fresh_registry: RegistryFactory) -> None:
    registry = fresh_registry()
    registry.stop()
    found = climb(answers(f"{registry.address}/eks-a", ca_file=registry.ca_file), *_from("dns"))
    assert failing(found) == ["port"]
    assert {found[name].state for name in ("tls", "v2", "login", "push")} == {State.SKIPPED}


class LimitedBodies(Handler):
    """A proxy with `client_max_body_size`, as nginx keeps it: judged by the length that is told."""

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def request(self, exchange: Exchange) -> Answer | None:
        if int(exchange.headers.get("Content-Length", "0")) <= self._limit:
            return None
        page = b"<html><head><title>413 Request Entity Too Large</title></head></html>"
        return Answer(413, {"Content-Type": "text/html"}, page)


@pytest.mark.parametrize(
    ("limit", "state", "seen"),
    [
        (10 * 2**30, State.PASS, "requests of 64 MiB pass; the import sends 8 MiB at a time"),
        (2**20, State.WARN, "requests over 1 MiB are refused (HTTP 413)"),
        (1000, State.FAIL, "not even 64 KiB may be sent in one request"),
    ],
)
def test_a_proxys_limit_is_found(
    fresh_registry: RegistryFactory,
    proxy_for: ProxyFactory,
    limit: int,
    state: State,
    seen: str,
) -> None:
    registry = fresh_registry()
    proxy = proxy_for(registry, LimitedBodies(limit))
    given = answers(f"{proxy.address}/eks-a", ca_file=registry.ca_file)
    found = climb(given, "body-size")["body-size"]
    assert (found.state, found.seen) == (state, seen)
    assert proxy.count("DELETE") == proxy.count("POST")
    assert not [name for name in folder_of(registry.storage) if name.endswith("/data")]


def test_once_an_image_is_there_a_node_can_pull_it(
    fresh_registry: RegistryFactory, sample: Sample
) -> None:
    registry = fresh_registry(auth=Login())
    given = answers(f"{registry.address}/eks-a", artifacts=chosen(sample), ca_file=registry.ca_file)
    before = climb(given, "node-view", credentials=whole(registry))["node-view"]
    assert (before.state, before.seen[:26]) == (State.SKIPPED, "nothing is imported yet: b")
    for artifact in sample.required:
        if artifact.kind is Kind.IMAGE:
            _push(registry, f"eks-a/{artifact.reference.repository}", artifact.reference.tag)
    found = climb(given, "node-view", credentials=whole(registry))["node-view"]
    assert found.state is State.PASS
    assert found.seen.startswith("a node can pull ")
    url = f"https://{registry.address}/v2/eks-a/"
    assert found.details[0].startswith(f"GET {url}")
    assert found.details[1].endswith("HTTP 200")
    refused = climb(given, "node-view", credentials=login(registry.username, "wrong"))["node-view"]
    assert refused.state is State.FAIL


def test_a_manifest_whose_blobs_are_gone_fails_nodes(
    fresh_registry: RegistryFactory, sample: Sample
) -> None:
    registry = fresh_registry()
    given = answers(f"{registry.address}/eks-a", artifacts=chosen(sample), ca_file=registry.ca_file)
    for artifact in sample.required:
        if artifact.kind is Kind.IMAGE:
            _push(registry, f"eks-a/{artifact.reference.repository}", artifact.reference.tag)
    for data in registry.storage.glob("docker/registry/v2/blobs/sha256/*/*/data"):
        if b'"architecture"' in data.read_bytes():
            data.unlink()
    found = climb(given, "node-view")["node-view"]
    assert found.state is State.FAIL
    assert found.seen.startswith("a node gets no layers of ")


def test_nodes_cannot_pull_where_only_tokens_are_taken(
    token_registry: TokenRegistry, sample: Sample
) -> None:
    given = answers(
        f"{token_registry.address}/eks-a",
        artifacts=chosen(sample),
        ca_file=token_registry.ca_file,
    )
    found = climb(given, "node-view", credentials=whole(token_registry))["node-view"]
    assert (found.state, found.code) == (State.FAIL, Code.LOGIN_REFUSED)
    assert "fetch none" in found.cause


def test_the_names_of_the_checks_are_words_and_each_is_there_once() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and " " not in name for name in names)
    assert all(len(check.title) <= 16 for check in CHECKS)


def test_each_check_comes_after_those_that_it_waits_for() -> None:
    seen: set[str] = set()
    for check in CHECKS:
        assert set(check.needs) <= seen, check.name
        assert set(check.after) <= seen, check.name
        seen.add(check.name)


def test_every_failure_says_why_and_what_to_do(fresh_registry: RegistryFactory) -> None:
    registry = fresh_registry(auth=Login())
    cases: Iterable[dict[str, Finding]] = (
        climb(answers(f"{registry.address}/eks-a")),
        climb(answers(f"{registry.address}/eks-a", plain_http=True)),
        climb(answers(f"{registry.address}/eks-a", ca_file=registry.ca_file)),
        climb(answers()),
    )
    for found in cases:
        for one in found.values():
            assert one.seen
            assert "\n" not in one.seen
            assert not one.seen.endswith(".")
            if one.state is State.FAIL:
                assert one.cause.endswith("."), one
                assert one.mend, one


def _from(first: str) -> list[str]:
    """The checks of registry, trust, login and rights, beginning with this one."""
    names = [
        check.name
        for name in ("Registry", "Trust", "Credentials", "Namespaces")
        for check in _quick(GROUPS[name])
    ]
    return names[names.index(first) :]


def _quick(group: Iterable[Check]) -> list[Check]:
    return [check for check in group if check.name not in ("body-size", "docker-trust")]


def _session(registry: DemoRegistry) -> Session:
    credentials = whole(registry) if registry.username else None
    return Session(Connection(registry.address, TlsSettings(registry.ca_file)), credentials)


def _push(registry: DemoRegistry, repository: str, tag: str) -> None:
    """A small image of one config and no layers."""
    config = canonical_json({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers"}})
    descriptor = {"mediaType": OCI_CONFIG, "digest": digest_of(config), "size": len(config)}
    manifest = canonical_json(
        {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor, "layers": []}
    )
    with _session(registry) as session:
        Upload.start(session, repository).finish(digest_of(config), Body.of(config))
        put_manifest(session, repository, tag, manifest, OCI_MANIFEST)
