/// Names of webhooks that came, as many as may still be repeated with a valid signature. The oldest give way.
public struct SeenEvents: Sendable {
    private let most: Int
    private var names: Set<String> = []
    /// In the order of their coming, as a ring once there are `most`.
    private var ring: [String] = []
    private var oldest = 0

    /// - Parameter most: with the tolerance of signatures of 5 minutes, this is some 200 a second.
    public init(most: Int = 65_536) {
        precondition(most > 0, "no room for a single event")
        self.most = most
    }

    public func contains(_ name: String) -> Bool { names.contains(name) }

    public mutating func insert(_ name: String) {
        guard names.insert(name).inserted else { return }
        if ring.count < most {
            ring.append(name)
        } else {
            names.remove(ring[oldest])
            ring[oldest] = name
            oldest = (oldest + 1) % most
        }
    }

    /// Forgets one that is to come again.
    public mutating func remove(_ name: String) {
        guard names.remove(name) != nil, let place = ring.firstIndex(of: name) else { return }
        // The place is given away in its turn; no event has the empty name.
        ring[place] = ""
    }
}
