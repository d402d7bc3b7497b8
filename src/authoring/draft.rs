//! A policy for samples: denies all, and has one commented line for each location to decide.
//!
//! Nothing is invented: what only people can know (who receives, under which agreement, on which basis) is
//! left out with a comment, and `tavs check` names each until it is said.

mod forms;

use self::forms::suggested;
use super::classify::Class;
use super::learn::{Part, Place};
use super::names::DYNAMIC;
use crate::policy::location::Location;

const BUNDLE: &str = "Bundle";

/// Whether the documents are Bundles of resources: their members are then those of a shape, too, for a shape of
/// another resource can stand at the root as well, and two rules would decide one member.
fn is_bundle(parts: &[Part]) -> bool {
    let documents = parts.iter().filter(|part| part.resource.is_none()).flat_map(|part| &part.places);
    let has = |location: &str| documents.clone().any(|place| place.location == location);
    parts.iter().any(|part| part.resource.is_some()) && has("$.resourceType") && has("$.entry")
}

/// The policy's text. `recipient` is a name for it, if it is known; `shipped` are the resource types of which
/// the profiles that come with tavs have a shape of the same name.
#[must_use]
pub fn policy(parts: &[Part], recipient: Option<&str>, shipped: &[&str]) -> String {
    let mut text = String::from(HEAD);
    let own = parts.iter().filter_map(|part| part.resource);
    let resources: Vec<&str> = is_bundle(parts).then_some(BUNDLE).into_iter().chain(own).collect();
    let is_shipped = |resource: &&&str| shipped.contains(*resource);
    if resources.iter().any(|resource| shipped.contains(resource)) {
        let known: Vec<&str> = resources.iter().filter(is_shipped).copied().collect();
        text += &INCLUDE.replace("{known}", &known.join(", "));
    }
    let id = recipient.map_or_else(
        || String::from("# id       = \"sms-reminders\""),
        |recipient| format!("id         = \"{recipient}\""),
    );
    text += &RECIPIENT.replace("{id}", &id);
    let domain = recipient.map_or_else(
        || String::from("# domain = \"sms-reminders\""),
        |recipient| format!("domain = \"{recipient}\""),
    );
    text += &PURPOSE.replace("{domain}", &domain);
    let documents = parts.iter().find(|part| part.resource.is_none());
    let mut places = parts.iter().flat_map(|part| &part.places);
    let has_urls = places.any(|place| place.class() == Some(Class::Url));
    text += &route(documents, &resources, has_urls);
    for part in parts {
        let Some(resource) = part.resource.or_else(|| is_bundle(parts).then_some(BUNDLE)) else { continue };
        text += &shape(resource, &part.places, shipped.contains(&resource));
    }
    text += TEST;
    text
}

const HEAD: &str = "\
# Written by `tavs learn` from samples. It discloses nothing: each member stands in a comment, with the form that its
# kind suggests. Take the `#` away from what the purpose needs, and from nothing else; what no line names is withheld.
# Then say who receives it and why: `tavs check` names what is missing, one by one. The words: docs/policy.md.

policy = 1
";

const INCLUDE: &str = "
# Shapes come with tavs, pseudonymous (docs/policy.md, `include`), for {known}.
# With this line a route lists them in `shapes`, and what stands below for them is left out, or changes them by `like`.
# include = [\"profiles/fhir.toml\"]
";

const RECIPIENT: &str = "
[recipient]
{id}
# name     = \"…\"                          # its legal name, as in the agreement
# relation = \"processor\"                  # processor, controller or research
# contact  = \"…\"

[identity]
# anchor      = \"partners\"                # the trust anchor of tavs.toml that issues its certificate
# certificate = { uri = \"urn:tavs:recipient:…\" }

[agreement]
# reference = \"…\"                         # the clinic's own reference
# signed    = 2026-01-15
# review    = 2027-01-15
# expires   = 2028-01-14
";

