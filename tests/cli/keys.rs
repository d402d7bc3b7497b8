//! `tavs keys`: new rings, and the life of key versions.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use tavs::ledger::{Act, ActKind, Event};

use super::served::{Served, configured};
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
    let keys = tavs::pseudonym::KeyRing::parse(&ring, jiff::Timestamp::MAX).unwrap();
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

/// A ring with the domain `sms`, in a folder of its own.
fn ring() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(tavs(folder.path(), ["keys", "new", "ring.toml", "--domain", "sms"]).code, 0);
    let path = folder.path().join("ring.toml");
    (folder, path)
}

/// Runs `tavs keys` with words.
fn keys(folder: &Path, words: &str) -> super::Said {
    tavs(folder, std::iter::once("keys").chain(words.split(' ')))
}

/// Puts the cut-over of every version into the past.
fn cut_over(path: &Path) {
    let ring = fs::read_to_string(path).unwrap();
    let from = ring.lines().rev().find(|line| line.starts_with("from = ")).unwrap().to_owned();
    fs::write(path, ring.replace(&from, "from = \"2026-01-01T00:00:00Z\"")).unwrap();
}

#[test]
fn a_version_is_rotated_closed_and_destroyed_in_this_order_only() {
    let (folder, path) = ring();
    let folder = folder.path();
    let before = fs::read_to_string(&path).unwrap();
    let dry = keys(folder, "rotate ring.toml --domain sms --dry-run");
    assert!(
        dry.code == 0 && dry.out.contains("version 2 makes its pseudonyms from"),
        "{}{}",
        dry.out,
        dry.err
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    for (words, said) in [
        ("rotate ring.toml --domain smss", "it has: sms"),
        ("rotate ring.toml --domain sms --at 2026-01-01T00:00:00Z", "has passed"),
        ("close ring.toml --domain sms --version 1", "rotate first"),
        ("destroy ring.toml --domain sms --version 1 --yes", "rotate first"),
        ("destroy ring.toml --domain sms --version 7 --yes", "it has 1"),
    ] {
        let refused = keys(folder, words);
        assert!(refused.code == 1 && refused.err.contains(said), "{words}: {}", refused.err);
        assert_eq!(fs::read_to_string(&path).unwrap(), before, "{words}");
    }

    assert_eq!(keys(folder, "rotate ring.toml --domain sms").code, 0);
    let listed = keys(folder, "list ring.toml").out;
    let lines: Vec<_> = listed.lines().filter(|line| line.starts_with("domain")).collect();
    assert!(lines.len() == 2 && lines[0].contains(" active") && lines[1].contains(" pending"), "{listed}");
    let again = keys(folder, "rotate ring.toml --domain sms");
    assert!(again.code == 1 && again.err.contains("pending until"), "{}", again.err);

    // Taken back before it began, it never begins; the next one may come sooner.
    assert_eq!(keys(folder, "destroy ring.toml --domain sms --version 2 --yes").code, 0);
    let sooner = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(1);
    let rotated = keys(folder, &format!("rotate ring.toml --domain sms --at {sooner}"));
    assert!(
        rotated.out.contains("version 3 makes") && rotated.out.contains("version 1 makes"),
        "{}",
        rotated.err
    );

    cut_over(&path);
    closed_and_destroyed(folder, &path, &before);
}

/// The first version, which the third has taken over from.
fn closed_and_destroyed(folder: &Path, path: &Path, before: &str) {
    assert!(keys(folder, "list ring.toml").out.contains(" resolve-only"));
    let early = keys(folder, "destroy ring.toml --domain sms --version 1 --yes");
    assert!(early.code == 1 && early.err.contains("close it first"), "{}", early.err);
    assert_eq!(keys(folder, "close ring.toml --domain sms --version 1").code, 0);
    assert_eq!(keys(folder, "destroy ring.toml --domain sms --version 1").code, 2);
    let secret = secrets(before)[3].to_owned();
    assert!(fs::read_to_string(path).unwrap().contains(&secret));
    let gone = keys(folder, "destroy ring.toml --domain sms --version 1 --yes");
    assert!(gone.code == 0 && gone.out.contains("snapshots"), "{}{}", gone.out, gone.err);
    assert!(!fs::read_to_string(path).unwrap().contains(&secret));
    assert_eq!(mode_of(path), 0o600);
    let listed = keys(folder, "list ring.toml").out;
    assert!(listed.contains(" destroyed") && listed.contains(" active"), "{listed}");
    assert!(
        !secrets(&fs::read_to_string(path).unwrap())
            .iter()
            .any(|secret| listed.contains(secret.trim_matches('"')))
    );
}

#[test]
fn a_backup_restores_what_it_was_made_of_and_is_named_when_a_secret_is_destroyed() {
    let (folder, path) = ring();
    let folder = folder.path();
    let before = fs::read_to_string(&path).unwrap();
    let made = keys(folder, "backup ring.toml --to ring.backup --key backup.key");
    assert_eq!(made.code, 0, "{}", made.err);
    assert_eq!((mode_of(&folder.join("ring.backup")), mode_of(&folder.join("backup.key"))), (0o600, 0o600));
    let copy = fs::read_to_string(folder.join("ring.backup")).unwrap();
    assert!(!secrets(&before).iter().any(|secret| copy.contains(secret.trim_matches('"'))));

    assert_eq!(keys(folder, "restore ring.backup --key backup.key --to again.toml").code, 0);
    // But for who restored it, and that this copy holds what is destroyed later.
    let again = fs::read_to_string(folder.join("again.toml")).unwrap();
    assert_eq!(secrets(&again), secrets(&before));
    assert!(again.contains("[[backup]]") && again.contains("file = \"ring.backup\""), "no backup is named");
    let over = keys(folder, "restore ring.backup --key backup.key --to ring.toml");
    assert!(over.code == 2 && over.err.contains("not overwritten"), "{}", over.err);
    // Another key, or one changed character anywhere.
    assert_eq!(keys(folder, "backup again.toml --to two.backup --key two.key").code, 0);
    let wrong = keys(folder, "restore ring.backup --key two.key --to x.toml");
    assert!(wrong.code == 1 && wrong.err.contains("does not open"), "{}", wrong.err);
    for at in (0..copy.len()).step_by(37) {
        let mut forged = copy.clone().into_bytes();
        forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
        fs::write(folder.join("forged"), forged).unwrap();
        assert_eq!(keys(folder, "restore forged --key backup.key --to x.toml").code, 1, "at {at}");
    }
    assert!(!folder.join("x.toml").exists());

    assert_eq!(keys(folder, "rotate ring.toml --domain sms").code, 0);
    cut_over(&path);
    assert_eq!(keys(folder, "close ring.toml --domain sms --version 1").code, 0);
    let gone = keys(folder, "destroy ring.toml --domain sms --version 1 --yes");
    assert!(gone.out.contains("still holds it: ring.backup"), "{}{}", gone.out, gone.err);
}

#[test]
fn a_recipient_gets_its_old_pseudonyms_and_the_new_ones_side_by_side_and_no_others() {
    let (folder, path) = ring();
    let folder = folder.path();
    assert_eq!(keys(folder, "rotate ring.toml --domain sms").code, 0);
    let text = fs::read_to_string(&path).unwrap();
    let ring = tavs::pseudonym::KeyRing::parse(&text, jiff::Timestamp::MAX).unwrap();
    let people = ["2512489996", "0201609995", "0504909995"];
    for (scheme, word) in
        [(tavs::pseudonym::Scheme::Keyed, "keyed"), (tavs::pseudonym::Scheme::Sealed, "sealed")]
    {
        let of = |value, version| {
            let input = tavs::pseudonym::Input { kind: "cpr", resource_type: "", system: "", value };
            let mut out = Vec::new();
            let maker = ring.pseudonymiser_of("sms", scheme, version).unwrap();
            assert!(maker.write(input, tavs::pseudonym::Linkage::Domain, &mut out));
            String::from_utf8(out).unwrap()
        };
        fs::write(folder.join("old"), format!("{}\n{}\n", of(people[0], 1), of(people[2], 1))).unwrap();
        fs::write(folder.join("people"), people.join("\n")).unwrap();
        let words = format!("keys map ring.toml --domain sms --scheme {word} --from 1 --to 2 --old old");
        let mapped = super::tavs_reading(folder, words.split(' '), &folder.join("people"));
        let wanted: String = [people[0], people[2]]
            .iter()
            .map(|value| format!("{},{}\n", of(value, 1), of(value, 2)))
            .collect();
        assert_eq!((mapped.code, mapped.out), (0, format!("old,new\n{wanted}")), "{}", mapped.err);
        // One that is none of the domain's: nothing is shown.
        fs::write(folder.join("old"), format!("{}\n{}\n", of(people[0], 1), of(people[1], 2))).unwrap();
        let refused = super::tavs_reading(folder, words.split(' '), &folder.join("people"));
        assert!(
            refused.code == 1 && refused.out.is_empty() && refused.err.contains("lines 2"),
            "{}",
            refused.err
        );
        // Left out if so asked, and told; a list of which nothing can be mapped is a mistake all the same.
        let words = format!("{words} --skip-unknown");
        let mapped = super::tavs_reading(folder, words.split(' '), &folder.join("people"));
        let wanted = format!("old,new\n{},{}\n", of(people[0], 1), of(people[0], 2));
        assert_eq!((mapped.code, mapped.out), (0, wanted), "{}", mapped.err);
        assert!(
            mapped.err.contains("1 of 2 lines") && mapped.err.contains("(lines 2): left out"),
            "{}",
            mapped.err
        );
        fs::write(folder.join("old"), format!("{}\n", of(people[1], 2))).unwrap();
        let refused = super::tavs_reading(folder, words.split(' '), &folder.join("people"));
        assert!(refused.code == 1 && refused.out.is_empty(), "{}", refused.err);
    }
}

/// Each kind that a policy can pseudonymise, from values as a clinic's list has them.
#[test]
fn pseudonyms_of_every_kind_are_mapped() {
    let (folder, path) = ring();
    let folder = folder.path();
    assert_eq!(keys(folder, "rotate ring.toml --domain sms").code, 0);
    let text = fs::read_to_string(&path).unwrap();
    let ring = tavs::pseudonym::KeyRing::parse(&text, jiff::Timestamp::MAX).unwrap();
    let region = "urn:oid:1.2.208.176.1.6.1.3.181";
    for (kind, (resource_type, system), written, value) in [
        ("ecpr", ("", region), "070392-6VJ4", "0703926VJ4"),
        ("id", ("Patient", ""), "123", "123"),
        ("phone", ("", ""), "20 12 34 56", "+4520123456"),
        ("email", ("", ""), "Nancy@Klinik.example", "nancy@klinik.example"),
        ("text", ("", ""), " Nancy   Berggren ", "Nancy Berggren"),
    ] {
        for (scheme, word) in
            [(tavs::pseudonym::Scheme::Keyed, "keyed"), (tavs::pseudonym::Scheme::Sealed, "sealed")]
        {
            let of = |version| {
                let input = tavs::pseudonym::Input { kind, resource_type, system, value };
                let mut out = Vec::new();
                let maker = ring.pseudonymiser_of("sms", scheme, version).unwrap();
                // `sealed` takes no text that is longer, nor an address.
                maker
                    .write(input, tavs::pseudonym::Linkage::Domain, &mut out)
                    .then(|| String::from_utf8(out).unwrap())
            };
            let Some((old, new)) = of(1).zip(of(2)) else {
                assert!(scheme == tavs::pseudonym::Scheme::Sealed && value.len() > 16, "{kind}");
                continue;
            };
            let old = old.to_uppercase();
            fs::write(folder.join("old"), &old).unwrap();
            fs::write(folder.join("values"), written).unwrap();
            let mut words = format!(
                "keys map ring.toml --domain sms --scheme {word} --from 1 --to 2 --old old --kind {kind}"
            );
            for (option, given) in [("type", resource_type), ("system", system)] {
                words += &if given.is_empty() { String::new() } else { format!(" --{option} {given}") };
            }
            let mapped = super::tavs_reading(folder, words.split(' '), &folder.join("values"));
            assert_eq!(
                (mapped.code, mapped.out),
                (0, format!("old,new\n{old},{new}\n")),
                "{kind} {}",
                mapped.err
            );
        }
    }
    fs::write(folder.join("values"), "20123456\nring til Nancy\n").unwrap();
    let words = "keys map ring.toml --domain sms --scheme keyed --from 1 --to 2 --old old --kind phone";
    let refused = super::tavs_reading(folder, words.split(' '), &folder.join("values"));
    assert!(
        refused.code == 1 && refused.err.contains("line 2 of standard input is no telephone number"),
        "{}",
        refused.err
    );
    assert!(refused.out.is_empty() && !refused.err.contains("Nancy"), "{}", refused.err);
}

#[test]
fn what_a_change_says_is_kept_in_the_ring_if_it_can_be_recorded() {
    let (folder, path) = ring();
    let folder = folder.path();
    let before = fs::read_to_string(&path).unwrap();
    let refused =
        tavs(folder, ["keys", "rotate", "ring.toml", "--domain", "sms", "--why", "asked for by 251248-9996"]);
    assert!(refused.code == 1 && refused.err.contains("could be a CPR"), "{}", refused.err);
    assert!(!refused.err.contains("251248"), "{}", refused.err);
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    let said = ["--why", "yearly, decision 7", "--who", "Ole"];
    let rotate = ["keys", "rotate", "ring.toml", "--domain", "sms"];
    assert_eq!(tavs(folder, rotate.iter().chain(&said)).code, 0);
    let ring = fs::read_to_string(&path).unwrap();
    assert!(ring.contains("why = \"yearly, decision 7\"") && ring.contains("who = \"Ole\""));
}

/// A disk that takes no more bytes, as the limit on a file's size makes one.
#[test]
fn with_a_full_disk_the_old_ring_stays_whole_and_the_next_change_works() {
    let (folder, path) = ring();
    let folder = folder.path();
    let before = fs::read_to_string(&path).unwrap();
    for kibibytes in [0, 1] {
        let script = format!(
            "trap '' XFSZ; ulimit -f {kibibytes}; exec {} keys rotate ring.toml --domain sms",
            env!("CARGO_BIN_EXE_tavs")
        );
        let full =
            std::process::Command::new("bash").args(["-c", &script]).current_dir(folder).output().unwrap();
        let told = String::from_utf8(full.stderr).unwrap();
        assert_eq!(full.status.code(), Some(2), "{told}");
        assert!(told.contains("cannot write"), "{told}");
        assert_eq!(fs::read_to_string(&path).unwrap(), before, "{kibibytes} KiB");
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1, "half a ring is left behind");
    }
    assert_eq!(keys(folder, "rotate ring.toml --domain sms").code, 0);
    assert_ne!(fs::read_to_string(&path).unwrap(), before);
}

