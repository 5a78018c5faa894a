"""The heart of the client: calls, attempts, sessions, time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf

from ..wire.header import COMPRESSED, END, HEADER_SIZE, RETRY, Header, Kind, WireError
from ..wire.status import Certainty, Reason, Status
from . import streams
from .actions import Action, Cause, Drop, End, Ending, Initial, Item, Open, Transmit, Writable
from .affinity import Affinity
from .budget import RetryBudget
from .call import HEDGE_AT_P95, Attempt, Call, Request
from .latencies import Latencies
from .session import BrokerSession, State
from .settings import Settings
from .timers import Timers

_PASSING = {
    Reason.OVERLOADED, Reason.BUSY, Reason.NO_OWNER, Reason.DRAINING, Reason.LEDGER_UNAVAILABLE,
    Reason.CLOCK_UNCERTAIN,
}  # fmt: skip


class Counts:
    """What happened that no caller is told of."""

    __slots__ = ("calls", "hedges", "late", "malformed", "retries", "sessions_lost")

    def __init__(self) -> None:
        self.calls = 0
        self.retries = 0
        self.hedges = 0
        self.late = 0
        """Messages that came after their call had ended."""
        self.malformed = 0
        self.sessions_lost = 0


class ClientCore:
    """Every method that takes an event appends to `actions`; the shell performs them in order. A call ends by
    exactly one `End`."""

    def __init__(self, brokers: int, settings: Settings, now: float, random: Callable[[], float]) -> None:
        """`random` gives numbers of [0, 1): the only source of chance."""
        self.settings = settings
        self.actions: deque[Action] = deque()
        self.sessions = [BrokerSession(now) for _ in range(brokers)]
        self.calls: dict[int, Call] = {}
        self.counts = Counts()
        self.budget = RetryBudget()
        self.affinity = Affinity()
        self.latencies = Latencies()
        self._random = random
        self._timers = Timers()
        # A dictionary for its order: whoever waited longest goes first.
        self._waiting: dict[int, Call] = {}
        self._numbers = 0
        self._next_broker = 0

    # Calls

    def begin(self, request: Request, now: float) -> int:
        """Takes a call on and returns its number."""
        self._numbers += 1
        self.counts.calls += 1
        call = Call(self._numbers, request)
        if len(self.calls) >= self.settings.maximum_calls_in_flight:
            refusal = Ending(Status.RESOURCE_EXHAUSTED, Certainty.NOT_EXECUTED, Cause.TOO_MANY)
            self.actions.append(End(call.number, refusal))
            return call.number
        self.calls[call.number] = call
        if request.deadline <= now:
            self._end(call, Ending(Status.DEADLINE_EXCEEDED, Certainty.NOT_EXECUTED, Cause.DEADLINE))
        else:
            self._dispatch(call, now)
            self._set_timer(call)
        return call.number

    def cancel(self, number: int, now: float) -> None:
        """The caller no longer waits. Its order, if there is one, stands."""
        if (call := self.calls.get(number)) is not None:
            self._withdraw(call, now)
            self._end(call, Ending(Status.CANCELLED, Certainty.NOT_EXECUTED, Cause.CANCELLATION))

    def offer(self, number: int, items: list[tuple[bytes, bool]], ending: bool, now: float) -> None:
        """The caller's next items of a stream. `Writable` follows when they are sent."""
        call = self.calls.get(number)
        if call is None or call.stream is None or call.stream.ending:
            return
        call.stream.outbox.extend(items)
        call.stream.ending = ending
        self._pump(call, now)

    def took(self, number: int, items: int, now: float) -> None:
        """The reader has taken items: now the worker may send as many more."""
        call = self.calls.get(number)
        if call is None or call.stream is None:
            return
        credit = streams.credit(call.stream, items)
        attempt = next(iter(call.live.values()), None)
        if credit is not None and attempt is not None and attempt.sent_at is not None:
            header = Header(Kind.CREDIT, call_id=call.call_id(attempt.number), sequence=credit)
            self._transmit(attempt.broker, header.encode(), now)

    def handed_over(self, call_id: int, now: float) -> None:
        """The socket has taken a call: from now on it may run."""
        call = self.calls.get(call_id >> 4)
        attempt = call.live.get(call_id & 15) if call is not None else None
        if call is None or attempt is None:
            return
        attempt.sent_at = now
        if call.stream is not None:
            if (credit := streams.first_credit(call.stream)) is not None:
                header = Header(Kind.CREDIT, call_id=call_id, sequence=credit)
                self._transmit(attempt.broker, header.encode(), now)
            self._pump(call, now)
        elif call.request.hedge is not None and not call.hedged and attempt.number == 1:
            delay: float | None = call.request.hedge
            if delay == HEDGE_AT_P95:
                delay = self.latencies.percentile(call.request.header.method, 95)
            if delay is not None and call.request.repeatable:
                call.hedge_at = now + delay
                self._set_timer(call)

    def not_taken(self, broker: int, session: int, now: float) -> None:
        """The socket has not taken a message: the connection is gone."""
        if self.sessions[broker].number == session:
            self.disconnected(broker, now)

    def close(self) -> None:
        """Ends every call. Nothing may follow."""
        for call in list(self.calls.values()):
            self._end(call, Ending(Status.UNAVAILABLE, Certainty.NOT_EXECUTED, Cause.CLOSING))
        for broker, session in enumerate(self.sessions):
            if session.is_open:
                self.actions.append(Drop(broker))
            session.state = State.DOWN
            session.retry_at = inf

    def _end(self, call: Call, ending: Ending) -> None:
        """The one end of a call. What is known of its other attempts decides how certain it is."""
        if ending.status is not Status.OK:
            open_attempt = any(attempt.sent_at is not None for attempt in call.live.values())
            if call.may_have_run or open_attempt:
                ending.certainty = Certainty.MAYBE_EXECUTED
        ending.may_have_run = call.may_have_run
        ending.attempts = call.begun
        for attempt in call.live.values():
            self.sessions[attempt.broker].attempts.pop(call.call_id(attempt.number), None)
        self._timers.remove(call.number)
        self._waiting.pop(call.number, None)
        del self.calls[call.number]
        self.actions.append(End(call.number, ending))

    def _withdraw(self, call: Call, now: float) -> None:
        """Tells the brokers that no answer is wanted any more."""
        for attempt in call.live.values():
            if attempt.sent_at is not None:
                header = Header(Kind.CANCEL, END, call_id=call.call_id(attempt.number))
                self._transmit(attempt.broker, header.encode(), now)

    # Dispatch

    def _dispatch(self, call: Call, now: float, broker: int | None = None) -> None:
        """Begins the next attempt of a call, or lets it wait for a session."""
        if broker is None:
            broker = self._choose(call, now)
        if broker is None:
            self._waiting[call.number] = call
            return
        self._waiting.pop(call.number, None)
        call.begun += 1
        attempt = Attempt(call.begun, broker)
        call.live[attempt.number] = attempt
        call.avoid = broker
        request = call.request
        header = request.header
        header.call_id = call.call_id(attempt.number)
        if attempt.number > 1:
            header.flags |= RETRY
            self.counts.retries += 1
        # Zero would mean "no deadline".
        left = request.deadline - now
        header.milliseconds = 0 if left == inf else min(max(1, int(left * 1000)), 0xFFFF_FFFF)
        if call.stream is not None:
            call.stream.restart()
        self.sessions[broker].attempts[header.call_id] = call
        frame = header.encode() + request.metadata + request.body
        self._transmit(broker, frame, now, header.call_id)

    def _choose(self, call: Call, now: float, *, other: bool = False) -> int | None:
        """The broker that the key is known to be reached by, else round robin; a retry goes to another broker
        if there is one, a hedge only then."""
        request = call.request
        if request.pin is not None:
            return request.pin if not other and self.sessions[request.pin].state is State.UP else None
        if request.key is not None:
            known = self.affinity.broker(request.key, now)
            if known is not None and known != call.avoid and self.sessions[known].state is State.UP:
                return known
        fallback: int | None = None
        for _ in self.sessions:
            broker = self._next_broker
            self._next_broker = (broker + 1) % len(self.sessions)
            if self.sessions[broker].state is State.UP:
                if broker != call.avoid:
                    return broker
                fallback = broker
        return None if other else fallback

    def _transmit(self, broker: int, frame: bytes, now: float, call_id: int = 0) -> None:
        session = self.sessions[broker]
        session.said_at = now
        self.actions.append(Transmit(broker, session.number, frame, call_id))

    def _pump(self, call: Call, now: float) -> None:
        """Sends what the worker's credit allows."""
        attempt = next(iter(call.live.values()), None)
        if call.stream is None or attempt is None or attempt.sent_at is None:
            return
        had_items = bool(call.stream.outbox)
        for frame in streams.take_sendable(call.stream, call.call_id(attempt.number)):
            self._transmit(attempt.broker, frame, now)
        if had_items and not call.stream.outbox:
            self.actions.append(Writable(call.number))

    # Connections

    def connected(self, broker: int, now: float) -> None:
        """The socket has a connection: greet the broker."""
        session = self.sessions[broker]
        if session.state is State.OPENING:
            session.enter(State.GREETING, now)
            session.heard_at = now
            self._ping(broker, now)

    def disconnected(self, broker: int, now: float) -> None:
        """The session is over. What it had been given may have run."""
        session = self.sessions[broker]
        if not session.is_open:
            return
        self.counts.sessions_lost += 1
        if session.state is not State.DRAINING:
            lasted = now - session.since >= BrokerSession.HEALTHY_AGE
            session.failures = 1 if lasted else session.failures + 1
            session.retry_at = now + self.settings.reconnect.wait(session.failures, self._random)
        self.actions.append(Drop(broker))
        session.enter(State.DOWN, now)
        attempts, session.attempts = session.attempts, {}
        for call_id, call in attempts.items():
            attempt = call.live[call_id & 15]
            if attempt.sent_at is None:
                # The socket never took it: as if this attempt had not been.
                del call.live[attempt.number]
                call.begun -= 1
                if not call.live:
                    self._dispatch(call, now)
            else:
                lost = Ending(Status.UNAVAILABLE, Certainty.MAYBE_EXECUTED, Cause.SESSION_LOST)
                self._attempt_failed(call, attempt, lost, now)

    def received(self, frame: bytes, broker: int, now: float) -> None:
        """Takes a message of a broker."""
        session = self.sessions[broker]
        if not session.is_connected:
            return
        session.heard_at = now
        try:
            header = Header.decode(frame)
        except WireError:
            self.counts.malformed += 1
            return
        kind = header.kind
        if kind is Kind.RESULT:
            self._come_up(session, now)
            self._answered(header, frame, broker, now)
        elif kind is Kind.DATA or kind is Kind.CREDIT:
            self._streamed(header, frame, now)
        elif kind is Kind.PONG:
            self._come_up(session, now)
        elif kind is Kind.PING:
            # By it the broker knows how much of what it sent was read, so the order matters.
            self._transmit(broker, Header(Kind.PONG, call_id=header.call_id).encode(), now)
        elif kind is Kind.GO_AWAY:
            self._drain(session, header.milliseconds / 1000, now)
        else:
            self.counts.malformed += 1

    def _come_up(self, session: BrokerSession, now: float) -> None:
        if session.state is State.GREETING:
            session.enter(State.UP, now)
            for call in list(self._waiting.values()):
                self._dispatch(call, now)

    def _drain(self, session: BrokerSession, retry_after: float, now: float) -> None:
        """The broker wants no new calls; those in flight end as they would have."""
        if session.state is not State.DRAINING:
            session.failures += 1
            wait = self.settings.reconnect.wait(session.failures, self._random)
            session.retry_at = now + max(retry_after, wait)
            session.enter(State.DRAINING, now)

    # Answers

    def _answered(self, header: Header, frame: bytes, broker: int, now: float) -> None:
        """A yes of any attempt wins; a refusal counts only for an attempt that is still open."""
        call = self.calls.get(header.call_id >> 4)
        attempt = call.live.get(header.call_id & 15) if call is not None else None
        if call is None or (attempt is None and (header.code or call.stream is not None)):
            self.counts.late += 1
            return
        certainty = header.certainty
        body_at = HEADER_SIZE + header.metadata_length
        ending = Ending(
            header.status, certainty, Cause.ANSWER, header.reason, header.milliseconds / 1000,
            body=frame[body_at:], compressed=bool(header.flags & COMPRESSED),
            metadata=frame[HEADER_SIZE:body_at],
        )  # fmt: skip
        if attempt is not None and attempt.sent_at is not None and certainty is Certainty.EXECUTED:
            self.latencies.add(call.request.header.method, now - attempt.sent_at)
        if certainty is Certainty.EXECUTED:
            # A decision of the owner shows that the service works, whatever the decision was.
            self.budget.give_back()
            if call.unreached and call.request.key is not None:
                self.affinity.learn(call.request.key, broker, now)
        if ending.status is Status.OK:
            if attempt is not None:
                self._leave(call, attempt)
            self._withdraw(call, now)
            if call.stream is not None and header.sequence != call.stream.received:
                ending = Ending(
                    Status.DATA_LOSS, Certainty.EXECUTED, Cause.VIOLATION,
                    detail=f"the worker sent {header.sequence} items, and {call.stream.received} came",
                )  # fmt: skip
            self._end(call, ending)
        elif attempt is not None:
            self._attempt_failed(call, attempt, ending, now)

    def _leave(self, call: Call, attempt: Attempt) -> None:
        del call.live[attempt.number]
        self.sessions[attempt.broker].attempts.pop(call.call_id(attempt.number), None)

    def _attempt_failed(self, call: Call, attempt: Attempt, failure: Ending, now: float) -> None:
        """Repeats the call later, or ends it with what this attempt said."""
        self._leave(call, attempt)
        call.hedge_at = inf
        if failure.certainty is Certainty.MAYBE_EXECUTED:
            call.may_have_run = True
        elif failure.certainty is Certainty.EXECUTED:
            call.verdict = call.verdict or failure
        if failure.reason in (Reason.NO_OWNER, Reason.OWNER_LOST) and call.request.key is not None:
            call.unreached = True
            self.affinity.forget(call.request.key, attempt.broker)
        call.failure = failure
        if call.live:
            # A hedge is under way: its yes would win, so its end is awaited.
            self._set_timer(call)
            return
        # A wait that outlasts the deadline is an answer now, not a silence until then.
        wait = max(failure.retry_after, self.settings.retry.wait(call.begun, self._random))
        if (
            call.begun < call.request.maximum_attempts
            and now + wait < call.request.deadline
            and not (call.stream is not None and call.stream.committed)
            and self._may_retry(call, failure)
        ):
            call.retry_at = now + wait
            self._set_timer(call)
        else:
            self._end(call, call.verdict or failure)

    def _may_retry(self, call: Call, failure: Ending) -> bool:
        """The retry rules: they follow from the certainty alone."""
        if call.verdict is not None:
            return False
        if failure.certainty is Certainty.NOT_EXECUTED:
            return failure.status is Status.UNAVAILABLE or (
                failure.status is Status.RESOURCE_EXHAUSTED and failure.reason in _PASSING
            )
        return call.request.repeatable and self.budget.take(len(self.calls))

    # Streams

    def _streamed(self, header: Header, frame: bytes, now: float) -> None:
        call = self.calls.get(header.call_id >> 4)
        if call is None or call.stream is None or (header.call_id & 15) not in call.live:
            self.counts.late += 1
            return
        stream = call.stream
        if header.kind is Kind.CREDIT:
            stream.commit()
            stream.may_send = max(stream.may_send, header.sequence)
            self._pump(call, now)
            return
        if not streams.accepts(stream, header):
            self._withdraw(call, now)
            self._end(
                call,
                Ending(
                    Status.INTERNAL, Certainty.MAYBE_EXECUTED, Cause.VIOLATION, Reason.FLOW_CONTROL,
                    detail="the worker sent an item out of order or beyond its credit",
                ),
            )  # fmt: skip
            return
        stream.commit()
        stream.received += 1
        body_at = HEADER_SIZE + header.metadata_length
        if header.metadata_length and header.sequence == 0:
            self.actions.append(Initial(call.number, frame[HEADER_SIZE:body_at]))
        self.actions.append(Item(call.number, frame[body_at:], bool(header.flags & COMPRESSED)))

    # Time

    def tick(self, now: float) -> None:
        """Does what is due: deadlines, retries, hedges, silence, new connections."""
        # After a pause of our own (stopped, suspended) the others' silence proves nothing: ask first. A pause
        # is how late this tick is, not how long ago the last one was: that may well be a whole interval.
        if now - self.next_tick() > self.settings.ping_interval:
            for session in self.sessions:
                session.heard_at = max(session.heard_at, now - self.settings.ping_interval)
        for number in self._timers.pop(now):
            self._call_is_due(self.calls[number], now)
        for broker, session in enumerate(self.sessions):
            self._tick_session(broker, session, now)

    def _call_is_due(self, call: Call, now: float) -> None:
        if call.request.deadline <= now:
            # The broker was told the deadline and drops the call by itself: no CANCEL. What the last attempt
            # was refused for explains more than "too late".
            reason = call.failure.reason if call.failure is not None else Reason.NONE
            self._end(call, Ending(Status.DEADLINE_EXCEEDED, Certainty.NOT_EXECUTED, Cause.DEADLINE, reason))
            return
        if call.retry_at <= now:
            call.retry_at = inf
            self._dispatch(call, now)
        if call.hedge_at <= now:
            call.hedge_at = inf
            self._hedge(call, now)
        self._set_timer(call)

    def _hedge(self, call: Call, now: float) -> None:
        """A second attempt beside the first, if another broker is there and the budget has a token."""
        if call.begun >= call.request.maximum_attempts or len(call.live) != 1:
            return
        broker = self._choose(call, now, other=True)
        if broker is not None and self.budget.take(len(self.calls)):
            call.hedged = True
            self.counts.hedges += 1
            self._dispatch(call, now, broker)

    def _set_timer(self, call: Call) -> None:
        if call.number in self.calls:
            self._timers.set(call.number, call.due)

    def _tick_session(self, broker: int, session: BrokerSession, now: float) -> None:
        settings = self.settings
        if session.state is State.DOWN:
            if session.retry_at <= now:
                session.number += 1
                session.enter(State.OPENING, now)
                self.actions.append(Open(broker))
        elif session.state is State.OPENING:
            if now - session.since >= settings.connect_limit:
                self.disconnected(broker, now)
        elif (session.state is State.DRAINING and not session.attempts) or (
            now - session.heard_at >= settings.silence_limit
        ):
            self.disconnected(broker, now)
        elif self._ping_at(session) <= now:
            self._ping(broker, now)

    def _ping_at(self, session: BrokerSession) -> float:
        settings = self.settings
        wanted = min(session.heard_at + settings.ping_interval, session.said_at + settings.talk_interval)
        return max(wanted, session.pinged_at + settings.ping_interval)

    def _ping(self, broker: int, now: float) -> None:
        self.sessions[broker].pinged_at = now
        header = Header(Kind.PING, END, call_id=int(now * 1e9) & 0xFFFF_FFFF_FFFF_FFFF)
        self._transmit(broker, header.encode(), now)

    def next_tick(self) -> float:
        """When to call `tick` next, if nothing else happens; infinity when there is nothing to wait for."""
        times = [self._timers.next()]
        for session in self.sessions:
            if session.state is State.DOWN:
                times.append(session.retry_at)
            elif session.state is State.OPENING:
                times.append(session.since + self.settings.connect_limit)
            else:
                times.append(session.heard_at + self.settings.silence_limit)
                times.append(self._ping_at(session))
        return min(times)
