"""The calls that both clients offer as typed methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from . import calls, messages
from .calls import CallSpec
from .core.actions import Ending
from .keys import RequestKey
from .messages import (
    BrokerStatus,
    Contact,
    ErasedContact,
    Health,
    HeldLock,
    MethodDescription,
    MethodSummary,
    Order,
    OrderAnswer,
    OrderList,
    OrderRequest,
    Reply,
    Sale,
    SaleList,
    Settlement,
    WaitState,
)
from .options import Route
from .wire import limits, methods
from .wire.methods import Method, StreamKind

T = TypeVar("T")


def _plain(decode: Callable[[Any], T]) -> Callable[[Any, Ending], T]:
    return lambda body, _: decode(body)


def place_order(sale: int, buyer: int, quantity: int, key: RequestKey, lane: int) -> CallSpec[Order]:
    body = {"sale": sale, "buyer": buyer, "quantity": quantity, "key": key.to_bytes()}
    if lane:
        body["lane"] = lane
    return CallSpec(methods.PLACE_ORDER, body, _plain(Order.from_wire), Route.to_sale(sale, lane), key)


def place_many(
    sale: int, orders: Sequence[OrderRequest], key: RequestKey, lane: int
) -> CallSpec[list[OrderAnswer]]:
    if not 1 <= len(orders) <= limits.ORDERS_PER_CALL:
        raise calls.invalid(f"{len(orders)} orders; place 1 to {limits.ORDERS_PER_CALL} in a call", key)
    body: dict[str, Any] = {
        "sale": sale,
        "key": key.to_bytes(),
        "orders": [
            {"buyer": order.buyer, "quantity": order.quantity, "key": order.key.to_bytes()}
            for order in orders
        ],
    }
    if lane:
        body["lane"] = lane

    def decode(body: Any, ending: Ending) -> list[OrderAnswer]:
        answers = body["answers"]
        if len(answers) != len(orders):
            raise ValueError(f"{len(answers)} answers to {len(orders)} orders")
        return [
            OrderAnswer(order=Order.from_wire(answer["order"]))
            if "order" in answer
            else OrderAnswer(error=calls.refusal(answer, asked.key, ending.may_have_run))
            for asked, answer in zip(orders, answers, strict=True)
        ]

    return CallSpec(methods.PLACE_MANY, body, decode, Route.to_sale(sale, lane), key)


def wait_order(sale: int, buyer: int, quantity: int, key: RequestKey, lane: int) -> CallSpec[WaitState]:
    body = {"sale": sale, "buyer": buyer, "quantity": quantity, "key": key.to_bytes()}
    if lane:
        body["lane"] = lane
    return CallSpec(methods.WAIT_ORDER, body, _plain(WaitState.from_wire), Route.to_sale(sale, lane), key)


def list_orders(
    sale: int, buyer: int | None, state: str | None, after: int, limit: int, lane: int
) -> CallSpec[OrderList]:
    body: dict[str, Any] = {"sale": sale, "lane": lane, "after": after, "limit": limit}
    if buyer is not None:
        body["buyer"] = buyer
    if state is not None:
        body["state"] = state
    return CallSpec(methods.LIST_ORDERS, body, _plain(OrderList.from_wire), Route.to_sale(sale, lane))


def settle_order(sale: int, buyer: int, key: RequestKey, lane: int) -> CallSpec[Settlement]:
    body = {"sale": sale, "lane": lane, "buyer": buyer, "key": key.to_bytes()}
    return CallSpec(methods.SETTLE_ORDER, body, _plain(Settlement.from_wire), Route.to_sale(sale, lane), key)


def get_order(order: str) -> CallSpec[Order]:
    route = Route.to_partition(calls.partition_of(order))
    return CallSpec(methods.GET_ORDER, {"order": order}, _plain(Order.from_wire), route)


def cancel_order(order: str, buyer: int, key: RequestKey) -> CallSpec[Order]:
    route = Route.to_partition(calls.partition_of(order))
    body = {"order": order, "buyer": buyer, "key": key.to_bytes()}
    return CallSpec(methods.CANCEL_ORDER, body, _plain(Order.from_wire), route, key)


def pay_order(order: str, buyer: int, token: str, attempt: RequestKey) -> CallSpec[Order]:
    calls.partition_of(order)
    body = {"order": order, "buyer": buyer, "attempt": attempt.to_bytes(), "token": token}
    return CallSpec(methods.PAY_ORDER, body, _plain(Order.from_wire), key=attempt)


def create_sale(
    sale: int, name: str, price: int, currency: str, units: int, limit: int, opens: datetime | None,
    closes: datetime | None, key: RequestKey,
) -> CallSpec[Sale]:  # fmt: skip
    body = {
        "sale": sale, "key": key.to_bytes(), "name": name, "price": price, "currency": currency,
        "units": units, "limit": limit, "opens": _time(opens, key), "closes": _time(closes, key),
    }  # fmt: skip
    return CallSpec(methods.CREATE_SALE, body, _plain(Sale.from_wire), Route.to_sale(sale), key)


def _time(time: datetime | None, key: RequestKey) -> int | None:
    try:
        return None if time is None else messages.time_to_wire(time)
    except ValueError as problem:
        raise calls.invalid(str(problem), key) from None


def change_sale(sale: int, change: str, units: int | None, key: RequestKey) -> CallSpec[Sale]:
    body: dict[str, Any] = {"sale": sale, "key": key.to_bytes(), "change": change}
    if units is not None:
        body["units"] = units
    return CallSpec(methods.CHANGE_SALE, body, _plain(Sale.from_wire), Route.to_sale(sale), key)


def get_sale(sale: int, lane: int) -> CallSpec[Sale]:
    body = {"sale": sale, "lane": lane} if lane else {"sale": sale}
    return CallSpec(methods.GET_SALE, body, _plain(Sale.from_wire), Route.to_sale(sale, lane))


def list_sales(partition: int) -> CallSpec[SaleList]:
    route = Route.to_partition(partition)
    return CallSpec(methods.LIST_SALES, {"partition": partition}, _plain(SaleList.from_wire), route)


def check_health(service: str | None) -> CallSpec[Health]:
    return CallSpec(methods.CHECK_HEALTH, _service(service), _plain(Health.from_wire))


def watch_health(service: str | None) -> CallSpec[Health]:
    return CallSpec(methods.WATCH_HEALTH, _service(service), _plain(Health.from_wire))


def _service(service: str | None) -> dict[str, str]:
    return {} if service is None else {"service": service}


def list_methods() -> CallSpec[list[MethodSummary]]:
    return CallSpec(
        methods.LIST_METHODS, {},
        _plain(lambda body: [MethodSummary.from_wire(method) for method in body["methods"]]),
    )  # fmt: skip


def describe_method(method: str) -> CallSpec[MethodDescription]:
    return CallSpec(methods.DESCRIBE_METHOD, {"method": method}, _plain(MethodDescription.from_wire))


def broker_status() -> CallSpec[BrokerStatus]:
    return CallSpec(methods.BROKER_STATUS, {}, _plain(BrokerStatus.from_wire))


def ping_worker() -> CallSpec[str]:
    return CallSpec(methods.PING_WORKER, {}, _plain(lambda body: str(body["worker"])))


def acquire_lock(name: str, ttl: float, wait: float) -> CallSpec[HeldLock]:
    body: dict[str, Any] = {"name": name, "ttl_ms": round(ttl * 1_000)}
    if wait:
        body["wait_ms"] = round(wait * 1_000)
    return CallSpec(methods.ACQUIRE_LOCK, body, _plain(HeldLock.from_wire))


def extend_lock(name: str, token: bytes, ttl: float) -> CallSpec[float]:
    """Gives how long the lock is held from the request's sending on."""
    body = {"name": name, "token": token, "ttl_ms": round(ttl * 1_000)}
    return CallSpec(
        methods.EXTEND_LOCK, body, _plain(lambda body: (body["waited_ms"] + body["valid_ms"]) / 1_000)
    )


