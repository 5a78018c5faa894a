public import Sales

/// The names of events. `docs/events.md` has the table, and a test compares the two.
public enum EventType {
    /// The CloudEvents attribute `type` for a kind of entry. Published: never change one.
    public static func name(_ kind: Entry.Kind) -> String {
        switch kind {
        case .saleCreated: "stampede.sale.created"
        case .saleOpened: "stampede.sale.opened"
        case .saleClosed: "stampede.sale.closed"
        case .unitsAdded: "stampede.sale.units_added"
        case .unitsWithdrawn: "stampede.sale.units_withdrawn"
        case .salePaused: "stampede.sale.paused"
        case .saleResumed: "stampede.sale.resumed"
        case .limitChanged: "stampede.sale.limit_changed"
        case .orderPlaced: "stampede.order.placed"
        case .keyVoided: "stampede.key.voided"
        case .paymentBegun: "stampede.payment.begun"
        case .paymentFailed: "stampede.payment.failed"
        case .paymentTaken: "stampede.payment.taken"
        case .paymentTakenLate: "stampede.payment.taken_late"
        case .orderExpired: "stampede.order.expired"
        case .orderCancelled: "stampede.order.cancelled"
        case .refundBegun: "stampede.refund.begun"
        case .refundDone: "stampede.refund.done"
        case .surplusOwed: "stampede.surplus.owed"
        case .surplusReturned: "stampede.surplus.returned"
        case .waitBegun: "stampede.wait.begun"
        case .waitClosed: "stampede.wait.closed"
        case .waitRanOut: "stampede.wait.ran_out"
        case .waitOverLimit: "stampede.wait.over_limit"
        }
    }
}
