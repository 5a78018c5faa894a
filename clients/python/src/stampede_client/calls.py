"""What both clients do before a call is sent and after it has ended. No I/O."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any, Generic, TypeVar

from .core.actions import Cause, Ending
from .core.call import HEDGE_AT_P95, Request
from .errors import CallError, FailureDetails
from .interceptors import CallContext, Interception, Interceptor
from .keys import RequestKey
from .messages import time_from_wire
from .options import CallOptions, Route
from .wire import body as bodies
from .wire import header as flags
from .wire import limits
from .wire.header import HEADER_SIZE, Header, Kind, WireError
from .wire.metadata import decode_metadata, encode_metadata
from .wire.methods import KNOWN, Method, Routing, StreamKind
from .wire.status import Certainty, Reason, Status

T = TypeVar("T")

UNARY_DEADLINE = 5.0
"""Seconds, where the caller says nothing."""


@dataclass(frozen=True, slots=True)
class CallSpec(Generic[T]):
    """A call before its options: what, where to, and how its answer is read."""

    method: Method
    body: object
    decode: Callable[[Any, Ending], T]
    route: Route | None = None
    key: RequestKey | None = None
    repeatable: bool = False


@dataclass(slots=True)
class Prepared(Generic[T]):
    """A call ready to be sent."""

    spec: CallSpec[T]
    request: Request
    interception: Interception

    def result(self, ending: Ending) -> T:
        """The reply, or the error raised."""
        value: T
        try:
            metadata = trailing(ending)
            if ending.status is not Status.OK:
                raise error_of(ending, self.spec.key)
            value = read(self.spec, ending.body, ending.compressed, ending)
        except CallError as error:
            self.interception.finish(error, ending.attempts, trailing(ending))
            raise
        self.interception.finish(None, ending.attempts, metadata)
        return value

    def withdrawn(self, ending: Ending | None) -> None:
        """Nobody waits for the result any more; the interceptors still want to know."""
        if ending is not None and ending.status is Status.OK:
            self.interception.finish(None, ending.attempts, trailing(ending))
        elif ending is not None:
            self.interception.finish(error_of(ending, self.spec.key), ending.attempts, trailing(ending))


@dataclass(frozen=True, slots=True)
class Caller:
    """What all calls of a client have in common."""

    brokers: Sequence[str]
    options: CallOptions
    interceptors: Sequence[Interceptor] = field(default_factory=tuple)
    compression: bool = True

    def prepare(self, spec: CallSpec[T], options: CallOptions | None) -> Prepared[T]:
        """Encodes a call. Raises `CallError`, INVALID_ARGUMENT and not executed, for what cannot be sent."""
        options = options or self.options
        unary = spec.method.kind is StreamKind.UNARY
        seconds = options.deadline
        if unary:
            seconds = UNARY_DEADLINE if seconds is None else min(seconds, limits.LONGEST_DEADLINE)
        context = CallContext(
            spec.method.name, spec.method.kind,
            spec.route.sale if spec.route is not None and not spec.route.is_partition else None,
            spec.key, seconds, dict(options.metadata),
        )  # fmt: skip
        interception = Interception(self.interceptors, context)
        try:
            request = self._request(spec, options, context.metadata, seconds)
        except ValueError as problem:
            error = invalid(str(problem), spec.key)
            interception.finish(error)
            raise error from None
        return Prepared(spec, request, interception)

    def _request(
        self,
        spec: CallSpec[T],
        options: CallOptions,
        metadata: Mapping[str, str | bytes],
        seconds: float | None,
    ) -> Request:
        method, route = spec.method, spec.route
        if options.broker is not None and not 0 <= options.broker < len(self.brokers):
            raise ValueError(f"the client has no broker {options.broker}; see its list `brokers`")
        if method.routing is not Routing.FREE and route is None:
            raise ValueError(f"{method.name} is {method.routing.value}; give a Route")
        header = Header(Kind.CALL, method.routing.flags, code=method.priority, method=method.id)
        if self.compression:
            header.flags |= flags.TAKES_COMPRESSED
        if method.kind is not StreamKind.UNARY:
            header.flags |= flags.STREAM
        if not method.kind.caller_sends:
            header.flags |= flags.END
        if route is not None:
            _in_range(route.sale, 64, "sale")
            _in_range(route.lane, 16, "lane")
            header.sale, header.lane = route.sale, route.lane
        if spec.key is not None:
            header.request_key = spec.key.value
        body = b""
        if not method.kind.caller_sends:
            body, compressed = self.item(spec.body)
            header.flags |= flags.COMPRESSED if compressed else 0
        encoded = encode_metadata(metadata)
        header.metadata_length = len(encoded)
        if HEADER_SIZE + len(encoded) + len(body) > limits.MESSAGE_SIZE:
            raise ValueError(f"the request is larger than {limits.MESSAGE_SIZE} bytes; make it smaller")
        hedge = HEDGE_AT_P95 if options.hedge == "p95" else options.hedge
        assert not isinstance(hedge, str)
        return Request(
            header, encoded, body, method.kind,
            inf if seconds is None else time.monotonic() + seconds,
            spec.repeatable or method.is_read or spec.key is not None, options.attempts, options.broker,
            None if route is None else (route.sale, route.lane, route.is_partition), hedge, options.window,
        )  # fmt: skip

    def item(self, item: object) -> tuple[bytes, bool]:
        """An item's bytes, and whether they are compressed. Raises `ValueError` for what cannot be sent."""
        plain = bodies.pack(item)
        compressed = bodies.compress(plain) if self.compression else None
        body = plain if compressed is None else compressed
        if HEADER_SIZE + len(body) > limits.MESSAGE_SIZE:
            raise ValueError(f"an item is larger than {limits.MESSAGE_SIZE} bytes; make it smaller")
        return body, compressed is not None


