"""How large a body may be: limits of every kind are found, and every upload is cancelled."""

import json
import re
import threading

import pytest

from core.checks import body_size
from core.checks.body_size import KIB, MIB
from core.checks.finding import Finding, State
from core.errors import Code, Interrupted
from tests.core.checks.looking import answers, context, login, look
from tests.core.registry.servers import Answer, Asked, http_server


class Store:
    """As much of a registry as uploads need.

    Args:
        limit: bytes beyond which a body is refused.
        refusal: how.

    Attributes:
        open: uploads that were begun and not cancelled.
        floor: bytes below which a body is refused; told to clients.
    """

    def __init__(self, limit: int = 10**12, refusal: Answer | None = None) -> None:
        self.limit = limit
        self.refusal = refusal or Answer(413, body=b"<html>413 Request Entity Too Large</html>")
        self.open: set[str] = set()
        self.begun = 0
        self.bodies: list[int] = []
        self.floor = 0
        self.challenge = ""

    def judge(self, asked: Asked) -> Answer:
        if asked.path == "/v2/":
            return self._base(asked)
        if asked.method == "POST":
            self.begun += 1
            place = f"{asked.path}{self.begun}"
            self.open.add(place)
            floor = [("OCI-Chunk-Min-Length", str(self.floor))] if self.floor else []
            return Answer(202, [("Location", place), *floor])
        if asked.method == "PATCH":
            size = len(asked.body)
            self.bodies.append(size)
            if size > self.limit or size < self.floor:
                return self.refusal
            return Answer(202, [("Location", asked.path)])
        if asked.method == "DELETE":
            self.open.discard(asked.path)
            return Answer(204)
        return Answer(404)

    def _base(self, asked: Asked) -> Answer:
        if self.challenge and not asked.authorization:
            return Answer(401, [("WWW-Authenticate", self.challenge)])
        return Answer(200, [("Docker-Distribution-Api-Version", "registry/2.0")], b"{}")


def measured(store: Store, chunk: str = "8Mi", **registry: object) -> Finding:
    with http_server(store.judge) as server:
        given = answers(f"{server.address}/eks-a", plain_http=True, **registry)
        transfer = type(given.transfer).model_validate({"chunk_size": chunk})
        given = given.model_copy(update={"transfer": transfer})
        return look(body_size.check_body_size, given, login())


def limit_of(found: Finding) -> int:
    """The limit that a finding tells, in bytes."""
    number, unit = re.findall(r"([0-9.]+) ([KM])i", found.seen)[-1]
    return int(float(number) * (MIB if unit == "M" else KIB))


def test_without_a_limit_64_mib_pass_and_everything_is_cancelled() -> None:
    store = Store()
    found = measured(store)
    assert (found.state, found.seen) == (
        State.PASS,
        "requests of 64 MiB pass; the import sends 8 MiB at a time",
    )
    assert store.bodies == [MIB * 2**n for n in range(7)]
    assert store.open == set()


@pytest.mark.parametrize("limit", [10**6, MIB, 4 * MIB, 5 * MIB, 20 * 10**6, 50 * MIB])
def test_a_limit_is_found_to_an_eighth(limit: int) -> None:
    store = Store(limit)
    told = limit_of(measured(store, chunk="64Mi"))
    assert limit * 7 / 8 - 64 * KIB <= told <= limit
    assert store.open == set()
    assert store.begun == len([size for size in store.bodies if size > limit]) + 1


def test_a_limit_below_the_pieces_is_a_warning_with_what_becomes_of_it() -> None:
    found = measured(Store(MIB))
    assert (found.state, found.seen) == (
        State.WARN,
        "requests over 1 MiB are refused (HTTP 413)",
    )
    assert found.effect.startswith("The import sends 1 MiB at a time in place of 8 MiB")
    assert "client_max_body_size 0" in found.mend
    assert "--chunk-size 1Mi" in found.mend
    assert found.code == Code.BODY_TOO_LARGE


