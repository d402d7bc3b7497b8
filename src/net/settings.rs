//! The listener's limits. Each has a name, a default and a reason; none can be switched off.

use std::time::Duration;

/// How long a peer may take for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadlines {
    /// From accept to a finished TLS handshake. Default 10 s: two round trips on a bad mobile
    /// line, and hyper has no deadline here at all.
    pub handshake: Duration,
    /// For one header block. Default 20 s. Over HTTP/1.1 hyper starts it as soon as it could
    /// read the next request, so there it also ends an idle connection.
    pub header: Duration,
    /// Without any exchange on the connection. Default 60 s: what HTTP clients keep connections
    /// pooled for.
    pub idle: Duration,
    /// Without the peer taking a single byte of what is to be written. Default 20 s.
    pub write_stall: Duration,
    /// For the peer to take one whole response. Default 120 s: 1 MiB at 9 kB/s.
    pub write_whole: Duration,
    /// Age at which a connection is closed in order. Default 1 h: bounds how long a revoked
    /// certificate or an old TLS state can linger.
    pub max_age: Duration,
    /// For exchanges under way once a connection or the proxy is closing. Default 30 s: the
    /// whole of an upstream call.
    pub drain: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(20),
            idle: Duration::from_secs(60),
            write_stall: Duration::from_secs(20),
            write_whole: Duration::from_secs(120),
            max_age: Duration::from_secs(3600),
            drain: Duration::from_secs(30),
        }
    }
}

/// How many connections there may be at once. How many *requests* a recipient may send is
/// `limits`' matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caps {
    /// In total. Default 4096: at some 100 KiB each, well inside a small machine.
    pub connections: usize,
    /// From one address (an IPv6 /64 counts as one). Default 256: a recipient's whole cluster
    /// behind one NAT, but no one address can take all.
    pub per_address: usize,
    /// With one certificate, wherever from. Default 128: one recipient cannot take all of a
    /// shared address, nor more of the proxy by spreading over many.
    pub per_certificate: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self { connections: 4096, per_address: 256, per_certificate: 128 }
    }
}

/// What one HTTP/2 connection may use, against reset, settings and header floods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http2Limits {
    /// Streams open at once. Default 100 (RFC 9113 6.5.2 advises no less).
    pub max_concurrent_streams: u32,
    /// Bytes of a decoded header block. Default 32 KiB, as for HTTP/1.1.
    pub max_header_list_size: u32,
    /// Streams that were reset by the peer before we took them up (rapid reset). Default 20.
    pub max_pending_accept_reset_streams: usize,
    /// Streams that we had to reset because of the peer (MadeYouReset). Default 64.
    pub max_local_error_reset_streams: usize,
    /// Bytes of one frame that we take. Default 16 KiB, the protocol's least.
    pub max_frame_size: u32,
    /// Bytes of a request body that a peer may send ahead on one stream. Default 64 KiB.
    pub stream_window: u32,
    /// The same for the whole connection. Default 256 KiB.
    pub connection_window: u32,
    /// Bytes that wait to be written on one stream. Default 64 KiB.
    pub max_send_buffer: usize,
    /// How often a silent connection is pinged. Default 20 s.
    pub ping_every: Duration,
    /// How long the answer to a ping may take. Default 20 s.
    pub ping_deadline: Duration,
}

impl Default for Http2Limits {
    fn default() -> Self {
        Self {
            max_concurrent_streams: 100,
            max_header_list_size: 32 * 1024,
            max_pending_accept_reset_streams: 20,
            max_local_error_reset_streams: 64,
            max_frame_size: 16 * 1024,
            stream_window: 64 * 1024,
            connection_window: 256 * 1024,
            max_send_buffer: 64 * 1024,
            ping_every: Duration::from_secs(20),
            ping_deadline: Duration::from_secs(20),
        }
    }
}

/// All limits of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long a peer may take.
    pub deadlines: Deadlines,
    /// How many connections there may be.
    pub caps: Caps,
    /// What one HTTP/2 connection may use.
    pub http2: Http2Limits,
    /// Bytes of an HTTP/1.1 request head. Default 32 KiB.
    pub max_head: usize,
    /// Header fields in an HTTP/1.1 request. Default 100: real clients send some ten.
    pub max_fields: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadlines: Deadlines::default(),
            caps: Caps::default(),
            http2: Http2Limits::default(),
            max_head: 32 * 1024,
            max_fields: 100,
        }
    }
}
