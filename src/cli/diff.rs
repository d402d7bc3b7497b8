//! `tavs diff`: what changes for recipients, in words; what widens apart from what narrows.

pub(super) mod revision;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::json;

use self::revision::Revision;
use super::policy_files::{self, Format, Stop, count};
use crate::clock::Clock;
use crate::policy::check::check_to_serve;
use crate::policy::checked::Policy;
use crate::policy::diagnostic::{Diagnostic, render};
use crate::policy::difference::{Change, Direction, Place, compare, widens};
use crate::policy::syntax::SourceFile;
use crate::visible::Visible;

/// Say what changes for recipients when one set of policies takes the place of another.
///
/// OLD and NEW are files, folders, or revisions of git, such as HEAD~1: what is there by that name is a
/// file or folder; write git:HEAD~1 to be sure. What is not proven to be narrower counts as wider.
///
/// Exit code 0: nothing changes, or only to less; 1: a policy has errors; 2: wrong usage, or something
/// that cannot be read; 3: something widens.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What serves now.
    old: String,
    /// What is to take its place.
    new: String,
    /// The folder of policies in a revision, from the current folder.
    #[arg(long, value_name = "FOLDER", default_value = "policies")]
    path: PathBuf,
    /// How changes are written to standard output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &Args) -> u8 {
    let changes = read(&args.old, &args.path).and_then(|old| {
        let new = read(&args.new, &args.path)?;
        Ok(compare(&old, &new))
    });
    let changes = match changes {
        Ok(changes) => changes,
        Err(Stop(code, text)) => {
            super::complain(&text);
            return code;
        }
    };
    let text = match args.format {
        Format::Text => as_text(&changes),
        Format::Json => as_json(&changes),
    };
    match super::show(&text) {
        super::GOOD if widens(&changes) => super::WIDER,
        other => other,
    }
}

/// The policies of a file, folder or revision; those whose agreement has lapsed, too.
pub(super) fn read(written: &str, folder: &Path) -> Result<Vec<Policy>, Stop> {
    let files = match written.strip_prefix("git:") {
        Some(revision) => of_revision(revision, folder)?,
        None if Path::new(written).exists() => {
            policy_files::files(&[PathBuf::from(written)]).map_err(|faults| Stop(super::USAGE, faults))?
        }
        None => of_revision(written, folder)?,
    };
    let (policies, found) = check_to_serve(&files, Clock::system().today());
    let errors: Vec<Diagnostic> = found.into_iter().filter(Diagnostic::is_error).collect();
    if errors.is_empty() {
        Ok(policies)
    } else {
        Err(Stop(super::FINDINGS, render(&errors, &files, super::colour())))
    }
}

/// The files of a revision, called by it.
fn of_revision(written: &str, folder: &Path) -> Result<Vec<SourceFile>, Stop> {
    let stop = |error: revision::RevisionError| Stop(super::USAGE, format!("error: {error}\n"));
    let revision = Revision::read(written, folder).map_err(stop)?;
    let mut files = policy_files::files(&[revision.folder().to_owned()]).map_err(|faults| {
        Stop(super::USAGE, faults.replace(&revision.folder().display().to_string(), written))
    })?;
    SourceFile::rename(&mut files, |path| revision.name_of(path));
    Ok(files)
}

/// By recipient, and of each the wider first.
pub(super) fn as_text(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "nothing changes\n".to_owned();
    }
    let mut text = String::new();
    let recipients: BTreeSet<_> = changes.iter().map(|change| &change.recipient).collect();
    for recipient in recipients {
        let own = || changes.iter().filter(|change| change.recipient == *recipient);
        text += &format!("{recipient}\n");
        for direction in [Direction::Wider, Direction::Unclear, Direction::Narrower, Direction::Neutral] {
            let mut all = own().filter(|change| change.direction == direction).peekable();
            if all.peek().is_some() {
                text += &format!("  {}\n", heading(direction));
            }
            for change in all {
                text += &line(change);
            }
        }
    }
    let number = |direction| changes.iter().filter(|change| change.direction == direction).count();
    let (wider, unclear) = (number(Direction::Wider), number(Direction::Unclear));
    let end =
        if widens(changes) { "more may leave than before" } else { "nothing more may leave than before" };
    text + &format!(
        "{}: {wider} wider, {unclear} not proven to be narrower, {} narrower; {end}\n",
        count(changes.len(), "change", "changes"),
        number(Direction::Narrower)
    )
}

const fn heading(direction: Direction) -> &'static str {
    match direction {
        Direction::Wider => "wider:",
        Direction::Unclear => "not proven to be narrower, and so counted as wider:",
        Direction::Narrower => "narrower:",
        Direction::Neutral => "neither:",
    }
}

fn line(change: &Change) -> String {
    let Change { recipient: _, route, topic: _, direction: _, words, old, new } = change;
    let route = route.as_ref().map_or_else(String::new, |route| format!("route `{route}`: "));
    let place = |place: &Place| {
        place.line.map_or_else(|| place.file.clone(), |line| format!("{}:{line}", place.file))
    };
    let places = match (old, new) {
        (Some(old), None) => format!("was {}", place(old)),
        (Some(_) | None, Some(new)) => place(new),
        (None, None) => String::new(),
    };
    // SECURITY: a policy's words hide nothing of what follows them, and are no other lines.
    format!("    {}\n", Visible(&format!("{route}{words}  ({places})")))
}

fn as_json(changes: &[Change]) -> String {
    format!("{:#}\n", json_of(changes))
}

/// One object a change; members are added over time, never changed.
pub(super) fn json_of(changes: &[Change]) -> serde_json::Value {
    let place =
        |place: &Option<Place>| place.as_ref().map(|place| json!({ "file": place.file, "line": place.line }));
    let all: Vec<_> = changes
        .iter()
        .map(|one| {
            json!({
                "recipient": one.recipient.as_str(),
                "route": one.route,
                "topic": one.topic.word(),
                "direction": one.direction.word(),
                "message": one.words,
                "old": place(&one.old),
                "new": place(&one.new),
            })
        })
        .collect();
    serde_json::Value::Array(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::RecipientId;
    use crate::policy::difference::Topic;

    #[test]
    fn words_of_a_policy_hide_nothing_and_are_no_other_lines() {
        let change = |direction, words: &str| Change {
            recipient: RecipientId::new("sms"),
            route: None,
            topic: Topic::Name,
            direction,
            words: words.to_owned(),
            old: None,
            new: Some(Place { file: "a\u{1b}[2K.toml".to_owned(), line: Some(3) }),
        };
        let text = as_text(&[
            change(Direction::Wider, "`$.cpr` leaves"),
            change(Direction::Neutral, "its name `a\u{1b}[9A\u{1b}[J` becomes `b\u{202e}\n  narrower:\n`"),
        ]);
        assert_eq!(text.lines().count(), 6, "{text}");
        assert!(text.chars().all(|c| c == '\n' || !crate::visible::is_hidden(c)), "{text}");
        assert!(text.contains("`b\\u{202e}\\n  narrower:\\n`"), "{text}");
    }
}
