import Methods
import Sales
import Wire

extension WorkerCore {
    // MARK: Streams

    /// What a call asked to watch is there: its stream begins.
    ///
    /// - Returns: false when the partition is no longer served here.
    package mutating func beginWatch(_ subject: WatchSubject, _ partition: Int, for to: ReplyAddress) -> Bool
    {
        guard partitions[partition].phase == .owned else {
            desk.end(to)
            return false
        }
        desk.begin(to, partition, subject)
        return true
    }

    /// The partition is served here no longer: whoever watched something of it comes again, and finds the next owner.
    mutating func endWatches(of partition: Int) {
        for watch in desk.watches where watch.partition == partition {
            answer(watch.to, partition, .moved(watch.sent))
            desk.end(watch.to)
        }
    }

    /// Tells streams how things stand, those whose turn it is.
    mutating func tellWatchers(_ now: MonotonicTime) {
        guard !desk.watches.isEmpty, let clock else { return }
        let instant = clock.instant(at: now.nanoseconds / 1_000)
        var items = 0
        var ended: [ReplyAddress] = []
        for place in desk.turn(now) {
            guard items < WatchDesk.mostItems else { break }
            guard let item = nextItem(place, instant, now) else { continue }
            items += 1
            let watch = desk.watches[place]
            answer(watch.to, watch.partition, .item(watch.sent, item))
            desk.watches[place].sent += 1
            desk.watches[place].told = item
            desk.watches[place].notBefore = now + WatchDesk.interval
            if item.isLast {
                answer(watch.to, watch.partition, .ended(watch.sent + 1))
                ended.append(watch.to)
            }
        }
        for to in ended { desk.end(to) }
    }

    /// What a stream is to be told now, if anything. Like every answer it waits until all that it rests on has committed,
    /// and is only as good as the last fence check.
    private mutating func nextItem(
        _ place: Int, _ instant: LedgerInstant, _ now: MonotonicTime
    ) -> StreamItem? {
        let partition = desk.watches[place].partition
        guard now >= desk.watches[place].notBefore, desk.watches[place].sent < desk.watches[place].limit,
            now - partitions[partition].checked <= configuration.freshness
        else { return nil }
        let mark = WatchDesk.BookMark(
            last: partitions[partition].book.last, reverts: partitions[partition].reverts)
        let committed = partitions[partition].book.committed
        if let pending = desk.watches[place].pending {
            if pending.mark.reverts == mark.reverts {
                guard committed >= pending.mark.last else { return nil }
                desk.watches[place].pending = nil
                return pending.item
            }
            desk.watches[place].pending = nil
            desk.watches[place].seen = nil
        }
        guard let item = state(place, partition, mark, instant, now) else { return nil }
        if committed == mark.last { return item }
        desk.watches[place].pending = (item, mark)
        return nil
    }

    /// How the watched stands, unless that has been told.
    private mutating func state(
        _ place: Int, _ partition: Int, _ mark: WatchDesk.BookMark, _ instant: LedgerInstant,
        _ now: MonotonicTime
    ) -> StreamItem? {
        let told = desk.watches[place].told
        let isSame = desk.watches[place].seen == mark
        desk.watches[place].seen = mark
        switch desk.watches[place].subject {
        case .wait(let sequence):
            guard !isSame, let wait = partitions[partition].book.wait(at: sequence), told != .wait(wait)
            else { return nil }
            return .wait(wait)
        case .order(let sequence, let known):
            guard !isSame, let order = partitions[partition].book.order(at: sequence) else { return nil }
            let before: Int32 = if case .order(let update)? = told { update.order.version } else { known }
            guard order.version > before else { return nil }
            return .order(OrderUpdate(order: order, missed: before == 0 ? 0 : order.version - before - 1))
        case .sale(let id, let lane, let from):
            // A window opens and closes without an entry.
            guard let sale = partitions[partition].book.sale(id, lane, at: instant) else { return nil }
            let rate = rate(place, sale.orders, now)
            if case .sale(let update)? = told, update.sale == sale, update.rate == rate { return nil }
            let hasMissed = told == nil && from.map { $0 != mark.last } ?? false
            return .sale(SaleUpdate(sale: sale, sequence: mark.last, rate: rate, hasMissed: hasMissed))
        }
    }

    /// Orders placed a second, over the last second or two.
    private mutating func rate(_ place: Int, _ orders: Int64, _ now: MonotonicTime) -> Int64 {
        guard let base = desk.watches[place].base else {
            desk.watches[place].base = (orders, now)
            return 0
        }
        let time = now - base.at
        guard time >= .seconds(1) else { return desk.watches[place].rate }
        desk.watches[place].base = (orders, now)
        desk.watches[place].rate = max(0, orders - base.orders) * 1_000 / time.milliseconds
        return desk.watches[place].rate
    }
}
