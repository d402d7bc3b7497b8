//! What tavs says when it refuses: every reason, whose fault it is, and the document that the
//! recipient gets (RFC 9457).
//!
//! The recipient reads words of tavs only. Nothing here takes a value from a message, an
//! upstream's words, or tells that something exists which the recipient may not see.

mod document;
mod kinds;
mod pages;

pub use document::Problems;
pub use kinds::ProblemType;
pub use pages::Page;

use tracing::Level;

/// Whose doing a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The downstream side sent what it may not send.
    Recipient,
    /// The origin's side failed, or sent what cannot be trusted.
    Upstream,
    /// The policy, as its author wrote it, forbids this response.
    Policy,
    /// tavs itself cannot serve now.
    Tavs,
}

impl Fault {
    /// The word in logs, metrics and docs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recipient => "recipient",
            Self::Upstream => "upstream",
            Self::Policy => "policy",
            Self::Tavs => "tavs",
        }
    }
}

/// All that follows from a refusal, for the outside (`status`, `kind`, `detail`) and for the log
/// (`fault`, `level`, `reason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whose doing.
    pub fault: Fault,
    /// The status code of the answer.
    pub status: u16,
    /// What the answer is called, for the recipient.
    pub kind: &'static ProblemType,
    /// How loud the log is.
    pub level: Level,
    /// The word in logs and metrics: finer than `kind`, never shown to the recipient.
    pub reason: &'static str,
    /// One sentence for the recipient; empty where `kind` says all that may be said.
    pub detail: &'static str,
}

