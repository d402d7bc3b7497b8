//! The list of whom to tell, and the letters.

use super::{NANCY, clinic, frame, hold};
use crate::ids::SubjectId;
use crate::reports::{About, Addressee, Format, Language, NotifyAsk, NotifyReport};

fn ask(about: About, ids: &[SubjectId]) -> NotifyAsk {
    let addressees = vec![
        Addressee {
            recipient: "sms-reminders".to_owned(),
            contact: Some("gdpr@paamind.example".to_owned()),
            pseudonyms: vec!["tvk1-abcdefghijklmnop".to_owned(), "tvk2-qrstuvwxyzabcdef".to_owned()],
        },
        Addressee { recipient: "analytics".to_owned(), contact: None, pseudonyms: Vec::new() },
        Addressee { recipient: "lab".to_owned(), contact: None, pseudonyms: vec!["tvk1-nobody".to_owned()] },
    ];
    NotifyAsk { frame: frame(), about, ids: ids.to_vec(), addressees }
}

#[test]
fn each_recipient_that_received_something_gets_a_letter() {
    let (store, _folder) = clinic();
    let report = NotifyReport::read(&store, ask(About::Erasure, &NANCY)).unwrap();
    assert_eq!(report.recipients().collect::<Vec<_>>(), ["analytics", "bookkeeping", "sms-reminders"]);
    hold("notify", |format, language| report.render(format, language), &[]);
    assert!(!report.render(Format::Json, Language::Da).unwrap().contains("tvk1-nobody"));
}

#[test]
fn nobody_to_tell_is_said_and_each_occasion_has_its_letter() {
    let (store, _folder) = clinic();
    let page = |about, ids: &[SubjectId]| {
        let report = NotifyReport::read(&store, ask(about, ids)).unwrap();
        report.render(Format::Html, Language::En).unwrap()
    };
    assert!(page(About::Rectification, &[SubjectId([99; 16])]).contains("There is nobody to tell."));
    assert!(page(About::Rectification, &NANCY).contains("have been rectified (article 16)"));
    assert!(page(About::Restriction, &NANCY).contains("is restricted (article 18)"));
    let without = NotifyAsk {
        frame: crate::reports::Frame { controller: None, reference: None, ..frame() },
        ..ask(About::Erasure, &NANCY)
    };
    let letter = NotifyReport::read(&store, without).unwrap().render(Format::Html, Language::Da).unwrap();
    assert!(
        letter.contains(
            "Bekræft venligst til klinikken, når det er sket, med henvisning til denne underretning."
        )
    );
    for word in ["rectification", "erasure", "restriction"] {
        assert_eq!(About::of_word(word).map(About::word), Some(word));
    }
    assert!(About::of_word("consent").is_none());
}
