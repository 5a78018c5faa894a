/// Holds up what passes some connections.
struct LinkFault: Fault {
    let arena: Arena
    let links: [RelayHub.LinkName]
    let mode: RelayHub.Mode

    func inject() async throws(ChaosError) { arena.hub.set(mode, on: links) }

    func evidence() async -> Evidence {
        let felt = arena.hub.felt(links)
        return Evidence(felt > 0, "\(felt) bytes held up on \(links.count) connections")
    }

    func heal() async { arena.hub.set(.open, on: links) }
}

/// Closes connections once.
struct ResetFault: Fault {
    let arena: Arena
    let links: [RelayHub.LinkName]

    func inject() async throws(ChaosError) {
        arena.hub.reset(links)
        await Arena.wait(atMost: .seconds(1)) { arena.hub.felt(links) > 0 }
    }

    func evidence() async -> Evidence {
        let felt = arena.hub.felt(links)
        return Evidence(felt > 0, "\(felt) connections closed")
    }

    func heal() async {}
}
