"""The asyncio client against the fake server."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from stampede_client import (
    AsyncClient,
    CallError,
    CallOptions,
    Certainty,
    OrderRequest,
    Reason,
    RequestKey,
    Status,
    measure_calls,
)
from stampede_client.testing import FakeServer, ServerCall


def run(server: FakeServer, test: Callable[[AsyncClient], Awaitable[None]], **more: Any) -> None:
    async def main() -> None:
        async with AsyncClient(server.endpoints, **more) as client:
            await test(client)

    asyncio.run(main())


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(5000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise TimeoutError


def test_a_sale_from_its_creation_to_its_end(stampede_fake: FakeServer) -> None:
    async def test(client: AsyncClient) -> None:
        sale = await client.create_sale(7, "Lamp", price=1999, currency="EUR", units=4, limit=2)
        assert sale.state == "open"
        key = RequestKey.random()
        order = await client.place_order(7, 42, 2, key=key)
        assert await client.get_order(order.id) == order
        assert (await client.settle_order(7, 42, key=key)).order == order
        answers = await client.place_many(7, [OrderRequest(1), OrderRequest(42)])
        assert answers[0].order is not None and answers[1].error is not None
        assert answers[1].error.reason is Reason.OVER_LIMIT
        assert (await client.get_sale(7)).left == 1
        assert (await client.close_sale(7)).state == "closed"
        assert (await client.open_sale(7)).state == "open"
        assert (await client.add_units(7, 3)).left == 4
        assert [sale.id for sale in (await client.list_sales()).sales] == [7]
        assert (await client.check_health("sale")).is_serving
        assert "order.place" in [method.name for method in await client.list_methods()]
        assert (await client.describe_method("order.place")).routing == "keyed"
        assert await client.ping_worker() == "worker-1"
        assert (await client.broker_status())[0].status is not None
        assert (await client.call("sale.get", {"sale": 7})).body["left"] == 4

    run(stampede_fake, test)


def test_a_thousand_calls_at_once(stampede_fake: FakeServer) -> None:
    stampede_fake.sales.add(7, units=1000, limit=1)

    async def test(client: AsyncClient) -> None:
        orders = await asyncio.gather(
            *(client.place_order(7, buyer, key=RequestKey.random()) for buyer in range(1, 1001))
        )
        assert len({order.id for order in orders}) == 1000

    run(stampede_fake, test, options=CallOptions(deadline=30))
    assert stampede_fake.sales.left(7) == 0


def test_cancelling_a_task_withdraws_its_call(stampede_fake: FakeServer) -> None:
    stampede_fake.delay("order.place", 30)
    outcomes: list[Any] = []

    async def test(client: AsyncClient) -> None:
        task = asyncio.ensure_future(client.place_order(7, 42, key=RequestKey.random()))
        await until(lambda: len(stampede_fake.calls) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        await until(lambda: stampede_fake.cancels == 1)

    metrics = measure_calls(lambda method, outcome: outcomes.append(outcome))
    run(stampede_fake, test, interceptors=[metrics])
    assert outcomes[0].status is Status.CANCELLED and outcomes[0].error.may_have_run


def test_a_time_limit_of_the_caller_withdraws_the_call(stampede_fake: FakeServer) -> None:
    stampede_fake.delay("sale.get", 30)

    async def test(client: AsyncClient) -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.get_sale(7), 0.2)
        await until(lambda: stampede_fake.cancels == 1)

    run(stampede_fake, test)


def test_failures_are_survived(fake_pair: FakeServer) -> None:
    fake_pair.sales.add(7, units=1000, limit=1000)
    fake_pair.answer_maybe("order.place", times=2)
    fake_pair.lose_session("order.place", executed=True, broker=1)

    async def test(client: AsyncClient) -> None:
        await asyncio.gather(*(client.place_order(7, 42, key=RequestKey.random()) for _ in range(50)))
        await asyncio.get_running_loop().run_in_executor(None, fake_pair.stop_broker, 0)
        await asyncio.gather(*(client.place_order(7, 42, key=RequestKey.random()) for _ in range(50)))

    run(fake_pair, test)
    assert len(fake_pair.sales.orders(7)) == 100


def test_a_deadline_ends_the_call(stampede_fake: FakeServer) -> None:
    stampede_fake.drop_answer("sale.get", times=None)

    async def test(client: AsyncClient) -> None:
        with pytest.raises(CallError) as caught:
            await client.get_sale(7, options=CallOptions(deadline=0.1))
        assert caught.value.status is Status.DEADLINE_EXCEEDED and caught.value.may_have_run

    run(stampede_fake, test)


def test_streams_of_every_kind(stampede_fake: FakeServer) -> None:
    @stampede_fake.handler("numbers.add", "client-stream")
    async def add(call: ServerCall) -> dict[str, int]:
        return {"total": sum([number async for number in call])}

    @stampede_fake.handler("numbers.double", "bidirectional")
    async def double(call: ServerCall) -> AsyncIterator[int]:
        call.initial_metadata["hello"] = b"\x01"
        async for number in call:
            yield 2 * number
        call.trailing_metadata["bye"] = "1"

    async def test(client: AsyncClient) -> None:
        async with client.client_stream("numbers.add") as stream:
            for number in range(100):
                await stream.send(number)
            assert await stream.finish() == {"total": 4950}
        async with client.bidirectional("numbers.double") as both:

            async def write() -> None:
                for number in range(200):
                    await both.send(number)
                await both.end()

            writer = asyncio.ensure_future(write())
            assert await both.initial_metadata() == {"hello": b"\x01"}
            assert [number async for number in both] == [2 * number for number in range(200)]
            assert both.trailing_metadata == {"bye": "1"}
            await writer
        async with client.watch_health("order") as watch:
            async for health in watch:
                assert health.is_serving
                break
        await until(lambda: stampede_fake.cancels == 1)

    run(stampede_fake, test)


def test_a_slow_reader_stops_its_writer(stampede_fake: FakeServer) -> None:
    sent: list[int] = []

    @stampede_fake.handler("numbers.flood", "server-stream")
    async def flood(call: ServerCall) -> None:
        while True:
            await call.send(0)
            sent.append(0)

    async def test(client: AsyncClient) -> None:
        async with client.server_stream("numbers.flood", options=CallOptions(window=64)) as stream:
            await until(lambda: len(sent) == 64)
            for _ in range(20):
                await client.check_health()
            assert len(sent) == 64
            for _ in range(32):
                await stream.__anext__()
            await until(lambda: len(sent) == 96)

    run(stampede_fake, test)


def test_cancelling_a_reader_cancels_its_stream(stampede_fake: FakeServer) -> None:
    async def test(client: AsyncClient) -> None:
        watch = client.watch_health()
        await watch.__anext__()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(watch.__anext__(), 0.1)
        await until(lambda: stampede_fake.cancels == 1)
        with pytest.raises(CallError) as caught:
            await watch.__anext__()
        assert caught.value.status is Status.CANCELLED

    run(stampede_fake, test)


def test_a_stream_that_is_dropped_is_cancelled(stampede_fake: FakeServer) -> None:
    async def test(client: AsyncClient) -> None:
        watch = client.watch_health()
        await watch.__anext__()
        del watch
        gc.collect()
        await until(lambda: stampede_fake.cancels == 1)

    run(stampede_fake, test)


def test_a_closed_client_refuses(stampede_fake: FakeServer) -> None:
    async def main() -> None:
        client = AsyncClient(stampede_fake.endpoints)
        assert (await client.check_health()).is_serving
        await client.close()
        await client.close()
        with pytest.raises(CallError, match="closed") as caught:
            await client.check_health()
        assert caught.value.certainty is Certainty.NOT_EXECUTED
        with pytest.raises(CallError, match="closed"):
            await client.watch_health().__anext__()

    asyncio.run(main())


def test_a_client_belongs_to_one_loop(stampede_fake: FakeServer) -> None:
    async def use(client: AsyncClient) -> None:
        await client.check_health()

    client = AsyncClient(stampede_fake.endpoints)
    first = asyncio.new_event_loop()
    first.run_until_complete(use(client))
    with pytest.raises(RuntimeError, match="one per loop"):
        asyncio.run(use(client))
    first.run_until_complete(client.close())
    first.close()


def test_an_idle_client_hears_of_a_broker_that_comes_back(stampede_fake: FakeServer) -> None:
    async def test(client: AsyncClient) -> None:
        await client.check_health()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, stampede_fake.stop_broker)
        await asyncio.sleep(0.3)
        await loop.run_in_executor(None, stampede_fake.start_broker)
        assert (await client.check_health()).is_serving

    run(stampede_fake, test)
