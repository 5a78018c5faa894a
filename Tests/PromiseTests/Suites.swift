import Testing

/// What buyers are promised. Each test starts a cluster of real servers, so they run one after the other.
@Suite(.serialized) struct OrderPromises {}

/// What holds whatever happens to Postgres.
@Suite(.serialized) struct LedgerPromises {}

/// What holds when processes die, and when owners change or believe wrong things.
@Suite(.serialized) struct OwnerPromises {}
