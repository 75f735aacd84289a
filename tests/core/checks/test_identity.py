"""Who answers: registry or not, which product, where logins go, what time it is there."""

import json
import time
from collections.abc import Callable
from email.utils import formatdate

import pytest

from core.checks import identity
from core.checks.context import Context
from core.checks.finding import Finding, State
from core.checks.product import Kind, Product, harbor_version, product
from core.errors import Code
from tests.core.checks.looking import answers, context, look
from tests.core.registry.servers import Answer, Asked, http_server
from tests.fixtures.harbor_mock import HarborMock, running
from tests.fixtures.zoo import Zoo, ZooServer, wants_client_certificates

PLAIN = "Docker-Distribution-Api-Version", "registry/2.0"
V2 = {"/v2/": Answer(200, [PLAIN], b"{}")}


def site(pages: dict[str, Answer]) -> Callable[[Asked], Answer]:
    """Answers by path; 404 elsewhere."""
    return lambda asked: pages.get(asked.path, Answer(404, body=b"not found"))


def ask(check: Callable[[Context], Finding], pages: dict[str, Answer]) -> Finding:
    with http_server(site(pages)) as server:
        return look(check, answers(server.address, plain_http=True))


def wants(challenge: str, **headers: str) -> Answer:
    """A 401 that asks in this way."""
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Answer(401, [PLAIN, ("WWW-Authenticate", challenge), *named])


def json_page(document: object) -> Answer:
    return Answer(200, [("Content-Type", "application/json")], json.dumps(document).encode())


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (Answer(200, [PLAIN], b"{}"), "/v2/ answers, open to everybody"),
        (wants('Basic realm="x"'), "/v2/ answers, a login is needed"),
    ],
)
def test_a_registry_passes(answer: Answer, seen: str) -> None:
    found = ask(identity.check_v2, {"/v2/": answer})
    assert (found.state, found.seen) == (State.PASS, seen)


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (Answer(404), "no registry here, HTTP 404"),
        (
            Answer(200, [("Content-Type", "text/html")], b"<html>hi</html>"),
            "no registry here, but a web page",
        ),
        (
            Answer(302, [("Location", "https://sso.example/login")]),
            "no registry here: it redirects to https://sso.example/login",
        ),
        (Answer(403), "/v2/ is closed, and no way to log in is offered (HTTP 403)"),
        (Answer(401), "/v2/ is closed, and no way to log in is offered (HTTP 401)"),
        (Answer(503), "the registry, or a proxy before it, has a fault (HTTP 503)"),
    ],
)
def test_what_is_no_registry_fails_by_what_it_is(answer: Answer, seen: str) -> None:
    found = ask(identity.check_v2, {"/v2/": answer})
    assert (found.state, found.seen) == (State.FAIL, seen)
    assert f"HTTP {answer.status}" in found.details[0]


def test_client_certificates_are_told_where_tls_1_3_asks_for_them(zoo: Zoo) -> None:
    with ZooServer(zoo.good(), adapt=wants_client_certificates) as server:
        found = look(identity.check_v2, answers(server.address))
    assert found.state is State.FAIL
    assert "client certificate" in found.seen


