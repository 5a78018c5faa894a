"""The one error of a call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .keys import RequestKey
from .wire.status import Certainty, Reason, Status


@dataclass(frozen=True, slots=True)
class FailureDetails:
    """The numbers that belong to a refusal's reason."""

    left: int | None = None
    """NOT_ENOUGH: units left."""
    limit: int | None = None
    """OVER_LIMIT: what a buyer may hold."""
    held: int | None = None
    """OVER_LIMIT: what this buyer holds. SOLD_OUT and its like: units of orders that are not paid yet."""
    opens: datetime | None = None
    """NOT_YET_OPEN: when the sale opens."""
    value: Any = None
    """Whatever else a service has to say."""
    waiting: int | None = None
    """SOLD_OUT, NOT_ENOUGH, WAITERS_FIRST: how many wait, and come first."""
    next: datetime | None = None
    """When the next unit may come back, as far as is known."""


class CallError(Exception):
    """Why a call did not end with a reply, and what is known about whether it ran."""

    status: Status
    certainty: Certainty
    """Of the whole call, not only of its last attempt: once an attempt may have run, this stays
    MAYBE_EXECUTED, whatever a later attempt was refused for."""
    reason: Reason
    message: str
    """One sentence that says what happened and what to do next."""
    retry_after: float | None
    """Seconds after which it makes sense to call again; None when nothing was said about it."""
    details: FailureDetails
    request_key: RequestKey | None
    """The key to repeat or settle the request with; None for a request without one."""

    def __init__(
        self,
        status: Status,
        certainty: Certainty,
        reason: Reason = Reason.NONE,
        message: str = "the call was refused",
        *,
        retry_after: float | None = None,
        details: FailureDetails | None = None,
        request_key: RequestKey | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.certainty = certainty
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.details = details or FailureDetails()
        self.request_key = request_key

    @property
    def may_have_run(self) -> bool:
        """True when the outcome is unknown: repeat with the same key, or settle it."""
        return self.certainty is Certainty.MAYBE_EXECUTED

    def __str__(self) -> str:
        words = [self.status.name, self.certainty.name]
        if self.reason is not Reason.NONE:
            words.insert(1, self.reason.name)
        return f"{self.message} ({', '.join(words)})"

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions travel between processes by their arguments, of which this one has too many for the
        # default.
        return _rebuild, (
            self.status, self.certainty, self.reason, self.message, self.retry_after, self.details,
            self.request_key,
        )  # fmt: skip


def _rebuild(
    status: Status,
    certainty: Certainty,
    reason: Reason,
    message: str,
    retry_after: float | None,
    details: FailureDetails,
    request_key: RequestKey | None,
) -> CallError:
    return CallError(
        status, certainty, reason, message, retry_after=retry_after, details=details, request_key=request_key
    )
