//! `members`: locations and what happens there.

mod coarse;

use super::routes::requests;
use super::{Rule, names, urls};
use crate::cpr;
use crate::policy::checked::{Action, Keep, Kind, Mask, Scan, Shift, Sought, Url};
use crate::policy::codes;
use crate::policy::location::Location;
use crate::policy::syntax::{At, Table, Value};
use crate::pseudonym::ValueKind;

/// The actions that stand as a name in braces.
const NAMED: [&str; 11] = [
    "keep",
    "pseudonymise",
    "mask",
    "generalise",
    "round",
    "shift",
    "replace",
    "scan",
    "resolve",
    "url",
    "decode",
];

const MASKS: &[(&str, Mask)] = &[
    ("first-word", Mask::FirstWord),
    ("initials", Mask::Initials),
    ("last-4", Mask::Last4),
    ("all", Mask::All),
    ("email", Mask::Email),
    ("cpr", Mask::Cpr),
];

/// The grounds of Databeskyttelsesloven § 11 on which a CPR may be processed. Stk. 1 is for public
/// authorities, stk. 2 for all others.
pub(super) const CPR_GROUNDS: &[(&str, &str)] = &[
    ("dbl-11-1", "dbl-11-1"),
    ("dbl-11-2-1", "dbl-11-2-1"),
    ("dbl-11-2-2", "dbl-11-2-2"),
    ("dbl-11-2-3", "dbl-11-2-3"),
    ("dbl-11-2-4", "dbl-11-2-4"),
];

#[derive(Debug, Clone, Copy)]
enum Word {
    Keep,
    Withhold,
    Pseudonymise,
    Scan,
    Count,
    Shift,
    Resolve,
    Url,
    /// Must say more.
    Decode,
    Mask,
    Generalise,
    Round,
    Replace,
}

const WORDS: &[(&str, Word)] = &[
    ("keep", Word::Keep),
    ("withhold", Word::Withhold),
    ("pseudonymise", Word::Pseudonymise),
    ("scan", Word::Scan),
    ("count", Word::Count),
    ("shift", Word::Shift),
    ("resolve", Word::Resolve),
    ("url", Word::Url),
    ("decode", Word::Decode),
    ("mask", Word::Mask),
    ("generalise", Word::Generalise),
    ("round", Word::Round),
    ("replace", Word::Replace),
];

/// Reads `members`, if it is there, and says whether lines of it could not be read.
/// `resource_type` is what ids are pseudonymised as where the rule does not say.
pub(super) fn members(table: &mut Table<'_>, resource_type: &str) -> (Vec<Rule>, bool) {
    let entries = table.optional_table("members").map(|members| members.entries()).unwrap_or_default();
    let written = entries.len();
    let rules: Vec<Rule> = entries
        .into_iter()
        .filter_map(|(key, value)| {
            let location = location_of_key(&key, &value);
            let mut shapes = Vec::new();
            let action = action(&value, resource_type, &mut shapes);
            Some(Rule { location: location?, action: action?, shapes })
        })
        .collect();
    let has_unread = rules.len() < written;
    (rules, has_unread)
}

pub(super) fn location_of_key(key: &At<&str>, value: &Value<'_>) -> Option<At<Location>> {
    match names::location(key.value) {
        Ok(location) => Some(At::new(location, key.span.clone())),
        Err(flaw) => {
            value.flaw(&codes::BAD_LOCATION, key.span.clone(), &flaw);
            None
        }
    }
}

/// `shapes` is where the names of shapes go that the action lists.
fn action(value: &Value<'_>, resource_type: &str, shapes: &mut Vec<At<String>>) -> Option<At<Action>> {
    let action =
        if value.as_str().is_some() { from_word(value) } else { from_table(value, resource_type, shapes) }?;
    Some(At::new(action, value.span()))
}

fn from_word(value: &Value<'_>) -> Option<Action> {
    let (example, word) = match value.word(WORDS, &[])?.value {
        Word::Keep => return Some(Action::Keep(Keep::default())),
        Word::Withhold => return Some(Action::Withhold),
        Word::Pseudonymise => return Some(Action::Pseudonymise(Kind::Cpr)),
        Word::Scan => return Some(Action::Scan(Scan::default())),
        Word::Count => return Some(Action::Count),
        Word::Shift => return Some(Action::Shift(Shift::DEFAULT)),
        Word::Resolve => return Some(Action::Resolve(Sought { kind: Kind::Cpr, system: None })),
        Word::Url => return Some(Action::Url(Url::Route)),
        Word::Decode => ("{ decode = \"text\" }", "decode"),
        Word::Mask => ("{ mask = \"first-word\" }", "mask"),
        Word::Generalise => ("{ generalise = \"year\" }", "generalise"),
        Word::Round => ("{ round = \"hour\" }", "round"),
        Word::Replace => ("{ replace = \"…\" }", "replace"),
    };
    let message = format!("`{word}` must say how");
    value.fault(&codes::BAD_ACTION, message, "says too little", Some(format!("write `{example}`")));
    None
}

