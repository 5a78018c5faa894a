import Redis
import Wire

/// What a node is asked, each one script, so that reading and writing are one step. A key's value is the
/// token of its holder.
enum LockScript: String {
    /// Takes a free key: status OK, or the milliseconds that its holder has left.
    case acquire = """
        return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) or redis.call('PTTL', KEYS[1])
        """
    /// Extends the holder's own key: 1, or 0 when another holds it, or -1 when nobody does.
    case extend = """
        local holder = redis.call('GET', KEYS[1])
        if not holder then return -1 end
        if holder ~= ARGV[1] then return 0 end
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        return 1
        """
    /// Gives the key to a holder that a quorum of other nodes has confirmed.
    case repair = """
        local holder = redis.call('GET', KEYS[1])
        if holder and holder ~= ARGV[1] then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return 1
        """
    /// Deletes the holder's own key.
    case release = """
        if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
        return 0
        """

    /// The whole text goes with every command: it is short, the server knows it by its hash after the first,
    /// and there is no second round trip after a restart or SCRIPT FLUSH.
    func command(key: String, token: LeaseToken, ttl: TimeAmount) -> [RedisArgument] {
        let words: [RedisArgument] = ["EVAL", .text(rawValue), 1, .text(key), .text(token.description)]
        return self == .release ? words : words + [.integer(ttl.milliseconds)]
    }

    /// Reads the answer to `acquire` or `extend` as a vote.
    func vote(_ reply: RedisReply) -> Vote {
        switch (self, reply) {
        case (.acquire, .status): .yes
        case (.acquire, .integer(let remaining)):
            .held(remaining: remaining < 0 ? nil : .milliseconds(remaining))
        case (.extend, .integer(1)): .yes
        case (.extend, .integer(0)): .held(remaining: nil)
        case (.extend, .integer(-1)): .missing
        default: .failed
        }
    }
}
