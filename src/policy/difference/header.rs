//! What a policy says of its recipient, before any route.

use jiff::civil::Date;

use super::{Direction, Pair, Topic, more_is_wider};
use crate::identity::Presented;
use crate::policy::checked::{
    Agreement, Consent, CprInText, Identity, Limits, Linkability, NoveltyAnswer, Pseudonyms, PurposeInfo,
    RecipientInfo, Transfer, TransferGround,
};
use crate::policy::location::Location;
use crate::policy::words;

use Direction::{Narrower, Neutral, Unclear, Wider};

pub(super) fn recipient(pair: &mut Pair<'_>, old: &RecipientInfo, new: &RecipientInfo) {
    // The two have one id.
    let RecipientInfo { id: _, name, relation, contact } = new;
    pair.words(Topic::Name, "its name", &old.name, name, || Neutral);
    pair.words(Topic::Contact, "its contact", &old.contact, contact, || Neutral);
    let (before, after) = (words::relation(old.relation), words::relation(*relation));
    pair.words(Topic::Relation, "its relation", before, after, || Unclear);
}

pub(super) fn identity(pair: &mut Pair<'_>, old: &Identity, new: &Identity) {
    let Identity { anchor, presented, token_sha256 } = new;
    pair.words(Topic::Anchor, "the anchor of its certificate", &old.anchor, anchor, || Wider);
    pair.words(
        Topic::Certificate,
        "the identity of its certificate",
        &identity_words(&old.presented),
        &identity_words(presented),
        || Wider,
    );
    match (&old.token_sha256, token_sha256) {
        (None, Some(_)) => {
            pair.changed(Topic::Token, Narrower, "a bearer token is wanted, too".to_owned());
        }
        (Some(_), None) => {
            pair.changed(Topic::Token, Wider, "no bearer token is wanted any more".to_owned());
        }
        (Some(before), Some(after)) if before != after => {
            pair.changed(Topic::Token, Wider, "another bearer token is wanted".to_owned());
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
}

fn identity_words(presented: &Presented) -> String {
    match presented {
        Presented::Uri(uri) => format!("uri {uri}"),
        Presented::Dns(name) => format!("dns {name}"),
        Presented::SpkiSha256(digest) => {
            format!("spki-sha256 {}", data_encoding::HEXLOWER.encode(digest))
        }
    }
}

pub(super) fn agreement(pair: &mut Pair<'_>, old: &Agreement, new: &Agreement) {
    let Agreement { reference, signed, review, expires } = new;
    pair.words(Topic::Reference, "the agreement", &old.reference, reference, || Neutral);
    // Before its first day everything is refused.
    pair.words(
        Topic::Signed,
        "the agreement's first day",
        &old.signed.to_string(),
        &signed.to_string(),
        || more_is_wider(&old.signed, signed).reversed(),
    );
    pair.words(Topic::Review, "the agreement's review", &old.review.to_string(), &review.to_string(), || {
        Neutral
    });
    pair.words(
        Topic::Expires,
        "the agreement's last day",
        &old.expires.to_string(),
        &expires.to_string(),
        || more_is_wider(&old.expires, expires),
    );
}

pub(super) fn purpose(pair: &mut Pair<'_>, old: &PurposeInfo, new: &PurposeInfo) {
    let PurposeInfo { id, category, basis, consent, retention } = new;
    // Consent and objection are by purpose.
    pair.words(Topic::Purpose, "the purpose", old.id.as_str(), id.as_str(), || Wider);
    let (before, after) = (words::category(old.category), words::category(*category));
    pair.words(Topic::Category, "the purpose's category", before, after, || Unclear);
    for gone in old.basis.iter().filter(|one| !basis.contains(one)) {
        pair.changed(Topic::Basis, Narrower, format!("`{}` is no basis any more", gone.id));
    }
    for added in basis.iter().filter(|one| !old.basis.contains(one)) {
        pair.changed(Topic::Basis, Unclear, format!("`{}` is a new basis", added.id));
    }
    match (old.consent, consent) {
        (Consent::Required, Consent::NotRequired) => {
            let words = "those who have not consented are no longer withheld";
            pair.changed(Topic::Consent, Wider, words.to_owned());
        }
        (Consent::NotRequired, Consent::Required) => {
            pair.changed(Topic::Consent, Narrower, "those who have not consented are withheld".to_owned());
        }
        (Consent::Required, Consent::Required) | (Consent::NotRequired, Consent::NotRequired) => {}
    }
    pair.words(Topic::Retention, "it may keep data for", &old.retention, retention, || Unclear);
}

pub(super) fn transfer(pair: &mut Pair<'_>, old: &Transfer, new: &Transfer) {
    let Transfer { country, ground, expires } = new;
    pair.words(Topic::Country, "the country", &old.country, country, || Wider);
    let kind = |ground: &Option<TransferGround>| {
        ground.as_ref().map_or("none", |ground| words::ground(ground.kind)).to_owned()
    };
    pair.words(Topic::Ground, "the ground of its transfer", &kind(&old.ground), &kind(ground), || Unclear);
    if let (Some(old), Some(TransferGround { kind: _, evidence, verified })) = (&old.ground, ground) {
        pair.words(Topic::Evidence, "the ground's evidence", &old.evidence, evidence, || Neutral);
        let (before, after) = (old.verified.to_string(), verified.to_string());
        pair.words(Topic::Evidence, "the ground's last verification", &before, &after, || Neutral);
    }
    let day = |day: Option<Date>| day.map_or_else(|| "none".to_owned(), |day| day.to_string());
    let (before, after) = (day(old.expires), day(*expires));
    pair.words(Topic::Expires, "the last day of its transfer", &before, &after, || {
        more_is_wider(&old.expires.unwrap_or(Date::MAX), &expires.unwrap_or(Date::MAX))
    });
}

pub(super) fn pseudonyms(pair: &mut Pair<'_>, old: &Pseudonyms, new: &Pseudonyms) {
    let Pseudonyms { domain, scheme, linkability } = new;
    // Whoever has the pseudonyms of the other domain could join them.
    pair.words(Topic::Domain, "the pseudonymisation domain", &old.domain, domain, || Wider);
    let (before, after) = (words::scheme(old.scheme), words::scheme(*scheme));
    // One withholds what the other takes, and what leaves looks different: none is less than another.
    pair.words(Topic::Scheme, "the scheme of pseudonyms", before, after, || Unclear);
    let (before, after) = (words::linkability(old.linkability), words::linkability(*linkability));
    pair.words(Topic::Linkability, "the linkability of pseudonyms", before, after, || {
        more_is_wider(&stays(old.linkability), &stays(*linkability))
    });
}

/// How long a pseudonym stands for one person.
const fn stays(linkability: Linkability) -> u8 {
    match linkability {
        Linkability::None => 0,
        Linkability::Document => 1,
        Linkability::Domain => 2,
    }
}

pub(super) fn limits(pair: &mut Pair<'_>, old: &Limits, new: &Limits) {
    let Limits {
        requests_per_second,
        burst,
        concurrency,
        subjects_per_day,
        novelty,
        novelty_answer,
        absent,
        buffer,
        response,
    } = new;
    let wide = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
    let sure = |limit: u32| Some(wide(limit));
    let maybe = |limit: Option<u32>| limit.map(wide);
    let all = [
        ("requests a second", sure(old.requests_per_second), sure(*requests_per_second)),
        ("requests at once", sure(old.burst), sure(*burst)),
        ("exchanges at the same time", sure(old.concurrency), sure(*concurrency)),
        ("different people in 24 hours", maybe(old.subjects_per_day), maybe(*subjects_per_day)),
        ("people in an hour that it was never told about", maybe(old.novelty), maybe(*novelty)),
        ("requests in a minute that are answered as absent", maybe(old.absent), maybe(*absent)),
        ("bytes of a response that is judged whole", Some(old.buffer), Some(*buffer)),
        ("bytes of a response", Some(old.response), Some(*response)),
    ];
    for (what, before, after) in all {
        limit(pair, what, before, after);
    }
    match (old.novelty_answer, novelty_answer) {
        (NoveltyAnswer::Alarm, NoveltyAnswer::Refuse) => {
            pair.changed(Topic::Limits, Narrower, "past `novelty` it is refused".to_owned());
        }
        (NoveltyAnswer::Refuse, NoveltyAnswer::Alarm) => {
            pair.changed(Topic::Limits, Wider, "past `novelty` it is no longer refused".to_owned());
        }
        (NoveltyAnswer::Alarm, NoveltyAnswer::Alarm) | (NoveltyAnswer::Refuse, NoveltyAnswer::Refuse) => {}
    }
}

/// A limit; none lets everything through.
fn limit(pair: &mut Pair<'_>, what: &str, old: Option<usize>, new: Option<usize>) {
    let unlimited = |limit: Option<usize>| limit.unwrap_or(usize::MAX);
    let word = |limit: Option<usize>| limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    if old != new {
        let direction = more_is_wider(&unlimited(old), &unlimited(new));
        pair.changed(Topic::Limits, direction, format!("{what}: {} becomes {}", word(old), word(new)));
    }
}

pub(super) fn free_text(pair: &mut Pair<'_>, old: CprInText, new: CprInText) {
    let told = |cpr: CprInText| match cpr {
        CprInText::Refuse => (0_u8, "refuse"),
        CprInText::Mask => (1, "mask"),
        CprInText::Pseudonymise => (2, "pseudonymise"),
    };
    let ((before, old), (after, new)) = (told(old), told(new));
    pair.words(Topic::FreeText, "a CPR number in kept text:", old, new, || more_is_wider(&before, &after));
}

/// Who may know a protected address by treating somebody is a basis, and compared with these.
pub(super) fn address_protection(pair: &mut Pair<'_>, old: &[Location], new: &[Location]) {
    for gone in old.iter().filter(|one| !new.contains(one)) {
        let words = format!("a mark at `{gone}` no longer holds back names and addresses");
        pair.changed(Topic::AddressProtection, Wider, words);
    }
    for added in new.iter().filter(|one| !old.contains(one)) {
        let words = format!("a mark at `{added}` holds back names and addresses");
        pair.changed(Topic::AddressProtection, Narrower, words);
    }
}
