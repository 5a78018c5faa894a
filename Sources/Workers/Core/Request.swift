import Methods
import Sales

/// Where an answer goes: which session with a broker, and its name for the call.
struct ReplyAddress: Hashable {
    let session: UInt32
    let callID: UInt64
    /// Which of several orders in one call, from 1; 0 for the call itself.
    var item: UInt16 = 0
}

/// What an owner is asked, decoded.
enum Request: Equatable {
    case place(PlaceOrder)
    case settle(SettleOrder)
    indirect case create(CreateSale)
    case change(ChangeSale)
    case getOrder(Int64)
    case getSale(SaleID, Lane)
    case listSales
}

/// What an owner answers. Orders are named by their sequence and read from the book when they are sent.
enum Reply: Equatable {
    /// The order that this request placed or had placed.
    case order(Int64)
    /// How the key ended: the entry is an order or a void.
    case settled(Int64)
    indirect case sale(Sale)
    case sales(SaleList)
    case refused(Refusal)
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
}

enum Unavailability: Equatable {
    case ledger
    /// The last fence check is too old to say no.
    case stale
    /// More requests wait to be decided than this worker keeps.
    case busy
}

/// An answer on its way out.
struct Answer: Equatable {
    let to: ReplyAddress
    let partition: Int
    let reply: Reply
}

/// A request that was decided and waits for a commit.
struct Waiting {
    let to: ReplyAddress
    let request: Request
    let reply: Reply
    /// Rests on an entry of its own: once that is in the ledger the answer is true for ever.
    let isOwnEntry: Bool
}

/// What was decided between two transactions of one partition. An answer leaves when the layer it rests on,
/// and every layer below, has committed.
struct Layer {
    var entries: [Entry] = []
    var waiting: [Waiting] = []

    var isEmpty: Bool { entries.isEmpty && waiting.isEmpty }
}
