//! The subject report as a page.

use std::collections::BTreeSet;

use super::{Disclosure, Heading, LookUp, Received, RightEntry, SubjectReport};
use crate::reports::html::{Column, Html};
use crate::reports::page::{MOST_ROWS, begin, table};
use crate::reports::recipient::plain;
use crate::reports::text::{self, Text, fill};
use crate::reports::{Member, time};
use crate::reports::{act, notify};
use crate::store::RightKind;

pub(super) fn page(report: &SubjectReport, text: &Text) -> String {
    let words = &text.subject;
    let about: Vec<String> = (0..report.persons.len()).map(|at| heading(report, at, text)).collect();
    let mut page = begin(&report.frame, words.title, words.subtitle, &[(words.about, about)], text);
    page.paragraph(words.intro);
    if let Some(since) = report.records_since {
        page.paragraph(&fill(words.since, &[("date", &time::day(since, text))]));
    }
    page.heading(2, words.overview);
    if report.recipients.is_empty() {
        page.paragraph(words.nothing);
    } else {
        overview(&mut page, report, text);
    }
    for received in &report.recipients {
        recipient(&mut page, report, received, text);
    }
    if !report.recipients.is_empty() {
        withheld(&mut page, report, text);
    }
    rights(&mut page, report, text);
    look_ups(&mut page, report, text);
    notices(&mut page, report, text);
    closing(&mut page, text);
    page.end()
}

/// `Nancy Ann Berggren, 251248-9996 (dig selv)`.
fn heading(report: &SubjectReport, at: usize, text: &Text) -> String {
    let Some(Heading { role, name, cpr }) = report.persons.get(at) else { return String::new() };
    let role = text::word(text.subject.roles, role.id());
    let named: Vec<&str> = [name, cpr].into_iter().flatten().map(String::as_str).collect();
    if named.is_empty() { role.to_owned() } else { format!("{} ({role})", named.join(", ")) }
}

/// Whom of several persons something is about, without repeating a CPR.
fn about(report: &SubjectReport, at: usize, text: &Text) -> String {
    let Some(Heading { role, name, .. }) = report.persons.get(at) else { return String::new() };
    name.clone().unwrap_or_else(|| text::word(text.subject.roles, role.id()).to_owned())
}

fn overview(page: &mut Html, report: &SubjectReport, text: &Text) {
    let common = &text.common;
    let columns = [
        Column::Words(common.recipient),
        Column::Words(common.country),
        Column::Words(common.purpose),
        Column::Number(common.count),
        Column::Words(common.first),
        Column::Words(common.last),
    ];
    let row = |received: &Received| {
        let profile = &received.profile;
        vec![
            profile.title(text),
            profile.country_words(text).join(", "),
            profile.purpose_words(text).join("; "),
            received.disclosures.len().to_string(),
            time::day(received.first, text),
            time::day(received.last, text),
        ]
    };
    table(page, &columns, &report.recipients, row, text);
}

fn recipient(page: &mut Html, report: &SubjectReport, received: &Received, text: &Text) {
    let words = &text.subject;
    page.heading(2, &received.profile.title(text));
    received.profile.facts(page, text);
    page.heading(3, words.received);
    received.profile.member_list(page, text);
    page.heading(3, words.exchanges);
    let contents = contents(received);
    if contents.len() > 1 {
        let told = contents.iter().zip(1_u32..).map(|(members, number)| {
            let members: BTreeSet<String> = members.iter().map(|member| member.words(text)).collect();
            format!("{} {number}: {}", words.contents, Vec::from_iter(members).join("; "))
        });
        page.list(&told.collect::<Vec<_>>());
    }
    exchanges(page, report, received, &contents, text);
    if received.disclosures.iter().any(|one| one.persons > 1) {
        page.note(words.shared_note);
    }
}

/// The different sets of members in the rows shown: told once, and numbered in the table.
fn contents(received: &Received) -> Vec<&[Member]> {
    let mut contents: Vec<&[Member]> = Vec::new();
    for one in received.disclosures.iter().take(MOST_ROWS) {
        if !contents.contains(&one.members.as_slice()) {
            contents.push(&one.members);
        }
    }
    contents
}

fn exchanges(
    page: &mut Html,
    report: &SubjectReport,
    received: &Received,
    contents: &[&[Member]],
    text: &Text,
) {
    let (words, common) = (&text.subject, &text.common);
    let (several_persons, several_contents) = (report.persons.len() > 1, contents.len() > 1);
    let mut columns = vec![Column::Words(common.time)];
    if several_persons {
        columns.push(Column::Words(common.person));
    }
    columns.extend([Column::Words(words.kind), Column::Words(common.purpose)]);
    if several_contents {
        columns.push(Column::Number(words.contents));
    }
    columns.push(Column::Number(words.shared));
    let row = |one: &Disclosure| {
        let mut cells = vec![time::short(one.at)];
        if several_persons {
            let persons: Vec<String> = one.about.iter().map(|at| about(report, *at, text)).collect();
            cells.push(persons.join(", "));
        }
        cells.extend([text::word(text.words.kinds, &one.kind).to_owned(), plain(&one.purpose)]);
        if several_contents {
            let at = contents.iter().position(|members| *members == one.members);
            cells.push(at.map_or_else(String::new, |at| at.saturating_add(1).to_string()));
        }
        cells.push(one.persons.to_string());
        cells
    };
    table(page, &columns, &received.disclosures, row, text);
}

