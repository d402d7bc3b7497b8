"""Opens an extract as a researcher does: runs each command of the bundle's README in the bundle, over every form of the
data, and holds what it prints and reads to what went in.

    read_extract.py TAVS    a tavs with the feature `parquet`, run by a Python with pandas, pyarrow and duckdb, and with
                            R (jsonlite) on the path

Not run: R's command for Parquet (`arrow`, which Debian 12 has no package of), and those for Stata (which is sold). The
persons are invented; the serial 99xx is given to nobody.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path

POLICY = """policy = 1

[recipient]
id       = "sms-reminders"
name     = "Reading"
relation = "research"
contact  = "reading@example.invalid"

[identity]
anchor      = "partners"
certificate = { uri = "urn:tavs:recipient:sms-reminders" }

[agreement]
reference = "READING"
signed    = 2026-01-15
review    = 2099-01-15
expires   = 2099-01-15

[purpose]
id        = "reading"
category  = "legitimate-interest"
basis     = ["gdpr-6-1-e", "gdpr-9-2-j", "dbl-10"]
consent   = "not-required"
retention = "until 2099-01-15"

[transfer]
country = "DK"

[pseudonyms]
domain      = "sms-reminders"
scheme      = "keyed"
linkability = "domain"

[limits]
requests    = "1/s"
burst       = 1
concurrency = 1
subjects    = "1000/day"
buffer      = "1 MiB"
response    = "1 MiB"

[free-text]
cpr = "mask"

[[route]]
name     = "results"
methods  = ["GET"]
path     = "/results"
upstream = "booking"
[route.response]
content-types = ["application/x-ndjson"]
subject = ["$.cpr"]
[route.response.members]
"$.cpr"    = "pseudonymise"
"$.method" = "keep"
"$.value"  = "keep"
"$.unit"   = "keep"

[extract]
routes = ["results"]

[[extract.table]]
name        = "results"
description = "One row for each result"
[[extract.table.column]]
name        = "patient"
path        = "$.cpr"
type        = "text"
description = "Pseudonym"
key         = true
[[extract.table.column]]
name        = "method"
path        = "$.method"
type        = "text"
description = "How it was measured"
[[extract.table.column]]
name        = "value"
path        = "$.value"
type        = "number"
description = "What was measured"
[[extract.table.column]]
name        = "unit"
path        = "$.unit"
type        = "text"
description = "What it is measured in"
"""

# Methods, values and units, and how often each comes: decimals, what is missing, and in a text
# everything that one form or another must quote or encode; codes that are no numbers.
RESULTS = Counter({
    ("0123", 6.3, "µmol/l"): 13,
    ("0123", -1.5, 'æ;ø,å "x"'): 4,
    ("0456", 1250.25, None): 7,
    (None, None, "mmol/l"): 5,
})
METHODS = Counter()
for (method, _, _), many in RESULTS.items():
    METHODS[method] += many

FORMS = {
    "ndjson": ["--format", "ndjson"],
    "csv": ["--format", "csv"],
    "danish csv": ["--format", "csv", "--csv", "danish"],
    "parquet": ["--format", "parquet"],
}
PLAIN, DUCKDB, PANDAS, R = "Python, with nothing but its standard library", "Python with DuckDB", "Python with pandas", "R"
# What must run, so that none gets lost unseen.
READ = [(form, by) for form in ("ndjson", "csv", "danish csv") for by in (PLAIN, PANDAS, R)]
READ += [("parquet", DUCKDB), ("parquet", PANDAS)]
# Behind a README's command: the rows that it reads, each as a line of JSON.
TELL = {
    PLAIN: """
for row in rows("results"):
    print("told", json.dumps([row["method"], row["value"], row["unit"]]))""",
    DUCKDB: """
import json
for row in duckdb.sql("SELECT method, value, unit FROM 'results.parquet'").fetchall():
    print("told", json.dumps(row))""",
    PANDAS: """
import json
told = data[["method", "value", "unit"]].astype(object)
for row in told.where(told.notna(), None).values.tolist():
    print("told", json.dumps(row))""",
    R: """
