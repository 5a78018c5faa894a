"""How a call ends: gRPC's status, whether it ran, and why, as numbers on the wire."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """How a call ended. gRPC's codes, with gRPC's numbers."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class Certainty(IntEnum):
    """Whether a call ran."""

    EXECUTED = 0
    """It ran, and the status is its outcome."""
    NOT_EXECUTED = 1
    """It did not run and never will: any retry is safe."""
    MAYBE_EXECUTED = 2
    """It may have run or may still run: retry with the same key, or settle."""


class Reason(IntEnum):
    """A refusal in the domain's words."""

    NONE = 0
    OTHER = 1
    """A reason that this version does not know: go by status and certainty."""
    SOLD_OUT = 10
    NOT_ENOUGH = 11
    OVER_LIMIT = 12
    NOT_YET_OPEN = 13
    CLOSED = 14
    UNKNOWN_SALE = 15
    UNKNOWN_ORDER = 16
    KEY_REUSED = 17
    KEY_VOIDED = 18
    SALE_EXISTS = 19
    BAD_QUANTITY = 20
    BAD_FIELD = 21
    SPLIT_SALE = 22
    PAUSED = 23
    """An operator has stopped the sale for the time being."""
    WRONG_STATE = 24
    """What was asked for does not follow from where the order is in its life."""
    UNKNOWN_ATTEMPT = 25
    WAITERS_FIRST = 26
    """Units have come back, but for those who wait."""
    LIST_FULL = 27
    NO_RECEIPT = 38
    """The entry was written before batches had seals."""
    NO_OWNER = 40
    OVERLOADED = 41
    OWNER_LOST = 42
    LEDGER_UNAVAILABLE = 43
    CLOCK_UNCERTAIN = 44
    UNKNOWN_METHOD = 45
    WRONG_ROUTE = 46
    MALFORMED = 47
    DRAINING = 48
    BUSY = 49
    FLOW_CONTROL = 50
    NOT_SERVING = 51
    UNKNOWN_WORKER = 52
    NEEDS_SERVICE = 60
    NEEDS_OPERATOR = 61
    NEEDS_WORKER = 62
    KEY_REFUSED = 63
    LOCK_HELD = 80
    LOCK_LOST = 81
    NO_QUORUM = 82
    PAYMENT_DECLINED = 100
    PAYMENT_PENDING = 101
    BEING_PAID = 102
    ALREADY_PAID = 103
    NOT_PAYABLE = 104
    PROVIDER_UNAVAILABLE = 105

    @classmethod
    def _missing_(cls, value: object) -> Reason:
        return cls.OTHER


class Priority(IntEnum):
    """Who goes first when a worker is short of time."""

    NORMAL = 0
    HIGH = 1
    SYSTEM = 2
