/// Names a call in a host: its slot, and how often that was used before, so that what comes late is noticed.
struct CallToken: Hashable, Sendable {
    let slot: Int32
    let generation: UInt32
}
