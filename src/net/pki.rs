//! Certificates for development, the demo and tests. Never for production: its CA's key lies
//! beside what it signs. Dates are parameters, so that nothing fails by calendar.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SanType, SerialNumber,
};

/// From when until when, in seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// First second.
    pub from: u64,
    /// Last second.
    pub until: u64,
}

/// A subject alternative name to put into a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// A URI.
    Uri(String),
    /// A DNS name.
    Dns(String),
    /// An IP address.
    Ip(std::net::IpAddr),
}

/// What a certificate may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// A TLS server.
    Server,
    /// A TLS client.
    Client,
}

/// A certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A name, date or key does not fit into a certificate.
    #[error("the certificate cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// A certificate with its key, as PEM. `Debug` is blank.
pub struct Issued {
    /// The certificate; for an end entity, its issuer's is not included.
    pub certificate: String,
    /// Its private key.
    pub key: zeroize::Zeroizing<String>,
    /// Its serial number, for revocation.
    pub serial: Vec<u8>,
}

/// A certification authority that lives in memory. `Debug` is blank.
pub struct Authority {
    certificate: String,
    key: zeroize::Zeroizing<String>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new root CA. `name` is its common name; two may share it.
    ///
    /// # Errors
    ///
    /// [`PkiError`] if the name cannot be written into a certificate.
    pub fn new(name: &str, validity: Validity) -> Result<Self, PkiError> {
        let key = KeyPair::generate()?;
        let mut params = params(name, validity)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self::of(certificate, params, key))
    }

    /// A new CA below this one, which may issue end-entity certificates only; and its serial
    /// number, for revocation.
    ///
    /// # Errors
    ///
    /// [`PkiError`] if the name cannot be written into a certificate.
    pub fn subordinate(&self, name: &str, validity: Validity) -> Result<(Self, Vec<u8>), PkiError> {
        let key = KeyPair::generate()?;
        let mut params = params(name, validity)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.use_authority_key_identifier_extension = true;
        let serial = params.serial_number.as_ref().map(SerialNumber::to_bytes).unwrap_or_default();
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok((Self::of(certificate, params, key), serial))
    }

    fn of(certificate: String, params: CertificateParams, key: KeyPair) -> Self {
        let pem = zeroize::Zeroizing::new(key.serialize_pem());
        Self { certificate, key: pem, issuer: Issuer::new(params, key) }
    }

    /// Takes up a CA that was written to files before.
    ///
    /// # Errors
    ///
    /// [`PkiError`] if certificate or key cannot be read.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, PkiError> {
        let issuer = Issuer::from_ca_cert_pem(certificate, KeyPair::from_pem(key)?)?;
        let key = zeroize::Zeroizing::new(key.to_owned());
        Ok(Self { certificate: certificate.to_owned(), key, issuer })
    }

    /// Its certificate, as PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Its private key, as PEM.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Issues an end-entity certificate with a new key.
    ///
    /// # Errors
    ///
    /// [`PkiError`] if a name cannot be written into a certificate.
    pub fn issue(
        &self,
        common_name: &str,
        names: &[Name],
        usage: Usage,
        validity: Validity,
    ) -> Result<Issued, PkiError> {
        let key = KeyPair::generate()?;
        let mut params = params(common_name, validity)?;
        for name in names {
            params.subject_alt_names.push(match name {
                Name::Uri(uri) => SanType::URI(uri.as_str().try_into()?),
                Name::Dns(name) => SanType::DnsName(name.as_str().try_into()?),
                Name::Ip(address) => SanType::IpAddress(*address),
            });
        }
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match usage {
            Usage::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Usage::Client => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        let serial = params.serial_number.as_ref().map(SerialNumber::to_bytes).unwrap_or_default();
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Issued { certificate, key: zeroize::Zeroizing::new(key.serialize_pem()), serial })
    }

    /// A revocation list of this CA, as PEM: `number` grows with each, `revoked` are serial
    /// numbers, `validity` runs from its making to its next update.
    ///
    /// # Errors
    ///
    /// [`PkiError`] if the dates are the wrong way round.
    pub fn revocation_list(
        &self,
        number: u64,
        revoked: &[Vec<u8>],
        validity: Validity,
    ) -> Result<String, PkiError> {
        let list = CertificateRevocationListParams {
            this_update: date(validity.from),
            next_update: date(validity.until),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked
                .iter()
                .map(|serial| RevokedCertParams {
                    serial_number: SerialNumber::from_slice(serial),
                    revocation_time: date(validity.from),
                    reason_code: Some(RevocationReason::KeyCompromise),
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer)?.pem()?)
    }
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Issued(…)")
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority(…)")
    }
}

fn params(common_name: &str, validity: Validity) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date(validity.from);
    params.not_after = date(validity.until);
    params.serial_number = Some(serial()?);
    Ok(params)
}

/// 127 random bits: positive and at most 20 octets (RFC 5280 4.1.2.2).
fn serial() -> Result<SerialNumber, PkiError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_error| PkiError::Random)?;
    random[0] = random[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&random))
}

/// rcgen speaks `time`; dates past the year 9999 cannot be written (RFC 5280 4.1.2.5).
fn date(seconds: u64) -> time::OffsetDateTime {
    rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds.min(LAST_SECOND))
}

/// 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;
