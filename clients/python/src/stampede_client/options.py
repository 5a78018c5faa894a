"""What one call may cost, and where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .wire import limits


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What one call may cost."""

    deadline: float | None = None
    """Seconds until the call ends, retries included. None: 5 for a unary call, no deadline for a stream. A
    unary call gets 300 at most."""
    attempts: int = 5
    """Attempts, the first included, 1 to 15."""
    broker: int | None = None
    """Asks only this broker, by its place in the list that the client was made with."""
    metadata: Mapping[str, str | bytes] = field(default_factory=dict)
    """Travels beside the request; keys are 1 to 64 of a-z 0-9 . _ -"""
    hedge: float | Literal["p95"] | None = None
    """Sends a second attempt with the same key through another broker when the first has not answered after
    so many seconds, or after what 95 of the last 100 calls of the method took. Only unary calls that may be
    repeated are hedged."""
    window: int = limits.INITIAL_CREDIT
    """Items of a stream that may wait here for their reader, 1 to 1,024; the first 16 are always allowed."""

    def __post_init__(self) -> None:
        if self.deadline is not None and not self.deadline >= 0:
            raise ValueError(f"deadline is {self.deadline}; give seconds from 0 on")
        if not 1 <= self.attempts <= limits.LARGEST_ATTEMPT:
            raise ValueError(f"attempts is {self.attempts}; give 1 to {limits.LARGEST_ATTEMPT}")
        if not 1 <= self.window <= limits.LARGEST_CREDIT:
            raise ValueError(f"window is {self.window}; give 1 to {limits.LARGEST_CREDIT}")
        if isinstance(self.hedge, str):
            if self.hedge != "p95":
                raise ValueError(f"hedge is {self.hedge!r}; give seconds or 'p95'")
        elif self.hedge is not None and not self.hedge >= 0:
            raise ValueError(f"hedge is {self.hedge}; give seconds from 0 on")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a call of a keyed method goes; made by `to_sale` or `to_partition`."""

    sale: int
    lane: int = 0
    is_partition: bool = False

    @classmethod
    def to_sale(cls, sale: int, lane: int = 0) -> Route:
        """To the owner of a sale's lane."""
        return cls(sale, lane)

    @classmethod
    def to_partition(cls, partition: int) -> Route:
        return cls(partition, 0, True)
