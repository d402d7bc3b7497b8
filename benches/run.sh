#!/usr/bin/env bash
# All benchmarks, one after the other, and at the end one table of what was wanted and what came out.
# Half an hour on a quiet machine, and for `proxy` the builds of packaging/build.sh unless TAVS names a binary. Needs
# what benches/proxy/run.sh needs, and valgrind.
#
#   benches/run.sh                   all
#   benches/run.sh rewrite ledger    some of: rewrite instructions ledger index schemes refusals table policies extract proxy
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
told=$(mktemp) || exit 2
trap 'rm -f "$told"' EXIT

all=(rewrite instructions ledger index schemes refusals table policies extract proxy)
[ $# -gt 0 ] || set -- "${all[@]}"
for name in "$@"; do
    [[ " ${all[*]} " == *" $name "* ]] || { echo "no benchmark \`$name\`; there are: ${all[*]}" >&2; exit 2; }
done
bad=()
for name in "$@"; do
    echo "== $name"
    case "$name" in
        proxy) benches/proxy/run.sh ;;
        instructions) cargo bench --locked --profile instructions --bench instructions ;;
        *) cargo bench --locked --bench "$name" ;;
    esac | tee -a "$told" | grep -v '^goal|' || bad+=("$name")
done
echo "== all"
printf '| what | wanted | measured: median (least-most) |\n|---|---|---|\n'
grep '^goal|' "$told" | cut -c5-
[ "${#bad[@]}" = 0 ] || { echo "did not run to its end: ${bad[*]}"; exit 1; }
