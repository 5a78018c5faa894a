import Sales
public import Wire

extension Contact: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var (sale, buyer): (SaleID?, BuyerID?)
        var (mail, phone): (MailAddress?, PhoneNumber?)
        var language: Language?
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            let start = offset
            switch field {
            case Field.sale: sale = try SaleID(decoding: bytes, at: &offset)
            case Field.buyer: buyer = try BuyerID(decoding: bytes, at: &offset)
            case Field.mail:
                mail = MailAddress(
                    try bytes.readString(at: &offset, maximum: MailAddress.maximumLength, field: "mail"))
                if mail == nil { throw WireError(.badValue, at: start, field: "mail") }
            case Field.phone:
                phone = PhoneNumber(
                    try bytes.readString(at: &offset, maximum: PhoneNumber.maximumLength, field: "phone"))
                if phone == nil { throw WireError(.badValue, at: start, field: "phone") }
            case Field.language:
                language = Language(
                    rawValue: try bytes.readString(at: &offset, maximum: 2, field: "language"))
                if language == nil { throw WireError(.badValue, at: start, field: "language") }
            default: return false
            }
            return true
        }
        guard mail != nil || phone != nil else { throw WireError(.missingField, at: offset, field: "mail") }
        self.init(
            sale: try sale.orMissing("sale", offset), buyer: try buyer.orMissing("buyer", offset), mail: mail,
            phone: phone, language: try language.orMissing("language", offset))
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(3 + (mail == nil ? 0 : 1) + (phone == nil ? 0 : 1))
        writer.string("sale")
        writer.integer(sale.rawValue)
        writer.string("buyer")
        writer.integer(buyer.rawValue)
        if let mail {
            writer.string("mail")
            writer.string(mail.rawValue)
        }
        if let phone {
            writer.string("phone")
            writer.string(phone.rawValue)
        }
        writer.string("language")
        writer.string(language.rawValue)
    }
}

extension GetContact: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        let (sale, buyer) = try bytes.readSaleAndBuyer(at: &offset)
        self.init(sale: sale, buyer: buyer)
    }

    public func encode(into writer: inout MessagePackWriter) { writer.sale(sale, buyer: buyer) }
}

extension EraseContact: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        let (sale, buyer) = try bytes.readSaleAndBuyer(at: &offset)
        self.init(sale: sale, buyer: buyer)
    }

    public func encode(into writer: inout MessagePackWriter) { writer.sale(sale, buyer: buyer) }
}

extension ErasedContact: MessageBody {
    public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
        var wasKnown: Bool?
        var underWay: Int64?
        try bytes.readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.known: wasKnown = try bytes.readBool(at: &offset)
            case Field.underWay: underWay = try bytes.readInteger(at: &offset)
            default: return false
            }
            return true
        }
        self.init(
            wasKnown: try wasKnown.orMissing("known", offset),
            underWay: try underWay.orMissing("under_way", offset))
    }

    public func encode(into writer: inout MessagePackWriter) {
        writer.map(2)
        writer.string("known")
        writer.bool(wasKnown)
        writer.string("under_way")
        writer.integer(underWay)
    }
}

// Each may be repeated: the last word about a contact is what it is.
extension Contact: Routed {
    public var route: Route { Route(routing: RoutingKey(sale: 0, lane: 0), isRead: true) }
}

extension GetContact: Routed {
    public var route: Route { Route(routing: RoutingKey(sale: 0, lane: 0), isRead: true) }
}

extension EraseContact: Routed {
    public var route: Route { Route(routing: RoutingKey(sale: 0, lane: 0), isRead: true) }
}

extension Span<UInt8> {
    fileprivate func readSaleAndBuyer(at offset: inout Int) throws(WireError) -> (SaleID, BuyerID) {
        var (sale, buyer): (SaleID?, BuyerID?)
        try readMap(at: &offset) { field, offset throws(WireError) in
            switch field {
            case Field.sale: sale = try SaleID(decoding: self, at: &offset)
            case Field.buyer: buyer = try BuyerID(decoding: self, at: &offset)
            default: return false
            }
            return true
        }
        return (try sale.orMissing("sale", offset), try buyer.orMissing("buyer", offset))
    }
}

extension MessagePackWriter {
    fileprivate mutating func sale(_ sale: SaleID, buyer: BuyerID) {
        map(2)
        string("sale")
        integer(sale.rawValue)
        string("buyer")
        integer(buyer.rawValue)
    }
}
