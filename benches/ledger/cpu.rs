//! Processor time of some of this process's threads.

use std::fs;

/// Microseconds that all threads whose name begins so have used until now. Threads that have ended
/// do not count, so the runtimes measured keep theirs.
pub(crate) fn of_threads(name: &str) -> f64 {
    let mut nanoseconds = 0_u64;
    for task in fs::read_dir("/proc/self/task").unwrap().map(Result::unwrap) {
        let read = |file: &str| fs::read_to_string(task.path().join(file)).unwrap_or_default();
        if read("comm").starts_with(name) {
            let used = read("schedstat");
            nanoseconds += used.split_whitespace().next().map_or(0, |used| used.parse().unwrap());
        }
    }
    nanoseconds as f64 / 1e3
}

/// The middle one, and the least and greatest.
pub(crate) fn summary(mut figures: Vec<f64>, places: usize) -> String {
    figures.sort_by(f64::total_cmp);
    let (least, most) = (figures[0], figures[figures.len() - 1]);
    format!("{:.places$} ({least:.places$}-{most:.places$})", figures[figures.len() / 2])
}
