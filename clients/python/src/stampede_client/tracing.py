"""W3C Trace Context: `traceparent` in the metadata of every call.

With OpenTelemetry installed, its current span is the parent and each call is a span of its own. Without it, a
context variable carries the trace from an incoming request to the calls made for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from .interceptors import CallContext, CallOutcome, Finish, Interceptor

_PARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", re.ASCII
)
_current: ContextVar[str | None] = ContextVar("stampede_traceparent", default=None)


def current_traceparent() -> str | None:
    """The trace that this context belongs to, as `continue_trace` set it."""
    return _current.get()


@contextmanager
def continue_trace(traceparent: str | None) -> Iterator[None]:
    """Calls made within belong to this trace: the `traceparent` of an incoming request. One that is not valid
    is as good as none (W3C Trace Context §3.2.2.3)."""
    valid = traceparent if traceparent is not None and _PARENT.fullmatch(traceparent) else None
    token = _current.set(valid)
    try:
        yield
    finally:
        _current.reset(token)


def trace_calls(*, opentelemetry: bool | None = None) -> Interceptor:
    """Sends a `traceparent` with every call.

    `opentelemetry`: None takes it if it is installed; False never; True raises `ImportError` without it.
    """
    if opentelemetry is not False:
        try:
            return _spans()
        except ImportError:
            if opentelemetry:
                raise
    return _begin_plain


def _begin_plain(call: CallContext) -> None:
    if "traceparent" in call.metadata:
        return
    parent = _current.get()
    version_and_trace, flags = (
        (parent[:35], parent[53:55]) if parent else ("00-" + os.urandom(16).hex(), "01")
    )
    # We only know the fields of version 00, and may only say what we know.
    call.metadata["traceparent"] = f"00{version_and_trace[2:]}-{os.urandom(8).hex()}-{flags}"


def _spans() -> Interceptor:
    from opentelemetry import propagate, trace

    tracer = trace.get_tracer("stampede_client")

    def begin(call: CallContext) -> Finish:
        attributes: dict[str, Any] = {"rpc.system": "stampede", "rpc.method": call.method}
        span = tracer.start_span(call.method, kind=trace.SpanKind.CLIENT, attributes=attributes)
        carrier: dict[str, str] = {}
        propagate.inject(carrier, context=trace.set_span_in_context(span))
        for key, value in carrier.items():
            call.metadata.setdefault(key.lower(), value)

        def finish(outcome: CallOutcome) -> None:
            span.set_attribute("rpc.stampede.status", outcome.status.name)
            span.set_attribute("rpc.stampede.attempts", outcome.attempts)
            if outcome.error is not None:
                span.set_status(trace.StatusCode.ERROR, str(outcome.error))
            span.end()

        return finish

    return begin
