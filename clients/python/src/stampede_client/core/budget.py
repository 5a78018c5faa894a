"""Keeps retries from multiplying the load of a service that is in trouble."""

from __future__ import annotations


class RetryBudget:
    """As many tokens as there are calls in flight, and at least ten.

    A repetition of what may have run takes one, and so does a hedge; an outcome gives a tenth of one back.
    So the loss of a broker lets each of its calls be repeated once, and a service that goes on failing gets
    one more for ten that it does (PROTOCOL.md, "Certainty and retries"; after gRPC's proposal A6).
    """

    __slots__ = ("_spent",)

    LEAST = 10

    def __init__(self) -> None:
        # Tenths of a token, so that sums are exact.
        self._spent = 0

    def take(self, in_flight: int) -> bool:
        """Takes a token if there is one."""
        if self._spent + 10 > 10 * max(self.LEAST, in_flight):
            return False
        self._spent += 10
        return True

    def give_back(self) -> None:
        """An attempt had an outcome: the service works."""
        self._spent = max(0, self._spent - 1)
