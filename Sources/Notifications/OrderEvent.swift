public import Sales

/// What an event of the relay says, as far as a buyer hears of it. See `docs/events.md` for events.
public struct OrderEvent: Hashable, Sendable {
    /// Names the event, for ever: the place of its entry in the ledger.
    public var id: String
    public var occasion: Occasion
    /// Commit of its entry.
    public var time: CivilTime
    public var sale: SaleID
    public var buyer: BuyerID
    /// As `12-4711`.
    public var order: String
    public var units: Int64
    /// Until when the order holds its units, if it does not for ever.
    public var until: CivilTime?
    /// Why somebody ended it.
    public var reason: String?

    public init(
        id: String, occasion: Occasion, time: CivilTime, sale: SaleID, buyer: BuyerID, order: String,
        units: Int64, until: CivilTime? = nil, reason: String? = nil
    ) {
        self.id = id
        self.occasion = occasion
        self.time = time
        self.sale = sale
        self.buyer = buyer
        self.order = order
        self.units = units
        self.until = until
        self.reason = reason
    }

    /// What an item of the stream holds.
    public enum Reading: Hashable, Sendable {
        case order(OrderEvent)
        /// An event that no buyer hears of, such as one about a sale.
        case other
        /// No event at all; says why.
        case unreadable(String)
    }

    /// The longest id that is taken, in bytes: it becomes part of a Message-ID.
    static let longestID = 64

    /// Reads one event. Members that it does not know are passed over.
    public static func read(_ bytes: [UInt8]) -> Reading {
        let json: JSONValue
        do throws(JSONValue.Mistake) {
            json = try JSONValue(parsing: bytes)
        } catch {
            return .unreadable("it is no JSON: \(error)")
        }
        guard json["specversion"]?.string == "1.0", let type = json["type"]?.string else {
            return .unreadable("it is no CloudEvent of version 1.0")
        }
        guard let id = json["id"]?.string, isName(id) else {
            return .unreadable("its id is no name of letters, digits and -_.: up to \(longestID) bytes")
        }
        guard let data = json["data"], let occasion = occasion(type, data) else { return .other }
        guard let sale = data["sale"]?.int64, let buyer = data["buyer"]?.int64,
            let order = data["order"]?.string, isName(order)
        else { return .unreadable("its data has no sale, buyer or order") }
        guard let time = json["time"]?.string.flatMap({ CivilTime($0) }) else {
            return .unreadable("its time is not of RFC 3339")
        }
        return .order(
            OrderEvent(
                id: id, occasion: occasion, time: time, sale: SaleID(rawValue: sale),
                buyer: BuyerID(rawValue: buyer), order: order, units: data["units"]?.int64 ?? 0,
                until: data["until"].flatMap(moment), reason: data["reason"]?.string))
    }

    private static func occasion(_ type: String, _ data: JSONValue) -> Occasion? {
        switch type {
        // An offer from the waiting list is an order like any other that names whom it was kept for.
        case "stampede.order.placed": data["wait"] == nil ? .placed : .offered
        case "stampede.payment.taken", "stampede.payment.taken_late": .paid
        case "stampede.order.expired": .expired
        case "stampede.order.cancelled": .cancelled
        case "stampede.refund.done": .refunded
        default: nil
        }
    }

    /// RFC 3339, or microseconds as in the ledger.
    private static func moment(_ value: JSONValue) -> CivilTime? {
        if let number = value.int64 { return CivilTime(microseconds: number) }
        return value.string.flatMap { CivilTime($0) }
    }

    private static func isName(_ text: String) -> Bool {
        1...longestID ~= text.utf8.count
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: "."), UInt8(ascii: ":"):
                    true
                default: false
                }
            }
    }
}