def _in_range(number: object, bits: int, name: str) -> None:
    if not isinstance(number, int) or not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise ValueError(f"{name} is {number!r}; give a whole number of {bits} bits")


def generic(method: str | Method, route: Route | None, key: RequestKey | None, kind: StreamKind) -> Method:
    """The method of a generic call. Raises `CallError` when it is known to be of another kind."""
    if isinstance(method, Method):
        return method
    known = KNOWN.get(method)
    if known is None:
        routing = Routing.FREE
        if route is not None:
            routing = Routing.PARTITION if route.is_partition else Routing.KEYED
        return Method(method, routing, kind=kind)
    if known.kind is not kind:
        raise invalid(f"{method} is {known.kind.value}, not {kind.value}", key)
    return known


def routed(
    method: Method, body: object, route: Route | None, key: RequestKey | None
) -> tuple[Route | None, RequestKey | None]:
    """What the header repeats of the body of a method that this client knows."""
    if method.name in KNOWN and isinstance(body, Mapping):
        if route is None and method.routing is Routing.KEYED:
            route = Route.to_sale(body.get("sale", 0), body.get("lane", 0))
        elif route is None and method.routing is Routing.PARTITION:
            partition = body.get("partition")
            if partition is None:
                partition = partition_of(str(body.get("order", "")))
            route = Route.to_partition(partition)
        if key is None and isinstance(body.get("key"), bytes):
            try:
                key = RequestKey.from_bytes(body["key"])
            except ValueError as problem:
                raise invalid(str(problem), None) from None
    return route, key


def partition_of(order: str) -> int:
    """The partition of an order, which is the first number of its id."""
    partition, _, sequence = order.partition("-")
    if not (partition.isascii() and partition.isdigit() and sequence.isascii() and sequence.isdigit()):
        raise invalid(f"{order!r} is not the id of an order, such as 12-4711", None)
    return int(partition)


def read(spec: CallSpec[T], encoded: bytes, compressed: bool, ending: Ending) -> T:
    """The plain value of a body. Raises `CallError` for one that cannot be read."""
    try:
        return spec.decode(bodies.unpack(bodies.inflate(encoded) if compressed else encoded), ending)
    except (WireError, KeyError, TypeError, ValueError, AttributeError) as problem:
        message = (
            f"{spec.method.name} was done, but its reply cannot be read; update this client: {problem!r}"
        )
        raise CallError(Status.INTERNAL, Certainty.EXECUTED, message=message, request_key=spec.key) from None


