"""P1 to P8, each judged by what callers were told and what the ledger holds."""

import bisect
import collections

from history import ADDED, CLOSED, CREATED, OPENED, PLACED, SECOND

# What the caller's own scheduling may add to a deadline.
DEADLINE_SLACK = SECOND // 4
# P5: the error that a worker may assume of the ledger's clock.
CLOCK_ERROR = SECOND // 10
# P7: how old a "sold out" may be.
OLDEST_NO = SECOND
EXAMPLES = 5


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
    for entries in ledger.by_sale.values():
        opens, closes = float("inf"), float("inf")
        for entry in entries:
            if entry.window:
                reopened = entry.kind == OPENED and closes <= entry.at
                opens, closes = entry.window
                # A sale that is opened again keeps its first opening, and was closed meanwhile. The opening and an
                # order after it may have been stamped by two owners, each of whom may err.
                opens = max(opens, entry.at - 2 * CLOCK_ERROR) if reopened else opens
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

    asked = Check("P5", "every window in the ledger is the one that was asked for")
    for sale, entries in ledger.by_sale.items():
        create, window = history.creates.get(sale), None
        for entry in entries:
            if entry.kind in (CREATED, OPENED, CLOSED) or entry.window:
                asked.look()
                if not is_as_asked(entry, window, create.invoke if create else {}):
                    asked.broken(f"entry {entry.id} of kind {entry.kind} at {entry.at}: {window} became {entry.window}")
                window = entry.window
    yield asked

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


def is_as_asked(entry, before, create):
    """Whether an entry changed the window as its caller wanted; "now" is the earliest that the ledger's clock may show."""
    if entry.kind not in (CREATED, OPENED, CLOSED) or not entry.window:
        return False

    def is_now(time):
        return entry.at - CLOCK_ERROR <= time <= entry.at

    opens, closes = entry.window
    if entry.kind == CREATED:
        wanted = opens == create["opens"] if "opens" in create else is_now(opens)
        return before is None and wanted and closes == create.get("closes", float("inf"))
    if entry.kind == OPENED:
        return before is not None and opens <= entry.at < closes and (opens == before[0] or is_now(opens))
    return before is not None and opens <= closes and is_now(closes)


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


def overrun(history, op):
    """By how much a request ended too late, and whether the harness itself was that late in hearing of it."""
    late = op.end - op.begin - op.deadline - DEADLINE_SLACK - history.allowance
    return late, late <= history.behind(op.end)


def every_request_ends(history, ledger):
    ends = Check("P8", "every request ended exactly once, within its deadline")
    for op in history.all:
        ends.look()
        if op.ends != 1:
            ends.broken(f"{op}: {op.ends} ends")
            continue
        late, is_ours = overrun(history, op)
        if late > 0 and not is_ours:
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
