"""Harbor's replication: what the client asks and understands, and a run followed to its end."""

import threading
from collections.abc import Callable

import pytest

from core.errors import Code, Interrupted, RegistryError
from core.registry.feeding_runs import failures, follow
from core.registry.replication import Replication, Run
from core.registry.retry import ONCE, RetryPolicy, Waiter
from tests.core.registry.feeding_ground import GUEST, feed, replication
from tests.core.registry.servers import FAST, Answer, Asked, HttpServer, http_server
from tests.fixtures.harbor_mock import HarborMock
from tests.fixtures.harbor_replication_mock import Moved

LOG = """2026-11-24T10:00:01Z [INFO] [/controller/transfer.go:189]: copying eks-a/kubelet...
2026-11-24T10:00:02Z [ERROR] [/controller/transfer.go:450]: failed to push: code: 403
2026-11-24T10:00:02Z [ERROR] [/controller/transfer.go:201]: got error, mark the job failure
"""


class _AtOnce(Waiter):
    """Waits for nothing, and counts how often."""

    waits = 0

    def wait(self, seconds: float) -> None:
        assert seconds > 0
        self.waits += 1
        super().wait(0)


def run_to_the_end(server: HttpServer, looks: list[Run], policy: RetryPolicy = ONCE) -> Run:
    feed(server)
    with replication(server) as source:
        number = source.start(source.rules()[0])
        return follow(source, number, _AtOnce(), looks.append, policy)


def test_a_run_is_looked_at_until_it_has_ended(server: HttpServer, mock: HarborMock) -> None:
    mock.moves = [Moved("eks-a/kubelet"), Moved("eks-a/etcd")]
    looks: list[Run] = []

    ended = run_to_the_end(server, looks)

    assert [one.status for one in looks] == ["InProgress", "Succeed"]
    assert ended.is_whole
    assert (ended.total, ended.succeed, ended.failed) == (2, 2, 0)


def test_a_task_that_failed_tells_the_first_error_of_its_log(
    server: HttpServer, mock: HarborMock
) -> None:
    mock.moves = [
        Moved("eks-a/etcd"),
        Moved("eks-a/kubelet", "Failed", LOG),
        Moved("eks-a/cni", "Failed", None),
        Moved("eks-a/csi", "Stopped", "nothing was wrong"),
    ]
    ended = run_to_the_end(server, [])

    with replication(server) as source:
        found = list(failures(source, ended))

    assert not ended.is_whole
    told = {one.task.src_resource.partition(" ")[0]: one.reason for one in found}
    assert told == {
        "eks-a/kubelet": "failed to push: code: 403",
        "eks-a/cni": "",
        "eks-a/csi": "",
    }


def test_a_log_that_cannot_be_read_hides_no_failure(server: HttpServer, mock: HarborMock) -> None:
    mock.moves = [Moved("eks-a/kubelet", "Failed", LOG), Moved("eks-a/cni", "Failed", LOG)]
    ended = run_to_the_end(server, [])
    judge = server.judge

    def broken(asked: Asked) -> Answer:
        return Answer(500) if asked.path.endswith("/tasks/1/log") else judge(asked)

    server.judge = broken
    with replication(server) as source:
        first, second = failures(source, ended)
    assert first.reason.startswith("its log cannot be read: The registry answered HTTP 500")
    assert second.reason == "failed to push: code: 403"


def test_a_run_that_failed_as_a_whole_says_why(server: HttpServer, mock: HarborMock) -> None:
    mock.text = "failed to fetch artifacts: timeout"
    ended = run_to_the_end(server, [])
    assert (ended.status, ended.status_text) == ("Failed", "failed to fetch artifacts: timeout")


def test_more_tasks_than_a_page_holds_are_all_read(server: HttpServer, mock: HarborMock) -> None:
    mock.moves = [Moved(f"eks-a/{number}", "Failed") for number in range(130)]
    ended = run_to_the_end(server, [])
    with replication(server) as source:
        assert len(source.tasks(ended)) == 130


def test_a_harbor_that_is_away_meanwhile_is_asked_again(
    server: HttpServer, mock: HarborMock
) -> None:
    judge, away = server.judge, [503, 503]

    def sometimes(asked: Asked) -> Answer:
        if "/executions/" in asked.path and away:
            return Answer(away.pop())
        return judge(asked)

    server.judge = sometimes
    assert run_to_the_end(server, [], FAST).is_whole
    assert away == []


def test_to_stop_looking_is_possible_at_any_time(server: HttpServer) -> None:
    feed(server)
    stop = threading.Event()

    def end_it(_: Run) -> None:
        stop.set()

    with replication(server) as source, pytest.raises(Interrupted):
        follow(source, source.start(source.rules()[0]), Waiter(stop), end_it, ONCE)


@pytest.mark.parametrize("name", [GUEST, ""], ids=["no administrator", "nobody"])
def test_every_way_in_tells_who_may_not(server: HttpServer, name: str) -> None:
    feed(server)
    with replication(server) as source:
        rule = source.rules()[0]
    asks: tuple[Callable[[Replication], object], ...] = (
        lambda other: other.endpoints(),
        lambda other: other.rules(),
        lambda other: other.update_endpoint(1, insecure=False),
        lambda other: other.create_rule(name="x"),
        lambda other: other.update_rule(rule),
        lambda other: other.start(rule),
    )
    with replication(server, name) as other:
        for ask in asks:
            with pytest.raises(RegistryError) as caught:
                ask(other)
            wanted = Code.RIGHT_MISSING if name else Code.LOGIN_REFUSED
            assert caught.value.code is wanted


def test_a_harbor_without_replication_is_told_as_too_old() -> None:
    with (
        http_server(lambda _: Answer(404, body=b"not found")) as server,
        replication(server) as source,
        pytest.raises(RegistryError, match="offers no replication") as caught,
    ):
        source.endpoints()
    assert "too old" in caught.value.cause


@pytest.mark.parametrize(
    ("body", "version"),
    [(b'{"harbor_version": "v1.10.2"}', "v1.10.2"), (b"<html>Hello</html>", ""), (b"[]", "")],
    ids=["harbor-1", "page", "list"],
)
def test_an_old_harbor_is_known_by_its_old_api(body: bytes, version: str) -> None:
    def judge(asked: Asked) -> Answer:
        return Answer(200, body=body) if asked.path == "/api/systeminfo" else Answer(404)

    with http_server(judge) as server, replication(server) as source:
        assert source.old_version() == version


def test_a_start_whose_run_is_not_named_is_told(server: HttpServer) -> None:
    feed(server)
    with replication(server) as source:
        rule = source.rules()[0]
        server.judge = lambda _: Answer(201, [("Location", "/somewhere/else")])
        with pytest.raises(RegistryError, match="does not name the replication"):
            source.start(rule)


def test_a_password_is_in_nothing_that_is_shown(server: HttpServer) -> None:
    step = feed(server)
    with replication(server) as source:
        seen = f"{step!r} {source.endpoints()!r} {source.rules()!r}"
    assert "s3cret-of-b" not in seen
