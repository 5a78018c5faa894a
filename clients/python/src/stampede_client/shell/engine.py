"""What both shells share: sockets in, actions out. Used by one thread only."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import zmq

from ..core.actions import Drop, End, Ending, Initial, Item, Open, Transmit, Writable
from ..core.call import Request
from ..core.client import ClientCore
from ..core.settings import Settings
from ..security import Security
from ..wire import limits

MONOTONIC = time.monotonic


class Sink(Protocol):
    """Who is told what happens to a call. Called on the engine's thread, and must not block."""

    def initial(self, metadata: bytes) -> None: ...

    def item(self, body: bytes, compressed: bool) -> None: ...

    def writable(self) -> None: ...

    def ended(self, ending: Ending) -> None: ...


class Engine:
    """The core, its sockets, and the callers that wait.

    libzmq's descriptors are edge-triggered, and any use of a socket may eat the edge. So a socket that was
    used is "dirty" until its EVENTS have been read again and nothing was there; `settle` does that.
    """

    FRAMES_PER_TURN = 1024
    """Frames taken from one socket before the others have a turn."""
    ROUNDS_PER_TURN = 64
    SAFETY_INTERVAL = 0.25
    """Seconds. Sockets are looked at this often even when their descriptors say nothing."""

    def __init__(
        self,
        endpoints: Sequence[str],
        settings: Settings,
        security: Security | None,
        watch: Callable[[int, int], None],
        unwatch: Callable[[int, int], None],
    ) -> None:
        """`watch` and `unwatch` are given a broker and its socket's descriptor; `wake` is what they lead
        to."""
        self._endpoints = endpoints
        self._security = security
        self._watch = watch
        self._unwatch = unwatch
        self._context = zmq.Context()
        self._sockets: list[zmq.Socket[bytes] | None] = [None] * len(endpoints)
        self._numbers = [0] * len(endpoints)
        self._dirty: set[int] = set()
        self._sinks: dict[int, Sink] = {}
        self._is_closed = False
        self.core = ClientCore(len(endpoints), settings, MONOTONIC(), random.Random().random)

    # Calls

    def begin(self, request: Request, sink: Sink) -> int:
        number = self.core.begin(request, MONOTONIC())
        self._sinks[number] = sink
        self._perform()
        return number

    def cancel(self, number: int) -> None:
        self.core.cancel(number, MONOTONIC())
        self._perform()

    def offer(self, number: int, items: list[tuple[bytes, bool]], ending: bool) -> None:
        self.core.offer(number, items, ending, MONOTONIC())
        self._perform()

    def took(self, number: int, items: int) -> None:
        self.core.took(number, items, MONOTONIC())
        self._perform()

    def close(self) -> None:
        """Ends every call and closes every socket."""
        if self._is_closed:
            return
        self._is_closed = True
        self.core.close()
        self._perform()
        self._context.destroy(linger=0)

    # Turns

    def wake(self, broker: int) -> None:
        """The descriptor of the broker's socket said something."""
        self._dirty.add(broker)

    def tick(self) -> None:
        if self._is_closed:
            return
        self._dirty.update(broker for broker, socket in enumerate(self._sockets) if socket is not None)
        self.settle()
        self.core.tick(MONOTONIC())
        self._perform()

    def next_tick(self) -> float:
        return min(self.core.next_tick(), MONOTONIC() + self.SAFETY_INTERVAL)

    def settle(self) -> bool:
        """Reads until no socket that was used has anything left. False when it gave up for now: call again
        soon."""
        for _ in range(self.ROUNDS_PER_TURN):
            if not self._dirty:
                return True
            self._look(self._dirty.pop())
        return not self._dirty

    def _look(self, broker: int) -> None:
        socket = self._sockets[broker]
        if socket is None:
            return
        events = socket.getsockopt(zmq.EVENTS)
        assert isinstance(events, int)
        # With IMMEDIATE, a socket is writable exactly while it has a connection.
        if events & zmq.POLLOUT:
            self.core.connected(broker, MONOTONIC())
        if events & zmq.POLLIN:
            self._dirty.add(broker)
            self._read(broker, socket)
        elif not events & zmq.POLLOUT and self.core.sessions[broker].is_connected:
            self.core.disconnected(broker, MONOTONIC())
        self._perform()

    def _read(self, broker: int, socket: zmq.Socket[bytes]) -> None:
        for _ in range(self.FRAMES_PER_TURN):
            try:
                frame = socket.recv(zmq.DONTWAIT)
            except zmq.Again:
                return
            if socket.getsockopt(zmq.RCVMORE):
                while socket.getsockopt(zmq.RCVMORE):
                    socket.recv(zmq.DONTWAIT)
                self.core.counts.malformed += 1
                continue
            self.core.received(frame, broker, MONOTONIC())
            self._perform()
            if self._sockets[broker] is not socket:
                return

    # Actions

    def _perform(self) -> None:
        actions = self.core.actions
        while actions:
            action = actions.popleft()
            if isinstance(action, Transmit):
                self._transmit(action)
            elif isinstance(action, End):
                self._sinks.pop(action.call).ended(action.ending)
            elif isinstance(action, Item):
                self._sinks[action.call].item(action.body, action.compressed)
            elif isinstance(action, Writable):
                self._sinks[action.call].writable()
            elif isinstance(action, Initial):
                self._sinks[action.call].initial(action.metadata)
            elif isinstance(action, Open):
                self._open(action.broker)
            else:
                assert isinstance(action, Drop)
                self._drop(action.broker)

    def _transmit(self, action: Transmit) -> None:
        socket = self._sockets[action.broker]
        if socket is None or self._numbers[action.broker] != action.session:
            return
        self._dirty.add(action.broker)
        try:
            socket.send(action.frame, zmq.DONTWAIT)
        except zmq.ZMQError:
            self.core.not_taken(action.broker, action.session, MONOTONIC())
        else:
            if action.call_id:
                self.core.handed_over(action.call_id, MONOTONIC())

    def _open(self, broker: int) -> None:
        socket: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        try:
            socket.linger = 0
            # Queue nothing for a broker that is not there, and never reconnect behind our back: what was
            # queued would be delivered long after its caller has given up.
            socket.setsockopt(zmq.IMMEDIATE, 1)
            socket.setsockopt(zmq.RECONNECT_IVL, -1)
            socket.setsockopt(zmq.MAXMSGSIZE, limits.LARGEST_FRAME)
            socket.setsockopt(zmq.SNDHWM, 65_536)
            socket.setsockopt(zmq.RCVHWM, 65_536)
            socket.setsockopt(zmq.HANDSHAKE_IVL, 3000)
            socket.setsockopt(zmq.HEARTBEAT_IVL, 2000)
            socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 6000)
            socket.setsockopt(zmq.HEARTBEAT_TTL, 6000)
            if self._security is not None and self._endpoints[broker].startswith("tcp:"):
                self._security.apply(socket)
            socket.connect(self._endpoints[broker])
        except zmq.ZMQError:
            # A name that does not resolve, or no descriptors left: both may pass.
            socket.close()
            self.core.disconnected(broker, MONOTONIC())
            return
        self._sockets[broker] = socket
        self._numbers[broker] = self.core.sessions[broker].number
        descriptor = socket.getsockopt(zmq.FD)
        assert isinstance(descriptor, int)
        self._watch(broker, descriptor)
        self._dirty.add(broker)

    def _drop(self, broker: int) -> None:
        socket = self._sockets[broker]
        if socket is not None:
            self._sockets[broker] = None
            descriptor = socket.getsockopt(zmq.FD)
            assert isinstance(descriptor, int)
            self._unwatch(broker, descriptor)
            socket.close(linger=0)
