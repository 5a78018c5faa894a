import Wire

/// A key on the nodes together with the token that claims it, and for how long.
struct Claim: Hashable {
    let key: String
    let token: LeaseToken
    let ttl: TimeAmount
}
