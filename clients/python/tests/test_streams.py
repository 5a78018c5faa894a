"""Streams of the blocking client, and of the fake server's handlers."""

from __future__ import annotations

import gc
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from stampede_client import CallError, CallOptions, Certainty, Client, Reason, RequestKey, Status
from stampede_client.testing import FakeServer, Refusal, ServerCall


@pytest.fixture
def numbers(stampede_fake: FakeServer) -> FakeServer:
    """Four methods, one of each kind."""

    @stampede_fake.handler("numbers.count", "server-stream")
    def count(call: ServerCall) -> Iterator[int]:
        call.initial_metadata["first"] = "0"
        yield from range(call.body["to"])
        call.trailing_metadata["sent"] = str(call.body["to"])
        if call.body.get("fail"):
            raise Refusal(Status.OUT_OF_RANGE, message="No further.")

    @stampede_fake.handler("numbers.add", "client-stream")
    async def add(call: ServerCall) -> dict[str, int]:
        total = 0
        async for number in call:
            total += number
            if total > 1_000_000:
                break
        return {"total": total}

    @stampede_fake.handler("numbers.double", "bidirectional")
    async def double(call: ServerCall) -> AsyncIterator[int]:
        async for number in call:
            yield 2 * number

    return stampede_fake


def test_a_server_streams_as_many_items_as_it_has(numbers: FakeServer, client: Client) -> None:
    with client.server_stream("numbers.count", {"to": 100}) as items:
        assert items.initial_metadata() == {"first": "0"}
        assert list(items) == list(range(100))
        assert items.trailing_metadata == {"sent": "100"}


def test_the_items_before_a_failure_are_read(numbers: FakeServer, client: Client) -> None:
    items: list[int] = []
    with client.server_stream("numbers.count", {"to": 3, "fail": True}) as stream:
        with pytest.raises(CallError, match="No further") as caught:
            items.extend(stream)
            for item in stream:
                items.append(item)
    assert caught.value.status is Status.OUT_OF_RANGE


def test_a_client_streams_and_gets_one_reply(numbers: FakeServer, client: Client) -> None:
    with client.client_stream("numbers.add") as stream:
        for number in range(100):
            assert stream.send(number)
        assert stream.finish() == {"total": 4950}


def test_a_client_stream_may_be_answered_before_its_end(numbers: FakeServer, client: Client) -> None:
    with client.client_stream("numbers.add") as stream:
        while stream.send(100_000):
            pass
        assert stream.finish()["total"] == 1_100_000


def test_both_sides_stream(numbers: FakeServer, client: Client) -> None:
    with client.bidirectional("numbers.double") as stream:
        for number in range(50):
            stream.send(number)
            assert next(stream) == 2 * number
        stream.end()
        assert list(stream) == []


def test_a_writer_and_a_reader_may_be_two_threads(numbers: FakeServer, client: Client) -> None:
    with client.bidirectional("numbers.double") as stream:

        def write() -> None:
            for number in range(500):
                stream.send(number)
            stream.end()

        writer = threading.Thread(target=write)
        writer.start()
        assert list(stream) == [2 * number for number in range(500)]
        writer.join()


def test_a_slow_reader_stops_its_writer(stampede_fake: FakeServer, client: Client) -> None:
    sent: list[int] = []

    @stampede_fake.handler("numbers.flood", "server-stream")
    async def flood(call: ServerCall) -> None:
        while True:
            await call.send(len(sent))
            sent.append(len(sent))

    with client.server_stream("numbers.flood") as stream:
        stampede_fake.wait_for(lambda: len(sent) == 16)
        # Others are served meanwhile, and the flood stays where it is.
        for _ in range(20):
            assert client.check_health().is_serving
        assert len(sent) == 16
        for number in range(8):
            assert next(stream) == number
        stampede_fake.wait_for(lambda: len(sent) == 24)
    # Leaving cancels.
    stampede_fake.wait_for(lambda: stampede_fake.cancels == 1)


