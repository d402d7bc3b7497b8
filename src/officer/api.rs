//! The office's door for the clinic's own systems: mutual TLS, and each certificate one client.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};

use super::problem::{INTERNAL, NO_CLIENT, RATE};
use super::{Caller, Office, Problem, Role, http};
use crate::clock::Clock;
use crate::identity::{Presented, Register, RegisterError};
use crate::ids::RecipientId;
use crate::limits::{Limits, Numbers};
use crate::net::TlsState;
use crate::net::listener::{Connection, Event, Handler};

/// Requests of one client each second: a system that enters forms one by one, with room to spare.
const RATE_PER_SECOND: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// At once, after a pause.
const BURST: NonZeroU32 = NonZeroU32::new(50).unwrap();
/// At the same time.
const CONCURRENCY: NonZeroU32 = NonZeroU32::new(4).unwrap();

/// Who the clients are. A reload puts others in their place.
#[derive(Debug)]
pub struct Clients {
    register: Register,
    roles: HashMap<RecipientId, Vec<Role>>,
    limits: Limits,
}

impl Clients {
    /// Of names, certificates and roles, under one trust anchor.
    ///
    /// # Errors
    /// When two claim one certificate, or one can never match.
    pub fn new(
        anchor: &str,
        clients: impl IntoIterator<Item = (String, Presented, Vec<Role>)>,
        clock: Clock,
    ) -> Result<Self, RegisterError> {
        let (mut identities, mut roles) = (Vec::new(), HashMap::new());
        for (name, presented, own) in clients {
            // The register tells certificates from each other; what it calls them is ours to say.
            let id = RecipientId::new(&name);
            identities.push((id.clone(), anchor.to_owned(), presented));
            roles.insert(id, own);
        }
        let numbers =
            Numbers { requests_per_second: RATE_PER_SECOND, burst: BURST, concurrency: CONCURRENCY };
        let limits = Limits::new(clock).rebuilt(roles.keys().map(|id| (id.clone(), numbers)));
        Ok(Self { register: Register::new(identities)?, roles, limits })
    }
}

/// What a reload replaces of the API.
#[derive(Debug)]
pub struct ApiState {
    tls: Arc<ArcSwap<TlsState>>,
    clients: ArcSwap<Clients>,
}

impl ApiState {
    /// The first of it.
    #[must_use]
    pub fn new(tls: TlsState, clients: Clients) -> Self {
        Self { tls: Arc::new(ArcSwap::from_pointee(tls)), clients: ArcSwap::from_pointee(clients) }
    }

    /// Puts another in its place.
    pub fn replace(&self, tls: TlsState, clients: Clients) {
        self.clients.store(Arc::new(clients));
        self.tls.store(Arc::new(tls));
    }

    /// For the listener.
    #[must_use]
    pub fn tls(&self) -> &Arc<ArcSwap<TlsState>> {
        &self.tls
    }
}

/// Answers clients of the API.
#[derive(Debug)]
pub struct Api {
    office: Arc<Office>,
    state: Arc<ApiState>,
    clock: Clock,
}

impl Api {
    /// Over one office.
    #[must_use]
    pub fn new(office: Arc<Office>, state: Arc<ApiState>, clock: Clock) -> Self {
        Self { office, state, clock }
    }

    /// Who is at the other end, under the certificates and lists of now (G9).
    fn identify(&self, connection: &Connection) -> Result<(Caller, RecipientId), Problem> {
        let nobody = |why: &'static str| {
            tracing::warn!(reason = why, "refused at the API");
            Problem::new(&NO_CLIENT, "")
        };
        let now = self.clock.unix_millis().checked_div(1000).unwrap_or_default();
        if connection.peer().check(&self.state.tls.load(), now).is_err() {
            connection.close();
            return Err(nobody("certificate-lapsed"));
        }
        let clients = self.state.clients.load();
        let known = clients.register.identify(connection.peer());
        let id = known.map_err(|_nobody| nobody("no-client"))?.id().clone();
        let roles = clients.roles.get(&id).cloned().unwrap_or_default();
        Ok((Caller::Client { name: id.as_str().to_owned(), roles }, id))
    }
}

impl Handler for Api {
    type Body = Full<Bytes>;

    async fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        request: Request<Incoming>,
    ) -> Response<Full<Bytes>> {
        let (caller, id) = match self.identify(&connection) {
            Ok(known) => known,
            Err(problem) => return http::response(problem.into()),
        };
        let limiter = self.state.clients.load().limits.of(&id).cloned();
        let Some(Ok(_admitted)) = limiter.as_ref().map(|limiter| limiter.admit()) else {
            tracing::warn!(client = id.as_str(), "refused at the API: too much at a time");
            return http::response(Problem::new(&RATE, "wait a second").into());
        };
        http::respond(&self.office, caller, request).await
    }

    fn panicked(&self) -> Response<Full<Bytes>> {
        http::response(Problem::new(&INTERNAL, "").into())
    }

    fn event(&self, event: Event) {
        match event {
            Event::Opened(_) | Event::Closed(..) => {}
            Event::HandshakeFailed(failure) => {
                tracing::warn!(class = failure.as_str(), "handshake at the API failed");
            }
            Event::Shed(shed) => {
                tracing::warn!(class = shed.as_str(), "connection to the API dropped: too many are open");
            }
            Event::Panicked => {
                tracing::error!(reason = "internal", "a connection's task at the API panicked");
            }
        }
    }
}
