import Foundation
import Testing

@testable import ZeroMQ

@Suite struct CurveKeyTests {
    /// RFC 32's own example is shorter; these are the keys of zmq_curve(7) of libzmq.
    static let publicText = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
    static let secretText = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"

    @Test func `a key's text is read and written as it is`() throws {
        let key = try #require(CurveKey(Self.publicText))
        #expect(key.description == Self.publicText)
        #expect(CurveKey(bytes: key.bytes) == key)
        #expect(key.bytes.count == 32)
    }

    @Test(arguments: [
        "", "x", String(repeating: " ", count: 40), String(repeating: "~", count: 40),
        String(repeating: "é", count: 20), String(publicText.dropLast()), publicText + "0",
        // Five times the highest digit are more than four bytes hold.
        String(repeating: "#", count: 40),
    ])
    func `what is no key is none`(text: String) {
        #expect(CurveKey(text) == nil)
        #expect(CurveKeyPair(secretText: text) == nil)
    }

    @Test func `the public key follows from the secret`() throws {
        let pair = try #require(CurveKeyPair(secretText: Self.secretText))
        #expect(pair.publicKey.description == Self.publicText)
        let other = try CurveKeyPair()
        #expect(CurveKeyPair(secretText: other.secretText) == other)
        #expect(other.publicKey != pair.publicKey)
    }

    @Test func `a secret is never printed`() throws {
        let pair = try CurveKeyPair()
        let keys = ConnectionKeys(server: pair.publicKey, own: pair)
        var dumped = ""
        dump(pair, to: &dumped)
        dump(keys, to: &dumped)
        dump(SocketSecurity.curveClient(server: pair.publicKey, own: pair), to: &dumped)
        for text in ["\(pair)", String(reflecting: pair), "\(keys)", dumped] {
            #expect(!text.contains(pair.secretText))
            #expect(!text.contains("\(pair.secret)") && !text.contains("secret"))
        }
        #expect("\(pair)".contains("\(pair.publicKey)"))
    }
}
