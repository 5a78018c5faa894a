import Sales

extension Event {
    /// The event as CloudEvents 1.0 has it in JSON
    /// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
    ///
    /// Deterministic: the same entry gives the same bytes, whoever tells it. Holds nothing by which a buyer could be
    /// reached.
    ///
    /// - Parameter source: the attribute of that name, for example `/stampede/shop`.
    public func json(source: String) -> [UInt8] {
        var text = JSONText()
        text.object { text in
            text.member("specversion", "1.0")
            text.member("id", id)
            text.member("source", source)
            text.member("type", type)
            text.member("subject", subject)
            text.member("time", entry.at)
            text.member("datacontenttype", "application/json")
            text.member("partition", number: Int64(partition.rawValue))
            // CloudEvents integers have 32 bits, but a sequence that long takes a partition years.
            text.member("sequence", number: entry.sequence)
            if let order { text.member("orderversion", number: Int64(order.life.version)) }
            text.object("data") { text in
                text.member("sale", long: entry.sale.rawValue)
                text.member("lane", number: Int64(entry.lane.rawValue))
                if let order { writeOrder(order, into: &text) } else { writeSale(into: &text) }
                if let note = entry.note {
                    text.member("actor", note.actor)
                    text.member("reason", note.reason)
                }
            }
        }
        return text.bytes
    }

    private func writeOrder(_ order: Standing, into text: inout JSONText) {
        text.member("buyer", long: order.placing.buyer.rawValue)
        text.member("order", order.id.description)
        text.member("version", number: Int64(order.life.version))
        text.member("state", order.life.state.rawValue)
        text.member("units", number: Int64(order.placing.quantity))
        if let terms {
            text.member("price", long: terms.price)
            text.member("currency", terms.currency)
        }
        text.member("amount", long: order.placing.amount)
        text.member("key", uuid: order.placing.key)
        if let wait { text.member("wait", wait.description) }
        if let attempt = attempt(order) { text.member("attempt", uuid: attempt) }
        if let until = order.life.until { text.member("until", until) }
    }

    /// The attempt to pay that the entry speaks of, else the one that the order has.
    private func attempt(_ order: Standing) -> RequestKey? {
        switch entry.kind {
        case .paymentBegun, .paymentFailed, .paymentTaken, .paymentTakenLate, .refundBegun, .refundDone,
            .surplusOwed, .surplusReturned:
            entry.key
        case .saleCreated, .saleOpened, .saleClosed, .unitsAdded, .unitsWithdrawn, .salePaused, .saleResumed,
            .limitChanged, .orderPlaced, .keyVoided, .orderExpired, .orderCancelled, .waitBegun, .waitClosed,
            .waitRanOut, .waitOverLimit:
            order.life.attempt
        }
    }

    private func writeSale(into text: inout JSONText) {
        if entry.buyer != .operators { text.member("buyer", long: entry.buyer.rawValue) }
        if let wait { text.member("wait", wait.description) }
        if entry.quantity > 0 { text.member("units", number: Int64(entry.quantity)) }
        text.member("key", uuid: entry.key)
        guard let terms = entry.terms else { return }
        text.member("name", terms.name)
        text.member("price", long: terms.price)
        text.member("currency", terms.currency)
        text.member("limit", number: Int64(terms.limit))
        text.member("opens", terms.opensAt)
        if let closes = terms.closesAt { text.member("closes", closes) }
        text.member("paused", terms.isPaused)
    }
}
