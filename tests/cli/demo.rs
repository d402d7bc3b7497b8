//! `tavs demo`: every promise holds, the page fits a terminal, and nothing is left behind, also
//! when it is interrupted.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

fn demo(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tavs"));
    command.arg("demo").env("TMPDIR", directory).env_remove("NO_COLOR");
    command
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().next().is_none()
}

/// As `--json` tells it: `test.sh` runs that.
#[test]
fn every_promise_of_the_demo_holds_on_a_page_that_fits_a_terminal() {
    let directory = tempfile::tempdir().unwrap();
    let done = demo(directory.path()).output().unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    let sum = text.lines().find_map(|line| line.strip_suffix(" promises held, 0 broken"));
    let sum = sum.unwrap_or_else(|| panic!("{text}"));
    assert!(sum.parse::<u32>().unwrap() > 30, "{sum}");
    assert!(!text.contains('\x1b'));
    let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 100).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    assert!(done.status.success());
    assert!(is_empty(directory.path()), "something is left in the temporary directory");
}

#[test]
fn a_demo_that_is_stopped_while_held_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = demo(directory.path());
    let mut held = command.args(["--hold", "--minutes", "2"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(held.stdout.take().unwrap());
    let mut page = String::new();
    while !page.lines().next_back().is_some_and(|line| line.starts_with("curl ")) {
        assert!(lines.read_line(&mut page).unwrap() > 0, "it ended before it was held:\n{page}");
    }
    assert!(!is_empty(directory.path()));
    let killed = Command::new("kill").args(["-TERM", &held.id().to_string()]).status().unwrap();
    assert!(killed.success());
    lines.read_to_string(&mut page).unwrap();
    assert!(held.wait().unwrap().success(), "{page}");
    assert!(is_empty(directory.path()), "something is left in the temporary directory");
}
