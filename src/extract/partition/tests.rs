//! What a run over all files would have numbered so.

use std::fs;

use super::Partition;
use super::join::join_files;
use crate::extract::checkpoint::{Checkpoint, Terms};
use crate::extract::input::Input;
use crate::extract::source::Rows;
use crate::policy::checked::extract::{Extract, Order};

fn partition(path: &std::path::Path, inputs: Vec<Input>) -> Partition {
    let terms = Terms {
        policy: String::new(),
        keys: String::new(),
        inputs,
        consulted: Vec::new(),
        skips: true,
        piece: 1,
        last_change: 0,
        ties: 0,
    };
    let extract =
        Extract { routes: vec![0], k: 5, order: Order::Input, csv: None, tables: Vec::new(), line: 1 };
    let checkpoint = Checkpoint::new(terms, [0; 16], 1, &extract);
    Partition { path: path.to_owned(), checkpoint, persons: vec![Vec::new()], ties: Vec::new() }
}

#[test]
fn files_have_the_numbers_that_they_have_among_those_of_all_partitions() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let input = |name: &str| {
        fs::write(here.join(name), "{}").unwrap();
        Input::open(&here.join(name), &Rows::default()).unwrap()
    };
    let first = partition(&here.join("p1"), vec![input("a.ndjson"), input("b.json")]);
    let second = partition(&here.join("p2"), vec![input("c.ndjson")]);
    for (partition, records, skipped) in [
        (&first, vec![("records-00002.json", "b")], "2,1,0,\"w\"\n"),
        (&second, vec![("records-00001.ndjson", "c")], "1,3,9,\"w\"\n1,4,20,\"x, y\"\n"),
    ] {
        fs::create_dir_all(partition.path().join("out")).unwrap();
        for (name, text) in records {
            fs::write(partition.path().join("out").join(name), text).unwrap();
        }
        fs::write(partition.path().join("skipped.csv"), format!("file,line,byte,why\n{skipped}")).unwrap();
    }
    let work = here.join("work");
    fs::create_dir(&work).unwrap();
    let skipped = join_files(&[first, second], &work).unwrap();
    assert_eq!(
        fs::read_to_string(skipped).unwrap(),
        "file,line,byte,why\n2,1,0,\"w\"\n3,3,9,\"w\"\n3,4,20,\"x, y\"\n"
    );
    let read = |name: &str| fs::read_to_string(work.join("out").join(name)).unwrap();
    assert_eq!((read("records-00002.json"), read("records-00003.ndjson")), ("b".into(), "c".into()));
    assert_eq!(fs::read_dir(work.join("out")).unwrap().count(), 2);
}
