//! A policy version's record.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{bytes_of_hex, read_time, write_time_exactly};
use crate::ids::PolicyVersion;
use crate::ledger::note::{MAX_WHO, PolicyRecord, PolicyRule};

/// The kind of the record.
pub(super) const KIND: &str = "policy";

/// A record without its sequence number, in the order of the document.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Body<'a> {
    time: Cow<'a, str>,
    kind: Cow<'a, str>,
    policy: Cow<'a, str>,
    recipient: Cow<'a, str>,
    name: Cow<'a, str>,
    relation: Cow<'a, str>,
    purpose: Cow<'a, str>,
    category: Cow<'a, str>,
    basis: Vec<Cow<'a, str>>,
    country: Cow<'a, str>,
    ground: Option<Cow<'a, str>>,
    retention: Option<Cow<'a, str>>,
    agreement: Cow<'a, str>,
    who: Option<Cow<'a, str>>,
    rules: Vec<Rule<'a>>,
}

/// Route, number, location and form.
type Rule<'a> = (Cow<'a, str>, u32, Cow<'a, str>, Cow<'a, str>);

/// The canonical bytes of a policy version, but for its number; `None` if it has none.
pub(super) fn encode(policy: &PolicyRecord) -> Option<Vec<u8>> {
    if policy.who.as_ref().is_some_and(|who| who.len() > MAX_WHO) {
        return None;
    }
    let body = Body {
        time: Cow::Owned(write_time_exactly(policy.unix_millis)?),
        kind: Cow::Borrowed(KIND),
        policy: Cow::Owned(policy.policy.to_string()),
        recipient: Cow::Borrowed(&policy.recipient),
        name: Cow::Borrowed(&policy.name),
        relation: Cow::Borrowed(&policy.relation),
        purpose: Cow::Borrowed(&policy.purpose),
        category: Cow::Borrowed(&policy.category),
        basis: policy.basis.iter().map(|word| Cow::Borrowed(word.as_str())).collect(),
        country: Cow::Borrowed(&policy.country),
        ground: policy.ground.as_deref().map(Cow::Borrowed),
        retention: policy.retention.as_deref().map(Cow::Borrowed),
        agreement: Cow::Borrowed(&policy.agreement),
        who: policy.who.as_deref().map(Cow::Borrowed),
        rules: policy.rules.iter().map(rule).collect(),
    };
    serde_json::to_vec(&body).ok()
}

fn rule(rule: &PolicyRule) -> Rule<'_> {
    let PolicyRule { route, rule, location, form } = rule;
    (Cow::Borrowed(route), *rule, Cow::Borrowed(location), Cow::Borrowed(form))
}

/// Reads what [`encode`] wrote; the caller holds it against that.
pub(super) fn decode(encoded: &[u8]) -> Option<PolicyRecord> {
    let body: Body<'_> = serde_json::from_slice(encoded).ok()?;
    Some(PolicyRecord {
        unix_millis: read_time(&body.time)?,
        policy: PolicyVersion(bytes_of_hex(&body.policy)?),
        recipient: body.recipient.into_owned(),
        name: body.name.into_owned(),
        relation: body.relation.into_owned(),
        purpose: body.purpose.into_owned(),
        category: body.category.into_owned(),
        basis: body.basis.into_iter().map(Cow::into_owned).collect(),
        country: body.country.into_owned(),
        ground: body.ground.map(Cow::into_owned),
        retention: body.retention.map(Cow::into_owned),
        agreement: body.agreement.into_owned(),
        who: body.who.map(Cow::into_owned),
        rules: body
            .rules
            .into_iter()
            .map(|(route, rule, location, form)| PolicyRule {
                route: route.into_owned(),
                rule,
                location: location.into_owned(),
                form: form.into_owned(),
            })
            .collect(),
    })
}
