//! `[officers.NAME]`: who may sign requests, approvals and policies.

use std::cell::RefCell;

use super::values::node_name;
use super::{Reader, named};
use crate::officer::{SigningOfficer, SigningRole};
use crate::policy::codes;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::syntax::{Flaw, Table, Value};
use crate::pseudonym::OfficerPublicKey;

/// The keys that were read, each with its officer's name.
type Keys = RefCell<Vec<(String, OfficerPublicKey)>>;

impl Reader<'_> {
    pub(super) fn officers(&self, table: Option<Table<'_>>) -> Option<Vec<SigningOfficer>> {
        let Some(table) = table else { return Some(Vec::new()) };
        let keys = Keys::default();
        let all = named(Some(table), |name, table| self.officer(name, table, &keys));
        all.map(|all| all.into_values().collect())
    }

    fn officer(&self, name: &str, mut table: Table<'_>, keys: &Keys) -> Option<SigningOfficer> {
        let fits = node_name(name).is_ok();
        if !fits {
            let message = format!("`{name}` is no name of an officer");
            let label = "1 to 64 letters, digits, `-`, `.` or `_`";
            table.report(Diagnostic::new(&codes::BAD_VALUE, self.file, table.span(), message, label));
        }
        let key = table.required("public-key", "\"tavs-officer-public-1:…\"");
        let key = key.and_then(|value| public_key(name, &value, keys));
        let roles = table.required("roles", "[\"reidentify-requester\"]").and_then(|value| roles(&value));
        table.finish();
        fits.then_some(SigningOfficer { name: name.to_owned(), key: key?, roles: roles? })
    }
}

fn public_key(name: &str, value: &Value<'_>, keys: &Keys) -> Option<OfficerPublicKey> {
    let read = |text: &str| {
        let flaw = || {
            let help = "`tavs officers new-key FILE` makes a pair, and says what stands here";
            Flaw::new("this is no officer's public key", help)
        };
        let key = OfficerPublicKey::parse(text).ok_or_else(flaw)?;
        // SECURITY: one person under two names would be two who agree.
        if let Some((other, _)) = keys.borrow().iter().find(|(_, one)| *one == key) {
            let help = "each officer has a key of their own: what one asks for, another approves";
            return Err(Flaw::new(format!("`{other}` has the same key"), help));
        }
        keys.borrow_mut().push((name.to_owned(), key));
        Ok(key)
    };
    value.parsed(&codes::BAD_VALUE, read).map(|at| at.value)
}

fn roles(value: &Value<'_>) -> Option<Vec<SigningRole>> {
    let list = value.elements("a list of roles");
    if list.is_empty() {
        value.fault(&codes::BAD_VALUE, "`roles` is empty", "they could sign nothing", None);
        return None;
    }
    list.iter().map(|role| role.word(&SigningRole::WORDS, &[]).map(|role| role.value)).collect()
}
