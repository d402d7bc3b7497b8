//! `[extract]`: that each column can have something in it, of its type, and that persons stay apart.

use super::Findings;
use super::routes::{unique, unknown};
use crate::policy::checked::extract::{Column, Enforce, Extract, Table};
use crate::policy::checked::{
    Action, Coarser, ColumnType, Generalise, Linkability, Order, Policy, Round, Scan, Shift,
};
use crate::policy::codes;
use crate::policy::sources::{self, Source};
use crate::policy::words;
use crate::policy::written;
use crate::pseudonym::Scheme;

pub(super) fn check(written: &written::Policy, policy: &Policy, findings: &mut Findings<'_>) {
    let (Some(own), Some(extract)) = (&written.extract, &policy.extract) else { return };
    routes(own, written, policy, findings);
    if extract.routes.len() < own.routes.len() {
        // Another route's rules may let out what its do not.
        return;
    }
    unique(own.tables.iter().filter_map(|table| table.name.as_ref()), "tables", findings);
    if let (Some(order), true) =
        (own.order.as_ref().filter(|at| at.value == Order::Pseudonym), own.tables.is_empty())
    {
        let help = "add `[[extract.table]]` with a key, or take `order` out";
        let message = "whole records have no key to be sorted by";
        findings.add(&codes::WITHOUT_KEY, &order.span, message, "there are no tables", help);
    }
    if let Some(scheme) = written.pseudonyms.scheme.as_ref().filter(|at| at.value == Scheme::Table) {
        let help = "choose `keyed`, or `sealed` where something is to be resolved";
        let message = "pseudonyms of an extract are computed, not drawn";
        let label = "each would have to stand in the store first";
        findings.add(&codes::SCHEME_CANNOT, &scheme.span, message, label, help);
    }
    for (own, table) in own.tables.iter().zip(&extract.tables) {
        unique(own.columns.iter().filter_map(|column| column.name.as_ref()), "columns", findings);
        for (name, _) in &table.when {
            if sources::of_condition(policy, extract, table, name).is_empty() {
                let message = format!("no rule lets out `{name}`, which `when` compares");
                let help = "a table is made of what leaves: keep this member, or compare another";
                findings.add(&codes::NOT_RELEASED, &own.header, message, "would have no rows", help);
            }
        }
        if !table.columns.iter().any(|column| column.key) {
            let help = "add `key = true` to the column with the person's pseudonym";
            findings.add(&codes::WITHOUT_KEY, &own.header, "this table has no key", "no key", help);
        }
        for (own, column) in own.columns.iter().zip(&table.columns) {
            one_column(&Desk { policy, extract, table }, own, column, findings);
        }
    }
    let mut columns = extract.tables.iter().flat_map(|table| &table.columns).peekable();
    if columns.peek().is_some() && !columns.any(|column| column.quasi_identifier) {
        findings.add(
            &codes::NO_QUASI_IDENTIFIER,
            &own.header,
            "no column is a quasi-identifier: k would be counted over nothing",
            "nothing is examined",
            "add `quasi-identifier = true` to what others may know, such as sex and year of birth",
        );
    }
}

fn routes(own: &written::Extract, written: &written::Policy, policy: &Policy, findings: &mut Findings<'_>) {
    unique(own.routes.iter(), "routes of `[extract]`", findings);
    let known: Vec<&str> = written
        .routes
        .iter()
        .filter_map(|route| route.name.as_ref())
        .map(|name| name.value.as_str())
        .collect();
    let all_read = known.len() == written.routes.len();
    let (mut lines, mut documents) = (None, None);
    for name in &own.routes {
        let Some(route) = policy.routes.iter().find(|route| route.name == name.value) else {
            if all_read {
                unknown(&codes::UNKNOWN_ROUTE, "route", name, &known, findings);
            }
            continue;
        };
        let types = &route.response.media_types;
        let (has_lines, has_documents) =
            (types.iter().any(|one| one.is_lines()), types.iter().any(|one| !one.is_lines()));
        let is_used = has_lines && lines.is_none() || has_documents && documents.is_none();
        if let Some(first) = lines.filter(|_| has_lines).or(documents).filter(|_| !is_used) {
            findings.add_with(
                &codes::EXTRACT_ROUTE,
                &name.span,
                format!("no file comes to the route `{}`", name.value),
                ("its forms are taken", "take it out, or put it first"),
                (first, "by this route"),
            );
        }
        if has_lines && lines.is_none() {
            lines = Some(&name.span);
        }
        if has_documents && documents.is_none() {
            documents = Some(&name.span);
        }
    }
}

