public import Methods
public import Wire

/// `bench.echo`: its request is its reply. The frame has the same bytes as the one in C, in peers/client.c.
public struct Echo: MessageBody, Routed, Hashable {
    public var data: [UInt8]

    public static let method = Method<Echo, Echo>("bench.echo", .free)
    /// A body of 64 bytes: {"data": 56 bytes}.
    public static let sample = Echo(data: [UInt8](repeating: 7, count: 56))

    public init(data: [UInt8]) { self.data = data }

    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var data: [UInt8] = []
        try bytes.readMap(at: &offset) { name, offset throws(WireError) in
            guard name == Echo.dataField else { return false }
            data = try bytes.readBinary(at: &offset, maximum: 4_096, field: "data")
            return true
        }
        self.data = data
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(1)
        writer.string("data")
        writer.binary(data)
    }

    public var route: Route { Route(routing: RoutingKey(sale: 0, lane: 0), isRead: true) }

    private static let dataField: FieldName = "data"
}
