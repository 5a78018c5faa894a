public import Methods
public import Sales
import Wire

extension StampedeClient {
    /// Says how the buyer of a sale is reached. Kept apart from orders, so that it can be erased.
    public func setContact(_ contact: Contact, options: CallOptions = .init()) async throws(CallError) {
        _ = try await call(ContactMethods.set, contact, options: options)
    }

    /// Forgets how a buyer of a sale is reached; nothing is sent afterwards.
    @discardableResult
    public func eraseContact(
        sale: SaleID, buyer: BuyerID, options: CallOptions = .init()
    ) async throws(CallError) -> ErasedContact {
        try await call(ContactMethods.erase, EraseContact(sale: sale, buyer: buyer), options: options)
    }

    /// How a buyer of a sale is reached, for an operator; `NOT_FOUND` when nobody has said it.
    public func contact(
        sale: SaleID, buyer: BuyerID, options: CallOptions = .init()
    ) async throws(CallError) -> Contact {
        try await call(ContactMethods.get, GetContact(sale: sale, buyer: buyer), options: options)
    }

    /// Places an order, and once it stands says how its buyer is reached. A refused order leaves no contact behind.
    ///
    /// - Returns: the order, and why the contact was not stored, if it was not: an order stands whatever becomes of that.
    public func placeOrder(
        sale: SaleID, buyer: BuyerID, quantity: Int32 = 1, key: RequestKey = .random(), contact: Contact,
        options: CallOptions = .init()
    ) async throws(CallError) -> (order: Order, contactError: CallError?) {
        precondition(
            contact.sale == sale && contact.buyer == buyer, "the contact of another sale, or of somebody else"
        )
        let order = try await placeOrder(
            sale: sale, buyer: buyer, quantity: quantity, key: key, options: options)
        do throws(CallError) {
            try await setContact(contact, options: options)
            return (order, nil)
        } catch {
            return (order, error)
        }
    }
}
