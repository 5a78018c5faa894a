"""The blocking client."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, TypeVar

from . import requests
from .calls import Caller, CallSpec, Prepared, interrupted
from .core.settings import Settings
from .endpoints import checked
from .errors import CallError
from .interceptors import Interceptor
from .keys import RequestKey
from .locks import Lock
from .messages import (
    BrokerReport,
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
from .options import CallOptions, Route
from .security import Security
from .shell.thread import ThreadShell, WaitingState, closed
from .streams import Bidirectional, ClientStream, ServerStream
from .wire.methods import Method, StreamKind

T = TypeVar("T")
Key = RequestKey


class Client:
    """A client of a Stampede cluster: calls methods through any of its brokers, and waits for the answer.

    Every call ends exactly once: with a reply, or with a `CallError` that says whether the request ran.
    Repetitions that are safe are made for the caller.

    One thread of the client's own does all I/O, so heartbeats go on whatever the callers do. Any number of
    threads may use a client together. Streams are for one reader and one writer at a time.
    """

    def __init__(
        self,
        brokers: Sequence[str],
        *,
        options: CallOptions | None = None,
        settings: Settings | None = None,
        security: Security | None = None,
        interceptors: Sequence[Interceptor] = (),
        compression: bool = True,
    ) -> None:
        """`brokers`: their clients' endpoints, such as `ipc:///run/stampede/broker-1-clients.sock` or
        `tcp://127.0.0.1:7100`. A broker that is not there is no error: it may come. `options` hold for calls
        that bring none of their own. Raises `ValueError` for what is no endpoint.
        """
        self.brokers = checked(brokers)
        self._caller = Caller(self.brokers, options or CallOptions(), tuple(interceptors), compression)
        self._shell = ThreadShell(self.brokers, settings or Settings(), security)
        # Also runs when the client is forgotten, and at the interpreter's exit.
        self._finalizer = weakref.finalize(self, self._shell.close)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends every call that is in flight and closes the connections. Later calls are refused."""
        self._finalizer()

    def _unary(self, spec: CallSpec[T], options: CallOptions | None) -> T:
        prepared = self._caller.prepare(spec, options)
        try:
            return prepared.result(self._shell.perform(prepared.request))
        except KeyboardInterrupt:
            prepared.withdrawn(interrupted())
            raise

    def _together(
        self, specs: Sequence[CallSpec[T]], options: Sequence[CallOptions | None]
    ) -> list[T | CallError]:
        """Many calls at a time from one thread."""
        begun: list[tuple[Prepared[T], WaitingState]] = []
        results: list[T | CallError] = []
        for spec, option in zip(specs, options, strict=True):
            prepared = self._caller.prepare(spec, option)
            sink = WaitingState()
            if not self._shell.begin(prepared.request, sink):
                sink.ended(closed())
            begun.append((prepared, sink))
        for prepared, sink in begun:
            try:
                results.append(prepared.result(sink.wait()))
            except CallError as error:
                results.append(error)
        return results

    # Orders

    def place_order(
        self, sale: int, buyer: int, quantity: int = 1, *, key: Key, lane: int = 0,
        options: CallOptions | None = None,
    ) -> Order:  # fmt: skip
        """Places an order and returns it: from then on it stands, whatever is killed.

        `key` names the request: repeating with the same key leads to the same order, through any broker.
        """
        return self._unary(requests.place_order(sale, buyer, quantity, key, lane), options)

    def place_many(
        self, sale: int, orders: Sequence[OrderRequest], *, key: Key | None = None, lane: int = 0,
        options: CallOptions | None = None,
    ) -> list[OrderAnswer]:  # fmt: skip
        """Places 1 to 256 orders of one sale in one call; each has its own key, and its own answer."""
        spec = requests.place_many(sale, orders, key or Key.random(), lane)
        return self._unary(spec, options)

    def settle_order(
        self, sale: int, buyer: int, *, key: Key, lane: int = 0, options: CallOptions | None = None
    ) -> Settlement:
        """Ends an unknown outcome: the order with this key, or the promise that there never will be one."""
        return self._unary(requests.settle_order(sale, buyer, key, lane), options)

    def get_order(self, order: str, *, options: CallOptions | None = None) -> Order:
        """Looks an order up by its id; NOT_FOUND when there is none."""
        return self._unary(requests.get_order(order), options)

    def cancel_order(
        self, order: str, buyer: int, *, key: Key | None = None, options: CallOptions | None = None
    ) -> Order:
        """Gives an order up that is not paid, for its buyer: its units are for sale again."""
        return self._unary(requests.cancel_order(order, buyer, key or Key.random()), options)

    def wait_for_units(
        self, sale: int, buyer: int, quantity: int = 1, *, key: Key, lane: int = 0,
        options: CallOptions | None = None,
    ) -> ServerStream[WaitState]:  # fmt: skip
        """Waits for units that come back: the place in the list, its changes, at last an order or the end.

        The place is the key's, and is kept when the stream ends with UNAVAILABLE or is given up: ask again
        with the same key. `settle_order` gives the place up.
        """
        return ServerStream(self._open, requests.wait_order(sale, buyer, quantity, key, lane), options)

    def list_orders(
        self, sale: int, *, buyer: int | None = None, state: str | None = None, after: int = 0,
        limit: int = 200, lane: int = 0, options: CallOptions | None = None,
    ) -> OrderList:  # fmt: skip
        """A page of a sale's orders, or of one of its buyers', in the order of their placing.

        `after`: the `next` of the page before.
        """
        return self._unary(requests.list_orders(sale, buyer, state, after, limit, lane), options)

    def pay_order(
        self, order: str, buyer: int, *, token: str, attempt: Key | None = None,
        options: CallOptions | None = None,
    ) -> Order:  # fmt: skip
        """Pays for an order and returns it paid. Repeating with the same attempt never charges twice.

        `token` names the means of payment, as the provider knows it. An attempt that was declined needs a
        successor with another key.
        """
        return self._unary(requests.pay_order(order, buyer, token, attempt or Key.random()), options)

    # Sales

    def create_sale(
        self, sale: int, name: str, *, price: int, currency: str, units: int, limit: int,
        opens: datetime | None = None, closes: datetime | None = None, key: Key | None = None,
        options: CallOptions | None = None,
    ) -> Sale:  # fmt: skip
        """Creates a sale. `opens`: None for at once; `closes`: None for by hand; `price` in minor units."""
        spec = requests.create_sale(
            sale, name, price, currency, units, limit, opens, closes, key or Key.random()
        )
        return self._unary(spec, options)

    def open_sale(self, sale: int, *, key: Key | None = None, options: CallOptions | None = None) -> Sale:
        return self._unary(requests.change_sale(sale, "open", None, key or Key.random()), options)

    def close_sale(self, sale: int, *, key: Key | None = None, options: CallOptions | None = None) -> Sale:
        return self._unary(requests.change_sale(sale, "close", None, key or Key.random()), options)

    def add_units(
        self, sale: int, units: int, *, key: Key | None = None, options: CallOptions | None = None
    ) -> Sale:
        return self._unary(requests.change_sale(sale, "add-units", units, key or Key.random()), options)

    def get_sale(self, sale: int, *, lane: int = 0, options: CallOptions | None = None) -> Sale:
        """Looks a sale up; NOT_FOUND when there is none."""
        return self._unary(requests.get_sale(sale, lane), options)

    def list_sales(self, *, partitions: int = 64, options: CallOptions | None = None) -> SaleList:
        """The sales of all partitions, in order of their id. Raises the first partition's error, because a
        list with silent holes would read like "no such sale"."""
        specs = [requests.list_sales(partition) for partition in range(partitions)]
        lists: list[SaleList] = []
        for part in self._together(specs, [options] * partitions):
            if isinstance(part, CallError):
                raise part
            lists.append(part)
        return SaleList.joined(lists)

    # Contacts

    def set_contact(
        self, sale: int, buyer: int, contact: Contact, *, options: CallOptions | None = None
    ) -> None:
        """Says how the buyer of a sale is reached from now on: beside an order that stands."""
        self._unary(requests.set_contact(sale, buyer, contact), options)

    def erase_contact(self, sale: int, buyer: int, *, options: CallOptions | None = None) -> ErasedContact:
        """Forgets how the buyer of a sale is reached; nothing is sent afterwards."""
        return self._unary(requests.erase_contact(sale, buyer), options)

    # Locks

    def acquire_lock(
        self, name: str, *, ttl: float = 10.0, wait: float = 0.0, options: CallOptions | None = None
    ) -> HeldLock:
        """Takes a lock for `ttl` seconds, waiting up to `wait` for it. Not repeated when it may have run."""
        options = options or CallOptions(deadline=wait + 5)
        return self._unary(requests.acquire_lock(name, ttl, wait), options)

    def extend_lock(
        self, name: str, token: bytes, *, ttl: float = 10.0, options: CallOptions | None = None
    ) -> float:
        """Makes a lock last for `ttl` seconds from now. Returns how long it is held, from this call on."""
        return self._unary(requests.extend_lock(name, token, ttl), options)

    def release_lock(self, name: str, token: bytes, *, options: CallOptions | None = None) -> None:
        """Gives a lock up. Done again, or too late, it does nothing."""
        self._unary(requests.release_lock(name, token), options)

    def lock(self, name: str, *, ttl: float = 10.0, wait: float = 5.0) -> Lock:
        """A lock that is held within a `with` block, extended while that runs, and released at its end."""
        return Lock(self, name, ttl, wait)

    # Health, reflection, operations

    def check_health(self, service: str | None = None, *, options: CallOptions | None = None) -> Health:
        return self._unary(requests.check_health(service), options)

    def watch_health(
        self, service: str | None = None, *, options: CallOptions | None = None
    ) -> ServerStream[Health]:
        """The present health, and every change of it."""
        return ServerStream(self._open, requests.watch_health(service), options)

    def list_methods(self, *, options: CallOptions | None = None) -> list[MethodSummary]:
        return self._unary(requests.list_methods(), options)

    def describe_method(self, method: str, *, options: CallOptions | None = None) -> MethodDescription:
        return self._unary(requests.describe_method(method), options)

    def broker_status(self, *, deadline: float = 2.0) -> list[BrokerReport]:
        """Asks every broker what it sees, in the order of `brokers`."""

        options = [CallOptions(deadline=deadline, broker=broker) for broker in range(len(self.brokers))]
        answers = self._together([requests.broker_status() for _ in self.brokers], options)
        return [
            BrokerReport(endpoint, error=answer)
            if isinstance(answer, CallError)
            else BrokerReport(endpoint, answer)
            for endpoint, answer in zip(self.brokers, answers, strict=True)
        ]

    def ping_worker(self, *, options: CallOptions | None = None) -> str:
        """The name of a worker that answers: shows that calls reach one."""
        return self._unary(requests.ping_worker(), options)

    # Any method

    def call(
        self, method: str | Method, body: object = None, *, route: Route | None = None,
        key: Key | None = None, repeatable: bool = False, options: CallOptions | None = None,
    ) -> Reply[Any]:  # fmt: skip
        """Calls any unary method. `body` is anything that MessagePack holds, a dict as a rule.

        `route` says where a keyed method goes; methods of the protocol find it in their body. `repeatable`:
        it may be sent again after an attempt that may have run; so may whatever has a key.
        """
        return self._unary(requests.generic_call(method, body, route, key, repeatable), options)

    def server_stream(
        self, method: str | Method, body: object = None, *, route: Route | None = None,
        key: Key | None = None, repeatable: bool = False, options: CallOptions | None = None,
    ) -> ServerStream[Any]:  # fmt: skip
        """Sends one request, and reads many items."""
        spec = requests.generic_stream(method, StreamKind.SERVER_STREAM, body, route, key, repeatable)
        return ServerStream(self._open, spec, options)

    def client_stream(
        self, method: str | Method, *, route: Route | None = None, key: Key | None = None,
        repeatable: bool = False, options: CallOptions | None = None,
    ) -> ClientStream[Any]:  # fmt: skip
        """Sends many items, and reads one reply."""
        spec = requests.generic_stream(method, StreamKind.CLIENT_STREAM, None, route, key, repeatable)
        return ClientStream(self._open, spec, options)

    def bidirectional(
        self, method: str | Method, *, route: Route | None = None, key: Key | None = None,
        repeatable: bool = False, options: CallOptions | None = None,
    ) -> Bidirectional[Any]:  # fmt: skip
        """Sends and reads many items, in any order."""
        spec = requests.generic_stream(method, StreamKind.BIDIRECTIONAL, None, route, key, repeatable)
        return Bidirectional(self._open, spec, options)

    def _open(self) -> tuple[Caller, ThreadShell]:
        return self._caller, self._shell
