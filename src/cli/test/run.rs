//! One policy's tests, run.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::lines::{difference, laid_out};
use crate::absence;
use crate::authoring::coverage::{self, Coverage};
use crate::authoring::leaks::Identifiers;
use crate::authoring::needs::{Examined, Fates};
use crate::json;
use crate::policy::checked::{Policy, PolicyTest, Route, TestText};
use crate::policy::plan::Plan;
use crate::pseudonym::{KeyRing, Salt};
use crate::rewrite::{self, Watch};

/// Keys for tests, the same for ever: expected outputs hold pseudonyms made with them.
const TEST_SEED: [u8; 32] = *b"tavs test keys, of no other use.";

/// In place of a response's random salt, and of another's.
pub(in crate::cli) const TEST_SALT: [u8; 16] = *b"tavs test salt..";
const OTHER_SALT: [u8; 16] = *b"tavs other salt.";

/// The largest test file, in bytes.
const LARGEST: u64 = 64 << 20;

/// What came of one test.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) file: String,
    pub(super) line: u32,
    /// Recipient, route, and the input if it is a file.
    pub(super) name: String,
    pub(super) problems: Vec<String>,
    /// Whether the output is another than a file expects, or the file is not there yet.
    pub(super) differs: bool,
    /// Whether the expected output was written anew.
    pub(super) updated: bool,
    /// How many different identifiers of the input were looked for.
    pub(super) identifiers: usize,
}

impl Outcome {
    pub(super) fn failed(&self) -> bool {
        !self.problems.is_empty()
    }
}

/// What a run does beside comparing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Also {
    /// Writes what comes out to the expected files.
    pub(super) update: bool,
    /// Looks for the inputs' identifiers in the outputs.
    pub(super) generate: bool,
}

/// The keys of tests.
pub(in crate::cli) fn ring() -> KeyRing {
    KeyRing::throw_away(TEST_SEED)
}

/// Runs every test of a policy, and sees what they reach.
pub(super) fn policy(policy: &Policy, also: Also) -> (Vec<Outcome>, Coverage) {
    let ring = ring();
    let mut coverage = Coverage::new(policy);
    let outcomes = policy.tests.iter().map(|test| one(policy, test, &ring, also, &mut coverage)).collect();
    (outcomes, coverage)
}

fn one(policy: &Policy, test: &PolicyTest, ring: &KeyRing, also: Also, coverage: &mut Coverage) -> Outcome {
    let mut outcome = Outcome {
        file: policy.file.clone(),
        line: test.line,
        name: policy.recipient.id.to_string(),
        problems: Vec::new(),
        differs: false,
        updated: false,
        identifiers: 0,
    };
    let Some(route) = policy.routes.get(test.route) else { return outcome };
    outcome.name = format!("{} {}", policy.recipient.id, route.name);
    if let TestText::File(name) = &test.input {
        outcome.name += &format!(" {name}");
    }
    let case = match Case::of(policy, test, ring) {
        Ok(case) => case,
        Err(problem) => {
            outcome.problems.push(problem);
            return outcome;
        }
    };
    if let Err(problem) = case.compare(also, coverage, &mut outcome) {
        outcome.problems.push(problem);
    }
    outcome
}

/// One test, ready to run.
pub(in crate::cli) struct Case<'p> {
    policy: &'p Policy,
    test: Cow<'p, PolicyTest>,
    folder: PathBuf,
    plan: Plan,
    input: Vec<u8>,
    lines: bool,
}

impl<'p> Case<'p> {
    /// Reads the test's input, and compiles its route.
    pub(in crate::cli) fn of(
        policy: &'p Policy,
        test: &'p PolicyTest,
        ring: &KeyRing,
    ) -> Result<Self, String> {
        let route = policy.routes.get(test.route).ok_or("there is no such route")?;
        let folder = Path::new(&policy.file).parent().unwrap_or_else(|| Path::new("")).to_owned();
        let plan = Plan::compile(policy, route, ring).map_err(|errors| {
            let lines = errors.iter().map(|error| format!("the route cannot be compiled: {error}\n"));
            lines.collect::<String>()
        })?;
        let input = body(&folder, &test.input).map_err(|problem| format!("input: {problem}"))?;
        let lines = is_lines(route, &test.input);
        Ok(Self { policy, test: Cow::Borrowed(test), folder, plan, input, lines })
    }