fn from_table(value: &Value<'_>, resource_type: &str, shapes: &mut Vec<At<String>>) -> Option<Action> {
    if !value.raw().is_table() {
        value.wrong_type("an action: a word, or a table in braces");
        return None;
    }
    let mut table = value.table()?;
    let written: Vec<(&str, Value<'_>)> =
        NAMED.into_iter().filter_map(|name| Some((name, table.optional(name)?))).collect();
    // Beside `decode`, `scan` says what to look for in what is decoded.
    let decodes = written.iter().any(|(name, _)| *name == "decode");
    let written: Vec<_> = written.into_iter().filter(|(name, _)| !decodes || *name != "scan").collect();
    let [(name, word)] = written.as_slice() else {
        // A name that nobody knows says enough by itself.
        if table.entries().iter().all(|(key, _)| NAMED.contains(&key.value) || is_option(key.value)) {
            let message = "a location has exactly one action";
            let help = format!("write one of `{}`", NAMED.join("`, `"));
            value.fault(&codes::BAD_ACTION, message, format!("{} actions", written.len()), Some(help));
        } else {
            table.finish();
        }
        return None;
    };
    let action = match *name {
        "keep" => keep(word, &mut table, value),
        "pseudonymise" => pseudonymise(word, &mut table, resource_type),
        "mask" => word.word(MASKS, &[]).map(|mask| Action::Mask(mask.value)),
        "generalise" => coarse::generalise(word, &mut table).map(Action::Generalise),
        "round" => coarse::round(word, &mut table).map(Action::Round),
        "shift" => coarse::shift(word, &mut table).map(Action::Shift),
        "replace" => replace(word),
        "decode" => decode(word, &mut table, shapes),
        "resolve" => requests::sought(word, &mut table).map(Action::Resolve),
        "url" => urls::templates(word, &mut table).map(|templates| Action::Url(Url::Templates(templates))),
        _ => scan(word, &mut table).map(Action::Scan),
    };
    table.finish();
    action
}

fn is_option(name: &str) -> bool {
    const OPTIONS: [&str; 20] = [
        "shapes",
        "query",
        "bands",
        "days",
        "time-of-day",
        "weekday",
        "digits",
        "length",
        "step",
        "unit",
        "number",
        "unscanned",
        "reason",
        "cpr",
        "cpr-ground",
        "text",
        "type",
        "system",
        "reference",
        "names-from",
    ];
    OPTIONS.contains(&name)
}

fn keep(word: &Value<'_>, table: &mut Table<'_>, whole: &Value<'_>) -> Option<Action> {
    let number = table.optional_word("number", &[("not-cpr", true)], &[]);
    let text = table.optional_word("text", &[("not-cpr", true)], &[]);
    let unscanned = table.optional_bool("unscanned");
    let reason = table.optional_str("reason");
    let clear = table.optional_word("cpr", &[("clear", true)], &[]);
    let has_ground = table.has("cpr-ground");
    let ground = table.optional_word("cpr-ground", CPR_GROUNDS, &[]);
    if !word.boolean()?.value {
        let help = String::from("write `\"withhold\"`, or leave the line out");
        word.fault(&codes::BAD_ACTION, "`keep = false` says nothing", "not an action", Some(help));
        return None;
    }
    let unscanned = unscanned.filter(|unscanned| unscanned.value);
    if unscanned.is_some() && !table.has("reason") {
        whole.fault(
            &codes::UNSCANNED_WITHOUT_REASON,
            "`unscanned` without a `reason`",
            "what cannot be searched may hold anything",
            Some(String::from("add `reason = \"…\"`: why this holds no CPR")),
        );
    }
    if clear.is_some() && !has_ground {
        whole.fault(
            &codes::CLEAR_CPR_WITHOUT_GROUND,
            "a CPR in clear without `cpr-ground`",
            "no legal ground",
            Some(String::from(
                "add the ground of Databeskyttelsesloven § 11, such as `cpr-ground = \"dbl-11-2-1\"`",
            )),
        );
        return None;
    }
    if clear.is_none() && has_ground && !table.has("cpr") {
        let help = String::from("add `cpr = \"clear\"`, or take the ground out");
        whole.fault(&codes::BAD_ACTION, "`cpr-ground` without `cpr`", "has no effect", Some(help));
        return None;
    }
    Some(Action::Keep(Keep {
        number_not_cpr: number.is_some(),
        unscanned: unscanned.is_some() && reason.is_some(),
        clear_cpr: clear.and(ground).map(|ground| ground.value),
        string_not_cpr: text.is_some(),
    }))
}

fn pseudonymise(word: &Value<'_>, table: &mut Table<'_>, resource_type: &str) -> Option<Action> {
    const KINDS: &[(&str, u8)] =
        &[("cpr", 0), ("id", 1), ("reference", 2), ("phone", 3), ("email", 4), ("text", 5)];
    let kind = word.word(KINDS, &[])?;
    let kind = match kind.value {
        0 => Kind::Cpr,
        1 => {
            let given = table.optional("type").and_then(|text| text.parsed(&codes::BAD_VALUE, names::word));
            Kind::Id { resource_type: given.map_or_else(|| resource_type.to_owned(), |text| text.value) }
        }
        2 => Kind::Reference,
        3 => Kind::Value(ValueKind::Phone),
        4 => Kind::Value(ValueKind::Email),
        _ => Kind::Value(ValueKind::Text),
    };
    Some(Action::Pseudonymise(kind))
}

/// The constant as JSON text.
fn replace(word: &Value<'_>) -> Option<Action> {
    use toml::de::DeValue;
    let number = |text: &str| text.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
    let json = match word.raw() {
        DeValue::String(text) => Some(serde_json::Value::from(text.as_ref())),
        DeValue::Boolean(value) => Some(serde_json::Value::from(*value)),
        DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).ok().map(serde_json::Value::from),
        DeValue::Float(n) => number(n.as_str()).map(serde_json::Value::from),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    };
    if json.is_none() {
        word.wrong_type("a string, a finite number, `true` or `false`");
    }
    let json = json?;
    if could_hold_cpr(&json) {
        let help = String::from("write a constant that is nobody's: a word, or fewer than nine digits");
        word.fault(
            &codes::BAD_VALUE,
            "the constant could be a CPR number",
            "would leave in clear",
            Some(help),
        );
        return None;
    }
    Some(Action::Replace(json.to_string()))
}

