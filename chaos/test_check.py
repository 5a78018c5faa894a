"""The checker finds every planted violation, and nothing in an episode that has none."""

import json

import pytest

import check
import history
import page

OFFSET = 1_000_000_000_000  # wall minus journal
SALE, LIMIT, PARTITION = 7, 2, 3


class Episode:
    """A small episode that keeps every promise: a sale of 3 units, orders of it, a fault, healing, a drain."""

    def __init__(self):
        self.records, self.ledger, self.batches = [], [], []
        self.stock, self.fence, self.window = {}, 1, {}
        self.ops = 0
        self.records.append({"e": "episode", "t": 0, "plan": "planted", "seed": 5, "ttl": 3_000_000})
        for second in range(0, 30):
            self.records.append({"e": "clock", "t": second * 1_000_000, "wall": OFFSET + second * 1_000_000})
        create = self.call(1_000, "create", quantity=3, limit=LIMIT, name="plenty 1", key="c")
        self.entry(1, 1_500, "c", 3, buyer=0)
        self.ok(create, 2_000, partition=PARTITION, added=3, left=3, orders=0)
        self.phase("clean", 10_000)
        self.first = self.order(20_000, buyer=1, key="a", quantity=2)
        self.second = self.order(40_000, buyer=2, key="b", quantity=1)
        self.refusal = self.call(3_000_000, "place", buyer=3, key="d", quantity=1)
        self.refuse(self.refusal, 3_010_000, "soldOut")
        self.look = self.call(3_100_000, "look")
        self.ok(self.look, 3_110_000, added=3, left=0, orders=2, partition=PARTITION)
        self.unknown = self.call(4_000_000, "place", buyer=4, key="e", quantity=1)
        self.end(
            self.unknown,
            4_100_000,
            how="unknown",
            status="unavailable",
            reason="ownerLost",
            certainty="maybeExecuted",
        )
        self.final = self.call(12_000_000, "final", buyer=4, key="e")
        self.entry(17, 12_001_000, "e", 0, buyer=4)
        self.ok(self.final, 12_010_000, voided=True)
        add = self.call(13_000_000, "add", quantity=1, key="f")
        self.entry(4, 13_001_000, "f", 1, buyer=0)
        self.ok(add, 13_010_000, added=4, left=1, orders=2, partition=PARTITION)
        close = self.call(13_100_000, "close", key="g", quantity=0)
        self.entry(3, 13_101_000, "g", 0, buyer=0)
        self.ok(close, 13_110_000, added=4, left=1, orders=2, partition=PARTITION)
        self.shut = self.call(13_200_000, "place", buyer=5, key="h", quantity=1)
        self.refuse(self.shut, 13_210_000, "closed")
        reopen = self.call(13_300_000, "open", key="i", quantity=0)
        self.entry(2, 13_301_000, "i", 0, buyer=0)
        self.ok(reopen, 13_310_000, added=4, left=1, orders=2, partition=PARTITION)
        self.phase("quiet", 14_000_000)
        self.drain = self.order(15_000_000, buyer=99, key="j", quantity=1, call="drain")
        self.more = self.call(15_100_000, "one-more", buyer=98, key="k", quantity=1)
        self.refuse(self.more, 15_110_000, "soldOut")
        self.phase("end", 20_000_000)

    def phase(self, name, t):
        self.records.append({"e": "phase", "name": name, "t": t})

    def call(self, t, call, **fields):
        self.ops += 1
        self.records.append({
            "e": "invoke", "t": t, "op": self.ops, "call": call, "sale": SALE, "intended": t,
            "deadline": 5_000_000, "attempts": 1, **fields,
        })  # fmt: skip
        return self.ops

    def end(self, op, t, **fields):
        self.records.append({"e": "end", "t": t, "op": op, **fields})

    def ok(self, op, t, **fields):
        self.end(op, t, how="ok", **fields)

    def refuse(self, op, t, reason, certainty="executed", status="failedPrecondition"):
        self.end(op, t, how="refused", reason=reason, certainty=certainty, status=status)

    def entry(self, kind, t, key, quantity, buyer, amount=0):
        seq = len(self.ledger) + 1
        at = OFFSET + t
        if kind == history.CREATED:
            self.window = {"opens": at}
        elif kind == history.OPENED:
            # As the system does it: what was open once keeps that opening.
            self.window = {"opens": min(self.window["opens"], at)}
        elif kind == history.CLOSED:
            self.window = {"opens": self.window["opens"], "closes": at}
        changes = kind in (history.CREATED, history.OPENED, history.CLOSED)
        terms = json.dumps({"name": "plenty 1", "limit": LIMIT, **self.window}) if changes else ""
        self.ledger.append({
            "seq": seq, "sale": SALE, "buyer": buyer, "amount": amount, "at": at, "key": key,
            "quantity": quantity, "partition": PARTITION, "kind": kind, "lane": 0, "terms": terms,
        })  # fmt: skip
        self.batches.append({
            "partition": PARTITION, "batch": seq, "fence": self.fence, "first": seq, "last": seq, "at": OFFSET + t + 100,
        })  # fmt: skip
        return f"{PARTITION}-{seq}"

    def order(self, t, buyer, key, quantity, call="place"):
        op = self.call(t, call, buyer=buyer, key=key, quantity=quantity)
        name = self.entry(16, t + 1_000, key, quantity, buyer, amount=100 * quantity)
        self.ok(
            op,
            t + 2_000,
            order=name,
            buyer=buyer,
            sale=SALE,
            key=key,
            quantity=quantity,
            amount=100 * quantity,
        )
        return op

    def terms(self, row, **fields):
        """Writes other terms into a row of the ledger."""
        row["terms"] = json.dumps({**json.loads(row["terms"]), **fields})

    def changes(self, kind):
        """The ledger's rows of that kind."""
        return [row for row in self.ledger if row["kind"] == kind]

    def invoke(self, op):
        return next(r for r in self.records if r["e"] == "invoke" and r["op"] == op)

    def answer(self, op):
        return next(r for r in self.records if r["e"] == "end" and r["op"] == op)

    def fault(self, **fields):
        self.records += [
            {"e": "fault", "t": 3_500_000, "fault": 1, "nemesis": "kill", "targets": "worker-1",
             "partitions": [PARTITION], "expect": "promises", "from_healing": False, **fields},
            {"e": "healing", "t": 5_000_000, "fault": 1},
            {"e": "healed", "t": 5_000_000, "fault": 1, "felt": True, "evidence": "it died"},
        ]  # fmt: skip

    def judge(self):
        left = sum(r["quantity"] * (-1 if r["kind"] == 16 else 1) for r in self.ledger if r["kind"] in (1, 4, 16))
        last = self.batches[-1]
        partitions = [{
            "partition": PARTITION, "fence": last["fence"], "batch": last["batch"], "last": last["last"], "backend": 0,
        }]  # fmt: skip
        stock = [{"sale": SALE, "lane": 0, "partition": PARTITION, "remaining": self.stock.get("left", left)}]
        calls = history.History(json.dumps(record) for record in self.records)
        return check.judge(calls, history.Ledger(self.ledger, self.batches, partitions, stock)), calls


