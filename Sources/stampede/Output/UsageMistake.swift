import ArgumentParser

/// A command line that cannot be read: one sentence, and where the help is.
struct UsageMistake {
    let sentence: String

    /// - Parameters:
    ///   - message: what swift-argument-parser says, of which only the first line is a sentence.
    ///   - arguments: the command line without the program.
    init(root: any ParsableCommand.Type, arguments: [String], message: String) {
        var command = root
        var path = [root.name]
        for argument in arguments {
            let subcommands = command.configuration.subcommands
            guard let next = subcommands.first(where: { $0.name == argument }) else {
                if !subcommands.isEmpty && !argument.hasPrefix("-") {
                    let names = subcommands.map { $0.name }
                    let guess = UsageMistake.closest(to: argument, names).map { ": did you mean ‘\($0)’?" }
                    let all = ": there are \(names.joined(separator: ", "))."
                    sentence =
                        "‘\(argument)’ is no subcommand of `\(path.joined(separator: " "))`\(guess ?? all)"
                    return
                }
                break
            }
            command = next
            path.append(argument)
        }
        let first = message.split(whereSeparator: \.isNewline).first.map(String.init) ?? message
        let words = first.hasSuffix(".") ? String(first.dropLast()) : first
        sentence = "\(words.asSentence.dropLast()): see `\(path.joined(separator: " ")) --help`."
    }

    /// The name that differs least, if it differs little.
    private static func closest(to word: String, _ names: [String]) -> String? {
        let best = names.map { (name: $0, distance: distance(word, $0)) }.min { $0.distance < $1.distance }
        return best.flatMap { $0.distance <= max(1, word.count / 2) ? $0.name : nil }
    }

    /// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other
    /// (Damerau 1964, the restricted form).
    private static func distance(_ first: String, _ second: String) -> Int {
        let (first, second) = (Array(first), Array(second))
        var rows = [Array(0...second.count)]
        for i in 0..<first.count {
            var row = [i + 1]
            for j in 0..<second.count {
                var cost = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (first[i] == second[j] ? 0 : 1))
                if i > 0, j > 0, first[i] == second[j - 1], first[i - 1] == second[j] {
                    cost = min(cost, rows[i - 1][j - 1] + 1)
                }
                row.append(cost)
            }
            rows.append(row)
        }
        return rows[first.count][second.count]
    }
}

extension ParsableCommand {
    fileprivate static var name: String { configuration.commandName ?? "" }
}