fn withheld(page: &mut Html, report: &SubjectReport, text: &Text) {
    let words = &text.subject;
    page.heading(2, words.withheld_heading);
    page.paragraph(words.withheld_text);
    let columns = [
        Column::Words(text.common.recipient),
        Column::Number(words.withheld),
        Column::Number(words.unfit),
        Column::Number(words.cpr_in_text),
    ];
    let row = |received: &Received| {
        let withheld = received.withheld;
        vec![
            received.profile.title(text),
            withheld.members.to_string(),
            withheld.unfit.to_string(),
            withheld.cpr_in_text.to_string(),
        ]
    };
    table(page, &columns, &report.recipients, row, text);
}

fn rights(page: &mut Html, report: &SubjectReport, text: &Text) {
    let (words, common) = (&text.subject, &text.common);
    page.heading(2, words.rights_heading);
    if report.rights.is_empty() {
        page.paragraph(words.rights_none);
        return;
    }
    let columns = [
        Column::Words(common.time),
        Column::Words(common.person),
        Column::Words(common.what),
        Column::Words(common.purpose),
        Column::Words(common.recipient),
        Column::Words(common.until),
        Column::Words(common.why),
    ];
    let row = |one: &RightEntry| {
        let mut what = act::what("registry", one.kind, Some(one.begun), text);
        if one.in_force {
            what = format!("{what} ({})", words.in_force);
        }
        vec![
            time::short(one.at),
            about(report, one.about, text),
            what,
            one.purpose.as_deref().map(plain).unwrap_or_default(),
            against(report, one, text),
            one.until.map(|until| time::day(until.saturating_sub(1), text)).unwrap_or_default(),
            reason(&one.reason, one.who.as_deref()),
        ]
    };
    table(page, &columns, &report.rights, row, text);
}

/// Against whom a right is held: only where the person can choose.
fn against(report: &SubjectReport, one: &RightEntry, text: &Text) -> String {
    match recipient_name(report, one.recipient.as_deref()) {
        Some(name) => name,
        None if one.kind == RightKind::Frabedt.word() => text.common.all_recipients.to_owned(),
        None => String::new(),
    }
}

/// The name of a recipient of the report, or its id.
fn recipient_name(report: &SubjectReport, id: Option<&str>) -> Option<String> {
    let id = id?;
    let found = report.recipients.iter().find(|one| one.profile.recipient == id);
    Some(found.and_then(|one| one.profile.name.clone()).unwrap_or_else(|| id.to_owned()))
}

fn reason(why: &str, who: Option<&str>) -> String {
    who.map_or_else(|| why.to_owned(), |who| format!("{why} ({who})"))
}

fn look_ups(page: &mut Html, report: &SubjectReport, text: &Text) {
    let (words, common) = (&text.subject, &text.common);
    page.heading(2, words.lookups_heading);
    if report.look_ups.is_empty() {
        page.paragraph(words.lookups_none);
        return;
    }
    let columns = [
        Column::Words(common.time),
        Column::Words(common.person),
        Column::Words(common.what),
        Column::Words(common.why),
    ];
    let row = |one: &LookUp| {
        vec![
            time::short(one.act.at),
            about(report, one.about, text),
            one.act.words(text),
            reason(&one.act.why, one.act.who.as_deref()),
        ]
    };
    table(page, &columns, &report.look_ups, row, text);
    if report.look_ups.iter().all(|one| one.act.who.is_none()) {
        page.note(words.lookups_note);
    }
}

fn notices(page: &mut Html, report: &SubjectReport, text: &Text) {
    let common = &text.common;
    if report.notices.is_empty() {
        return;
    }
    page.heading(2, text.subject.notices_heading);
    let columns = [
        Column::Words(common.time),
        Column::Words(common.recipient),
        Column::Words(common.what),
        Column::Words(text.notify.state_heading),
    ];
    let row = |one: &super::Notice| {
        vec![
            time::short(one.at),
            recipient_name(report, Some(&one.recipient)).unwrap_or_default(),
            text::word(text.words.abouts, &one.subject).to_owned(),
            notify::state(one.acknowledged, text),
        ]
    };
    table(page, &columns, &report.notices, row, text);
}

fn closing(page: &mut Html, text: &Text) {
    let words = &text.subject;
    page.heading(2, words.automated_heading);
    page.paragraph(words.automated);
    page.heading(2, words.your_rights_heading);
    page.list(words.your_rights);
    page.paragraph(words.complaint);
    page.heading(2, words.not_covered_heading);
    page.list(words.not_covered);
}