def broken(episode):
    verdict, _ = episode.judge()
    return {(row["promise"], row["sentence"].split(",")[0][:40]) for row in verdict["rows"] if row["violations"]}


def promises(episode):
    return {promise for promise, _ in broken(episode)}


def test_an_episode_without_a_violation_has_none():
    verdict, _ = Episode().judge()
    assert [row for row in verdict["rows"] if row["violations"]] == []
    assert [row["promise"] for row in verdict["rows"] if row["checked"] == 0] == []
    assert {row["promise"] for row in verdict["rows"]} == {f"P{n}" for n in range(1, 9)}


def oversold(e):
    e.ledger[1]["quantity"] = 5


def stock_that_lost_a_unit(e):
    e.stock["left"] = -1


def promised_twice(e):
    """The very unit is promised to somebody whose order never came to the ledger."""
    op = e.call(5_000_000, "place", buyer=8, key="x", quantity=3)
    e.ok(op, 5_001_000, order="3-77", buyer=8, sale=SALE, key="x", quantity=3, amount=300)


def lost_yes(e):
    e.answer(e.first)["order"] = "3-999"


def altered_order(e):
    e.ledger[1]["amount"] += 1


def answer_to_another_request(e):
    e.answer(e.first)["buyer"] = 6


def look_at_what_never_was(e):
    e.answer(e.look)["left"] = 1


