"""PROTOCOL.md, "Certainty and retries"."""

from __future__ import annotations

import pytest

from stampede_client import Reason, Status
from stampede_client.core.actions import Cause
from stampede_client.core.budget import RetryBudget
from stampede_client.wire.header import Kind

from .harness import MAYBE, NO, YES, Harness


def test_a_yes_ends_the_call() -> None:
    h = Harness()
    call = h.begin()
    assert h.calls[0].header.milliseconds == 5000 and not h.calls[0].is_retry
    h.answer(h.calls[0], body=b"\x81")
    ending = h.endings[call]
    assert (ending.status, ending.certainty, ending.body, ending.attempts) == (Status.OK, YES, b"\x81", 1)


def test_an_executed_refusal_is_final() -> None:
    h = Harness()
    call = h.begin()
    h.answer(h.calls[0], Status.FAILED_PRECONDITION, YES, Reason.SOLD_OUT)
    assert h.endings[call].certainty is YES and h.endings[call].reason is Reason.SOLD_OUT
    h.tick(2)
    assert len(h.calls) == 1


@pytest.mark.parametrize(
    ("status", "reason", "is_retried"),
    [
        (Status.UNAVAILABLE, Reason.NONE, True),
        (Status.UNAVAILABLE, Reason.NO_OWNER, True),
        (Status.UNAVAILABLE, Reason.NOT_SERVING, True),
        (Status.RESOURCE_EXHAUSTED, Reason.OVERLOADED, True),
        (Status.RESOURCE_EXHAUSTED, Reason.BUSY, True),
        (Status.RESOURCE_EXHAUSTED, Reason.DRAINING, True),
        (Status.RESOURCE_EXHAUSTED, Reason.LEDGER_UNAVAILABLE, True),
        (Status.RESOURCE_EXHAUSTED, Reason.CLOCK_UNCERTAIN, True),
        (Status.RESOURCE_EXHAUSTED, Reason.NONE, False),
        (Status.FAILED_PRECONDITION, Reason.SOLD_OUT, False),
        (Status.INVALID_ARGUMENT, Reason.MALFORMED, False),
        (Status.UNIMPLEMENTED, Reason.UNKNOWN_METHOD, False),
        (Status.PERMISSION_DENIED, Reason.NONE, False),
    ],
)
def test_what_was_not_executed_is_retried_when_another_moment_may_help(
    status: Status, reason: Reason, is_retried: bool
) -> None:
    h = Harness()
    # Not even a key is needed: it did not run.
    call = h.begin(repeatable=False, key=0)
    h.answer(h.calls[0], status, NO, reason)
    h.tick(0.5)
    assert (len(h.calls) == 2) == is_retried
    assert (call not in h.endings) == is_retried


def test_a_retry_has_a_name_of_its_own_the_same_key_and_the_time_that_is_left() -> None:
    h = Harness()
    h.begin(deadline=1.0)
    h.answer(h.calls[0], Status.UNAVAILABLE, NO, milliseconds=200)
    h.tick(0.199)
    assert len(h.calls) == 1
    h.tick(0.01)
    first, second = h.calls
    assert second.is_retry
    assert second.header.call_id != first.header.call_id
    assert second.header.request_key == first.header.request_key
    assert 780 <= second.header.milliseconds <= 800


def test_the_server_says_how_long_to_wait_and_the_deadline_how_long_to_try() -> None:
    h = Harness()
    call = h.begin(deadline=1.0)
    h.answer(h.calls[0], Status.RESOURCE_EXHAUSTED, NO, Reason.OVERLOADED, milliseconds=1500)
    # A wait that outlasts the deadline is an answer now.
    ending = h.endings[call]
    assert (ending.reason, ending.certainty, ending.retry_after) == (Reason.OVERLOADED, NO, 1.5)


def test_maybe_is_retried_with_a_key_and_not_without() -> None:
    h = Harness()
    keyed, keyless = h.begin(), h.begin(key=0, repeatable=False)
    for sent in h.calls[:2]:
        h.answer(sent, Status.UNAVAILABLE, MAYBE, Reason.OWNER_LOST)
    assert h.endings[keyless].certainty is MAYBE
    h.tick(0.5)
    h.answer(h.calls[2])
    assert h.endings[keyed].status is Status.OK


def test_maybe_is_sticky() -> None:
    h = Harness()
    call = h.begin()
    h.answer(h.calls[0], Status.UNAVAILABLE, MAYBE, Reason.OWNER_LOST)
    h.tick(0.5)
    # A refusal speaks of one attempt only: the first may still place the order.
    h.answer(h.calls[1], Status.FAILED_PRECONDITION, YES, Reason.SOLD_OUT)
    assert h.endings[call].reason is Reason.SOLD_OUT
    assert h.endings[call].certainty is MAYBE


def test_maybe_is_sticky_over_a_refusal_at_the_door_and_the_deadline() -> None:
    h = Harness()
    call = h.begin(deadline=0.3)
    h.answer(h.calls[0], Status.UNAVAILABLE, MAYBE, Reason.OWNER_LOST)
    h.tick(0.1)
    h.answer(h.calls[1], Status.UNAVAILABLE, NO, Reason.NO_OWNER, milliseconds=100)
    h.tick(0.05)
    h.keep_alive()
    h.tick(0.2)
    ending = h.endings[call]
    assert (ending.status, ending.certainty, ending.cause) == (
        Status.DEADLINE_EXCEEDED,
        MAYBE,
        Cause.DEADLINE,
    )


