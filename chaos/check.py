"""Judges an episode of `stampede chaos` by what its callers were told and what the ledger holds.

Shares no code with the system. Reads, in one folder, journal.jsonl (every call before it began and when it had
ended, and every fault) and the ledger's tables as CSV; writes verdict.json and page.html beside them.

    python3 check.py FOLDER

Times are microseconds: `t` since the episode began, on the machine's monotonic clock; `at` in the ledger since
1970. The promises P1 to P8 are those of docs/safety.md, the invariants I1 to I14 are described in docs/chaos.md.
"""

import bisect
import collections
import csv
import json
import pathlib
import sys

SECOND = 1_000_000
# A verdict on a system at rest says little: etcd's robustness tests reject such runs, too.
LEAST_RATE = 500
# What the caller's own scheduling may add to a deadline.
DEADLINE_SLACK = SECOND // 4
# A call passes four processes and back. How late the harness's own calls begin tells how late each of them may be
# woken up on a machine that is busy with other things; on a quiet one this is a few milliseconds.
WAKE_UPS = 4
# P5: the error that a worker may assume of the ledger's clock.
CLOCK_ERROR = SECOND // 10
# P7: how old a "sold out" may be.
OLDEST_NO = SECOND
FAST_REFUSAL = 50_000
BACK_AFTER_POSTGRES = 3 * SECOND
EXAMPLES = 5

CREATED, OPENED, CLOSED, ADDED, PLACED, VOIDED = 1, 2, 3, 4, 16, 17
ORDERING = {"place", "repeat", "many", "drain", "one-more"}
LOAD = {"place", "repeat", "many", "settle", "look", "open", "close", "add"}
# Refusals in the words of the sale; any other refusal is a request that failed.
BUSINESS = {
    "soldOut", "notEnough", "overLimit", "notYetOpen", "closed", "unknownSale", "unknownOrder", "keyReused",
    "keyVoided", "saleExists", "badQuantity", "badField", "splitSale",
}  # fmt: skip


class Op:
    """One call, or one order of a call of several."""

    def __init__(self, invoke):
        self.number = invoke["op"]
        self.call = invoke["call"]
        self.sale = invoke["sale"]
        self.buyer = invoke.get("buyer")
        self.key = invoke.get("key")
        self.quantity = invoke.get("quantity")
        self.begin = invoke["t"]
        self.intended = invoke["intended"]
        self.deadline = invoke["deadline"]
        self.attempts = invoke["attempts"]
        self.invoke = invoke
        self.answer = None
        self.ends = 0

    @property
    def end(self):
        return self.answer["t"] if self.answer else None

    @property
    def how(self):
        return self.answer["how"] if self.answer else None

    @property
    def order(self):
        return self.answer.get("order") if self.how == "ok" else None

    @property
    def reason(self):
        return self.answer.get("reason") if self.how == "refused" else None

    @property
    def has_failed(self):
        """Neither a yes nor an answer of the sale."""
        return self.how in (None, "unknown") or (self.how == "refused" and self.reason not in BUSINESS)

    @property
    def name(self):
        return (self.sale, self.buyer, self.key)

    def __str__(self):
        answer = {k: v for k, v in (self.answer or {}).items() if k not in ("e", "op")}
        return f"op {self.number} {self.call} of sale {self.sale} at {self.begin / SECOND:.3f} s: {answer or 'no end'}"