def stale_look(e):
    e.answer(e.look).update(left=3, orders=0)


def second_order_for_a_key(e):
    e.order(5_000_000, buyer=1, key="a", quantity=2)


def key_used_for_other_content(e):
    again = e.call(6_000_000, "repeat", buyer=1, key="a", quantity=1)
    e.ok(
        again,
        6_001_000,
        **{k: e.answer(e.first)[k] for k in ("order", "buyer", "sale", "key", "quantity", "amount")},
    )


def phantom_order(e):
    e.entry(16, 15_050_000, "z", 1, buyer=77)


def refused_and_yet_placed(e):
    e.entry(16, 15_050_000, "d", 1, buyer=3)


def voided_and_yet_placed(e):
    e.entry(16, 15_050_000, "e", 1, buyer=4)


def over_the_limit(e):
    e.invoke(1)["limit"] = 1


def sold_before_opening(e):
    window = {"opens": OFFSET + 30_000, "closes": OFFSET + 99_000_000}
    e.invoke(1).update(window)
    e.terms(e.ledger[0], **window)


def sold_after_closing(e):
    e.entry(3, 15_200_000, "y", 0, buyer=0)
    e.order(15_300_000, buyer=55, key="w", quantity=1)


def sold_while_closed_and_written_after_it(e):
    """The sale is open again, and was opened long ago: only the moment of its last opening tells."""
    e.order(13_400_000, buyer=56, key="v", quantity=1)
    e.ledger[-1]["at"] = OFFSET + 12_500_000
    e.changes(history.CLOSED)[0]["at"] = OFFSET + 12_000_000
    e.terms(e.changes(history.CLOSED)[0], closes=OFFSET + 12_000_000)


def sold_before_its_sale_was_there(e):
    e.ledger[0]["terms"] = ""


def written_too_late(e):
    for row in e.ledger[:2]:
        row["at"] -= 6_000_000
    e.terms(e.ledger[0], opens=e.ledger[0]["at"])


def window_that_nobody_asked_for(e):
    e.terms(e.ledger[0], closes=OFFSET + 99_000_000)


def closing_that_leaves_it_open(e):
    e.terms(e.changes(history.CLOSED)[0], closes=OFFSET + 99_000_000)


def opening_that_leaves_it_closed(e):
    e.terms(e.changes(history.OPENED)[0], closes=OFFSET + 13_200_000)


def opening_at_another_time(e):
    e.terms(e.changes(history.OPENED)[0], opens=OFFSET + 5_000_000)


def opening_that_waits(e):
    window = {"opens": OFFSET + 14_000_000, "closes": OFFSET + 99_000_000}
    for row in (e.ledger[0], *e.changes(history.OPENED)):
        e.terms(row, **window)
    # Nothing between them that would be wrong by itself.
    e.changes(history.CLOSED)[0].update(kind=history.ADDED, terms="")
    e.invoke(1).update(window)


def opening_without_a_window(e):
    e.changes(history.OPENED)[0]["terms"] = ""


def units_that_change_the_window(e):
    e.changes(history.ADDED)[0]["terms"] = e.ledger[0]["terms"]


def yes_while_closed(e):
    e.answer(e.shut).update(how="ok", order="3-2", buyer=5, sale=SALE, key="h", quantity=1, amount=100)


def fence_went_back(e):
    e.batches[0]["fence"] = 2


def batch_missing(e):
    del e.batches[2]


