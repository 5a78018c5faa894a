"""What an episode left behind: the journal of all calls and faults, and the ledger's tables as CSV.

Times are microseconds: `t` since the episode began, on the machine's monotonic clock; `at` in the ledger since 1970.
"""

import bisect
import collections
import csv
import json
import pathlib

SECOND = 1_000_000
# A call passes four processes and back. How late the harness's own calls begin tells how late each of them may be
# woken up on a machine that is busy with other things; on a quiet one this is a few milliseconds.
WAKE_UPS = 4
# How finely it is known when the harness was late.
TICK = SECOND // 100

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
        self.syncs = []
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
            elif kind == "sync":
                self.syncs.append((record["t"], record["took"]))
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
        self.due = {}
        for op in self.load:
            for tick in range(op.intended // TICK, op.begin // TICK + 1):
                self.due[tick] = min(self.due.get(tick, op.intended), op.intended)

    def stalled(self, begin, end):
        """The longest that the harness's own journal took to reach the disk within a time."""
        return max((took for t, took in self.syncs if t >= begin and t - took <= end), default=0)

    def behind(self, moment):
        """How long calls had been due at a moment without having begun: answers were written down as late.

        When thousands who waited are answered at once, the harness is late for less than one call in a hundred.
        """
        return max(0, moment - self.due.get(moment // TICK, moment))

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
    """A row of the ledger. Those that change a sale's terms have the window in force from there on."""

    def __init__(self, row):
        for name in ("seq", "sale", "buyer", "amount", "at", "quantity", "partition", "kind", "lane"):
            setattr(self, name, int(row[name]))
        self.key = row["key"]
        terms = json.loads(row["terms"]) if row["terms"] else None
        self.window = (terms["opens"], terms.get("closes", float("inf"))) if terms else None

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


def load(folder):
    folder = pathlib.Path(folder)

    def rows(name):
        with open(folder / f"{name}.csv", newline="") as file:
            return list(csv.DictReader(file))

    with open(folder / "journal.jsonl") as file:
        history = History(file)
    return history, Ledger(rows("ledger"), rows("batches"), rows("partitions"), rows("stock"))
