//! `tavs assess`: could less do?

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::json;

use super::policy_files::{self, Stop, count};
use super::subject::report::Language;
use super::test::run::{self, Case};
use crate::authoring::assess::{self, RuleId, Seen, Verdict};
use crate::authoring::classify::Class;
use crate::authoring::coverage::Coverage;
use crate::clock::Clock;
use crate::policy::checked::{Action, Linkability, Policy};
use crate::policy::words;
use crate::pseudonym::KeyRing;
use crate::reports::{self, AssessedMember, Assessment};

/// The largest sample, in bytes.
const LARGEST: u64 = 64 << 20;

/// Say for each member that leaves which weaker forms would do.
///
/// Each form that tells less is put in the place of the policy's, and the policy's tests are run: their expected
/// outputs are left aside, and what counts is `absent` and `needs`, which says what the recipient needs. The report
/// is dated, and holds no value. Samples say how many values a member tells; without them the tests' inputs do.
///
/// Exit code 0: good, whatever the report says; 1: the policy has errors, or a sample is bad input; 2: wrong usage,
/// or a file that cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The policy file.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Answers of the upstream, as FILE, or as ROUTE=FILE where the policy has several routes.
    #[arg(value_name = "SAMPLE")]
    samples: Vec<String>,
    /// The day of the report instead of today, such as 2026-06-01.
    #[arg(long, value_name = "DATE", value_parser = policy_files::day)]
    at: Option<Date>,
    /// How the report is written to standard output.
    #[arg(long, value_enum, default_value_t = Shape::Text)]
    format: Shape,
    /// The page's language.
    #[arg(long, value_enum, default_value_t = Language::Da)]
    language: Language,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Shape {
    /// Markdown: for people and for the file.
    Text,
    /// A page to print and to file.
    Html,
    /// For programs: one JSON object.
    Json,
}

pub(crate) fn run(args: &Args) -> u8 {
    match report(args) {
        Ok(text) => super::show(&text),
        Err(Stop(code, text)) => {
            super::complain(&text);
            code
        }
    }
}

fn report(args: &Args) -> Result<String, Stop> {
    let policy = super::rewrite::checked(&args.policy, args.at)?;
    let ring = run::ring();
    let fault = |problem: String| Stop(super::FINDINGS, format!("error: {problem}\n"));
    let mut cases = Vec::new();
    for test in &policy.tests {
        cases.push(Case::of(&policy, test, &ring).map_err(|problem| fault(format!("a test's {problem}")))?);
    }
    // Where the policy itself fails its tests every weaker form does, too, and all would pass for needed.
    for case in &cases {
        if !case.accepts().map_err(|problem| fault(format!("a test's {problem}")))? {
            return Err(fault(format!(
                "the policy does not pass its own tests, so that nothing can be examined; run `tavs test {}`",
                args.policy.display()
            )));
        }
    }
    let mut seen = Seen::default();
    let samples =
        args.samples.iter().map(|sample| read(&policy, sample)).collect::<Result<Vec<_>, Stop>>()?;
    for (route, name, input) in &samples {
        let case = Case::of_sample(&policy, *route, name, input.clone(), &ring).map_err(fault)?;
        case.released(&run::TEST_SALT, &mut seen.of_route(*route))
            .map_err(|problem| fault(format!("`{name}`: {problem}")))?;
    }
    if samples.is_empty() {
        for case in &cases {
            case.released(&run::TEST_SALT, &mut seen.of_route(case.route())).map_err(fault)?;
        }
    }
    let day = args.at.unwrap_or_else(|| Clock::system().today());
    let trials = Trials { policy: &policy, cases: &cases, ring: &ring, day };
    let rows: Vec<Row> = assess::rules(&policy).into_iter().filter_map(|id| trials.row(id, &seen)).collect();
    let about = About { policy: &policy, day, samples: samples.len(), linkability: trials.linkability() };
    Ok(match args.format {
        Shape::Text => as_text(&about, &rows),
        Shape::Html => as_page(&about, rows).html(match args.language {
            Language::Da => reports::Language::Da,
            Language::En => reports::Language::En,
        }),
        Shape::Json => as_json(&about, &rows),
    })
}

