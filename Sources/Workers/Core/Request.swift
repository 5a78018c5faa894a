package import Methods
package import Sales

/// Where an answer goes: which session with a broker, and its name for the call.
package struct ReplyAddress: Hashable {
    package let session: UInt32
    package let callID: UInt64
    /// Which of several orders in one call, from 1; 0 for the call itself.
    package var item: UInt16 = 0

    package init(session: UInt32, callID: UInt64, item: UInt16 = 0) {
        self.session = session
        self.callID = callID
        self.item = item
    }
}

/// What an owner is asked, decoded.
package enum Request: Equatable {
    case place(PlaceOrder)
    case settle(SettleOrder)
    indirect case create(CreateSale)
    case change(ChangeSale)
    case wait(WaitOrder)
    indirect case listOrders(ListOrders)
    case watch(WatchSubject)
    case cancel(CancelOrder)
    indirect case revoke(RevokeOrder)
    case beginPayment(BeginPayment)
    case recordPayment(RecordPayment)
    case listPayments(UnsettledPayment?)
    case getOrder(Int64)
    case getSale(SaleID, Lane)
    case listSales
}

/// What an owner answers. Orders are named by their sequence and read from the book when they are sent.
package enum Reply: Equatable {
    /// The order that this request placed or had placed.
    case order(Int64)
    /// How the key ended: the entry is an order or a void.
    case settled(Int64)
    indirect case sale(Sale)
    case sales(SaleList)
    case payments([UnsettledPayment])
    /// How a wait stood when that was decided, and the entry to ask the book for later.
    indirect case wait(Int64, WaitState)
    case orders([Int64], next: Int64?)
    /// There is what was asked to be watched.
    case watch(WatchSubject)
    /// An item of a stream, and its place.
    case item(UInt32, StreamItem)
    /// The stream has ended as it should, after so many items.
    case ended(UInt32)
    /// The stream has ended after so many items because the partition is served here no longer.
    case moved(UInt32)
    case refused(Refusal)
    /// Nothing, or not enough, of this sale is free. What may come back is read from the book when it is sent.
    case scarce(Refusal, SaleID, Lane)
    /// Not executed: the ledger does not answer, or this worker cannot speak for the partition now.
    case unavailable(Unavailability)
    /// The ledger refused exactly this request.
    case broken
    /// Not begun, and not ours to begin: somebody else owns the partition, or soon will.
    case returned
    /// A hand-over that is done.
    case yielded
    /// A hand-over that will not be done now.
    case notYielded

    /// Nothing was decided: the request may be asked again.
    var isUndecided: Bool {
        switch self {
        case .unavailable, .returned, .refused(.clockUncertain): true
        case .order, .settled, .sale, .sales, .payments, .wait, .orders, .watch, .item, .ended, .moved,
            .refused, .scarce, .broken, .yielded, .notYielded:
            false
        }
    }

    var isRefusal: Bool {
        switch self {
        case .refused, .scarce: true
        default: false
        }
    }
}

package enum Unavailability: Equatable {
    case ledger
    /// The last fence check is too old to say no.
    case stale
    /// More requests wait to be decided than this worker keeps.
    case busy
}

/// An answer on its way out.
package struct Answer: Equatable {
    package let to: ReplyAddress
    package let partition: Int
    package let reply: Reply
}

/// A request that was decided and waits for a commit.
package struct Waiting {
    package let to: ReplyAddress
    package let request: Request
    package let reply: Reply
    /// Rests on an entry of its own: once that is in the ledger the answer is true for ever.
    package let isOwnEntry: Bool
}

/// What was decided between two transactions of one partition. An answer leaves when the layer it rests on,
/// and every layer below, has committed.
package struct Layer {
    package var entries: [Entry] = []
    package var waiting: [Waiting] = []

    package var isEmpty: Bool { entries.isEmpty && waiting.isEmpty }
}
