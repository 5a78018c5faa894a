"""The blocking client against the fake server, over real sockets."""

from __future__ import annotations

import gc
import logging
import pickle
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest

from stampede_client import (
    AsyncClient,
    CallContext,
    CallError,
    CallOptions,
    CallOutcome,
    Certainty,
    Client,
    OrderRequest,
    Reason,
    RequestKey,
    Route,
    Settings,
    Status,
    continue_trace,
    log_calls,
    measure_calls,
    trace_calls,
)
from stampede_client.testing import FakeServer, Refusal, ServerCall


class TestOrders:
    def test_an_order_is_placed_looked_up_and_settled(
        self, stampede_fake: FakeServer, client: Client
    ) -> None:
        stampede_fake.sales.add(7, units=10, price=1999)
        key = RequestKey.random()
        order = client.place_order(7, 42, 2, key=key)
        assert (order.sale, order.buyer, order.quantity, order.amount, order.key) == (7, 42, 2, 3998, key)
        assert abs(datetime.now(timezone.utc) - order.placed) < timedelta(minutes=1)
        assert client.get_order(order.id) == order
        assert client.place_order(7, 42, 2, key=key) == order
        assert client.settle_order(7, 42, key=key).order == order
        assert stampede_fake.sales.left(7) == 8

    def test_an_order_is_cancelled_by_its_buyer_and_nobody_else(
        self, stampede_fake: FakeServer, client: Client
    ) -> None:
        stampede_fake.sales.add(43, units=1)
        order = client.place_order(43, 7, key=RequestKey.random())
        with pytest.raises(CallError) as caught:
            client.cancel_order(order.id, 8)
        assert caught.value.reason is Reason.UNKNOWN_ORDER
        for _ in range(2):
            cancelled = client.cancel_order(order.id, 7)
            assert (cancelled.state, cancelled.version) == ("cancelled", 2)
        assert stampede_fake.sales.left(43) == 1

    def test_an_order_is_paid_under_the_attempt_s_key(
        self, stampede_fake: FakeServer, client: Client
    ) -> None:
        attempt = RequestKey.random()
        bodies: list[object] = []

        def pay(call: ServerCall) -> dict[str, object]:
            bodies.append(call.body)
            return {
                "order": call.body["order"], "sale": 44, "lane": 0, "buyer": 7, "key": bytes(range(16)),
                "quantity": 1, "amount": 1999, "currency": "EUR", "placed": 1, "state": "paid",
                "attempt": call.body["attempt"],
            }  # fmt: skip

        stampede_fake.handle("order.pay", pay)
        assert client.pay_order("3-7", 7, token="tok_ok", attempt=attempt).state == "paid"
        assert bodies == [{"order": "3-7", "buyer": 7, "attempt": attempt.to_bytes(), "token": "tok_ok"}]

    def test_a_key_that_was_settled_as_no_order_never_leads_to_one(
        self, stampede_fake: FakeServer, client: Client
    ) -> None:
        stampede_fake.sales.add(7)
        key = RequestKey.random()
        settlement = client.settle_order(7, 42, key=key)
        assert settlement.order is None and settlement.state == "voided"
        with pytest.raises(CallError) as caught:
            client.place_order(7, 42, key=key)
        assert caught.value.reason is Reason.KEY_VOIDED

    def test_refusals_bring_their_numbers(self, stampede_fake: FakeServer, client: Client) -> None:
        opens = datetime.now(timezone.utc).replace(microsecond=5) + timedelta(hours=1)
        stampede_fake.sales.add(1, units=3, limit=5)
        stampede_fake.sales.add(2, opens=opens)
        stampede_fake.sales.add(3, limit=2)

        def refusal(sale: int, quantity: int) -> CallError:
            with pytest.raises(CallError) as caught:
                client.place_order(sale, 42, quantity, key=RequestKey.random())
            assert caught.value.certainty is Certainty.EXECUTED and not caught.value.may_have_run
            return caught.value

        assert refusal(1, 4).details.left == 3
        assert refusal(2, 1).details.opens == opens
        over = refusal(3, 3)
        assert (over.details.limit, over.details.held) == (2, 0)
        assert refusal(9, 1).status is Status.NOT_FOUND
        assert refusal(1, 0).reason is Reason.BAD_QUANTITY
        client.place_order(1, 42, 3, key=RequestKey.random())
        assert refusal(1, 1).reason is Reason.SOLD_OUT

    def test_many_orders_in_one_call_have_an_answer_each(
        self, stampede_fake: FakeServer, client: Client
    ) -> None:
        stampede_fake.sales.add(7, units=3, limit=2)
        asked = [OrderRequest(1, 2), OrderRequest(2, 2), OrderRequest(3, 1)]
        first, second, third = client.place_many(7, asked)
        assert first.result().key == asked[0].key and third.result().buyer == 3
        assert second.error is not None and second.error.details.left == 1
        assert second.error.request_key == asked[1].key
        with pytest.raises(CallError):
            second.result()
        with pytest.raises(CallError, match="1 to 256"):
            client.place_many(7, [])

    def test_a_refusal_among_many_is_only_as_certain_as_the_call(
        self, stampede_fake: FakeServer, client: Client
    ) -> None:
        stampede_fake.sales.add(7, units=1)
        stampede_fake.answer_maybe("order.place_many")
        asked = [OrderRequest(1), OrderRequest(2)]
        answers = client.place_many(7, asked)
        assert answers[0].order is not None
        assert answers[1].error is not None and answers[1].error.may_have_run

    def test_256_orders_travel_compressed(self, stampede_fake: FakeServer, client: Client) -> None:
        stampede_fake.sales.add(7, units=1000)
        asked = [OrderRequest(buyer) for buyer in range(1, 257)]
        assert all(answer.order for answer in client.place_many(7, asked))


