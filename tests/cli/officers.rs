//! `tavs officers`: key pairs as officers make them.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use super::tavs;

#[test]
fn a_key_pair_is_made_privately_and_never_over_another() {
    let folder = tempfile::tempdir().unwrap();
    let made = tavs(folder.path(), ["officers", "new-key", "anna.key"]);
    assert_eq!((made.code, made.err.as_str()), (0, ""));
    let file = folder.path().join("anna.key");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    let private = fs::read_to_string(&file).unwrap();
    assert!(private.starts_with("tavs-officer-key-1:") && !made.out.contains(private.trim()));

    let shown = tavs(folder.path(), ["officers", "show-key", "anna.key"]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(made.out.contains(&format!("public-key = \"{}\"", shown.out.trim())), "{}", made.out);

    let again = tavs(folder.path(), ["officers", "new-key", "anna.key"]);
    assert!(again.code == 2 && again.err.contains("not overwritten"), "{}", again.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), private);
    fs::write(&file, shown.out).unwrap();
    let wrong = tavs(folder.path(), ["officers", "show-key", "anna.key"]);
    assert!(wrong.code == 1 && wrong.err.contains("no officer's private key"), "{}", wrong.err);
}
