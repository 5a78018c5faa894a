public import Methods
public import Sales
import Wire

extension StampedeClient {
    /// Creates a sale under the request's key.
    public func createSale(
        _ request: CreateSale, options: CallOptions = .init()
    ) async throws(CallError) -> Sale {
        try await call(SaleMethods.create, request, options: options)
    }

    /// Changes a sale while it runs: opens, closes, pauses, resumes it, adds or withdraws units, sets another limit.
    ///
    /// - Parameter note: who wants it, and why; kept in the ledger.
    public func changeSale(
        _ sale: SaleID, _ change: ChangeSale.Change, key: RequestKey = .random(),
        note: ChangeSale.Note? = nil, options: CallOptions = .init()
    ) async throws(CallError) -> Sale {
        try await call(
            SaleMethods.change, ChangeSale(sale: sale, key: key, change: change, note: note), options: options
        )
    }

    /// Looks a sale up; `NOT_FOUND` when there is none of that id.
    public func sale(_ id: SaleID, options: CallOptions = .init()) async throws(CallError) -> Sale {
        try await call(SaleMethods.get, GetSale(sale: id), options: options)
    }

    /// The sales of the partitions `0 ..< partitions`, in order of their id. Throws the first partition's
    /// error, because a list with silent holes would read like "no such sale".
    ///
    /// - Parameter partitions: how many the cluster has; 64 unless it was set up otherwise.
    public func sales(
        partitions: Int = 64, options: CallOptions = .init()
    ) async throws(CallError) -> SaleList {
        let parts = await withTaskGroup(of: Result<SaleList, CallError>.self) { group in
            for number in 0..<partitions {
                let request = ListSales(partition: Partition(rawValue: Int16(number)))
                group.addTask {
                    do throws(CallError) {
                        return .success(try await self.call(SaleMethods.list, request, options: options))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var all = SaleList(sales: [], isCut: false)
        for part in parts {
            let part = try part.get()
            all.sales += part.sales
            all.isCut = all.isCut || part.isCut
        }
        all.sales.sort { $0.id < $1.id }
        return all
    }
}
