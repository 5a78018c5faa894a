"""Names of requests."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class RequestKey:
    """Names a request: 128 bits, chosen by the caller.

    Store it with the basket before the first attempt. Repeating a request with the same key is safe, through
    any broker and at any time: one key leads to at most one order.
    """

    value: int

    def __post_init__(self) -> None:
        if not 0 < self.value < 1 << 128:
            raise ValueError("a request key is a number of 1 to 128 bits, not zero")

    @classmethod
    def random(cls) -> RequestKey:
        # Zero means "no key" on the wire; setting the lowest bit would cost every key one bit.
        return cls(int.from_bytes(os.urandom(16), "big") or 1)

    @classmethod
    def parse(cls, text: str) -> RequestKey:
        """Reads what `str()` wrote: hexadecimal digits."""
        return cls(int(text, 16))

    @classmethod
    def from_bytes(cls, key: bytes) -> RequestKey:
        """Reads the form that bodies have: 16 bytes, most significant first."""
        if len(key) != 16:
            raise ValueError(f"a request key has 16 bytes, not {len(key)}")
        return cls(int.from_bytes(key, "big"))

    def to_bytes(self) -> bytes:
        return self.value.to_bytes(16, "big")

    def __str__(self) -> str:
        return f"{self.value:032x}"