def read_item(spec: CallSpec[T], encoded: bytes, compressed: bool) -> T:
    """The plain value of an item of a stream."""
    return read(spec, encoded, compressed, Ending(Status.OK, Certainty.EXECUTED, Cause.ANSWER))


def trailing(ending: Ending) -> dict[str, str | bytes]:
    """Trailing metadata is a courtesy: what cannot be read is as good as none."""
    try:
        return decode_metadata(ending.metadata)
    except WireError:
        return {}


# Errors


def invalid(message: str, key: RequestKey | None) -> CallError:
    return CallError(Status.INVALID_ARGUMENT, Certainty.NOT_EXECUTED, message=message, request_key=key)


def error_of(ending: Ending, key: RequestKey | None) -> CallError:
    """The error of a call that ended without a yes. A body that cannot be read costs its words only."""
    body: Any = None
    if ending.cause is Cause.ANSWER and ending.body:
        try:
            body = bodies.unpack(bodies.inflate(ending.body) if ending.compressed else ending.body)
        except WireError:
            body = None
    words, details = failure(body)
    return CallError(
        ending.status, ending.certainty, ending.reason, _message(ending, words, key is not None),
        retry_after=ending.retry_after or None, details=details, request_key=key,
    )  # fmt: skip


def failure(body: object) -> tuple[str, FailureDetails]:
    """The sentence and the numbers of a refusal."""
    if not isinstance(body, Mapping):
        return "", FailureDetails()

    def number(name: str) -> int | None:
        value = body.get(name)
        return value if isinstance(value, int) else None

    def moment(name: str) -> datetime | None:
        microseconds = number(name)
        try:
            return None if microseconds is None else time_from_wire(microseconds)
        except OverflowError:
            return None

    message = body.get("message")
    return (
        message if isinstance(message, str) else "",
        FailureDetails(
            number("left"), number("limit"), number("held"), moment("opens"), body.get("details"),
            number("waiting"), moment("next"),
        ),
    )  # fmt: skip


def _message(ending: Ending, words: str, has_key: bool) -> str:
    unknown = ending.certainty is Certainty.MAYBE_EXECUTED
    advice = (
        "repeat the call with the same request key, or settle the key"
        if has_key
        else "look up what has happened before repeating the call"
    )
    if ending.cause is Cause.ANSWER:
        what = words or "the call was refused"
        return f"{what} {advice[0].upper()}{advice[1:]}." if unknown else what
    if ending.cause is Cause.DEADLINE:
        if not unknown:
            return "no broker took the call before its deadline; check that one runs at the endpoints given"
        return f"no answer came before the deadline; {advice}"
    if ending.cause is Cause.SESSION_LOST:
        return f"the connection to the broker was lost before the answer came; {advice}"
    if ending.cause is Cause.CANCELLATION:
        if not unknown:
            return "the call was cancelled before it was sent; nothing has to be done"
        return f"the call was cancelled; {advice}"
    if ending.cause is Cause.CLOSING:
        if not unknown:
            return "the client is closed; make a new one and call again"
        return f"the client was closed before the answer came; {advice}"
    if ending.cause is Cause.TOO_MANY:
        return "too many calls are in flight; await some of them, or raise maximum_calls_in_flight"
    return f"{ending.detail}; this is a fault of the service, report it"


def interrupted() -> Ending:
    """How a call ends whose caller was interrupted: nobody asked the core."""
    return Ending(Status.CANCELLED, Certainty.MAYBE_EXECUTED, Cause.CANCELLATION)


def refusal(answer: Mapping[str, Any], key: RequestKey, may_have_run: bool) -> CallError:
    """Why one of the orders of `order.place_many` was refused."""
    status = Status(answer["status"])
    words, details = failure(answer)
    # The call was executed, but a refusal speaks of one attempt only: an earlier one may still place the
    # order.
    certainty = Certainty.MAYBE_EXECUTED if may_have_run else Certainty.EXECUTED
    return CallError(
        status, certainty, Reason(answer.get("reason", 0)), words or "the order was refused",
        details=details, request_key=key,
    )  # fmt: skip
