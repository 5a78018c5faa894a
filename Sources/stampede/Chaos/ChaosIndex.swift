import Chaos
import FoundationEssentials

/// The page that leads to the pages of all episodes.
struct ChaosIndex: Sendable {
    private var rows = ""

    /// - Parameter page: the file beside the index.
    mutating func add(_ number: Int, _ verdict: Verdict, page: String) {
        // Plans and faults are named by whoever wrote the plan.
        let cells = [
            "\(number)", "<a href=\"\(ChaosIndex.escaped(page))\">\(ChaosIndex.escaped(verdict.plan))</a>",
            "\(verdict.seed)", verdict.word, verdict.orders.grouped, verdict.unknown.grouped,
            ChaosIndex.escaped(verdict.faults.map(\.nemesis).joined(separator: ", ")),
        ]
        rows += "<tr>" + cells.map { "<td>\($0)" }.joined() + "\n"
    }

    var html: String {
        """
        <!doctype html><html lang=en><meta charset=utf-8><title>Chaos</title>
        <style>:root { color-scheme: light dark } body { font: 15px/1.6 system-ui; margin: 2rem }
        td, th { padding: .2rem .8rem; text-align: left }</style>
        <h1>Chaos</h1>
        <table><tr><th>Episode<th>Plan<th>Seed<th>Verdict<th>Orders<th>Unknown at first<th>Faults
        \(rows)</table>

        """
    }

    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
    }
}
