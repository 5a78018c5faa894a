import Testing
import Wire

@Suite struct TraceParentTests {
    static let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test func `the specification's example is read and written`() throws {
        let parent = try #require(TraceParent(TraceParentTests.text))
        #expect(parent.traceHigh == 0x0af7_6519_16cd_43dd && parent.traceLow == 0x8448_eb21_1c80_319c)
        #expect(parent.span == 0xb7ad_6b71_6920_3331 && parent.isSampled)
        #expect(parent.text == TraceParentTests.text)
        var metadata = Metadata()
        metadata.traceParent = parent
        #expect(metadata[text: "traceparent"] == TraceParentTests.text && metadata.traceParent == parent)
    }

    @Test func `a later version may say more`() {
        #expect(TraceParent("cc" + TraceParentTests.text.dropFirst(2) + "-what-the-future") != nil)
        #expect(TraceParent("cc" + TraceParentTests.text.dropFirst(2) + ".what") == nil)
    }

    @Test(arguments: [
        "", "00", "ff" + text.dropFirst(2), text + "-x", text.uppercased(),
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
    ])
    func `what is no trace is none`(text: String) {
        #expect(TraceParent(text) == nil)
    }
}
