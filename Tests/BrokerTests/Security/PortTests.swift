import Methods
import Testing
import Wire

@testable import Broker

@Suite struct PortTests {
    private func call(_ method: MethodID) -> Header {
        var header = Header(.call)
        header.method = method
        return header
    }

    @Test func `roles decide who may call what`() {
        let order = call(OrderMethods.place.id)
        let create = call(SaleMethods.create.id)
        let status = call(SystemMethods.brokerStatus.id)
        let yield = call(SystemMethods.yield.id)
        let foreign = call(MethodID("greeter.hello"))
        let cases: [(Port, Roles, Header, Reason?)] = [
            (.clients, .service, order, nil), (.clients, .service, foreign, nil),
            (.clients, .service, create, .needsOperator), (.clients, .service, status, .needsOperator),
            (.clients, .service, yield, .needsWorker), (.clients, .operator, order, nil),
            (.clients, .operator, create, nil), (.clients, .operator, status, nil),
            (.clients, .operator, yield, .needsWorker),
            // Not even with both roles: the port decides which of them count.
            (.clients, [.operator, .worker], yield, .needsWorker),
            (.clients, .worker, order, .keyRefused), (.clients, [], order, .keyRefused),
            (.workers, .worker, yield, nil), (.workers, .worker, order, .needsService),
            (.workers, [.worker, .operator], create, .needsOperator),
            (.workers, .operator, Header(.ready), .keyRefused), (.workers, .worker, Header(.ready), nil),
            (.workers, [], Header(.result), .keyRefused), (.clients, .service, Header(.ping), nil),
            (.clients, [], Header(.cancel), .keyRefused),
        ]
        for (port, roles, header, reason) in cases {
            #expect(port.objection(to: header, from: roles) == reason, "\(port) \(roles) \(header.kind)")
        }
    }

    @Test func `who comes through a Unix socket may do what the port is for`() {
        #expect(Port.clients.objection(to: call(SaleMethods.create.id), from: Port.clients.localRoles) == nil)
        #expect(Port.workers.objection(to: Header(.ready), from: Port.workers.localRoles) == nil)
    }
}
