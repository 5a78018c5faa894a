import Glibc

extension Double {
    /// To the base e; Glibc's, kept from the values that import nothing.
    var logarithm: Double { log(self) }
}
