public import Wire

/// Which role a method needs, by its number: what a broker knows about methods whose bodies it never reads.
public enum MethodRoles {
    /// The methods that are not for every client. All others, those of other services included, need the role
    /// *service*.
    public static let restricted: [(method: MethodID, role: Role)] = [
        (OrderMethods.revoke.id, OrderMethods.revoke.role),
        (PaymentMethods.begin.id, PaymentMethods.begin.role),
        (PaymentMethods.record.id, PaymentMethods.record.role),
        (PaymentMethods.list.id, PaymentMethods.list.role),
        (SaleMethods.create.id, SaleMethods.create.role),
        (SaleMethods.change.id, SaleMethods.change.role),
        (ContactMethods.get.id, ContactMethods.get.role),
        (SystemMethods.brokerStatus.id, SystemMethods.brokerStatus.role),
        (SystemMethods.drain.id, SystemMethods.drain.role),
        (SystemMethods.breaker.id, SystemMethods.breaker.role),
        (SystemMethods.redis.id, SystemMethods.redis.role),
        (SystemMethods.yield.id, SystemMethods.yield.role),
    ]

    public static func role(of method: MethodID) -> Role {
        // A few words in a row are compared faster than one is hashed.
        for entry in restricted where entry.method == method { return entry.role }
        return .service
    }
}