HARBOR_BEARER = wants('Bearer realm="http://h/service/token",service="harbor-registry"')
PRODUCTS = [
    (
        {
            "/v2/": HARBOR_BEARER,
            "/api/v2.0/systeminfo": json_page(
                {"auth_mode": "db_auth", "harbor_version": "v2.11.1-6b7ecba1"}
            ),
        },
        Product(Kind.HARBOR, "2.11.1"),
    ),
    (
        {"/v2/": HARBOR_BEARER, "/api/v2.0/systeminfo": json_page({"auth_mode": "ldap_auth"})},
        Product(Kind.HARBOR),
    ),
    (
        {
            "/v2/": wants('Bearer realm="https://q/v2/auth",service="q"'),
            "/health/instance": json_page({"data": {"services": {"auth": True}}}),
        },
        Product(Kind.QUAY),
    ),
    (
        {
            "/v2/": Answer(200),
            "/v2/_zot/ext/mgmt": json_page({"distSpecVersion": "1.1.0", "releaseTag": "v2.1.2"}),
        },
        Product(Kind.ZOT, "2.1.2"),
    ),
    (
        {
            "/v2/": wants(
                'Basic realm="Artifactory Realm"', X_JFrog_Version="Artifactory/7.55.14 75514900"
            )
        },
        Product(Kind.ARTIFACTORY, "7.55.14"),
    ),
    (
        {"/v2/": wants('Basic realm="Artifactory Realm"', X_Artifactory_Id="10d9ca41")},
        Product(Kind.ARTIFACTORY),
    ),
    (
        {"/v2/": wants('BASIC realm="x"', Server="Nexus/3.63.0-01 (OSS)")},
        Product(Kind.NEXUS, "3.63.0"),
    ),
    (
        {"/v2/": wants('BASIC realm="Sonatype Nexus Repository Manager"')},
        Product(Kind.NEXUS),
    ),
    (
        {"/v2/": wants('Basic realm="https://1.dkr.ecr/",service="ecr.amazonaws.com"')},
        Product(Kind.ECR),
    ),
    (
        {"/v2/": wants('Bearer realm="https://g/jwt/auth",service="container_registry"')},
        Product(Kind.GITLAB),
    ),
    (
        {
            "/v2/": Answer(
                200, [PLAIN, ("Gitlab-Container-Registry-Version", "4.9.0-gitlab")], b"{}"
            )
        },
        Product(Kind.GITLAB, "4.9.0-gitlab"),
    ),
    (V2, Product(Kind.DISTRIBUTION)),
    ({"/v2/": Answer(200, body=b"{}")}, Product(Kind.UNKNOWN)),
]


@pytest.mark.parametrize(("pages", "expected"), PRODUCTS, ids=lambda value: str(value)[:24])
def test_each_product_is_told(pages: dict[str, Answer], expected: Product) -> None:
    with (
        http_server(site(pages)) as server,
        context(answers(server.address, plain_http=True)) as made,
    ):
        assert product(made) == expected


def test_a_product_passes_by_its_name_and_version() -> None:
    found = ask(identity.check_kind, PRODUCTS[0][0])
    assert (found.state, found.seen) == (State.PASS, "Harbor 2.11.1")


def test_a_product_that_is_not_known_is_a_warning() -> None:
    found = ask(identity.check_kind, {"/v2/": Answer(200, body=b"{}")})
    assert (found.state, found.seen) == (State.WARN, "not recognised")


@pytest.mark.parametrize("page", [b"<html>", b"[]", b"null", b"\xff", b'{"data": 3}'])
def test_pages_that_are_not_what_they_should_be_confuse_nobody(page: bytes) -> None:
    pages = V2 | {
        path: Answer(200, body=page)
        for path in ("/api/v2.0/systeminfo", "/v2/_zot/ext/mgmt", "/health/instance")
    }
    assert ask(identity.check_kind, pages).seen == "Docker registry"


def test_harbor_is_told_through_its_own_description() -> None:
    with running(HarborMock()) as server:
        found = look(identity.check_kind, answers(server.address, plain_http=True))
    assert found.seen == "Harbor"


@pytest.mark.parametrize(
    ("text", "version"),
    [("v2.11.1-6b7ecba1", "2.11.1"), ("2.9", "2.9"), ("dev", ""), (None, ""), ("", "")],
)
def test_a_version_of_harbor_is_read(text: object, version: str) -> None:
    assert harbor_version(text) == version


def test_the_login_address_passes_where_it_is_the_registrys_own() -> None:
    def judge(asked: Asked) -> Answer:
        host = asked.headers["host"]
        if asked.path == "/token":
            return Answer(401, body=b"{}")
        return wants(f'Bearer realm="http://{host}/token",service="s"')

    with http_server(judge) as server:
        found = look(identity.check_login_address, answers(server.address, plain_http=True))
        assert (found.state, found.seen) == (State.PASS, f"{server.url}/token")
        assert all(not asked.authorization for asked in server.asked)


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (Answer(200, [PLAIN], b"{}"), "no login is asked for"),
        (wants('Basic realm="x"'), "the registry itself takes the login"),
        (wants('Bearer, Basic realm="x"'), "the registry itself takes the login"),
    ],
)
def test_without_a_token_server_there_is_no_login_address(answer: Answer, seen: str) -> None:
    found = ask(identity.check_login_address, {"/v2/": answer})
    assert (found.state, found.seen) == (State.PASS, seen)


