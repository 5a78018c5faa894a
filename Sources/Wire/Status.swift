/// How a call ended, in gRPC's words and numbers (grpc/doc/statuscodes.md).
public enum Status: UInt8, Sendable, CaseIterable {
    case ok = 0
    case cancelled = 1
    case unknown = 2
    case invalidArgument = 3
    case deadlineExceeded = 4
    case notFound = 5
    case alreadyExists = 6
    case permissionDenied = 7
    case resourceExhausted = 8
    case failedPrecondition = 9
    case aborted = 10
    case outOfRange = 11
    case unimplemented = 12
    case `internal` = 13
    case unavailable = 14
    case dataLoss = 15
    case unauthenticated = 16
}

/// Whether a call ran. Every failure says so, and retry rules follow from it alone.
public enum Certainty: UInt8, Sendable, CaseIterable {
    /// It ran, and the status is its outcome.
    case executed = 0
    /// It did not run and never will. Any retry is safe.
    case notExecuted = 1
    /// It may have run or may still run. Retry with the same request key, or settle.
    case maybeExecuted = 2
}

/// Who goes first when credit is short.
public enum Priority: UInt8, Comparable, Sendable, CaseIterable {
    /// New orders and look-ups.
    case normal = 0
    /// What ends or repairs something: settling, and changes of a sale.
    case high = 1
    /// Between the processes of the cluster: handing a partition over.
    case system = 2

    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// Why a call was refused, in the domain's words. The raw values are on the wire; never reuse one.
public enum Reason: UInt16, Sendable, CaseIterable {
    case none = 0
    /// A reason that this version does not know.
    case other = 1

    // Answers of a sale.
    case soldOut = 10
    /// Fewer units are left than were asked for; the body says how many.
    case notEnough = 11
    case overLimit = 12
    case notYetOpen = 13
    case closed = 14
    case unknownSale = 15
    case unknownOrder = 16
    /// The request key was used before with other content.
    case keyReused = 17
    /// The request key was settled as "no order".
    case keyVoided = 18
    case saleExists = 19
    case badQuantity = 20
    case badField = 21
    case splitSale = 22
    /// An operator has stopped the sale for the time being.
    case paused = 23
    /// What was asked for does not follow from where the order is in its life.
    case wrongState = 24
    case unknownAttempt = 25
    /// Units are free, but for those who wait.
    case waitersFirst = 26
    /// As many wait as may.
    case listFull = 27
    /// The entry was written before batches had seals.
    case noReceipt = 38

    // Answers of the machinery.
    case noOwner = 40
    case overloaded = 41
    case ownerLost = 42
    case ledgerUnavailable = 43
    case clockUncertain = 44
    case unknownMethod = 45
    case wrongRoute = 46
    case malformed = 47
    case draining = 48
    case busy = 49
    /// An item of a stream was out of order or beyond its credit.
    case flowControl = 50
    /// The service says that it does not serve now.
    case notServing = 51
    /// The broker has no worker of that name.
    case unknownWorker = 52

    // Answers about keys.
    /// The method is for another role; see `Role`.
    case needsService = 60
    case needsOperator = 61
    case needsWorker = 62
    /// The caller's key is not, or no longer, on the broker's allow-list.
    case keyRefused = 63

    // Answers of a lock.
    /// Another holds it.
    case lockHeld = 80
    /// It has ended, or another has it: it cannot be extended.
    case lockLost = 81
    /// Too few of the Redis nodes can vote.
    case noQuorum = 82

    // Answers about payments.
    /// The provider took no money, and will take none for this attempt.
    case paymentDeclined = 100
    /// It is not known yet whether money was taken; the same attempt will tell.
    case paymentPending = 101
    /// Another attempt to pay for the order is open.
    case beingPaid = 102
    case alreadyPaid = 103
    /// The order has ended, or its money goes back.
    case notPayable = 104
    case providerUnavailable = 105
}