class TestSales:
    def test_a_sale_is_created_opened_closed_and_grows(self, client: Client) -> None:
        key = RequestKey.random()
        closes = datetime(2040, 1, 1, tzinfo=timezone.utc)

        def create() -> object:
            return client.create_sale(
                7, "Lamp", price=199900, currency="EUR", units=10, limit=2, closes=closes, key=key
            )

        sale = client.get_sale(7) if create() else None
        assert sale is not None and (sale.state, sale.left, sale.closes) == ("open", 10, closes)
        assert create() == sale
        assert client.close_sale(7).state == "closed"
        assert client.open_sale(7).state == "open"
        assert client.add_units(7, 5).added == 15
        with pytest.raises(CallError) as caught:
            client.create_sale(7, "Other", price=1, currency="EUR", units=1, limit=1)
        assert caught.value.reason is Reason.SALE_EXISTS
        assert [sale.id for sale in client.list_sales().sales] == [7]

    def test_the_list_of_sales_has_all_partitions_or_fails(
        self, stampede_fake: FakeServer, client: Client
    ) -> None:
        for sale in range(1, 30):
            stampede_fake.sales.add(sale)
        sales = client.list_sales()
        assert [sale.id for sale in sales.sales] == list(range(1, 30)) and not sales.cut
        stampede_fake.refuse("sale.list", Status.INTERNAL)
        with pytest.raises(CallError):
            client.list_sales()

    def test_a_time_without_a_zone_is_refused(self, client: Client) -> None:
        with pytest.raises(CallError, match="zone"):
            client.create_sale(
                7, "Lamp", price=1, currency="EUR", units=1, limit=1, opens=datetime(2030, 1, 1)
            )


class TestClusterMethods:
    def test_health_reflection_and_status(self, stampede_fake: FakeServer, client: Client) -> None:
        assert client.check_health("order").is_serving
        assert client.check_health().is_serving
        assert client.check_health("nothing").status == "unknown"
        stampede_fake.handle("greeter.hello", lambda call: {}, about="Greets.")
        assert "greeter.hello" in [method.name for method in client.list_methods()]
        described = client.describe_method("greeter.hello")
        assert (described.about, described.kind) == ("Greets.", "unary")
        assert client.describe_method("sale.create").priority == "high"
        assert client.ping_worker() == "worker-1"
        (report,) = client.broker_status()
        assert report.status is not None and report.status.workers[0].state == "fit"

    def test_the_status_of_a_broker_that_is_away_is_its_error(self, fake_pair: FakeServer) -> None:
        fake_pair.stop_broker(1)
        with Client(fake_pair.endpoints) as client:
            first, second = client.broker_status(deadline=0.3)
        assert first.status is not None and first.error is None
        assert second.error is not None and second.error.certainty is Certainty.NOT_EXECUTED


