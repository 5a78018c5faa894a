"""What goes wrong on purpose, and what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..keys import RequestKey
from ..wire.status import Certainty, Reason, Status


class Effect(Enum):
    REFUSE = "refuse"
    """The call is answered so, and not run."""
    DELAY = "delay"
    """The call is run later."""
    DROP_ANSWER = "drop answer"
    """The call is run, and nobody hears of it."""
    ANSWER_MAYBE = "answer maybe"
    """The call is run, and the answer says that nobody knows."""
    LOSE_SESSION = "lose session"
    """The connections break before the call is run."""
    LOSE_SESSION_AFTER = "lose session after"
    """The call is run, and the connections break before the answer."""


@dataclass(slots=True)
class Fault:
    method: str
    effect: Effect
    times: int | None
    """None: always."""
    broker: int | None = None
    status: Status = Status.UNAVAILABLE
    certainty: Certainty = Certainty.NOT_EXECUTED
    reason: Reason = Reason.NONE
    retry_after: float = 0.0
    message: str = "The test wants it so."
    seconds: float = 0.0

    def matches(self, method: str, broker: int) -> bool:
        return (
            self.method in (method, "*")
            and (self.broker is None or self.broker == broker)
            and (self.times is None or self.times > 0)
        )


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A CALL that arrived: one attempt of a call."""

    method: str
    body: Any
    broker: int
    key: RequestKey | None
    is_retry: bool
    milliseconds: int
    """Until the deadline; 0 for none."""
    metadata: dict[str, str | bytes]
