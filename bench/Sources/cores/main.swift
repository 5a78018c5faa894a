// What an order costs in each part, without I/O.
//
//     cores                 nanoseconds of every operation, the best of five rounds: the others met more of the
//                           machine's noise. Exits with 1 when one with a promise is slower, or allocates
//     cores OPERATION N     does one operation N times, for `make bench-counts` to count its instructions

import Foundation

let arguments = CommandLine.arguments.dropFirst()
if arguments.isEmpty {
    let count = 200_000
    var missed: [String] = []
    for operation in Operation.all {
        var best = Duration.seconds(3_600)
        for _ in 0..<5 {
            let run = operation.prepare(count)
            best = min(best, ContinuousClock().measure { run() })
        }
        let nanoseconds = Double(best.components.attoseconds) / 1e9 + Double(best.components.seconds) * 1e9
        let each = nanoseconds / Double(count)
        let verdict = operation.promise.map {
            each < Double($0) ? "  (below \($0): kept)" : "  (below \($0): MISSED)"
        }
        print(
            operation.title.padded(44) + String(Int(each.rounded())).leftPadded(8) + " ns" + (verdict ?? ""))
        guard let promise = operation.promise else { continue }
        if each >= Double(promise) { missed.append("\(operation.title): \(each) ns") }
        let allocations = try Allocations.perOperation(operation.name)
        print("  allocations of one more".padded(44) + String(format: "%8.4f", allocations))
        if allocations > 0.001 { missed.append("\(operation.title): \(allocations) allocations") }
    }
    if !missed.isEmpty {
        FileHandle.standardError.write(Data("Missed: \(missed.joined(separator: "; "))\n".utf8))
        exit(1)
    }
} else if let operation = Operation.all.first(where: { $0.name == arguments.first }),
    let count = arguments.last.flatMap({ Int($0) })
{
    operation.prepare(count)()
} else if arguments.first == "list" {
    for operation in Operation.all { print(operation.name) }
} else {
    FileHandle.standardError.write(Data("usage: cores [list | OPERATION N]\n".utf8))
    exit(2)
}

extension String {
    func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
    func leftPadded(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
