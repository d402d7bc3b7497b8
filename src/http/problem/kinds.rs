//! The types of problem: what a recipient may learn of a refusal, and what it can do.

/// One problem type (RFC 9457 section 3.1.1): stable, documented, served as a page.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemType {
    /// The end of its URI; never changes once published.
    pub slug: &'static str,
    /// The same for every occurrence (RFC 9457 section 3.1.3).
    pub title: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What the recipient should do.
    pub remedy: &'static str,
}

macro_rules! kinds {
    ($( $name:ident: $slug:literal, $title:literal, $meaning:literal, $remedy:literal; )+) => {
        $(
            pub(super) static $name: ProblemType =
                ProblemType { slug: $slug, title: $title, meaning: $meaning, remedy: $remedy };
        )+
        /// Every type, in the order of the documentation.
        pub(super) static ALL: &[&ProblemType] = &[$( &$name, )+];
    };
}

kinds! {
    NO_POLICY: "no-policy", "No policy for this identity",
        "The certificate, or the token beside it, does not prove an identity that may call this service.",
        "Check that the client uses the certificate and token agreed on and that neither has expired; else ask the clinic.";
    LAPSED: "agreement-lapsed", "The agreement does not hold today",
        "The agreement under which data is handed over has ended. Every request is refused until it is renewed.",
        "Do not retry. Ask the clinic to renew the agreement.";
    TRANSFER_LAPSED: "transfer-lapsed", "The ground for the transfer does not hold today",
        "The ground on which data may go to your country has ended, though the agreement may hold. Every request is refused until the clinic has established one again.",
        "Do not retry. Ask the clinic on which ground data can go to you again.";
    QUOTA: "quota-exceeded", "A quota is used up",
        "More was asked for than the agreement allows; `violated-policies` names the quota.",
        "Wait as long as `Retry-After` says, and pace requests by the `RateLimit` field.";
    FIELDS: "header-fields", "The header fields are not acceptable",
        "The header section is too large or holds bytes that are not allowed.",
        "Send fewer and shorter header fields, in visible ASCII.";
    FRAMING: "framing", "The content of the request is not acceptable",
        "The request carries content where none is taken, or says unclearly where its content ends.",
        "Send GET and HEAD without content, without `Content-Length` other than 0 and without `Transfer-Encoding`.";
    EXPECTATION: "expectation", "The expectation cannot be met",
        "`Expect` holds something other than `100-continue`.",
        "Do not send `Expect`.";
    TOO_LARGE: "content-too-large", "The content of the request is too large",
        "The content is larger than this route takes.",
        "Send less at a time.";
    MEDIA_TYPE: "media-type", "The content of the request is of a type that is not taken",
        "The route does not list this content type or content coding.",
        "Send `application/json` in UTF-8 without content coding.";
    CONTENT: "content", "The content of the request is not what this route takes",
        "The content is not strict JSON, holds a member that the route does not list, or a value that does not fit.",
        "Send the members that the clinic has agreed to, and no others, empty ones left out.";
    AUTHORITY: "authority", "The authority of the request is not clear",
        "The request names no authority, more than one, or a malformed one.",
        "Send exactly one `Host` field with the name that the clinic gave out.";
    MISDIRECTED: "misdirected", "The request is for another authority",
        "This service does not answer for the authority that the request names.",
        "Use the name that the clinic gave out.";
    METHOD: "method-not-allowed", "The method is not allowed",
        "This route does not take the method.",
        "Use a method that `Allow` lists.";
    TARGET: "target", "The path is not acceptable",
        "The path can be read in more than one way, or is too long. Each path has exactly one accepted spelling.",
        "Send a path of plain segments: no dot segments, empty segments, `;` or `\\`; percent-coding in upper case and only where it is needed.";
    QUERY: "query", "The query or a value in the target is not acceptable",
        "A query parameter is unknown, repeated, or malformed, or a value does not have the form that the route asks for.",
        "Send each parameter that the route lists at most once, in the form that it asks for.";
    CLEAR_IDENTIFIER: "clear-identifier", "An identifier stands in clear",
        "The request holds a personal identification number. This service takes none in clear.",
        "Remove it. Treat logs of the sending system that hold the request as personal data.";
    PSEUDONYM: "pseudonym-refused", "A pseudonym is not accepted",
        "The request holds a pseudonym that this service does not accept from this recipient.",
        "Use pseudonyms as this service gave them out, unchanged and not older than the agreed key change.";
    NOT_FOUND: "not-found", "Not found",
        "There is nothing here for this recipient.",
        "Check the path against the routes that the clinic gave out.";
    REFUSED: "request-refused", "The request cannot be carried out",
        "The clinic's system understood the request and did not carry it out. Its own words are not passed on.",
        "Check the request against the current state; ask the clinic with the `instance` at hand.";
    UPSTREAM: "upstream", "No usable response from the clinic's system",
        "The clinic's system failed, or sent a response that cannot be handed over safely. Nothing of it was handed over.",
        "Retry GET and HEAD later with growing pauses; anything else may have been carried out: ask the clinic with the `instance` first.";
    UPSTREAM_SLOW: "upstream-slow", "The clinic's system did not answer in time",
        "A deadline passed before the response was complete. Nothing of it was handed over.",
        "Retry GET and HEAD later with growing pauses, or ask for less at a time; anything else may have been carried out: ask the clinic with the `instance` first.";
    UNAVAILABLE: "unavailable", "The service cannot hand over data now",
        "A part that must work before data may leave does not work now, or the service is stopping. Nothing was handed over.",
        "Retry GET and HEAD after `Retry-After`, with growing pauses; anything else may have been carried out: ask the clinic with the `instance` first.";
    INTERNAL: "internal", "An error in the service",
        "The service failed in this exchange. Nothing was handed over.",
        "Tell the clinic the `instance`.";
}
