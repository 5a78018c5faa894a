import Testing
import Wire

@testable import Workers

@Suite struct FitnessTests {
    private var fitness = Fitness()
    private var now = MonotonicTime(nanoseconds: 1_000_000_000_000)

    /// Lets time pass in small steps; returns how often the worker changed its mind.
    @discardableResult
    private mutating func pass(_ time: TimeAmount, isWell: Bool) -> Int {
        let end = now + time
        var changes = 0
        while now < end {
            let before = fitness.isFit
            now = now + .milliseconds(10)
            fitness.judge(isWell: isWell, now)
            if fitness.isFit != before { changes += 1 }
        }
        return changes
    }

    @Test mutating func `a worker is fit as soon as all is well for the first time`() {
        #expect(!fitness.isFit)
        pass(.milliseconds(10), isWell: true)
        #expect(fitness.isFit)
    }

    @Test mutating func `after a relapse all must have been well for a second`() {
        pass(.seconds(1), isWell: true)
        pass(.milliseconds(10), isWell: false)
        #expect(!fitness.isFit)
        pass(.milliseconds(1_000), isWell: true)
        #expect(!fitness.isFit)
        pass(.milliseconds(10), isWell: true)
        #expect(fitness.isFit)
    }

    @Test mutating func `what is well now and then is not well`() {
        pass(.seconds(1), isWell: true)
        pass(.milliseconds(10), isWell: false)
        for _ in 0..<10 {
            pass(.milliseconds(900), isWell: true)
            pass(.milliseconds(100), isWell: false)
        }
        #expect(!fitness.isFit)
    }

    @Test mutating func `who relapses again and again changes its mind ever less often`() {
        var changes = 0
        // A worker without a memory would change it sixty times.
        for _ in 0..<30 {
            changes += pass(.milliseconds(1_500), isWell: true)
            changes += pass(.milliseconds(500), isWell: false)
        }
        #expect((1...4).contains(changes), "\(changes) changes")
    }

    @Test mutating func `a long time of fitness is taken for a new life`() {
        pass(.seconds(1), isWell: true)
        for _ in 0..<6 {
            pass(.seconds(1), isWell: false)
            pass(.seconds(17), isWell: true)
        }
        pass(.seconds(60), isWell: true)
        pass(.seconds(1), isWell: false)
        #expect(pass(.milliseconds(1_020), isWell: true) == 1)
    }

    @Test func `strikes double a pause until they are forgotten`() {
        var strikes = Strikes()
        var pauses: [Int64] = []
        for _ in 0..<7 {
            strikes.add(now)
            pauses.append(strikes.pause(.milliseconds(100), atMost: .milliseconds(1_500)).milliseconds)
        }
        #expect(pauses == [100, 200, 400, 800, 1_500, 1_500, 1_500])
        strikes.add(now + Strikes.memory)
        #expect(strikes.pause(.milliseconds(100), atMost: .seconds(9)) == .milliseconds(100))
    }
}
