"""Waits between attempts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double up to a ceiling, with full jitter: any wait between zero and the doubled base.

    Full jitter spreads callers that failed together best (Brooker, "Exponential Backoff And Jitter", AWS
    Architecture Blog, 2015). Seconds.
    """

    base: float
    ceiling: float

    def wait(self, failures: int, random: Callable[[], float]) -> float:
        """The wait after this many failures in a row; `random` gives a number of [0, 1)."""
        doubled = self.base * 2.0 ** min(max(failures, 1) - 1, 32)
        return random() * min(self.ceiling, doubled)
