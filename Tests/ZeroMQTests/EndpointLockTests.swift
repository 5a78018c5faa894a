import Foundation
import Testing

@testable import ZeroMQ

@Suite struct EndpointLockTests {
    private let path = NSTemporaryDirectory() + "endpoint-" + UUID().uuidString.prefix(8)

    @Test func `an ipc endpoint belongs to one at a time`() throws {
        defer { try? FileManager.default.removeItem(atPath: path + ".lock") }
        for _ in 0..<2 {
            let lock = try EndpointLock("ipc://\(path)")
            do {
                let second = try EndpointLock("ipc://\(path)")
                Issue.record("locked twice: \(second == nil)")
            } catch {
                #expect(error.isAddressInUse)
            }
            let isLocked = lock != nil
            #expect(isLocked)
        }
    }

    @Test(arguments: ["tcp://127.0.0.1:5555", "ipc://@abstract", "ipc://*", "inproc://x", ""])
    func `what is not a file needs no lock`(endpoint: String) throws {
        let lock = try EndpointLock(endpoint)
        let isLocked = lock != nil
        #expect(!isLocked)
    }

    @Test func `a folder that is not there is named`() throws {
        do {
            let lock = try EndpointLock("ipc:///nowhere/at/all")
            Issue.record("locked: \(lock != nil)")
        } catch {
            #expect(!error.isAddressInUse)
            #expect("\(error)".contains("/nowhere/at/all.lock"))
        }
    }
}
