/// A key on the nodes together with the token that claims it.
struct Claim: Hashable {
    let key: String
    let token: LeaseToken
}
