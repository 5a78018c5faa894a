import Digests
import Glibc
import HTTP
import Ledger
import Resilience
import Wire

/// Carries events to a webhook, some at a time, and tries each again as often as it may.
struct Courier: Sendable {
    /// What became of an event.
    enum Outcome: Sendable {
        case taken
        case dead(RelayDeadLetter)
        case outage(String)
    }

    let client: HTTPClient
    let url: String
    let secret: [UInt8]
    let attempts: Int
    let parallel: Int

    static let timeout = TimeAmount.seconds(10)
    /// Nobody reads what a receiver has to say beyond its status.
    static let bodyLimit = 64 << 10

    /// - Precondition: no two letters have one subject.
    func deliver(_ letters: [RelayDeadLetter]) async -> [(letter: RelayDeadLetter, outcome: Outcome)] {
        await withTaskGroup(of: (Int, Outcome).self) { group in
            var outcomes: [(RelayDeadLetter, Outcome)] = []
            var next = 0
            var outage: String?
            func sendOne() {
                guard next < letters.count, outage == nil else { return }
                let place = next
                next += 1
                group.addTask { (place, await deliver(letters[place])) }
            }
            for _ in 0..<parallel { sendOne() }
            while let (place, outcome) = await group.next() {
                outcomes.append((letters[place], outcome))
                if case .outage(let words) = outcome { outage = words }
                sendOne()
            }
            return outcomes
        }
    }

    private func deliver(_ letter: RelayDeadLetter) async -> Outcome {
        var refusals = 0
        while true {
            switch WebhookVerdict(await send(letter)) {
            case .taken: return .taken
            case .outage(let words): return .outage(words)
            case .refused(let reason, let asked):
                refusals += 1
                guard refusals < attempts else {
                    return .dead(
                        RelayDeadLetter(
                            partition: letter.partition, sequence: letter.sequence, subject: letter.subject,
                            attempts: Int32(refusals), reason: reason, event: letter.event))
                }
                let wait = WebhookVerdict.wait(
                    after: refusals, asked: asked, random: .random(in: .min ... .max))
                // Nothing cancels it: the pump waits for what has begun.
                try? await Task.sleep(nanoseconds: UInt64(max(0, wait.nanoseconds)))
            }
        }
    }

    private func send(_ letter: RelayDeadLetter) async -> Result<HTTPResponse, HTTPError> {
        let body = Array(letter.event.utf8)
        // Signed anew for each attempt: the receiver judges the time.
        let signature = WebhookSignature.header(secret: secret, time: Int64(time(nil)), body: body)
        var request = HTTPRequest(
            .post, url,
            headers: [
                ("content-type", WebhookSink.contentType), (WebhookSignature.header, signature),
                ("user-agent", "stampede"),
            ], body: body)
        request.timeout = Self.timeout
        request.bodyLimit = Self.bodyLimit
        do throws(HTTPError) {
            return .success(try await client.send(request))
        } catch {
            return .failure(error)
        }
    }
}
