import Wire

/// How a handler ended, ready for the wire.
struct Answer: Sendable {
    /// Nil for a yes.
    var failure: Failure?
    var parcel: Parcel

    /// A reply that does not fit becomes a failure that says so.
    init(_ outcome: Result<[UInt8], Failure>, on channel: CallChannel) {
        do throws(Failure) {
            let body = try outcome.get()
            var parcel = try Parcel(body, mayCompress: channel.takesCompressed)
            parcel.metadata = try Parcel.encode(channel.closingMetadata)
            try parcel.checkSize()
            self.init(parcel: parcel)
        } catch {
            self.init(error)
            // Metadata that is too large must not hide the failure.
            parcel.metadata = (try? Parcel.encode(channel.closingMetadata)) ?? []
            if (try? parcel.checkSize()) == nil { parcel.metadata = [] }
        }
    }

    private init(parcel: Parcel) { self.parcel = parcel }

    init(_ failure: Failure) {
        var failure = failure
        parcel = Parcel(failure)
        if (try? parcel.checkSize()) == nil {
            failure.details = nil
            parcel = Parcel(failure)
        }
        self.failure = failure
    }
}

extension Parcel {
    init(_ failure: Failure) {
        var writer = MessagePackWriter()
        failure.encode(into: &writer)
        body = writer.bytes
    }
}
