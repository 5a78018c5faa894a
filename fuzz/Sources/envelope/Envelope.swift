import Wire

/// libFuzzer's entry: the header and metadata of a frame. What is read must be written again as it was.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzEnvelope(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeBufferPointer(start: start, count: count)
    let frame = Array(bytes)
    guard let header = try? Header(decoding: frame.span) else { return 0 }
    var again = frame
    var span = again.mutableSpan
    header.encode(into: &span)
    // A reason of a newer peer is read as `other`, and a RESULT has a status where others have a priority: all
    // else is kept bit for bit.
    if header.reason != .other { precondition(again == frame, "a header is not written as it was read") }
    guard let metadata = try? Metadata(decoding: frame.span, header: header), !metadata.isEmpty else {
        return 0
    }
    let body = Array(frame[(Header.size + Int(header.metadataLength))...])
    guard let written = try? Frame.encode(header, metadata: metadata, body: body) else {
        preconditionFailure("metadata that was read cannot be written")
    }
    guard let header = try? Header(decoding: written.span),
        let read = try? Metadata(decoding: written.span, header: header)
    else { preconditionFailure("metadata that was written cannot be read") }
    precondition(read == metadata, "metadata is not read as it was written")
    return 0
}