    /// A sample in the place of a test.
    pub(in crate::cli) fn of_sample(
        policy: &'p Policy,
        route: usize,
        name: &str,
        input: Vec<u8>,
        ring: &KeyRing,
    ) -> Result<Self, String> {
        let written = policy.routes.get(route).ok_or("there is no such route")?;
        let plan = Plan::compile(policy, written, ring).map_err(|_errors| "the route cannot be compiled")?;
        let input_is = TestText::File(name.to_owned());
        let lines = is_lines(written, &input_is);
        let test = PolicyTest {
            route,
            input: input_is,
            output: None,
            absent: Vec::new(),
            needs: Vec::new(),
            line: 0,
        };
        Ok(Self { policy, test: Cow::Owned(test), folder: PathBuf::new(), plan, input, lines })
    }

    /// What comes out.
    pub(in crate::cli) fn released<W: Watch>(&self, salt: &Salt, watch: &mut W) -> Result<Vec<u8>, String> {
        let rewritten = if self.lines {
            rewrite::rewrite_lines(&self.plan, &self.input, salt, watch)
        } else {
            rewrite::rewrite(&self.plan, &self.input, salt, watch)
        };
        Ok(rewritten.map_err(|fault| format!("input: {fault}"))?.released.into_body())
    }

    fn compare(&self, also: Also, coverage: &mut Coverage, outcome: &mut Outcome) -> Result<(), String> {
        let released = self.released(&TEST_SALT, &mut coverage.of_route(self.test.route))?;
        let known: Vec<&str> = self.test.absent.iter().map(String::as_str).collect();
        for index in absence::find_any(&released, &known) {
            let value = known.get(index).copied().unwrap_or_default();
            outcome.problems.push(format!("`{value}` is in the output"));
        }
        outcome.problems.extend(self.unmet()?);
        if also.generate {
            self.look_for_identifiers(&released, outcome)?;
        }
        self.compare_output(&String::from_utf8_lossy(&released), also.update, outcome)
    }

    /// Which of the test's needs are not met, in words.
    fn unmet(&self) -> Result<Vec<String>, String> {
        if self.test.needs.is_empty() {
            return Ok(Vec::new());
        }
        let mut examined = Examined::new(&self.test.needs);
        for document in self.documents() {
            let (mut first, mut second) = (Fates::default(), Fates::default());
            for (salt, fates) in [(&TEST_SALT, &mut first), (&OTHER_SALT, &mut second)] {
                rewrite::rewrite(&self.plan, document, salt, fates)
                    .map_err(|fault| format!("input: {fault}"))?;
            }
            let document = serde_json::from_slice(document).map_err(|error| format!("input: {error}"))?;
            examined.add(&document, &first, &second);
        }
        Ok(examined.unmet())
    }

    /// The input's documents.
    fn documents(&self) -> Vec<&[u8]> {
        if !self.lines {
            return vec![&self.input];
        }
        self.input.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect()
    }

    /// Which route the test is of.
    pub(in crate::cli) fn route(&self) -> usize {
        self.test.route
    }

    /// Whether the test says what the recipient needs.
    pub(in crate::cli) fn says_needs(&self) -> bool {
        !self.test.needs.is_empty()
    }

