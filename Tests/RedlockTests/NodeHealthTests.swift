import Redis
import Testing
import Wire

@testable import Redlock

@Suite struct `Node health` {
    private static let boot = MonotonicTime(nanoseconds: 100_000_000_000)
    /// The longest TTL of 10 s, its drift, and a second.
    private static let amnesia = TimeAmount.milliseconds(11_102)

    private func info(
        _ runID: String, uptime: Int64, isMaster: Bool = true, policy: String = "noeviction"
    ) -> ServerInfo {
        ServerInfo(runID: runID, uptime: .seconds(uptime), isMaster: isMaster, maxmemoryPolicy: policy)
    }

    @Test func `a young process does not vote until the longest lease from before it has ended`() {
        var health = NodeHealth(longestTTL: .seconds(10))
        #expect(health.standing(at: Self.boot, quarantine: true) == .absent)
        let seen = Self.boot + .seconds(4)
        health.connected(info("a", uptime: 4), twin: nil, at: seen)
        let end = Self.boot + Self.amnesia
        #expect(health.standing(at: seen, quarantine: true) == .quarantined(until: end))
        #expect(health.standing(at: end - .nanoseconds(1), quarantine: true) == .quarantined(until: end))
        #expect(health.standing(at: end, quarantine: true) == .fit)
        #expect(health.standing(at: seen, quarantine: false) == .fit)
    }

    @Test func `an old process votes at once, and so after a lost connection`() {
        var health = NodeHealth(longestTTL: .seconds(10))
        health.connected(info("a", uptime: 60), twin: nil, at: Self.boot)
        #expect(health.standing(at: Self.boot, quarantine: true) == .fit)
        health.disconnected(at: Self.boot + .seconds(1))
        #expect(health.standing(at: Self.boot + .seconds(1), quarantine: true) == .absent)
        health.connected(info("a", uptime: 62), twin: nil, at: Self.boot + .seconds(2))
        #expect(health.standing(at: Self.boot + .seconds(2), quarantine: true) == .fit)
    }

    @Test func `a restarted process is quarantined from its start`() {
        var health = NodeHealth(longestTTL: .seconds(10))
        health.connected(info("a", uptime: 60), twin: nil, at: Self.boot)
        health.disconnected(at: Self.boot + .seconds(1))
        let seen = Self.boot + .seconds(5)
        health.connected(info("b", uptime: 2), twin: nil, at: seen)
        let end = seen - .seconds(2) + Self.amnesia
        #expect(health.standing(at: end - .nanoseconds(1), quarantine: true) == .quarantined(until: end))
        #expect(health.standing(at: end, quarantine: true) == .fit)
    }

    @Test func `another old server behind the address has not seen the leases of the one before`() {
        var health = NodeHealth(longestTTL: .seconds(10))
        health.connected(info("a", uptime: 60), twin: nil, at: Self.boot)
        health.disconnected(at: Self.boot + .seconds(1))
        health.connected(info("b", uptime: 600), twin: nil, at: Self.boot + .seconds(2))
        let end = Self.boot + .seconds(1) + Self.amnesia
        #expect(health.standing(at: end - .nanoseconds(1), quarantine: true) == .quarantined(until: end))
        #expect(health.standing(at: end, quarantine: true) == .fit)
    }

    @Test func `replicas, evicting servers and twins are refused with a reason`() throws {
        let twin = try RedisAddress("127.0.0.1:7000")
        for (info, twin, word) in [
            (info("a", uptime: 60, isMaster: false), nil, "replica"),
            (info("a", uptime: 60, policy: "volatile-lru"), nil, "volatile-lru"),
            (info("a", uptime: 60), twin, "127.0.0.1:7000"),
        ] {
            var health = NodeHealth(longestTTL: .seconds(10))
            health.connected(info, twin: twin, at: Self.boot)
            guard case .refused(let reason) = health.standing(at: Self.boot, quarantine: true) else {
                Issue.record("\(info) was not refused")
                continue
            }
            #expect(reason.contains(word))
        }
    }
}