class History:
    """The journal."""

    def __init__(self, lines):
        self.ops, self.faults, self.phases, self.clocks, self.failures = {}, {}, [], [], []
        self.processes, self.settled_open, self.left_out, self.episode = [], None, 0, {}
        for line in lines:
            record = json.loads(line)
            kind = record["e"]
            if kind == "invoke":
                self.ops[record["op"]] = Op(record)
            elif kind == "end":
                op = self.ops[record["op"]]
                op.ends += 1
                op.answer = op.answer or record
            elif kind == "fault":
                self.faults[record["fault"]] = record
            elif kind in ("injected", "healing", "healed"):
                fault = self.faults[record["fault"]]
                fault[kind] = record["t"]
                fault.update({k: record[k] for k in ("felt", "evidence") if k in record})
            elif kind == "phase":
                self.phases.append((record["name"], record["t"]))
            elif kind == "clock":
                self.clocks.append((record["t"], record["wall"]))
            elif kind == "failure":
                self.failures.append(record["message"])
            elif kind in ("started", "exited"):
                self.processes.append(record)
            elif kind == "settled":
                self.settled_open = record["open"]
            elif kind == "load":
                self.left_out = record["left_out"]
            elif kind == "episode":
                self.episode = record
        self.all = list(self.ops.values())
        self.ordering = [op for op in self.all if op.call in ORDERING]
        self.load = [op for op in self.all if op.call in LOAD]
        self.creates = {op.sale: op for op in self.all if op.call == "create"}
        offsets = [wall - t for t, wall in self.clocks] or [0]
        self.offset = sorted(offsets)[len(offsets) // 2]
        self.offset_spread = max(offsets) - min(offsets)
        self.acknowledged = self.first_yeses()
        late = sorted(op.begin - op.intended for op in self.load)
        self.lateness = late[len(late) * 99 // 100] if late else 0

    @property
    def allowance(self):
        """What is added to every limit of time."""
        return WAKE_UPS * max(0, self.lateness)

    def first_yeses(self):
        """When each order of the load was said yes to first, in order of time."""
        first = {}
        for op in self.load:
            if op.order and op.call in ORDERING:
                first[op.order] = min(first.get(op.order, op.end), op.end)
        return sorted(first.values())

    def to_journal(self, wall):
        return wall - self.offset

    def rate(self, begin, end):
        """Orders a second that were said yes to for the first time."""
        count = bisect.bisect_left(self.acknowledged, end) - bisect.bisect_left(self.acknowledged, begin)
        return count * SECOND / max(1, end - begin)

    def phase(self, name):
        return next((t for n, t in self.phases if n == name), None)


class Entry:
    def __init__(self, row):
        for name in ("seq", "sale", "buyer", "amount", "at", "quantity", "partition", "kind", "lane"):
            setattr(self, name, int(row[name]))
        self.key = row["key"]

    @property
    def change(self):
        return {PLACED: -self.quantity, ADDED: self.quantity, CREATED: self.quantity}.get(self.kind, 0)

    @property
    def id(self):
        return f"{self.partition}-{self.seq}"

    @property
    def name(self):
        return (self.sale, self.buyer, self.key)


class Ledger:
    def __init__(self, entries, batches, partitions, stock):
        self.entries = sorted((Entry(row) for row in entries), key=lambda e: (e.partition, e.seq))
        self.batches = sorted(
            ({k: int(v) for k, v in row.items()} for row in batches),
            key=lambda b: (b["partition"], b["batch"]),
        )
        self.partitions = [{k: int(v) for k, v in row.items()} for row in partitions]
        self.stock = {(int(r["sale"]), int(r["lane"])): int(r["remaining"]) for r in stock}
        self.orders = [e for e in self.entries if e.kind == PLACED]
        self.by_id = {e.id: e for e in self.entries}
        self.by_sale = collections.defaultdict(list)
        for entry in self.entries:
            self.by_sale[entry.sale].append(entry)
        self.batches_of = collections.defaultdict(list)
        for batch in self.batches:
            self.batches_of[batch["partition"]].append(batch)
        self.firsts_of = {p: [b["first"] for b in bs] for p, bs in self.batches_of.items()}

    def batch_index(self, entry):
        firsts = self.firsts_of.get(entry.partition, [])
        return bisect.bisect_right(firsts, entry.seq) - 1

    def written(self, entry):
        """The earliest and the latest moment at which the entry's transaction can have committed, since 1970.

        Its batch was stamped while its partition's row was locked, before it committed; the next batch of the
        partition was stamped after the lock was let go.
        """
        batches = self.batches_of[entry.partition]
        index = self.batch_index(entry)
        if index < 0:
            return entry.at, float("inf")
        later = batches[index + 1]["at"] if index + 1 < len(batches) else float("inf")
        return batches[index]["at"], later


class Check:
    def __init__(self, promise, sentence):
        self.promise, self.sentence = promise, sentence
        self.checked, self.violations, self.examples = 0, 0, []

    def look(self, count=1):
        self.checked += count

    def broken(self, text):
        self.violations += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(str(text)[:600])


def checks(function_list, history, ledger):
    return [check for function in function_list for check in function(history, ledger)]


def never_oversold(history, ledger):
    check = Check("P1", "units of orders and units left are the units added, at every place of the ledger")
    for sale, entries in ledger.by_sale.items():
        left = 0
        for entry in entries:
            left += entry.change
            check.look()
            if left < 0:
                check.broken(f"entry {entry.id} leaves {left} units of sale {sale}")
        if left != ledger.stock.get((sale, 0)):
            check.broken(f"sale {sale}: {left} left by its entries, {ledger.stock.get((sale, 0))} in stock")
    for sale, _ in ledger.stock:
        if sale not in ledger.by_sale:
            check.broken(f"sale {sale} has stock and no entry")
    yield check

    told = Check("P1", "callers were promised no more units than were ever added")
    sold, seen = collections.Counter(), set()
    for op in history.all:
        if op.order and op.order not in seen:
            seen.add(op.order)
            sold[op.sale] += op.answer["quantity"]
    for sale, create in history.creates.items():
        adds = [op for op in history.all if op.call == "add" and op.sale == sale and op.how in ("ok", "unknown")]
        told.look()
        most = create.quantity + sum(op.quantity for op in adds)
        if sold[sale] > most:
            told.broken(f"sale {sale}: {sold[sale]} units promised, {most} added")
    yield told


def yes_is_durable(history, ledger):
    check = Check("P2", "every order that was said yes to is in the ledger, unaltered")
    for op in history.all:
        if not op.order:
            continue
        check.look()
        entry, answer = ledger.by_id.get(op.order), op.answer
        told = (op.sale, op.buyer, op.key, answer["quantity"], answer["amount"])
        if (answer["sale"], answer["buyer"], answer["key"]) != op.name:
            check.broken(f"{op} answers another request")
        elif entry is None or entry.kind != PLACED:
            check.broken(f"{op} names an order that is not in the ledger")
        elif (entry.sale, entry.buyer, entry.key, entry.quantity, entry.amount) != told:
            check.broken(f"{op} differs from the ledger's entry")
    yield check

    reads = Check("P2", "every look-up shows a state that the ledger had, with all that was said yes to a second before")
    for sale, entries in ledger.by_sale.items():
        places, added, left, orders = collections.defaultdict(list), 0, 0, 0
        index_of = {}
        for index, entry in enumerate(entries):
            left += entry.change
            added += entry.change if entry.kind in (CREATED, ADDED) else 0
            orders += entry.kind == PLACED
            places[(added, left, orders)].append(index)
            index_of[entry.id] = index
        yeses = sorted((op.end, index_of.get(op.order, -1)) for op in history.all if op.order and op.sale == sale)
        newest, most = [], -1
        for _, index in yeses:
            most = max(most, index)
            newest.append(most)
        for op in history.all:
            if op.call != "look" or op.how != "ok" or op.sale != sale:
                continue
            reads.look()
            found = places.get((op.answer["added"], op.answer["left"], op.answer["orders"]))
            before = bisect.bisect_left(yeses, (op.begin - OLDEST_NO, -1)) - 1
            if not found:
                reads.broken(f"{op} shows what never was")
            elif before >= 0 and found[-1] < newest[before]:
                reads.broken(f"{op} lacks an order that was said yes to a second before")
    yield reads


def one_key_one_order(history, ledger):
    keys = Check("P3", "one key has at most one order, and every yes for it names that order")
    orders = collections.defaultdict(set)
    for entry in ledger.orders:
        orders[entry.name].add(entry.id)
    for op in history.all:
        if op.order:
            orders[op.name].add(op.order)
    for name, ids in orders.items():
        keys.look()
        if len(ids) > 1:
            keys.broken(f"key {name[2]} of buyer {name[1]} has orders {sorted(ids)}")
    for op in history.ordering:
        if op.order and op.answer["quantity"] != op.quantity:
            keys.broken(f"{op} was asked for {op.quantity}: a key was used again with other content")
    yield keys

    phantom = Check("P3", "every order of the ledger was asked for, just so")
    asked = {(op.name, op.quantity) for op in history.ordering}
    for entry in ledger.orders:
        phantom.look()
        if (entry.name, entry.quantity) not in asked:
            phantom.broken(f"order {entry.id} of buyer {entry.buyer}, key {entry.key}, was never asked for")
    yield phantom

    refused = Check("P3", "a definite refusal, or a key settled as void, never produced an order")
    attempts = collections.defaultdict(list)
    for op in history.ordering:
        attempts[op.name].append(op)
    voided = {op.name: op for op in history.all if op.how == "ok" and op.answer.get("voided")}
    placed = {entry.name: entry for entry in ledger.orders}
    for name, ops in attempts.items():
        if all(op.how == "refused" for op in ops):
            refused.look()
            if name in placed:
                refused.broken(f"{ops[0]}, and yet there is order {placed[name].id}")
    for name, op in voided.items():
        refused.look()
        if name in placed:
            refused.broken(f"{op}, and yet there is order {placed[name].id}")
    yield refused


def the_limit_holds(history, ledger):
    check = Check("P4", "no buyer has more units than the sale allows")
    held = collections.Counter()
    for entry in ledger.orders:
        held[entry.sale, entry.buyer] += entry.quantity
    for (sale, buyer), units in held.items():
        check.look()
        limit = history.creates[sale].invoke["limit"] if sale in history.creates else 0
        if units > limit:
            check.broken(f"buyer {buyer} has {units} units of sale {sale}, the limit is {limit}")
    yield check


def the_window_holds(history, ledger):
    check = Check("P5", "nothing was sold before opening or after closing, by the ledger's clock")
    for sale, entries in ledger.by_sale.items():
        create = history.creates.get(sale)
        opens = create.invoke.get("opens", 0) if create else 0
        closes = create.invoke.get("closes", float("inf")) if create else float("inf")
        for entry in entries:
            if entry.kind == OPENED:
                opens, closes = entry.at, float("inf")
            elif entry.kind == CLOSED:
                closes = entry.at
            elif entry.kind == PLACED:
                check.look()
                earliest, _ = ledger.written(entry)
                if entry.at < opens or earliest < opens - CLOCK_ERROR:
                    check.broken(f"order {entry.id} was sold {(opens - entry.at) / 1000:.3f} ms before opening")
                elif entry.at >= closes:
                    check.broken(f"order {entry.id} was sold {(entry.at - closes) / 1000:.3f} ms after closing")
                elif not entry.at - CLOCK_ERROR <= earliest <= entry.at + 5 * SECOND + CLOCK_ERROR:
                    check.broken(f"order {entry.id} was decided at {entry.at} and written at {earliest}")
    yield check

    told = Check("P5", "no new order was said yes to while its sale was known to be closed")
    for sale, create in history.creates.items():
        changes = sorted(
            (op for op in history.all if op.sale == sale and op.call in ("open", "close")),
            key=lambda op: op.begin,
        )
        spans = []
        for close in (op for op in changes if op.call == "close" and op.how == "ok"):
            # An opening that was on its way at any time from the closing on may take effect.
            opening = [op.begin for op in changes if op.call == "open" and (op.end or float("inf")) > close.begin]
            unknown = any(op.call == "open" and op.how not in ("ok", "refused") and op.begin < close.end for op in changes)
            if not unknown:
                spans.append((close.end, min(opening, default=float("inf"))))
        if "opens" in create.invoke:
            spans.append((0, history.to_journal(create.invoke["opens"]) - CLOCK_ERROR))
            spans.append((history.to_journal(create.invoke["closes"]) + CLOCK_ERROR, float("inf")))
        for op in history.all:
            if op.sale != sale or op.call != "place" or op.how is None:
                continue
            for begin, end in spans:
                if begin <= op.begin and op.end <= end:
                    told.look()
                    if op.how == "ok":
                        told.broken(f"{op}, while the sale was closed")
    yield told


def one_writer(history, ledger):
    check = Check("P6", "fences never go back, and batches and entries have no gaps")
    for partition in ledger.partitions:
        number, batch, last, fence = partition["partition"], 0, 0, 0
        for row in ledger.batches_of[number]:
            check.look()
            if row["batch"] != batch + 1 or row["first"] != last + 1 or row["last"] < row["first"]:
                check.broken(f"partition {number}: batch {row} follows batch {batch} that ended at {last}")
            if row["fence"] < fence:
                check.broken(f"partition {number}: batch {row['batch']} has fence {row['fence']} after {fence}")
            batch, last, fence = row["batch"], row["last"], row["fence"]
        if (partition["batch"], partition["last"]) != (batch, last) or partition["fence"] < fence:
            check.broken(f"partition {number} stands at {partition}, its last batch is {batch} up to {last}")
    for number in {b["partition"] for b in ledger.batches} - {p["partition"] for p in ledger.partitions}:
        check.broken(f"batches of partition {number}, which does not exist")
    yield check

    entries = Check("P6", "each entry is in the one batch that its place belongs to")
    seen = collections.Counter(e.partition for e in ledger.entries)
    for partition in ledger.partitions:
        entries.look(seen[partition["partition"]])
        if seen[partition["partition"]] != partition["last"]:
            entries.broken(f"partition {partition['partition']}: {seen[partition['partition']]} entries, not {partition['last']}")
    previous = None
    for entry in ledger.entries:
        expected = previous.seq + 1 if previous and previous.partition == entry.partition else 1
        if entry.seq != expected:
            entries.broken(f"entry {entry.id} stands where {expected} should")
        previous = entry
    yield entries


def never_undersold(history, ledger):
    check = Check("P7", "“sold out” was said only of what was sold out within the last second")
    for sale, entries in ledger.by_sale.items():
        # (from, until, units left): until is the latest moment at which the next entry can have committed.
        spans, left = [], 0
        for entry in entries:
            left += entry.change
            if entry.change == 0 and spans:
                continue
            begin, end = ledger.written(entry)
            if spans:
                spans[-1][1] = end
            spans.append([begin, float("inf"), left])
        spans = [(history.to_journal(b), history.to_journal(e), units) for b, e, units in spans]
        begins = [b for b, _, _ in spans]
        for op in history.ordering:
            if op.sale != sale or op.reason not in ("soldOut", "notEnough"):
                continue
            check.look()
            wanted = 1 if op.reason == "soldOut" else op.quantity
            place = bisect.bisect_right(begins, op.end) - 1
            while place >= 0:
                begin, end, units = spans[place]
                if end >= op.begin - OLDEST_NO and units < wanted:
                    break
                # Ends grow with begins, but for batches that share a moment; a few steps more cost nothing.
                if end < op.begin - 2 * OLDEST_NO:
                    place = -1
                    break
                place -= 1
            if place < 0:
                check.broken(f"{op}, but there were units left all the time")
    yield check

    drain = Check("P7", "after healing, fresh buyers bought exactly what was left, and the next was told “sold out”")
    for op in history.all:
        if op.call == "drain":
            drain.look()
            if op.how != "ok":
                drain.broken(f"{op}, with units left")
        elif op.call == "one-more":
            drain.look()
            if op.reason != "soldOut":
                drain.broken(f"{op}, with nothing left")
            if ledger.stock.get((op.sale, 0)) != 0:
                drain.broken(f"sale {op.sale} ends with {ledger.stock.get((op.sale, 0))} units that nobody could buy")
    yield drain


def every_request_ends(history, ledger):
    ends = Check("P8", "every request ended exactly once, within its deadline")
    for op in history.all:
        ends.look()
        if op.ends != 1:
            ends.broken(f"{op}: {op.ends} ends")
        elif op.end - op.begin > op.deadline + DEADLINE_SLACK + history.allowance:
            ends.broken(f"{op}: after {(op.end - op.begin) / 1000:.0f} ms, its deadline was {op.deadline / 1000:.0f} ms")
    yield ends

    settled = Check("P8", "every unknown outcome was settled for good after healing")
    final = {op.name for op in history.all if op.how == "ok" and (op.order or op.answer.get("voided"))}
    definite = {op.name for op in history.all if op.call in ("settle", "final") and op.how == "refused"
                and op.answer["certainty"] == "executed"}  # fmt: skip
    for op in history.ordering:
        if op.how == "unknown":
            settled.look()
            if op.name not in final and op.name not in definite:
                settled.broken(f"{op}, and its key was never settled")
    yield settled


PROMISES = [
    never_oversold, yes_is_durable, one_key_one_order, the_limit_holds, the_window_holds, one_writer,
    never_undersold, every_request_ends,
]  # fmt: skip


class Measured:
    """What one fault did to the load."""

    def __init__(self, fault, history):
        self.fault = fault
        self.begin = fault["t"]
        self.healed = fault.get("healed", history.phase("healed") or self.begin)
        self.healing = fault.get("healing", self.healed)
        self.before = history.rate(self.begin - 2 * SECOND, self.begin)
        # A commit has to be waited for before its worker can be stopped in the middle of it.
        hit = fault.get("injected", self.begin) if fault["nemesis"] == "pause-in-commit" else self.begin
        self.reference = self.healed if fault.get("from_healing") else hit
        self.load_end = history.phase("quiet") or self.healed
        affected = [op for op in history.load if self.begin <= op.begin < self.healed + 2 * SECOND]
        self.requests = len(affected)
        self.failures = [op for op in affected if op.has_failed]
        self.first_success = self.find_first_success(history)
        self.full_rate = self.find_full_rate(history)
        single = [
            op.end - op.begin
            for op in history.load
            if op.attempts == 1 and op.how == "refused" and op.reason not in BUSINESS
            and self.begin + SECOND <= op.begin < self.healing
        ]  # fmt: skip
        self.slowest_refusal = max(single, default=None)
        self.refusals = single

    def find_first_success(self, history):
        """Until each affected partition has said yes to a new order; the worst of them.

        Looks at the sales that have plenty: the others may be sold out or closed for a while.
        """
        partition_of = {
            op.sale: op.answer["partition"]
            for op in history.creates.values()
            if op.how == "ok" and op.invoke["name"].startswith("plenty")
            and op.answer["partition"] in self.fault["partitions"]
        }  # fmt: skip
        first = {}
        for op in history.load:
            if op.call in ("place", "many") and op.begin >= self.reference and op.sale in partition_of:
                partition = partition_of[op.sale]
                first.setdefault(partition, None)
                if op.how == "ok" and (first[partition] is None or op.end < first[partition]):
                    first[partition] = op.end
        if not first or None in first.values():
            return None
        return max(first.values()) - self.reference

    def find_full_rate(self, history):
        moment = self.reference
        while moment + SECOND <= self.load_end:
            if history.rate(moment, moment + SECOND) >= 0.9 * self.before:
                return moment - self.reference
            moment += SECOND // 10
        return None


def expectations(history, measured):
    first = Check("recovery", "the first success came in time on every partition that a fault touched")
    back = Check("recovery", "nine tenths of the rate before were back before the load ended")
    zero = Check("hand-over", "not one request failed")
    sales = Check("quorum", "sales went on without a Redis quorum")
    stop = Check("quorum", "every order was refused as not executed without a Redis quorum")
    fast = Check("refusals", "while Postgres was down every single attempt was refused within 50 ms")
    full = Check("refusals", "nine tenths of the rate were back within 3 s of Postgres' accepting connections")
    for fault in measured:
        name = f"{fault.fault['nemesis']} of {fault.fault['targets']}"
        limit = fault.fault.get("recovery")
        if limit is not None:
            first.look()
            if fault.first_success is None or fault.first_success > limit + history.allowance:
                took = "never" if fault.first_success is None else f"{fault.first_success / 1000:.0f} ms"
                first.broken(f"{name}: {took}, the limit is {limit / 1000:.0f} ms")
        back.look()
        if fault.full_rate is None:
            back.broken(f"{name}: the rate before was {fault.before:.0f} orders/s")
        expect = fault.fault["expect"]
        steady = fault.begin + history.episode["ttl"] + SECOND
        if expect == "no-failures":
            zero.look(fault.requests)
            for op in fault.failures:
                zero.broken(f"{name}: {op}")
        elif expect == "sales":
            sales.look()
            rate = history.rate(steady, fault.healing)
            if rate < 0.8 * fault.before:
                sales.broken(f"{name}: {rate:.0f} orders/s, {fault.before:.0f} before")
        elif expect == "refusals":
            for op in history.load:
                if op.call in ("place", "many") and steady <= op.begin and (op.end or 0) < fault.healing:
                    stop.look()
                    if op.how == "ok" or (op.how == "refused" and op.reason not in BUSINESS
                                          and op.answer["certainty"] != "notExecuted"):  # fmt: skip
                        stop.broken(f"{name}: {op}")
        elif expect == "fast-refusals":
            fast.look(len(fault.refusals))
            for took in fault.refusals:
                if took > FAST_REFUSAL + history.allowance:
                    fast.broken(f"{name}: a refusal after {took / 1000:.1f} ms")
            full.look()
            if fault.full_rate is None or fault.full_rate > BACK_AFTER_POSTGRES + history.allowance:
                full.broken(f"{name}: the full rate was back after {(fault.full_rate or 0) / 1000:.0f} ms")
    return [check for check in (first, back, zero, sales, stop, fast, full) if check.checked]


def objections(history, ledger, measured):
    """Why nothing can be concluded from the episode."""
    if history.failures:
        yield from history.failures
    if not ledger.orders:
        yield "the ledger has no order"
    if history.phase("end") is None:
        yield "the episode did not come to its end"
    if history.offset_spread > CLOCK_ERROR:
        yield f"the machine's wall clock was stepped by {history.offset_spread / 1000:.0f} ms"
    if history.left_out:
        yield f"{history.left_out} arrivals were left out: the harness could not keep up"
    busy_until = 0
    for fault in sorted(measured, key=lambda m: m.begin):
        if fault.begin > busy_until and fault.before < LEAST_RATE:
            yield f"{fault.before:.0f} orders/s before {fault.fault['nemesis']}: at least {LEAST_RATE} are needed"
        busy_until = max(busy_until, fault.healed + 3 * SECOND)
        if not fault.fault.get("felt"):
            yield f"{fault.fault['nemesis']} of {fault.fault['targets']} was not felt: {fault.fault.get('evidence')}"


def judge(history, ledger):
    measured = [Measured(fault, history) for fault in history.faults.values()]
    rows = checks(PROMISES, history, ledger) + expectations(history, measured)

    def milliseconds(time):
        return None if time is None else round(time / 1000)

    return {
        "plan": history.episode.get("plan", ""),
        "about": history.episode.get("about", ""),
        "seed": history.episode.get("seed", 0) % (1 << 64),
        "invalid": list(objections(history, ledger, measured)),
        "rows": [vars(row) for row in rows],
        "faults": [
            {
                "nemesis": m.fault["nemesis"],
                "targets": m.fault["targets"],
                "rateBefore": round(m.before),
                "firstSuccess": milliseconds(m.first_success),
                "fullRate": milliseconds(m.full_rate),
                "failed": len(m.failures),
                "requests": m.requests,
                "slowestRefusal": milliseconds(m.slowest_refusal),
                "evidence": m.fault.get("evidence", ""),
                "begin": m.begin,
                "healed": m.healed,
            }
            for m in measured
        ],
        "lateness": milliseconds(history.lateness),
        "requests": len(history.all),
        "orders": len(ledger.orders),
        "unknown": sum(op.how == "unknown" for op in history.all),
    }


def load(folder):
    folder = pathlib.Path(folder)

    def rows(name):
        with open(folder / f"{name}.csv", newline="") as file:
            return list(csv.DictReader(file))

    with open(folder / "journal.jsonl") as file:
        history = History(file)
    return history, Ledger(rows("ledger"), rows("batches"), rows("partitions"), rows("stock"))


def main(folder):
    history, ledger = load(folder)
    verdict = judge(history, ledger)
    (pathlib.Path(folder) / "verdict.json").write_text(json.dumps(verdict, indent=1))
    try:
        import page
    except ImportError:
        return
    (pathlib.Path(folder) / "page.html").write_text(page.page(history, verdict))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: check.py FOLDER")
    main(sys.argv[1])
