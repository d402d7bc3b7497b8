//! What the documents show is run: every block that opens with "```sh tested", in order, in one
//! copy of the policies for each document. A block fails as a script would: at its first error.
//! Every other command that they name exists, with its options.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const OPENING: &str = "```sh tested";

#[test]
fn what_the_documents_show_runs() {
    let mut blocks = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let directory = tempfile::tempdir().unwrap();
        copy(&Path::new(ROOT).join("policies"), &directory.path().join("policies"));
        for (line, script) in tested(&text) {
            run(&document, line, &script, directory.path());
            blocks += 1;
        }
    }
    assert!(blocks > 0, "no document has a block that opens with {OPENING}");
}

/// The README and what lies in docs/.
fn documents() -> Vec<String> {
    let mut all = vec![format!("{ROOT}/README.md")];
    let pages = fs::read_dir(format!("{ROOT}/docs")).unwrap();
    all.extend(pages.map(|page| page.unwrap().path().to_string_lossy().into_owned()));
    all.retain(|path| path.ends_with(".md"));
    all.sort();
    all
}

/// The line that each block begins on, and its text.
fn tested(text: &str) -> Vec<(usize, String)> {
    let mut lines = text.lines().enumerate();
    let mut blocks = Vec::new();
    while let Some((number, line)) = lines.next() {
        if line == OPENING {
            let script: Vec<&str> =
                lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            blocks.push((number + 1, script.join("\n")));
        }
    }
    blocks
}

/// Ports of `tavs init` and of the documents: taken by whoever else runs them on this machine.
const PORTS: [&str; 3] = ["8443", "9443", "8080"];

fn run(document: &str, line: usize, script: &str, directory: &Path) {
    let ports = free_ports();
    let on_free_ports = |text: &str| {
        PORTS.iter().zip(&ports).fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    let commands = tempfile::tempdir().unwrap();
    wrap_tavs(&commands.path().join("tavs"), &ports);
    let path = std::env::var("PATH").unwrap_or_default();
    // What a block leaves running would outlive it.
    let script = format!("trap 'jobs -p | xargs -r kill || true' EXIT\n{}", on_free_ports(script));
    let done = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(directory)
        .env("PATH", format!("{}:{path}", commands.path().display()))
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{document}:{line} fails with {}\n{}\n{}",
        done.status,
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

fn free_ports() -> Vec<String> {
    let all: Vec<TcpListener> = PORTS.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    all.iter().map(|one| one.local_addr().unwrap().port().to_string()).collect()
}

/// `tavs` that makes configurations on other ports.
fn wrap_tavs(path: &Path, ports: &[String]) {
    let edits: Vec<String> =
        PORTS.iter().zip(ports).map(|(from, to)| format!("-e s/:{from}/:{to}/")).collect();
    // `exec`, so that a signal reaches tavs itself.
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = init ] || exec {tavs} \"$@\"\n{tavs} \"$@\" && sed -i {} \"$2/tavs.toml\"\n",
        edits.join(" "),
        tavs = env!("CARGO_BIN_EXE_tavs"),
    );
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Names of commands and options that the documents show and tavs does not know.
#[test]
fn every_command_that_the_documents_name_exists() {
    let mut helps = Helps::default();
    let mut unknown = Vec::new();
    let mut commands = 0;
    let folders =
        ["ARCHITECTURE.md", "src/cli/init/certs.md", "src/cli/init/next.txt", "src/cli/init/tavs.toml"];
    let others = folders.map(|name| format!("{ROOT}/{name}"));
    for document in documents().into_iter().chain(others) {
        let text = fs::read_to_string(&document).unwrap();
        let mut in_block = false;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !is_exempt(line)) {
            in_block ^= line.starts_with("```");
            for command in commands_of(line, in_block || line.starts_with("  ")) {
                commands += 1;
                if let Err(word) = helps.check(&command) {
                    unknown.push(format!("{document}:{}: `{command}`: {word}", number + 1));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(commands > 50, "{commands}");
}

/// Lines about what is not there yet, and words that are input of a key derivation.
fn is_exempt(line: &str) -> bool {
    line.starts_with("Not yet") || line.contains("*Not yet") || line.contains("HKDF")
}

/// Commands of a line: in code spans, and all of it in a script.
fn commands_of(line: &str, is_script: bool) -> Vec<String> {
    let spans = line.split('`').skip(1).step_by(2);
    let script = (is_script && !line.contains('`')).then_some(line).into_iter();
    let pieces = spans.chain(script).flat_map(|code| code.split(['|', ';', '&', '#']));
    pieces.map(str::trim).filter(|piece| piece.starts_with("tavs ")).map(str::to_owned).collect()
}

/// What `tavs … --help` says, by subcommand.
#[derive(Default)]
struct Helps(BTreeMap<Vec<String>, String>);

impl Helps {
    fn of(&mut self, path: &[&str]) -> &str {
        let key = path.iter().map(|word| (*word).to_owned()).collect();
        self.0.entry(key).or_insert_with(|| {
            let help = path.iter().chain(&["--help"]);
            super::tavs(Path::new("."), help).out
        })
    }

    /// The first word of a command that is not known.
    fn check(&mut self, command: &str) -> Result<(), String> {
        let mut path: Vec<&str> = Vec::new();
        let mut words = command.split_whitespace().skip(1).peekable();
        while let Some(word) = words.peek() {
            let Some((_, listed)) = self.of(&path).split_once("\nCommands:\n") else { break };
            let plain = word.starts_with(|c: char| c.is_ascii_lowercase());
            let known =
                listed.lines().filter_map(|line| line.split_whitespace().next()).any(|name| name == *word);
            match (plain, known) {
                (false, _) => break,
                (true, false) => return Err((*word).to_owned()),
                (true, true) => path.extend(words.next()),
            }
        }
        let help = self.of(&path);
        let options = words.filter(|word| word.starts_with("--") && word.len() > 2);
        let mut names = options.map(|word| word.trim_end_matches(|c: char| !c.is_alphanumeric()));
        names
            .find(|name| !help.split([' ', '\n', ',']).any(|word| word == *name))
            .map_or(Ok(()), |name| Err(name.to_owned()))
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
