import Testing

/// What buyers are promised. Each test starts a cluster of real servers, so they run one after the other.
@Suite(.serialized) struct OrderPromises {}

/// What holds when owners change, fail or believe wrong things.
@Suite(.serialized) struct OwnerPromises {}
