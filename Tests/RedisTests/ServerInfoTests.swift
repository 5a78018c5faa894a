import Testing
import Wire

@testable import Redis

@Suite struct `Server info` {
    static let text =
        "# Server\r\nrun_id:abc\r\nuptime_in_seconds:12\r\n\r\nrole:slave\r\nmaxmemory_policy:noeviction\r\n"

    @Test func `the four lines that matter are found among the others`() {
        #expect(
            ServerInfo(parsing: Self.text)
                == ServerInfo(
                    runID: "abc", uptime: .seconds(12), isMaster: false, maxmemoryPolicy: "noeviction"))
    }

    @Test(arguments: ["run_id", "uptime_in_seconds", "role", "maxmemory_policy"])
    func `a server that leaves one out is not believed`(field: String) {
        let lines = Self.text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix(field) }
        #expect(ServerInfo(parsing: lines.joined(separator: "\r\n")) == nil)
    }
}
