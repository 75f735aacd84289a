"""The ladder: order, needs, limits, cancelling, what is told and when."""

import threading
import time
from collections.abc import Callable, Iterable

import pytest

from core.answers import Answers
from core.checks.context import Context
from core.checks.engine import Check, Ladder, Outcome
from core.checks.finding import Finding, State, failed, passed, skipped, warned
from core.errors import Code, Interrupted, RegistryError, UsageError

GIVE_UP = 30.0


def ladder(*checks: Check) -> Ladder:
    return Ladder(checks, lambda: Context(Answers(), environment={}))


def says(finding: Finding) -> Callable[[Context], Outcome]:
    return lambda _: finding


GOOD, BAD = says(passed("it is so")), says(failed("it is not so", cause="Why.", mend="Do it."))


def check(
    name: str,
    run: Callable[[Context], Outcome] = GOOD,
    *needs: str,
    after: tuple[str, ...] = (),
    limit: float | None = GIVE_UP,
    grace: float = 2.0,
) -> Check:
    return Check(name, name.title(), run, needs, after, limit, grace)


def told(found: Iterable[Finding]) -> list[tuple[str, str, str]]:
    return [(one.name, one.state.value, one.seen) for one in found]


def test_results_come_in_the_order_of_the_ladder() -> None:
    later = threading.Event()

    def slow(_: Context) -> Finding:
        assert later.wait(GIVE_UP)
        return passed("slow")

    def fast(_: Context) -> Finding:
        later.set()
        return passed("fast")

    found = ladder(check("first", slow), check("second", fast)).run()
    assert told(found) == [("first", "pass", "slow"), ("second", "pass", "fast")]


def test_a_finding_is_named_titled_and_timed() -> None:
    (found,) = ladder(Check("dns", "Name (DNS)", GOOD)).run()
    assert (found.name, found.title) == ("dns", "Name (DNS)")
    assert 0 <= found.duration < GIVE_UP


def test_what_one_check_says_of_several_things_is_titled_by_each() -> None:
    both = [passed("a", subject="eks-a"), failed("b", cause="c", mend="d", subject="dockerhub")]
    found = ladder(check("projects", lambda _: both)).run()
    assert [(one.name, one.title) for one in found] == [
        ("projects", "eks-a"),
        ("projects", "dockerhub"),
    ]


def test_what_a_registry_says_cannot_move_the_cursor() -> None:
    evil = "a\x1b[2Jb\nc"
    bad = failed(evil, cause=evil, mend=evil, command=evil, details=(evil,), subject=evil)
    (found,) = ladder(check("v2", says(bad))).run()
    texts = (found.seen, found.cause, found.mend, found.command, *found.details, found.title)
    assert all(text == "a [2Jb c" for text in texts)


def test_a_check_without_any_finding_is_skipped() -> None:
    assert told(ladder(check("empty", lambda _: [])).run()) == [
        ("empty", "skipped", "there is nothing to look at")
    ]


def test_a_failure_skips_what_needs_it_and_what_needs_that() -> None:
    found = ladder(
        check("port", BAD), check("tls", GOOD, "port"), check("v2", GOOD, "tls"), check("disk")
    ).run()
    assert told(found) == [
        ("port", "fail", "it is not so"),
        ("tls", "skipped", "waits for Port"),
        ("v2", "skipped", "waits for Tls"),
        ("disk", "pass", "it is so"),
    ]


@pytest.mark.parametrize("first", [passed("a"), warned("b"), skipped("no artifacts are named yet")])
def test_a_warning_or_what_does_not_apply_stops_nobody(first: Finding) -> None:
    found = ladder(check("first", says(first)), check("second", GOOD, "first")).run()
    assert found[1].state is State.PASS


def test_one_failure_among_several_findings_counts() -> None:
    both = [passed("a"), failed("b", cause="c", mend="d")]
    found = ladder(check("first", lambda _: both), check("second", GOOD, "first")).run()
    assert found[2].state is State.SKIPPED


def test_a_check_waits_for_an_earlier_one_without_needing_it() -> None:
    order: list[str] = []

    def note(name: str, finding: Finding) -> Callable[[Context], Finding]:
        def run(_: Context) -> Finding:
            order.append(name)
            return finding

        return run

    bad = failed("no", cause="c", mend="d")
    found = ladder(
        check("tarball", note("tarball", bad)),
        check("pull", note("pull", passed("yes")), after=("tarball",)),
    ).run()
    assert order == ["tarball", "pull"]
    assert found[1].state is State.PASS


def test_only_what_is_asked_for_runs_whatever_it_needs() -> None:
    found = ladder(check("port", BAD), check("tls", GOOD, "port")).run(only=["tls"])
    assert told(found) == [("tls", "pass", "it is so")]


def test_what_waits_for_a_check_is_tried_again_with_it() -> None:
    all_of_them = ladder(
        check("port"), check("tls", GOOD, "port"), check("name", GOOD, "tls"), check("disk")
    )
    assert all_of_them.waiting_for("port") == ("port", "tls", "name")
    assert all_of_them.waiting_for("name") == ("name",)


def test_a_name_that_no_check_has_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UsageError) as caught:
        ladder(check("port"), check("tls")).run(only=["ports"])
    assert caught.value.code is Code.BAD_USAGE
    assert "port, tls" in caught.value.mend


