"""The engine on a thread of its own, used from any other thread."""

from __future__ import annotations

import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence

from ..core.actions import Cause, Ending
from ..core.call import Request
from ..core.settings import Settings
from ..security import Security
from ..wire.status import Certainty, Status
from .engine import MONOTONIC, Engine
from .state import StreamState


class ThreadShell:
    """Other threads leave what they want done in an inbox and ring a bell; each call is in it once, so it is
    as bounded as the callers' threads are."""

    def __init__(self, endpoints: Sequence[str], settings: Settings, security: Security | None) -> None:
        self._lock = threading.Lock()
        self._inbox: deque[Callable[[], None]] = deque()
        self._is_closing = False
        self._is_rung = False
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._bell, selectors.EVENT_READ, None)
        self.engine = Engine(endpoints, settings, security, self._watch, self._unwatch)
        # A daemon, so that a client that nobody closes does not keep the process.
        self._thread = threading.Thread(target=self._run, name="stampede-client", daemon=True)
        self._thread.start()

    def _watch(self, broker: int, descriptor: int) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, broker)

    def _unwatch(self, broker: int, descriptor: int) -> None:
        self._selector.unregister(descriptor)

    def post(self, job: Callable[[], None]) -> bool:
        """Has the engine's thread do it. False when the client is closed."""
        with self._lock:
            if self._is_closing:
                return False
            self._inbox.append(job)
            if not self._is_rung:
                self._is_rung = True
                self._rope.send(b"!")
        return True

    def close(self) -> None:
        """Ends every call and waits for the thread's end. May be called twice, and from any thread."""
        with self._lock:
            if not self._is_closing:
                self._is_closing = True
                self._rope.send(b"!")
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._turn_until_closed()
        finally:
            # Also after a mistake of our own: whoever waits must not wait for ever.
            with self._lock:
                self._is_closing = True
                jobs, self._inbox = self._inbox, deque()
            for job in jobs:
                job()
            self.engine.close()
            self._selector.close()
            self._bell.close()
            self._rope.close()

    def _turn_until_closed(self) -> None:
        is_settled = True
        self.engine.tick()
        next_tick = self.engine.next_tick()
        while True:
            wait = 0.0 if not is_settled else max(0.0, next_tick - MONOTONIC())
            for key, _ in self._selector.select(wait):
                if key.data is None:
                    self._bell.recv(64)
                else:
                    self.engine.wake(key.data)
            with self._lock:
                self._is_rung = False
                jobs, self._inbox = self._inbox, deque()
                is_closing = self._is_closing
            for job in jobs:
                job()
            if is_closing:
                return
            is_settled = self.engine.settle()
            if MONOTONIC() >= next_tick:
                self.engine.tick()
            next_tick = self.engine.next_tick()

    def perform(self, request: Request) -> Ending:
        """A unary call. An interrupt (Ctrl-C) withdraws it."""
        sink = WaitingState()
        if not self.begin(request, sink):
            return closed()
        try:
            return sink.wait()
        except BaseException:
            self.cancel(sink)
            raise

    def begin(self, request: Request, sink: WaitingState) -> bool:
        def job() -> None:
            sink.number = self.engine.begin(request, sink)

        return self.post(job)

    def cancel(self, sink: WaitingState) -> None:
        self.post(lambda: self.engine.cancel(sink.number))

    def offer(self, sink: WaitingState, items: list[tuple[bytes, bool]], ending: bool) -> None:
        self.post(lambda: self.engine.offer(sink.number, items, ending))

    def took(self, sink: WaitingState) -> None:
        self.post(lambda: self.engine.took(sink.number, 1))


class WaitingState(StreamState):
    """What callers on other threads wait for."""

    __slots__ = ("changed", "number")

    def __init__(self) -> None:
        super().__init__()
        self.changed = threading.Condition()
        self.number = 0
        """Known to the engine's thread alone."""

    def wait(self) -> Ending:
        with self.changed:
            while self.ending is None:
                self.changed.wait()
        return self.ending

    def notify(self) -> None:
        with self.changed:
            self.changed.notify_all()


def closed() -> Ending:
    return Ending(Status.UNAVAILABLE, Certainty.NOT_EXECUTED, Cause.CLOSING)
