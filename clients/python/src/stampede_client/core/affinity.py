"""Which broker reached a key's owner when another did not."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeAlias

Key: TypeAlias = tuple[int, int, bool]
"""Sale (or partition), lane, and whether it is a partition."""


class Affinity:
    """Remembers up to 4,096 keys for 10 seconds each, the longest unused forgotten first.

    Brokers that reach every owner need no remembering: calls are then spread over all of them.
    """

    __slots__ = ("_brokers",)

    KEYS = 4096
    SECONDS = 10.0

    def __init__(self) -> None:
        self._brokers: OrderedDict[Key, tuple[int, float]] = OrderedDict()

    def learn(self, key: Key, broker: int, now: float) -> None:
        self._brokers[key] = (broker, now + self.SECONDS)
        self._brokers.move_to_end(key)
        if len(self._brokers) > self.KEYS:
            self._brokers.popitem(last=False)

    def forget(self, key: Key, broker: int) -> None:
        """The broker could not reach the key's owner after all."""
        if (known := self._brokers.get(key)) is not None and known[0] == broker:
            del self._brokers[key]

    def broker(self, key: Key, now: float) -> int | None:
        known = self._brokers.get(key)
        if known is None:
            return None
        if known[1] <= now:
            del self._brokers[key]
            return None
        self._brokers.move_to_end(key)
        return known[0]