def entry_missing(e):
    del e.ledger[3]


def sold_out_with_units_left(e):
    """Said before the second order has taken the last unit."""
    e.invoke(e.refusal)["t"], e.answer(e.refusal)["t"] = 25_000, 30_000


def undersold(e):
    e.refuse(e.call(13_500_000, "place", buyer=31, key="l", quantity=1), 14_500_000, "soldOut")
    e.invoke(e.ops)["t"] = 14_400_000


def drain_refused(e):
    answer = e.answer(e.drain)
    answer.update(how="refused", reason="noOwner", certainty="notExecuted", status="unavailable")


def one_more_than_nothing(e):
    e.answer(e.more).update(reason="noOwner")


def never_ended(e):
    e.records.remove(e.answer(e.refusal))


def ended_twice(e):
    e.refuse(e.refusal, 3_020_000, "soldOut")


def ended_late(e):
    e.answer(e.refusal)["t"] += 5_300_000


def unknown_for_ever(e):
    e.answer(e.final).update(how="unknown", certainty="maybeExecuted", reason="ownerLost", status="unavailable")
    e.ledger[3]["key"] = "other"


@pytest.mark.parametrize(
    ("plant", "promise"),
    [
        (oversold, "P1"), (stock_that_lost_a_unit, "P1"), (promised_twice, "P1"),
        (lost_yes, "P2"), (altered_order, "P2"), (answer_to_another_request, "P2"),
        (look_at_what_never_was, "P2"), (stale_look, "P2"),
        (second_order_for_a_key, "P3"), (key_used_for_other_content, "P3"), (phantom_order, "P3"),
        (refused_and_yet_placed, "P3"), (voided_and_yet_placed, "P3"),
        (over_the_limit, "P4"),
        (sold_before_opening, "P5"), (sold_after_closing, "P5"), (sold_while_closed_and_written_after_it, "P5"),
        (sold_before_its_sale_was_there, "P5"), (written_too_late, "P5"), (yes_while_closed, "P5"),
        (window_that_nobody_asked_for, "P5"),
        (fence_went_back, "P6"), (batch_missing, "P6"), (entry_missing, "P6"),
        (sold_out_with_units_left, "P7"), (undersold, "P7"), (drain_refused, "P7"), (one_more_than_nothing, "P7"),
        (never_ended, "P8"), (ended_twice, "P8"), (ended_late, "P8"), (unknown_for_ever, "P8"),
    ],
)  # fmt: skip
def test_a_planted_violation_is_found(plant, promise):
    episode = Episode()
    plant(episode)
    assert promise in promises(episode)


@pytest.mark.parametrize(
    "plant",
    [
        window_that_nobody_asked_for, closing_that_leaves_it_open, opening_that_leaves_it_closed,
        opening_at_another_time, opening_that_waits, opening_without_a_window, units_that_change_the_window,
    ],
)  # fmt: skip
def test_a_change_of_a_window_that_is_not_as_its_caller_wanted_is_found(plant):
    episode = Episode()
    plant(episode)
    assert ("P5", "every window in the ledger is the one th") in broken(episode)


def test_every_check_of_a_promise_is_proved_by_some_plant():
    plants = next(m for m in test_a_planted_violation_is_found.pytestmark if m.name == "parametrize").args[1]
    found = set()
    for plant, _ in plants:
        episode = Episode()
        plant(episode)
        found |= broken(episode)
    verdict, _ = Episode().judge()
    assert {(row["promise"], row["sentence"].split(",")[0][:40]) for row in verdict["rows"]} == found


def test_too_little_load_before_a_fault_makes_the_episode_invalid():
    episode = Episode()
    episode.fault()
    verdict, _ = episode.judge()
    assert any("at least 500 are needed" in why for why in verdict["invalid"])


def test_a_fault_that_was_not_felt_makes_the_episode_invalid():
    episode = Episode()
    episode.fault()
    episode.records[-1]["felt"] = False
    verdict, _ = episode.judge()
    assert any("was not felt" in why for why in verdict["invalid"])