/// Whether the constant holds a CPR number, or is a number that a recipient could take for one.
fn could_hold_cpr(constant: &serde_json::Value) -> bool {
    let text = constant.as_str().map_or_else(|| constant.to_string(), |text| text.trim().to_owned());
    cpr::search(&text, &mut Vec::new()) != cpr::Search::Clean || cpr::number_could_be_cpr(text.as_bytes())
}

/// Base64 of text or of a document; of anything else nothing could say what is in it.
fn decode(word: &Value<'_>, table: &mut Table<'_>, shapes: &mut Vec<At<String>>) -> Option<Action> {
    let is_json = word.word(&[("text", false), ("json", true)], &[])?.value;
    let finds = table.optional("scan");
    if !is_json {
        let finds = finds.map_or_else(|| Some(Scan::default()), |finds| scan(&finds, table));
        return finds.map(Action::Decode);
    }
    let list = table.required("shapes", "[\"Patient\"]");
    if let Some(finds) = finds {
        let help = "take it out; what is searched in a document, the rules of its shapes say";
        let message = "`scan` beside `decode = \"json\"` says nothing";
        finds.fault(&codes::BAD_ACTION, message, "is for text", Some(help.to_owned()));
        return None;
    }
    let list = list?;
    *shapes = list.strings();
    if shapes.is_empty() && list.raw().is_array() {
        let help = Some(String::from("list the shapes that a document may have, such as `[\"Patient\"]`"));
        list.fault(&codes::BAD_VALUE, "a list of shapes is empty", "nothing would leave", help);
    }
    (!shapes.is_empty()).then(|| Action::DecodeJson(shapes.iter().map(|name| name.value.clone()).collect()))
}

fn scan(word: &Value<'_>, table: &mut Table<'_>) -> Option<Scan> {
    const FINDS: &[(&str, u8)] = &[("phone", 0), ("email", 1), ("names", 2)];
    let finds: Vec<u8> = word
        .elements("a list of what to look for")
        .iter()
        .filter_map(|one| one.word(FINDS, &[]))
        .map(|find| find.value)
        .collect();
    let has_sources = table.has("names-from");
    let sources: Vec<Location> = table
        .optional("names-from")
        .map(|list| list.elements("a list of locations"))
        .unwrap_or_default()
        .iter()
        .filter_map(|one| one.parsed(&codes::BAD_LOCATION, names::location))
        .map(|location| location.value)
        .collect();
    let wants_names = finds.contains(&2);
    if wants_names != has_sources {
        let (message, help) = if wants_names {
            ("`names` without `names-from`", "add `names-from = [\"$.patient.navn\"]`, within the record")
        } else {
            ("`names-from` without `names`", "add `\"names\"` to the list of `scan`")
        };
        word.fault(&codes::BAD_ACTION, message, "says too little", Some(help.to_owned()));
        return None;
    }
    Some(Scan { phone: finds.contains(&0), email: finds.contains(&1), names: sources })
}
