"""The fake cluster: brokers and workers in one thread."""

from __future__ import annotations

import asyncio
import inspect
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from ..keys import RequestKey
from ..security import KeyPair
from ..wire import body as bodies
from ..wire import header as flags
from ..wire.header import HEADER_SIZE, Header, Kind, WireError
from ..wire.metadata import decode_metadata
from ..wire.methods import KNOWN, StreamKind, method_id
from ..wire.status import Certainty, Reason, Status
from .broker import FakeBroker
from .calls import Refusal, ServerCall
from .faults import Effect, Fault, RecordedCall
from .sales import FakeSales

T = TypeVar("T")
Handler = Callable[[ServerCall], Any]


class FakeServer:
    """A cluster in this process, behind real ZeroMQ sockets: a context manager, or `start` and `stop`.

    It sells (`order.*`, `sale.*`, in memory: `sales`), answers `health.*`, `reflection.*`, `broker.status`
    and `worker.ping`, and any method that a test adds with `handle`. Its methods may be called from any
    thread.
    """

    def __init__(
        self, *, brokers: int = 1, endpoints: list[str] | None = None, keys: KeyPair | None = None
    ) -> None:
        """Brokers share nothing but the sales. `endpoints` are sockets in a folder of their own unless given,
        such as `tcp://127.0.0.1:*` for any free port. `keys`: speaks CURVE, and lets everybody in."""
        self._folder = tempfile.mkdtemp(prefix="stampede-fake-")
        self.endpoints = endpoints or [f"ipc://{self._folder}/{number}" for number in range(brokers)]
        self.sales = FakeSales()
        self.calls: list[RecordedCall] = []
        """Every CALL that arrived, repetitions included."""
        self.cancels = 0
        """CANCELs that reached a call that was still open."""
        self._keys = keys
        self._handlers: dict[int, tuple[str, StreamKind, Handler]] = {}
        self._about: dict[str, str] = {}
        self._faults: list[Fault] = []
        self._brokers: list[FakeBroker] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._health_changed: set[asyncio.Event] = set()
        self._is_serving = True
        for name, handler in self.sales.handlers().items():
            self.handle(name, handler)
        self._handle_system_methods()

    @property
    def endpoint(self) -> str:
        return self.endpoints[0]

    # Running

    def start(self) -> FakeServer:
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), name="stampede-fake", daemon=True)
        self._thread.start()
        started.wait()
        if not self._brokers:
            raise RuntimeError(f"the fake server could not bind {self.endpoints}")
        return self

    def stop(self) -> None:
        if self._loop is not None and self._thread is not None:
            loop = self._loop
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()
            self._loop = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> FakeServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, started: threading.Event) -> None:
        loop = asyncio.new_event_loop()
        self._loop = loop
        try:
            self._brokers = [
                FakeBroker(number, endpoint, loop, self._called, self._keys)
                for number, endpoint in enumerate(self.endpoints)
            ]
            for broker in self._brokers:
                loop.run_until_complete(broker.bind())
                self.endpoints[broker.number] = broker.endpoint
        except OSError:
            self._brokers = []
        started.set()
        if self._brokers:
            loop.run_forever()
        for broker in self._brokers:
            broker.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(_ended(asyncio.all_tasks(loop)))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    def _on_loop(self, work: Callable[[], T]) -> T:
        """Runs it on the server's thread, and waits."""
        if threading.current_thread() is self._thread:
            return work()
        if self._loop is None:
            raise RuntimeError("the fake server does not run")

        async def run() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    # Methods

    def handle(
        self, method: str, handler: Handler, kind: StreamKind | str = StreamKind.UNARY, about: str = ""
    ) -> None:
        """Adds or replaces a method.

        `handler(call)` returns the reply of a unary or client-stream call, or yields the items of the other
        kinds; it may be a function, a generator, or an async one of either. It reads a caller's items with
        `async for item in call`, sends with `await call.send(item)`, and raises `Refusal`.
        """
        self._handlers[method_id(method)] = (method, StreamKind(kind), handler)
        self._about[method] = about or inspect.getdoc(handler) or ""

    def handler(self, method: str, kind: StreamKind | str = StreamKind.UNARY) -> Callable[[Handler], Handler]:
        """`handle` as a decorator."""

        def decorate(handler: Handler) -> Handler:
            self.handle(method, handler, kind)
            return handler

        return decorate

    # Failures

    def refuse(
        self, method: str, status: Status = Status.UNAVAILABLE, reason: Reason = Reason.NONE, *,
        certainty: Certainty = Certainty.NOT_EXECUTED, retry_after: float = 0.0,
        message: str = "The test wants it so.", times: int | None = 1, broker: int | None = None,
    ) -> None:  # fmt: skip
        """The next calls of the method are answered so, and not run. `times`: None for always; `method`: "*"
        for any; `broker`: only through this one."""
        fault = Fault(method, Effect.REFUSE, times, broker, status, certainty, reason, retry_after, message)
        self._faults.append(fault)

    def delay(self, method: str, seconds: float, *, times: int | None = 1, broker: int | None = None) -> None:
        """The next calls of the method are run so much later."""
        self._faults.append(Fault(method, Effect.DELAY, times, broker, seconds=seconds))

    def drop_answer(self, method: str, *, times: int | None = 1, broker: int | None = None) -> None:
        """The next calls of the method are run, and nobody hears of it."""
        self._faults.append(Fault(method, Effect.DROP_ANSWER, times, broker))

    def answer_maybe(
        self, method: str, reason: Reason = Reason.OWNER_LOST, *, retry_after: float = 0.0,
        times: int | None = 1, broker: int | None = None,
    ) -> None:  # fmt: skip
        """The next calls of the method are run, and the answer says that nobody knows."""
        self._faults.append(
            Fault(
                method, Effect.ANSWER_MAYBE, times, broker, certainty=Certainty.MAYBE_EXECUTED,
                reason=reason, retry_after=retry_after,
                message="The worker was lost while it had the call; retry with the same key, or settle.",
            )
        )  # fmt: skip

    def lose_session(
        self, method: str, *, executed: bool = False, times: int | None = 1, broker: int | None = None
    ) -> None:
        """The connections of the broker break when the method is called next, before or after it is run."""
        effect = Effect.LOSE_SESSION_AFTER if executed else Effect.LOSE_SESSION
        self._faults.append(Fault(method, effect, times, broker))

    def clear_faults(self) -> None:
        self._faults.clear()

    def stop_broker(self, broker: int = 0) -> None:
        """The broker dies: its connections break, and nobody listens at its endpoint."""
        self._on_loop(self._brokers[broker].close)

    def start_broker(self, broker: int = 0) -> None:
        """The broker is back, and knows nobody."""
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self._brokers[broker].bind(), self._loop).result()

    def freeze_broker(self, broker: int = 0) -> None:
        """The broker neither reads nor answers, while its connections stand."""
        self._on_loop(lambda: self._brokers[broker].freeze(True))

    def thaw_broker(self, broker: int = 0) -> None:
        """A frozen broker goes on with what has come meanwhile."""
        self._on_loop(lambda: self._brokers[broker].freeze(False))

    def go_away(self, broker: int = 0, retry_after: float = 0.0) -> None:
        """The broker asks its clients to begin no more calls."""
        header = Header(Kind.GO_AWAY, milliseconds=int(retry_after * 1000))
        self._on_loop(lambda: self._brokers[broker].broadcast(header.encode()))

    def ping_clients(self, broker: int = 0) -> None:
        """Sends each client of the broker a PING; `pongs` counts their answers."""
        self._on_loop(self._brokers[broker].ping_clients)

    def pongs(self, broker: int = 0) -> int:
        return self._brokers[broker].pongs

    def set_serving(self, serving: bool) -> None:
        """What `health.check` says, and `health.watch` tells its watchers."""

        def change() -> None:
            self._is_serving = serving
            for event in self._health_changed:
                event.set()

        self._on_loop(change)

    def wait_for(self, condition: Callable[[], bool], seconds: float = 5.0) -> None:
        """Waits until something holds, such as a number of calls; raises `TimeoutError` when it does not."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"not so within {seconds} s")
            time.sleep(0.002)

    # Calls

    def _called(self, broker: FakeBroker, header: Header, frame: bytes, identity: bytes) -> ServerCall | None:
        """A CALL has come. Returns the call while it is open."""
        body_at = HEADER_SIZE + header.metadata_length
        unknown = (f"{header.method:#018x}", StreamKind.UNARY, _unknown)
        name, kind, handler = self._handlers.get(header.method, unknown)

        def transmit(message: bytes) -> None:
            broker.send(identity, message)

        try:
            body = frame[body_at:]
            plain = bodies.unpack(bodies.inflate(body) if header.flags & flags.COMPRESSED else body)
            metadata = decode_metadata(frame[HEADER_SIZE:body_at])
        except WireError:
            call = ServerCall(header, name, kind, None, {}, broker.number, transmit)
            call.refuse(Refusal(Status.INVALID_ARGUMENT, Reason.MALFORMED, "The body cannot be read."))
            return None
        call = ServerCall(header, name, kind, plain, metadata, broker.number, transmit)
        self.calls.append(
            RecordedCall(
                name, plain, broker.number, RequestKey(header.request_key) if header.request_key else None,
                call.is_retry, header.milliseconds, metadata,
            )
        )  # fmt: skip
        assert self._loop is not None
        call.task = self._loop.create_task(self._answer(broker, call, handler))
        return call

    async def _answer(self, broker: FakeBroker, call: ServerCall, handler: Handler) -> None:
        fault = next((fault for fault in self._faults if fault.matches(call.method, broker.number)), None)
        if fault is not None and fault.times is not None:
            fault.times -= 1
        effect = fault.effect if fault is not None else None
        try:
            if fault is not None and effect is Effect.REFUSE:
                raise _scripted(fault)
            if effect is Effect.LOSE_SESSION:
                broker.close()
                await broker.bind()
                return
            if fault is not None and effect is Effect.DELAY:
                await asyncio.sleep(fault.seconds)
            # No time means none, and a handler of a fake needs no limit then.
            seconds = call.header.milliseconds / 1000 or None
            answer: Callable[[], None]
            try:
                reply = await asyncio.wait_for(_run_handler(handler, call), seconds)
                answer = partial(call.answer, reply)
            except Refusal as refusal:
                answer = partial(call.refuse, refusal)
            if effect is Effect.DROP_ANSWER:
                call.is_over = True
            elif fault is not None and effect is Effect.ANSWER_MAYBE:
                raise _scripted(fault)
            elif effect is Effect.LOSE_SESSION_AFTER:
                broker.close()
                await broker.bind()
            else:
                answer()
        except Refusal as refusal:
            call.refuse(refusal)
        except asyncio.TimeoutError:
            call.refuse(_unfinished(Status.DEADLINE_EXCEEDED, "The deadline has passed."))
        except asyncio.CancelledError:
            self.cancels += 1
            call.refuse(_unfinished(Status.CANCELLED, "The caller withdrew the call."))
        except Exception as error:
            call.refuse(Refusal(Status.UNKNOWN, message=f"The handler failed: {error!r}"))
        finally:
            call.is_over = True
            broker.forget(call)

    # The methods of the cluster itself

    def _handle_system_methods(self) -> None:
        self.handle("health.check", lambda call: self._health(call.body.get("service")), about="Who serves.")
        self.handle("health.watch", self._watch_health, "server-stream", "Who serves, and every change.")
        self.handle("reflection.list", self._list_methods, about="The methods.")
        self.handle("reflection.describe", self._describe, about="What a method is.")
        self.handle("worker.ping", lambda call: {"worker": "worker-1"}, about="A worker's name.")
        self.handle("broker.status", self._status, about="What a broker sees.")

    def _health(self, service: str | None) -> dict[str, Any]:
        names = {name.rpartition(".")[0] for name, _, _ in self._handlers.values()}
        if service is not None and service not in names:
            status, workers = "unknown", 0
        else:
            status, workers = ("serving", 1) if self._is_serving else ("not-serving", 0)
        return {"service": service or "", "status": status, "workers": workers, "unowned": 0}

    async def _watch_health(self, call: ServerCall) -> None:
        changed = asyncio.Event()
        self._health_changed.add(changed)
        try:
            while True:
                await call.send(self._health(call.body.get("service")))
                await changed.wait()
                changed.clear()
        finally:
            self._health_changed.discard(changed)

    def _list_methods(self, call: ServerCall) -> dict[str, Any]:
        methods = sorted((name, kind.value) for name, kind, _ in self._handlers.values())
        return {
            "methods": [{"name": name, "kind": kind, "about": self._about[name]} for name, kind in methods]
        }

    def _describe(self, call: ServerCall) -> dict[str, Any]:
        name = call.body["method"]
        if (known := self._handlers.get(method_id(name))) is None:
            raise Refusal(Status.NOT_FOUND, message=f"There is no method {name}.")
        method = KNOWN.get(name)
        return {
            "name": name, "kind": known[1].value, "about": self._about[name], "types": [],
            "routing": method.routing.value if method is not None else "free",
            "priority": method.priority.name.lower() if method is not None else "normal",
            "request": "Request", "reply": "Reply",
        }  # fmt: skip

    def _status(self, call: ServerCall) -> dict[str, Any]:
        return {
            "name": f"broker-{call.broker + 1}", "uptime_ms": 1, "in_flight": 0, "parked": 0,
            "clients": self._brokers[call.broker].clients, "calls": len(self.calls), "malformed": 0,
            "refused": 0, "rate": 0,
            "workers": [
                {
                    "name": "worker-1", "in_flight": 0, "calls": 0, "rate": 0, "lease_left_ms": None,
                    "state": "fit",
                }
            ],
            "partitions": [], "gates": [],
        }  # fmt: skip


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*(tasks - {asyncio.current_task()}), return_exceptions=True)


async def _run_handler(handler: Handler, call: ServerCall) -> Any:
    """Whatever shape the handler has."""
    result = handler(call)
    if inspect.isawaitable(result):
        return await result
    if inspect.isasyncgen(result):
        try:
            async for item in result:
                await call.send(item)
        finally:
            # Else a handler that is cancelled while it sends is tidied up whenever the collector comes by.
            await result.aclose()
        return None
    if inspect.isgenerator(result):
        for item in result:
            await call.send(item)
        return None
    return result


def _scripted(fault: Fault) -> Refusal:
    return Refusal(
        fault.status, fault.reason, fault.message, certainty=fault.certainty, retry_after=fault.retry_after
    )


def _unfinished(status: Status, message: str) -> Refusal:
    return Refusal(status, message=message, certainty=Certainty.MAYBE_EXECUTED)


def _unknown(call: ServerCall) -> None:
    raise Refusal(
        Status.UNIMPLEMENTED, Reason.UNKNOWN_METHOD, "No worker has the method.",
        certainty=Certainty.NOT_EXECUTED,
    )  # fmt: skip
