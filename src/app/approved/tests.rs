use std::path::Path;

use super::*;
use crate::config::read_profiles;

/// The shipped policy for research with the shipped profiles, of which the one of patients is edited.
fn research(from: &str, to: &str) -> Vec<SourceFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let mut profiles = Profiles::default();
    for (name, file) in read_profiles(&folder).iter() {
        let file = file.as_ref().unwrap();
        let text = match name {
            "profiles/fhir/persons.toml" => {
                assert!(file.text.contains(from), "{from}");
                file.text.replacen(from, to, 1)
            }
            _ => file.text.clone(),
        };
        profiles.add(name, Ok(SourceFile::new(file.path.clone(), text)));
    }
    let text = fs::read_to_string(folder.join("research.toml")).unwrap();
    vec![SourceFile::new("policies/research.toml", text).with(&Arc::new(profiles))]
}

const GENDER: &str = "\"$.gender\"           = \"keep\"\n";

#[test]
fn an_approved_set_is_approved_with_the_profiles_that_it_includes() {
    let today = "2026-03-01".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_or_make(&folder.path().join("tavs.db")).unwrap();
    let standing = |files: &[SourceFile]| {
        let (policies, found) = check_to_serve(files, today);
        assert!(!found.iter().any(crate::policy::diagnostic::Diagnostic::is_error), "{found:?}");
        Standing::read(&store, &policies, today).unwrap()
    };
    let approved = research(GENDER, GENDER);
    let version = standing(&approved).version;
    let set = ApprovedSet { serial: 1, version, who: "anna, bo".into(), files: texts(&approved) };
    store.put_approved(&set).unwrap();

    let same = standing(&research(GENDER, GENDER));
    assert!(!same.wider() && same.changes.is_empty() && same.version == version);
    let less = standing(&research(GENDER, ""));
    assert!(less.version != version && !less.changes.is_empty() && !less.wider(), "{:?}", less.changes);
    let more = standing(&research(GENDER, &format!("{GENDER}\"$.maritalStatus.text\" = \"keep\"\n")));
    assert!(more.version != version && more.wider(), "{:?}", more.changes);
    // A comment too is another text to have agreed to, and lets nothing more out.
    let comment = standing(&research(GENDER, &format!("# Sex.\n{GENDER}")));
    assert!(comment.version != version && !comment.wider(), "{:?}", comment.changes);
}
