#!/usr/bin/env bash
# Everything that must hold before a change lands. Installs what it needs on a fresh Debian with
# Rust, then checks format, lints, tests, documentation, the shipped policies, the demo, the script that
# builds what ships, and counts of instructions.
#
#   ./test.sh            all but the slow suites
#   ./test.sh --all      these too
#   TAVS_CORPUS=DIR      a folder of published example resources: its tests run, else they are skipped
#
# What was skipped is listed by name; the last line is always `N passed, N failed, N skipped`.
set -uo pipefail
cd "$(dirname "$0")" || exit 2

# The day that dates in policies are judged by, so that nothing fails by calendar.
DAY=2026-03-01
passed=0 failed=0 skipped=0
failures=() skips=()
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT

main() {
    local all=no
    case "${1:-}" in
        "") ;;
        --all) all=yes ;;
        *) echo "usage: ./test.sh [--all]" >&2; exit 2 ;;
    esac
    if need_tools; then
        step "format" cargo fmt --check
        step "lints" cargo clippy --locked --all-features --all-targets -- -D warnings
        step "lints without cargo features" cargo clippy --locked --lib --bins -- -D warnings
        step "build" cargo build --locked --all-features
        tests "$all"
        step "benchmarks (they run and agree, nothing is measured)" cargo test --locked --all-features --bench rewrite --bench ledger --bench index --bench policies --bench refusals --bench schemes --bench extract
        step "pseudonyms again, by the second implementation" pseudonyms_again
        step "policies against the schema, by a validator" schema_by_a_validator
        step "the README of an extract, its commands in Python and R" extract_is_read
        doc_tests
        step "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --locked --all-features --no-deps
        policies
        demo
        step "packaging/build.sh (trained with the debug build: another stands in for the compiler)" tests/packaging.sh "$tavs"
        instructions
    fi
    finish
}

need_tools() {
    if ! command -v cargo >/dev/null && [ -f "$HOME/.cargo/env" ]; then . "$HOME/.cargo/env"; fi
    if ! command -v cargo >/dev/null; then
        fail "tools: Rust is missing; install it as https://rustup.rs says"
        return 1
    fi
    if ! command -v cc >/dev/null; then
        echo "== a C compiler is missing (the TLS library needs one): installing gcc"
        as_root apt-get update -q && as_root apt-get install -q -y --no-install-recommends gcc libc6-dev ||
            { fail "tools: gcc cannot be installed"; return 1; }
    fi
    if ! command -v curl >/dev/null || ! command -v python3 >/dev/null; then
        echo "== curl or python3 is missing (tests run the README's commands and the ledger's second verifier): installing both"
        as_root apt-get update -q && as_root apt-get install -q -y --no-install-recommends curl python3 ||
            { fail "tools: curl and python3 cannot be installed"; return 1; }
    fi
    if ! cargo nextest --version >/dev/null 2>&1; then
        echo "== cargo-nextest is missing: installing it (some minutes; unoptimised, as that builds sooner)"
        cargo install --locked --quiet --debug --version 0.9.143 cargo-nextest || { fail "tools: cargo-nextest cannot be installed"; return 1; }
    fi
}

# Sets `python` to one in which an import works: Debian's, or one of its own with packages from PyPI.
python_with() {
    local import=$1 venv=target/python
    shift
    python=python3
    if "$python" -c "$import" 2>/dev/null; then return; fi
    if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
        as_root apt-get update -q && as_root apt-get install -q -y --no-install-recommends python3 python3-venv || return 1
    fi
    python=$venv/bin/python
    "$python" -m pip --version >/dev/null 2>&1 || { rm -rf "$venv" && python3 -m venv "$venv"; } || return 1
    "$python" -c "$import" 2>/dev/null || "$python" -m pip install --quiet "$@"
}

# The second implementation of docs/pseudonyms.md needs a package that Debian has too old.
pseudonyms_again() {
    local python
    python_with 'from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV' 'cryptography>=42' || return 1
    "$python" tests/vectors/pseudonyms.py check tests/vectors/pseudonyms.txt
}