def test_a_late_yes_of_an_earlier_attempt_wins() -> None:
    h = Harness()
    call = h.begin()
    h.answer(h.calls[0], Status.UNAVAILABLE, MAYBE, Reason.OWNER_LOST)
    h.tick(0.5)
    h.answer(h.calls[0])
    assert h.endings[call].status is Status.OK
    # The attempt that is still open is withdrawn, and its answer is no news.
    assert [sent.header.call_id for sent in h.frames(Kind.CANCEL)] == [h.calls[1].header.call_id]
    h.answer(h.calls[1])
    assert h.core.counts.late == 1


def test_a_late_refusal_of_an_earlier_attempt_says_nothing() -> None:
    h = Harness()
    call = h.begin()
    h.answer(h.calls[0], Status.UNAVAILABLE, MAYBE, Reason.OWNER_LOST)
    h.tick(0.5)
    h.answer(h.calls[0], Status.FAILED_PRECONDITION, YES, Reason.SOLD_OUT)
    assert call not in h.endings


def test_there_are_five_attempts() -> None:
    h = Harness()
    call = h.begin(deadline=60)
    for attempt in range(5):
        h.answer(h.calls[attempt], Status.UNAVAILABLE, NO, Reason.NO_OWNER)
        h.tick(1)
        h.keep_alive()
    assert len(h.calls) == 5
    assert h.endings[call].certainty is NO and h.endings[call].attempts == 5


def test_a_lost_session_leaves_its_calls_maybe_executed() -> None:
    h = Harness()
    keyed, keyless = h.begin(), h.begin(key=0, repeatable=False)
    h.lose(0)
    assert (h.endings[keyless].status, h.endings[keyless].certainty) == (Status.UNAVAILABLE, MAYBE)
    assert h.endings[keyless].cause is Cause.SESSION_LOST
    assert keyed not in h.endings


def test_what_no_socket_has_taken_was_not_executed() -> None:
    h = Harness()
    h.is_blocked.add(0)
    call = h.begin(deadline=0.2, key=0, repeatable=False)
    assert h.calls == [] and h.dropped == [0]
    h.tick(0.3)
    ending = h.endings[call]
    assert (ending.status, ending.certainty) == (Status.DEADLINE_EXCEEDED, NO)
    # It is as if the attempt had not been.
    assert ending.attempts == 0


def test_a_call_without_a_broker_ends_at_its_deadline_as_not_executed() -> None:
    h = Harness(up=False)
    call = h.begin(deadline=0.5)
    h.tick(0.6)
    assert (h.endings[call].status, h.endings[call].certainty) == (Status.DEADLINE_EXCEEDED, NO)


def test_a_call_that_waits_for_a_broker_goes_when_one_is_up() -> None:
    h = Harness(up=False)
    h.begin()
    assert h.calls == []
    h.bring_up(0)
    assert len(h.calls) == 1


def test_a_cancelled_call_is_withdrawn_from_whoever_has_it() -> None:
    h = Harness()
    call = h.begin()
    h.core.cancel(call, h.now)
    h.perform()
    assert [sent.header.call_id for sent in h.frames(Kind.CANCEL)] == [h.calls[0].header.call_id]
    assert (h.endings[call].status, h.endings[call].certainty) == (Status.CANCELLED, MAYBE)


def test_a_call_that_was_cancelled_before_it_was_sent_did_not_run() -> None:
    h = Harness(up=False)
    call = h.begin()
    h.core.cancel(call, h.now)
    h.perform()
    assert h.endings[call].certainty is NO and h.sent == []


def test_too_many_calls_are_refused_at_once() -> None:
    from stampede_client import Settings

    h = Harness(settings=Settings(maximum_calls_in_flight=2))
    h.begin(), h.begin()
    call = h.begin()
    assert h.endings[call].cause is Cause.TOO_MANY
    assert h.endings[call].status is Status.RESOURCE_EXHAUSTED


def test_closing_ends_every_call_with_what_is_known() -> None:
    h = Harness()
    sent = h.begin()
    h.lose(0)
    waiting = h.begin(key=8)
    h.core.close()
    h.perform()
    assert h.endings[sent].certainty is MAYBE and h.endings[waiting].certainty is NO
    assert h.core.next_tick() == float("inf")


class TestBudget:
    def test_there_are_ten_tokens_and_an_outcome_gives_a_tenth_back(self) -> None:
        budget = RetryBudget()
        assert [budget.take(1) for _ in range(11)] == [True] * 10 + [False]
        for _ in range(9):
            budget.give_back()
        assert not budget.take(1)
        budget.give_back()
        assert budget.take(1)

    def test_each_call_in_flight_is_a_token(self) -> None:
        h = Harness(2)
        calls = [h.begin(key=key) for key in range(1, 101)]
        lost = sum(sent.broker == 0 for sent in h.calls)
        assert lost == 50
        h.lose(0)
        h.tick(0.5)
        # The loss of a broker lets each of its calls be repeated.
        assert len(h.calls) == 150 and not h.endings
        assert len(calls) == 100

    def test_a_service_that_goes_on_failing_is_not_asked_five_times_as_much(self) -> None:
        h = Harness()
        for key in range(1, 201):
            call = h.begin(key=key)
            while call not in h.endings:
                h.answer(h.calls[-1], Status.UNAVAILABLE, MAYBE, Reason.OWNER_LOST)
                h.tick(1)
                h.keep_alive()
        assert len(h.calls) <= 200 + 10

    def test_what_was_not_executed_costs_nothing(self) -> None:
        h = Harness()
        for key in range(1, 101):
            h.begin(key=key)
            h.answer(h.calls[-1], Status.UNAVAILABLE, NO, Reason.NO_OWNER)
            h.tick(0.1)
            h.keep_alive()
            h.answer(h.calls[-1])
        assert len(h.calls) == 200