macro_rules! refusals {
    ($(
        $(#[$doc:meta])+
        $name:ident $(($given:ident: $type:ty = $example:expr))? =>
            $fault:ident $status:tt $kind:ident $level:ident $reason:literal $detail:literal;
    )+) => {
        /// Why an exchange is refused: a closed list, finer than what the recipient is told.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Refusal {
            $( $(#[$doc])+ $name $(($type))?, )+
        }

        impl Refusal {
            /// One of each, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$( Self::$name $(($example))?, )+];

            /// The total table: fault, status, problem type, log level, words.
            #[must_use]
            pub const fn verdict(self) -> Verdict {
                match self {
                    $( Self::$name $(($given))? => Verdict {
                        fault: Fault::$fault,
                        status: $status,
                        kind: &kinds::$kind,
                        level: Level::$level,
                        reason: $reason,
                        detail: $detail,
                    }, )+
                }
            }
        }
    };
}

refusals! {
    // ---- who is it, and may it now
    /// A certificate of a known anchor that no policy claims.
    NoPolicy => Recipient 403 NO_POLICY WARN "no-policy" "";
    /// The certificate was good at the handshake and is not any more: expired, or on the current CRL (G9).
    CertificateLapsed => Recipient 403 NO_POLICY WARN "certificate-lapsed" "";
    /// The bearer token that the policy wants beside the certificate is missing or another one.
    TokenRefused => Recipient 403 NO_POLICY WARN "token-refused" "";
    /// The agreement is past its last day, or not yet signed (G9).
    AgreementLapsed => Policy 403 LAPSED WARN "agreement-lapsed" "";
    /// The last day on which data may go to the recipient's country is over (G9).
    TransferLapsed => Policy 403 TRANSFER_LAPSED WARN "transfer-lapsed" "";

    // ---- limits
    /// More requests than the rate and its burst allow.
    OverRate => Recipient 429 QUOTA INFO "over-rate" "the quota `requests` is used up";
    /// More exchanges at the same time than allowed.
    OverConcurrency => Recipient 429 QUOTA INFO "over-concurrency" "the quota `concurrency` is used up";
    /// More different subjects in 24 hours than allowed.
    OverSubjects => Recipient 429 QUOTA WARN "over-subjects" "the quota `subjects` is used up";

    /// More subjects in an hour that it was never told about than expected, and the policy refuses that.
    OverNovelty => Recipient 429 QUOTA WARN "over-novelty" "the quota `novelty` is used up";
    /// More requests in a minute for what is not there than allowed.
    OverAbsent => Recipient 429 QUOTA WARN "over-absent" "the quota `absent` is used up";

    // ---- header section and framing
    /// More fields, or more bytes of fields, than the named limit.
    FieldsTooLarge => Recipient 400 FIELDS INFO "fields-too-large" "the header section is too large";
    /// A field value with a byte outside visible ASCII, space and tab.
    FieldValue => Recipient 400 FIELDS INFO "field-value" "a header field holds a byte that is not allowed";
    /// A field that the route takes comes twice.
    FieldRepeated => Recipient 400 FIELDS INFO "field-repeated" "a header field is repeated";
    /// `Content-Length` that is not one plain number.
    ContentLength => Recipient 400 FRAMING WARN "content-length" "`Content-Length` is not one plain number";
    /// `Transfer-Encoding` twice, or anything but exactly `chunked`, or in HTTP/1.0 or HTTP/2.
    TransferEncoding => Recipient 400 FRAMING WARN "transfer-encoding" "`Transfer-Encoding` is not exactly `chunked`";
    /// A chunked request: hyper hides a `Content-Length` beside it.
    Chunked => Recipient 400 FRAMING INFO "chunked" "requests with a chunked body are not accepted";
    /// Content on a method that has none (RFC 9110 section 9.3.1).
    UnexpectedBody => Recipient 400 FRAMING INFO "unexpected-body" "this method takes no content";
    /// The body broke off or could not be read.
    BodyBroken => Recipient 400 FRAMING INFO "body-broken" "the body broke off";
    /// The body came slower than the minimum rate or past its deadline.
    BodySlow => Recipient 400 FRAMING INFO "body-slow" "the body came too slowly";
    /// `Expect` other than `100-continue`.
    Expectation => Recipient 417 EXPECTATION INFO "expectation" "";
    /// The content is larger than the limit.
    BodyTooLarge => Recipient 413 TOO_LARGE INFO "body-too-large" "";
    /// Content of a type or coding that the route does not list.
    BodyType => Recipient 415 MEDIA_TYPE INFO "body-type" "";

    /// Content that is not strict JSON.
    ContentJson => Recipient 400 CONTENT INFO "content-json" "the content is not strict JSON";
    /// A member that the route's `[route.request]` does not list, or an empty object where it lists one.
    ContentUnlisted => Recipient 400 CONTENT INFO "content-unlisted" "the content holds a member that this route does not take";
    /// A value that its rule cannot take.
    ContentUnfit => Recipient 400 CONTENT INFO "content-unfit" "a value of the content does not have the form that this route asks for";

    // ---- authority
    /// No `Host` and no authority (RFC 9112 section 3.2).
    HostMissing => Recipient 400 AUTHORITY INFO "host-missing" "the request names no authority";
    /// More than one `Host`, or one that differs from the target's authority.
    HostAmbiguous => Recipient 400 AUTHORITY WARN "host-ambiguous" "the request names more than one authority";
    /// An authority with userinfo, a list, or characters that no authority has.
    HostMalformed => Recipient 400 AUTHORITY WARN "host-malformed" "the authority is malformed";
    /// A well-formed authority that is not ours.
    HostUnknown => Recipient 421 MISDIRECTED INFO "host-unknown" "";

    // ---- target
    /// CONNECT, TRACE, `OPTIONS *`, or a method that the route does not list.
    MethodNotAllowed => Recipient 405 METHOD INFO "method-not-allowed" "";
    /// Neither origin-form nor an `https` absolute-form.
    TargetForm => Recipient 400 TARGET INFO "target-form" "the target is not in origin-form";
    /// Longer, or of more segments, than the named limits.
    TargetTooLong => Recipient 400 TARGET INFO "target-too-long" "the target is too long";
    /// `.` or `..`, also coded.
    DotSegment => Recipient 400 TARGET WARN "dot-segment" "the path holds a dot segment";
    /// `//` or a slash at the end.
    EmptySegment => Recipient 400 TARGET INFO "empty-segment" "the path holds an empty segment";
    /// A coded `/`, `\`, `%`, NUL or other control character.
    CodedDelimiter => Recipient 400 TARGET WARN "coded-delimiter" "the path holds a coded delimiter or control character";
    /// `%` without two hexadecimal digits, or what is decoded is not UTF-8.
    PercentCoding => Recipient 400 TARGET INFO "percent-coding" "the path holds a wrong percent-coding";
    /// Coded where it need not be, or in lower-case digits: a second spelling of one path.
    NotNormalised => Recipient 400 TARGET INFO "not-normalised" "the path has a shorter or upper-case percent-coding; send that";
    /// `;`, `\` or another character that no path has uncoded.
    PathCharacter => Recipient 400 TARGET WARN "path-character" "the path holds a character that is not allowed";

    // ---- query
    /// Longer, or of more parameters, than the named limits.
    QueryTooLong => Recipient 400 QUERY INFO "query-too-long" "the query is too long";
    /// Not `name=value` joined by `&`.
    QuerySyntax => Recipient 400 QUERY INFO "query-syntax" "the query is not `name=value` pairs joined by `&`";
    /// Wrong percent-coding, not UTF-8, double coding, or a control character.
    QueryCoding => Recipient 400 QUERY INFO "query-coding" "the query holds a wrong or double percent-coding";
    /// One name twice.
    QueryRepeated => Recipient 400 QUERY INFO "query-repeated" "a query parameter is repeated";
    /// A parameter that the route does not list.
    QueryUnlisted => Recipient 400 QUERY INFO "query-unlisted" "a query parameter is not one that this route takes";
    /// A value of a listed parameter, or a path segment, that does not fit its pattern.
    PatternMismatch => Recipient 400 QUERY INFO "pattern-mismatch" "a value does not have the form that this route asks for";
    /// A CPR in clear where only pseudonyms may stand (G7).
    ClearIdentifier => Recipient 400 CLEAR_IDENTIFIER WARN "clear-identifier" "";
    /// A pseudonym that is forged, foreign, or of a closed key; all alike (G6).
    PseudonymRefused => Recipient 400 PSEUDONYM WARN "pseudonym-refused" "";

    // ---- route and subject: one answer, so that none can be told from another
    /// No route of the policy has this path.
    NoRoute => Recipient 404 NOT_FOUND INFO "no-route" "";
    /// The upstream has no such resource.
    UpstreamNotFound => Recipient 404 NOT_FOUND INFO "upstream-not-found" "";
    /// The one subject of the response is withheld; not to be told from absent (G8).
    SubjectWithheld => Recipient 404 NOT_FOUND INFO "subject-withheld" "";

    // ---- upstream
    /// A 4xx of the upstream that has a meaning for the recipient: 409, 412, 422, or as the route maps it.
    UpstreamRefused(status: u16 = 409) => Upstream status REFUSED INFO "upstream-refused" "";
    /// A status that is no success and has no meaning for the recipient.
    UpstreamStatus => Upstream 502 UPSTREAM WARN "upstream-status" "";
    /// A redirect (3xx).
    UpstreamRedirect => Upstream 502 UPSTREAM WARN "upstream-redirect" "";
    /// 1xx, 101, 206, or a success that the route does not list.
    UpstreamUnexpectedStatus => Upstream 502 UPSTREAM WARN "upstream-unexpected-status" "";
    /// No connection: refused, reset, unresolvable.
    UpstreamUnreachable => Upstream 502 UPSTREAM WARN "upstream-unreachable" "";
    /// The upstream's TLS or certificate is not good.
    UpstreamTls => Upstream 502 UPSTREAM ERROR "upstream-tls" "";
    /// Broke off in the middle.
    UpstreamBroken => Upstream 502 UPSTREAM WARN "upstream-broken" "";
    /// Not HTTP, or a head that cannot be trusted: two lengths, length and coding, close-delimited lines.
    UpstreamFraming => Upstream 502 UPSTREAM WARN "upstream-framing" "";
    /// No, more than one, a malformed or an unlisted content type.
    UpstreamMediaType => Upstream 502 UPSTREAM WARN "upstream-media-type" "";
    /// A content coding other than identity or one gzip.
    UpstreamCoding => Upstream 502 UPSTREAM WARN "upstream-coding" "";
    /// Broken gzip, or bytes after its end.
    UpstreamCoded => Upstream 502 UPSTREAM WARN "upstream-coded" "";
    /// Larger than the limit.
    UpstreamTooLarge => Upstream 502 UPSTREAM WARN "upstream-too-large" "";
    /// Grows more than the ratio limit when decoded.
    UpstreamBomb => Upstream 502 UPSTREAM ERROR "upstream-bomb" "";
    /// Not the JSON that can be rewritten.
    UpstreamJson => Upstream 502 UPSTREAM WARN "upstream-json" "";
    /// `[free-text] cpr = "refuse"` and a CPR in kept text.
    CprInText => Policy 502 UPSTREAM WARN "cpr-in-text" "";
    /// Past a deadline: connect, first byte, minimum rate, whole.
    UpstreamSlow => Upstream 504 UPSTREAM_SLOW WARN "upstream-slow" "";
    /// As many exchanges with this upstream as its cap allows.
    UpstreamBusy => Tavs 503 UNAVAILABLE WARN "upstream-busy" "";

    // ---- tavs
    /// The ledger cannot be written: nothing leaves (G5).
    LedgerUnusable => Tavs 503 UNAVAILABLE ERROR "ledger-unusable" "";
    /// Subjects' rights change faster than a response can be judged by them (G8).
    RegistryUnusable => Tavs 503 UNAVAILABLE ERROR "registry-unusable" "";
    /// The store cannot be used, or its index is too far behind the ledger.
    StoreUnusable => Tavs 503 UNAVAILABLE ERROR "store-unusable" "";
    /// The key ring lacks the domain's active key.
    KeyUnusable => Tavs 503 UNAVAILABLE ERROR "key-unusable" "";
    /// A policy for this identity exists and could not be built.
    PolicyUnusable => Tavs 503 UNAVAILABLE ERROR "policy-unusable" "";
    /// Shutting down.
    Draining => Tavs 503 UNAVAILABLE INFO "draining" "";
    /// A panic, or what must not happen. This exchange only.
    Internal => Tavs 500 INTERNAL ERROR "internal" "";
}

impl Refusal {
    /// The quota that is used up, by the name that it has in `RateLimit-Policy`.
    #[must_use]
    pub const fn quota(self) -> Option<&'static str> {
        if matches!(self, Self::OverRate) {
            Some("requests")
        } else if matches!(self, Self::OverConcurrency) {
            Some("concurrency")
        } else if matches!(self, Self::OverSubjects) {
            Some("subjects")
        } else if matches!(self, Self::OverNovelty) {
            Some("novelty")
        } else if matches!(self, Self::OverAbsent) {
            Some("absent")
        } else {
            None
        }
    }

    /// Whether an HTTP/1 connection must close after the answer: where a request ends is in
    /// doubt, or its body is not read (RFC 9112 section 6.1 and 9.3).
    #[must_use]
    pub const fn closes_connection(self) -> bool {
        let verdict = self.verdict();
        verdict.status == 413
            || matches!(self, Self::CertificateLapsed | Self::Draining | Self::Expectation | Self::BodyType)
            || matches!(verdict.kind.slug.as_bytes(), b"framing" | b"header-fields")
    }
}

#[cfg(test)]
mod tests;