/// The route's number, the file's name, and what stands in it.
fn read(policy: &Policy, sample: &str) -> Result<(usize, String, Vec<u8>), Stop> {
    let named = |name: &str| policy.routes.iter().position(|route| route.name == name);
    let with_route = sample.split_once('=').and_then(|(route, file)| Some((named(route)?, file)));
    let (route, file) = match (with_route, policy.routes.len()) {
        (Some(found), _) => found,
        (None, 1) => (0, sample),
        (None, _) => {
            let names: Vec<&str> = policy.routes.iter().map(|route| route.name.as_str()).collect();
            let text = format!(
                "error: of which route is `{sample}`? write `ROUTE={sample}`; it has `{}`\n",
                names.join("`, `")
            );
            return Err(Stop(super::USAGE, text));
        }
    };
    let fault = |error: std::io::Error| Stop(super::USAGE, format!("error: cannot read `{file}`: {error}\n"));
    let size = fs::metadata(Path::new(file)).map_err(fault)?.len();
    if size > LARGEST {
        let text = format!("error: `{file}` has {size} bytes, and a sample has at most {LARGEST}\n");
        return Err(Stop(super::USAGE, text));
    }
    Ok((route, file.to_owned(), fs::read(file).map_err(fault)?))
}

/// The policy's tests, to be run with other forms.
struct Trials<'p> {
    policy: &'p Policy,
    cases: &'p [Case<'p>],
    ring: &'p KeyRing,
    day: Date,
}

/// What is said of one rule.
struct Row {
    location: String,
    place: String,
    file: Arc<str>,
    line: u32,
    form: String,
    values: u64,
    class: Option<Class>,
    verdict: Verdict,
}

impl Row {
    /// Where the rule is written: of a profile, also in which file.
    fn written(&self, policy: &Policy) -> String {
        if *self.file == *policy.file {
            format!("line {}", self.line)
        } else {
            format!("{}:{}", self.file, self.line)
        }
    }
}

impl Trials<'_> {
    fn row(&self, id: RuleId, seen: &Seen) -> Option<Row> {
        let rule = id.rule(self.policy)?;
        let class = seen.class(id);
        Some(Row {
            location: rule.location.to_string(),
            place: id.place(self.policy),
            file: Arc::clone(&rule.file),
            line: rule.line,
            form: words::form(&rule.action),
            values: seen.count(id),
            class,
            verdict: self.verdict(id, &rule.action, class),
        })
    }

    fn verdict(&self, id: RuleId, action: &Action, class: Option<Class>) -> Verdict {
        let reaching: Vec<&Case<'_>> = self.cases.iter().filter(|case| self.reaches(case, id)).collect();
        if reaching.is_empty() {
            return Verdict::NotReached;
        }
        if !reaching.iter().any(|case| case.says_needs()) {
            return Verdict::NotExamined;
        }
        let value = assess::Value { class: class.unwrap_or(Class::Nothing), day: self.day };
        let forms = assess::weaker(action, value);
        let accepted: Vec<Action> = forms
            .into_iter()
            .filter(|form| {
                let changed = assess::with(self.policy, id, form);
                // A form that takes none of the values is another name for `withhold`.
                let takes =
                    *form == Action::Withhold || reaching.iter().any(|case| self.takes(case, id, &changed));
                takes && self.accept(&reaching, &changed)
            })
            .collect();
        Verdict::of(&accepted)
    }

    /// Weaker kinds of linkability that all tests accept; `None` if no test says what is needed.
    fn linkability(&self) -> Option<Vec<Linkability>> {
        let all: Vec<&Case<'_>> = self.cases.iter().collect();
        all.iter().any(|case| case.says_needs()).then(|| {
            let weaker = assess::weaker_linkabilities(self.policy.pseudonyms.linkability).iter().copied();
            weaker.filter(|kind| self.accept(&all, &assess::with_linkability(self.policy, *kind))).collect()
        })
    }

    fn reaches(&self, case: &Case<'_>, id: RuleId) -> bool {
        let mut coverage = Coverage::new(self.policy);
        let ran = case.released(&run::TEST_SALT, &mut coverage.of_route(case.route()));
        ran.is_ok() && coverage.has_reached(id.route, id.rule)
    }

    fn takes(&self, case: &Case<'_>, id: RuleId, changed: &Policy) -> bool {
        let mut seen = Seen::default();
        let ran = case
            .under(changed, self.ring)
            .and_then(|case| case.released(&run::TEST_SALT, &mut seen.of_route(case.route())));
        ran.is_ok() && seen.count(id) > 0
    }

    fn accept(&self, cases: &[&Case<'_>], changed: &Policy) -> bool {
        let accepts = |case: &&Case<'_>| case.under(changed, self.ring).and_then(|case| case.accepts());
        cases.iter().all(|case| accepts(case).unwrap_or(false))
    }
}

/// What a report is about.
struct About<'p> {
    policy: &'p Policy,
    day: Date,
    samples: usize,
    linkability: Option<Vec<Linkability>>,
}

const fn linkability_word(linkability: Linkability) -> &'static str {
    match linkability {
        Linkability::Domain => "domain",
        Linkability::Document => "document",
        Linkability::None => "none",
    }
}