/// What a column stands in.
struct Desk<'a> {
    policy: &'a Policy,
    extract: &'a Extract,
    table: &'a Table,
}

fn one_column(desk: &Desk<'_>, own: &written::Column, column: &Column, findings: &mut Findings<'_>) {
    let Some(path) = &own.path else { return };
    let sources = sources::of_column(desk.policy, desk.extract, desk.table, column);
    if sources.is_empty() {
        findings.add(
            &codes::NOT_RELEASED,
            &path.span,
            format!("no rule of the extract's routes lets out what stands at `{}`", path.value),
            "would be missing in every row",
            nearest(desk, column),
        );
        return;
    }
    if let Some(column_type) = &own.column_type
        && let Some(source) = sources
            .iter()
            .find(|source| !fits(&source.rule.action, column_type.value))
            .filter(|_| !sources.iter().any(|source| fits(&source.rule.action, column_type.value)))
    {
        let form = words::form(&source.rule.action);
        findings.add_with(
            &codes::COLUMN_TYPE,
            &column_type.span,
            format!("`{form}` makes no values of type `{}`", column_type.value.word()),
            ("would be missing in every row", fitting(&source.rule.action)),
            (&source.rule.span, "its values are made here"),
        );
    }
    key(desk, own, column, &sources, findings);
    ladder(desk, own, column, findings);
    if let Some(source) = sources.iter().find(|source| is_free_text(source)) {
        findings.add_with(
            &codes::FREE_TEXT_COLUMN,
            &path.span,
            "free text leaves with every row",
            ("free text", "leave the column out, or have a code in its place"),
            (&source.rule.span, "by this rule"),
        );
    }
}

/// Names that the rules let out and that are like the last of the path.
fn nearest(desk: &Desk<'_>, column: &Column) -> String {
    let rules =
        desk.extract.routes.iter().filter_map(|number| desk.policy.routes.get(*number)).flat_map(|route| {
            let shapes = route.response.shapes.iter().filter_map(|number| desk.policy.shapes.get(*number));
            shapes.flat_map(|shape| &shape.rules).chain(&route.response.rules)
        });
    let names: Vec<&str> = rules
        .filter(|rule| rule.action != Action::Withhold)
        .filter_map(|rule| rule.location.last_name())
        .collect();
    let own = column.path.last_name().unwrap_or_default();
    let near = crate::policy::syntax::nearest(own, names.iter().copied()).filter(|near| *near != own);
    near.map_or_else(
        || {
            String::from(
                "add a rule that lets it out, or mend the path: it begins at the row, with \
                 `from = \"element\"` at the element",
            )
        },
        |near| format!("did you mean `{near}`?"),
    )
}

