#!/usr/bin/env bash
# Builds tavs as it ships: an instrumented build is trained (train.py), and what it counted guides the build that
# is kept, which is then trained once more, to see that it serves. Takes two release builds: some twenty minutes on
# two cores.
#
#   packaging/build.sh                    target/shipped/tavs, and beside it the build profile that guided it
#   packaging/build.sh --profile FILE     by the build profile of an earlier build of the same sources: one build
#   FEATURES=parquet packaging/build.sh   with cargo features
#   ROUNDS=5 packaging/build.sh           how often the training goes through its loads
#
# Flags in RUSTFLAGS hold for both; those of CARGO_ENCODED_RUSTFLAGS and of cargo's configuration files do not.
# Needs a C compiler, Python 3 and curl; without --profile rustup, too (for llvm-profdata, which must be of the
# compiler's own version).
set -euo pipefail

profile=
case "$#:${1:-}" in
    0:) ;;
    2:--profile) profile=$(realpath -e "$2") ;;
    *) echo "usage: packaging/build.sh [--profile FILE]" >&2; exit 2 ;;
esac
cd "$(dirname "$0")/.."
tools=(cargo cc python3 curl)
# Only what was counted is merged by a tool of the compiler's.
[ -n "$profile" ] || tools+=(rustup)
for tool in "${tools[@]}"; do
    command -v "$tool" >/dev/null || { echo "$tool is missing (https://rustup.rs; Debian: apt-get install gcc libc6-dev python3 curl)" >&2; exit 2; }
done

host=$(rustc -vV | sed -n 's/^host: //p')
work=$(realpath -m "${CARGO_TARGET_DIR:-target}")/shipped
mkdir -p "$work"

# Flags for what runs only, not for build scripts: hence the target, though it is the host. Encoded, so that a path
# may have blanks.
build() {
    local words flags
    read -ra words <<<"${RUSTFLAGS:-}"
    words+=("$1")
    flags=$(IFS=$'\037'; echo "${words[*]}")
    CARGO_ENCODED_RUSTFLAGS=$flags cargo build --release --locked --bin tavs --target "$host" --target-dir "$work/$2" ${FEATURES:+--features "$FEATURES"}
}

if [ -z "$profile" ]; then
    rustup component add llvm-tools
    merge=$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata
    rm -rf "$work/counted"
    build "-Cprofile-generate=$work/counted" instrumented
    python3 packaging/train.py "$work/instrumented/$host/release/tavs" --rounds "${ROUNDS:-5}"
    profile=$work/new.profdata
    "$merge" merge --output "$profile" "$work/counted"
fi
build "-Cprofile-use=$profile" guided
python3 packaging/train.py "$work/guided/$host/release/tavs"
# Only now: what lies there belongs together.
cp "$work/guided/$host/release/tavs" "$work/tavs"
[ "$profile" -ef "$work/tavs.profdata" ] || cp "$profile" "$work/tavs.profdata"
echo "$work/tavs"
