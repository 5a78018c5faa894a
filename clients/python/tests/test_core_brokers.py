"""Sessions, and which broker is asked."""

from __future__ import annotations

import pytest

from stampede_client import Reason, Settings, Status
from stampede_client.core.affinity import Affinity
from stampede_client.core.backoff import Backoff
from stampede_client.core.call import HEDGE_AT_P95
from stampede_client.core.session import State
from stampede_client.wire.header import Header, Kind

from .harness import MAYBE, NO, YES, Harness


def test_a_session_is_up_with_the_first_pong() -> None:
    h = Harness(up=False)
    assert h.opened == [0] and h.state() is State.OPENING
    h.core.connected(0, h.now)
    h.perform()
    assert h.state() is State.GREETING and [sent.kind for sent in h.sent] == [Kind.PING]
    h.hear(0, Header(Kind.PONG))
    assert h.state() is State.UP


def test_a_connection_that_is_not_made_in_a_second_is_given_up() -> None:
    h = Harness(up=False)
    h.tick(1.1)
    assert h.dropped == [0]


def test_silence_is_asked_about_once_a_second_and_is_death_after_three() -> None:
    h = Harness()
    h.sent.clear()
    h.tick(0.9)
    assert h.sent == []
    h.tick(2.0)
    assert len(h.frames(Kind.PING)) == 2 and h.state() is State.UP
    h.tick(0.2)
    assert h.dropped == [0]


def test_a_broker_that_talks_is_not_asked_but_told_every_five_seconds_that_we_are_here() -> None:
    h = Harness()
    h.sent.clear()
    for _ in range(52):
        h.tick(0.2)
        h.hear(0, Header(Kind.CREDIT, call_id=99))
    assert len(h.frames(Kind.PING)) == 2 and h.state() is State.UP


def test_a_ping_of_the_broker_is_answered_with_its_number() -> None:
    h = Harness()
    h.hear(0, Header(Kind.PING, call_id=1048577))
    assert [(sent.kind, sent.header.call_id) for sent in h.sent[-1:]] == [(Kind.PONG, 1048577)]


def test_after_a_pause_of_our_own_we_ask_before_we_judge() -> None:
    h = Harness()
    h.now += 60
    h.core.tick(h.now)
    h.perform()
    assert h.state() is State.UP and h.sent[-1].kind is Kind.PING
    h.tick(2.1)
    assert h.dropped == [0]


def test_a_tick_that_comes_when_it_is_due_is_no_pause() -> None:
    h = Harness(settings=Settings(ping_interval=0.1, silence_limit=0.3))
    for _ in range(8):
        # A shell wakes a little after the time it asked for, and by nothing else.
        h.now = h.core.next_tick() + 0.001
        h.core.tick(h.now)
        h.perform()
        if h.dropped:
            break
    assert h.dropped == [0]


