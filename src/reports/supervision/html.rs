//! The supervision report as a page.

use super::{Due, NewPolicy, Refused, SupervisionReport, Traffic, Verified};
use crate::reports::act::{self, ActEntry};
use crate::reports::html::{Column, Html};
use crate::reports::page::{begin, table};
use crate::reports::text::{self, Text, fill};
use crate::reports::time;

pub(super) fn page(report: &SupervisionReport, text: &Text) -> String {
    let words = &text.supervision;
    let facts = [(words.month, vec![report.month.words(text)])];
    let mut page = begin(&report.frame, words.title, words.subtitle, &facts, text);
    page.paragraph(words.intro);
    volumes(&mut page, report, text);
    refusals(&mut page, report, text);
    page.heading(2, words.lookups_heading);
    acts(&mut page, &report.look_ups, text);
    changes(&mut page, report, text);
    policies(&mut page, report, text);
    page.heading(2, words.operations_heading);
    acts(&mut page, &report.operations, text);
    agreements(&mut page, report, text);
    page.heading(2, words.notices_heading);
    notices(&mut page, report, text);
    condition(&mut page, report, text);
    page.heading(2, words.sign_heading);
    page.paragraph(words.sign);
    page.end()
}

fn volumes(page: &mut Html, report: &SupervisionReport, text: &Text) {
    let words = &text.supervision;
    page.heading(2, words.volumes_heading);
    let columns = [
        Column::Words(text.common.recipient),
        Column::Number(words.disclosures),
        Column::Number(words.intents),
        Column::Number(words.refusals),
        Column::Number(words.persons),
        Column::Number(words.records),
        Column::Number(words.bytes),
    ];
    let row = |one: &Traffic| {
        let numbers = [one.disclosures, one.intents, one.refusals, one.persons, one.records, one.bytes];
        row(one, &numbers)
    };
    table(page, &columns, &report.recipients, row, text);
    page.note(words.resolutions);
    page.heading(3, words.withheld_heading);
    let columns = [
        Column::Words(text.common.recipient),
        Column::Number(words.withheld),
        Column::Number(words.unfit),
        Column::Number(words.records_withheld),
        Column::Number(words.cpr_in_text),
    ];
    let row = |one: &Traffic| {
        let numbers = [one.withheld, one.unfit, one.records_withheld, one.cpr_in_text];
        self::row(one, &numbers)
    };
    table(page, &columns, &report.recipients, row, text);
}

fn row(one: &Traffic, numbers: &[u64]) -> Vec<String> {
    let name = one.name.clone().unwrap_or_else(|| one.recipient.clone());
    std::iter::once(name).chain(numbers.iter().map(u64::to_string)).collect()
}

fn name<'a>(report: &'a SupervisionReport, id: &'a str) -> &'a str {
    let found = report.recipients.iter().find(|one| one.recipient == id);
    found.and_then(|one| one.name.as_deref()).unwrap_or(id)
}

fn refusals(page: &mut Html, report: &SupervisionReport, text: &Text) {
    let (words, common) = (&text.supervision, &text.common);
    page.heading(2, words.refusals_heading);
    let columns =
        [Column::Words(common.recipient), Column::Words(words.reason), Column::Number(common.count)];
    let row = |one: &Refused| {
        vec![name(report, &one.recipient).to_owned(), one.reason.clone(), one.count.to_string()]
    };
    table(page, &columns, &report.refusals, row, text);
}

fn acts(page: &mut Html, acts: &[ActEntry], text: &Text) {
    let common = &text.common;
    let columns = [
        Column::Words(common.time),
        Column::Words(common.what),
        Column::Number(text.supervision.subjects),
        Column::Words(common.who),
        Column::Words(common.why),
    ];
    let row = |one: &ActEntry| {
        vec![
            time::short(one.at),
            one.words(text),
            one.subjects.to_string(),
            one.who.clone().unwrap_or_default(),
            one.why.clone(),
        ]
    };
    table(page, &columns, acts, row, text);
}

fn changes(page: &mut Html, report: &SupervisionReport, text: &Text) {
    page.heading(2, text.supervision.changes_heading);
    let columns = [Column::Words(text.common.what), Column::Number(text.common.count)];
    let row =
        |one: &super::Changes| vec![act::what("registry", &one.what, one.begun, text), one.count.to_string()];
    table(page, &columns, &report.changes, row, text);
}

fn policies(page: &mut Html, report: &SupervisionReport, text: &Text) {
    let (words, common) = (&text.supervision, &text.common);
    page.heading(2, words.policies_heading);
    let columns = [
        Column::Words(common.time),
        Column::Words(common.recipient),
        Column::Words(words.policy),
        Column::Words(words.approved),
    ];
    let row = |one: &NewPolicy| {
        let approved = one.approved_by.clone().unwrap_or_else(|| words.approved_by_none.to_owned());
        vec![time::short(one.at), one.name.clone(), one.policy.clone(), approved]
    };
    table(page, &columns, &report.policies, row, text);
}

fn agreements(page: &mut Html, report: &SupervisionReport, text: &Text) {
    let (words, common) = (&text.supervision, &text.common);
    page.heading(2, words.agreements_heading);
    if report.agreements_due.is_empty() {
        page.paragraph(&fill(words.agreements_fine, &[("count", &report.agreements.to_string())]));
        return;
    }
    let columns = [
        Column::Words(common.recipient),
        Column::Words(common.agreement),
        Column::Words(words.review),
        Column::Words(words.expires),
        Column::Words(words.state),
    ];
    let row = |one: &Due| {
        let agreement = &one.agreement;
        vec![
            agreement.name.clone(),
            agreement.reference.clone(),
            time::long_date(agreement.review, text),
            time::long_date(agreement.expires, text),
            text::word(words.states, one.state).to_owned(),
        ]
    };
    table(page, &columns, &report.agreements_due, row, text);
}

fn notices(page: &mut Html, report: &SupervisionReport, text: &Text) {
    let Some(oldest) = report.oldest_notice else {
        page.paragraph(text.common.none);
        return;
    };
    let (open, oldest) = (report.open_notices.to_string(), time::day(oldest, text));
    page.paragraph(&fill(text.supervision.notices, &[("open", &open), ("oldest", &oldest)]));
}

fn condition(page: &mut Html, report: &SupervisionReport, text: &Text) {
    let (words, condition) = (&text.supervision, &report.condition);
    page.heading(2, words.condition_heading);
    let checkpoint = condition.checkpoint.map_or_else(
        || words.checkpoint_none.to_owned(),
        |one| {
            let (at, sequence) = (time::long(one.at, text), one.sequence.to_string());
            fill(words.checkpoint_value, &[("at", &at), ("sequence", &sequence)])
        },
    );
    let verified = match &condition.verified {
        Verified::Whole { at, records } => {
            let (at, records) = (time::long(*at, text), records.to_string());
            fill(words.verified_whole, &[("at", &at), ("records", &records)])
        }
        Verified::Broken { at, problem } => {
            let broken = fill(words.verified_broken, &[("at", &time::long(*at, text)), ("problem", problem)]);
            page.alert(&broken);
            broken
        }
        Verified::NotDone => words.verified_not.to_owned(),
    };
    let index = fill(words.index_value, &[("sequence", &condition.indexed.to_string())]);
    page.facts(&[
        (words.checkpoint, vec![checkpoint]),
        (words.verified, vec![verified]),
        (words.index, vec![index]),
    ]);
}
