//! Policies beside each other: who claims what another has.

use super::Sheet;
use crate::policy::codes;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::syntax::{At, line_of};

/// Compares every policy with those before it.
pub(super) fn check(sheets: &mut [Sheet<'_>]) {
    for later in 1..sheets.len() {
        let (before, rest) = sheets.split_at_mut(later);
        let Some(sheet) = rest.first_mut() else { return };
        let mut found = Vec::new();
        for other in &*before {
            found.extend(same_identity(sheet, other));
            found.extend(same_recipient(sheet, other));
            found.extend(shared_domain(sheet, other));
        }
        sheet.findings.list.append(&mut found);
    }
}

fn place<T>(sheet: &Sheet<'_>, at: &At<T>) -> String {
    format!("{}:{}", sheet.file.path, line_of(&sheet.file.text, at.span.start))
}

fn same_identity(sheet: &Sheet<'_>, other: &Sheet<'_>) -> Option<Diagnostic> {
    let (mine, theirs) = (&sheet.written.identity, &other.written.identity);
    let (anchor, presented) = (mine.anchor.as_ref()?, mine.presented.as_ref()?);
    let (their_anchor, their_presented) = (theirs.anchor.as_ref()?, theirs.presented.as_ref()?);
    if anchor.value != their_anchor.value || presented.value != their_presented.value {
        return None;
    }
    let label = format!("also claimed at {}", place(other, their_presented));
    let message = "two policies claim one identity";
    let help = "give each recipient a certificate with an identifier of its own";
    let span = presented.span.clone();
    Some(Diagnostic::new(&codes::SAME_IDENTITY, &sheet.file.path, span, message, label).help(help))
}

fn same_recipient(sheet: &Sheet<'_>, other: &Sheet<'_>) -> Option<Diagnostic> {
    let (mine, theirs) = (sheet.written.recipient.id.as_ref()?, other.written.recipient.id.as_ref()?);
    if mine.value != theirs.value {
        return None;
    }
    let message = format!("two policies are for the recipient `{}`", mine.value);
    let label = format!("also at {}", place(other, theirs));
    let help = "a recipient has one policy file: choose another id, or make them one";
    Some(
        Diagnostic::new(&codes::SAME_RECIPIENT, &sheet.file.path, mine.span.clone(), message, label)
            .help(help),
    )
}

fn shared_domain<'s>(sheet: &'s Sheet<'_>, other: &'s Sheet<'_>) -> Option<Diagnostic> {
    let domain = |sheet: &'s Sheet<'_>| sheet.written.pseudonyms.domain.as_ref();
    let (mine, theirs) = (domain(sheet)?, domain(other)?);
    if mine.value != theirs.value || same_recipient(sheet, other).is_some() {
        return None;
    }
    let message = format!("two recipients share the pseudonymisation domain `{}`", mine.value);
    let label = format!("shared with {}", place(other, theirs));
    let help = "they can join their data by it; if that is not meant, choose another domain";
    Some(
        Diagnostic::new(&codes::SHARED_DOMAIN, &sheet.file.path, mine.span.clone(), message, label)
            .help(help),
    )
}
