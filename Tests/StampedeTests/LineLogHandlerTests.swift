import Foundation
import Logging
import Synchronization
import Testing

@testable import stampede

@Suite struct LineLogHandlerTests {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    private func lines(_ format: LineLogHandler.Format, _ body: (inout Logger) -> Void) -> [String] {
        let lines = Lines()
        var logger = Logger(label: "worker-1") { label in
            var handler = LineLogHandler(label: label, format: format, logLevel: .info)
            handler.write = { line in lines.all.withLock { $0.append(line) } }
            handler.now = { Date(timeIntervalSince1970: 1_900_000_000) }
            return handler
        }
        body(&logger)
        return lines.all.withLock { $0 }
    }

    @Test func `JSON has a line per event that any parser reads`() throws {
        let lines = lines(.json) { logger in
            logger[metadataKey: "partition"] = "\(7)"
            logger.warning(
                "It \"broke\"\n", metadata: ["error": "a\tb", "list": ["x", "y"], "msg": "forged"])
            logger.debug("below the level")
        }
        #expect(lines.count == 1)
        let line = try #require(lines.first)
        #expect(!line.contains("\n"))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["ts"] as? String == "2030-03-17T17:46:40.000Z")
        #expect(object["level"] as? String == "warning")
        #expect(object["msg"] as? String == "It \"broke\"\n")
        #expect(object["label"] as? String == "worker-1")
        #expect(object["error"] as? String == "a\tb")
        #expect(object["list"] as? [String] == ["x", "y"])
        #expect("\(object["partition"] ?? "")" == "7")
    }

    @Test func `text is one line for people`() {
        let lines = lines(.text) { logger in
            logger.info("Listening", metadata: ["b": "two words", "a": "1", "c": "say \"x\"\nforged line"])
        }
        #expect(
            lines == [
                "2030-03-17T17:46:40.000Z info worker-1: Listening a=1 b=\"two words\" "
                    + "c=\"say \\\"x\\\" forged line\""
            ])
    }
}
