#!/usr/bin/env bash
# Builds tavs and shows it at work: certificates, two sample clinic APIs and the proxy in one process,
# five recipients calling it. Options go to `tavs demo`: --json, --hold, --minutes N.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v cargo >/dev/null && [ -f "$HOME/.cargo/env" ]; then . "$HOME/.cargo/env"; fi
if ! command -v cargo >/dev/null; then
    echo "Rust is missing: install it as https://rustup.rs says (the version is pinned in rust-toolchain.toml)" >&2
    exit 2
fi
if ! command -v cc >/dev/null; then
    echo "a C compiler is missing (the TLS library needs one): apt-get install gcc libc6-dev" >&2
    exit 2
fi

began=$SECONDS
echo "building (development profile; some minutes the first time) ..." >&2
cargo build --locked --quiet
echo "built in $((SECONDS - began)) s" >&2
exec "${CARGO_TARGET_DIR:-target}/debug/tavs" demo "$@"