@pytest.mark.parametrize("challenge", ["Negotiate", 'Bearer service="s"'])
def test_a_way_to_ask_that_nobody_knows_fails(challenge: str) -> None:
    found = ask(identity.check_login_address, {"/v2/": wants(challenge)})
    assert (found.state, found.seen) == (
        State.FAIL,
        "the registry asks for a login in no way that is known",
    )


def test_a_login_address_on_another_host_fails_and_nothing_goes_there() -> None:
    found = ask(
        identity.check_login_address,
        {"/v2/": wants('Bearer realm="http://sso.example/token",service="s"')},
    )
    assert (found.state, found.seen) == (State.FAIL, "it points to http://sso.example/token")
    assert "--trust-host sso.example" in found.mend
    assert found.code == Code.TOKEN_SERVER_ELSEWHERE


def test_a_login_address_in_plain_http_fails_behind_tls(zoo: Zoo) -> None:
    challenge = 'Bearer realm="http://127.0.0.1/service/token",service="harbor-registry"'
    info = json.dumps({"auth_mode": "db_auth"}).encode()
    with ZooServer(
        zoo.good(), status=401, headers={"WWW-Authenticate": challenge}, body=info
    ) as server:
        found = look(identity.check_login_address, answers(server.address))
    assert (found.state, found.seen) == (
        State.FAIL,
        "it points to http://127.0.0.1/service/token",
    )


def test_harbor_is_told_which_setting_its_address_comes_from() -> None:
    pages = {
        "/v2/": wants('Bearer realm="http://other.example/service/token",service="s"'),
        "/api/v2.0/systeminfo": json_page({"auth_mode": "db_auth"}),
    }
    with http_server(site(pages)) as server:
        found = look(identity.check_login_address, answers(server.address, plain_http=True))
        assert f"external_url: https://{server.address}" in found.mend


def test_a_login_address_that_does_not_answer_fails() -> None:
    def judge(asked: Asked) -> Answer:
        realm = f"http://{asked.headers['host']}/token"
        return wants(f'Bearer realm="{realm}"') if asked.path == "/v2/" else Answer(502)

    with http_server(judge) as server:
        found = look(identity.check_login_address, answers(server.address, plain_http=True))
    assert found.state is State.FAIL
    assert found.seen.endswith("/token does not work")


@pytest.mark.parametrize(
    ("apart", "state", "seen"),
    [
        (0, State.PASS, "the registry's clock and this one agree"),
        (50, State.PASS, "the registry's clock and this one agree"),
        (200, State.WARN, "the registry's clock is 3 min 20 s ahead of this one"),
        (-7200, State.WARN, "the registry's clock is 2 h 0 min behind this one"),
    ],
)
def test_clocks_are_compared(apart: int, state: State, seen: str) -> None:
    theirs = int(time.time())

    def check(context: Context) -> Finding:
        return identity.check_clock(context, now=lambda: float(theirs - apart))

    pages = {"/v2/": Answer(200, [("Date", formatdate(theirs, usegmt=True))])}
    found = ask(check, pages)
    assert (found.state, found.seen) == (state, seen)


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_a_registry_without_a_date_is_a_warning(date: str) -> None:
    found = ask(identity.check_clock, {"/v2/": Answer(200, [("Date", date)])})
    assert (found.state, found.seen) == (State.WARN, "the registry does not tell its time")


def test_a_hostile_header_is_shown_without_its_control_characters() -> None:
    evil = 'Bearer realm="http://x.example/\x1b[2J",service="s"'
    found = ask(identity.check_login_address, {"/v2/": wants(evil)})
    assert "\x1b" not in repr(found).replace("\\x1b", "")
    assert "\x1b" not in found.seen
