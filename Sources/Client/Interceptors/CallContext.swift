/// What interceptors know of a call that is to be made.
public struct CallContext: Sendable {
    /// The method's name, such as `order.place`.
    public let method: String
    public let isStream: Bool
    /// An interceptor may change them for whoever is further in.
    public var options: CallOptions

    /// What stands before the last dot of the method's name.
    public var service: Substring { method[..<(method.lastIndex(of: ".") ?? method.startIndex)] }
}
