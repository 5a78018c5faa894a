"""One time per call at which the core has to look at it."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from math import inf


class Timers:
    """A heap with lazy deletion: it holds at most twice as many entries as there are timers, and 64."""

    __slots__ = ("_due", "_heap")

    def __init__(self) -> None:
        self._due: dict[int, float] = {}
        self._heap: list[tuple[float, int]] = []

    def set(self, key: int, due: float) -> None:
        if self._due.get(key) == due:
            return
        if due == inf:
            self._due.pop(key, None)
        else:
            self._due[key] = due
            heappush(self._heap, (due, key))
        if len(self._heap) > 2 * len(self._due) + 64:
            self._heap = [(due, key) for key, due in self._due.items()]
            heapify(self._heap)

    def remove(self, key: int) -> None:
        self.set(key, inf)

    def pop(self, now: float) -> list[int]:
        """Takes out every key whose time has come."""
        keys: list[int] = []
        while self._heap and self._heap[0][0] <= now:
            due, key = heappop(self._heap)
            if self._due.get(key) == due:
                del self._due[key]
                keys.append(key)
        return keys

    def next(self) -> float:
        """The earliest time; infinity when there is none."""
        while self._heap:
            due, key = self._heap[0]
            if self._due.get(key) == due:
                return due
            heappop(self._heap)
        return inf
