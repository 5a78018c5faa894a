/// Divides events so that none has two of one subject, for sinks that may take or refuse each event by itself.
///
/// What one wave holds may be sent at once, and what was refused again, without an order's later event overtaking an
/// earlier one: the next wave follows when all of this one has been taken.
enum Waves {
    static func divide(_ events: [Event]) -> [[Event]] {
        var waves: [[Event]] = []
        var counts: [String: Int] = [:]
        for event in events {
            let wave = counts[event.subject, default: 0]
            counts[event.subject] = wave + 1
            if wave == waves.count { waves.append([]) }
            waves[wave].append(event)
        }
        return waves
    }
}
