import Wire

extension ServerExam {
    /// A sale of three units, two per buyer, bought in every way that the page has words for.
    func orderChecks(sale: Int64) -> [Check] {
        let orders = OrderProbe(sale: sale)
        return [
            Check("Methods", "A sale is created once, whoever asks how often") { probe throws(Mismatch) in
                let first = try orders.create(probe).isOK()
                try expect(first["sale"] == .int(sale) && first["left"] == 3, "another sale")
                try expect(try orders.create(probe).isOK() == first, "another answer to the same request")
                try orders.create(probe, units: 4).isFailure(.failedPrecondition, .executed, .keyReused)
            },
            Check("Certainty and retries", "An order is placed once, whoever asks how often") {
                probe throws(Mismatch) in
                let first = try orders.place(probe, buyer: 1, key: 1).isOK()
                try expect(first["buyer"] == 1 && first["quantity"] == 1, "another order")
                let again = try orders.place(probe, buyer: 1, key: 1, flags: .retry).isOK()
                try expect(again["order"] == first["order"], "another order for the same key")
                try orders.place(probe, buyer: 1, key: 1, quantity: 2)
                    .isFailure(.failedPrecondition, .executed, .keyReused)
            },
            Check("Methods", "A header that differs from the body is refused") { probe throws(Mismatch) in
                var header = orders.header(probe, "order.place", key: 9)
                header.requestKey = 10
                try probe.call(header, orders.body(buyer: 9, key: 9)).isFailure(
                    .invalidArgument, nil, .wrongRoute)
            },
            Check("How a call ends", "A refusal has its reason and its numbers") { probe throws(Mismatch) in
                let over = try orders.place(probe, buyer: 1, key: 11, quantity: 2)
                try over.isFailure(.failedPrecondition, .executed, .overLimit)
                let body = try over.body()
                try expect(body["limit"] == 2 && body["held"] == 1, "limit or held are not told")
                try orders.place(probe, buyer: 2, key: 12, quantity: 0)
                    .isFailure(.invalidArgument, .executed, .badQuantity)
                try OrderProbe(sale: sale + 1).place(probe, buyer: 2, key: 13)
                    .isFailure(.notFound, .executed, .unknownSale)
            },
            Check("Certainty and retries", "A key that was settled as no order never becomes one") {
                probe throws(Mismatch) in
                let placed = try orders.settle(probe, buyer: 1, key: 1).isOK()
                try expect(placed["state"] == "placed", "the order that was placed is not settled as placed")
                let void = try orders.settle(probe, buyer: 5, key: 21).isOK()
                try expect(void["state"] == "voided", "another state for a key without an order")
                try orders.place(probe, buyer: 5, key: 21).isFailure(
                    .failedPrecondition, .executed, .keyVoided)
            },
            Check("Methods", "Several orders in one call have an answer each") { probe throws(Mismatch) in
                let header = orders.header(probe, "order.place_many", key: 31)
                let body: MessagePackValue = [
                    "sale": .int(sale), "key": OrderProbe.key(31),
                    "orders": [
                        ["buyer": 3, "quantity": 1, "key": OrderProbe.key(32)],
                        ["buyer": 1, "quantity": 2, "key": OrderProbe.key(33)],
                    ],
                ]
                guard case .array(let answers)? = try probe.call(header, body).isOK()["answers"],
                    answers.count == 2
                else { throw Mismatch("not two answers") }
                try expect(answers[0]["order"]?["buyer"] == 3, "no order for the first")
                try expect(
                    answers[1]["reason"] == .int(Int64(Reason.overLimit.rawValue)), "another second answer")
            },
            Check("Gates", "A sale is sold out to newcomers and not to who has an order") {
                probe throws(Mismatch) in
                _ = try orders.place(probe, buyer: 4, key: 41).isOK()
                let refused = try orders.place(probe, buyer: 6, key: 42)
                try refused.isFailure(.failedPrecondition, nil, .soldOut)
                let again = try orders.place(probe, buyer: 4, key: 41, flags: .retry).isOK()
                try expect(again["buyer"] == 4, "another order")
                guard case .string(let id)? = again["order"] else {
                    throw Mismatch("an order without its id")
                }
                let partition = Int64(id.prefix { $0 != "-" }) ?? -1
                var header = probe.header("order.get", flags: [.end, .keyed, .partition])
                header.routing.sale = partition
                try expect(
                    try probe.call(header, ["order": .string(id)]).isOK() == again, "another order by its id")
            },
        ]
    }
}

/// Calls about one sale.
private struct OrderProbe {
    let sale: Int64

    static func key(_ number: UInt8) -> MessagePackValue {
        .binary(Array(repeating: 0xc0, count: 15) + [number])
    }

    private static func number(_ key: UInt8) -> UInt128 {
        (0..<15).reduce(UInt128(0)) { sum, _ in sum << 8 | 0xc0 } << 8 | UInt128(key)
    }

    func header(_ probe: Probe, _ method: String, key: UInt8, flags: Header.Flags = []) -> Header {
        var header = probe.header(method, flags: [.end, .keyed, flags])
        header.routing.sale = sale
        header.requestKey = OrderProbe.number(key)
        return header
    }

    func body(buyer: Int64, key: UInt8, quantity: Int64 = 1) -> MessagePackValue {
        [
            "sale": .int(sale), "buyer": .int(buyer), "quantity": .int(quantity), "key": OrderProbe.key(key),
        ]
    }

    func create(_ probe: Probe, units: Int64 = 3) throws(Mismatch) -> Probe.Received {
        try probe.call(
            header(probe, "sale.create", key: 1),
            [
                "sale": .int(sale), "key": OrderProbe.key(1), "name": "Conformance", "price": 100,
                "currency": "EUR", "units": .int(units), "limit": 2,
            ])
    }

    func place(
        _ probe: Probe, buyer: Int64, key: UInt8, quantity: Int64 = 1, flags: Header.Flags = []
    ) throws(Mismatch) -> Probe.Received {
        try probe.call(
            header(probe, "order.place", key: key, flags: flags),
            body(buyer: buyer, key: key, quantity: quantity))
    }

    func settle(_ probe: Probe, buyer: Int64, key: UInt8) throws(Mismatch) -> Probe.Received {
        try probe.call(
            header(probe, "order.settle", key: key),
            ["sale": .int(sale), "buyer": .int(buyer), "key": OrderProbe.key(key)])
    }
}
