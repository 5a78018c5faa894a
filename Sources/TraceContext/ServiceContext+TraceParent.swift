public import ServiceContextModule
public import Wire

extension ServiceContext {
    private enum TraceParentKey: ServiceContextKey {
        typealias Value = TraceParent
        static var nameOverride: String? { TraceParent.key }
    }

    /// Where the present call stands in its trace, as its caller said. Kept beside what the program's tracer
    /// keeps, so that programs without one pass a trace on all the same.
    public var traceParent: TraceParent? {
        get { self[TraceParentKey.self] }
        set { self[TraceParentKey.self] = newValue }
    }
}
