"""How long calls took of late, for hedging by percentile."""

from __future__ import annotations

from collections import deque


class Latencies:
    """The last hundred times per method; at most 256 methods are followed."""

    __slots__ = ("_times",)

    SAMPLES = 100
    ENOUGH = 20
    METHODS = 256

    def __init__(self) -> None:
        self._times: dict[int, deque[float]] = {}

    def add(self, method: int, seconds: float) -> None:
        times = self._times.get(method)
        if times is None:
            if len(self._times) >= self.METHODS:
                return
            times = self._times[method] = deque(maxlen=self.SAMPLES)
        times.append(seconds)

    def percentile(self, method: int, percent: int) -> float | None:
        """None while too few calls were seen to tell."""
        times = self._times.get(method)
        if times is None or len(times) < self.ENOUGH:
            return None
        return sorted(times)[min(len(times) - 1, len(times) * percent // 100)]