# The schema for editors, held to the shipped policies by a validator that knows all of draft-07.
schema_by_a_validator() {
    local python
    python_with 'import jsonschema, tomllib' 'jsonschema>=4' || return 1
    "$python" tests/policies/validate.py docs/policy.schema.json policies/*.toml tests/policies/base.toml
}

# An extract opened by each command of its README, with the programs that researchers have.
extract_is_read() {
    local python
    if ! Rscript --vanilla -e 'library(jsonlite)' >/dev/null 2>&1; then
        echo "== R with jsonlite is missing (the README of an extract has its commands): installing both"
        as_root apt-get update -q && as_root apt-get install -q -y --no-install-recommends r-base-core r-cran-jsonlite || return 1
    fi
    python_with 'import duckdb, pandas, pyarrow; assert int(pandas.__version__.split(".")[0]) >= 2' 'duckdb>=1.4,<3' 'pandas>=2,<4' 'pyarrow>=15,<26' || return 1
    "$python" tests/read_extract.py "$tavs"
}

# What the parts of an exchange take, against benches/instructions/baseline.txt: counted, not timed. Valgrind shows
# programs a processor of its own, whatever is below, as long as that has AVX2.
instructions() {
    if [ "$(uname -m)" != x86_64 ] || ! grep -qw avx2 /proc/cpuinfo; then
        skips+=("instruction counts: their baseline is of x86-64 with AVX2")
        skipped=$((skipped + 1))
        return
    fi
    if ! command -v valgrind >/dev/null; then
        echo "== valgrind is missing (it counts instructions): installing it"
        as_root apt-get update -q && as_root apt-get install -q -y --no-install-recommends valgrind ||
            { fail "tools: valgrind cannot be installed"; return; }
    fi
    step "instructions (at most 3 % over their baseline)" cargo bench --locked --profile instructions --bench instructions
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); failures+=("$1"); }

# Runs one step that passes or fails as a whole.
step() {
    local name=$1 began=$SECONDS
    shift
    echo "== $name"
    if "$@"; then pass; echo "   $name: good, $((SECONDS - began)) s"; else fail "$name"; fi
}

# Adds up the `N word` pairs of a summary line: tests that timed out or could not start have failed.
add_summary() {
    local number word
    while read -r number word; do
        case "$word" in
            passed) passed=$((passed + number)) ;;
            *) failed=$((failed + number)) ;;
        esac
    done < <(grep -oE '[0-9]+ (passed|failed|timed out|exec failed)' <<<"$1")
}

# Tests that need the corpus are `#[ignore]`d and have `corpus` in their path; slow ones are
# `#[ignore]`d and have `slow` in it. Any other ignored test is always skipped.
tests() {
    local all=$1 chosen='none()'
    [ -z "${TAVS_CORPUS:-}" ] || chosen="$chosen or test(/corpus/)"
    if [ "$all" = yes ]; then
        chosen="$chosen or test(/slow/)"
        [ -n "${TAVS_CORPUS:-}" ] || chosen="($chosen) and not test(/corpus/)"
    else
        chosen="($chosen) and not test(/slow/)"
    fi
    nextest "tests"
    nextest "ignored tests" --run-ignored ignored-only -E "$chosen"
    mapfile -t -O "${#skips[@]}" skips < <(cargo nextest list --locked --all-features --color never --message-format oneline \
        --run-ignored ignored-only -E "not ($chosen)" 2>/dev/null)
    skipped=$((skipped + ${#skips[@]}))
}

nextest() {
    local name=$1 status summary failed_before=$failed
    shift
    echo "== $name"
    cargo nextest run --locked --all-features --color never --no-fail-fast --no-tests pass \
        --status-level fail --final-status-level fail "$@" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    summary=$(grep -E '^ *Summary \[' "$log" | tail -n 1)
    if [ -z "$summary" ]; then fail "$name: nextest gave no summary (exit $status)"; return; fi
    add_summary "$summary"
    mapfile -t -O "${#failures[@]}" failures < <(grep -E '^ *(FAIL|TIMEOUT|SIG[A-Z]+|ABORT|XFAIL) ' "$log" |
        sed -E 's/^ *[A-Z]+ \[[^]]*\] *(\([^)]*\))? *//' | sort -u)
    if [ "$status" != 0 ] && [ "$failed" = "$failed_before" ]; then fail "$name: nextest exit $status"; fi
}

doc_tests() {
    local status line any=no
    echo "== doc tests"
    cargo test --locked --all-features --color never --doc 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    local failed_before=$failed
    while read -r line; do add_summary "$line"; any=yes; done < <(grep -E '^test result: ' "$log" | sed 's/;/,/g; s/[0-9]* measured.*//')
    local before=${#skips[@]}
    mapfile -t -O "$before" skips < <(sed -nE 's/^test (.*) \.\.\. ignored.*/\1/p' "$log")
    skipped=$((skipped + ${#skips[@]} - before))
    mapfile -t -O "${#failures[@]}" failures < <(sed -nE 's/^test (.*) \.\.\. FAILED.*/\1/p' "$log")
    [ "$any" = yes ] || fail "doc tests: no summary (exit $status)"
    if [ "$status" != 0 ] && [ "$any" = yes ] && [ "$failed" = "$failed_before" ]; then fail "doc tests: exit $status"; fi
}

policies() {
    local line
    step "policies are laid out by tavs" "$tavs" policy fmt --check policies
    step "tavs check" "$tavs" check --at "$DAY" --deny-warnings policies
    echo "== tavs test"
    "$tavs" test --at "$DAY" policies 2>&1 | tee "$log"
    local status=${PIPESTATUS[0]} failed_before=$failed
    line=$(grep -E '[0-9]+ passed' "$log" | tail -n 1)
    if [ -z "$line" ]; then fail "tavs test: no summary (exit $status)"; return; fi
    add_summary "$line"
    if [ "$failed" != "$failed_before" ] || [ "$status" != 0 ]; then
        [ "$failed" != "$failed_before" ] || failed=$((failed + 1))
        failures+=("tavs test (exit $status): $line")
    fi
}

demo() {
    echo "== tavs demo --json"
    "$tavs" demo --json >"$log"
    local status=$? held broken
    held=$(grep -cE '"held": *true' "$log")
    broken=$(grep -cE '"held": *false' "$log")
    passed=$((passed + held)) failed=$((failed + broken))
    mapfile -t -O "${#failures[@]}" failures < <(grep -E '"held": *false' "$log" | sed 's/^/demo promise: /')
    echo "   $held promises held, $broken broken"
    if [ "$held" = 0 ] || { [ "$status" != 0 ] && [ "$broken" = 0 ]; }; then fail "tavs demo --json: exit $status"; fi
}

finish() {
    if [ "${#skips[@]}" -gt 0 ]; then
        echo "== skipped"
        printf '   %s\n' "${skips[@]}"
        [ -n "${TAVS_CORPUS:-}" ] || echo "   (TAVS_CORPUS is not set: tests over the corpus are among them)"
    fi
    if [ "${#failures[@]}" -gt 0 ]; then
        echo "== failed"
        printf '   %s\n' "${failures[@]}"
    fi
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
}

tavs="${CARGO_TARGET_DIR:-target}/debug/tavs"
main "$@"
