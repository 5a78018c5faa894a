"""Callables around a call: for logs, metrics, traces, or a word of one's own in the metadata.

An interceptor is called when a call begins. It may change the call's metadata, or raise to refuse the call.
What it returns, if anything, is called once with the outcome. One shape serves both clients, unary calls and
streams.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from .errors import CallError
from .keys import RequestKey
from .wire.methods import StreamKind
from .wire.status import Certainty, Status


@dataclass(slots=True)
class CallContext:
    """A call that begins."""

    method: str
    kind: StreamKind
    sale: int | None
    """The sale that the call is routed by, or None."""
    request_key: RequestKey | None
    deadline: float | None
    """Seconds."""
    metadata: dict[str, str | bytes]
    """Goes out with the call; interceptors may change it."""


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """How a call ended."""

    error: CallError | None
    """None for a yes."""
    seconds: float
    attempts: int
    metadata: dict[str, str | bytes] = field(default_factory=dict)
    """The trailing metadata."""

    @property
    def status(self) -> Status:
        return Status.OK if self.error is None else self.error.status


_LOG = logging.getLogger("stampede_client")

Finish: TypeAlias = Callable[[CallOutcome], None]
Interceptor: TypeAlias = Callable[[CallContext], "Finish | None"]


class Interception:
    """One call's way through the interceptors; the last one is the nearest to the call."""

    __slots__ = ("_began", "_finishers")

    def __init__(self, interceptors: Sequence[Interceptor], context: CallContext) -> None:
        self._began = time.monotonic()
        self._finishers: list[Finish] = []
        for interceptor in interceptors:
            try:
                finish = interceptor(context)
            except BaseException as error:
                self.finish(error if isinstance(error, CallError) else _refused(error))
                raise
            if finish is not None:
                self._finishers.append(finish)

    def finish(
        self, error: CallError | None, attempts: int = 0, metadata: dict[str, str | bytes] | None = None
    ) -> None:
        """Tells every interceptor, once."""
        if not self._finishers:
            return
        outcome = CallOutcome(error, time.monotonic() - self._began, attempts, metadata or {})
        while self._finishers:
            try:
                self._finishers.pop()(outcome)
            except Exception:
                # What has happened to the call must not depend on who keeps count of it.
                _LOG.exception("An interceptor failed at the end of a call")


def _refused(error: BaseException) -> CallError:
    return CallError(
        Status.CANCELLED, Certainty.NOT_EXECUTED, message=f"an interceptor refused the call: {error!r}"
    )


def log_calls(logger: logging.Logger | None = None, level: int = logging.INFO) -> Interceptor:
    """Logs the end of every call: yes and refusals of the domain at `level`, unknown outcomes as warnings."""
    log = logger or logging.getLogger("stampede_client")

    def begin(call: CallContext) -> Finish:
        def finish(outcome: CallOutcome) -> None:
            error = outcome.error
            unknown = error is not None and error.may_have_run
            log.log(
                max(level, logging.WARNING) if unknown else level,
                "%s %s in %.1f ms, %d attempts%s%s",
                call.method, outcome.status.name, outcome.seconds * 1000, outcome.attempts,
                f", key {call.request_key}" if call.request_key else "", f": {error}" if error else "",
            )  # fmt: skip

        return finish

    return begin


class CallMetrics(Protocol):
    """What a metrics library has to offer; any function of this shape will do."""

    def __call__(self, method: str, outcome: CallOutcome) -> None: ...


def measure_calls(metrics: CallMetrics) -> Interceptor:
    """Reports every call's method, status, seconds and attempts."""

    def begin(call: CallContext) -> Finish:
        return lambda outcome: metrics(call.method, outcome)

    return begin
