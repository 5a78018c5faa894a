import Methods
import Sales
import Wire
import Workers

/// A frame, read: the header as it would be on the wire, and what the body says.
struct Message {
    var header: Header
    var body = Body.none

    enum Body {
        case none
        case ask(Request)
        case yield(YieldPartition)
        case answer(Reply)
        case ready(Ready)
        case workerBeat(WorkerBeat)
        case brokerBeat(BrokerBeat)
        case own(Own)
        case disown(Disown)
    }
}
