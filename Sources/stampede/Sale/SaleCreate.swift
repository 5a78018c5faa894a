import ArgumentParser
import Client
import FoundationEssentials
import Sales
import Wire

struct SaleCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create a sale.",
        discussion: """
            stampede sale create Sneaker --units 1000 --price 89.90 --limit 2
            stampede sale create "Air 1" --units 500 --price 12000 --currency JPY --opens +10m --closes +1h
            """)

    @Argument(help: "What buyers call it; at most 120 bytes.")
    var name: String

    @Option(parsing: .unconditional, help: "Units for sale.")
    var units: String

    @Option(parsing: .unconditional, help: "The price of one unit, as in 19.99.")
    var price: String

    @Option(help: "ISO 4217, three capital letters. (default: USD)")
    var currency: String?

    @Option(parsing: .unconditional, help: "Units that one buyer may hold. (default: 1)")
    var limit: Int?

    @Option(
        parsing: .unconditional,
        help: "When it opens: now, +10s, +5m, +2h, +1d, or as in 2030-01-31T10:00:00Z.")
    var opens = "now"

    @Option(parsing: .unconditional, help: "When it closes, written alike; by hand if left out.")
    var closes: String?

    @Option(
        help: ArgumentHelp(
            "How long an order is held for its payment: 90s, 15m, 2h, 1d, or none. (default: 15m)",
            valueName: "time"))
    var hold: String?

    @Option(
        help: ArgumentHelp("How long an attempt to pay may take. (default: 2m)", valueName: "time"))
    var paymentTime: String?

    @Option(
        parsing: .unconditional, help: "Its number, above zero. (default: a random one of up to nine digits)")
    var sale: String?

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let request = try request(now: Date())
        let (isRandom, json) = (sale == nil, calling.json)
        try calling.run(CallContext(sale: request.sale)) { client, options in
            let sale = try await SaleCreate.create(request, isRandom: isRandom, client, options)
            sale.show(asJSON: json)
            if !json { Terminal.message("Next: stampede order place --sale \(sale.id) --buyer 1") }
        }
    }

    func request(now: Date) throws(Failure) -> CreateSale {
        let settings = try calling.cluster.config.settings()
        let currency = try settings.string(currency, "currency") ?? "USD"
        try Money.check(currency: currency)
        let price = try Money.minorUnits(price, currency: currency)
        let count = try SaleCreate.units(units)
        let limit = try settings.integer(limit, "limit", in: 1...Int(Bounds.quantity), default: 1)
        guard (1...Limits.nameLength).contains(name.utf8.count) else {
            throw Failure(
                .usage, "the name has \(name.utf8.count) bytes: give one of 1 to \(Limits.nameLength)")
        }
        let opensAt = try Moment(opens, now: now).time
        let closesAt = try closes.map { closes throws(Failure) in
            guard let time = try Moment(closes, now: now).time, time > opensAt ?? LedgerTime(now) else {
                throw Failure(.usage, "--closes \(closes) is not after --opens \(opens): give a later time")
            }
            return time
        }
        let id = try sale.map { text throws(Failure) in try SaleID.parse(text) }
        return CreateSale(
            sale: id ?? SaleCreate.randomID(), key: .random(), name: name, price: price, currency: currency,
            units: count, limit: Int32(limit), opensAt: opensAt, closesAt: closesAt,
            hold: hold == "none" ? nil : try SaleCreate.time(hold ?? "15m", "hold"),
            payment: try SaleCreate.time(paymentTime ?? "2m", "payment-time"))
    }

    private static func time(_ text: String, _ option: String) throws(Failure) -> Int32 {
        guard let seconds = Moment.seconds(text[...]), let time = Int32(exactly: seconds),
            Bounds.seconds ~= time
        else {
            throw Failure(.usage, "--\(option) \(text) is no time from 1s to 30d: write 90s, 15m, 2h or 1d")
        }
        return time
    }

    /// A number of units as typed.
    static func units(_ text: String) throws(Failure) -> Int32 {
        guard let count = Int32(text), (1...Bounds.units).contains(count) else { throw badUnits(text) }
        return count
    }

    static func badUnits(_ text: String) -> Failure {
        Failure(.usage, "‘\(text)’ is not a number of units: give one from 1 to \(Bounds.units)")
    }

    static func randomID() -> SaleID { SaleID(rawValue: .random(in: 1...999_999_999)) }

    /// Creates the sale; when its number was our choice and is taken, another is drawn.
    static func create(
        _ request: CreateSale, isRandom: Bool, _ client: StampedeClient, _ options: CallOptions
    ) async throws(CallError) -> Sale {
        var request = request
        var draws = 0
        while true {
            do throws(CallError) {
                return try await client.createSale(request, options: options)
            } catch {
                draws += 1
                guard isRandom, error.reason == .saleExists, draws < 5 else { throw error }
                request.sale = randomID()
                request.key = .random()
            }
        }
    }
}
