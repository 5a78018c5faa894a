"""Streams for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeAlias, TypeVar

from . import calls
from .calls import Caller, CallSpec, Prepared
from .errors import CallError
from .options import CallOptions
from .shell.asyncio import AsyncShell
from .shell.state import StreamState
from .shell.thread import closed
from .wire.status import Status

T = TypeVar("T")
Opener: TypeAlias = Callable[[], "tuple[Caller, AsyncShell | None]"]


class _State(StreamState):
    """Wakes whoever waits, and tells the interceptors of the end."""

    __slots__ = ("_prepared", "_waiters")

    def __init__(self, prepared: Prepared[T]) -> None:
        super().__init__()
        self._waiters: list[asyncio.Future[None]] = []
        self._prepared = prepared

    def notify(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        if self.ending is not None:
            self._prepared.withdrawn(self.ending)

    async def changed(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter


class _AsyncStream(Generic[T]):
    """What the three kinds have in common. The call begins with the first use; leaving the `async with` block
    cancels it unless it has ended."""

    def __init__(self, opener: Opener, spec: CallSpec[T], options: CallOptions | None) -> None:
        self._opener = opener
        self._spec = spec
        self._options = options
        self._state: _State | None = None
        self._shell: AsyncShell | None = None
        self._caller: Caller | None = None
        self._number = 0

    def _begin(self) -> _State:
        if self._state is None:
            self._caller, self._shell = self._opener()
            prepared = self._caller.prepare(self._spec, self._options)
            self._state = _State(prepared)
            if self._shell is None:
                self._state.ended(closed())
            else:
                self._number = self._shell.engine.begin(prepared.request, self._state)
                self._shell.used()
        return self._state

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()

    def __del__(self) -> None:
        # Dropped without its block: the worker need not go on. The collector may run on any thread.
        if self._shell is not None and self._state is not None and self._state.ending is None:
            shell, number = self._shell, self._number
            if not shell.loop.is_closed():
                shell.loop.call_soon_threadsafe(_cancel, shell, number)

    def cancel(self) -> None:
        """The items are no longer wanted; does nothing when the call has ended."""
        if self._shell is not None and self._state is not None and self._state.ending is None:
            _cancel(self._shell, self._number)

    async def initial_metadata(self) -> dict[str, str | bytes]:
        """What the worker sent before its first item; awaits that, or the end."""
        state = self._begin()
        while state.initial_metadata is None:
            await self._changed(state)
        return state.initial_metadata

    @property
    def trailing_metadata(self) -> dict[str, str | bytes]:
        """What the worker sent with its result; empty before the end."""
        ending = self._state.ending if self._state is not None else None
        return {} if ending is None else calls.trailing(ending)

    async def _changed(self, state: _State) -> None:
        try:
            await state.changed()
        except asyncio.CancelledError:
            self.cancel()
            raise

    def _error(self, state: _State) -> CallError | None:
        if state.ending is None or state.ending.status is Status.OK:
            return None
        return calls.error_of(state.ending, self._spec.key)

    # Sending

    async def _send(self, item: object) -> bool:
        state = self._begin()
        assert self._caller is not None
        try:
            encoded = self._caller.item(item)
        except ValueError as problem:
            raise calls.invalid(str(problem), self._spec.key) from None
        while state.unsent and state.ending is None:
            await self._changed(state)
        if (error := self._error(state)) is not None:
            raise error
        if state.ending is not None:
            return False
        assert self._shell is not None
        state.unsent = True
        self._shell.engine.offer(self._number, [encoded], False)
        self._shell.used()
        return True

    def _end(self) -> None:
        if self._begin().ending is None and self._shell is not None:
            self._shell.engine.offer(self._number, [], True)
            self._shell.used()

    # Reading

    async def _next(self) -> T:
        state = self._begin()
        while not state.items:
            if (error := self._error(state)) is not None:
                raise error
            if state.ending is not None:
                raise StopAsyncIteration
            await self._changed(state)
        body, compressed = state.items.popleft()
        if self._shell is not None and state.ending is None:
            self._shell.engine.took(self._number, 1)
            self._shell.used()
        return self._read(body, compressed)

    def _read(self, body: bytes, compressed: bool) -> T:
        try:
            return calls.read_item(self._spec, body, compressed)
        except CallError:
            self.cancel()
            raise


def _cancel(shell: AsyncShell, number: int) -> None:
    if not shell.is_closed:
        shell.engine.cancel(number)
        shell.used()


class AsyncServerStream(_AsyncStream[T]):
    """One request, many items: `async with client.server_stream(…) as items: async for item in items: …`."""

    async def __aenter__(self) -> AsyncServerStream[T]:
        self._begin()
        return self

    def __aiter__(self) -> AsyncServerStream[T]:
        return self

    async def __anext__(self) -> T:
        return await self._next()


class AsyncClientStream(_AsyncStream[T]):
    """Many items, one reply: `send` each, then await `finish`."""

    async def __aenter__(self) -> AsyncClientStream[T]:
        self._begin()
        return self

    async def send(self, item: object) -> bool:
        """Sends an item once the worker wants more. False when the worker has answered already and wants
        none."""
        return await self._send(item)

    async def finish(self) -> T:
        """Says that there are no more items, and awaits the reply."""
        self._end()
        state = self._begin()
        while state.ending is None:
            await self._changed(state)
        if (error := self._error(state)) is not None:
            raise error
        return calls.read(self._spec, state.ending.body, state.ending.compressed, state.ending)


class AsyncBidirectional(_AsyncStream[T]):
    """Many items both ways, in any order."""

    async def __aenter__(self) -> AsyncBidirectional[T]:
        self._begin()
        return self

    def __aiter__(self) -> AsyncBidirectional[T]:
        return self

    async def __anext__(self) -> T:
        return await self._next()

    async def send(self, item: object) -> bool:
        """Sends an item once the worker wants more. False when the worker has ended the call and wants
        none."""
        return await self._send(item)

    async def end(self) -> None:
        """Says that there are no more items; those of the worker can still be read."""
        self._end()