def test_connections_are_made_anew_with_full_jitter() -> None:
    backoff = Backoff(0.1, 5.0)
    assert [backoff.wait(failures, lambda: 1.0) for failures in range(1, 9)] == pytest.approx(
        [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    )
    assert backoff.wait(3, lambda: 0.25) == pytest.approx(0.1)
    assert backoff.wait(10_000, lambda: 0.5) == pytest.approx(2.5)


def test_a_new_connection_is_a_new_socket_and_health_forgives_failures() -> None:
    h = Harness(random=1.0)
    for opened in range(2, 6):
        h.lose(0)
        while len(h.opened) < opened:
            h.tick(0.05)
        h.bring_up(0)
    assert h.core.sessions[0].failures == 4
    for _ in range(35):
        h.tick(1)
        h.keep_alive()
    h.lose(0)
    assert h.core.sessions[0].failures == 1
    h.tick(0.11)
    assert h.opened.count(0) == 6


def test_bytes_that_are_no_message_are_counted_and_never_answered() -> None:
    h = Harness()
    h.sent.clear()
    for frame in (b"", b"x" * 64, b"x" * 200):
        h.core.received(frame, 0, h.now)
    h.hear(0, Header(Kind.READY))
    assert h.core.counts.malformed == 4 and h.sent == []


class TestChoice:
    def test_calls_are_spread_over_the_brokers_that_are_up(self) -> None:
        h = Harness(3)
        h.lose(1)
        for key in range(1, 7):
            h.begin(key=key)
        assert sorted(sent.broker for sent in h.calls) == [0, 0, 0, 2, 2, 2]

    def test_a_retry_goes_to_another_broker(self) -> None:
        for _ in range(3):
            h = Harness(3)
            h.begin()
            h.answer(h.calls[0], Status.UNAVAILABLE, NO, Reason.DRAINING)
            h.tick(0.5)
            assert h.calls[1].broker != h.calls[0].broker

    def test_a_retry_goes_to_the_same_broker_when_there_is_no_other(self) -> None:
        h = Harness(2)
        h.lose(1)
        h.begin()
        h.answer(h.calls[0], Status.UNAVAILABLE, NO, Reason.DRAINING)
        h.tick(0.05)
        assert [sent.broker for sent in h.calls] == [0, 0]

    def test_the_calls_of_a_lost_broker_go_to_another(self) -> None:
        h = Harness(2)
        call = h.begin()
        lost = h.calls[0].broker
        h.lose(lost)
        h.tick(0.05)
        assert h.calls[1].broker == 1 - lost and h.calls[1].is_retry
        h.answer(h.calls[1])
        assert h.endings[call].status is Status.OK

    def test_a_pinned_call_asks_only_its_broker(self) -> None:
        h = Harness(2)
        for _ in range(4):
            h.begin(pin=1)
        assert {sent.broker for sent in h.calls} == {1}
        h.lose(1)
        h.tick(0.5)
        assert {sent.broker for sent in h.calls} == {1}

    def test_a_broker_that_reaches_an_owner_is_preferred_for_the_key_over_one_that_did_not(self) -> None:
        h = Harness(3)
        h.begin()
        h.answer(h.calls[0], Status.UNAVAILABLE, NO, Reason.NO_OWNER)
        h.tick(0.5)
        good = h.calls[1].broker
        h.answer(h.calls[1], Status.FAILED_PRECONDITION, YES, Reason.OVER_LIMIT)
        for _ in range(6):
            h.begin()
        assert {sent.broker for sent in h.calls[2:]} == {good}
        # Other keys are spread as before, and this one again after ten seconds.
        for _ in range(3):
            h.begin(key=9)
        for _ in range(11):
            h.tick(1)
            for broker in range(3):
                h.keep_alive(broker)
        h.sent.clear()
        for _ in range(6):
            h.begin()
        assert {sent.broker for sent in h.calls} == {0, 1, 2}

    def test_brokers_that_reach_every_owner_need_no_remembering(self) -> None:
        h = Harness(2)
        for _ in range(4):
            h.begin()
            h.answer(h.calls[-1])
        assert {sent.broker for sent in h.calls} == {0, 1}

    def test_a_preference_ends_when_its_broker_fails(self) -> None:
        h = Harness(2)
        h.begin()
        bad = h.calls[0].broker
        h.answer(h.calls[0], Status.UNAVAILABLE, NO, Reason.NO_OWNER)
        h.tick(0.5)
        h.answer(h.calls[1])
        h.begin()
        h.answer(h.calls[2], Status.UNAVAILABLE, MAYBE, Reason.OWNER_LOST)
        h.tick(0.5)
        h.answer(h.calls[3])
        assert [sent.broker for sent in h.calls] == [bad, 1 - bad, 1 - bad, bad]
        h.begin()
        assert h.calls[4].broker == bad

    def test_preferences_are_bounded(self) -> None:
        affinity = Affinity()
        for sale in range(5000):
            affinity.learn((sale, 0, False), 1, 0.0)
        assert affinity.broker((0, 0, False), 1.0) is None
        assert affinity.broker((4999, 0, False), 1.0) == 1
        assert len(affinity._brokers) == 4096


class TestGoAway:
    def test_no_more_calls_begin_there_and_those_in_flight_end_as_they_would_have(self) -> None:
        h = Harness(2)
        calls = [h.begin(), h.begin()]
        h.hear(0, Header(Kind.GO_AWAY, milliseconds=2000))
        h.begin(), h.begin()
        assert {sent.broker for sent in h.calls[2:]} == {1}
        h.answer(next(sent for sent in h.calls if sent.broker == 0))
        assert len(h.endings) == 1 and calls

    def test_we_come_back_after_the_time_that_it_said(self) -> None:
        h = Harness(settings=Settings())
        h.hear(0, Header(Kind.GO_AWAY, milliseconds=2000))
        h.tick(0.3)
        assert h.dropped == [0]
        h.tick(1.6)
        assert h.opened == [0]
        h.tick(0.2)
        assert h.opened == [0, 0]


class TestHedge:
    def test_a_slow_call_is_sent_to_another_broker_too_and_the_first_yes_wins(self) -> None:
        h = Harness(2)
        call = h.begin(hedge=0.1)
        h.tick(0.09)
        assert len(h.calls) == 1
        h.tick(0.02)
        first, second = h.calls
        assert second.broker != first.broker and second.is_retry
        assert second.header.request_key == first.header.request_key
        h.answer(second)
        assert h.endings[call].status is Status.OK and h.endings[call].attempts == 2
        assert [(sent.broker, sent.header.call_id) for sent in h.frames(Kind.CANCEL)] == [
            (first.broker, first.header.call_id)
        ]

    def test_there_is_one_hedge_per_call(self) -> None:
        h = Harness(3)
        h.begin(hedge=0.1)
        h.tick(1.0)
        assert len(h.calls) == 2

    def test_without_another_broker_there_is_no_hedge(self) -> None:
        h = Harness(1)
        h.begin(hedge=0.1)
        h.tick(0.5)
        assert len(h.calls) == 1

    def test_what_may_not_be_repeated_is_not_hedged(self) -> None:
        h = Harness(2)
        h.begin(hedge=0.1, repeatable=False, key=0)
        h.tick(0.5)
        assert len(h.calls) == 1

    def test_a_refusal_waits_for_the_other_attempt(self) -> None:
        h = Harness(2)
        call = h.begin(hedge=0.1)
        h.tick(0.2)
        h.answer(h.calls[0], Status.FAILED_PRECONDITION, YES, Reason.SOLD_OUT)
        assert call not in h.endings
        h.answer(h.calls[1])
        assert h.endings[call].status is Status.OK

    def test_two_refusals_are_final_and_certain(self) -> None:
        h = Harness(2)
        call = h.begin(hedge=0.1)
        h.tick(0.2)
        h.answer(h.calls[0], Status.FAILED_PRECONDITION, YES, Reason.SOLD_OUT)
        h.answer(h.calls[1], Status.UNAVAILABLE, NO, Reason.NO_OWNER)
        assert (h.endings[call].reason, h.endings[call].certainty) == (Reason.SOLD_OUT, YES)

    def test_a_refusal_beside_a_loss_is_maybe(self) -> None:
        h = Harness(2)
        call = h.begin(hedge=0.1)
        h.tick(0.2)
        h.answer(h.calls[0], Status.FAILED_PRECONDITION, YES, Reason.SOLD_OUT)
        h.lose(h.calls[1].broker)
        assert (h.endings[call].reason, h.endings[call].certainty) == (Reason.SOLD_OUT, MAYBE)

    def test_hedges_have_the_budget_of_retries(self) -> None:
        h = Harness(2)
        for key in range(1, 13):
            call = h.begin(hedge=0.1, key=key, deadline=0.3)
            h.tick(0.31)
            for broker in range(2):
                h.keep_alive(broker)
            assert call in h.endings
        assert h.core.counts.hedges == 10

    def test_p95_is_known_after_twenty_calls(self) -> None:
        h = Harness(2)
        # Two take 50 ms and the others 10; then two take 200.
        for seconds in [0.05, 0.05, *[0.01] * 28, 0.2, 0.2]:
            h.begin(hedge=HEDGE_AT_P95)
            h.tick(seconds)
            h.answer(h.calls[-1])
            for broker in range(2):
                h.keep_alive(broker)
        assert h.core.counts.hedges == 2
