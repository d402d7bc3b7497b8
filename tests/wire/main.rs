//! Real connections on loopback: TLS, HTTP/1.1 and HTTP/2, and upstreams that misbehave.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot set up its connections has failed"
)]

mod documents;
mod exchange;
mod faults;
mod gate;
mod lab;
mod online;
mod operate;
mod origin;
mod process;
mod records;
mod resolving;
mod secrecy;
mod stage;
mod standing;
mod stream;
mod subjects;
mod table;
mod tls;
mod tls_limits;
mod tls_upstream;
