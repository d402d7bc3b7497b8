//! The reports that policies alone answer, of two recipients.

use jiff::civil::Date;

use super::super::golden::hold;
use super::super::{Language, PolicyReport, PolicyReportFormat, PolicyReportKind};
use super::frame;
use crate::policy::check::check;
use crate::policy::running::PolicySet;
use crate::policy::syntax::SourceFile;
use crate::pseudonym::KeyRing;

const DAY: Date = Date::constant(2026, 9, 1);

/// A laboratory that gets a CPR number and a finding, in a third country by standard clauses, whose
/// agreement should have been reviewed.
const LABORATORY: &str = r#"
policy = 1
recipient  = { id = "laboratory", name = "Lab <Vest>", relation = "controller", contact = "dpo@lab.example" }
identity   = { anchor = "partners", certificate = { uri = "urn:tavs:recipient:laboratory" } }
agreement  = { reference = "SAM-4", signed = 2026-01-05, review = 2026-08-05, expires = 2029-01-04 }
purpose    = { id = "examination", category = "service", basis = ["gdpr-6-1-c", "gdpr-9-2-h"], consent = "required", retention = "10 years" }
transfer   = { country = "US", ground = "scc", evidence = "SCC 2026/4", verified = 2026-01-05 }
pseudonyms = { domain = "laboratory", scheme = "sealed", linkability = "domain" }
[[route]]
name = "orders"
methods = ["GET"]
path = "/orders/{id}"
path-members = { id = { resolve = "id", type = "Order" } }
upstream = "emr"
[route.response]
subject = ["$.patient.cpr"]
[route.response.members]
"$.id"           = { pseudonymise = "id", type = "Order" }
"$.patient.cpr"  = { keep = true, cpr = "clear", cpr-ground = "dbl-11-2-3" }
"$.patient.navn" = "keep"
"$.diagnose"     = "keep"
"#;

fn policies() -> PolicySet {
    let reminders = include_str!("../../../tests/policies/base.toml");
    let file = |path: &str, text: &str| SourceFile::new(path.to_owned(), text.to_owned());
    let files = [file("reminders.toml", reminders), file("laboratory.toml", LABORATORY)];
    let (policies, findings) = check(&files, DAY);
    let errors: Vec<_> = findings.iter().filter(|one| one.is_error()).map(|one| &one.message).collect();
    assert!(errors.is_empty(), "{errors:?}");
    PolicySet::build(policies, &KeyRing::throw_away([1; 32])).unwrap()
}

#[test]
fn each_report_is_what_its_file_says() {
    let set = policies();
    for (name, kind) in [
        ("processing", PolicyReportKind::Processing),
        ("risk", PolicyReportKind::Risk),
        ("matrix", PolicyReportKind::Matrix),
    ] {
        let report = PolicyReport::of(kind, frame(), DAY, set.iter());
        let rendered = |format, language| report.render(format, language).unwrap();
        hold(&format!("{name}.da.html"), &rendered(PolicyReportFormat::Html, Language::Da));
        hold(&format!("{name}.en.md"), &rendered(PolicyReportFormat::Markdown, Language::En));
        hold(&format!("{name}.json"), &rendered(PolicyReportFormat::Json, Language::En));
        let [one, other] =
            [Language::Da, Language::En].map(|language| rendered(PolicyReportFormat::Json, language));
        assert_eq!(one, other);
    }
}

#[test]
fn what_is_left_is_weighed_from_the_policy() {
    let set = policies();
    let report = PolicyReport::of(PolicyReportKind::Risk, frame(), DAY, set.iter());
    let json = report.render(PolicyReportFormat::Json, Language::En).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let risks = |place: usize| -> Vec<&str> {
        let risks = json["recipients"][place]["risks"].as_array().unwrap();
        risks.iter().map(|risk| risk["id"].as_str().unwrap()).collect()
    };
    assert_eq!(json["recipients"][0]["recipient"], "laboratory");
    assert_eq!(
        risks(0),
        [
            "clear-cpr",
            "health-with-identity",
            "third-country",
            "stable-pseudonyms",
            "resolvable",
            "review-overdue"
        ]
    );
    assert!(risks(1).contains(&"free-text") && !risks(1).contains(&"clear-cpr"), "{:?}", risks(1));
}