const PURPOSE: &str = "
[purpose]
# id        = \"…\"
# category  = \"service\"                   # service, improvement or legitimate-interest
# basis     = [\"gdpr-6-1-b\", \"gdpr-9-2-h\"]  # ask the data protection officer
# consent   = \"not-required\"
# retention = \"…\"

[transfer]
# country = \"DK\"

[pseudonyms]
{domain}
";

const TEST: &str = "
# What must come out of a sample, and what must not. `tavs test --update` writes `output`; look at it.
# [[test]]
# route  = \"…\"
# input  = \"tests/….json\"
# output = \"tests/….out.json\"
# absent = [\"…\"]                           # names, numbers and words of the sample that must not leave
";

fn route(documents: Option<&Part>, resources: &[&str], has_urls: bool) -> String {
    let mut text = String::from(
        "
[[route]]
# name     = \"…\"
methods    = [\"GET\"]
# path     = \"/…\"
# upstream = \"…\"                          # as tavs.toml calls it

[route.response]
",
    );
    let places = documents.map(|part| part.places.as_slice()).unwrap_or_default();
    let record = record(places);
    if !resources.is_empty() {
        text += "content-types = [\"application/fhir+json\"]\n";
        if let Some(record) = record_of_resources(places) {
            text += &format!("# record  = \"{record}\"   # one of them is released or withheld as a whole\n");
        }
        let shapes: Vec<String> = resources.iter().map(|resource| format!("\"{resource}\"")).collect();
        text += &format!("# shapes  = [{}]   # those that this route returns\n", shapes.join(", "));
    } else {
        if let Some(record) = &record {
            text += &format!("# record  = \"{record}\"   # one of them is released or withheld as a whole\n");
        }
        let subjects = subjects(places, record.as_deref().unwrap_or("$"));
        if subjects.is_empty() {
            text += "# subject = [\"$.…\"]                     # whose a record is: where its CPR number stands\n";
            text += "# no-subject = \"…\"                      # or why it is nobody's\n";
        } else {
            text += &format!("# subject = [{}]   # whose a record is\n", subjects.join(", "));
        }
    }
    if has_urls {
        text += "# base = [\"https://…\"]                   # how its own URLs begin, for the action `url`\n";
    }
    if resources.contains(&BUNDLE) {
        return text;
    }
    text += "\n[route.response.members]\n";
    text + &lines(places, "")
}

fn shape(resource: &str, places: &[Place], is_shipped: bool) -> String {
    let mut text = String::from("\n");
    if is_shipped {
        text += &format!(
            "# Or, with `include`, that of the profiles: then leave this out, or write `like = \"{resource}\"`.\n"
        );
    }
    text += &format!(
        "# [[shape]]\n# name    = \"{resource}\"\n# when    = {{ resourceType = \"{resource}\" }}\n"
    );
    let subjects = subjects(places, "$");
    if resource == BUNDLE {
        text += "# at      = [\"$\"]\n# no-subject = \"an envelope: whose an entry is, its resource says\"\n";
    } else if subjects.is_empty() {
        text += "# subject = [\"$.subject.reference\"]   # whose it is, or no-subject = \"…\"\n";
    } else {
        text += &format!("# subject = [{}]\n", subjects.join(", "));
    }
    if resource == "Patient" {
        text += "# alias   = [\"$.id\"]   # references to it lead to the same person\n";
    }
    text += "# [shape.members]\n";
    text + &lines(places, resource)
}

/// The list nearest to the root that has CPR numbers below it, or the nearest list if there are none at all.
fn record(places: &[Place]) -> Option<String> {
    let lists = places.iter().filter(|place| place.location.ends_with("[*]") && !place.is_dynamic());
    let mut lists: Vec<&str> = lists.map(|place| place.location.as_str()).collect();
    lists.sort_by_key(|location| location.matches(['.', '[']).count());
    let has_cpr = |list: &&&str| {
        places.iter().any(|place| place.class() == Some(Class::Cpr) && place.location.starts_with(**list))
    };
    let none = !places.iter().any(|place| place.class() == Some(Class::Cpr));
    lists.iter().find(has_cpr).or_else(|| lists.first().filter(|_| none)).map(|list| (*list).to_owned())
}

/// The list nearest to the root in which resources stand, such as the entries of a Bundle.
fn record_of_resources(places: &[Place]) -> Option<&str> {
    let mut resources = places.iter().filter(|place| place.facts.types.contains_key("resource"));
    let list = |place: &Place| Some(place.location.rfind("[*]")?.saturating_add(3));
    let nearest = resources.find(|place| !place.is_dynamic() && list(place).is_some())?;
    nearest.location.get(..list(nearest)?)
}

/// Where CPR numbers stand within a record, as a list of TOML.
fn subjects(places: &[Place], record: &str) -> Vec<String> {
    let cprs = places.iter().filter(|place| place.class() == Some(Class::Cpr) && !place.is_dynamic());
    let named = cprs.filter(|place| {
        Location::parse(&place.location).is_ok_and(|location| crate::policy::words::holds_cpr(&location))
    });
    named.filter_map(|place| Some(format!("\"${}\"", place.location.strip_prefix(record)?))).collect()
}

/// A place that is no container, as a line of the policy.
struct Line<'p> {
    place: &'p Place,
    location: String,
    form: String,
    /// The line that decides some of the same.
    other: Option<String>,
}

