//! One policy's tests, run.

use std::fs;
use std::io;
use std::path::Path;

use super::lines::{difference, laid_out};
use crate::absence;
use crate::json;
use crate::policy::checked::{Policy, PolicyTest, Route, TestText};
use crate::policy::plan::Plan;
use crate::pseudonym::KeyRing;
use crate::rewrite;

/// Keys for tests, the same for ever: expected outputs hold pseudonyms made with them.
const TEST_SEED: [u8; 32] = *b"tavs test keys, of no other use.";

/// In place of a response's random salt.
const TEST_SALT: [u8; 16] = *b"tavs test salt..";

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
}

impl Outcome {
    pub(super) fn failed(&self) -> bool {
        !self.problems.is_empty()
    }
}

/// Runs every test of a policy.
pub(super) fn policy(policy: &Policy, update: bool) -> Vec<Outcome> {
    let ring = KeyRing::throw_away(TEST_SEED);
    policy.tests.iter().map(|test| one(policy, test, &ring, update)).collect()
}

fn one(policy: &Policy, test: &PolicyTest, ring: &KeyRing, update: bool) -> Outcome {
    let mut outcome = Outcome {
        file: policy.file.clone(),
        line: test.line,
        name: policy.recipient.id.to_string(),
        problems: Vec::new(),
        differs: false,
        updated: false,
    };
    let Some(route) = policy.routes.get(test.route) else { return outcome };
    outcome.name = format!("{} {}", policy.recipient.id, route.name);
    if let TestText::File(name) = &test.input {
        outcome.name += &format!(" {name}");
    }
    if let Err(problem) = compare(policy, route, test, ring, update, &mut outcome) {
        outcome.problems.push(problem);
    }
    outcome
}

fn compare(
    policy: &Policy,
    route: &Route,
    test: &PolicyTest,
    ring: &KeyRing,
    update: bool,
    outcome: &mut Outcome,
) -> Result<(), String> {
    let folder = Path::new(&policy.file).parent().unwrap_or_else(|| Path::new(""));
    let plan = Plan::compile(policy, route, ring).map_err(|errors| {
        errors.iter().map(|error| format!("the route cannot be compiled: {error}\n")).collect::<String>()
    })?;
    let input = body(folder, &test.input).map_err(|problem| format!("input: {problem}"))?;
    let lines = is_lines(route, &test.input);
    let rewritten = if lines {
        rewrite::rewrite_lines(&plan, &input, &TEST_SALT, &mut ())
    } else {
        rewrite::rewrite(&plan, &input, &TEST_SALT, &mut ())
    };
    let released = rewritten.map_err(|fault| format!("input: {fault}"))?.released.into_body();
    let got = String::from_utf8_lossy(&released);
    let known: Vec<&str> = test.absent.iter().map(String::as_str).collect();
    for index in absence::find_any(&released, &known) {
        let value = known.get(index).copied().unwrap_or_default();
        outcome.problems.push(format!("`{value}` is in the output"));
    }
    match &test.output {
        Some(TestText::File(name)) if update => {
            let wanted = fs::read_to_string(folder.join(name)).unwrap_or_default();
            if compacted(&wanted, lines).ok().as_deref() != Some(got.trim_end()) {
                let text = laid_out(&got, lines).join("\n") + "\n";
                fs::write(folder.join(name), text).map_err(|error| format!("output: {name}: {error}"))?;
                outcome.updated = true;
            }
        }
        Some(output) => {
            let in_file = matches!(output, TestText::File(_));
            outcome.differs = in_file;
            let wanted = body(folder, output).map_err(|problem| format!("output: {problem}"))?;
            let wanted = compacted(&String::from_utf8_lossy(&wanted), lines)
                .map_err(|problem| format!("output: {problem}"))?;
            if wanted != got.trim_end() {
                let lines = (laid_out(&wanted, lines), laid_out(&got, lines));
                outcome.problems.push(difference(&lines.0, &lines.1));
            } else {
                outcome.differs = false;
            }
        }
        None => {}
    }
    Ok(())
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