class TestGenericCalls:
    def test_any_method_can_be_called_with_metadata_both_ways(
        self, stampede_fake: FakeServer, client: Client
    ) -> None:
        @stampede_fake.handler("greeter.hello")
        def hello(call: ServerCall) -> dict[str, str]:
            call.trailing_metadata["took-us"] = "12"
            return {"text": f"{call.metadata['greeting']!s} {call.body['name']}"}

        options = CallOptions(metadata={"greeting": "hello", "raw": b"\x00"})
        reply = client.call("greeter.hello", {"name": "Ann"}, options=options)
        assert reply.body == {"text": "hello Ann"}
        assert reply.metadata == {"took-us": "12"} and reply.attempts == 1
        assert stampede_fake.calls[-1].metadata["raw"] == b"\x00"

    def test_methods_of_the_protocol_find_their_route_in_the_body(
        self, stampede_fake: FakeServer, client: Client
    ) -> None:
        stampede_fake.sales.add(7)
        key = RequestKey.random()
        order = client.call("order.place", {"sale": 7, "buyer": 1, "quantity": 1, "key": key.to_bytes()})
        assert stampede_fake.calls[-1].key == key
        assert client.call("order.get", {"order": order.body["order"]}).body == order.body
        assert client.call("sale.get", {"sale": 7}).body["left"] == 9

    def test_a_keyed_method_of_ones_own_is_given_its_route(
        self, stampede_fake: FakeServer, client: Client
    ) -> None:
        stampede_fake.handle("stock.count", lambda call: {"sale": call.sale, "lane": call.lane})
        reply = client.call("stock.count", {}, route=Route.to_sale(7, lane=3))
        assert reply.body == {"sale": 7, "lane": 3}

    def test_large_bodies_are_compressed_both_ways(self, stampede_fake: FakeServer) -> None:
        sizes: list[int] = []

        @stampede_fake.handler("echo")
        def echo(call: ServerCall) -> object:
            sizes.append(len(call.body["text"]))
            return call.body

        text = "ha" * 100_000
        with Client(stampede_fake.endpoints) as client:
            assert client.call("echo", {"text": text}).body == {"text": text}
        # It would not fit into a message as it is.
        with Client(stampede_fake.endpoints, compression=False) as client:
            with pytest.raises(CallError, match="65536") as caught:
                client.call("echo", {"text": text})
            assert caught.value.certainty is Certainty.NOT_EXECUTED
        assert sizes == [200_000]

    def test_a_method_that_nobody_has_is_unimplemented(self, client: Client) -> None:
        with pytest.raises(CallError) as caught:
            client.call("no.such")
        assert (caught.value.status, caught.value.reason) == (Status.UNIMPLEMENTED, Reason.UNKNOWN_METHOD)

    @pytest.mark.parametrize(
        "body", [{"x": object()}, {"x": 1 << 70}], ids=["no MessagePack", "too large a number"]
    )
    def test_what_cannot_be_sent_is_refused_before_it_is(self, client: Client, body: object) -> None:
        with pytest.raises(CallError) as caught:
            client.call("greeter.hello", body)
        assert (caught.value.status, caught.value.certainty) == (
            Status.INVALID_ARGUMENT, Certainty.NOT_EXECUTED,
        )  # fmt: skip

    def test_a_reply_that_cannot_be_read_is_an_error_of_what_was_done(
        self, stampede_fake: FakeServer, client: Client
    ) -> None:
        stampede_fake.handle("sale.get", lambda call: {"surprise": True})
        with pytest.raises(CallError, match="cannot be read") as caught:
            client.get_sale(7)
        assert (caught.value.status, caught.value.certainty) == (Status.INTERNAL, Certainty.EXECUTED)


