"""One blob on its way through every kind of trouble that a network and a registry make."""

from pathlib import Path

import pytest

from core.demo.registry import DemoRegistry
from core.errors import Code, RegistryError
from core.transfer.states import PlacementState
from tests.core.transfer.making import (
    Site,
    layer,
    noise,
    packed,
    site,
    stored_blob,
    uploads_left,
)
from tests.fixtures.proxy import Answer, Exchange, Handler, Hangup, Proxy

KIB = 1024
CHUNK = 64 * KIB
BLOB = stored_blob(noise("sent", 5 * CHUNK + 1_000))
LAYER = layer(noise("layer", 200_000) + b"text " * 40_000)
SENT_LAYER = packed(LAYER)


class CutOnce(Handler):
    """Breaks the connection once, after so many bytes of the n-th body of that kind."""

    def __init__(self, method: str, number: int, after: int) -> None:
        self.method, self.number, self.after = method, number, after
        self._bodies: list[int] = []
        self.cut = False

    def upload(self, exchange: Exchange, block: bytes) -> bytes:
        if exchange.method == self.method and exchange.number not in self._bodies:
            self._bodies.append(exchange.number)
        mine = exchange.method == self.method and len(self._bodies) == self.number
        if mine and not self.cut and exchange.sent >= self.after:
            self.cut = True
            raise Hangup(reset=True)
        return block


