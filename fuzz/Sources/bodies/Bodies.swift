import Methods
import Sales
import Wire

/// libFuzzer's entry: MessagePack as every body that a peer may send. The first byte chooses the body; what is
/// read must be read again the same after it was written.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzBodies(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count > 0 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    switch start[0] % 26 {
    case 0: check(bytes, as: PlaceOrder.self)
    case 1: check(bytes, as: PlaceMany.self)
    case 2: check(bytes, as: SettleOrder.self)
    case 3: check(bytes, as: CreateSale.self)
    case 4: check(bytes, as: ChangeSale.self)
    case 5: check(bytes, as: GetOrder.self)
    case 6: check(bytes, as: GetSale.self)
    case 7: check(bytes, as: ListSales.self)
    case 8: check(bytes, as: YieldPartition.self)
    case 9: check(bytes, as: Order.self)
    case 10: check(bytes, as: Settlement.self)
    case 11: check(bytes, as: Sale.self)
    case 12: check(bytes, as: SaleList.self)
    case 13: check(bytes, as: PlacedMany.self)
    case 14: check(bytes, as: FailureBody.self)
    case 15: check(bytes, as: BrokerStatus.self)
    case 16: check(bytes, as: Ready.self)
    case 17: check(bytes, as: WorkerBeat.self)
    case 18: check(bytes, as: BrokerBeat.self)
    case 19: check(bytes, as: Own.self)
    case 20: check(bytes, as: Disown.self)
    case 21: check(bytes, as: Health.self)
    case 22: check(bytes, as: MethodDescription.self)
    case 23: check(bytes, as: MethodList.self)
    case 24: check(bytes, as: HealthCheck.self)
    default: check(bytes, as: MessagePackValue.self)
    }
    return 0
}

private func check<Body: MessageBody>(_ bytes: [UInt8], as: Body.Type) {
    var offset = 0
    guard let body = try? Body(decoding: bytes.span, at: &offset) else { return }
    precondition(offset <= bytes.count, "more was read than there is")
    let written = encode(body)
    offset = 0
    guard let again = try? Body(decoding: written.span, at: &offset) else {
        preconditionFailure("\(Body.self) cannot be read as it was written")
    }
    precondition(
        offset == written.count && encode(again) == written, "\(Body.self) changes when it is written")
}

private func encode(_ body: some MessageBody) -> [UInt8] {
    var writer = MessagePackWriter()
    body.encode(into: &writer)
    return writer.bytes
}
