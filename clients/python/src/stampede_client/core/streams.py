"""Credit and order of a stream's items."""

from __future__ import annotations

from collections.abc import Iterator

from ..wire import limits
from ..wire.header import COMPRESSED, END, Header, Kind
from .call import Stream


def take_sendable(stream: Stream, call_id: int) -> Iterator[bytes]:
    """Takes the frames that may be sent now out of the stream's outbox."""
    while stream.outbox and stream.sent < stream.may_send:
        item = stream.outbox.popleft()
        if not stream.committed:
            stream.unconfirmed.append(item)
        body, compressed = item
        flags = COMPRESSED if compressed else 0
        yield Header(Kind.DATA, flags, call_id=call_id, sequence=stream.sent).encode() + body
        stream.sent += 1
    if stream.ending and not stream.outbox and not stream.end_sent:
        # No item, so it needs no credit: it only says that there are no more.
        stream.end_sent = True
        yield Header(Kind.DATA, END, call_id=call_id, sequence=stream.sent).encode()


def accepts(stream: Stream, header: Header) -> bool:
    """Whether an item of the worker is the next one, and was allowed."""
    return (
        stream.kind.worker_sends
        and header.sequence == stream.received
        and stream.received < stream.may_receive
    )


def first_credit(stream: Stream) -> int | None:
    """What to allow when the call has just been sent, if that is more than the initial credit."""
    return _allow(stream, stream.window) if stream.window > limits.INITIAL_CREDIT else None


def credit(stream: Stream, items: int) -> int | None:
    """The reader has taken items. Half a window is worth a message; less waits for more."""
    stream.taken += items
    allowed = stream.taken + stream.window
    return _allow(stream, allowed) if allowed - stream.may_receive >= (stream.window + 1) // 2 else None


def _allow(stream: Stream, items: int) -> int | None:
    if not stream.kind.worker_sends or items <= stream.may_receive:
        return None
    stream.may_receive = items
    return items