fn key(
    desk: &Desk<'_>,
    own: &written::Column,
    column: &Column,
    sources: &[Source<'_>],
    findings: &mut Findings<'_>,
) {
    let Some(at) = own.key.as_ref().filter(|_| column.key) else { return };
    let other = sources.iter().find(|source| !matches!(source.rule.action, Action::Pseudonymise(_)));
    if let Some(source) = other {
        findings.add_with(
            &codes::KEY_NOT_PSEUDONYM,
            &at.span,
            "this key is no pseudonym",
            ("a key stands for a person", "pseudonymise it, or take the column with the pseudonym"),
            (&source.rule.span, "its values are made here"),
        );
    } else if desk.policy.pseudonyms.linkability == Linkability::None {
        let help = "write `linkability = \"document\"` for one extract, or `\"domain\"` for all";
        let message = "a pseudonym that is never the same twice links nothing";
        findings.add(&codes::KEY_NOT_PSEUDONYM, &at.span, message, "`linkability = \"none\"`", help);
    } else if column.quasi_identifier {
        let help = "take `quasi-identifier` out: the key is the researcher's own word for the person";
        let message = "a key is no quasi-identifier: every person has another";
        findings.add(&codes::KEY_NOT_PSEUDONYM, &at.span, message, "a key", help);
    }
}

fn ladder(desk: &Desk<'_>, own: &written::Column, column: &Column, findings: &mut Findings<'_>) {
    let coarsens = matches!(desk.table.enforce, Enforce::Coarsen { .. });
    if own.coarsen.is_empty() {
        if column.quasi_identifier && coarsens && !own.has_coarsen {
            let help = "add `coarsen = [{ step = 5 }]`, or `[{ prefix = 3 }]` of texts";
            let at = own.quasi_identifier.as_ref().map_or(&own.header, |at| &at.span);
            findings.add(&codes::LADDER, at, "this quasi-identifier has no ladder", "no `coarsen`", help);
        }
        return;
    }
    let mut before: Option<Coarser> = None;
    for rung in &own.coarsen {
        let fault = match (rung.value, column.column_type) {
            _ if !column.quasi_identifier => Some("only a quasi-identifier is made coarser"),
            (Coarser::Step(_), ColumnType::Integer | ColumnType::Number)
            | (Coarser::Prefix(_), ColumnType::Text) => before
                .filter(|before| !is_coarser(rung.value, *before))
                .map(|_| "this rung is not coarser than the one before"),
            (Coarser::Step(_), _) => Some("only integers and numbers have steps"),
            (Coarser::Prefix(_), _) => Some("only texts have beginnings"),
        };
        if let Some(message) = fault {
            let help = "each rung is a multiple of the step before, or a shorter beginning";
            findings.add(&codes::LADDER, &rung.span, message, "this rung", help);
        }
        before = Some(rung.value);
    }
}

/// Whether what shares a value before shares it after.
fn is_coarser(rung: Coarser, before: Coarser) -> bool {
    match (rung, before) {
        (Coarser::Step(step), Coarser::Step(before)) => {
            step > before && step.get().checked_rem(before.get()) == Some(0)
        }
        (Coarser::Prefix(length), Coarser::Prefix(before)) => length < before,
        (Coarser::Step(_), Coarser::Prefix(_)) | (Coarser::Prefix(_), Coarser::Step(_)) => false,
    }
}

const fn is_free_text(source: &Source<'_>) -> bool {
    matches!(source.rule.action, Action::Scan(_) | Action::Decode(Scan { .. }))
}

/// Whether an action can make values of a type.
fn fits(action: &Action, column_type: ColumnType) -> bool {
    let is_number = matches!(column_type, ColumnType::Integer | ColumnType::Number);
    // A new action must be given its types here: it does not compile until then.
    column_type == ColumnType::Text
        || match action {
            Action::Keep(_) => true,
            Action::Replace(json) => match json.chars().next() {
                Some('t' | 'f') => column_type == ColumnType::Boolean,
                Some('"') | None => false,
                Some(_) => is_number,
            },
            Action::Count | Action::Round(Round::Digits(_)) => is_number,
            Action::Generalise(
                Generalise::Year { .. }
                | Generalise::Decade { .. }
                | Generalise::Age { .. }
                | Generalise::Step(_),
            )
            | Action::Shift(Shift { epoch: Some(_), .. })
            | Action::Round(Round::Instant { epoch: Some(_), .. }) => is_number,
            Action::Shift(_) | Action::Round(_) => column_type == ColumnType::Date,
            Action::Generalise(_)
            | Action::Withhold
            | Action::Pseudonymise(_)
            | Action::Mask(_)
            | Action::Scan(_)
            | Action::Resolve(_)
            | Action::Decode(_)
            | Action::DecodeJson(_)
            | Action::Url(_) => false,
        }
}

/// What to write instead.
fn fitting(action: &Action) -> &'static str {
    if fits(action, ColumnType::Integer) {
        "write `type = \"integer\"` or `\"number\"`"
    } else if fits(action, ColumnType::Date) {
        "write `type = \"date\"` or `\"text\"`"
    } else if fits(action, ColumnType::Boolean) {
        "write `type = \"boolean\"`"
    } else {
        "write `type = \"text\"`"
    }
}
