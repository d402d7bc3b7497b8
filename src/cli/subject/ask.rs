//! The way to the office: the socket of a `tavs serve`, or, while nothing serves, the same office in
//! this process over the ledger and store themselves.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::super::{FINDINGS, USAGE, colour};
use super::Stop;
use crate::app::{self, StartError};
use crate::clock::Clock;
use crate::config::Config;

/// The whole of one question; the server ends a connection after two minutes.
const PATIENCE: Duration = Duration::from_secs(125);
/// Bytes of an answer: the report of somebody whose data was passed on every day for years.
const MAX_ANSWER: usize = 64 << 20;

/// Asks, and gives the content of a good answer.
pub(in crate::cli) fn ask(config: &Path, path: &str, body: Zeroizing<Vec<u8>>) -> Result<Vec<u8>, Stop> {
    ask_each(config, path, std::iter::once(Ok(body))).map(|mut told| told.pop().unwrap_or_default())
}

/// Asks one thing after another of one office, as long as the answers are good, and gives their contents.
pub(in crate::cli) fn ask_each(
    config: &Path,
    path: &str,
    bodies: impl Iterator<Item = Result<Zeroizing<Vec<u8>>, Stop>>,
) -> Result<Vec<Vec<u8>>, Stop> {
    let config = Config::read(config).map_err(|findings| Stop::new(FINDINGS, findings.render(colour())))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Stop::new(USAGE, format!("cannot start threads: {error}")))?;
    runtime.block_on(async {
        let way = Way::find(config).await?;
        let mut all = Vec::new();
        for body in bodies {
            let asked = match body {
                Ok(body) => way.ask(path, body).await,
                Err(stop) => Err(stop),
            };
            match asked {
                Ok((200, told)) => all.push(told),
                Ok((status, told)) => {
                    way.close().await?;
                    return Err(refused(status, &told));
                }
                Err(stop) => {
                    way.close().await?;
                    return Err(stop);
                }
            }
        }
        way.close().await?;
        Ok(all)
    })
}

/// Where the office is.
enum Way {
    /// Behind this socket.
    Socket(PathBuf),
    /// In this process.
    Here(Box<app::LocalOffice>),
}

impl Way {
    async fn find(config: Config) -> Result<Self, Stop> {
        match UnixStream::connect(&config.socket).await {
            Ok(_open) => Ok(Self::Socket(config.socket)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
                let opened = app::LocalOffice::open(&config, Clock::system()).await;
                opened.map(|office| Self::Here(Box::new(office))).map_err(|error| {
                    if let StartError::Findings(findings) = &error {
                        return Stop::new(FINDINGS, findings.render(colour()));
                    }
                    Stop::new(USAGE, error.to_string())
                })
            }
            Err(error) => Err(cannot_open(&config.socket, &error)),
        }
    }

    async fn ask(&self, path: &str, body: Zeroizing<Vec<u8>>) -> Result<(u16, Vec<u8>), Stop> {
        match self {
            Self::Socket(socket) => {
                let stream =
                    UnixStream::connect(socket).await.map_err(|error| cannot_open(socket, &error))?;
                match timeout(PATIENCE, over(stream, path, &body)).await {
                    Ok(told) => told,
                    Err(_elapsed) => {
                        Err(Stop::new(USAGE, "tavs serves and does not answer; ask `/readyz` why".to_owned()))
                    }
                }
            }
            Self::Here(office) => {
                let told = office.answer("POST", path, body).await;
                Ok((told.status, told.body))
            }
        }
    }

    async fn close(self) -> Result<(), Stop> {
        let Self::Here(office) = self else { return Ok(()) };
        let closed = office.close().await;
        closed.map_err(|error| Stop::new(USAGE, format!("the ledger could not be closed in order: {error}")))
    }
}

fn cannot_open(socket: &Path, error: &std::io::Error) -> Stop {
    Stop::new(USAGE, format!("cannot open the admin socket `{}`: {error}", socket.display()))
}

async fn over(stream: UnixStream, path: &str, body: &[u8]) -> Result<(u16, Vec<u8>), Stop> {
    let broke = |error: &dyn std::fmt::Display| {
        Stop::new(
            USAGE,
            format!("tavs serves and broke off ({error}); look with `tavs subject show` whether it was done"),
        )
    };
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| broke(&error))?;
    tokio::spawn(connection);
    let request = Request::post(path)
        .header(HOST, "localhost")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::copy_from_slice(body)))
        .map_err(|error| broke(&error))?;
    let response = sender.send_request(request).await.map_err(|error| broke(&error))?;
    let status = response.status().as_u16();
    let content = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
    let content = content.map_err(|error| broke(&error))?.to_bytes();
    Ok((status, content.to_vec()))
}

/// A problem document, in words.
fn refused(status: u16, told: &[u8]) -> Stop {
    let document: Value = serde_json::from_slice(told).unwrap_or_default();
    let word = |name: &str| document.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let text = match (word("title"), word("detail")) {
        (Some(title), Some(detail)) => format!("{title}: {detail}"),
        (Some(title), None) => title.to_owned(),
        _ => format!("refused with status {status}"),
    };
    let entries = document.get("entries").and_then(Value::as_array).into_iter().flatten();
    let entries = entries.filter_map(|entry| {
        let place = usize::try_from(entry.get("entry")?.as_u64()?).ok()?;
        Some((place, entry.get("detail")?.as_str()?.to_owned()))
    });
    Stop { code: if status < 500 { FINDINGS } else { USAGE }, text, entries: entries.collect() }
}