def test_a_limit_above_the_pieces_passes() -> None:
    found = measured(Store(20 * MIB))
    assert (found.state, found.seen) == (
        State.PASS,
        "requests of 8 MiB pass, over 20 MiB they are refused",
    )


def test_a_limit_below_the_smallest_piece_fails() -> None:
    store = Store(1000)
    found = measured(store)
    assert (found.state, found.seen) == (State.FAIL, "not even 64 KiB may be sent in one request")
    assert store.open == set()


@pytest.mark.parametrize("status", [413, 416, 408, 502, 504])
def test_a_limit_shows_in_different_ways(status: int) -> None:
    body = json.dumps({"errors": []}).encode()
    found = measured(Store(4 * MIB, Answer(status, body=body)))
    assert found.seen == f"requests over 4 MiB are refused (HTTP {status})"


def test_a_lost_upload_counts_as_a_refusal() -> None:
    found = measured(Store(4 * MIB, Answer(404)))
    assert found.seen == "requests over 4 MiB are refused"


@pytest.mark.parametrize(("status", "code"), [(403, Code.PUSH_DENIED), (500, Code.REGISTRY_FAULT)])
def test_another_failure_is_not_taken_for_a_limit(status: int, code: Code) -> None:
    store = Store(4 * MIB, Answer(status))
    found = measured(store)
    assert (found.state, found.code) == (State.FAIL, code)
    assert store.open == set()


def test_no_body_is_smaller_than_the_registry_allows() -> None:
    store = Store()
    store.floor = 5 * MIB
    assert measured(store).state is State.PASS
    assert min(store.bodies) == 5 * MIB


def test_amazon_ecr_is_sent_no_small_bodies() -> None:
    store = Store()
    store.challenge = 'Basic realm="x",service="ecr.amazonaws.com"'
    assert measured(store).state is State.PASS
    assert min(store.bodies) == 5 * MIB


def test_a_slow_line_is_not_filled_with_large_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_size, "_LONGEST_BODY_SECONDS", 0.0)
    store = Store()
    found = measured(store)
    assert (found.state, found.seen) == (
        State.PASS,
        "requests of 1 MiB pass; larger ones take too long here to be tried",
    )
    assert store.bodies == [MIB]


def test_what_is_large_enough_tells_how_fast_the_link_is() -> None:
    found = measured(Store())
    said = re.findall(r"64 MiB: taken, ([0-9.]+) ([GM])B/s", " ".join(found.details))
    number, unit = said[0]
    assert found.rate == pytest.approx(float(number) * (10**9 if unit == "G" else 10**6), rel=0.1)


def test_small_bodies_tell_it_where_they_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_size, "_TELLING_SECONDS", 1e9)
    assert measured(Store(4 * MIB)).rate == 0.0
    monkeypatch.setattr(body_size, "_TELLING_SECONDS", 0.0)
    assert measured(Store(4 * MIB)).rate > 0.0


def test_stopping_ends_between_two_bodies_and_cancels() -> None:
    store, stop = Store(), threading.Event()

    def judge(asked: Asked) -> Answer:
        if asked.method == "PATCH":
            stop.set()
        return store.judge(asked)

    with http_server(judge) as server:
        given = answers(f"{server.address}/eks-a", plain_http=True)
        with context(given) as made, pytest.raises(Interrupted):
            body_size.check_body_size(made.stopped_by(stop))
    assert store.bodies == [MIB]
    assert store.open == set()


def test_an_upload_that_cannot_be_begun_fails() -> None:
    with http_server(lambda asked: Answer(200 if asked.path == "/v2/" else 403)) as server:
        given = answers(f"{server.address}/eks-a", plain_http=True)
        found = look(body_size.check_body_size, given)
    assert (found.state, found.code) == (State.FAIL, Code.PUSH_DENIED)


def test_without_a_namespace_there_is_nothing_to_try() -> None:
    with http_server(Store().judge) as server:
        found = look(body_size.check_body_size, answers(server.address, plain_http=True))
    assert found.state is State.SKIPPED
