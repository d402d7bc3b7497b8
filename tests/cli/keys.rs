//! `tavs keys new`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::tavs;

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn secrets(ring: &str) -> Vec<&str> {
    ring.lines().filter_map(|line| line.strip_prefix("secret = ")).collect()
}

#[test]
fn a_new_ring_is_private_and_has_a_secret_for_each_domain() {
    let folder = tempfile::tempdir().unwrap();
    let said = tavs(folder.path(), ["keys", "new", "ring.toml", "--domain", "research", "--domain", "sms"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let path = folder.path().join("ring.toml");
    assert_eq!(mode_of(&path), 0o600);
    let ring = fs::read_to_string(path).unwrap();
    for name in [
        "use = \"ledger-subjects\"",
        "use = \"registry\"",
        "use = \"checkpoints\"",
        "name = \"research\"",
        "name = \"sms\"",
    ] {
        assert_eq!(ring.matches(name).count(), 1, "{name}");
    }
    let secrets = secrets(&ring);
    assert_eq!(secrets.len(), 5);
    for secret in secrets {
        assert_eq!(secret.len(), 66);
        assert!(!said.out.contains(secret.trim_matches('"')), "a secret was shown");
    }
    let keys = tavs::pseudonym::KeyRing::parse(&ring).unwrap();
    assert!(keys.has_domain("sms") && keys.subject_key().is_ok() && keys.registry_key().is_ok());
}

#[test]
fn an_existing_ring_is_not_overwritten_and_can_be_added_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.toml");
    assert_eq!(tavs(folder.path(), ["keys", "new", "ring.toml", "--domain", "sms"]).code, 0);
    let before = fs::read_to_string(&path).unwrap();

    let said = tavs(folder.path(), ["keys", "new", "ring.toml", "--domain", "research"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.contains("exists") && said.err.contains("--add"), "{}", said.err);
    assert_eq!(fs::read_to_string(&path).unwrap(), before);

    let add = ["keys", "new", "ring.toml", "--add", "--domain", "sms", "--domain", "research"];
    let said = tavs(folder.path(), add);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("research") && !said.out.contains("sms"), "{}", said.out);
    let after = fs::read_to_string(&path).unwrap();
    assert!(after.starts_with(&before) && after.contains("name = \"research\""));
    assert_eq!(mode_of(&path), 0o600);

    let said = tavs(folder.path(), add);
    assert!(said.code == 0 && said.out.contains("nothing was missing"), "{}", said.out);
    assert_eq!(fs::read_to_string(&path).unwrap(), after);
}

#[test]
fn a_ring_that_others_can_read_is_refused_with_the_mend() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.toml");
    assert_eq!(tavs(folder.path(), ["keys", "new", "ring.toml"]).code, 0);
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let before = fs::read_to_string(&path).unwrap();
    let said = tavs(folder.path(), ["keys", "new", "ring.toml", "--add", "--domain", "sms"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("chmod 600 ring.toml"), "{}", said.err);
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
}

#[test]
fn a_broken_ring_is_left_alone_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring.toml");
    let broken = "ring = 1\n[[secret]]\nuse = \"domain\"\nname = \"a\"\nversion = 1\nstate = \"active\"\nsecret = \"5ec4e7\"\n";
    fs::write(&path, broken).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let said = tavs(folder.path(), ["keys", "new", "ring.toml", "--add", "--domain", "sms"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("secret 1") && !said.err.contains("5ec4e7"), "{}", said.err);
    assert_eq!(fs::read_to_string(&path).unwrap(), broken);
}

#[test]
fn domains_come_from_policies_even_unfinished_ones() {
    let folder = tempfile::tempdir().unwrap();
    let policies = folder.path().join("policies");
    fs::create_dir(&policies).unwrap();
    fs::write(policies.join("a.toml"), "policy = 1\n[pseudonyms]\ndomain = \"sms\"\n").unwrap();
    fs::write(policies.join("b.toml"), "[pseudonyms]\ndomain = \"sms\"\nlinkability = 7\n").unwrap();
    let said = tavs(folder.path(), ["keys", "new", "ring.toml", "--policies", "policies"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(fs::read_to_string(folder.path().join("ring.toml")).unwrap().contains("name = \"sms\""));

    // But a policy whose domain cannot be read is not passed over.
    fs::write(policies.join("c.toml"), "[pseudonyms]\ndomain = \"resea\n").unwrap();
    fs::write(policies.join("d.toml"), "policy = 1\n").unwrap();
    let said = tavs(folder.path(), ["keys", "new", "two.toml", "--policies", "policies"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("c.toml") && said.err.contains("d.toml"), "{}", said.err);
    assert!(!folder.path().join("two.toml").exists());
}

#[test]
fn bad_names_and_bad_folders_are_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["Sms", "a b", "", "-a", "a\"b", "æ"] {
        let said = tavs(folder.path(), ["keys", "new", "ring.toml", &format!("--domain={name}")]);
        assert!(said.code == 2 && said.err.contains("is no name of a domain"), "{name}: {}", said.err);
    }
    let said = tavs(folder.path(), ["keys", "new", "nowhere/ring.toml"]);
    assert!(said.code == 2 && said.err.contains("nowhere"), "{}", said.err);
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    let said = tavs(folder.path(), ["keys", "new", "ring.toml"]);
    assert!(said.code == 2 && said.err.contains("chmod go-w"), "{}", said.err);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