class TestFailures:
    def test_maybe_is_repeated_with_the_same_key(self, stampede_fake: FakeServer, client: Client) -> None:
        stampede_fake.sales.add(7)
        stampede_fake.answer_maybe("order.place", retry_after=0.05)
        key = RequestKey.random()
        began = time.monotonic()
        order = client.place_order(7, 42, key=key)
        assert time.monotonic() - began >= 0.05
        first, second = stampede_fake.calls
        assert (first.key, second.key) == (key, key) and second.is_retry and not first.is_retry
        assert len(stampede_fake.sales.orders(7)) == 1 and order.key == key

    @pytest.mark.parametrize("executed", [False, True])
    def test_a_lost_session_costs_nothing_but_time(
        self, stampede_fake: FakeServer, client: Client, executed: bool
    ) -> None:
        stampede_fake.sales.add(7)
        stampede_fake.lose_session("order.place", executed=executed)
        order = client.place_order(7, 42, key=RequestKey.random())
        assert [one["order"] for one in stampede_fake.sales.orders(7)] == [order.id]

    def test_an_unknown_outcome_is_settled(self, stampede_fake: FakeServer, client: Client) -> None:
        stampede_fake.sales.add(7)
        stampede_fake.drop_answer("order.place")
        key = RequestKey.random()
        with pytest.raises(CallError) as caught:
            client.place_order(7, 42, key=key, options=CallOptions(deadline=0.2))
        assert caught.value.may_have_run and caught.value.request_key == key
        assert client.settle_order(7, 42, key=key).order is not None

    def test_another_broker_takes_over(self, fake_pair: FakeServer) -> None:
        fake_pair.sales.add(7, units=1000, limit=1000)
        with Client(fake_pair.endpoints) as client:
            for number in range(20):
                if number == 5:
                    fake_pair.stop_broker(0)
                if number == 15:
                    fake_pair.start_broker(0)
                client.place_order(7, 42, key=RequestKey.random())
        assert len(fake_pair.sales.orders(7)) == 20

    def test_a_frozen_broker_is_given_up_after_silence(self, fake_pair: FakeServer) -> None:
        fake_pair.sales.add(7)
        settings = Settings(ping_interval=0.1, silence_limit=0.3)
        with Client(fake_pair.endpoints, settings=settings) as client:
            client.get_sale(7), client.get_sale(7)
            fake_pair.freeze_broker(0)
            for _ in range(2):
                client.place_order(7, 1, key=RequestKey.random(), options=CallOptions(deadline=3))
        assert len(fake_pair.sales.orders(7)) == 2

    def test_a_broker_that_goes_away_gets_no_more_calls(self, fake_pair: FakeServer) -> None:
        fake_pair.sales.add(7)
        with Client(fake_pair.endpoints) as client:
            for _ in range(4):
                client.get_sale(7)
            fake_pair.go_away(0, retry_after=5)
            client.get_sale(7, options=CallOptions(broker=1))
            fake_pair.calls.clear()
            with pytest.raises(CallError):
                client.get_sale(7, options=CallOptions(broker=0, deadline=0.3))
            for _ in range(4):
                client.get_sale(7)
            assert {call.broker for call in fake_pair.calls} == {1}

    def test_a_slow_broker_is_hedged(self, fake_pair: FakeServer) -> None:
        fake_pair.sales.add(7)
        with Client(fake_pair.endpoints) as client:
            client.get_sale(7), client.get_sale(7)
            fake_pair.calls.clear()
            fake_pair.delay("order.place", 30)
            order = client.place_order(7, 42, key=RequestKey.random(), options=CallOptions(hedge=0.05))
            assert order.quantity == 1
            assert {call.broker for call in fake_pair.calls} == {0, 1}
            # The loser is told.
            fake_pair.wait_for(lambda: fake_pair.cancels == 1)

    def test_a_refusal_says_when_to_come_back(self, stampede_fake: FakeServer, client: Client) -> None:
        stampede_fake.refuse(
            "order.place", Status.RESOURCE_EXHAUSTED, Reason.OVERLOADED, retry_after=60, message="Too much."
        )
        with pytest.raises(CallError, match="Too much") as caught:
            client.place_order(7, 42, key=RequestKey.random())
        assert (caught.value.retry_after, caught.value.certainty) == (60.0, Certainty.NOT_EXECUTED)

    def test_a_handler_may_refuse_or_fail(self, stampede_fake: FakeServer, client: Client) -> None:
        @stampede_fake.handler("greeter.hello")
        def hello(call: ServerCall) -> None:
            if call.body["name"] == "Bob":
                raise Refusal(Status.PERMISSION_DENIED, message="Not Bob.")
            raise KeyError("oops")

        with pytest.raises(CallError, match="Not Bob"):
            client.call("greeter.hello", {"name": "Bob"})
        with pytest.raises(CallError, match="oops") as caught:
            client.call("greeter.hello", {"name": "Ann"})
        assert caught.value.status is Status.UNKNOWN

    def test_pings_of_the_broker_are_answered(self, stampede_fake: FakeServer, client: Client) -> None:
        client.check_health()
        stampede_fake.ping_clients()
        stampede_fake.wait_for(lambda: stampede_fake.pongs() == 1)


