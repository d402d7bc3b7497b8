//! Published input, found by `TAVS_CORPUS`; `test.sh` runs these where that is set, and counts
//! them as skipped where it is not.

mod json_suite;
mod library;
mod medcom;
mod unlinkable;

use std::fs;
use std::path::{Path, PathBuf};

/// The files of one part of the corpus, in order.
fn files(part: &str) -> Vec<PathBuf> {
    let root = std::env::var_os("TAVS_CORPUS").expect("TAVS_CORPUS names the folder of the corpus");
    let mut found = Vec::new();
    gather(&Path::new(&root).join(part), &mut found);
    found.sort();
    assert!(!found.is_empty(), "the corpus has no {part}");
    found
}

fn gather(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap()
}
