#!/usr/bin/env bash
# The whole proxy beside nginx, which passes through: CPU, latency, connections, memory, growth.
# Loopback only; everything that it starts it stops. Needs nginx, oha, openssl, curl and Python 3,
# and what packaging/build.sh needs.
#
#   benches/proxy/run.sh                 all tables, as Markdown
#   benches/proxy/run.sh cpu latency     some of: cpu latency handshakes memory large growth
#   ROUNDS=5 SECONDS_EACH=3 …            how often, and how long each
#   LEVEL=info …                         with the line that tavs logs of each exchange by default; nginx logs none
#   LARGE="1 10 100"          which large responses, in MB
#   TAVS=target/release/tavs …           a binary that is there, instead of the one that packaging/build.sh builds
#
# With two processors or more, the proxy has the first for itself; origin and load have the others.
set -euo pipefail
cd "$(dirname "$0")/../.."
for tool in nginx oha openssl curl python3 taskset; do
    PATH="$PATH:/usr/sbin" command -v "$tool" >/dev/null || { echo "$tool is missing (Debian: apt-get install nginx-light openssl curl python3 util-linux; cargo install oha)" >&2; exit 2; }
done
if [ -z "${TAVS:-}" ]; then
    TAVS=$(packaging/build.sh | tail -n 1)
fi
PATH="$PATH:/usr/sbin" exec python3 benches/proxy/measure.py "$TAVS" "$@"
