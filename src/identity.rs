//! Who a verified client certificate belongs to. The only maker of [`Recipient`].

/// The identifier that a certificate must present, compared as a whole (RFC 9525); never text
/// in a distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Presented {
    /// A URI subject alternative name.
    Uri(String),
    /// A DNS subject alternative name, without wildcard, in lower case.
    Dns(String),
    /// SHA-256 of the SubjectPublicKeyInfo.
    SpkiSha256([u8; 32]),
}
