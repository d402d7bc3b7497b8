//! One exchange: identify, limit, decide, forward, read, disclose (survey, judge, rewrite, reserve),
//! record, release.
//!
//! Stands between the listener, which hands it requests of verified connections, and the parts
//! that decide and transform. What must never happen here: a byte of an upstream's leaves without
//! having been `Released` and recorded; a value from a message reaches a log, metric or refusal.

mod arriving;
mod bearer;
mod blocking;
mod disclose;
mod exchange;
mod guards;
mod lookup;
mod outcome;
mod quota;
mod release;
mod send;
mod state;
mod stream;
mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use hyper::body::Incoming;
use hyper::{Method, Request, Response};

use crate::clock::Clock;
use crate::http::Refusal;
use crate::http::reply::Reply;
use crate::ids::ExchangeId;
use crate::ledger::Ledger;
use crate::ledger::index::Indexer;
use crate::net::listener::{Connection, Event, Handler, Protocol};
use crate::random;
use crate::store::Store;
use crate::subjects::Subjects;
use crate::table::Held;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::{Handshake, Word};

pub use self::lookup::{DEFAULT_MOST as DEFAULT_LOOKUPS, SubjectLookup};
pub use self::release::Answer;
pub use self::state::{Parts, State};

/// How far the clock may go back before nothing is released: more than the daemons that keep it set it
/// by, less than a lapsed agreement or a day's quota could gain by. In milliseconds.
pub const MAX_CLOCK_BACK: u64 = 5 * 60 * 1000;

/// The proxy: what all exchanges share. Its state is replaced whole by a reload; an exchange
/// keeps the one that it began with.
#[derive(Debug)]
pub struct Proxy {
    state: ArcSwap<State>,
    records: Records,
    /// The store again, with what was looked up of the scheme `table`.
    held: Arc<Held>,
    blocking: blocking::Blocking,
    guards: guards::Guards,
    lookups: lookup::Lookups,
    metrics: Metrics,
    answered: AtomicU64,
    /// The latest time at which an exchange was decided, in milliseconds since the Unix epoch.
    latest: AtomicU64,
}

/// What is on record, and whose data may leave. Outlives reloads; clones share it.
#[derive(Debug, Clone)]
pub struct Records {
    /// Every disclosure.
    pub ledger: Ledger,
    /// Aliases, the registry, reservations, the index. Its methods block.
    pub store: Store,
    /// What of the store is in force: who is who, and whose data may leave.
    pub subjects: Arc<Subjects>,
    /// Feeds the store's index from the ledger.
    pub indexer: Arc<Indexer>,
    /// The time that records and rights go by.
    pub clock: Clock,
}

impl Proxy {
    /// A proxy that begins with `state`.
    #[must_use]
    pub fn new(state: State, records: Records, metrics: Metrics) -> Self {
        Self {
            state: ArcSwap::from_pointee(state),
            lookups: lookup::Lookups::new(records.clock.clone()),
            held: Arc::new(Held::new(records.store.clone())),
            records,
            blocking: blocking::Blocking::default(),
            guards: guards::Guards::default(),
            metrics,
            answered: AtomicU64::new(0),
            latest: AtomicU64::new(0),
        }
    }

    /// The state that the next exchange begins with.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        self.state.load_full()
    }

    /// Puts a new state in the place of the old one, at once and whole (G11).
    pub fn replace(&self, state: State) {
        self.state.store(Arc::new(state));
    }

    /// How many exchanges were answered since the start.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Ten random bytes behind a time: names an exchange everywhere.
    fn new_exchange(&self) -> ExchangeId {
        // Without randomness ids of one millisecond would be alike; the rewriter's salt, which
        // must be random, refuses the exchange.
        let random = random::name().unwrap_or_default();
        ExchangeId::new(self.records.clock.unix_millis(), random)
    }
}

impl Handler for Proxy {
    type Body = Answer;

    async fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        request: Request<Incoming>,
    ) -> Response<Answer> {
        let reply = Reply {
            exchange: self.new_exchange(),
            head: request.method() == Method::HEAD,
            http1: connection.protocol() == Protocol::Http1,
            standing: None,
            places: Vec::new(),
            allow: Vec::new(),
        };
        let response = outcome::observed(&self, reply, &connection, request).await;
        self.answered.fetch_add(1, Ordering::Relaxed);
        response
    }

    fn panicked(&self) -> Response<Answer> {
        self.metrics.panics.inc();
        let reply = Reply {
            exchange: self.new_exchange(),
            head: false,
            http1: false,
            standing: None,
            places: Vec::new(),
            allow: Vec::new(),
        };
        tracing::error!(exchange = %reply.exchange, reason = "internal", "an exchange panicked");
        release::refused(&reply, &self.state().problems, Refusal::Internal, None)
    }

    fn event(&self, event: Event) {
        match event {
            Event::Opened(_) => drop(self.metrics.connections.inc()),
            Event::Closed(protocol, reason) => {
                self.metrics.connections.dec();
                let (protocol, reason) = (protocol.as_str(), reason.as_str());
                tracing::debug!(protocol, reason, "connection closed");
            }
            Event::HandshakeFailed(failure) => {
                let class = failure.as_str();
                self.metrics.handshake_failures.get_or_create(&Handshake { class: Word::own(class) }).inc();
                tracing::warn!(class, "handshake failed");
            }
            Event::Panicked => {
                self.metrics.panics.inc();
                tracing::error!(reason = "internal", "a connection's task panicked");
            }
            Event::Shed(shed) => {
                let class = shed.as_str();
                self.metrics.handshake_failures.get_or_create(&Handshake { class: Word::own(class) }).inc();
                tracing::warn!(class, "connection dropped: too many are open");
            }
        }
    }
}
