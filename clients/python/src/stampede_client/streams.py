"""Streams of the blocking client."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeAlias, TypeVar

from . import calls
from .calls import Caller, CallSpec, Prepared
from .errors import CallError
from .options import CallOptions
from .shell.thread import ThreadShell, WaitingState, closed
from .wire.status import Status

T = TypeVar("T")
Opener: TypeAlias = Callable[[], "tuple[Caller, ThreadShell]"]


class _State(WaitingState):
    """Wakes whoever waits, and tells the interceptors of the end."""

    __slots__ = ("_prepared",)

    def __init__(self, prepared: Prepared[T]) -> None:
        super().__init__()
        self._prepared = prepared

    def notify(self) -> None:
        super().notify()
        if self.ending is not None:
            self._prepared.withdrawn(self.ending)


class _Stream(Generic[T]):
    """What the three kinds have in common. The call begins with the first use; leaving the `with` block
    cancels it unless it has ended."""

    def __init__(self, opener: Opener, spec: CallSpec[T], options: CallOptions | None) -> None:
        self._opener = opener
        self._spec = spec
        self._options = options
        self._state: _State | None = None
        self._shell: ThreadShell | None = None
        self._caller: Caller | None = None

    def _begin(self) -> _State:
        if self._state is None:
            self._caller, self._shell = self._opener()
            prepared = self._caller.prepare(self._spec, self._options)
            self._state = _State(prepared)
            if not self._shell.begin(prepared.request, self._state):
                self._state.ended(closed())
        return self._state

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()

    def __del__(self) -> None:
        # Dropped without its block: the worker need not go on.
        self.cancel()

    def cancel(self) -> None:
        """The items are no longer wanted; does nothing when the call has ended."""
        if self._shell is not None and self._state is not None and self._state.ending is None:
            self._shell.cancel(self._state)

    def initial_metadata(self) -> dict[str, str | bytes]:
        """What the worker sent before its first item; awaits that, or the end."""
        state = self._begin()
        self._wait(state, lambda: state.initial_metadata is not None)
        return state.initial_metadata or {}

    @property
    def trailing_metadata(self) -> dict[str, str | bytes]:
        """What the worker sent with its result; empty before the end."""
        ending = self._state.ending if self._state is not None else None
        return {} if ending is None else calls.trailing(ending)

    def _wait(self, state: _State, condition: Callable[[], bool]) -> None:
        try:
            with state.changed:
                while not condition() and state.ending is None:
                    state.changed.wait()
        except BaseException:
            self.cancel()
            raise

    def _error(self, state: _State) -> CallError | None:
        if state.ending is None or state.ending.status is Status.OK:
            return None
        return calls.error_of(state.ending, self._spec.key)

    # Sending

    def _send(self, item: object) -> bool:
        state = self._begin()
        assert self._caller is not None
        try:
            encoded = self._caller.item(item)
        except ValueError as problem:
            raise calls.invalid(str(problem), self._spec.key) from None
        self._wait(state, lambda: not state.unsent)
        if (error := self._error(state)) is not None:
            raise error
        if state.ending is not None:
            return False
        assert self._shell is not None
        state.unsent = True
        self._shell.offer(state, [encoded], False)
        return True

    def _end(self) -> None:
        state = self._begin()
        if state.ending is None and self._shell is not None:
            self._shell.offer(state, [], True)

    # Reading

    def _next(self) -> T:
        state = self._begin()
        self._wait(state, lambda: bool(state.items))
        if not state.items:
            if (error := self._error(state)) is not None:
                raise error
            raise StopIteration
        body, compressed = state.items.popleft()
        if self._shell is not None and state.ending is None:
            self._shell.took(state)
        return self._read(body, compressed)

    def _read(self, body: bytes, compressed: bool) -> T:
        try:
            return calls.read_item(self._spec, body, compressed)
        except CallError:
            self.cancel()
            raise


class ServerStream(_Stream[T]):
    """One request, many items: `with client.server_stream(…) as items: for item in items: …`."""

    def __enter__(self) -> ServerStream[T]:
        self._begin()
        return self

    def __iter__(self) -> ServerStream[T]:
        return self

    def __next__(self) -> T:
        return self._next()


class ClientStream(_Stream[T]):
    """Many items, one reply: `send` each, then `finish`."""

    def __enter__(self) -> ClientStream[T]:
        self._begin()
        return self

    def send(self, item: object) -> bool:
        """Sends an item once the worker wants more. False when the worker has answered already and wants
        none."""
        return self._send(item)

    def finish(self) -> T:
        """Says that there are no more items, and awaits the reply."""
        self._end()
        state = self._begin()
        self._wait(state, lambda: state.ending is not None)
        assert state.ending is not None
        if (error := self._error(state)) is not None:
            raise error
        return calls.read(self._spec, state.ending.body, state.ending.compressed, state.ending)


class Bidirectional(_Stream[T]):
    """Many items both ways, in any order."""

    def __enter__(self) -> Bidirectional[T]:
        self._begin()
        return self

    def __iter__(self) -> Bidirectional[T]:
        return self

    def __next__(self) -> T:
        return self._next()

    def send(self, item: object) -> bool:
        """Sends an item once the worker wants more. False when the worker has ended the call and wants
        none."""
        return self._send(item)

    def end(self) -> None:
        """Says that there are no more items; those of the worker can still be read."""
        self._end()
