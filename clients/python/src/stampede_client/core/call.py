"""A call as the core sees it: where it is, and what is known of its attempts."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf

from ..wire import limits
from ..wire.header import STREAM, Header
from ..wire.methods import StreamKind
from .actions import Ending
from .affinity import Key

HEDGE_AT_P95 = -1.0
"""As `Request.hedge`: hedge when a call takes longer than 95 of the last hundred of its method."""


@dataclass(slots=True)
class Request:
    """What the core has to know of a new call."""

    header: Header
    """Complete but for call id, time left and the flag RETRY."""
    metadata: bytes = b""
    body: bytes = b""
    kind: StreamKind = StreamKind.UNARY
    deadline: float = inf
    """A moment, not a duration."""
    repeatable: bool = False
    """May be sent again after an attempt that may have run: it has a key, or changes nothing."""
    maximum_attempts: int = 5
    pin: int | None = None
    """The only broker that may be asked."""
    key: Key | None = None
    """What the call is routed by; None for a free call."""
    hedge: float | None = None
    """Seconds until the second attempt; `HEDGE_AT_P95` for the 95th percentile of late; None for none."""
    window: int = limits.INITIAL_CREDIT
    """Items of a stream that may wait for their reader."""


@dataclass(slots=True)
class Attempt:
    number: int
    broker: int
    sent_at: float | None = None
    """When the socket took it: from then on it may run."""


@dataclass(slots=True)
class Stream:
    """The items of a call, in both directions."""

    kind: StreamKind
    window: int
    outbox: deque[tuple[bytes, bool]] = field(default_factory=deque)
    """Items that wait for credit, each with whether it is compressed."""
    unconfirmed: list[tuple[bytes, bool]] = field(default_factory=list)
    """Items sent before the worker showed any sign of life: at most the initial credit. A retry sends them
    again."""
    sent: int = 0
    may_send: int = limits.INITIAL_CREDIT
    ending: bool = False
    """The caller has no more items than those in the outbox."""
    end_sent: bool = False
    received: int = 0
    may_receive: int = limits.INITIAL_CREDIT
    taken: int = 0
    committed: bool = False
    """An item or a CREDIT has come: never sent again."""

    def restart(self) -> None:
        """A new attempt begins: what the last one had sent is sent again."""
        self.outbox.extendleft(reversed(self.unconfirmed))
        self.unconfirmed.clear()
        self.sent = 0
        self.may_send = limits.INITIAL_CREDIT
        self.end_sent = False
        self.received = 0
        self.may_receive = limits.INITIAL_CREDIT

    def commit(self) -> None:
        self.committed = True
        self.unconfirmed.clear()


class Call:
    __slots__ = (
        "avoid", "begun", "failure", "hedge_at", "hedged", "live", "may_have_run", "number", "request",
        "retry_at", "stream", "unreached", "verdict", "waiting",
    )  # fmt: skip

    def __init__(self, number: int, request: Request) -> None:
        self.number = number
        self.request = request
        self.begun = 0
        """Attempts begun."""
        self.live: dict[int, Attempt] = {}
        self.waiting = False
        """No session is up that could take it."""
        self.retry_at = inf
        self.hedge_at = inf
        self.hedged = False
        self.may_have_run = False
        """An attempt may have run. Sticky: a later refusal speaks of its own attempt only."""
        self.avoid: int | None = None
        """The broker of the newest attempt."""
        self.unreached = False
        """A broker could not reach the key's owner."""
        self.failure: Ending | None = None
        """What the newest failed attempt said."""
        self.verdict: Ending | None = None
        """What an attempt said that was executed while another was still open."""
        streams = request.header.flags & STREAM
        self.stream = Stream(request.kind, request.window) if streams else None

    @property
    def due(self) -> float:
        return min(self.request.deadline, self.retry_at, self.hedge_at)

    def call_id(self, attempt: int) -> int:
        """The name of one attempt on the wire. No two attempts of a client ever share one, so that a late
        answer is always known for what it is."""
        return self.number << 4 | attempt
