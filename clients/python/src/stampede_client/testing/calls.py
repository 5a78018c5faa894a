"""A call as a handler sees it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from ..errors import FailureDetails
from ..keys import RequestKey
from ..messages import time_to_wire
from ..wire import body as bodies
from ..wire import header as flags
from ..wire import limits
from ..wire.header import Header, Kind
from ..wire.metadata import encode_metadata
from ..wire.methods import StreamKind
from ..wire.status import Certainty, Reason, Status


class Refusal(Exception):
    """Raised by a handler: the call ends so."""

    def __init__(
        self,
        status: Status,
        reason: Reason = Reason.NONE,
        message: str = "",
        *,
        certainty: Certainty = Certainty.EXECUTED,
        retry_after: float = 0.0,
        details: FailureDetails | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.certainty = certainty
        self.retry_after = retry_after
        self.details = details or FailureDetails()

    def body(self) -> dict[str, Any]:
        numbers = {"left": self.details.left, "limit": self.details.limit, "held": self.details.held}
        body: dict[str, Any] = {"message": self.message}
        body.update((name, number) for name, number in numbers.items() if number is not None)
        if self.details.opens is not None:
            body["opens"] = time_to_wire(self.details.opens)
        if self.details.value is not None:
            body["details"] = self.details.value
        return body


class ServerCall:
    """A call in the hands of its handler: the request, and both directions of a stream."""

    def __init__(
        self, header: Header, method: str, kind: StreamKind, body: Any, metadata: dict[str, str | bytes],
        broker: int, transmit: Callable[[bytes], None],
    ) -> None:  # fmt: skip
        self.method = method
        self.kind = kind
        self.body = body
        """The request of a unary or server-stream call; None for the others."""
        self.metadata = metadata
        self.broker = broker
        self.sale = header.sale
        self.lane = header.lane
        self.key = RequestKey(header.request_key) if header.request_key else None
        self.is_retry = bool(header.flags & flags.RETRY)
        self.header = header
        self.initial_metadata: dict[str, str | bytes] = {}
        """Sent with the first item."""
        self.trailing_metadata: dict[str, str | bytes] = {}
        """Sent with the result."""
        self.is_over = False
        self.task: asyncio.Future[None] | None = None
        self._transmit = transmit
        self._items: deque[Any] = deque()
        self._no_more_items = bool(header.flags & flags.END)
        self._received = 0
        self._may_receive = limits.INITIAL_CREDIT
        self._taken = 0
        self._sent = 0
        self._may_send = limits.INITIAL_CREDIT
        self._changed = asyncio.Event()

    # For handlers

    async def send(self, item: object) -> None:
        """Sends an item once the caller wants more."""
        while self._sent >= self._may_send:
            await self._change()
        metadata = encode_metadata(self.initial_metadata) if self._sent == 0 else b""
        body, compressed = self._encode(item)
        header = Header(
            Kind.DATA, compressed, metadata_length=len(metadata), call_id=self.header.call_id,
            sequence=self._sent,
        )  # fmt: skip
        self._sent += 1
        self._transmit(header.encode() + metadata + body)

    async def __aiter__(self) -> AsyncIterator[Any]:
        """The caller's items."""
        while True:
            while not self._items:
                if self._no_more_items:
                    return
                await self._change()
            item = self._items.popleft()
            self._taken += 1
            allowed = self._taken + limits.INITIAL_CREDIT
            if allowed - self._may_receive >= limits.INITIAL_CREDIT // 2:
                self._may_receive = allowed
                header = Header(Kind.CREDIT, call_id=self.header.call_id, sequence=allowed)
                self._transmit(header.encode())
            yield item

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    # For the server

    def received(self, header: Header, body: bytes) -> None:
        """Takes a DATA or CREDIT of the caller. Raises `Refusal` for one that breaks the rules."""
        if header.kind is Kind.CREDIT:
            self._may_send = max(self._may_send, header.sequence)
        else:
            if header.sequence != self._received or self._no_more_items:
                raise _violation()
            self._no_more_items = bool(header.flags & flags.END)
            if body or not self._no_more_items:
                if self._received >= self._may_receive:
                    raise _violation()
                self._received += 1
                self._items.append(
                    bodies.unpack(bodies.inflate(body) if header.flags & flags.COMPRESSED else body)
                )
        self._changed.set()

    def answer(self, body: object = None) -> None:
        """Ends the call with a yes."""
        encoded, compressed = (b"", 0) if self.kind.worker_sends else self._encode(body)
        self._end(Status.OK, Certainty.EXECUTED, Reason.NONE, 0.0, encoded, compressed)

    def refuse(self, refusal: Refusal) -> None:
        self._end(
            refusal.status, refusal.certainty, refusal.reason, refusal.retry_after,
            bodies.pack(refusal.body()), 0,
        )  # fmt: skip

    def _end(
        self, status: Status, certainty: Certainty, reason: Reason, retry_after: float, body: bytes,
        compressed: int,
    ) -> None:  # fmt: skip
        if self.is_over:
            return
        self.is_over = True
        metadata = encode_metadata(self.trailing_metadata)
        header = Header(
            Kind.RESULT, flags.END | compressed, len(metadata), status, certainty, self.header.call_id,
            self._sent, int(retry_after * 1000), reason=reason,
        )  # fmt: skip
        self._transmit(header.encode() + metadata + body)

    def _encode(self, body: object) -> tuple[bytes, int]:
        plain = bodies.pack({} if body is None else body)
        compressed = bodies.compress(plain) if self.header.flags & flags.TAKES_COMPRESSED else None
        return (plain, 0) if compressed is None else (compressed, flags.COMPRESSED)


def _violation() -> Refusal:
    return Refusal(
        Status.INTERNAL, Reason.FLOW_CONTROL, "An item was out of order or beyond its credit.",
        certainty=Certainty.MAYBE_EXECUTED,
    )  # fmt: skip
