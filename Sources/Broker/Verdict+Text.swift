import Wire

extension Verdict {
    /// The refusal for people: one constant sentence that says what to do next.
    var text: StaticString {
        switch (reason, status) {
        case (.soldOut, _): "The sale is sold out."
        case (.waitersFirst, _): "Units have come back, but for those who wait; wait for some, too."
        case (.noOwner, _): "No worker owns this sale now; try again, or through another broker."
        case (.ownerLost, _): "The worker was lost while it had the call; retry with the same key, or settle."
        case (.overloaded, _): "The broker cannot serve this in time; try again after the time given."
        case (.unknownMethod, _): "No worker serves this method; check its name and the workers' version."
        case (.unknownWorker, _): "This broker has no worker of that name; ‘stampede worker list’ shows them."
        case (.needsService, _):
            "Only services call this method: connect to the clients' port with a key of the role ‘service’."
        case (.needsOperator, _):
            "Only operators may call this method: use a key that the allow-list gives the role ‘operator’."
        case (.needsWorker, _):
            "Only workers may call this method, on the workers' port, with a key of the role ‘worker’."
        case (.keyRefused, _):
            "The broker's allow-list no longer has this key for this port: ask its operator to add it."
        case (_, .permissionDenied): "Only the workers of the cluster may call this method."
        case (.wrongRoute, _): "There is no such partition; check the number."
        case (_, .deadlineExceeded): "The deadline passed; retry with the same key, or settle."
        case (.malformed, _):
            "The request cannot be read, or is not of the method's kind; compare it with PROTOCOL.md."
        case (_, .aborted): "The caller said nothing for too long, so its stream was ended; call again."
        case (_, .cancelled): "The call was cancelled by its caller."
        default: "The call was refused."
        }
    }
}
