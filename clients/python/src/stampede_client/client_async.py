"""The client for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, TypeVar

from . import requests
from .calls import Caller, CallSpec
from .core.settings import Settings
from .endpoints import checked
from .errors import CallError
from .interceptors import Interceptor
from .keys import RequestKey
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
from .shell.asyncio import AsyncShell, Withdrawn
from .shell.thread import closed
from .streams_async import AsyncBidirectional, AsyncClientStream, AsyncServerStream
from .wire.methods import Method, StreamKind

T = TypeVar("T")
Key = RequestKey


class AsyncClient:
    """A client of a Stampede cluster: calls methods through any of its brokers.

    Every call ends exactly once: with a reply, or with a `CallError` that says whether the request ran.
    Repetitions that are safe are made for the caller. Cancelling a task withdraws its call if that has not
    been decided; it never touches an order.

    A client belongs to the event loop in which it is first used, needs no thread, and must not be used from
    another one: use `Client` there.
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
        self._settings = settings or Settings()
        self._security = security
        self._shell_or_none: AsyncShell | None = None
        self._is_closed = False

    async def __aenter__(self) -> AsyncClient:
        _ = self._shell
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends every call that is in flight and closes the connections. Later calls are refused."""
        self._is_closed = True
        if self._shell_or_none is not None:
            self._shell_or_none.close()

    @property
    def _shell(self) -> AsyncShell:
        if self._shell_or_none is None:
            self._shell_or_none = AsyncShell(self.brokers, self._settings, self._security)
        elif self._shell_or_none.loop is not asyncio.get_running_loop():
            raise RuntimeError(
                "this AsyncClient belongs to another event loop; make one per loop, or use Client"
            )
        return self._shell_or_none

    async def _unary(self, spec: CallSpec[T], options: CallOptions | None) -> T:
        prepared = self._caller.prepare(spec, options)
        if self._is_closed:
            return prepared.result(closed())
        try:
            return prepared.result(await self._shell.perform(prepared.request))
        except Withdrawn as withdrawn:
            prepared.withdrawn(withdrawn.ending)
            raise asyncio.CancelledError from None

    # Orders

    async def place_order(
        self, sale: int, buyer: int, quantity: int = 1, *, key: Key, lane: int = 0,
        options: CallOptions | None = None,
    ) -> Order:  # fmt: skip
        """Places an order and returns it: from then on it stands, whatever is killed.

        `key` names the request: repeating with the same key leads to the same order, through any broker.
        """
        return await self._unary(requests.place_order(sale, buyer, quantity, key, lane), options)

    async def place_many(
        self, sale: int, orders: Sequence[OrderRequest], *, key: Key | None = None, lane: int = 0,
        options: CallOptions | None = None,
    ) -> list[OrderAnswer]:  # fmt: skip
        """Places 1 to 256 orders of one sale in one call; each has its own key, and its own answer."""
        spec = requests.place_many(sale, orders, key or Key.random(), lane)
        return await self._unary(spec, options)

    async def settle_order(
        self, sale: int, buyer: int, *, key: Key, lane: int = 0, options: CallOptions | None = None
    ) -> Settlement:
        """Ends an unknown outcome: the order with this key, or the promise that there never will be one."""
        return await self._unary(requests.settle_order(sale, buyer, key, lane), options)

    async def get_order(self, order: str, *, options: CallOptions | None = None) -> Order:
        """Looks an order up by its id; NOT_FOUND when there is none."""
        return await self._unary(requests.get_order(order), options)

    async def cancel_order(
        self, order: str, buyer: int, *, key: Key | None = None, options: CallOptions | None = None
    ) -> Order:
        """Gives an order up that is not paid, for its buyer: its units are for sale again."""
        return await self._unary(requests.cancel_order(order, buyer, key or Key.random()), options)

    def wait_for_units(
        self, sale: int, buyer: int, quantity: int = 1, *, key: Key, lane: int = 0,
        options: CallOptions | None = None,
    ) -> AsyncServerStream[WaitState]:  # fmt: skip
        """Waits for units that come back: the place in the list, its changes, at last an order or the end.

        The place is the key's, and is kept when the stream ends with UNAVAILABLE or is given up: ask again
        with the same key. `settle_order` gives the place up.
        """
        return AsyncServerStream(self._open, requests.wait_order(sale, buyer, quantity, key, lane), options)

    async def list_orders(
        self, sale: int, *, buyer: int | None = None, state: str | None = None, after: int = 0,
        limit: int = 200, lane: int = 0, options: CallOptions | None = None,
    ) -> OrderList:  # fmt: skip
        """A page of a sale's orders, or of one of its buyers', in the order of their placing.

        `after`: the `next` of the page before.
        """
        return await self._unary(requests.list_orders(sale, buyer, state, after, limit, lane), options)

    async def pay_order(
        self, order: str, buyer: int, *, token: str, attempt: Key | None = None,
        options: CallOptions | None = None,
    ) -> Order:  # fmt: skip
        """Pays for an order and returns it paid. Repeating with the same attempt never charges twice.

        `token` names the means of payment, as the provider knows it. An attempt that was declined needs a
        successor with another key.
        """
        return await self._unary(requests.pay_order(order, buyer, token, attempt or Key.random()), options)

    # Sales

    async def create_sale(
        self, sale: int, name: str, *, price: int, currency: str, units: int, limit: int,
        opens: datetime | None = None, closes: datetime | None = None, key: Key | None = None,
        options: CallOptions | None = None,
    ) -> Sale:  # fmt: skip
        """Creates a sale. `opens`: None for at once; `closes`: None for by hand; `price` in minor units."""
        spec = requests.create_sale(
            sale, name, price, currency, units, limit, opens, closes, key or Key.random()
        )
        return await self._unary(spec, options)

    async def open_sale(
        self, sale: int, *, key: Key | None = None, options: CallOptions | None = None
    ) -> Sale:
        return await self._unary(requests.change_sale(sale, "open", None, key or Key.random()), options)

    async def close_sale(
        self, sale: int, *, key: Key | None = None, options: CallOptions | None = None
    ) -> Sale:
        return await self._unary(requests.change_sale(sale, "close", None, key or Key.random()), options)

    async def add_units(
        self, sale: int, units: int, *, key: Key | None = None, options: CallOptions | None = None
    ) -> Sale:
        return await self._unary(requests.change_sale(sale, "add-units", units, key or Key.random()), options)

    async def get_sale(self, sale: int, *, lane: int = 0, options: CallOptions | None = None) -> Sale:
        """Looks a sale up; NOT_FOUND when there is none."""
        return await self._unary(requests.get_sale(sale, lane), options)

    async def list_sales(self, *, partitions: int = 64, options: CallOptions | None = None) -> SaleList:
        """The sales of all partitions, in order of their id. Raises the first partition's error, because a
        list with silent holes would read like "no such sale"."""
        tasks = [
            asyncio.ensure_future(self._unary(requests.list_sales(partition), options))
            for partition in range(partitions)
        ]
        try:
            return SaleList.joined(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # Contacts

    async def set_contact(
        self, sale: int, buyer: int, contact: Contact, *, options: CallOptions | None = None
    ) -> None:
        """Says how the buyer of a sale is reached from now on: beside an order that stands."""
        await self._unary(requests.set_contact(sale, buyer, contact), options)

    async def erase_contact(
        self, sale: int, buyer: int, *, options: CallOptions | None = None
    ) -> ErasedContact:
        """Forgets how the buyer of a sale is reached; nothing is sent afterwards."""
        return await self._unary(requests.erase_contact(sale, buyer), options)

    # Locks

    async def acquire_lock(
        self, name: str, *, ttl: float = 10.0, wait: float = 0.0, options: CallOptions | None = None
    ) -> HeldLock:
        """Takes a lock for `ttl` seconds, waiting up to `wait` for it. Not repeated when it may have run."""
        options = options or CallOptions(deadline=wait + 5)
        return await self._unary(requests.acquire_lock(name, ttl, wait), options)

    async def extend_lock(
        self, name: str, token: bytes, *, ttl: float = 10.0, options: CallOptions | None = None
    ) -> float:
        """Makes a lock last for `ttl` seconds from now. Returns how long it is held, from this call on."""
        return await self._unary(requests.extend_lock(name, token, ttl), options)

    async def release_lock(self, name: str, token: bytes, *, options: CallOptions | None = None) -> None:
        """Gives a lock up. Done again, or too late, it does nothing."""
        await self._unary(requests.release_lock(name, token), options)

    # Health, reflection, operations

    async def check_health(self, service: str | None = None, *, options: CallOptions | None = None) -> Health:
        return await self._unary(requests.check_health(service), options)

    def watch_health(
        self, service: str | None = None, *, options: CallOptions | None = None
    ) -> AsyncServerStream[Health]:
        """The present health, and every change of it."""
        return AsyncServerStream(self._open, requests.watch_health(service), options)

    async def list_methods(self, *, options: CallOptions | None = None) -> list[MethodSummary]:
        return await self._unary(requests.list_methods(), options)

    async def describe_method(self, method: str, *, options: CallOptions | None = None) -> MethodDescription:
        return await self._unary(requests.describe_method(method), options)

    async def broker_status(self, *, deadline: float = 2.0) -> list[BrokerReport]:
        """Asks every broker what it sees, in the order of `brokers`."""

        async def ask(broker: int) -> BrokerReport:
            options = CallOptions(deadline=deadline, broker=broker)
            try:
                status = await self._unary(requests.broker_status(), options)
            except CallError as error:
                return BrokerReport(self.brokers[broker], error=error)
            return BrokerReport(self.brokers[broker], status)

        return await asyncio.gather(*(ask(broker) for broker in range(len(self.brokers))))

    async def ping_worker(self, *, options: CallOptions | None = None) -> str:
        """The name of a worker that answers: shows that calls reach one."""
        return await self._unary(requests.ping_worker(), options)

    # Any method

    async def call(
        self, method: str | Method, body: object = None, *, route: Route | None = None,
        key: Key | None = None, repeatable: bool = False, options: CallOptions | None = None,
    ) -> Reply[Any]:  # fmt: skip
        """Calls any unary method. `body` is anything that MessagePack holds, a dict as a rule.

        `route` says where a keyed method goes; methods of the protocol find it in their body. `repeatable`:
        it may be sent again after an attempt that may have run; so may whatever has a key.
        """
        return await self._unary(requests.generic_call(method, body, route, key, repeatable), options)

    def server_stream(
        self, method: str | Method, body: object = None, *, route: Route | None = None,
        key: Key | None = None, repeatable: bool = False, options: CallOptions | None = None,
    ) -> AsyncServerStream[Any]:  # fmt: skip
        """Sends one request, and reads many items."""
        spec = requests.generic_stream(method, StreamKind.SERVER_STREAM, body, route, key, repeatable)
        return AsyncServerStream(self._open, spec, options)

    def client_stream(
        self, method: str | Method, *, route: Route | None = None, key: Key | None = None,
        repeatable: bool = False, options: CallOptions | None = None,
    ) -> AsyncClientStream[Any]:  # fmt: skip
        """Sends many items, and reads one reply."""
        spec = requests.generic_stream(method, StreamKind.CLIENT_STREAM, None, route, key, repeatable)
        return AsyncClientStream(self._open, spec, options)

    def bidirectional(
        self, method: str | Method, *, route: Route | None = None, key: Key | None = None,
        repeatable: bool = False, options: CallOptions | None = None,
    ) -> AsyncBidirectional[Any]:  # fmt: skip
        """Sends and reads many items, in any order."""
        spec = requests.generic_stream(method, StreamKind.BIDIRECTIONAL, None, route, key, repeatable)
        return AsyncBidirectional(self._open, spec, options)

    def _open(self) -> tuple[Caller, AsyncShell | None]:
        return self._caller, None if self._is_closed else self._shell
