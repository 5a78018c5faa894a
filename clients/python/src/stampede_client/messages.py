"""What methods take and give, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Generic, Literal, TypeVar

from .errors import CallError
from .keys import RequestKey

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def time_from_wire(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND


def time_to_wire(time: datetime) -> int:
    """Microseconds since 1970. Raises `ValueError` for a time without a zone, which could mean anything."""
    if time.tzinfo is None:
        raise ValueError("give a time with its zone, such as datetime.now(timezone.utc)")
    return (time - _EPOCH) // _MICROSECOND


def _optional_time(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else time_from_wire(microseconds)


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """What a generic call returned."""

    body: T
    metadata: dict[str, str | bytes]
    """The trailing metadata."""
    attempts: int


# Contacts


@dataclass(frozen=True, slots=True)
class Contact:
    """How a buyer is reached: by mail, phone (`+` and 7 to 15 digits), or both, in `zh` or `en`."""

    mail: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    language: str = "en"


@dataclass(frozen=True, slots=True)
class ErasedContact:
    """The contact is in no table any more."""

    was_known: bool
    under_way: int
    """Messages that were being handed over, and may still arrive. None begins afterwards."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> ErasedContact:
        return cls(was_known=body["known"], under_way=body["under_way"])


# Locks


@dataclass(frozen=True, slots=True)
class HeldLock:
    """A lock that was taken."""

    name: str
    token: bytes
    """Extends and releases it."""
    fence: int
    """Higher than that of every holder before: give it along with whatever is written under the lock."""
    lasts: float
    """Seconds for which it is held, counted from the sending of the request."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> HeldLock:
        lasts = (body["waited_ms"] + body["valid_ms"]) / 1_000
        return cls(body["name"], body["token"], body["fence"], lasts)


# Orders


@dataclass(frozen=True, slots=True)
class Order:
    """An order that stands: from its yes on it is in the ledger, whatever is killed."""

    id: str
    sale: int
    lane: int
    buyer: int
    key: RequestKey
    quantity: int
    amount: int
    """In minor units, such as cents."""
    currency: str
    placed: datetime
    state: str
    """reserved, paying, paid, refunding, refunded, expired or cancelled."""
    version: int = 1
    """Entries about it: of two views of an order the one with the higher version is the newer."""
    until: datetime | None = None
    """When it expires if nothing happens; None: never."""
    attempt: RequestKey | None = None
    """The attempt to pay that is open, or that paid."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Order:
        attempt = body.get("attempt")
        return cls(
            body["order"], body["sale"], body["lane"], body["buyer"], RequestKey.from_bytes(body["key"]),
            body["quantity"], body["amount"], body["currency"], time_from_wire(body["placed"]),
            body["state"], body.get("version", 1), _optional_time(body.get("until")),
            None if attempt is None else RequestKey.from_bytes(attempt),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One of the orders of `place_many`."""

    buyer: int
    quantity: int = 1
    key: RequestKey = field(default_factory=RequestKey.random)


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """What became of one of the orders of `place_many`: an order, or why there is none."""

    order: Order | None = None
    error: CallError | None = None

    def result(self) -> Order:
        """The order, or the error raised."""
        if self.order is None:
            raise self.error or ValueError("an answer with neither order nor error")
        return self.order


@dataclass(frozen=True, slots=True)
class Settlement:
    """The definite end of an unknown outcome."""

    order: Order | None
    """None when the key is void: there is no order, and never will be."""

    @property
    def state(self) -> Literal["placed", "voided"]:
        return "voided" if self.order is None else "placed"

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Settlement:
        if body["state"] not in ("placed", "voided"):
            raise ValueError(f"a settlement {body['state']!r}")
        return cls(Order.from_wire(body["order"]) if body["state"] == "placed" else None)


@dataclass(frozen=True, slots=True)
class WaitState:
    """How a wait for units stands. The last two states are final."""

    state: Literal["waiting", "offered", "ended"]
    ahead: int = 0
    """How many come first, of `waiting` in all."""
    waiting: int = 0
    order: Order | None = None
    """offered: it holds the units, and expires unless it is paid by its `until`."""
    end: str | None = None
    """ended: sale-closed, ran-out, over-limit or given-up."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> WaitState:
        state = body["state"]
        if state == "waiting":
            return cls("waiting", body["ahead"], body["waiting"])
        if state == "offered":
            return cls("offered", order=Order.from_wire(body["order"]))
        if state == "ended":
            return cls("ended", end=body["end"])
        raise ValueError(f"a wait {state!r}")


@dataclass(frozen=True, slots=True)
class OrderList:
    orders: tuple[Order, ...]
    next: int | None
    """The cursor of the next page; None: there is none. A page may be empty and have a next one."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> OrderList:
        return cls(tuple(Order.from_wire(order) for order in body["orders"]), body.get("next"))


# Sales


@dataclass(frozen=True, slots=True)
class Sale:
    id: int
    lane: int
    partition: int
    name: str
    price: int
    """Of a unit, in minor units."""
    currency: str
    limit: int
    """Units that one buyer may hold."""
    opens: datetime
    closes: datetime | None
    """None: by hand."""
    added: int
    """Units ever added."""
    left: int
    orders: int
    state: str
    """scheduled, open, sold-out, paused or closed."""
    held: int = 0
    """Units of orders that are not paid yet: they may come back."""
    hold: int | None = None
    """Seconds that an order is held for its payment; None: for ever."""
    payment: int = 120
    """Seconds that an attempt to pay may take."""
    waiting: int = 0
    """Who waits for units that come back."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Sale:
        return cls(
            body["sale"], body.get("lane", 0), body["partition"], body["name"], body["price"],
            body["currency"], body["limit"], time_from_wire(body["opens"]),
            _optional_time(body.get("closes")), body["added"], body["left"], body["orders"], body["state"],
            body.get("held", 0), body.get("hold"), body.get("payment", 120), body.get("waiting", 0),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SaleList:
    sales: tuple[Sale, ...]
    cut: bool
    """There are more than were listed."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> SaleList:
        return cls(tuple(Sale.from_wire(sale) for sale in body["sales"]), body["cut"])

    @classmethod
    def joined(cls, lists: Sequence[SaleList]) -> SaleList:
        sales = sorted((sale for part in lists for sale in part.sales), key=lambda sale: sale.id)
        return cls(tuple(sales), any(part.cut for part in lists))


# Health and reflection


@dataclass(frozen=True, slots=True)
class Health:
    service: str
    status: str
    """serving, not-serving or unknown (no such service)."""
    workers: int
    unowned: int
    """Partitions without an owner."""

    @property
    def is_serving(self) -> bool:
        return self.status == "serving"

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Health:
        return cls(body.get("service") or "", body["status"], body.get("workers", 0), body.get("unowned", 0))


@dataclass(frozen=True, slots=True)
class MethodSummary:
    name: str
    kind: str
    about: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> MethodSummary:
        return cls(body["name"], body.get("kind", "unary"), body.get("about", ""))


@dataclass(frozen=True, slots=True)
class FieldDescription:
    name: str
    type: str
    optional: bool
    about: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> FieldDescription:
        return cls(body["name"], body["type"], body.get("optional", False), body.get("about", ""))


@dataclass(frozen=True, slots=True)
class TypeDescription:
    name: str
    fields: tuple[FieldDescription, ...]

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> TypeDescription:
        return cls(body["name"], tuple(FieldDescription.from_wire(field) for field in body["fields"]))


@dataclass(frozen=True, slots=True)
class MethodDescription:
    name: str
    kind: str
    routing: str
    priority: str
    about: str
    request: str
    """The name of one of `types`; so is `reply`."""
    reply: str
    types: tuple[TypeDescription, ...]

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> MethodDescription:
        return cls(
            body["name"], body["kind"], body["routing"], body["priority"], body.get("about", ""),
            body["request"], body["reply"],
            tuple(TypeDescription.from_wire(described) for described in body.get("types", ())),
        )  # fmt: skip


# Operations


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    name: str
    in_flight: int
    calls: int
    rate: int
    """Calls a second."""
    lease_left_ms: int | None
    state: str
    """fit, unfit or draining."""

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> WorkerStatus:
        return cls(
            body["name"],
            body["in_flight"],
            body["calls"],
            body["rate"],
            body.get("lease_left_ms"),
            body["state"],
        )


@dataclass(frozen=True, slots=True)
class PartitionOwner:
    partition: int
    owner: str | None
    fence: int
    parked: int

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> PartitionOwner:
        return cls(body["partition"], body.get("owner"), body["fence"], body["parked"])


@dataclass(frozen=True, slots=True)
class Gate:
    """The brokers refuse new orders of this sale at the door."""

    sale: int
    lane: int
    partition: int

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Gate:
        return cls(body["sale"], body.get("lane", 0), body["partition"])


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """What one broker sees."""

    name: str
    uptime_ms: int
    clients: int
    in_flight: int
    parked: int
    calls: int
    malformed: int
    refused: int
    """By gates."""
    rate: int
    workers: tuple[WorkerStatus, ...]
    partitions: tuple[PartitionOwner, ...]
    gates: tuple[Gate, ...]

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> BrokerStatus:
        return cls(
            name=body["name"],
            uptime_ms=body.get("uptime_ms", 0),
            clients=body.get("clients", 0),
            in_flight=body.get("in_flight", 0),
            parked=body.get("parked", 0),
            calls=body.get("calls", 0),
            malformed=body.get("malformed", 0),
            refused=body.get("refused", 0),
            rate=body.get("rate", 0),
            workers=tuple(WorkerStatus.from_wire(worker) for worker in body.get("workers", ())),
            partitions=tuple(PartitionOwner.from_wire(owner) for owner in body.get("partitions", ())),
            gates=tuple(Gate.from_wire(gate) for gate in body.get("gates", ())),
        )


@dataclass(frozen=True, slots=True)
class BrokerReport:
    """What a broker answered to `broker.status`, or why it did not."""

    endpoint: str
    status: BrokerStatus | None = None
    error: CallError | None = None
