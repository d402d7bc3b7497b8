//! Notices that a file of the configuration has changed, and that a key version is to take over.
//!
//! Looks at the files themselves twice a second. The system could tell of changes instead (inotify), but by folder:
//! the store mostly stands beside the configuration, and each page that is written to it would raise an event and
//! wake a thread (docs/performance.md). Looking also works on network file systems, which raise none.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::sleep;

use super::reload::Reloader;
use crate::config::{Config, policy_paths, profile_paths};

/// How often files and the clock are looked at: a thousand policies cost two milliseconds.
const LOOK: Duration = Duration::from_millis(500);
/// Files change in bursts (an editor's save, a deployment): a reload waits for this much quiet,
const QUIET: Duration = Duration::from_millis(200);
/// but for at most so many such waits.
const BURST: usize = 10;

/// What the files of a configuration looked like when they were last read.
#[derive(Debug)]
pub(super) struct Watch {
    looked: Looks,
}

/// What a reload is due for.
enum Turn {
    /// Files look like this now.
    Changed(Looks),
    /// A key version takes over.
    CutOver(Timestamp),
}

impl Watch {
    /// Begins to watch. Done before the files are read, so that no change falls in between.
    pub(super) fn begin(config: &Config) -> Self {
        Self { looked: looks(config).unwrap_or_default() }
    }

    /// Reloads when a file changes or a key version takes over, until `stop` becomes true. If a reload fails, the
    /// next change is the next try.
    pub(super) async fn run(mut self, reloader: Reloader, mut stop: watch::Receiver<bool>) {
        let mut tried = None;
        loop {
            // A look may hang, and must not keep anybody from stopping.
            let turn = tokio::select! {
                turn = self.turn(&reloader, tried) => turn,
                () = stopped(&mut stop) => return,
            };
            match turn {
                Turn::CutOver(at) => tried = Some(at),
                // A configuration that names other files than the last one is read once more, for they may have
                // changed since.
                Turn::Changed(now) => self.looked = now,
            }
            reloader.reload_in_background().await;
        }
    }

    async fn turn(&self, reloader: &Reloader, tried: Option<Timestamp>) -> Turn {
        loop {
            sleep(LOOK).await;
            // The clock is looked at again and again: it may be set.
            if let Some(at) = reloader.due_cut_over().filter(|at| tried != Some(*at)) {
                return Turn::CutOver(at);
            }
            if let Some(now) = look_at(reloader).await.filter(|now| *now != self.looked) {
                return Turn::Changed(when_quiet(reloader, now).await);
            }
        }
    }
}

/// Waits until `stop` becomes true, or nobody can make it so any more.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// What the files look like once they change no more, or have changed for too long.
async fn when_quiet(reloader: &Reloader, mut last: Looks) -> Looks {
    for _ in 0..BURST {
        sleep(QUIET).await;
        match look_at(reloader).await {
            Some(now) if now != last => last = now,
            Some(_) | None => break,
        }
    }
    last
}

/// Looks on a thread that may block: a network file system may hang.
async fn look_at(reloader: &Reloader) -> Option<Looks> {
    let reloader = reloader.clone();
    tokio::task::spawn_blocking(move || looks(&reloader.last_read())).await.ok().flatten()
}

/// What files look like from outside: which one it is, how long, when changed, and its mode.
type Looks = BTreeMap<PathBuf, Option<[i128; 5]>>;

/// `None` if policies cannot be listed now, as where descriptors have run out: what is not seen has not gone.
fn looks(config: &Config) -> Option<Looks> {
    let policies = match policy_paths(&config.policies.value) {
        Ok(policies) => policies,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(_) => return None,
    };
    let profiles = profile_paths(&config.policies.value).files.into_iter().map(|(_, path)| path);
    let files = config_files(config).into_iter().chain(policies).chain(profiles);
    Some(files.map(|path| (path.clone(), look(&path))).collect())
}

fn look(path: &Path) -> Option<[i128; 5]> {
    let found = std::fs::metadata(path).ok()?;
    let changed = i128::from(found.ctime()) * 1_000_000_000 + i128::from(found.ctime_nsec());
    Some([found.dev().into(), found.ino().into(), found.size().into(), changed, found.mode().into()])
}

/// The files that the configuration names, and itself. What tavs writes to is not among them.
fn config_files(config: &Config) -> Vec<PathBuf> {
    let written = [&config.ledger.directory.value, &config.store.value, &config.policies.value];
    let named = config.paths.iter().map(|at| at.value.clone()).filter(|path| !written.contains(&path));
    named.chain([PathBuf::from(&config.source.path)]).collect()
}
