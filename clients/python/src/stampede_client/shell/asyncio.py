"""The engine on an asyncio event loop: no thread of its own, all sockets on the loop's descriptors."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..core.actions import Ending
from ..core.call import Request
from ..core.settings import Settings
from ..security import Security
from .engine import MONOTONIC, Engine
from .state import StreamState


class AsyncShell:
    """Belongs to the loop that was running when it was made."""

    def __init__(self, endpoints: Sequence[str], settings: Settings, security: Security | None) -> None:
        self.loop = asyncio.get_running_loop()
        self._turn_is_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self.is_closed = False
        self.engine = Engine(endpoints, settings, security, self._watch, self._unwatch)
        self._tick()

    def _watch(self, broker: int, descriptor: int) -> None:
        self.loop.add_reader(descriptor, self._readable, broker)

    def _unwatch(self, broker: int, descriptor: int) -> None:
        self.loop.remove_reader(descriptor)

    def _readable(self, broker: int) -> None:
        self.engine.wake(broker)
        self._turn()

    def used(self) -> None:
        """The engine was used outside a turn: its sockets' edges may be eaten, and its times have changed."""
        if not self._turn_is_due and not self.is_closed:
            self._turn_is_due = True
            self.loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._turn_is_due = False
        if self.is_closed:
            return
        if not self.engine.settle():
            self.used()
        self._arm()

    def _arm(self) -> None:
        due = self.engine.next_tick()
        if self._timer is not None:
            if self._timer_due <= due:
                return
            self._timer.cancel()
        self._timer_due = due
        self._timer = self.loop.call_later(max(0.0, due - MONOTONIC()), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.engine.tick()
        self._turn()

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            if self._timer is not None:
                self._timer.cancel()
            self.engine.close()

    async def perform(self, request: Request) -> Ending:
        """A unary call. Cancelling the task withdraws it."""
        sink = _Unary(self.loop)
        number = self.engine.begin(request, sink)
        self.used()
        try:
            return await sink.future
        except asyncio.CancelledError:
            if sink.ending is None:
                self.engine.cancel(number)
                self.used()
            raise Withdrawn(sink.ending) from None


class Withdrawn(asyncio.CancelledError):
    """Carries how the withdrawn call ended to whoever keeps count."""

    def __init__(self, ending: Ending | None) -> None:
        super().__init__()
        self.ending = ending


class _Unary(StreamState):
    __slots__ = ("future",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.future: asyncio.Future[Ending] = loop.create_future()

    def ended(self, ending: Ending) -> None:
        self.ending = ending
        if not self.future.done():
            self.future.set_result(ending)
