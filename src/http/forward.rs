//! Builds the request that goes to the upstream, anew, from what was decided.

use ::http::header::{ACCEPT, ACCEPT_ENCODING, HOST, HeaderValue, VIA};
use ::http::uri::{Authority, Scheme};
use ::http::{HeaderName, Method, Request, Uri};

use super::target::encode_query;
use super::trace::Traceparent;
use crate::http::Refusal;
use crate::policy::checked::MediaType;

/// How we name ourselves (RFC 9110 section 7.6.3).
pub(super) const OUR_VIA: HeaderValue = HeaderValue::from_static("1.1 tavs");

/// Where an upstream is, from its `url` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    authority: Authority,
    base: String,
}

/// Why a `url` names no upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Not a URL.
    #[error("not a URL with a host, such as `https://booking.klinik.example`")]
    Syntax,
    /// Not `https`.
    #[error("an upstream is reached over `https` only")]
    Scheme,
    /// With user and password.
    #[error("a URL with a user name in it is not taken")]
    Userinfo,
    /// With query, fragment, or a path that is not plain.
    #[error(
        "only a plain base path may follow the host: no query, fragment, dot segment or slash at the end"
    )]
    Path,
}

impl Origin {
    /// Reads `https://host[:port][/base]`.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(url: &str) -> Result<Self, OriginError> {
        let uri: Uri = url.parse().map_err(|_unread| OriginError::Syntax)?;
        let authority = uri.authority().ok_or(OriginError::Syntax)?;
        if uri.scheme() != Some(&Scheme::HTTPS) {
            return Err(OriginError::Scheme);
        }
        if authority.as_str().contains('@') {
            return Err(OriginError::Userinfo);
        }
        if uri.query().is_some() || url.contains('#') {
            return Err(OriginError::Path);
        }
        super::target::check_path(uri.path()).map_err(|_unread| OriginError::Path)?;
        let base = if uri.path() == "/" { "" } else { uri.path() };
        Ok(Self { authority: authority.clone(), base: base.to_owned() })
    }

    /// Host and port.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }
}

/// What was decided to be asked of an upstream.
#[derive(Debug, Clone, Copy)]
pub struct Forward<'a> {
    /// The path of the permit: the string that policy judged.
    pub path: &'a str,
    /// The query of the permit, decoded.
    pub query: &'a [(String, String)],
    /// The content types that the route lists.
    pub accept: &'a [MediaType],
    /// The trace that this exchange belongs to.
    pub trace: Traceparent,
}

/// Builds the request: GET (also for HEAD), the upstream's own `Host`, and nothing that the
/// recipient sent but path, query and trace id.
///
/// # Errors
/// `Internal` if the parts make no URI, which a [`Target`](super::Target)'s always do.
pub fn request(origin: &Origin, forward: &Forward<'_>) -> Result<Request<()>, Refusal> {
    let mut target = format!("{}{}", origin.base, forward.path);
    if !forward.query.is_empty() {
        target.push('?');
        target.push_str(&encode_query(forward.query));
    }
    let uri = Uri::builder()
        .scheme(Scheme::HTTPS)
        .authority(origin.authority.clone())
        .path_and_query(target)
        .build()
        .map_err(|_unread| Refusal::Internal)?;
    let field = |text: &str| HeaderValue::from_str(text).map_err(|_unread| Refusal::Internal);
    let accept: Vec<&str> = forward.accept.iter().map(|media_type| media_type.essence()).collect();

    let mut request = Request::new(());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = uri;
    let fields = request.headers_mut();
    fields.insert(HOST, field(origin.authority.as_str())?);
    fields.insert(ACCEPT, field(&accept.join(", "))?);
    fields.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    fields.insert(HeaderName::from_static("traceparent"), field(&forward.trace.to_string())?);
    fields.insert(VIA, OUR_VIA);
    Ok(request)
}

#[cfg(test)]
mod tests;
