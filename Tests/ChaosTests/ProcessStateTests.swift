import Foundation
import Testing

@testable import Chaos

/// Against real processes.
@Suite struct ProcessStateTests {
    @Test func `the children of a process can be stopped and continued`() async throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "sleep 60 & sleep 60 & wait"]
        // Whoever keeps the runner's output open keeps the runner.
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        // It may have inherited a mask that blocks every signal that can be blocked.
        defer { kill(process.processIdentifier, SIGKILL) }
        var children: [ProcessState.Child] = []
        await Arena.wait(atMost: .seconds(10)) {
            children = ProcessState.children(of: process.processIdentifier)
            return children.count == 2
        }
        try #require(children.count == 2)
        defer { for child in children { child.signal(SIGKILL) } }
        for child in children { child.signal(SIGSTOP) }
        await Arena.wait(atMost: .seconds(10)) { children.allSatisfy { ProcessState.isStopped($0.pid) } }
        #expect(children.allSatisfy { ProcessState.isStopped($0.pid) })
        #expect(!ProcessState.isStopped(process.processIdentifier))
        for child in children { child.signal(SIGCONT) }
        await Arena.wait(atMost: .seconds(10)) { !children.contains { ProcessState.isStopped($0.pid) } }
        #expect(!children.contains { ProcessState.isStopped($0.pid) })
    }

    @Test func `a process that is gone has no state, no children and takes no signal`() throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/true")
        try process.run()
        process.waitUntilExit()
        #expect(ProcessState.Child(process.processIdentifier) == nil)
        #expect(!ProcessState.isStopped(process.processIdentifier))
        #expect(ProcessState.children(of: process.processIdentifier).isEmpty)
    }
}