def test_a_recovery_that_never_came_is_told():
    episode = Episode()
    episode.fault(recovery=4_000_000)
    assert "recovery" in promises(episode)


def test_a_failed_request_breaks_a_hand_over_without_failures():
    episode = Episode()
    episode.fault(expect="no-failures")
    assert "hand-over" in promises(episode)


def test_a_disk_that_stood_still_is_not_held_against_a_hand_over():
    episode = Episode()
    episode.answer(episode.unknown).update(how="refused", reason="ledgerUnavailable", certainty="notExecuted")
    episode.fault(expect="no-failures")
    assert "hand-over" in promises(episode)
    episode.records.append({"e": "sync", "t": 4_200_000, "took": 900_000})
    verdict, _ = episode.judge()
    assert "hand-over" not in promises(episode)
    assert any("disk stood still for 900 ms" in why for why in verdict["invalid"])


def without_a_quorum(**fields):
    """An episode whose fault lasts from 3.5 s to 14 s and wants every order refused from 7.5 s on."""
    episode = Episode()
    episode.fault(expect="refusals", **fields)
    episode.records[-2]["t"] = episode.records[-1]["t"] = 14_000_000
    return episode


def refusal_at_the_broker(e, t, answered, **fields):
    op = e.call(t, "place", buyer=66, key=f"q{t}", quantity=1, **fields)
    e.refuse(op, answered, "noOwner", "notExecuted", "unavailable")
    return op


def unknown_at(e, t, answered, reason, status="unavailable", **fields):
    op = e.call(t, "place", buyer=67, key=f"u{t}", quantity=1, **fields)
    e.end(op, answered, how="unknown", status=status, reason=reason, certainty="maybeExecuted")
    return op


def test_refusals_without_a_quorum_are_counted_and_kept():
    episode = without_a_quorum()
    refusal_at_the_broker(episode, 8_000_000, 12_000_000)
    verdict, _ = episode.judge()
    assert [(row["checked"], row["violations"]) for row in verdict["rows"] if row["promise"] == "quorum"] == [(1, 0)]
    assert not any("nobody was refused" in why for why in verdict["invalid"])


def test_a_yes_without_a_quorum_breaks_the_policy_refuse():
    episode = without_a_quorum()
    episode.order(13_600_000, buyer=66, key="q", quantity=1)
    assert "quorum" in promises(episode)


@pytest.mark.parametrize("attempts", [1, 5])
@pytest.mark.parametrize(("reason", "status"), [("ownerLost", "unavailable"), ("noOwner", "unavailable"), ("none", "deadlineExceeded")])
def test_an_unknown_outcome_without_a_quorum_breaks_the_policy_refuse(reason, status, attempts):
    episode = without_a_quorum()
    unknown_at(episode, 8_000_000, 8_400_000, reason, status, attempts=attempts)
    assert "quorum" in promises(episode)


def test_a_single_attempt_without_a_quorum_that_outlasts_its_deadline_breaks_the_policy_refuse():
    episode = without_a_quorum()
    unknown_at(episode, 8_000_000, 13_000_000, "noOwner", "deadlineExceeded")
    assert "quorum" in promises(episode)


def test_an_order_without_a_quorum_that_never_ends_breaks_the_policy_refuse():
    episode = without_a_quorum()
    episode.call(8_000_000, "place", buyer=66, key="q", quantity=1)
    assert "quorum" in promises(episode)


def test_who_tries_again_until_its_own_deadline_was_refused_before_it():
    episode = without_a_quorum()
    unknown_at(episode, 8_000_000, 13_000_000, "noOwner", "deadlineExceeded", attempts=5)
    assert "quorum" not in promises(episode)


def test_who_still_waits_when_the_quorum_is_back_may_be_served():
    episode = without_a_quorum()
    op = episode.call(12_000_000, "place", buyer=66, key="q", quantity=1)
    episode.end(op, 14_100_000, how="unknown", status="unavailable", reason="ownerLost", certainty="maybeExecuted")
    assert "quorum" not in promises(episode)


