"""PROTOCOL.md, "Streams"."""

from __future__ import annotations

from typing import Any

from stampede_client import Reason, Status, StreamKind
from stampede_client.core.actions import Cause
from stampede_client.wire import header as flags
from stampede_client.wire.header import Header, Kind

from .harness import MAYBE, NO, YES, Harness, Sent

SERVER, CLIENT, BOTH = StreamKind.SERVER_STREAM, StreamKind.CLIENT_STREAM, StreamKind.BIDIRECTIONAL


class Streaming(Harness):
    def __init__(self, kind: StreamKind, **more: Any) -> None:
        super().__init__(2)
        self.call = self.begin(kind=kind, deadline=float("inf"), **more)
        self.sequence = 0

    @property
    def attempt(self) -> Sent:
        return self.calls[-1]

    def offer(self, *bodies: bytes, end: bool = False) -> None:
        self.core.offer(self.call, [(body, False) for body in bodies], end, self.now)
        self.perform()

    def took(self, items: int) -> None:
        self.core.took(self.call, items, self.now)
        self.perform()

    def item(self, body: bytes = b"\xc0", metadata: bytes = b"") -> None:
        header = Header(Kind.DATA, call_id=self.attempt.header.call_id, sequence=self.sequence)
        self.sequence += 1
        self.hear(self.attempt.broker, header, body, metadata)

    def credit(self, items: int) -> None:
        self.hear(
            self.attempt.broker, Header(Kind.CREDIT, call_id=self.attempt.header.call_id, sequence=items)
        )


def test_a_stream_has_no_deadline_unless_it_is_given_one() -> None:
    assert Streaming(SERVER).attempt.header.milliseconds == 0
    h = Harness()
    h.begin(kind=SERVER, deadline=2.0)
    assert h.calls[0].header.milliseconds == 2000


def test_items_come_in_order_with_the_initial_metadata_first() -> None:
    s = Streaming(SERVER)
    s.item(b"\x01", metadata=b"\x80")
    s.item(b"\x02")
    assert s.initial == [b"\x80"] and s.items == [b"\x01", b"\x02"]
    s.answer(s.attempt, sequence=2)
    assert s.endings[s.call].status is Status.OK


def test_credit_is_raised_when_the_reader_has_taken_half_a_window() -> None:
    s = Streaming(SERVER)
    for _ in range(16):
        s.item()
    assert s.frames(Kind.CREDIT) == []
    s.took(7)
    assert s.frames(Kind.CREDIT) == []
    s.took(1)
    assert [sent.header.sequence for sent in s.frames(Kind.CREDIT)] == [24]
    s.took(8)
    assert [sent.header.sequence for sent in s.frames(Kind.CREDIT)] == [24, 32]


def test_a_larger_window_is_allowed_with_the_call() -> None:
    s = Streaming(SERVER, window=100)
    assert [sent.header.sequence for sent in s.frames(Kind.CREDIT)] == [100]
    for _ in range(100):
        s.item()
    assert s.call not in s.endings


def test_an_item_beyond_the_credit_ends_the_call() -> None:
    s = Streaming(SERVER)
    for _ in range(17):
        s.item()
    ending = s.endings[s.call]
    assert (ending.status, ending.reason) == (Status.INTERNAL, Reason.FLOW_CONTROL)
    assert ending.certainty is MAYBE and len(s.frames(Kind.CANCEL)) == 1 and len(s.items) == 16


def test_an_item_out_of_order_ends_the_call() -> None:
    s = Streaming(SERVER)
    s.sequence = 1
    s.item()
    assert s.endings[s.call].reason is Reason.FLOW_CONTROL


def test_an_item_of_a_worker_that_sends_none_ends_the_call() -> None:
    s = Streaming(CLIENT)
    s.item()
    assert s.endings[s.call].reason is Reason.FLOW_CONTROL


def test_a_missing_item_is_data_loss() -> None:
    s = Streaming(SERVER)
    s.item()
    s.answer(s.attempt, sequence=3)
    ending = s.endings[s.call]
    assert (ending.status, ending.certainty, ending.cause) == (Status.DATA_LOSS, YES, Cause.VIOLATION)


def test_the_caller_sends_what_the_worker_takes() -> None:
    s = Streaming(BOTH)
    s.offer(*(bytes([number]) for number in range(20)))
    data = s.frames(Kind.DATA)
    assert [sent.header.sequence for sent in data] == list(range(16)) and s.writable == 0
    s.credit(18)
    assert len(s.frames(Kind.DATA)) == 18 and s.writable == 0
    # Less than before means nothing.
    s.credit(3)
    s.credit(40)
    assert [sent.body for sent in s.frames(Kind.DATA)] == [bytes([number]) for number in range(20)]
    assert s.writable == 1


def test_the_end_of_the_callers_items_needs_no_credit() -> None:
    s = Streaming(CLIENT)
    s.offer(*[b"\xc0"] * 16)
    s.offer(end=True)
    last = s.frames(Kind.DATA)[-1]
    assert last.header.flags == flags.END and last.header.sequence == 16 and last.body == b""
    s.offer(b"\xc0")
    assert len(s.frames(Kind.DATA)) == 17


def test_items_wait_for_a_broker() -> None:
    h = Harness(up=False)
    call = h.begin(kind=CLIENT)
    h.core.offer(call, [(b"\x01", False), (b"\x02", True)], True, h.now)
    h.bring_up(0)
    data = h.frames(Kind.DATA)
    assert [(sent.body, sent.header.flags) for sent in data] == [
        (b"\x01", 0), (b"\x02", flags.COMPRESSED), (b"", flags.END),
    ]  # fmt: skip


def test_a_refused_stream_is_tried_again_with_all_its_items() -> None:
    s = Streaming(BOTH)
    s.offer(b"\x01", b"\x02")
    s.offer(end=True)
    s.answer(s.attempt, Status.UNAVAILABLE, NO, Reason.NO_OWNER)
    s.sent.clear()
    s.tick(0.5)
    assert s.attempt.is_retry
    data = s.frames(Kind.DATA)
    assert [(sent.header.sequence, sent.body) for sent in data] == [(0, b"\x01"), (1, b"\x02"), (2, b"")]
    assert {sent.header.call_id for sent in data} == {s.attempt.header.call_id}


def test_a_stream_that_has_shown_life_is_not_tried_again() -> None:
    for show in ("item", "credit"):
        s = Streaming(BOTH)
        s.item() if show == "item" else s.credit(20)
        s.lose(s.attempt.broker)
        assert s.endings[s.call].certainty is MAYBE
        s.tick(0.5)
        assert len(s.calls) == 1


def test_a_lost_stream_without_a_key_is_not_tried_again() -> None:
    s = Streaming(SERVER, repeatable=False, key=0)
    s.lose(s.attempt.broker)
    assert s.endings[s.call].certainty is MAYBE


def test_a_cancelled_stream_is_withdrawn() -> None:
    s = Streaming(SERVER)
    s.item()
    s.core.cancel(s.call, s.now)
    s.perform()
    assert len(s.frames(Kind.CANCEL)) == 1
    s.item()
    assert len(s.items) == 1 and s.core.counts.late == 1


def test_a_yes_may_come_before_the_caller_has_ended() -> None:
    s = Streaming(BOTH)
    s.offer(*[b"\xc0"] * 20)
    s.answer(s.attempt)
    assert s.endings[s.call].status is Status.OK
    s.offer(b"\xc0", end=True)
    assert len(s.frames(Kind.DATA)) == 16
