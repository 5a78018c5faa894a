"""The session with one broker."""

from __future__ import annotations

from enum import Enum
from math import inf

from .call import Call


class State(Enum):
    DOWN = "down"
    """No socket. Becomes OPENING at `retry_at`."""
    OPENING = "opening"
    """A socket without a connection. Becomes GREETING, or DOWN after the connect limit."""
    GREETING = "greeting"
    """Connected, and a PING is on its way. Becomes UP with any answer, or DOWN."""
    UP = "up"
    """The broker answers. Becomes DRAINING or DOWN."""
    DRAINING = "draining"
    """The broker takes no new calls. Becomes DOWN when the calls in flight have ended."""


class BrokerSession:
    """One socket is one connection is one session: a new session is a new socket."""

    __slots__ = (
        "attempts", "failures", "heard_at", "number", "pinged_at", "retry_at", "said_at", "since", "state",
    )  # fmt: skip

    HEALTHY_AGE = 30.0
    """Seconds. A session this old ended by accident, not because the broker cannot keep one."""

    def __init__(self, now: float) -> None:
        self.state = State.DOWN
        self.retry_at = now
        self.since = now
        self.heard_at = -inf
        self.said_at = -inf
        self.pinged_at = -inf
        self.failures = 0
        """Connections in a row that did not last."""
        self.number = 0
        """Counts the sockets, so that what was meant for one is not sent on the next."""
        self.attempts: dict[int, Call] = {}
        """By call id: attempts that were given to this session and have not ended."""

    @property
    def is_open(self) -> bool:
        return self.state is not State.DOWN

    @property
    def is_connected(self) -> bool:
        return self.state is not State.DOWN and self.state is not State.OPENING

    def enter(self, state: State, now: float) -> None:
        self.state = state
        self.since = now