def test_an_error_becomes_a_finding_with_its_cause_and_mend() -> None:
    def run(_: Context) -> Finding:
        raise RegistryError(
            Code.PUSH_DENIED, "The registry answered HTTP 403.", where="https://x", status=403
        )

    (found,) = ladder(check("push", run)).run()
    assert found.state is State.FAIL
    assert found.seen == "the registry answered HTTP 403"
    assert found.code == "push-denied"
    assert found.cause
    assert found.mend
    assert found.details == ("https://x: The registry answered HTTP 403.",)


def test_a_defect_of_a_check_is_not_swallowed() -> None:
    def run(_: Context) -> Finding:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ladder(check("broken", run)).run()


def test_independent_checks_run_at_the_same_time() -> None:
    together = threading.Barrier(3)

    def run(_: Context) -> Finding:
        together.wait(GIVE_UP)
        return passed("met")

    found = ladder(check("a", run), check("b", run), check("c", run)).run(threads=3)
    assert [one.seen for one in found] == ["met"] * 3


def test_no_more_run_at_a_time_than_there_are_threads() -> None:
    running, most, lock = [0], [0], threading.Lock()

    def run(_: Context) -> Finding:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        with lock:
            running[0] -= 1
        return passed("done")

    ladder(*(check(f"c{number}", run) for number in range(20))).run(threads=1)
    assert most == [1]


def test_listeners_hear_in_the_callers_thread_of_starts_and_results() -> None:
    heard: list[tuple[str, str, int]] = []

    def start(one: Check) -> None:
        heard.append(("start", one.name, threading.get_ident()))

    def result(one: Check, found: tuple[Finding, ...]) -> None:
        heard.append((found[0].state.value, one.name, threading.get_ident()))

    ladder(check("port", BAD), check("tls", GOOD, "port")).run(on_start=start, on_result=result)
    here = threading.get_ident()
    assert heard == [("start", "port", here), ("fail", "port", here), ("skipped", "tls", here)]


def test_a_check_that_hangs_is_ended_at_its_limit_and_left_behind() -> None:
    never = threading.Event()

    def hang(_: Context) -> Finding:
        never.wait(GIVE_UP)
        return passed("too late")

    began = time.monotonic()
    found = ladder(check("dns", hang, limit=0.1, grace=0.1), check("port", GOOD, "dns")).run()
    never.set()
    assert time.monotonic() - began < GIVE_UP / 2
    assert told(found) == [
        ("dns", "fail", "no answer in 0.1 s"),
        ("port", "skipped", "waits for Dns"),
    ]
    assert found[0].code == Code.REGISTRY_STALLED


def test_a_check_at_its_limit_is_given_time_to_clean_up() -> None:
    cleaned = threading.Event()

    def run(context: Context) -> Finding:
        assert context.stop.wait(GIVE_UP)
        cleaned.set()
        raise Interrupted

    (found,) = ladder(check("push", run, limit=0.05, grace=GIVE_UP)).run()
    assert cleaned.is_set()
    assert found.seen == "no answer in 0.05 s"


def test_what_a_check_still_says_at_its_limit_counts() -> None:
    def run(context: Context) -> Finding:
        assert context.stop.wait(GIVE_UP)
        return passed("up to 16 MiB")

    (found,) = ladder(check("size", run, limit=0.05, grace=GIVE_UP)).run()
    assert (found.state, found.seen) == (State.PASS, "up to 16 MiB")


def test_a_check_without_a_limit_takes_its_time() -> None:
    def run(context: Context) -> Finding:
        assert not context.stop.wait(0.3)
        return passed("read")

    (found,) = ladder(check("tarball", run, limit=None)).run()
    assert found.seen == "read"


def test_stopping_ends_what_runs_and_skips_the_rest() -> None:
    stop = threading.Event()

    def run(context: Context) -> Finding:
        stop.set()
        assert context.stop.wait(GIVE_UP)
        raise Interrupted

    found = ladder(check("first", run), check("second", GOOD, "first")).run(stop=stop, threads=1)
    assert told(found) == [("first", "skipped", "stopped"), ("second", "skipped", "stopped")]


def test_an_interruption_lets_a_check_cancel_what_it_began() -> None:
    begun, cancelled = threading.Event(), threading.Event()

    def upload(context: Context) -> Finding:
        begun.set()
        assert context.stop.wait(GIVE_UP)
        cancelled.set()
        raise Interrupted

    def ctrl_c(one: Check) -> None:
        if one.name == "second":
            assert begun.wait(GIVE_UP)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ladder(check("first", upload, grace=GIVE_UP), check("second")).run(on_start=ctrl_c)
    assert cancelled.is_set()


def test_things_are_found_out_once_and_shared() -> None:
    made: list[int] = []

    def make() -> str:
        made.append(1)
        return "the chain"

    def run(context: Context) -> Finding:
        return passed(context.once("chain", make))

    found = ladder(*(check(f"c{number}", run) for number in range(8))).run(threads=8)
    assert {one.seen for one in found} == {"the chain"}
    assert made == [1]


def test_a_failure_to_find_out_is_shared_too() -> None:
    tries: list[int] = []

    def run(context: Context) -> Finding:
        def make() -> str:
            tries.append(1)
            raise RegistryError(Code.REGISTRY_UNREACHABLE, "No answer.")

        return passed(context.once("chain", make))

    found = ladder(check("a", run), check("b", run)).run()
    assert [one.state for one in found] == [State.FAIL, State.FAIL]
    assert tries == [1]


def test_what_was_opened_is_closed_at_the_end_of_the_run() -> None:
    closed: list[str] = []

    def run(context: Context) -> Finding:
        context.close_later(lambda: closed.append("session"))
        return passed("open")

    ladder(check("a", run)).run()
    assert closed == ["session"]
