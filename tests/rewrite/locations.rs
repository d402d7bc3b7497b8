//! A location means what RFC 9535 says: compared with an engine for the whole of JSONPath.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json_path::JsonPath;
use tavs::policy::location::{Literal, Location, Step};

use crate::generate::{self, Doc, Spaces};
use crate::oracle::{place, tree};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_location_leads_where_rfc_9535_says(location in generate::location(0..4), document in document()) {
        prop_assume!(!has_control(&location));
        let text = location.to_string();
        prop_assert_eq!(&Location::parse(&text).unwrap(), &location, "{} reads back otherwise", text);
        let mut body = String::new();
        document.write(&mut body, &mut Spaces { pattern: &[], at: 0 });
        let tree = tree::parse(body.as_bytes()).unwrap();
        let ours: BTreeSet<String> = place::pointers(&location, &tree).into_iter().collect();
        let value: serde_json::Value = serde_json::from_str(&body).unwrap();
        let path = JsonPath::parse(&text).unwrap();
        let theirs: BTreeSet<String> =
            path.query_located(&value).iter().map(|node| node.location().to_json_pointer()).collect();
        prop_assert_eq!(ours, theirs, "{} in {}", text, body);
    }
}

/// Few names and values, so that locations lead somewhere; no duplicates, which JSONPath has no
/// word for, and no number that an engine on doubles would round.
fn document() -> impl Strategy<Value = Doc> {
    const NAMES: &[&str] =
        &[r#""a""#, r#""b""#, r#""c""#, r#""kind""#, r#""system""#, r#""list""#, r#""\u00e6 ø""#];
    const SCALARS: &[&str] =
        &[r#""x""#, r#""\u0079""#, r#""Patient""#, "0", "1", "2", "1.0", "10e-1", "true", "false", "null"];
    select(SCALARS).prop_map(|text| Doc::Scalar(text.to_owned())).prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            3 => vec(weighted(0.6, inner.clone()), NAMES.len()).prop_map(|values| {
                let members = NAMES.iter().zip(values);
                Doc::Object(members.filter_map(|(name, value)| Some(((*name).to_owned(), value?))).collect())
            }),
            2 => vec(inner, 0..4).prop_map(Doc::Array),
        ]
    })
}

/// RFC 9535 wants control characters escaped in a quoted name; a location cannot hold them.
fn has_control(location: &Location) -> bool {
    let any = |text: &str| text.chars().any(char::is_control);
    location.steps.iter().any(|step| match step {
        Step::Name(name) => any(name),
        Step::Wildcard | Step::Index(_) => false,
        Step::Filter(all) => all
            .iter()
            .any(|one| any(&one.member) || matches!(&one.literal, Literal::String(text) if any(text))),
    })
}
