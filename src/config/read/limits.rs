//! Deadlines, caps and bounds: what is not written keeps its default.

use std::time::Duration;

use crate::net::{self, UpstreamSettings};
use crate::policy::syntax::Table;

/// Deadlines are from here to here: none can be switched off.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_hours(24);
/// Caps on counts likewise.
const MOST: u64 = 1_000_000;
/// The largest bound in bytes.
pub(super) const LARGEST: u64 = 1 << 40;

pub(super) fn listen_deadlines(mut table: Table<'_>, deadlines: &mut net::Deadlines) {
    deadline(&mut table, "handshake", &mut deadlines.handshake);
    deadline(&mut table, "header", &mut deadlines.header);
    deadline(&mut table, "idle", &mut deadlines.idle);
    deadline(&mut table, "write-stall", &mut deadlines.write_stall);
    deadline(&mut table, "write-whole", &mut deadlines.write_whole);
    deadline(&mut table, "max-age", &mut deadlines.max_age);
    deadline(&mut table, "drain", &mut deadlines.drain);
    table.finish();
}

pub(super) fn listen_caps(mut table: Table<'_>, limits: &mut net::Limits) {
    cap(&mut table, "connections", &mut limits.caps.connections);
    cap(&mut table, "per-address", &mut limits.caps.per_address);
    cap(&mut table, "per-certificate", &mut limits.caps.per_certificate);
    if let Some(streams) = table.optional_integer("streams", 1..=MOST) {
        limits.http2.max_concurrent_streams = u32::try_from(streams.value).unwrap_or(u32::MAX);
    }
    table.finish();
}

pub(super) fn upstream_limits(table: &mut Table<'_>, settings: &mut UpstreamSettings) {
    if let Some(mut table) = table.optional_table("deadlines") {
        let deadlines = &mut settings.deadlines;
        deadline(&mut table, "wait", &mut deadlines.wait);
        deadline(&mut table, "connect", &mut deadlines.connect);
        deadline(&mut table, "first-byte", &mut deadlines.first_byte);
        deadline(&mut table, "whole", &mut deadlines.whole);
        deadline(&mut table, "idle", &mut deadlines.idle);
        table.finish();
    }
    if let Some(mut table) = table.optional_table("caps") {
        cap(&mut table, "concurrency", &mut settings.concurrency);
        settings.max_idle = settings.concurrency;
        cap(&mut table, "idle", &mut settings.max_idle);
        table.finish();
    }
}

pub(super) fn deadline(table: &mut Table<'_>, name: &'static str, into: &mut Duration) {
    if let Some(read) = table.optional_duration(name, SHORTEST..=LONGEST) {
        *into = read.value;
    }
}

fn cap(table: &mut Table<'_>, name: &'static str, into: &mut usize) {
    if let Some(read) = table.optional_integer(name, 1..=MOST) {
        *into = usize::try_from(read.value).unwrap_or(usize::MAX);
    }
}

pub(super) fn bound(table: &mut Table<'_>, name: &'static str, into: &mut usize) {
    if let Some(read) = table.optional_size(name, 1024..=LARGEST) {
        *into = usize::try_from(read.value).unwrap_or(usize::MAX);
    }
}
