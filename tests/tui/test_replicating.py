"""`replicate`: a Harbor is set up to feed others, after a yes, and what it moved is told."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from typer.testing import CliRunner, Result

from core.registry import feeding_runs
from tests.core.registry.feeding_ground import (
    ADMIN,
    FEEDER,
    GUEST,
    PASSWORD,
    RULE,
    URL,
    B,
    feeding_mock,
    writes,
)
from tests.core.registry.servers import Answer, Asked, HttpServer, http_server
from tests.fixtures.harbor_mock import HarborMock, running
from tests.fixtures.harbor_replication_mock import Moved, Site
from tests.tui.terminal import run_on_terminal
from tui.cli import application

SECRET = FEEDER.password.get_secret_value()
C = "harbor-c.example.com"
LOGINS = {
    "REGISTRY_USERNAME": ADMIN,
    "REGISTRY_PASSWORD": PASSWORD,
    "EKSA_MIRROR_TARGET_USERNAME": FEEDER.username,
    "EKSA_MIRROR_TARGET_PASSWORD": SECRET,
}
Call = Callable[..., Result]


@pytest.fixture
def mock() -> HarborMock:
    return feeding_mock()


@pytest.fixture
def server(mock: HarborMock) -> Iterator[HttpServer]:
    with running(mock) as server:
        yield server


@pytest.fixture
def call(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> Call:
    """The verb for a source and a target, with the logins of both in variables."""
    monkeypatch.setattr(feeding_runs, "LOOK_SECONDS", 0.01)

    def call(*flags: str, user: str = ADMIN, **more: Any) -> Result:
        address = f"{server.address}/eks-a"
        return _call("-r", address, "--plain-http", "--to", B, *flags, user=user, **more)

    return call


def _call(*flags: str, user: str = ADMIN, stdin: str = "", **variables: str) -> Result:
    logins = LOGINS | {"REGISTRY_USERNAME": user} | variables
    result = CliRunner().invoke(
        application(["replicate"]), ["replicate", *flags], input=stdin, env=logins
    )
    assert SECRET not in result.output
    assert PASSWORD not in result.output
    return result


def words(text: str) -> str:
    return " ".join(text.split())


def test_it_shows_first_what_it_would_do(call: Call, server: HttpServer) -> None:
    result = call("--dry-run")

    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines == [
        [B],
        ["endpoint", "harbor-b.example.com-8443:", "new"],
        ["address", URL],
        ["login", FEEDER.username],
        ["rule", f"{RULE}:", "new"],
        ["target", B],
        ["repositories", "eks-a/**"],
        ["moves", "at", "every", "push"],
        ["what", "is", "there", "is", "replaced", "where", "it", "differs"],
    ]
    assert writes(server) == []


def test_it_makes_what_is_missing_once(call: Call, server: HttpServer, mock: HarborMock) -> None:
    assert call("--yes").exit_code == 0
    before = writes(server)
    assert len(before) == 2
    assert mock.rules[1]["trigger"] == {"type": "event_based"}

    again = call()  # nothing to ask, too

    assert again.exit_code == 0
    assert again.stdout.count("right already") == 2
    assert writes(server) == before


def test_without_anybody_to_ask_nothing_is_changed(call: Call, server: HttpServer) -> None:
    result = call()

    assert result.exit_code == 2
    assert "nobody to ask" in result.stderr
    assert writes(server) == []


def test_the_operator_is_asked(server: HttpServer, mock: HarborMock) -> None:
    def answered(answer: str) -> int:
        return run_on_terminal(
            *("replicate", "-r", f"{server.address}/eks-a", "--plain-http", "--to", B, "--manual"),
            answers={"Change the replication to 1 registry?": answer},
            **LOGINS,
        ).code

    assert answered("n\n") == 2
    assert writes(server) == []
    assert answered("y\n") == 0
    assert mock.rules[1]["trigger"] == {"type": "manual"}


def test_it_is_started_and_followed(call: Call, mock: HarborMock) -> None:
    mock.moves = [Moved("eks-a/kubelet"), Moved("eks-a/etcd")]

    result = call("--yes", "--start")

    assert result.exit_code == 0
    assert f"{B}: 0 of 2 repositories" in result.stderr
    assert f"{B}: all of 2 repositories moved" in result.stderr


def test_a_harbor_that_is_away_meanwhile_is_told(call: Call, server: HttpServer) -> None:
    judge, away = server.judge, [Answer(503)]

    def sometimes(asked: Asked) -> Answer:
        return away.pop() if "/executions/" in asked.path and away else judge(asked)

    server.judge = sometimes
    result = call("--yes", "--start")

    assert result.exit_code == 0
    assert "Trying again:" in result.stderr


def test_what_was_not_moved_is_told_with_cause_and_mend(call: Call, mock: HarborMock) -> None:
    denied = "2026-11-24T10:00:02Z [ERROR] [/a.go:1]: code: 403, denied: \x1b[31mno push"
    mock.moves = [
        Moved("eks-a/cni"),
        Moved("eks-a/etcd", "Failed", denied),
        Moved("eks-a/csi", "Failed", denied),
        Moved("eks-a/odd", "Failed", None),
    ]

    result = call("--yes", "--start")

    assert result.exit_code == 1
    told = words(result.stderr)
    assert f"x {B}: 3 of 4 repositories not moved" in told
    assert told.count("The login at the target may not push there") == 1
    assert "eks-a/etcd code: 403, denied: no push eks-a/csi code: 403" in told
    assert "eks-a/odd Fix Look at its log in Harbor" in told
    assert "eks-a/cni" not in told
    assert "\x1b" not in result.stderr


def test_a_run_that_fails_as_a_whole_is_told(call: Call, mock: HarborMock) -> None:
    mock.text = "failed to create the project: the quota is used up"

    result = call("--yes", "--start")

    assert result.exit_code == 1
    told = words(result.stderr)
    assert "failed before it moved anything What failed to create the project" in told
    assert "Fix Raise it there" in told


def test_a_run_that_somebody_stopped_is_told(call: Call, mock: HarborMock) -> None:
    mock.moves = [Moved("eks-a/cni"), Moved("eks-a/etcd", "Stopped")]

    result = call("--yes", "--start")

    assert result.exit_code == 1
    assert f"x {B}: somebody stopped it after 1 of 2 repositories" in words(result.stderr)


def test_who_stops_watching_hears_that_harbor_goes_on(server: HttpServer, mock: HarborMock) -> None:
    mock.ends = False
    seen = run_on_terminal(
        *("replicate", "-r", f"{server.address}/eks-a", "--plain-http", "--to", B, "--yes"),
        "--start",
        answers={"looking what is to be moved": "\x03"},
        **LOGINS,
    )
    assert seen.code == 4
    assert "Harbor goes on alone" in seen.text


def test_a_run_without_anything_to_move_is_told(call: Call) -> None:
    result = call("--yes", "--start")
    assert result.exit_code == 0
    assert "nothing to move" in result.stderr


def test_a_target_that_is_not_reached_does_not_keep_the_others(
    call: Call, mock: HarborMock
) -> None:
    result = call("--to", C, "--yes")

    assert result.exit_code == 1
    assert f"{C} is not fed:" in result.stderr
    assert "registry-unreachable" in result.stderr
    assert [one["url"] for one in mock.endpoints.values()] == [URL]


def test_several_targets_are_asked_for_once(call: Call, mock: HarborMock) -> None:
    mock.sites[f"https://{C}"] = mock.sites[URL]

    result = call("--to", C, "--to", f"{C}:443", "--to", f"{B}/eks-a", "--yes")

    assert result.exit_code == 0
    assert [one["url"] for one in mock.endpoints.values()] == [URL, f"https://{C}"]
    assert len({one["name"] for one in mock.rules.values()}) == 2


def test_a_single_target_that_is_not_reached_is_a_failed_check(
    call: Call, mock: HarborMock
) -> None:
    mock.sites.clear()
    assert call("--yes").exit_code == 3


def test_accepting_any_certificate_is_said(call: Call, mock: HarborMock) -> None:
    mock.sites[URL].is_trusted = False

    refused = call("--yes")
    assert refused.exit_code == 3
    assert "tls-untrusted" in refused.stderr

    result = call("--yes", "--to-insecure")
    assert result.exit_code == 0
    assert f"accepts any certificate of {B}" in result.stderr
    assert mock.endpoints[1]["insecure"] is True


def test_only_certificates_of_the_ca_file_go_along(
    call: Call, mock: HarborMock, tmp_path: Path
) -> None:
    ca_pem = trustme.CA().cert_pem.bytes().decode()
    file = tmp_path / "ca.pem"
    key = "-----BEGIN PRIVATE KEY-----\nbm90IHRoaXM=\n-----END PRIVATE KEY-----\n"
    file.write_text(f"{key}subject=CN = site\n{ca_pem}")
    mock.sites[URL] = Site({FEEDER.username: SECRET}, is_trusted=False, ca=ca_pem)

    result = call("--yes", "--to-ca-file", str(file))

    assert result.exit_code == 0, result.stderr
    assert mock.endpoints[1]["ca_certificate"] == ca_pem


def test_an_account_without_the_right_is_told(call: Call) -> None:
    result = call("--yes", user=GUEST)
    assert result.exit_code == 3
    assert "right-missing" in result.stderr
    assert "registry: list" in result.stderr


def test_the_password_of_a_target_comes_from_a_file(
    call: Call, mock: HarborMock, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("0ther\n")
    file.chmod(0o600)
    mock.sites[URL].logins["other"] = "0ther"

    result = call("--yes", "--to-username", "other", "--to-password-file", str(file))

    assert result.exit_code == 0
    assert (mock.endpoints[1]["access_key"], mock.endpoints[1]["access_secret"]) == (
        "other",
        "0ther",
    )


def test_the_password_of_a_target_comes_from_standard_input(call: Call, mock: HarborMock) -> None:
    mock.sites[URL].logins["other"] = "0ther"

    result = call("--yes", "--to-username", "other", "--to-password-stdin", stdin="0ther\n")

    assert result.exit_code == 0
    assert mock.endpoints[1]["access_secret"] == "0ther"


def test_the_login_of_the_source_is_never_shown_to_a_target(call: Call, server: HttpServer) -> None:
    result = call("--yes", EKSA_MIRROR_TARGET_USERNAME="", EKSA_MIRROR_TARGET_PASSWORD="")

    assert result.exit_code == 3
    assert "login-missing" in result.stderr
    assert all(PASSWORD.encode() not in one.body for one in server.asked)
    assert all(ADMIN.encode() not in one.body for one in server.asked)


@pytest.mark.parametrize(
    ("flags", "variables", "said"),
    [
        (["--password-stdin", "--to-password-stdin"], {}, "one password only"),
        (["--to-password-stdin"], {}, "no user name"),
        (["--to-username", "x", "--to-password-stdin"], {}, "holds no password"),
        (["--to", f"{C}/elsewhere"], {}, "cannot be chosen"),
        ([], {"EKSA_MIRROR_TARGET_PASSWORD": ""}, "EKSA_MIRROR_TARGET_PASSWORD is not set"),
        (["--map", "docker.io=hub", "-b", "/nowhere.yaml"], {}, "nowhere.yaml"),
    ],
    ids=["two inputs", "no name", "empty input", "namespace", "half a login", "no manifest"],
)
def test_what_does_not_fit_together_is_told(
    call: Call, server: HttpServer, flags: list[str], variables: dict[str, str], said: str
) -> None:
    result = call("--yes", *flags, **variables)
    assert result.exit_code == 2
    assert said in words(result.stderr)
    assert writes(server) == []


def test_a_user_without_a_password_is_told(call: Call) -> None:
    result = call("--yes", "--to-username", "other")
    assert result.exit_code == 3
    assert "No source holds a password of “other”" in words(result.stderr)


def test_a_registry_does_not_feed_itself(server: HttpServer) -> None:
    result = _call("-r", f"{server.address}/eks-a", "--plain-http", "--to", server.address)
    assert result.exit_code == 2
    assert "fed from itself" in result.stderr


def test_without_a_project_it_is_asked_for(server: HttpServer) -> None:
    result = _call("-r", server.address, "--plain-http", "--to", B, "--yes")
    assert result.exit_code == 2
    assert "Nothing names the projects" in result.stderr


def test_mapped_projects_go_along_and_a_missing_one_is_told(call: Call, mock: HarborMock) -> None:
    result = call("--yes", "--map", "docker.io=hub")

    assert result.exit_code == 0
    assert "Warning: hub is not in" in result.stderr
    assert mock.rules[1]["filters"][0]["value"] == "{eks-a,hub}/**"


def test_programs_read_json(call: Call, mock: HarborMock) -> None:
    mock.moves = [Moved("eks-a/etcd", "Failed", "x [ERROR] [/a.go:1]: no space left on device")]

    result = call("--to", C, "--yes", "--start", "--json")

    assert result.exit_code == 1
    fed, lost = json.loads(result.stdout)
    assert (fed["target"], fed["rule"]) == (B, RULE)
    assert fed["changes"]["endpoint"][0] == {"what": "address", "before": "", "after": URL}
    assert fed["run"]["failures"] == [
        {"repository": "eks-a/etcd", "status": "Failed", "reason": "no space left on device"}
    ]
    assert lost["error"]["code"] == "registry-unreachable"


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/api/systeminfo", b'{"harbor_version": "v1.10.2"}', "Harbor v1.10.2 is too old"),
        ("", b"", "Only a Harbor can feed others, and this registry is Docker registry"),
    ],
    ids=["harbor-1", "distribution"],
)
def test_another_registry_is_told(path: str, body: bytes, said: str) -> None:
    def judge(asked: Asked) -> Answer:
        if asked.path == path:
            return Answer(200, body=body)
        registry = [("Docker-Distribution-Api-Version", "registry/2.0")]
        return Answer(200, registry, b"{}") if asked.path == "/v2/" else Answer(404)

    with http_server(judge) as server:
        result = _call("-r", f"{server.address}/eks-a", "--plain-http", "--to", B, "--yes")
    assert result.exit_code == 2
    assert said in words(result.stderr)
