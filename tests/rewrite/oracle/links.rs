//! References that mean something within their document only, by looking for what they mean.

use tavs::cpr;

use super::forms;
use super::place::{Crumb, Key};
use super::tree::Tree;

/// Type and id of the one entry with this `fullUrl`, and whether the id is its own.
pub(crate) fn entry(root: &Tree, full_url: &str) -> Option<(String, String, bool)> {
    if !full_url.starts_with("urn:uuid:") && !full_url.starts_with("urn:oid:") {
        return None;
    }
    let of_name = |name: &'static str| move |tree: &Tree| first_text(tree, name);
    let all = elements(root, "entry");
    let mut meant = all.iter().filter(|entry| of_name("fullUrl")(entry).is_some_and(|url| url == full_url));
    let resource = meant.next()?.member("resource")?;
    if meant.next().is_some() {
        return None;
    }
    let resource_type = of_name("resourceType")(resource)?;
    let own = of_name("id")(resource);
    let is_own = own.is_some();
    let id = own.unwrap_or_else(|| full_url.rsplit(':').next().unwrap().to_owned());
    forms::reference(&format!("{resource_type}/{id}"))?;
    Some((resource_type, id, is_own))
}

/// The one resource that `#id` means to what stands at the end of the crumbs, with its type.
pub(crate) fn contained<'t>(root: &'t Tree, crumbs: &[Crumb<'t>], id: &str) -> Option<(&'t Tree, String)> {
    let around = match crumbs {
        [entry, _, resource, ..]
            if matches!(entry.key, Key::Name("entry")) && matches!(resource.key, Key::Name("resource")) =>
        {
            Some(resource.child)
        }
        _ => None,
    };
    let all = std::iter::once(root).chain(around).flat_map(|resource| elements(resource, "contained"));
    let of_id = all.filter(|one| first_text(one, "id").is_some_and(|own| own == id));
    let mut meant = of_id.filter_map(|one| Some((one, first_text(one, "resourceType")?)));
    let one = meant.next()?;
    meant.next().is_none().then_some(one)
}

/// Type, system and number of `Type?identifier=system|number`.
pub(crate) fn conditional(text: &str) -> Option<(&str, String, cpr::Number)> {
    let (target, query) = text.split_once('?')?;
    // As a literal reference to anything would be written.
    let whole = format!("{target}/x");
    let (resource_type, _) = forms::reference(&whole)?;
    let resource_type = target.strip_suffix(resource_type).map(|base| &target[base.len()..])?;
    let token = query.strip_prefix("identifier=")?;
    let token = token.replace("%7C", "|").replace("%3A", ":");
    let (system, value) = token.split_once('|')?;
    let persons = ["urn:oid:1.2.208.176.1.2", "urn:oid:1.2.208.176.1.6.1.1", "urn:oid:1.2.208.176.1.6.1.3"];
    let regions = ["177", "179", "181", "183", "187"].map(|region| format!("{}.{region}", persons[2]));
    let known = persons.contains(&system) || regions.iter().any(|region| region == system);
    Some((resource_type, system.to_owned(), cpr::parse(value).filter(|_| known)?))
}

fn first_text(tree: &Tree, name: &str) -> Option<String> {
    let Tree::Object(members) = tree else { return None };
    members.iter().filter(|member| member.name == name).find_map(|member| match &member.value {
        Tree::String { text, .. } => Some(text.clone()),
        _ => None,
    })
}

/// The elements of the arrays of this name.
fn elements<'t>(tree: &'t Tree, name: &str) -> Vec<&'t Tree> {
    let Tree::Object(members) = tree else { return Vec::new() };
    let of_name = members.iter().filter(|member| member.name == name);
    of_name
        .flat_map(|member| match &member.value {
            Tree::Array(elements) => elements.iter().collect(),
            _ => Vec::new(),
        })
        .collect()
}