@pytest.mark.parametrize("expect", ["refusals", "fast-refusals"])
def test_an_episode_in_which_nobody_was_refused_proves_nothing(expect):
    episode = Episode()
    episode.fault(expect=expect)
    episode.records[-2]["t"] = episode.records[-1]["t"] = 14_000_000
    # A word of the sale, and a caller who heard nothing but its own deadline.
    sold_out = episode.call(8_000_000, "place", buyer=41, key="r", quantity=1)
    episode.refuse(sold_out, 8_001_000, "soldOut")
    unknown_at(episode, 8_000_000, 13_000_000, "noOwner", "deadlineExceeded", attempts=5)
    verdict, _ = episode.judge()
    assert "nobody was refused during kill of worker-1" in verdict["invalid"]


def test_a_refusal_after_the_quorum_is_back_says_nothing_of_the_time_without_it():
    episode = without_a_quorum()
    refusal_at_the_broker(episode, 12_000_000, 14_100_000)
    verdict, _ = episode.judge()
    assert "nobody was refused during kill of worker-1" in verdict["invalid"]


def without_postgres(**fields):
    """An episode whose fault lasts from 3.5 s to 5 s and wants everybody refused fast from 4.5 s on."""
    episode = Episode()
    episode.fault(expect="fast-refusals", **fields)
    op = episode.call(4_550_000, "place", buyer=40, key="p", quantity=1)
    episode.refuse(op, 4_552_000, "ledgerUnavailable", "notExecuted", "unavailable")
    return episode


def refused_fast(episode):
    """How many single attempts were looked at, and how many of them were not answered as they must."""
    verdict, _ = episode.judge()
    return next((r["checked"], r["violations"]) for r in verdict["rows"] if r["sentence"].startswith("while Postgres"))


def slow_refusal(e):
    op = e.call(4_600_000, "place", buyer=41, key="r", quantity=1)
    e.refuse(op, 4_700_000, "ledgerUnavailable", "notExecuted", "unavailable")


def slow_word_of_the_sale(e):
    e.refuse(e.call(4_600_000, "place", buyer=41, key="r", quantity=1), 4_700_000, "soldOut")


def fast_unknown(e):
    unknown_at(e, 4_600_000, 4_601_000, "ownerLost")


def refusal_of_what_was_executed(e):
    e.refuse(e.call(4_600_000, "place", buyer=41, key="r", quantity=1), 4_601_000, "none", status="internal")


def slow_unknown(e):
    unknown_at(e, 4_600_000, 9_600_000, "none", "deadlineExceeded")


def no_answer(e):
    e.call(4_600_000, "place", buyer=41, key="r", quantity=1)


def yes_without_ledger(e):
    e.order(4_600_000, buyer=41, key="r", quantity=1)


def yes_that_came_late(e):
    e.order(4_990_000, buyer=41, key="r", quantity=1)
    e.answer(e.ops)["t"] = 5_200_000


@pytest.mark.parametrize(
    "plant",
    [
        slow_refusal,
        slow_word_of_the_sale,
        refusal_of_what_was_executed,
        fast_unknown,
        slow_unknown,
        no_answer,
        yes_without_ledger,
        yes_that_came_late,
    ],
)
def test_whatever_is_no_fast_refusal_without_postgres_is_told(plant):
    episode = without_postgres()
    assert refused_fast(episode) == (1, 0)
    plant(episode)
    assert refused_fast(episode) == (2, 1)


def test_what_can_be_answered_without_postgres_is_no_violation():
    episode = without_postgres()
    episode.refuse(episode.call(4_600_000, "place", buyer=41, key="r", quantity=1), 4_601_000, "soldOut")
    look = episode.call(4_600_000, "look")
    episode.ok(look, 4_601_000, added=3, left=0, orders=2, partition=PARTITION)
    # Postgres is back.
    episode.order(4_999_000, buyer=42, key="s", quantity=1)
    # Several attempts may take their time.
    unknown_at(episode, 4_600_000, 9_600_000, "none", "deadlineExceeded", attempts=5)
    assert refused_fast(episode) == (4, 0)
    verdict, _ = episode.judge()
    assert not any("nobody was refused" in why for why in verdict["invalid"])


