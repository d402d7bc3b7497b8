use std::path::Path;

use super::*;
use crate::config::read_profiles;
use crate::store;

/// The rule that a test takes out, or writes another beside: the one that says whether a patient lives. However the
/// shipped profile is laid out, it is found by its path; no table of the policy's extract needs it.
const DECEASED: &str = "\"$.deceasedBoolean\"";

/// The shipped policy for research with the shipped profiles, of which the one of patients has `to` in the place of the
/// line that [`DECEASED`] begins. `{}` in `to` stands for that line.
fn research(to: &str) -> Vec<SourceFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let mut profiles = Profiles::default();
    for (name, file) in read_profiles(&folder).iter() {
        let file = file.as_ref().unwrap();
        let text = match name {
            "profiles/fhir/persons.toml" => {
                let line = file.text.split_inclusive('\n').find(|line| line.starts_with(DECEASED)).unwrap();
                file.text.replacen(line, &to.replace("{}", line), 1)
            }
            _ => file.text.clone(),
        };
        profiles.add(name, Ok(SourceFile::new(file.path.clone(), text)));
    }
    let text = fs::read_to_string(folder.join("research.toml")).unwrap();
    vec![SourceFile::new("policies/research.toml", text).with(&Arc::new(profiles))]
}

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
    let approved = research("{}");
    let version = standing(&approved).version;
    let set = ApprovedSet { serial: 1, version, who: "anna, bo".into(), files: texts(&approved) };
    store.put_approved(&set).unwrap();

    let same = standing(&research("{}"));
    assert!(!same.wider() && same.changes.is_empty() && same.version == version);
    let less = standing(&research(""));
    assert!(less.version != version && !less.changes.is_empty() && !less.wider(), "{:?}", less.changes);
    let more = standing(&research("{}\"$.maritalStatus.text\" = \"keep\"\n"));
    assert!(more.version != version && more.wider(), "{:?}", more.changes);
    // A comment too is another text to have agreed to, and lets nothing more out.
    let comment = standing(&research("# Death.\n{}"));
    assert!(comment.version != version && !comment.wider(), "{:?}", comment.changes);
}

/// The store is put back from before an approval was used, and overtaken; the ledger knows.
#[test]
fn an_approval_that_the_ledger_has_is_not_good_again_in_an_older_store() {
    let today = "2026-03-01".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_or_make(&folder.path().join("tavs.db")).unwrap();
    let (policies, _found) = check_to_serve(&research("{}"), today);
    let version = set_version(&policies);
    let other = PolicySetVersion([7; 32]);
    let log = [1; 16];
    store.bind(log).unwrap();
    let apply = |sequence: u64, why: String| {
        let act = store::Act {
            sequence,
            at: 1_772_300_000_000,
            kind: "operation".into(),
            what: APPROVAL.into(),
            begun: None,
            who: "anna, bo".into(),
            why,
            subjects: Vec::new(),
            purpose: None,
            recipient: None,
            policy: None,
        };
        let position = store::Position { log, sequence, hash: [0; 32] };
        store.apply(sequence, &[store::IndexRow::Act(act)], position).unwrap();
    };
    let last = || Standing::read(&store, &policies, today).unwrap().last;
    assert_eq!(last(), 0);
    // A crash came between the record and the store: the very approval may still be put down.
    apply(1, words(4, None, version));
    assert_eq!(last(), 3);
    apply(2, words(5, Some(version), other));
    assert_eq!(last(), 5);
    apply(3, "serial 9".into());
    assert_eq!(last(), 9);
    store
        .put_approved(&ApprovedSet { serial: 12, version: other, who: "anna, bo".into(), files: Vec::new() })
        .unwrap();
    assert_eq!(last(), 12);
}