/// One commented line for each place that is no container. All of them can be taken together: a place that would
/// be decided twice, as names that are data are beside others, gets a note in place of its line.
fn lines(places: &[Place], resource: &str) -> String {
    let mut lines: Vec<Line<'_>> = places
        .iter()
        .filter(|place| place.is_leaf())
        .map(|place| {
            let (form, why) = suggested(place, resource);
            let location = place.location.replace(&format!(".{DYNAMIC}"), "[*]").replace('"', "'");
            Line { place, location, form: format!("= {form:<34} # {why}"), other: None }
        })
        .collect();
    tell_apart(&mut lines);
    let key = |line: &Line<'_>| format!("# \"{}\"", line.location);
    let widths = lines.iter().map(|line| key(line).chars().count());
    let width = widths.filter(|width| *width <= 72).max().unwrap_or(0);
    let mut text = String::new();
    for line in &lines {
        let note = if line.place.is_dynamic() {
            "; NAMES ABOVE IT ARE DATA and would leave as they are"
        } else {
            ""
        };
        text += &match &line.other {
            None => format!("{:<width$} {}{note}\n", key(line), line.form),
            Some(other) => format!(
                "#   no line for {}: `{other}` decides some of the same; write it in that one's place{note}\n",
                line.location
            ),
        };
    }
    text
}

/// Finds what lines decide twice. Names that are known come before those that are data.
fn tell_apart(lines: &mut [Line<'_>]) {
    let mut taken: Vec<Location> = Vec::new();
    for is_dynamic in [false, true] {
        for line in lines.iter_mut().filter(|line| line.place.is_dynamic() == is_dynamic) {
            let Ok(location) = Location::parse(&line.location) else { continue };
            line.other = taken.iter().find(|other| other.meets(&location)).map(Location::to_string);
            if line.other.is_none() {
                taken.push(location);
            }
        }
    }
}

/// What an id is of, by the name above it: `$.aftaler[*].aftaleId` is of an `aftale`.
fn kind_of(location: &str) -> String {
    let name = location.rsplit(['.', ']']).next().unwrap_or_default();
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let stem =
        ["Id", "ID", "Nr", "nr", "id"].iter().find_map(|end| plain.strip_suffix(end)).unwrap_or(&plain);
    if stem.is_empty() || name.contains(DYNAMIC) { String::from("thing") } else { stem.to_owned() }
}