    /// The same test of a policy that says something else.
    pub(in crate::cli) fn under<'q>(
        &'q self,
        policy: &'q Policy,
        ring: &KeyRing,
    ) -> Result<Case<'q>, String> {
        let route = policy.routes.get(self.test.route).ok_or("there is no such route")?;
        let plan = Plan::compile(policy, route, ring).map_err(|_errors| "the route cannot be compiled")?;
        let (folder, input) = (self.folder.clone(), self.input.clone());
        Ok(Case { policy, test: Cow::Borrowed(&*self.test), folder, plan, input, lines: self.lines })
    }

    /// Whether the output, whatever it is, has all that is needed and nothing that must be absent.
    pub(in crate::cli) fn accepts(&self) -> Result<bool, String> {
        let known: Vec<&str> = self.test.absent.iter().map(String::as_str).collect();
        let released = self.released(&TEST_SALT, &mut ())?;
        Ok(absence::find_any(&released, &known).is_empty() && self.unmet()?.is_empty())
    }

    /// Whatever identifies somebody in the input must not be in the output.
    fn look_for_identifiers(&self, released: &[u8], outcome: &mut Outcome) -> Result<(), String> {
        let names = coverage::names_of(self.policy);
        let mut identifiers = Identifiers::new(self.policy, self.test.route, &names);
        self.released(&TEST_SALT, &mut identifiers)?;
        outcome.identifiers = identifiers.count();
        if identifiers.left_out() > 0 {
            outcome.problems.push(format!(
                "the input has {} more identifiers than are looked for: split it",
                identifiers.left_out()
            ));
        }
        for leak in identifiers.leaks(released) {
            let to = leak.to.iter().map(|place| format!("`{place}`")).collect::<Vec<_>>().join(", ");
            let to = if to.is_empty() { String::from("in a form that spans several members") } else { to };
            outcome
                .problems
                .push(format!("a value of `{}` ({}) is in the output: {to}", leak.from, leak.class));
        }
        Ok(())
    }

    fn compare_output(&self, got: &str, update: bool, outcome: &mut Outcome) -> Result<(), String> {
        let lines = self.lines;
        match &self.test.output {
            Some(TestText::File(name)) if update => {
                let path = self.folder.join(name);
                let wanted = fs::read_to_string(&path).unwrap_or_default();
                if compacted(&wanted, lines).ok().as_deref() != Some(got.trim_end()) {
                    let text = laid_out(got, lines).join("\n") + "\n";
                    fs::write(path, text).map_err(|error| format!("output: {name}: {error}"))?;
                    outcome.updated = true;
                }
            }
            Some(output) => {
                let wanted = body(&self.folder, output).map_err(|problem| format!("output: {problem}"));
                outcome.differs = matches!(output, TestText::File(_));
                let wanted = compacted(&String::from_utf8_lossy(&wanted?), lines)
                    .map_err(|problem| format!("output: {problem}"))?;
                if wanted == got.trim_end() {
                    outcome.differs = false;
                } else {
                    let lines = (laid_out(&wanted, lines), laid_out(got, lines));
                    outcome.problems.push(difference(
                        &lines.0,
                        &lines.1,
                        "the output differs: - expected, + is",
                    ));
                }
            }
            None => {}
        }
        Ok(())
    }
}

/// Whether an input is one document a line: the route's content types say, or else the file's name.
fn is_lines(route: &Route, input: &TestText) -> bool {
    let types = &route.response.media_types;
    let by_name = matches!(input, TestText::File(name) if name.ends_with(".ndjson"));
    types.iter().all(|one| one.is_lines()) || (by_name && types.iter().any(|one| one.is_lines()))
}

fn body(folder: &Path, text: &TestText) -> Result<Vec<u8>, String> {
    match text {
        TestText::Inline(text) => Ok(text.clone().into_bytes()),
        TestText::File(name) => {
            read(&folder.join(name)).map_err(|error| format!("cannot read `{name}`: {error}"))
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let size = fs::metadata(path)?.len();
    if size > LARGEST {
        return Err(io::Error::other(format!("it has {size} bytes, and a test file has at most {LARGEST}")));
    }
    fs::read(path)
}

/// The text without insignificant whitespace, and without empty lines if it is one document a line.
fn compacted(text: &str, lines: bool) -> Result<String, String> {
    let compact =
        |text: &str| json::compact(text).map_err(|error| format!("not JSON at byte {}", error.offset));
    if !lines {
        return compact(text);
    }
    let all: Result<Vec<String>, String> =
        text.lines().filter(|line| !line.trim().is_empty()).map(compact).collect();
    Ok(all?.join("\n"))
}
