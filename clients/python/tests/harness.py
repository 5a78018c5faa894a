"""Drives the core by hand: a clock that moves when told, and brokers that say what the test says."""

from __future__ import annotations

from typing import Any

from stampede_client import Certainty, Reason, Settings, Status, StreamKind
from stampede_client.core.actions import Action, Drop, End, Ending, Initial, Item, Open, Transmit, Writable
from stampede_client.core.call import Request
from stampede_client.core.client import ClientCore
from stampede_client.core.session import State
from stampede_client.wire import header as flags
from stampede_client.wire.header import HEADER_SIZE, Header, Kind
from stampede_client.wire.methods import PLACE_ORDER, method_id

YES, NO, MAYBE = Certainty.EXECUTED, Certainty.NOT_EXECUTED, Certainty.MAYBE_EXECUTED


class Sent:
    """A frame that the core has sent."""

    def __init__(self, action: Transmit) -> None:
        self.broker = action.broker
        self.header = Header.decode(action.frame)
        self.body = action.frame[HEADER_SIZE + self.header.metadata_length :]

    @property
    def kind(self) -> Kind:
        return self.header.kind

    @property
    def is_retry(self) -> bool:
        return bool(self.header.flags & flags.RETRY)


class Harness:
    def __init__(
        self, brokers: int = 1, *, up: bool = True, random: float = 0.5, settings: Settings | None = None
    ) -> None:
        self.now = 100.0
        self.core = ClientCore(brokers, settings or Settings(), self.now, lambda: random)
        self.sent: list[Sent] = []
        self.opened: list[int] = []
        self.dropped: list[int] = []
        self.endings: dict[int, Ending] = {}
        self.items: list[bytes] = []
        self.initial: list[bytes] = []
        self.writable = 0
        self.is_blocked: set[int] = set()
        """Brokers whose sockets take nothing."""
        self.tick()
        if up:
            for broker in range(brokers):
                self.bring_up(broker)

    # Events

    def tick(self, seconds: float = 0.0) -> None:
        """Lets time pass, in steps as a shell would."""
        end = self.now + seconds
        while True:
            self.core.tick(self.now)
            self.perform()
            if self.now >= end:
                return
            self.now = min(end, max(self.now + 0.001, self.core.next_tick()), self.now + 0.25)

    def bring_up(self, broker: int) -> None:
        self.core.connected(broker, self.now)
        self.hear(broker, Header(Kind.PONG))

    def keep_alive(self, broker: int = 0) -> None:
        self.hear(broker, Header(Kind.PONG))

    def hear(self, broker: int, header: Header, body: bytes = b"", metadata: bytes = b"") -> None:
        header.metadata_length = len(metadata)
        self.core.received(header.encode() + metadata + body, broker, self.now)
        self.perform()

    def answer(
        self, sent: Sent, status: Status = Status.OK, certainty: Certainty = YES,
        reason: Reason = Reason.NONE, *, milliseconds: int = 0, sequence: int = 0, body: bytes = b"",
    ) -> None:  # fmt: skip
        header = Header(
            Kind.RESULT, flags.END, code=status, certainty=certainty, reason=reason, sequence=sequence,
            milliseconds=milliseconds, call_id=sent.header.call_id,
        )  # fmt: skip
        self.hear(sent.broker, header, body)

    def lose(self, broker: int) -> None:
        self.core.disconnected(broker, self.now)
        self.perform()

    def begin(
        self, *, deadline: float = 5.0, key: int = 7, repeatable: bool = True,
        kind: StreamKind = StreamKind.UNARY, **more: Any,
    ) -> int:  # fmt: skip
        unary = kind is StreamKind.UNARY
        header = Header(Kind.CALL, flags.KEYED, method=PLACE_ORDER.id if unary else method_id("a.stream"))
        header.flags |= 0 if kind.caller_sends else flags.END
        header.flags |= 0 if unary else flags.STREAM
        header.request_key = key
        more.setdefault("key", (7, 0, False))
        request = Request(
            header, body=b"\x80", kind=kind, deadline=self.now + deadline, repeatable=repeatable, **more
        )
        number = self.core.begin(request, self.now)
        self.perform()
        return number

    # Actions

    def perform(self) -> None:
        while self.core.actions:
            self.do(self.core.actions.popleft())

    def do(self, action: Action) -> None:
        if isinstance(action, Transmit):
            if self.core.sessions[action.broker].number != action.session:
                return
            if action.broker in self.is_blocked:
                self.core.not_taken(action.broker, action.session, self.now)
                return
            self.sent.append(Sent(action))
            if action.call_id:
                self.core.handed_over(action.call_id, self.now)
        elif isinstance(action, End):
            assert action.call not in self.endings, "a call ended twice"
            self.endings[action.call] = action.ending
        elif isinstance(action, Open):
            self.opened.append(action.broker)
        elif isinstance(action, Drop):
            self.dropped.append(action.broker)
        elif isinstance(action, Item):
            self.items.append(action.body)
        elif isinstance(action, Initial):
            self.initial.append(action.metadata)
        else:
            assert isinstance(action, Writable)
            self.writable += 1

    # Looking

    def frames(self, kind: Kind) -> list[Sent]:
        return [sent for sent in self.sent if sent.kind is kind]

    @property
    def calls(self) -> list[Sent]:
        return self.frames(Kind.CALL)

    def state(self, broker: int = 0) -> State:
        return self.core.sessions[broker].state