class TestLife:
    def test_a_closed_client_refuses_and_may_be_closed_again(self, stampede_fake: FakeServer) -> None:
        client = Client(stampede_fake.endpoints)
        client.close()
        client.close()
        with pytest.raises(CallError, match="closed") as caught:
            client.get_sale(7)
        assert caught.value.certainty is Certainty.NOT_EXECUTED

    def test_closing_ends_what_others_wait_for(self, stampede_fake: FakeServer) -> None:
        stampede_fake.delay("sale.get", 30, times=None)
        client = Client(stampede_fake.endpoints)
        errors: list[CallError] = []

        def wait() -> None:
            with pytest.raises(CallError) as caught:
                client.get_sale(7)
            errors.append(caught.value)

        threads = [threading.Thread(target=wait) for _ in range(3)]
        for thread in threads:
            thread.start()
        stampede_fake.wait_for(lambda: len(stampede_fake.calls) == 3)
        client.close()
        for thread in threads:
            thread.join(5)
        assert [error.may_have_run for error in errors] == [True] * 3

    def test_a_forgotten_client_ends_its_thread(self, stampede_fake: FakeServer) -> None:
        client = Client(stampede_fake.endpoints)
        client.check_health()
        thread = client._shell._thread
        del client
        gc.collect()
        thread.join(5)
        assert not thread.is_alive()

    def test_many_threads_share_a_client(self, stampede_fake: FakeServer, client: Client) -> None:
        stampede_fake.sales.add(7, units=100, limit=100)

        def buy() -> None:
            for _ in range(10):
                client.place_order(7, 42, key=RequestKey.random())

        threads = [threading.Thread(target=buy) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert stampede_fake.sales.left(7) == 0

    @pytest.mark.parametrize(
        "brokers",
        [
            [],
            ["http://x"],
            ["tcp://x"],
            ["tcp://x:0"],
            ["tcp://:1"],
            ["ipc://"],
            ["ipc://" + "x" * 108],
            "ipc://x",
        ],
    )
    def test_what_is_no_endpoint_is_refused(self, brokers: list[str]) -> None:
        for kind in (Client, AsyncClient):
            with pytest.raises(ValueError):
                kind(brokers)

    def test_an_error_can_be_pickled_and_says_what_to_do(self) -> None:
        key = RequestKey.random()
        error = CallError(
            Status.UNAVAILABLE, Certainty.MAYBE_EXECUTED, Reason.OWNER_LOST, "Lost.", retry_after=0.5,
            request_key=key,
        )  # fmt: skip
        again = pickle.loads(pickle.dumps(error))
        assert (again.request_key, again.retry_after, str(again)) == (key, 0.5, str(error))
        assert str(error) == "Lost. (UNAVAILABLE, OWNER_LOST, MAYBE_EXECUTED)"

    def test_both_clients_have_the_same_methods(self) -> None:
        def names(kind: type) -> set[str]:
            return {name for name in vars(kind) if not name.startswith("_")}

        # The context manager of a lock rests on a thread; tasks have acquire, extend and release.
        assert names(Client) - {"lock"} == names(AsyncClient)


class TestInterceptors:
    def test_they_see_every_call_and_may_add_metadata(self, stampede_fake: FakeServer) -> None:
        seen: list[tuple[str, CallOutcome]] = []

        def tenant(call: CallContext) -> None:
            call.metadata["tenant"] = "blue"

        stampede_fake.sales.add(7)
        metrics = measure_calls(lambda method, outcome: seen.append((method, outcome)))
        with Client(stampede_fake.endpoints, interceptors=[tenant, metrics]) as client:
            client.get_sale(7)
            with pytest.raises(CallError):
                client.get_sale(8)
            with client.watch_health("order") as watch:
                next(watch)
        stampede_fake.wait_for(lambda: len(seen) == 3)
        assert [(method, outcome.status) for method, outcome in seen] == [
            ("sale.get", Status.OK), ("sale.get", Status.NOT_FOUND), ("health.watch", Status.CANCELLED),
        ]  # fmt: skip
        assert seen[0][1].attempts == 1 and 0 < seen[0][1].seconds < 5
        assert {call.metadata["tenant"] for call in stampede_fake.calls} == {"blue"}

    def test_they_may_refuse(self, stampede_fake: FakeServer) -> None:
        outcomes: list[CallOutcome] = []

        def refuse(call: CallContext) -> None:
            raise PermissionError(call.method)

        first = measure_calls(lambda method, outcome: outcomes.append(outcome))
        with Client(stampede_fake.endpoints, interceptors=[first, refuse]) as client:
            with pytest.raises(PermissionError):
                client.get_sale(7)
        assert outcomes[0].status is Status.CANCELLED and stampede_fake.calls == []

    def test_one_that_fails_at_the_end_changes_nothing(
        self, stampede_fake: FakeServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(method: str, outcome: CallOutcome) -> None:
            raise RuntimeError(method)

        stampede_fake.sales.add(7)
        with Client(stampede_fake.endpoints, interceptors=[measure_calls(broken)]) as client:
            with client.watch_health() as watch:
                next(watch)
            assert client.get_sale(7).left == 10
        assert "An interceptor failed" in caplog.text

    def test_calls_are_logged(self, stampede_fake: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
        stampede_fake.sales.add(7)
        stampede_fake.drop_answer("order.place")
        key = RequestKey.random()
        with (
            caplog.at_level(logging.INFO),
            Client(stampede_fake.endpoints, interceptors=[log_calls()]) as client,
        ):
            client.get_sale(7)
            with pytest.raises(CallError):
                client.place_order(7, 1, key=key, options=CallOptions(deadline=0.1))
        assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
        assert "sale.get OK" in caplog.messages[0] and str(key) in caplog.messages[1]

    def test_a_trace_goes_on_in_the_calls(self, stampede_fake: FakeServer) -> None:
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
        with Client(stampede_fake.endpoints, interceptors=[trace_calls(opentelemetry=False)]) as client:
            with continue_trace(parent):
                client.check_health()
            with continue_trace("nonsense"):
                client.check_health()
            client.check_health()
        one, two, three = (str(call.metadata["traceparent"]) for call in stampede_fake.calls)
        assert one[:36] == parent[:36] and one.endswith("-00") and one[36:52] != parent[36:52]
        assert two[3:35] != three[3:35] and len(two) == len(three) == 55

    def test_with_opentelemetry_each_call_is_a_span(self, stampede_fake: FakeServer) -> None:
        pytest.importorskip("opentelemetry.sdk.trace", reason="opentelemetry-sdk is not installed")
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        exporter, provider = InMemorySpanExporter(), TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        with Client(stampede_fake.endpoints, interceptors=[trace_calls(opentelemetry=True)]) as client:
            with trace.get_tracer("shop").start_as_current_span("checkout") as checkout:
                with pytest.raises(CallError):
                    client.get_sale(7)
        span = exporter.get_finished_spans()[0]
        assert span.name == "sale.get" and span.parent is not None
        assert span.parent.span_id == checkout.get_span_context().span_id
        assert span.attributes is not None and span.attributes["rpc.stampede.status"] == "NOT_FOUND"
        sent = str(stampede_fake.calls[0].metadata["traceparent"]).split("-")
        assert sent[1:3] == [f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"]
