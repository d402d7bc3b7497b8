//! A changed ring as the text of its file.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use super::{Backup, KeyRing, KeyVersion, Said, SecretUse, State};
use crate::secret::Secret;

/// What a ring file begins with.
const HEADER: &str = "\
# Secrets of tavs: pseudonyms can be undone with them. Mode 0600; keep a copy in a safe place.
# Made and changed by `tavs keys`.
ring = 1
";
/// More bytes than one secret or backup takes.
const LONGEST: usize = 1600;

impl KeyRing {
    /// An empty ring's text.
    #[must_use]
    pub const fn empty() -> &'static str {
        HEADER
    }

    /// The text that reads as this ring.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        // Room for all of it, so that no copy stays behind when the text grows.
        let many = self.versions.len().saturating_add(self.backups.len());
        let room = HEADER.len().saturating_add(many.saturating_mul(LONGEST));
        let mut text = Zeroizing::new(String::with_capacity(room));
        text.push_str(HEADER);
        for version in &self.versions {
            version.push(&mut text);
        }
        for Backup { id, made, file } in &self.backups {
            let file = toml::Value::String(file.clone());
            line(&mut text, format_args!("\n[[backup]]\nid = \"{id}\"\nmade = \"{made}\"\nfile = {file}"));
        }
        text
    }

    /// Adds a secret. The text says whether the ring still holds together: read it again.
    pub fn push(&mut self, new: NewVersion, secret: Secret, said: Said) {
        let NewVersion { used, name, version, made, from } = new;
        let (made, secret) = (Some(made), Some(secret));
        self.versions.push(KeyVersion {
            used,
            name,
            version,
            state: State::Active,
            made,
            from,
            said,
            secret,
        });
    }

    /// Notes who put the whole ring here, and why.
    pub fn put_by(&mut self, said: &Said) {
        self.versions.iter_mut().for_each(|one| one.said = said.clone());
    }

    /// Refuses a domain's version from now on. `false` if there is no such secret.
    pub fn close(&mut self, domain: &str, version: u32, said: Said) -> bool {
        self.change(domain, version, |one| {
            one.state = State::Closed;
            one.said = said;
        })
    }

    /// Removes the secret of a domain's version; one that is pending then never takes over, and the one
    /// before it goes on. `false` if there is none.
    pub fn destroy(&mut self, domain: &str, version: u32, said: Said) -> bool {
        let now = self.now;
        self.change(domain, version, |one| {
            one.state = if one.from > Some(now) { State::Withdrawn } else { State::Destroyed };
            one.said = said;
            one.secret = None;
        })
    }

    /// Notes a copy.
    pub fn push_backup(&mut self, backup: Backup) {
        self.backups.push(backup);
    }

    fn change(&mut self, domain: &str, version: u32, change: impl FnOnce(&mut KeyVersion)) -> bool {
        let wanted = |one: &&mut KeyVersion| {
            one.used == SecretUse::Domain && one.name == domain && one.version == version
        };
        let found = self.versions.iter_mut().find(wanted).filter(|one| one.secret.is_some());
        found.map(change).is_some()
    }
}

/// A secret that is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVersion {
    /// What it is for.
    pub used: SecretUse,
    /// The domain, if it is for one; else empty.
    pub name: String,
    /// Counts up within a use and name.
    pub version: u32,
    /// Now.
    pub made: jiff::Timestamp,
    /// From when on it makes pseudonyms; `None` is since ever.
    pub from: Option<jiff::Timestamp>,
}

impl KeyVersion {
    fn push(&self, text: &mut String) {
        line(text, format_args!("\n[[secret]]\nuse = \"{}\"", self.used.word()));
        if !self.name.is_empty() {
            line(text, format_args!("name = \"{}\"", self.name));
        }
        let state = match self.state {
            State::Active => "active",
            State::Closed => "closed",
            State::Destroyed => "destroyed",
            State::Withdrawn => "withdrawn",
        };
        line(text, format_args!("version = {}\nstate = \"{state}\"", self.version));
        if let Some(made) = self.made {
            line(text, format_args!("made = \"{made}\""));
        }
        if let Some(from) = self.from {
            line(text, format_args!("from = \"{from}\""));
        }
        for (name, said) in [("who", &self.said.who), ("why", &self.said.why)] {
            if let Some(said) = said {
                line(text, format_args!("{name} = {}", toml::Value::String(said.clone())));
            }
        }
        if let Some(secret) = &self.secret {
            text.push_str("secret = \"");
            data_encoding::HEXLOWER.encode_append(secret.expose(), text);
            text.push_str("\"\n");
        }
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a text does not fail.
    let _written = writeln!(text, "{line}");
}