def test_a_slow_server_stops_its_client(stampede_fake: FakeServer, client: Client) -> None:
    gate = threading.Event()

    @stampede_fake.handler("numbers.swallow", "client-stream")
    async def swallow(call: ServerCall) -> dict[str, int]:
        import asyncio

        while not gate.is_set():
            await asyncio.sleep(0.01)
        return {"count": len([number async for number in call])}

    sent: list[int] = []
    with client.client_stream("numbers.swallow") as stream:

        def write() -> None:
            for number in range(100):
                stream.send(number)
                sent.append(number)

        writer = threading.Thread(target=write)
        writer.start()
        # Sixteen by credit, and one that waits for it.
        stampede_fake.wait_for(lambda: len(sent) == 17)
        for _ in range(20):
            assert client.check_health().is_serving
        assert len(sent) == 17
        gate.set()
        writer.join(10)
        assert stream.finish() == {"count": 100}


def test_large_items_are_compressed(stampede_fake: FakeServer, client: Client) -> None:
    @stampede_fake.handler("text.echo", "bidirectional")
    async def echo(call: ServerCall) -> AsyncIterator[Any]:
        async for item in call:
            yield item

    with client.bidirectional("text.echo") as stream:
        stream.send({"text": "ha" * 200_000})
        assert len(next(stream)["text"]) == 400_000


def test_health_is_watched(stampede_fake: FakeServer, client: Client) -> None:
    with client.watch_health("order") as watch:
        assert next(watch).is_serving
        stampede_fake.set_serving(False)
        assert not next(watch).is_serving
    stampede_fake.wait_for(lambda: stampede_fake.cancels == 1)


def test_a_stream_has_the_deadline_that_it_is_given(stampede_fake: FakeServer, client: Client) -> None:
    with client.watch_health(options=CallOptions(deadline=0.2)) as watch:
        next(watch)
        with pytest.raises(CallError) as caught:
            next(watch)
    assert caught.value.status is Status.DEADLINE_EXCEEDED


def test_a_refused_stream_begins_again(numbers: FakeServer, client: Client) -> None:
    numbers.refuse("numbers.add", Status.UNAVAILABLE, Reason.NO_OWNER)
    with client.client_stream("numbers.add") as stream:
        for number in (1, 2, 3):
            stream.send(number)
        assert stream.finish() == {"total": 6}
    assert [call.is_retry for call in numbers.calls] == [False, True]


def test_a_stream_whose_broker_is_lost_ends_as_maybe(numbers: FakeServer, client: Client) -> None:
    with client.bidirectional("numbers.double", key=RequestKey.random()) as stream:
        stream.send(1)
        next(stream)
        numbers.stop_broker()
        with pytest.raises(CallError) as caught:
            next(stream)
    assert caught.value.certainty is Certainty.MAYBE_EXECUTED


def test_a_stream_that_is_dropped_is_cancelled(stampede_fake: FakeServer, client: Client) -> None:
    watch = client.watch_health()
    next(watch)
    del watch
    gc.collect()
    stampede_fake.wait_for(lambda: stampede_fake.cancels == 1)


def test_a_stream_that_is_not_used_sends_nothing(stampede_fake: FakeServer, client: Client) -> None:
    client.watch_health()
    client.check_health()
    assert [call.method for call in stampede_fake.calls] == ["health.check"]


def test_a_known_method_is_called_by_its_kind(client: Client) -> None:
    with pytest.raises(CallError, match="server-stream"):
        client.call("health.watch")
    with pytest.raises(CallError, match="unary"):
        client.server_stream("sale.get", {"sale": 7})


def test_a_stream_of_a_closed_client_is_refused(stampede_fake: FakeServer) -> None:
    client = Client(stampede_fake.endpoints)
    client.close()
    with pytest.raises(CallError, match="closed"), client.watch_health() as watch:
        next(watch)
