"""The methods of the protocol: name, number, routing, priority, kind."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from . import header
from .status import Priority


class StreamKind(Enum):
    """Who sends more than one item."""

    UNARY = "unary"
    SERVER_STREAM = "server-stream"
    CLIENT_STREAM = "client-stream"
    BIDIRECTIONAL = "bidirectional"

    @property
    def caller_sends(self) -> bool:
        return self in (StreamKind.CLIENT_STREAM, StreamKind.BIDIRECTIONAL)

    @property
    def worker_sends(self) -> bool:
        return self in (StreamKind.SERVER_STREAM, StreamKind.BIDIRECTIONAL)


class Routing(Enum):
    """Where a call goes."""

    KEYED = "keyed"
    """To the owner of a sale's lane."""
    PARTITION = "partition"
    """To the owner of a partition."""
    FREE = "free"
    """To any worker that has the method."""

    @property
    def flags(self) -> int:
        return {"keyed": header.KEYED, "partition": header.KEYED | header.PARTITION, "free": 0}[self.value]


@lru_cache(maxsize=1024)
def method_id(name: str) -> int:
    """A method's number: the 64-bit FNV-1a hash of its name."""
    number = 0xCBF29CE484222325
    for byte in name.encode():
        number = (number ^ byte) * 0x100000001B3 & 0xFFFF_FFFF_FFFF_FFFF
    return number


@dataclass(frozen=True, slots=True)
class Method:
    """What has to be known of a method to call it."""

    name: str
    routing: Routing = Routing.FREE
    priority: Priority = Priority.NORMAL
    kind: StreamKind = StreamKind.UNARY
    is_read: bool = False
    """It changes nothing, so running it twice does no harm."""

    @property
    def id(self) -> int:
        return method_id(self.name)


PLACE_ORDER = Method("order.place", Routing.KEYED)
PLACE_MANY = Method("order.place_many", Routing.KEYED)
WAIT_ORDER = Method("order.wait", Routing.KEYED, kind=StreamKind.SERVER_STREAM)
LIST_ORDERS = Method("order.list", Routing.KEYED, is_read=True)
SETTLE_ORDER = Method("order.settle", Routing.KEYED, Priority.HIGH)
GET_ORDER = Method("order.get", Routing.PARTITION, is_read=True)
GET_RECEIPT = Method("order.receipt", Routing.PARTITION, is_read=True)
CANCEL_ORDER = Method("order.cancel", Routing.PARTITION, Priority.HIGH)
PAY_ORDER = Method("order.pay", priority=Priority.HIGH)
CREATE_SALE = Method("sale.create", Routing.KEYED, Priority.HIGH)
CHANGE_SALE = Method("sale.change", Routing.KEYED, Priority.HIGH)
WATCH_ORDER = Method("order.watch", Routing.PARTITION, kind=StreamKind.SERVER_STREAM, is_read=True)
WATCH_SALE = Method("sale.watch", Routing.KEYED, kind=StreamKind.SERVER_STREAM, is_read=True)
GET_SALE = Method("sale.get", Routing.KEYED, is_read=True)
LIST_SALES = Method("sale.list", Routing.PARTITION, is_read=True)
CHECK_HEALTH = Method("health.check", is_read=True)
WATCH_HEALTH = Method("health.watch", kind=StreamKind.SERVER_STREAM, is_read=True)
LIST_METHODS = Method("reflection.list", is_read=True)
DESCRIBE_METHOD = Method("reflection.describe", is_read=True)
BROKER_STATUS = Method("broker.status", is_read=True)
PING_WORKER = Method("worker.ping", is_read=True)
ACQUIRE_LOCK = Method("lock.acquire")
EXTEND_LOCK = Method("lock.extend", priority=Priority.HIGH, is_read=True)
RELEASE_LOCK = Method("lock.release", priority=Priority.HIGH, is_read=True)
SET_CONTACT = Method("contact.set", is_read=True)
ERASE_CONTACT = Method("contact.erase", priority=Priority.HIGH, is_read=True)

METHODS = (
    PLACE_ORDER, PLACE_MANY, WAIT_ORDER, LIST_ORDERS, SETTLE_ORDER, GET_ORDER, GET_RECEIPT, CANCEL_ORDER,
    PAY_ORDER, CREATE_SALE, CHANGE_SALE, GET_SALE, LIST_SALES, WATCH_ORDER, WATCH_SALE,
    CHECK_HEALTH, WATCH_HEALTH, LIST_METHODS, DESCRIBE_METHOD, BROKER_STATUS, PING_WORKER,
    ACQUIRE_LOCK, EXTEND_LOCK, RELEASE_LOCK, SET_CONTACT, ERASE_CONTACT,
)  # fmt: skip

KNOWN = {method.name: method for method in METHODS}
