import Foundation
import Testing

/// A consumer as docs/events.md advises one to be: it drops what it has had, by the order's version.
struct Consumer {
    private(set) var ids: Set<String> = []
    private(set) var duplicates = 0
    private var versions: [String: Int] = [:]
    private var sequences: [String: Int] = [:]
    /// Events that came before an earlier one of their subject: what must never be.
    private(set) var disorder: [String] = []

    mutating func take(_ text: String) throws {
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let id = try #require(object["id"] as? String)
        let subject = try #require(object["subject"] as? String)
        let sequence = try #require(object["sequence"] as? Int)
        guard ids.insert(id).inserted else {
            duplicates += 1
            return
        }
        if let version = object["orderversion"] as? Int {
            if version != versions[subject, default: 0] + 1 {
                disorder.append("\(id) of \(subject) is version \(version)")
            }
            versions[subject] = version
        }
        let partition = "\(subject) \(object["partition"] ?? "")"
        if sequence <= sequences[partition, default: 0] { disorder.append("\(id) of \(subject) comes late") }
        sequences[partition] = sequence
    }
}
