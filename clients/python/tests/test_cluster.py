"""The client against a real cluster."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from stampede_client import (
    AsyncClient,
    CallError,
    CallOptions,
    Certainty,
    Client,
    OrderRequest,
    Reason,
    RequestKey,
    Status,
)

from .cluster import Cluster, binary

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(
        binary() is None,
        reason="there is no stampede: build it with `swift build --product stampede`, or set STAMPEDE_BINARY",
    ),
]

PATIENT = CallOptions(deadline=30)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    yield cluster
    cluster.stop()


@pytest.fixture
def sale(cluster: Cluster) -> Iterator[int]:
    """A new sale of 1,000 units."""
    number = RequestKey.random().value >> 80
    with Client(cluster.brokers) as client:
        client.create_sale(number, "Lamp", price=1999, currency="EUR", units=1000, limit=50, options=PATIENT)
    yield number


def test_a_sale_from_its_creation_to_its_end(cluster: Cluster) -> None:
    number, key = RequestKey.random().value >> 80, RequestKey.random()
    with Client(cluster.brokers, options=PATIENT) as client:
        created = client.create_sale(number, "Lamp", price=1999, currency="EUR", units=5, limit=2)
        assert (created.id, created.state, created.left) == (number, "open", 5)
        order = client.place_order(number, 42, 2, key=key)
        assert (order.amount, order.currency, order.state, order.key) == (3998, "EUR", "reserved", key)
        assert client.place_order(number, 42, 2, key=key) == order
        assert client.get_order(order.id) == order
        assert client.settle_order(number, 42, key=key).order == order
        never = RequestKey.random()
        assert client.settle_order(number, 43, key=never).state == "voided"
        with pytest.raises(CallError) as caught:
            client.place_order(number, 43, key=never)
        assert caught.value.reason is Reason.KEY_VOIDED
        with pytest.raises(CallError) as caught:
            client.place_order(number, 42, key=RequestKey.random())
        assert (caught.value.details.limit, caught.value.details.held) == (2, 2)
        with pytest.raises(CallError) as caught:
            client.place_order(number, 44, 3, key=RequestKey.random())
        assert caught.value.reason is Reason.OVER_LIMIT
        client.place_order(number, 44, 2, key=RequestKey.random())
        with pytest.raises(CallError) as caught:
            client.place_order(number, 45, 2, key=RequestKey.random())
        assert caught.value.reason is Reason.NOT_ENOUGH and caught.value.details.left == 1
        client.place_order(number, 45, key=RequestKey.random())
        with pytest.raises(CallError) as caught:
            client.place_order(number, 46, key=RequestKey.random())
        assert caught.value.reason is Reason.SOLD_OUT
        assert client.get_sale(number).state == "sold-out"
        assert client.add_units(number, 5).left == 5
        assert client.close_sale(number).state == "closed"
        assert number in [sale.id for sale in client.list_sales().sales]


@pytest.mark.parametrize(
    "compression",
    [
        False,
        True,
    ],
)
def test_many_orders_in_one_call(cluster: Cluster, sale: int, compression: bool) -> None:
    with Client(cluster.brokers, options=PATIENT, compression=compression) as client:
        asked = [OrderRequest(buyer, 1) for buyer in range(1, 257)]
        asked[10] = OrderRequest(11, 51)
        answers = client.place_many(sale, asked)
        assert answers[10].error is not None and answers[10].error.reason is Reason.OVER_LIMIT
        placed = [answer.order for answer in answers if answer.order is not None]
        assert len(placed) == 255 and len({order.id for order in placed}) == 255
        # Again with the same keys: the same orders.
        again = client.place_many(sale, asked)
        assert [answer.order for answer in again] == [answer.order for answer in answers]
        assert client.get_sale(sale).left == 1000 - 255


def test_what_the_cluster_says_of_itself(cluster: Cluster) -> None:
    with Client(cluster.brokers, options=PATIENT) as client:
        reports = client.broker_status()
        assert [report.endpoint for report in reports] == cluster.brokers
        for report in reports:
            assert report.status is not None and len(report.status.workers) == 2
            assert all(owner.owner for owner in report.status.partitions)
        assert client.ping_worker().startswith("worker-")
        assert client.check_health("order").is_serving
        assert client.check_health("no-such-service").status == "unknown"
        methods = {method.name for method in client.list_methods()}
        assert {"order.place", "order.place_many", "sale.get"} <= methods
        described = client.describe_method("order.place")
        fields = {field.name for kind in described.types for field in kind.fields}
        assert described.routing == "keyed" and {"sale", "buyer", "quantity", "key"} <= fields
        assert client.call("sale.list", {"partition": 0}).body["cut"] in (True, False)
        with pytest.raises(CallError) as caught:
            client.call("no.such", {})
        assert caught.value.status is Status.UNIMPLEMENTED


def test_health_is_watched(cluster: Cluster) -> None:
    with Client(cluster.brokers, options=CallOptions(broker=0)) as client:
        with client.watch_health("order") as watch:
            # A worker that has just begun is on probation.
            while next(watch).workers != 2:
                pass
            pid = cluster.kill("worker-2")
            assert next(watch).workers == 1
            cluster.wait_for_restart("worker-2", pid)
            while next(watch).workers != 2:
                pass
        # A worker that has gone is a worker less, and the service goes on.
        assert client.check_health("order").is_serving


def test_health_is_watched_with_asyncio(cluster: Cluster) -> None:
    async def main() -> None:
        async with AsyncClient(cluster.brokers) as client, client.watch_health() as watch:
            async for health in watch:
                assert health.status in ("serving", "not-serving")
                break

    asyncio.run(main())


def test_a_killed_broker_costs_no_order(cluster: Cluster, sale: int) -> None:
    """Forty callers place orders while a broker is killed; each knows in the end what it has."""
    keys = [RequestKey.random() for _ in range(400)]
    placed: dict[RequestKey, str] = {}

    async def main() -> None:
        async with AsyncClient(cluster.brokers, options=PATIENT) as client:

            async def buy(buyer: int, keys: list[RequestKey]) -> None:
                for key in keys:
                    try:
                        placed[key] = (await client.place_order(sale, buyer, key=key)).id
                    except CallError as error:
                        assert error.may_have_run, error
                        order = (await client.settle_order(sale, buyer, key=key)).order
                        if order is not None:
                            placed[key] = order.id

            async def kill() -> None:
                while len(placed) < 60:
                    await asyncio.sleep(0.001)
                cluster.kill("broker-1")

            killer = asyncio.ensure_future(kill())
            await asyncio.gather(*(buy(n + 1, keys[10 * n : 10 * n + 10]) for n in range(40)))
            await killer
            # The same key again, through whichever broker is there, is the same order.
            for number, key in enumerate(keys[:40]):
                if key in placed:
                    assert (await client.place_order(sale, number // 10 + 1, key=key)).id == placed[key]
            assert (await client.get_sale(sale)).left == 1000 - len(placed)

    asyncio.run(main())
    assert len(placed) == len(set(placed.values())) >= 390


def test_a_blocking_client_survives_a_killed_broker_too(cluster: Cluster, sale: int) -> None:
    orders: list[str] = []
    enough = threading.Event()
    with Client(cluster.brokers, options=PATIENT) as client:

        def buy() -> None:
            for _ in range(50):
                orders.append(client.place_order(sale, 7, key=RequestKey.random()).id)
                if len(orders) == 10:
                    enough.set()

        buyer = threading.Thread(target=buy)
        buyer.start()
        enough.wait(30)
        cluster.kill("broker-2")
        buyer.join(60)
        assert len(set(orders)) == 50
        assert client.get_sale(sale).left == 950


def test_a_hedged_order_is_one_order(cluster: Cluster, sale: int) -> None:
    with Client(cluster.brokers, options=CallOptions(deadline=30, hedge=0.0)) as client:
        ids = {client.place_order(sale, 9, key=RequestKey.random()).id for _ in range(30)}
        assert len(ids) == 30 and client.get_sale(sale).left == 970
        hedges = client._shell.engine.core.counts.hedges
        assert hedges > 0


def test_nobody_there_is_not_executed(cluster: Cluster) -> None:
    with Client([f"ipc://{cluster.folder}/nobody"]) as client:
        with pytest.raises(CallError) as caught:
            client.place_order(1, 1, key=RequestKey.random(), options=CallOptions(deadline=0.3))
    assert caught.value.certainty is Certainty.NOT_EXECUTED


def test_the_ledger_is_clean_after_all_that(cluster: Cluster) -> None:
    assert cluster.audit()


def test_a_lock_has_one_holder_and_a_fence_that_grows(cluster: Cluster) -> None:
    with Client(cluster.brokers) as client:
        with client.lock("report", ttl=1, wait=30) as lease:
            first = lease.fence
            assert 0 < lease.remaining <= 1
            with pytest.raises(CallError) as refused:
                client.acquire_lock("report")
            assert refused.value.reason is Reason.LOCK_HELD
            # Longer than it lasts without being extended.
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                lease.check()
        with client.lock("report", wait=0) as lease:
            assert lease.fence == first + 1


def test_who_has_lost_a_lock_is_told(cluster: Cluster) -> None:
    with Client(cluster.brokers) as client:
        held = client.acquire_lock("lost", ttl=5, wait=30)
        client.release_lock("lost", held.token)
        client.release_lock("lost", held.token)
        with pytest.raises(CallError) as refused:
            client.extend_lock("lost", held.token)
        assert refused.value.reason is Reason.LOCK_LOST


def test_the_other_client_takes_locks_too(cluster: Cluster) -> None:
    async def story() -> None:
        async with AsyncClient(cluster.brokers) as client:
            held = await client.acquire_lock("async", wait=30)
            assert await client.extend_lock("async", held.token, ttl=30) > 20
            await client.release_lock("async", held.token)

    asyncio.run(story())
