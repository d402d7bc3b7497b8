//! What an exchange has to know from the store where its policy's pseudonyms stand there: looked up on
//! threads that may block, before anything is decided or rewritten by it.

use std::sync::Arc;

use super::Proxy;
use crate::http::Refusal;
use crate::policy::running::RunningRoute;
use crate::pseudonym::{Known, Rows, Wanted};
use crate::table;

/// What the pseudonyms among a request's values stand for. `route` is any of the policy's: all have one
/// domain.
pub(super) async fn rows(
    proxy: &Proxy,
    route: Option<&Arc<RunningRoute>>,
    texts: impl IntoIterator<Item = &str>,
) -> Result<Rows, Refusal> {
    let Some(route) = route.filter(|route| is_table(route)) else { return Ok(Rows::default()) };
    let maker = route.plan().pseudonymiser();
    let sought: Vec<String> =
        texts.into_iter().filter(|text| table::is_sought(maker, text)).map(str::to_owned).collect();
    if sought.is_empty() {
        return Ok(Rows::default());
    }
    let (store, route) = (proxy.records.store.clone(), Arc::clone(route));
    let look = move || table::rows(&store, route.plan().pseudonymiser(), sought.iter().map(String::as_str));
    proxy.blocking.run(look).await
}

/// The pseudonyms that a body needs, drawn where there are none.
pub(super) async fn known(
    proxy: &Proxy,
    route: &Arc<RunningRoute>,
    wanted: Vec<Wanted>,
) -> Result<Known, Refusal> {
    if wanted.is_empty() {
        return Ok(Known::default());
    }
    let (held, route) = (Arc::clone(&proxy.held), Arc::clone(route));
    proxy.blocking.run(move || table::known(&held, route.plan().pseudonymiser(), &wanted)).await
}

/// Whether a route's pseudonyms stand in the store.
pub(super) fn is_table(route: &RunningRoute) -> bool {
    route.plan().pseudonymiser().table().is_some()
}