#[test]
fn every_change_of_the_ring_is_on_record_before_it_serves() {
    let folder = configured();
    let folder = folder.path();
    let path = folder.join("keys/ring.toml");
    let served = Served::start(folder);
    let words = |acts: &[Act]| acts.iter().map(|act| act.what.to_string()).collect::<Vec<_>>();
    assert_eq!(words(&key_acts(folder)), ["new"; 4]);
    let said = ["--why", "yearly, decision 7", "--who", "Ole"];
    let rotate = ["keys", "rotate", "keys/ring.toml", "--domain", "sms-reminders"];
    assert_eq!(tavs(folder, rotate.iter().chain(&said)).code, 0);
    // It reads the changed file by itself.
    for _ in 0..600 {
        if key_acts(folder).len() > 4 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    drop(served.stop());
    let acts = key_acts(folder);
    let rotated = acts.last().unwrap();
    assert_eq!((rotated.what.as_ref(), rotated.who.as_str()), ("rotate", "Ole"));
    assert!(rotated.why.starts_with("domain sms-reminders version 2 is active from "), "{}", rotated.why);
    assert!(rotated.why.ends_with(": yearly, decision 7"), "{}", rotated.why);

    // While nothing serves: closed by command, destroyed by command, put back by hand; and an officer.
    let changes = |words: &str| assert_eq!(keys(folder, words).code, 0, "{words}");
    cut_over(&path);
    changes("close keys/ring.toml --domain sms-reminders --version 1");
    let closed = fs::read_to_string(&path).unwrap();
    drop(Served::start(folder).stop());
    changes("destroy keys/ring.toml --domain sms-reminders --version 1 --yes");
    let made = tavs(folder, ["officers", "new-key", "anna.key"]).out;
    let public = made.lines().find(|line| line.starts_with("public-key")).unwrap();
    let config = fs::read_to_string(folder.join("tavs.toml")).unwrap();
    let with_officer = format!("{config}\n[officers.anna]\n{public}\nroles = [\"policy-approver\"]\n");
    fs::write(folder.join("tavs.toml"), with_officer).unwrap();
    drop(Served::start(folder).stop());
    fs::write(&path, &closed).unwrap();
    fs::write(folder.join("tavs.toml"), config).unwrap();
    drop(Served::start(folder).stop());
    drop(Served::start(folder).stop()); // nothing new
    let acts = key_acts(folder);
    // The cut-over that the test put into the past is a change, too.
    assert_eq!(words(&acts[5..]), ["close", "rotate", "destroy", "officer", "restore", "remove"]);
    assert_eq!(acts[10].why, "officer anna is gone");
    let all = format!("{acts:?}");
    let secrets = secrets(&closed).into_iter().map(|secret| secret.trim_matches('"'));
    let public = public.rsplit(':').next().unwrap().trim_matches('"');
    assert!(secrets.chain([public]).all(|one| !all.contains(one)), "{all}");
}

fn key_acts(folder: &Path) -> Vec<Act> {
    let records = tavs::ledger::read(&folder.join("ledger")).unwrap();
    let acts = records.map_while(Result::ok).filter_map(|record| match record.event {
        Event::Act(act) if act.kind == ActKind::Key => Some(act),
        Event::Act(_) | Event::Exchange(_) | Event::Policy(_) => None,
    });
    acts.collect()
}
