/// A list of calls, linked through their slots: nothing is allocated to move a call.
package struct CallList {
    fileprivate(set) var first: Int32 = -1
    fileprivate var last: Int32 = -1
    fileprivate(set) var count = 0

    package var isEmpty: Bool { count == 0 }
}

/// The links of all lists of one kind. A call is on at most one of them.
package struct CallLinks {
    private struct Link {
        var previous: Int32 = -1
        var next: Int32 = -1
    }

    private var links: [Link]

    package init(capacity: Int) { links = Array(repeating: Link(), count: capacity) }

    /// The call after this one on its list, or -1.
    package func next(after slot: Int32) -> Int32 { links[Int(slot)].next }

    package mutating func append(_ slot: Int32, to list: inout CallList) {
        links[Int(slot)] = Link(previous: list.last, next: -1)
        if list.last >= 0 { links[Int(list.last)].next = slot } else { list.first = slot }
        list.last = slot
        list.count += 1
    }

    package mutating func remove(_ slot: Int32, from list: inout CallList) {
        let link = links[Int(slot)]
        if link.previous >= 0 { links[Int(link.previous)].next = link.next } else { list.first = link.next }
        if link.next >= 0 {
            links[Int(link.next)].previous = link.previous
        } else {
            list.last = link.previous
        }
        list.count -= 1
    }
}
