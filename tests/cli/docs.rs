//! What the documents show is run: every block that opens with "```sh tested", in order, in one
//! copy of the policies for each document. A block fails as a script would: at its first error.

use std::fs;
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

fn run(document: &str, line: usize, script: &str, directory: &Path) {
    let binary = Path::new(env!("CARGO_BIN_EXE_tavs")).parent().unwrap().display().to_string();
    let path = std::env::var("PATH").unwrap_or_default();
    let done = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(directory)
        .env("PATH", format!("{binary}:{path}"))
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