told <- function(value) ifelse(is.na(value), "null", encodeString(as.character(value), quote = '"'))
value <- ifelse(is.na(data[["value"]]), "null", format(data[["value"]] + 0, digits = 15, trim = TRUE))
cat(sprintf("told [%s, %s, %s]\\n", told(data[["method"]]), value, told(data[["unit"]])), sep = "")""",
}


def run(*command, cwd):
    environment = os.environ | {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=300)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))[:2000]}\nexit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def put(file, *changes):
    """Changes a file in places that are there once each."""
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        if text.count(old) != 1:
            sys.exit(f"{file.name}: `{old}` is there {text.count(old)} times")
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def lines():
    """What a clinic's system exports."""
    number = 0
    for (method, value, unit), many in RESULTS.items():
        for _ in range(many):
            number += 1
            line = {"cpr": f"{number % 28 + 1:02}0153{9900 + number}", "method": method, "value": value, "unit": unit}
            yield json.dumps({name: value for name, value in line.items() if value is not None}) + "\n"


def prepare(tavs, home):
    """An installation in which the policy was in force once."""
    run(tavs, "init", home, cwd=home.parent)
    for policy in (home / "policies").glob("*.toml"):
        policy.unlink()
    (home / "policies/reading.toml").write_text(POLICY, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        listen, admin = (f"127.0.0.1:{free.getsockname()[1]}" for free in (one, other))
    put(home / "tavs.toml", ('"127.0.0.1:8443"', f'"{listen}"'), ('"127.0.0.1:9443"', f'"{admin}"'))
    (home / "export.ndjson").write_text("".join(lines()), encoding="utf-8")
    with open(home / "log", "w+", encoding="utf-8") as log:
        serving = subprocess.Popen([tavs, "serve"], cwd=home, stderr=log)
        try:
            # Loopback, whatever proxy the environment names.
            there = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            for _ in range(600):
                try:
                    return there.open(f"http://{admin}/readyz", timeout=5).close()
                except OSError:
                    time.sleep(0.1)
                if serving.poll() is not None:
                    break
            log.seek(0)
            sys.exit(f"tavs serve is not ready\n{log.read()}")
        finally:
            serving.send_signal(signal.SIGTERM)
            try:
                serving.wait(30)
            except subprocess.TimeoutExpired:
                serving.kill()
                serving.wait()


def commands(bundle):
    """Each command of a README, and under which heading it stands."""
    for part in re.split(r"^(?=## )", (bundle / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE):
        heading = part.splitlines()[0].removeprefix("## ")
        for command in re.findall(r"^```(?:python|r)\n(.*?)^```$", part, flags=re.MULTILINE | re.DOTALL):
            if "arrow::" not in command:
                yield heading, command


def check(bundle, heading, command):
    """Ends the test where a command does not print or read what went in."""
    how = ["Rscript", "--vanilla", "-e"] if heading == R else [sys.executable, "-c"]
    said = run(*how, command + TELL[heading], cwd=bundle)
    printed = [line for line in said.splitlines() if not line.startswith("told ")]
    rows = Counter(tuple(json.loads(line.removeprefix("told "))) for line in said.splitlines() if line.startswith("told "))
    words = re.findall(r"\w+", " ".join(printed))
    missing = [str(count) for method, count in METHODS.items() if not {method, str(count)} - {None} <= set(words)]
    if heading == DUCKDB:
        missing += [text for text in ("How it was measured", "What was measured") if text not in said]
    if missing or rows != RESULTS:
        sys.exit(f"{bundle.name}, {heading}: does not print {missing}, reads {rows}\nbut this went in: {RESULTS}\n{command}\n{said}")


def main():
    tavs = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as work:
        home = Path(work) / "home"
        prepare(tavs, home)
        ran = []
        for form, options in FORMS.items():
            bundle = home / form
            given = ["--policy", "policies/reading.toml", "--output", bundle.name, "--why", "tests", *options]
            run(tavs, "extract", *given, "export.ndjson", cwd=home)
            for heading, command in commands(bundle):
                check(bundle, heading, command)
                ran.append((form, heading))
    if ran != READ:
        sys.exit(f"these ran: {ran}\nand these were to run: {READ}")
    print(f"{len(ran)} commands print and read what went in")


main()
