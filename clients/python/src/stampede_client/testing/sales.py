"""Sales in memory, decided by the rules of the real thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ..errors import FailureDetails
from ..keys import RequestKey
from ..messages import time_from_wire, time_to_wire
from ..wire import limits
from ..wire.status import Reason, Status
from .calls import Refusal, ServerCall

_MASK = 0xFFFF_FFFF_FFFF_FFFF


def partition_of_sale(sale: int, lane: int, partitions: int) -> int:
    """PROTOCOL.md, "Methods": splitmix64's finalizer, scaled."""
    mixed = (sale + lane * 0x9E3779B97F4A7C15) & _MASK
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _MASK
    return (mixed ^ mixed >> 31) * partitions >> 64


@dataclass(slots=True)
class _Sale:
    terms: dict[str, Any]
    created: dict[str, Any]
    """As asked for, to know a repetition by."""
    added: int
    left: int
    opens: datetime
    closes: datetime | None
    orders: dict[tuple[int, bytes], dict[str, Any] | None] = field(default_factory=dict)
    """By buyer and key; None is a void."""
    changes: dict[bytes, tuple[str, int]] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)


class FakeSales:
    """What the workers of a cluster would know. Lanes are not split here: every sale has lane 0."""

    def __init__(self, partitions: int = 64) -> None:
        self.partitions = partitions
        self.clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
        """Tests of windows may put another one here."""
        self._sales: dict[int, _Sale] = {}
        self._orders: dict[str, dict[str, Any]] = {}
        self._sequences: dict[int, int] = {}

    # For tests

    def add(
        self, sale: int, *, units: int = 10, limit: int = 2, price: int = 1999, currency: str = "EUR",
        name: str = "Lamp", opens: datetime | None = None, closes: datetime | None = None,
    ) -> None:  # fmt: skip
        """A sale without a call."""
        body = {
            "sale": sale, "key": RequestKey.random().to_bytes(), "name": name, "price": price,
            "currency": currency, "units": units, "limit": limit,
            "opens": None if opens is None else time_to_wire(opens),
            "closes": None if closes is None else time_to_wire(closes),
        }  # fmt: skip
        self._create(body)

    def left(self, sale: int) -> int:
        return self._sales[sale].left

    def orders(self, sale: int) -> list[dict[str, Any]]:
        """The orders that stand, as the wire has them."""
        return [order for order in self._sales[sale].orders.values() if order is not None]

    # Methods

    def handlers(self) -> dict[str, Callable[[ServerCall], Any]]:
        return {
            "order.place": lambda call: self._place(self._routed(call)),
            "order.place_many": lambda call: self._place_many(self._routed(call)),
            "order.settle": lambda call: self._settle(self._routed(call)),
            "order.get": lambda call: self._get(call),
            "order.cancel": self._cancel,
            "sale.create": lambda call: self._create(self._routed(call)),
            "sale.change": lambda call: self._change(self._routed(call)),
            "sale.get": lambda call: self._view(self._sale(self._routed(call))),
            "sale.list": self._list,
        }

    def _routed(self, call: ServerCall) -> dict[str, Any]:
        """The owner trusts the body, and refuses a header that differs."""
        body: dict[str, Any] = call.body
        key = body.get("key")
        if key is not None and not any(key):
            raise _bad("key")
        in_header = call.key.to_bytes() if call.key is not None else None
        if (call.sale, call.lane, in_header) != (body["sale"], body.get("lane", 0), key):
            raise Refusal(Status.INVALID_ARGUMENT, Reason.WRONG_ROUTE, "Header and body differ.")
        return body

    def _sale(self, body: dict[str, Any]) -> _Sale:
        sale = self._sales.get(body["sale"])
        if sale is None or body.get("lane", 0):
            raise Refusal(Status.NOT_FOUND, Reason.UNKNOWN_SALE, "There is no such sale.")
        return sale

    def _place(self, body: dict[str, Any]) -> dict[str, Any]:
        quantity, buyer, key = body["quantity"], body["buyer"], body["key"]
        if not 0 < quantity <= 1_000_000:
            raise Refusal(Status.INVALID_ARGUMENT, Reason.BAD_QUANTITY, f"{quantity} units cannot be sold.")
        if buyer <= 0:
            raise _bad("buyer")
        sale = self._sale(body)
        if (buyer, key) in sale.orders:
            known = sale.orders[buyer, key]
            if known is None:
                raise _failed(Reason.KEY_VOIDED, 'The key was settled as "no order".')
            if known["quantity"] != quantity:
                raise _failed(Reason.KEY_REUSED, "The key was used before with other content.")
            return known
        self._check(sale, buyer, quantity)
        order = {
            "order": self._next_id(body["sale"]), "sale": body["sale"], "lane": 0, "buyer": buyer, "key": key,
            "quantity": quantity, "amount": quantity * sale.terms["price"],
            "currency": sale.terms["currency"], "placed": time_to_wire(self.clock()), "state": "reserved",
        }  # fmt: skip
        sale.orders[buyer, key] = order
        sale.left -= quantity
        sale.held[buyer] = sale.held.get(buyer, 0) + quantity
        self._orders[order["order"]] = order
        return order

    def _check(self, sale: _Sale, buyer: int, quantity: int) -> None:
        now, held, limit = self.clock(), sale.held.get(buyer, 0), sale.terms["limit"]
        if now < sale.opens:
            raise _failed(Reason.NOT_YET_OPEN, "The sale is not open yet.", opens=sale.opens)
        if sale.closes is not None and now >= sale.closes:
            raise _failed(Reason.CLOSED, "The sale is closed.")
        if sale.left == 0:
            raise _failed(Reason.SOLD_OUT, "The sale is sold out.")
        if held + quantity > limit:
            raise _failed(Reason.OVER_LIMIT, f"A buyer may hold {limit} units.", limit=limit, held=held)
        if quantity > sale.left:
            raise _failed(Reason.NOT_ENOUGH, f"Only {sale.left} units are left.", left=sale.left)

    def _place_many(self, body: dict[str, Any]) -> dict[str, Any]:
        if not 1 <= len(body["orders"]) <= limits.ORDERS_PER_CALL:
            raise _bad("orders")
        answers: list[dict[str, Any]] = []
        for order in body["orders"]:
            try:
                answers.append(
                    {"order": self._place({"sale": body["sale"], "lane": body.get("lane", 0), **order})}
                )
            except Refusal as refusal:
                answers.append({"status": refusal.status, "reason": refusal.reason, **refusal.body()})
        return {"answers": answers}

    def _settle(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["buyer"] <= 0:
            raise _bad("buyer")
        sale = self._sale(body)
        order = sale.orders.setdefault((body["buyer"], body["key"]), None)
        return {"state": "voided"} if order is None else {"state": "placed", "order": order}

    def _get(self, call: ServerCall) -> dict[str, Any]:
        order = self._orders.get(call.body["order"])
        if call.sale != int(call.body["order"].partition("-")[0]):
            raise Refusal(Status.INVALID_ARGUMENT, Reason.WRONG_ROUTE, "Header and body differ.")
        if order is None:
            raise Refusal(Status.NOT_FOUND, Reason.UNKNOWN_ORDER, "There is no such order.")
        return order

    def _cancel(self, call: ServerCall) -> dict[str, Any]:
        order = self._get(call)
        if order["buyer"] != call.body["buyer"]:
            raise Refusal(Status.NOT_FOUND, Reason.UNKNOWN_ORDER, "There is no such order.")
        if order["state"] == "reserved":
            sale = self._sales[order["sale"]]
            sale.left += order["quantity"]
            sale.held[order["buyer"]] -= order["quantity"]
            order.update(state="cancelled", version=2)
        return order

    def _create(self, body: dict[str, Any]) -> dict[str, Any]:
        if (known := self._sales.get(body["sale"])) is not None:
            if known.created["key"] != body["key"]:
                raise Refusal(Status.ALREADY_EXISTS, Reason.SALE_EXISTS, "Another sale has this number.")
            if known.created != body:
                raise _failed(Reason.KEY_REUSED, "The key was used before with other content.")
            return self._view(known)
        if body["sale"] <= 0:
            raise _bad("sale")
        if not body["name"]:
            raise _bad("name")
        if len(body["currency"]) != 3 or not body["currency"].isupper():
            raise _bad("currency")
        if body["price"] < 0:
            raise _bad("price")
        if body["units"] < 1:
            raise _bad("units")
        if body["limit"] < 1:
            raise _bad("limit")
        opens, closes = body.get("opens"), body.get("closes")
        sale = _Sale(
            body, body, body["units"], body["units"],
            self.clock() if opens is None else time_from_wire(opens),
            None if closes is None else time_from_wire(closes),
        )  # fmt: skip
        self._sales[body["sale"]] = sale
        return self._view(sale)

    def _change(self, body: dict[str, Any]) -> dict[str, Any]:
        sale = self._sale(body)
        change = (body["change"], body.get("units", 0))
        if change[0] not in ("open", "close", "add-units"):
            raise _bad("change")
        if change[0] == "add-units" and change[1] < 1:
            raise Refusal(Status.INVALID_ARGUMENT, Reason.BAD_QUANTITY, f"{change[1]} units cannot be added.")
        known = sale.changes.setdefault(body["key"], change)
        if known is not change:
            if known != change:
                raise _failed(Reason.KEY_REUSED, "The key was used before with other content.")
            return self._view(sale)
        now = self.clock()
        if change[0] == "open":
            sale.opens = now
            sale.closes = sale.closes if sale.closes is not None and sale.closes > now else None
        elif change[0] == "close":
            sale.opens, sale.closes = min(sale.opens, now), now
        else:
            sale.added += change[1]
            sale.left += change[1]
        return self._view(sale)

    def _list(self, call: ServerCall) -> dict[str, Any]:
        sales = [
            self._view(sale)
            for number, sale in sorted(self._sales.items())
            if partition_of_sale(number, 0, self.partitions) == call.body["partition"]
        ]
        return {"sales": sales[:200], "cut": len(sales) > 200}

    def _view(self, sale: _Sale) -> dict[str, Any]:
        now, number = self.clock(), sale.terms["sale"]
        if now < sale.opens:
            state = "scheduled"
        elif sale.closes is not None and now >= sale.closes:
            state = "closed"
        else:
            state = "open" if sale.left else "sold-out"
        return {
            "sale": number, "lane": 0, "partition": partition_of_sale(number, 0, self.partitions),
            "name": sale.terms["name"], "price": sale.terms["price"], "currency": sale.terms["currency"],
            "limit": sale.terms["limit"], "opens": time_to_wire(sale.opens),
            "closes": None if sale.closes is None else time_to_wire(sale.closes), "added": sale.added,
            "left": sale.left, "orders": sum(order is not None for order in sale.orders.values()),
            "state": state,
        }  # fmt: skip

    def _next_id(self, sale: int) -> str:
        partition = partition_of_sale(sale, 0, self.partitions)
        self._sequences[partition] = self._sequences.get(partition, 0) + 1
        return f"{partition}-{self._sequences[partition]}"


def _failed(reason: Reason, message: str, **details: Any) -> Refusal:
    return Refusal(Status.FAILED_PRECONDITION, reason, message, details=FailureDetails(**details))


def _bad(name: str) -> Refusal:
    return Refusal(Status.INVALID_ARGUMENT, Reason.BAD_FIELD, f"The field {name} makes no sense.")
