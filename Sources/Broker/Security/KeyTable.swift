import Wire
import ZeroMQ

/// What each key may do now. libzmq marks every message of a connection with the *user id* that its key got
/// when it connected; the rights behind that id follow the newest list.
struct KeyTable {
    /// By the number in a user id: a byte per key that was ever listed.
    private var roles: [Roles] = []
    private var numbers: [CurveKey: Int] = [:]
    /// The beginning of every user id. Peers that no handler was asked about may claim any user id
    /// (`Message.withUserID`); this one they cannot guess.
    private let token: [UInt8]

    /// Keys off the list that keep their number, so that their sessions live on when they are listed again.
    private static let maximumRemembered = 100_000
    private static let digits = Array("0123456789abcdef".utf8)

    /// - Parameter random: 64 random bits, secret and new for every process.
    init(_ list: AllowList, random: UInt64) {
        token = Self.hex(random, digits: 16)
        replace(with: list)
    }

    mutating func replace(with list: AllowList) {
        for index in roles.indices { roles[index] = [] }
        if numbers.count > Self.maximumRemembered { numbers = [:] }
        for entry in list.entries {
            if let number = numbers[entry.key] {
                roles[number] = entry.roles
            } else {
                numbers[entry.key] = roles.count
                roles.append(entry.roles)
            }
        }
    }

    /// The user id of a key that wants to connect to a port; nil for one that is turned away.
    func userID(of key: CurveKey, at port: Port) -> [UInt8]? {
        guard let number = numbers[key], !roles[number].isDisjoint(with: port.roles) else { return nil }
        return token + Self.hex(UInt64(number), digits: 8)
    }

    /// What the holder of a user id may do now; nothing for one that we did not give.
    func roles(of userID: Span<UInt8>) -> Roles {
        guard userID.count == 24 else { return [] }
        // Every byte is looked at, so that the time says nothing about the token.
        var difference: UInt8 = 0
        for index in 0..<16 { difference |= userID[index] ^ token[index] }
        guard difference == 0 else { return [] }
        var number = 0
        for index in 16..<24 {
            let digit = userID[index]
            number = number << 4 | Int(digit <= 0x39 ? digit &- 0x30 : digit &- 0x57)
        }
        return roles.indices.contains(number) ? roles[number] : []
    }

    private static func hex(_ value: UInt64, digits count: Int) -> [UInt8] {
        (0..<count).map { digits[Int(value >> (4 * UInt64(count - 1 - $0)) & 15)] }
    }
}
