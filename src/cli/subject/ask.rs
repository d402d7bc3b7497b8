//! The way to the office: the socket of a `tavs serve`, or, while nothing serves, the same office in
//! this process over the ledger and store themselves.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::task::JoinSet;
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

/// Questions of a turn that are asked at once, so that the office records one while it syncs the other: it has 16
/// connections for all who ask.
const AT_ONCE: usize = 2;

/// What is asked: a body, or why there is none.
pub(in crate::cli) type Question = Result<Zeroizing<Vec<u8>>, Stop>;

/// Asks, and gives the content of a good answer.
pub(in crate::cli) fn ask(config: &Path, path: &str, body: Zeroizing<Vec<u8>>) -> Result<Vec<u8>, Stop> {
    at_office(config, async |way| way.content(path, body).await)
}

/// Asks one office turn after turn: one begins once all of the turn before is answered and good.
pub(in crate::cli) fn ask_in_turns(
    config: &Path,
    path: &'static str,
    turns: impl IntoIterator<Item: Iterator<Item = Question>>,
) -> Result<(), Stop> {
    at_office(config, async |way| {
        for turn in turns {
            ask_turn(way, path, turn).await?;
        }
        Ok(())
    })
}

/// Asks the questions of a turn. The first answer that is not good ends it, once all that are under way are answered.
async fn ask_turn(
    way: &Arc<Way>,
    path: &'static str,
    mut turn: impl Iterator<Item = Question>,
) -> Result<(), Stop> {
    let (mut under_way, mut all) = (JoinSet::new(), Ok(()));
    loop {
        while all.is_ok() && under_way.len() < AT_ONCE {
            match turn.next() {
                Some(Ok(body)) => {
                    let way = Arc::clone(way);
                    under_way.spawn(async move { way.content(path, body).await });
                }
                Some(Err(stop)) => all = Err(stop),
                None => break,
            }
        }
        let Some(answered) = under_way.join_next().await else { return all };
        let answered = answered.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        all = all.and_then(|()| answered.map(|_told| ()));
    }
}

/// Does something at the office, and leaves it in order.
fn at_office<T>(config: &Path, what: impl AsyncFnOnce(&Arc<Way>) -> Result<T, Stop>) -> Result<T, Stop> {
    let config = Config::read(config).map_err(|findings| Stop::new(FINDINGS, findings.render(colour())))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Stop::new(USAGE, format!("cannot start threads: {error}")))?;
    runtime.block_on(async {
        let way = Arc::new(Way::find(config).await?);
        let done = what(&way).await;
        let closed = way.close().await;
        done.and_then(|told| closed.map(|()| told))
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

    /// The content of a good answer.
    async fn content(&self, path: &str, body: Zeroizing<Vec<u8>>) -> Result<Vec<u8>, Stop> {
        match self.ask(path, body).await? {
            (200, told) => Ok(told),
            (status, told) => Err(refused(status, &told)),
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

    async fn close(&self) -> Result<(), Stop> {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::convert::Infallible;
    use std::sync::Mutex;

    use hyper::body::Incoming;
    use hyper::server;
    use hyper::service::service_fn;
    use hyper::{Response, StatusCode};
    use tokio::net::UnixListener;

    use super::*;

    /// What an office was asked, how much of it at once at most, and how much is not answered yet.
    #[derive(Debug, Default)]
    struct Asked {
        all: BTreeSet<String>,
        most: usize,
        open: usize,
    }

    /// Refuses `refused`, and takes its time.
    async fn answer(request: Request<Incoming>, asked: &Mutex<Asked>) -> Response<Full<Bytes>> {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        {
            let mut asked = asked.lock().unwrap();
            asked.open += 1;
            asked.most = asked.most.max(asked.open);
            asked.all.insert(text.clone());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        asked.lock().unwrap().open -= 1;
        let mut response = Response::new(Full::new(Bytes::new()));
        if text == "refused" {
            *response.status_mut() = StatusCode::CONFLICT;
        }
        response
    }

    async fn office(listener: UnixListener, asked: Arc<Mutex<Asked>>) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let asked = Arc::clone(&asked);
            tokio::spawn(async move {
                let service = service_fn(async |request| Ok::<_, Infallible>(answer(request, &asked).await));
                drop(
                    server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await,
                );
            });
        }
    }

    /// Asks one turn; gives how it ended, and what the office knows then.
    async fn turn(questions: &[Result<&str, &str>]) -> (Result<(), Stop>, Asked) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("office.sock");
        let asked = Arc::new(Mutex::new(Asked::default()));
        let serving = tokio::spawn(office(UnixListener::bind(&socket).unwrap(), Arc::clone(&asked)));
        let questions = questions.iter().map(|one| match one {
            Ok(text) => Ok(Zeroizing::new(text.as_bytes().to_vec())),
            Err(text) => Err(Stop::new(USAGE, *text)),
        });
        let done = ask_turn(&Arc::new(Way::Socket(socket)), "/v1/extracts", questions).await;
        serving.abort();
        let asked = std::mem::take(&mut *asked.lock().unwrap());
        (done, asked)
    }

    #[tokio::test]
    async fn a_turn_ends_at_its_first_refusal_once_all_under_way_is_answered() {
        let (done, asked) = turn(&[Ok("a"), Ok("b"), Ok("c"), Ok("d"), Ok("e")]).await;
        assert!(done.is_ok());
        assert_eq!((asked.all.len(), asked.most, asked.open), (5, AT_ONCE, 0));

        let (done, asked) =
            turn(&[Ok("a"), Ok("refused"), Ok("c"), Ok("d"), Ok("e"), Ok("f"), Ok("g")]).await;
        assert_eq!(done.err().map(|stop| stop.code), Some(FINDINGS));
        assert!(asked.open == 0 && !asked.all.contains("g"), "{asked:?}");

        let (done, asked) = turn(&[Ok("a"), Err("no such part"), Ok("c")]).await;
        assert_eq!(done.err().map(|stop| stop.text), Some("no such part".to_owned()));
        assert_eq!((asked.all, asked.open), (BTreeSet::from(["a".to_owned()]), 0));
    }
}
