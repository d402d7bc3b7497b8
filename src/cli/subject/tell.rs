//! The office's answers, for people.

use std::fmt::Write as _;

use serde_json::Value;

/// What became of changes.
pub(super) fn changed(told: &Value) -> String {
    let changes = told.get("changes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut text = match changes {
        [one] => {
            format!(
                "change {} is on record ({}) and in force\n",
                number(one, "change"),
                number(one, "record")
            )
        }
        [first, .., last] => format!(
            "{} changes, {} to {}, are on record and in force\n",
            changes.len(),
            number(first, "change"),
            number(last, "change")
        ),
        [] => "nothing was changed\n".to_owned(),
    };
    match told.get("to_tell").and_then(Value::as_array) {
        Some(recipients) => {
            for recipient in recipients.iter().filter_map(Value::as_str) {
                text.push_str(&format!("to be told of it: {recipient}\n"));
            }
        }
        None => text.push_str("the index is behind: who must be told of it is not known yet\n"),
    }
    text
}

/// What became of an acknowledgement.
pub(super) fn acknowledged(told: &Value) -> String {
    format!("acknowledged: {}\n", number(told, "acknowledged"))
}

/// What became of an alias.
pub(super) fn tied(told: &Value) -> String {
    match told.get("record").and_then(Value::as_u64) {
        Some(record) => format!("both are one person's from now on; on record ({record})\n"),
        None => "both were known to be one person's\n".to_owned(),
    }
}

/// The registry about one person.
pub(super) fn shown(told: &Value) -> String {
    let mut text = format!("ids known to be this person's: {}\n", number(told, "ids"));
    let list = |name: &str| told.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    if told.get("erased").and_then(Value::as_bool).unwrap_or_default() {
        text.push_str("erased: withheld for good\n");
    }
    let changes = list("changes");
    if changes.is_empty() {
        text.push_str("nothing was ever entered\n");
    }
    for change in changes {
        let word = |name: &str| change.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let is = |name: &str| change.get(name).and_then(Value::as_bool).unwrap_or_default();
        let named = |name: &str, before: &str| match word(name) {
            empty if empty.is_empty() => empty,
            given => format!(" {before} {given}"),
        };
        // Writing to a `String` cannot fail.
        let _infallible = writeln!(
            text,
            "{:>4}  {}  {} {}{}{}{}{}\n      {}: {}",
            number(&change, "change"),
            word("at"),
            word("kind"),
            if is("begun") { "begun" } else { "ended" },
            named("purpose", "for"),
            named("recipient", "against"),
            named("until", "until"),
            if is("holds") { ", holds" } else { "" },
            word("who"),
            word("why"),
        );
    }
    for told in list("notifications") {
        let word = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let acknowledged = match word("acknowledged") {
            none if none.is_empty() => "has not acknowledged".to_owned(),
            day => format!("acknowledged {day}"),
        };
        let _infallible = writeln!(
            text,
            "told  {}  {} about {}: {acknowledged}",
            word("at"),
            word("recipient"),
            word("about")
        );
        let pseudonyms = told.get("pseudonyms").and_then(Value::as_array).cloned().unwrap_or_default();
        for pseudonym in pseudonyms.iter().filter_map(Value::as_str) {
            let _infallible = writeln!(text, "      knows this person as {pseudonym}");
        }
    }
    text
}

fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or_default()
}
