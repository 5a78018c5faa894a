import Methods
import Wire

/// The methods as a table for people.
struct MethodListing {
    private let methods: [MethodList.Method]
    init(_ methods: [MethodList.Method]) { self.methods = methods }

    var text: String {
        var table = Table([("METHOD", .left), ("KIND", .left), ("ABOUT", .left)])
        for method in methods { table.add([method.name, method.kind, method.about]) }
        return table.text
    }
}

extension MethodList.Method {
    var json: JSON {
        .object([("name", .string(name)), ("kind", .string(kind)), ("about", .string(about))])
    }
}

extension MethodDescription {
    var text: String {
        let heading = "\(name) (\(kind), \(routing)): \(about)\n\(request) → \(reply)"
        return ([heading] + types.map(\.text)).joined(separator: "\n\n")
    }

    var json: JSON {
        .object([
            ("name", .string(name)), ("kind", .string(kind)), ("routing", .string(routing)),
            ("priority", .string(priority)), ("about", .string(about)), ("request", .string(request)),
            ("reply", .string(reply)), ("types", .array(types.map(\.json))),
        ])
    }
}

extension TypeDescription {
    fileprivate var text: String {
        var table = Table([(name, .left), ("TYPE", .left), ("ABOUT", .left)])
        for field in fields {
            table.add([field.name, field.optional ? "\(field.type), optional" : field.type, field.about])
        }
        return table.text
    }

    fileprivate var json: JSON {
        .object([
            ("name", .string(name)),
            (
                "fields",
                .array(
                    fields.map { field in
                        .object([
                            ("name", .string(field.name)), ("type", .string(field.type)),
                            ("optional", .bool(field.optional)), ("about", .string(field.about)),
                        ])
                    })
            ),
        ])
    }
}