fn as_text(about: &About<'_>, rows: &[Row]) -> String {
    let About { policy, day, samples, linkability } = about;
    let seen = if *samples == 0 {
        String::from("the inputs of its tests")
    } else {
        count(*samples, "sample", "samples")
    };
    let mut text = format!(
        "# Could less do? {name}\n\n{day}. Policy `{file}`, version `{version}`, purpose `{purpose}`. For each member that \
         leaves: the weaker forms with which its tests\nstill have what the recipient needs (`needs`) and nothing that must \
         be absent. Counted in {seen}.\n\n",
        name = policy.recipient.name,
        file = policy.file,
        version = policy.version,
        purpose = policy.purpose.id,
    );
    text +=
        "| member | of | form | values | class | weaker forms that would do |\n|---|---|---|---|---|---|\n";
    for row in rows {
        let verdict = match &row.verdict {
            Verdict::NotReached => String::from("unknown: no test reaches it"),
            Verdict::NotExamined => String::from("unknown: no test says what is needed"),
            Verdict::Needed => String::from("none: needed as it is"),
            Verdict::Weaker(forms) => forms.join(", "),
        };
        text += &format!(
            "| `{}` | {}, {} | {} | {} | {} | {verdict} |\n",
            row.location.replace('|', "\\|"),
            row.place,
            row.written(policy),
            row.form,
            row.values,
            row.class.map_or("", Class::word),
        );
    }
    let of = |wanted: fn(&Verdict) -> bool| rows.iter().filter(|row| wanted(&row.verdict)).count();
    text += &format!(
        "\n{}: {} needed as they are, {} could be weaker, {} unknown.\n",
        count(rows.len(), "member", "members"),
        of(|verdict| *verdict == Verdict::Needed),
        of(|verdict| matches!(verdict, Verdict::Weaker(_))),
        of(|verdict| matches!(verdict, Verdict::NotReached | Verdict::NotExamined)),
    );
    let now = linkability_word(policy.pseudonyms.linkability);
    text += &match linkability {
        None => format!(
            "Pseudonyms are linkable by `{now}`: unknown whether less would do, no test says what is needed.\n"
        ),
        Some(weaker) if weaker.is_empty() => {
            format!("Pseudonyms are linkable by `{now}`: needed as it is.\n")
        }
        Some(weaker) => {
            let words: Vec<&str> = weaker.iter().map(|kind| linkability_word(*kind)).collect();
            format!("Pseudonyms are linkable by `{now}`; these would do: {}.\n", words.join(", "))
        }
    };
    text
}

fn as_page(about: &About<'_>, rows: Vec<Row>) -> Assessment {
    let About { policy, day, samples, linkability } = about;
    let member = |row: Row| AssessedMember {
        place: format!("{}, {}", row.place, row.written(policy)),
        location: row.location,
        form: row.form,
        values: row.values,
        class: row.class.map(Class::word),
        verdict: row.verdict.word(),
        weaker: match row.verdict {
            Verdict::Weaker(forms) => forms,
            Verdict::NotReached | Verdict::NotExamined | Verdict::Needed => Vec::new(),
        },
    };
    Assessment {
        day: *day,
        recipient: policy.recipient.name.clone(),
        policy: policy.file.to_string(),
        version: policy.version.to_string(),
        purpose: policy.purpose.id.to_string(),
        samples: *samples,
        linkability: linkability_word(policy.pseudonyms.linkability),
        weaker_linkability: linkability
            .as_ref()
            .map(|kinds| kinds.iter().map(|kind| linkability_word(*kind)).collect()),
        members: rows.into_iter().map(member).collect(),
    }
}

/// One object; members are added over time, never changed.
fn as_json(about: &About<'_>, rows: &[Row]) -> String {
    let row = |row: &Row| {
        let weaker = match &row.verdict {
            Verdict::Weaker(forms) => forms.clone(),
            Verdict::NotReached | Verdict::NotExamined | Verdict::Needed => Vec::new(),
        };
        json!({
            "location": row.location,
            "of": row.place,
            "file": &*row.file,
            "line": row.line,
            "form": row.form,
            "values": row.values,
            "class": row.class.map(Class::word),
            "verdict": row.verdict.word(),
            "weaker": weaker,
        })
    };
    let kinds = about.linkability.as_ref();
    let weaker = kinds.map(|kinds| kinds.iter().map(|kind| linkability_word(*kind)).collect::<Vec<_>>());
    let report = json!({
        "date": about.day.to_string(),
        "policy": about.policy.file,
        "version": about.policy.version.to_string(),
        "recipient": about.policy.recipient.id.to_string(),
        "purpose": about.policy.purpose.id.to_string(),
        "samples": about.samples,
        "linkability": linkability_word(about.policy.pseudonyms.linkability),
        "weaker-linkability": weaker,
        "members": rows.iter().map(row).collect::<Vec<_>>(),
    });
    format!("{report:#}\n")
}
