"""What a stream's reader and writer see, filled by the engine."""

from __future__ import annotations

from collections import deque

from ..core.actions import Ending
from ..wire.header import WireError
from ..wire.metadata import decode_metadata


class StreamState:
    """A sink that keeps what has come until somebody takes it: at most the credit that was given."""

    __slots__ = ("ending", "initial_metadata", "items", "unsent")

    def __init__(self) -> None:
        self.items: deque[tuple[bytes, bool]] = deque()
        self.initial_metadata: dict[str, str | bytes] | None = None
        """None while nothing has come."""
        self.unsent = False
        """An item waits for credit."""
        self.ending: Ending | None = None

    def notify(self) -> None:
        """Something has changed."""

    def initial(self, metadata: bytes) -> None:
        try:
            self.initial_metadata = decode_metadata(metadata)
        except WireError:
            self.initial_metadata = {}

    def item(self, body: bytes, compressed: bool) -> None:
        if self.initial_metadata is None:
            self.initial_metadata = {}
        self.items.append((body, compressed))
        self.notify()

    def writable(self) -> None:
        self.unsent = False
        self.notify()

    def ended(self, ending: Ending) -> None:
        if self.initial_metadata is None:
            self.initial_metadata = {}
        self.unsent = False
        self.ending = ending
        self.notify()
