"""What the shell is to do. Performed in order, each once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from ..wire.status import Certainty, Reason, Status


class Cause(Enum):
    """Who ended a call."""

    ANSWER = "answer"
    DEADLINE = "deadline"
    CANCELLATION = "cancellation"
    SESSION_LOST = "session lost"
    CLOSING = "closing"
    TOO_MANY = "too many"
    """More calls in flight than the client allows."""
    VIOLATION = "violation"
    """The other side broke the rules of streams."""
    INVALID = "invalid"
    """The call was refused before it was sent; `Ending.detail` says why."""


@dataclass(slots=True)
class Ending:
    """How a call ended."""

    status: Status
    certainty: Certainty
    cause: Cause
    reason: Reason = Reason.NONE
    retry_after: float = 0.0
    body: bytes = b""
    compressed: bool = False
    metadata: bytes = b""
    attempts: int = 0
    may_have_run: bool = False
    """An earlier attempt may have run as well: what a yes refuses in part is then not certain."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Open:
    """Make a socket and connect it to this broker."""

    broker: int


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the socket; what it still holds is lost."""

    broker: int


@dataclass(frozen=True, slots=True)
class Transmit:
    """Send a frame, then report `handed_over` if it is a call, or `not_taken`."""

    broker: int
    session: int
    frame: bytes
    call_id: int = 0
    """The attempt that this frame begins; 0 for any other frame."""


@dataclass(frozen=True, slots=True)
class Item:
    """Give an item of a stream to its reader."""

    call: int
    body: bytes
    compressed: bool


@dataclass(frozen=True, slots=True)
class Initial:
    """Give a stream's initial metadata to its reader; comes before its first item."""

    call: int
    metadata: bytes


@dataclass(frozen=True, slots=True)
class Writable:
    """Every item that was offered is sent."""

    call: int


@dataclass(frozen=True, slots=True)
class End:
    """Resume the caller."""

    call: int
    ending: Ending


Action: TypeAlias = Open | Drop | Transmit | Item | Initial | Writable | End
