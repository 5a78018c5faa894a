/// The bytes of ZMTP 3.1 (RFC 37 of ZeroMQ), well or badly formed.
public enum ZMTP {
    /// A greeting: signature, version, mechanism padded to 20 bytes, as-server, filler.
    public static func greeting(_ mechanism: String) -> [UInt8] {
        let name = Array(mechanism.utf8.prefix(20))
        return [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0] + name + zeros(20 - name.count) + [0] + zeros(31)
    }

    public static let greetingLength = 64

    /// A command frame of up to 255 bytes.
    public static func command(_ name: String, _ data: [UInt8]) -> [UInt8] {
        let body = [UInt8(name.utf8.count)] + Array(name.utf8) + data
        return [0x04, UInt8(truncatingIfNeeded: body.count)] + body
    }

    /// READY of a DEALER, with an identity of its choice if there is one, and other properties.
    public static func ready(identity: [UInt8]? = nil, _ others: [(String, [UInt8])] = []) -> [UInt8] {
        var data = property("Socket-Type", Array("DEALER".utf8))
        if let identity { data += property("Identity", identity) }
        for (name, value) in others { data += property(name, value) }
        return command("READY", data)
    }

    public static func property(_ name: String, _ value: [UInt8]) -> [UInt8] {
        let count = UInt32(value.count)
        return [UInt8(name.utf8.count)] + Array(name.utf8)
            + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * UInt32($0))) } + value
    }

    /// A frame of a message.
    public static func frame(_ body: [UInt8], more: Bool = false) -> [UInt8] {
        let flags: UInt8 = more ? 1 : 0
        guard body.count > 255 else { return [flags, UInt8(body.count)] + body }
        return header(length: UInt64(body.count), more: more) + body
    }

    /// The beginning of a long frame, which may promise what never comes.
    public static func header(length: UInt64, more: Bool = false) -> [UInt8] {
        [more ? 3 : 2] + (0..<8).map { UInt8(truncatingIfNeeded: length >> (56 - 8 * UInt64($0))) }
    }

    /// Empty frames of a message that never ends.
    public static func endless(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 2 * count)
        for index in 0..<count { bytes[2 * index] = 1 }
        return bytes
    }

    private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
}
