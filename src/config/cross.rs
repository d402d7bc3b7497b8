//! Policies against the configuration: names that must stand in both.

use super::Config;
use crate::policy::checked::Category;
use crate::policy::codes::{self, Code};
use crate::policy::diagnostic::Diagnostic;
use crate::policy::syntax::{self, At, SourceFile, nearest};
use crate::policy::words::category;
use crate::pseudonym::KeyRing;

/// What one policy takes for granted of `tavs.toml`, and of the key ring where there is one at hand.
#[must_use]
pub fn cross_check(config: &Config, ring: Option<&KeyRing>, policy: &SourceFile) -> Vec<Diagnostic> {
    let names = Named::read(policy);
    let mut found = Vec::new();
    if let Some(anchor) = &names.anchor {
        let known: Vec<&str> = config.tls.anchors.iter().map(|anchor| anchor.name.as_str()).collect();
        found.extend(unknown(policy, &codes::UNKNOWN_ANCHOR, "trust anchor", anchor, &known));
    }
    let known: Vec<&str> = config.upstreams.keys().map(String::as_str).collect();
    for upstream in &names.upstreams {
        found.extend(unknown(policy, &codes::UNKNOWN_UPSTREAM, "upstream", upstream, &known));
    }
    let lacks = |domain: &At<String>| ring.is_some_and(|ring| !ring.has_domain(&domain.value));
    if let Some(domain) = names.domain.filter(lacks) {
        let message = format!("the key ring has no secret for domain `{}`", domain.value);
        let help = format!("run: tavs keys new {} --add --domain {}", config.keys.value, domain.value);
        found.push(
            Diagnostic::new(&codes::NO_SECRET, &policy.path, domain.span, message, "no secret").help(help),
        );
    }
    found
}

/// The purposes that `[ledger.retention]` names, against those of the policies. A warning, for the ledger may
/// hold records of a purpose whose policy is gone.
#[must_use]
pub fn check_retention(config: &Config, policies: &[SourceFile]) -> Vec<Diagnostic> {
    let purposes: Vec<String> = policies.iter().filter_map(|policy| Named::read(policy).purpose).collect();
    let mut known: Vec<&str> = CATEGORIES.map(category).to_vec();
    known.extend(purposes.iter().map(String::as_str));
    let names = config.ledger.retention_names.iter().filter(|name| !known.contains(&name.value.as_str()));
    let found = names.map(|name| {
        let help = nearest(&name.value, known.iter().copied()).map_or_else(
            || {
                format!(
                    "policies have: `{}`; keep the line if the ledger holds records of it from before",
                    known.join("`, `")
                )
            },
            |near| format!("did you mean `{near}`?"),
        );
        let message = format!("no policy has the purpose or category `{}`", name.value);
        config.fault(&codes::UNKNOWN_PURPOSE, name, message).help(help)
    });
    found.collect()
}

const CATEGORIES: [Category; 3] = [Category::Service, Category::Improvement, Category::LegitimateInterest];

fn unknown(
    policy: &SourceFile,
    code: &'static Code,
    kind: &str,
    name: &At<String>,
    known: &[&str],
) -> Option<Diagnostic> {
    if known.contains(&name.value.as_str()) {
        return None;
    }
    let help = nearest(&name.value, known.iter().copied()).map_or_else(
        || format!("tavs.toml has: `{}`", known.join("`, `")),
        |near| format!("did you mean `{near}`?"),
    );
    let message = format!("tavs.toml has no {kind} `{}`", name.value);
    Some(Diagnostic::new(code, &policy.path, name.span.clone(), message, "not in tavs.toml").help(help))
}

/// The names, with their places. Whatever else is wrong with the file, `policy::check` says.
#[derive(Debug, Default)]
struct Named {
    anchor: Option<At<String>>,
    domain: Option<At<String>>,
    purpose: Option<String>,
    upstreams: Vec<At<String>>,
}

impl Named {
    fn read(policy: &SourceFile) -> Self {
        syntax::read(policy, |mut root| Self {
            anchor: root.optional_table("identity").and_then(|mut t| t.optional_str("anchor")),
            domain: root.optional_table("pseudonyms").and_then(|mut t| t.optional_str("domain")),
            purpose: root.optional_table("purpose").and_then(|mut t| t.optional_str("id")).map(|at| at.value),
            upstreams: root
                .tables("route")
                .into_iter()
                .filter_map(|mut table| table.optional_str("upstream"))
                .collect(),
        })
        .value
    }
}