@pytest.mark.parametrize(
    ("method", "number", "after"),
    [("PATCH", 1, 1), ("PATCH", 3, CHUNK // 2), ("PATCH", 5, CHUNK), ("PUT", 1, 500)],
)
def test_a_connection_that_breaks_in_a_chunk_is_outlived(
    method: str, number: int, after: int, place: Site, counting_proxy: Proxy
) -> None:
    counting_proxy.handler = handler = CutOnce(method, number, after)
    assert place.send(BLOB) is PlacementState.SENT
    assert handler.cut
    assert place.content(BLOB.digest) == BLOB.read_all()
    assert place.progress.retries >= 1


class LoseAnswer(Handler):
    """The registry takes the request, but its answer never reaches the client; once."""

    def __init__(self, method: str, number: int = 1) -> None:
        self.method, self.left = method, number

    def answer(self, exchange: Exchange) -> Answer | None:
        if exchange.method == self.method and self.left:
            self.left -= 1
            if not self.left:
                raise Hangup
        return None


def test_a_put_whose_answer_is_lost_is_not_sent_again(place: Site, counting_proxy: Proxy) -> None:
    counting_proxy.handler = LoseAnswer("PUT")
    assert place.send(LAYER) is PlacementState.SENT
    assert counting_proxy.bytes_sent() == len(SENT_LAYER)


@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_chunk_whose_answer_is_lost_is_not_followed_by_an_empty_one(
    number: int, place: Site, counting_proxy: Proxy
) -> None:
    counting_proxy.handler = LoseAnswer("PATCH", number)
    assert place.send(BLOB) is PlacementState.SENT
    assert place.content(BLOB.digest) == BLOB.read_all()
    assert all(one.sent for one in counting_proxy.matching("PATCH"))


class TellWhatArrived(LoseAnswer):
    """A registry that keeps its sessions, as distribution 3 and Harbor do: the answer to a status
    request is that which the client did not get."""

    def __init__(self, number: int) -> None:
        super().__init__("PATCH", number)
        self._kept: dict[str, str] = {}

    def answer(self, exchange: Exchange) -> Answer | None:
        if exchange.method == "PATCH":
            self._kept = {name: exchange.answer_headers[name] for name in ("Location", "Range")}
        return super().answer(exchange)

    def request(self, exchange: Exchange) -> Answer | None:
        if exchange.method == "GET" and "/uploads/" in exchange.path:
            return Answer(204, dict(self._kept))
        return None


@pytest.mark.parametrize("number", [1, 4, 5])
def test_where_the_registry_keeps_the_session_no_byte_is_sent_twice(
    number: int, place: Site, counting_proxy: Proxy
) -> None:
    counting_proxy.handler = TellWhatArrived(number)
    assert place.send(BLOB) is PlacementState.SENT
    assert counting_proxy.bytes_sent() == BLOB.size
    assert all(one.sent for one in counting_proxy.matching("PATCH"))


class RefuseLarge(Handler):
    """nginx with `client_max_body_size`."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def request(self, exchange: Exchange) -> Answer | None:
        length = int(exchange.headers.get("Content-Length", "0"))
        return Answer(413) if length > self.limit else None


def test_a_proxy_that_refuses_large_bodies_gets_smaller_ones(
    counting_proxy: Proxy, namespace: str, journal_file: Path
) -> None:
    counting_proxy.handler = RefuseLarge(100 * KIB)
    with site(counting_proxy, namespace, journal_file, chunk_size=512 * KIB) as place:
        blob = stored_blob(noise("large", 1_500_000))
        assert place.send(blob) is PlacementState.SENT
        assert place.content(blob.digest) == blob.read_all()
        taken = [one.sent for one in counting_proxy.matching() if one.status in (201, 202)]
        assert max(taken) <= 100 * KIB
        refused = counting_proxy.count() - len(counting_proxy.matching("GET")) - len(taken)
        counting_proxy.forget()
        assert place.send(stored_blob(noise("next", 300_000)), "b") is PlacementState.SENT
        assert not [one for one in counting_proxy.matching() if one.status == 413]
        assert refused


def test_a_proxy_that_refuses_even_the_smallest_chunk_is_told(
    counting_proxy: Proxy, namespace: str, journal_file: Path, registry: DemoRegistry
) -> None:
    counting_proxy.handler = RefuseLarge(10 * KIB)
    with site(counting_proxy, namespace, journal_file, chunk_size=256 * KIB) as place:
        with pytest.raises(RegistryError) as caught:
            place.send(BLOB)
        assert caught.value.code is Code.BODY_TOO_LARGE
        assert "client_max_body_size" in caught.value.mend
        assert place.journal.open_uploads() == []
    assert not uploads_left(registry, namespace)


class Fault(Handler):
    """Answers so many requests of a kind with a fault."""

    def __init__(self, method: str, times: int, status: int = 500) -> None:
        self.method, self.times, self.status = method, times, status

    def answer(self, exchange: Exchange) -> Answer | None:
        if exchange.method == self.method and self.times:
            self.times -= 1
            return Answer(self.status)
        return None


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "HEAD"])
def test_three_faults_in_a_row_are_outlived(
    method: str, place: Site, counting_proxy: Proxy
) -> None:
    counting_proxy.handler = Fault(method, 3)
    assert place.send(BLOB) is PlacementState.SENT
    assert place.content(BLOB.digest) == BLOB.read_all()


def test_a_fault_that_stays_is_told_and_the_upload_can_be_gone_on_with(
    place: Site, counting_proxy: Proxy
) -> None:
    counting_proxy.handler = KeepRefusing("PATCH", 503, after=2)
    with pytest.raises(RegistryError) as caught:
        place.send(BLOB)
    assert caught.value.status == 503
    counting_proxy.handler = Handler()
    counting_proxy.forget()

    assert place.send(BLOB) is PlacementState.SENT

    assert counting_proxy.bytes_sent() == BLOB.size - 2 * CHUNK


class KeepRefusing(Handler):
    """Lets some requests of a kind through and refuses all that follow, unseen by the registry."""

    def __init__(self, method: str, status: int, after: int = 0) -> None:
        self.method, self.status, self.left = method, status, after

    def request(self, exchange: Exchange) -> Answer | None:
        if exchange.method != self.method:
            return None
        self.left -= 1
        return Answer(self.status) if self.left < 0 else None


class Forget(Handler):
    """The registry forgets upload sessions: always at the n-th chunk, so many times."""

    def __init__(self, chunk: int, times: int) -> None:
        self.chunk, self.times, self._seen = chunk, times, 0

    def request(self, exchange: Exchange) -> Answer | None:
        if exchange.method == "POST":
            self._seen = 0
        if exchange.method == "PATCH":
            self._seen += 1
            if self._seen == self.chunk and self.times:
                self.times -= 1
                return Answer(404, body=b'{"errors": [{"code": "BLOB_UPLOAD_UNKNOWN"}]}')
        return None


def test_a_lost_session_begins_anew(place: Site, counting_proxy: Proxy) -> None:
    counting_proxy.handler = Forget(chunk=3, times=2)
    assert place.send(BLOB) is PlacementState.SENT
    assert place.content(BLOB.digest) == BLOB.read_all()
    assert counting_proxy.count("POST") == 3


def test_a_registry_that_forgets_for_ever_is_given_up(place: Site, counting_proxy: Proxy) -> None:
    counting_proxy.handler = Forget(chunk=2, times=10**6)
    with pytest.raises(RegistryError, match="lost the upload 10 times") as caught:
        place.send(BLOB)
    assert BLOB.entry in caught.value.where
    assert counting_proxy.count("POST") == 10
