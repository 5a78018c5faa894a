import Redis
import Wire

/// How a Redis server is made to execute a `LockCommand`: by a script, so that it is one step. A key's value is
/// the token of its holder.
enum LockScript {
    /// The key of a node's memory, the same for all who use the node for leases.
    static let memoryKey = "stampede:memory"

    /// What every script begins with. Numbers up to 2^53 are exact in Lua: enough for microseconds until 2255.
    private static let opening = """
        local time = redis.call('TIME')
        local clock = time[1] * 1000000 + time[2]
        local memory = redis.call('GET', KEYS[2])
        if not memory then
            memory = string.format('%.0f', clock)
            redis.call('SET', KEYS[2], memory)
        end
        local holder = redis.call('GET', KEYS[1])
        local function answer(verdict, left) return {verdict, left or -1, clock, tonumber(memory)} end

        """

    /// Verdicts: 1 is yes, 0 held by another (with the milliseconds that it has left), -1 missing.
    private static func body(_ action: LockCommand.Action) -> String {
        switch action {
        case .acquire:
            """
            if holder then return answer(0, redis.call('PTTL', KEYS[1])) end
            redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
            return answer(1)
            """
        case .extend:
            """
            if not holder then return answer(-1) end
            if holder ~= ARGV[1] then return answer(0) end
            redis.call('PEXPIRE', KEYS[1], ARGV[2])
            return answer(1)
            """
        case .repair:
            """
            if holder and holder ~= ARGV[1] then return answer(0) end
            redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
            return answer(1)
            """
        case .release:
            """
            if holder ~= ARGV[1] then return answer(-1) end
            redis.call('DEL', KEYS[1])
            return answer(1)
            """
        case .look: "return answer(1)"
        }
    }

    /// The whole text goes with every command: the server knows it by its hash after the first, and there is no
    /// second round trip after a restart or SCRIPT FLUSH.
    private static let texts: [LockCommand.Action: String] = Dictionary(
        uniqueKeysWithValues: LockCommand.Action.allCases.map { ($0, opening + body($0)) })

    static func words(_ command: LockCommand) -> [RedisArgument] {
        [
            "EVAL", .text(texts[command.action]!), 2, .text(command.key), .text(memoryKey),
            .text(command.token.description), .integer(command.ttl.milliseconds),
        ]
    }

    static func reply(_ result: Result<RedisReply, RedisError>) -> LockReply {
        guard case .success(let reply) = result else { return .lost }
        switch reply {
        case .error(let text): return .refused(text)
        case .array(let parts):
            guard parts.count == 4, case .integer(let verdict) = parts[0], case .integer(let left) = parts[1],
                case .integer(let clock) = parts[2], case .integer(let memory) = parts[3]
            else { break }
            return .answered(LockAnswer(self.verdict(verdict, left), clock: clock, memory: memory))
        case .null, .status, .integer, .bytes: break
        }
        return .refused("something else than a script of ours returns")
    }

    private static func verdict(_ code: Int64, _ left: Int64) -> LockAnswer.Verdict {
        switch code {
        case 1: .yes
        case 0: .held(remaining: left < 0 ? nil : .milliseconds(left))
        default: .missing
        }
    }
}