def release_lock(name: str, token: bytes) -> CallSpec[None]:
    return CallSpec(methods.RELEASE_LOCK, {"name": name, "token": token}, _plain(lambda body: None))


def set_contact(sale: int, buyer: int, contact: Contact) -> CallSpec[None]:
    if contact.mail is None and contact.phone is None:
        raise calls.invalid("a contact without mail and phone reaches nobody", None)
    body: dict[str, Any] = {"sale": sale, "buyer": buyer}
    if contact.mail is not None:
        body["mail"] = contact.mail
    if contact.phone is not None:
        body["phone"] = contact.phone
    body["language"] = contact.language
    return CallSpec(methods.SET_CONTACT, body, _plain(lambda body: None))


def erase_contact(sale: int, buyer: int) -> CallSpec[ErasedContact]:
    return CallSpec(methods.ERASE_CONTACT, {"sale": sale, "buyer": buyer}, _plain(ErasedContact.from_wire))


def generic_call(
    method: str | Method, body: object, route: Route | None, key: RequestKey | None, repeatable: bool
) -> CallSpec[Reply[Any]]:
    known = calls.generic(method, route, key, StreamKind.UNARY)
    route, key = calls.routed(known, body, route, key)

    def decode(body: Any, ending: Ending) -> Reply[Any]:
        return Reply(body, calls.trailing(ending), ending.attempts)

    return CallSpec(known, {} if body is None else body, decode, route, key, repeatable)


def generic_stream(
    method: str | Method, kind: StreamKind, body: object, route: Route | None, key: RequestKey | None,
    repeatable: bool,
) -> CallSpec[Any]:  # fmt: skip
    known = calls.generic(method, route, key, kind)
    route, key = calls.routed(known, body, route, key)
    return CallSpec(known, {} if body is None else body, _plain(lambda item: item), route, key, repeatable)
