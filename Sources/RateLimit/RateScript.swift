import Redis
import Resilience
import Wire

/// What a Redis node is asked: all claims of a call in one step, by the server's own clock.
///
/// A key's value is its TAT in microseconds of the server; it runs out when the TAT has come. The TAT never moves back,
/// also when the server's clock does.
enum RateScript {
    static let text = """
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local allowed, remaining, retry, reset, arrivals = 1, nil, 0, 0, {}
        for i = 1, #KEYS do
            local interval, tolerance = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1])
            local arrival = math.max(tonumber(redis.call('GET', KEYS[i]) or 0), now)
            local following = arrival + interval * tonumber(ARGV[3 * i])
            local wait = following - tolerance - now
            local reached = following
            if wait > 0 then
                allowed, reached, retry = 0, arrival, math.max(retry, wait)
            end
            local left = math.max(0, math.floor((now + tolerance - reached) / interval))
            remaining = math.min(remaining or left, left)
            reset = math.max(reset, reached - now)
            arrivals[i] = following
        end
        if allowed == 1 then
            for i = 1, #KEYS do
                local life = math.ceil((arrivals[i] - now) / 1000)
                redis.call('SET', KEYS[i], string.format('%.0f', arrivals[i]), 'PX', math.max(1, life))
            end
        end
        return { allowed, remaining, retry, reset }
        """

    /// The whole text goes with every command: there is no second round trip after a restart or SCRIPT FLUSH.
    static func command(_ claims: [RateClaim]) -> [RedisArgument] {
        var words: [RedisArgument] = ["EVAL", .text(text), .integer(Int64(claims.count))]
        for claim in claims { words.append(.text("rate:\(claim.key)")) }
        for claim in claims {
            words.append(.integer(claim.rule.interval.microseconds))
            words.append(.integer(claim.rule.interval.microseconds * Int64(claim.rule.burst)))
            words.append(.integer(Int64(claim.cost)))
        }
        return words
    }

    /// Nil for an answer that no script of ours gives.
    static func decision(_ reply: RedisReply) -> RateDecision? {
        guard case .array(let words) = reply, words.count == 4, case .integer(let allowed) = words[0],
            case .integer(let remaining) = words[1], case .integer(let retry) = words[2],
            case .integer(let reset) = words[3]
        else { return nil }
        return RateDecision(
            isAllowed: allowed == 1, remaining: Int(remaining), retryAfter: .microseconds(retry),
            resetAfter: .microseconds(reset))
    }
}
