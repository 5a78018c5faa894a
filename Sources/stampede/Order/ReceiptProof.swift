import Receipts
import Sales

/// What a receipt that has been checked proves, in words.
struct ReceiptProof {
    let leaf: Leaf
    let file: ReceiptFile

    private var order: OrderID {
        let entry = leaf.entry
        return OrderID(
            partition: leaf.partition,
            sequence: entry.kind == .orderPlaced || entry.about == 0 ? entry.sequence : entry.about)
    }

    var text: String {
        let (entry, batch) = (leaf.entry, file.batch)
        return """
            Proved: \(sentence).
              decided  \(entry.at.text), by the ledger's clock as the owner knew it
              key      \(entry.key.text)
              place    entry \(leaf.partition)-\(entry.sequence), number \(entry.sequence - batch.first + 1) of \(batch.last - batch.first + 1) in \
            batch \(batch.batch), under fence \(batch.fence)
              ledger   \(batch.system), timeline \(batch.timeline)
              before   \(batch.previous)
              signed   with the key \(file.signature?.key ?? "")
            Whatever was decided in partition \(leaf.partition) before this batch is fixed by it, too.
            """
    }

    private var sentence: String {
        let entry = leaf.entry
        let units = "\(Int64(entry.quantity).counted("unit")) of sale \(entry.sale)"
        let whose = "order \(order) of buyer \(entry.buyer)"
        return switch entry.kind {
        case .orderPlaced:
            "\(whose) was placed, for \(units) at \(entry.amount) in the currency's smallest unit"
        case .keyVoided: "the key was settled as “no order” for buyer \(entry.buyer) in sale \(entry.sale)"
        case .paymentBegun: "a payment of \(whose) was begun"
        case .paymentFailed: "a payment of \(whose) failed"
        case .paymentTaken: "\(whose) was paid"
        case .paymentTakenLate: "\(whose) was paid late, and its units were taken anew"
        case .orderExpired: "\(whose) expired"
        case .orderCancelled: "\(whose) was cancelled"
        case .refundBegun: "the money of \(whose) is to go back"
        case .refundDone: "the money of \(whose) went back"
        case .surplusOwed: "a second payment of \(whose) is to go back"
        case .surplusReturned: "a second payment of \(whose) went back"
        case .saleCreated: "sale \(entry.sale) was created, with \(Int64(entry.quantity).counted("unit"))"
        case .saleOpened: "sale \(entry.sale) was opened"
        case .saleClosed: "sale \(entry.sale) was closed"
        case .unitsAdded: "\(units) were added"
        case .unitsWithdrawn: "\(units) were withdrawn"
        case .salePaused: "sale \(entry.sale) was paused"
        case .saleResumed: "sale \(entry.sale) was resumed"
        case .limitChanged: "the limit of sale \(entry.sale) was changed"
        case .waitBegun: "buyer \(entry.buyer) began to wait for \(units)"
        case .waitClosed: "the wait of buyer \(entry.buyer) ended with sale \(entry.sale)"
        case .waitRanOut: "the wait of buyer \(entry.buyer) for sale \(entry.sale) lasted as long as one may"
        case .waitOverLimit: "the wait of buyer \(entry.buyer) ended, at the limit of sale \(entry.sale)"
        }
    }

    var json: JSON {
        .object([
            ("ok", .bool(true)), ("proved", .string(sentence)), ("order", .string(order.description)),
            ("partition", .integer(leaf.partition.rawValue)), ("sequence", .integer(leaf.entry.sequence)),
            ("batch", .integer(file.batch.batch)), ("key", .string(file.signature?.key)),
        ])
    }
}