def test_a_plan_says_from_when_on_its_expectation_holds():
    episode = without_postgres(expect_from=1_050_000)
    assert refused_fast(episode) == (1, 0)
    slow_refusal(episode)
    assert refused_fast(episode) == (2, 1)
    episode = without_postgres(expect_from=1_200_000)
    slow_refusal(episode)
    assert refused_fast(episode) == (0, 0)


def late_calls(episode, by):
    for op in range(1, episode.ops + 1):
        episode.invoke(op)["intended"] -= by
    return [why for why in episode.judge()[0]["invalid"] if "too busy" in why]


def test_a_machine_too_busy_to_judge_time_makes_the_episode_invalid():
    assert late_calls(Episode(), by=62_500) == []
    assert any("250 ms" in why for why in late_calls(Episode(), by=62_501))
    episode = Episode()
    episode.fault()
    assert late_calls(episode, by=62_500) == []
    assert late_calls(without_postgres(), by=12_500) == []
    assert any("50 ms are allowed" in why for why in late_calls(without_postgres(), by=12_501))


def test_a_busy_machine_widens_limits_of_time_and_nothing_else():
    episode = Episode()
    episode.fault(expect="fast-refusals")
    for op in range(1, episode.ops + 1):
        episode.invoke(op)["intended"] -= 20_000
    slow = episode.call(4_600_000, "place", buyer=41, key="r", quantity=1)
    episode.refuse(slow, 4_700_000, "ledgerUnavailable", "notExecuted", "unavailable")
    verdict, _ = episode.judge()
    assert verdict["lateness"] == 20
    assert not any("100.0 ms" in example for row in verdict["rows"] for example in row["examples"])
    oversold(episode)
    assert "P1" in promises(episode)


def end_while_the_harness_is_behind(episode, by, arrival):
    """A request that overruns its deadline by 60 ms more than it may, and a call that began late at that time."""
    ended_late(episode)
    episode.answer(episode.refusal)["t"] += by
    end = episode.answer(episode.refusal)["t"]
    op = episode.call(end + 20_000, "look")
    episode.invoke(op)["intended"] = end - arrival
    episode.ok(op, end + 30_000, added=3, left=0, orders=2, partition=PARTITION)
    # Those that say that the harness was late only then.
    for number in range(200):
        episode.ok(episode.call(10_000_000 + number, "look"), 10_001_000, added=3, left=0, orders=2, partition=PARTITION)


def test_an_end_that_a_late_harness_wrote_down_late_is_no_violation():
    episode = Episode()
    end_while_the_harness_is_behind(episode, by=0, arrival=80_000)
    assert "P8" not in promises(episode)
    assert not any("too busy" in why for why in episode.judge()[0]["invalid"])


def test_an_end_is_late_when_the_harness_was_not_as_late():
    episode = Episode()
    end_while_the_harness_is_behind(episode, by=0, arrival=30_000)
    assert "P8" in promises(episode)


def test_a_harness_too_late_to_judge_an_end_makes_the_episode_invalid():
    episode = Episode()
    end_while_the_harness_is_behind(episode, by=300_000, arrival=500_000)
    assert "P8" not in promises(episode)
    assert any("360 ms too late to judge" in why for why in episode.judge()[0]["invalid"])


def test_the_page_is_complete_in_itself():
    episode = Episode()
    episode.fault()
    verdict, calls = episode.judge()
    text = page.page(calls, verdict)
    assert "<svg" in text and "kill: worker-1" in text and "planted" in text
    assert "http" not in text and "src=" not in text


def test_the_page_escapes_what_it_is_told():
    episode = Episode()
    episode.records[0]["plan"] = "<script>"
    verdict, calls = episode.judge()
    assert "<script>" not in page.page(calls, verdict).split("<script>\nconst")[0]
