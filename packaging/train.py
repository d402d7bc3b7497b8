"""Gives an instrumented tavs what it does all day, so that its build can be guided by that. See build.sh.

    train.py TAVS [--rounds N]    serves, extracts and checks; every answer must have the status expected

Loopback only; what it starts it stops. The documents are invented, and none of those that benchmarks measure with:
who measures with what a build was trained on measures how well it remembers. Needs curl with HTTP/2.
"""

import argparse
import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

POLICY = """policy = 1

[recipient]
id       = "sms-reminders"
name     = "Training"
relation = "research"
contact  = "training@example.invalid"

[identity]
anchor      = "partners"
certificate = { uri = "urn:tavs:recipient:sms-reminders" }

[agreement]
reference = "TRAINING"
signed    = 2026-01-15
review    = 2099-01-15
expires   = 2099-01-15

[purpose]
id        = "training"
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
requests    = "10000/s"
burst       = 100000
concurrency = 1000
subjects    = "1000000/day"
buffer      = "16 MiB"
response    = "1 GiB"

[free-text]
cpr = "mask"

[[route]]
name     = "visits"
methods  = ["GET"]
path     = "/visits/{name}"
upstream = "booking"
path-members = { name = { keep = true, pattern = "word" } }
[route.response]
record  = "$.visits[*]"
subject = ["$.person.cpr"]
[route.response.members]
"$.next"                        = "keep"
"$.visits[*].visitId"           = { pseudonymise = "id", type = "Visit" }
"$.visits[*].begins"            = "keep"
"$.visits[*].room"              = "keep"
"$.visits[*].remarks"           = "keep"
"$.visits[*].person.cpr"        = { pseudonymise = "cpr" }
"$.visits[*].person.name"       = { mask = "first-word" }
"$.visits[*].person.born"       = { generalise = "year" }
"$.visits[*].person.postalCode" = "keep"

[[route]]
name     = "resources"
methods  = ["GET"]
path     = "/fhir/{name}"
upstream = "booking"
path-members = { name = { keep = true, pattern = "word" } }
[route.response]
content-types = ["application/json", "application/fhir+ndjson"]
record = "$.entry[*]"
shapes = ["Bundle", "Encounter", "Condition"]

[[route]]
name     = "lines"
methods  = ["GET"]
path     = "/lines/{name}"
upstream = "booking"
path-members = { name = { keep = true, pattern = "word" } }
[route.response]
content-types = ["application/fhir+ndjson"]
shapes = ["Encounter", "Condition"]

[[shape]]
name = "Bundle"
at   = ["$"]
when = { resourceType = "Bundle" }
no-subject = "what stands around the entries"
[shape.members]
"$.resourceType" = "keep"
"$.type"         = "keep"
"$.total"        = "keep"

[[shape]]
name = "Encounter"
at   = ["$", "$.entry[*].resource"]
when = { resourceType = "Encounter" }
subject = ["$.subject.identifier.value"]
[shape.members]
"$.resourceType"             = "keep"
"$.id"                       = { pseudonymise = "id", type = "Encounter" }
"$.status"                   = "keep"
"$.class"                    = "keep"
"$.subject.identifier.value" = { pseudonymise = "cpr" }
"$.period.start"             = { generalise = "month" }
"$.reasonCode"               = "keep"

[[shape]]
name = "Condition"
at   = ["$", "$.entry[*].resource"]
when = { resourceType = "Condition" }
subject = ["$.subject.identifier.value"]
[shape.members]
"$.resourceType"             = "keep"
"$.clinicalStatus"           = "keep"
"$.code"                     = "keep"
"$.subject.identifier.value" = { pseudonymise = "cpr" }
"$.onsetDateTime"            = "keep"
"$.severity.coding"          = "keep"

[extract]
routes = ["lines"]
"""

# What an extract with tables has besides.
TABLES = """
[[extract.table]]
name        = "conditions"
description = "One row for each diagnosis"
when        = { resourceType = "Condition" }
enforce     = "coarsen"
most-suppressed = "50 %"
[[extract.table.column]]
name        = "patient"
path        = "$.subject.identifier.value"
type        = "text"
description = "Pseudonym"
key         = true
[[extract.table.column]]
name             = "code"
path             = "$.code.coding[*].code"
type             = "text"
description      = "Diagnosis"
quasi-identifier = true
coarsen          = [{ prefix = 2 }]
[[extract.table.column]]
name             = "onset"
path             = "$.onsetDateTime"
type             = "text"
description      = "Since when"
quasi-identifier = true
coarsen          = [{ prefix = 7 }, { prefix = 4 }]

[[extract.table]]
name        = "encounters"
description = "One row for each visit"
when        = { resourceType = "Encounter" }
enforce     = "suppress"
[[extract.table.column]]
name        = "patient"
path        = "$.subject.identifier.value"
type        = "text"
description = "Pseudonym"
key         = true
[[extract.table.column]]
name        = "begins"
path        = "$.period.start"
type        = "text"
description = "The month"
[[extract.table.column]]
name        = "reason"
path        = "$.reasonCode[*].text"
type        = "text"
description = "Why"
"""

CAPS = """
[upstreams.booking.caps]
concurrency = 1000
idle        = 64
"""


# Test numbers only: the serial 99xx is given to nobody.
def cpr(n):
    return f"{n % 28 + 1:02}{n // 28 % 12 + 1:02}{n // 336 % 90 + 10:02}99{n % 100:02}"


def visit(n):
    seen = "".join(f',{{"at":"20{10 + of}-0{of + 1}-11T10:05:00+01:00","by":"Læge {n % 7}"}}' for of in range(n % 5))[1:]
    return (
        f'{{"visitId":"V{n}", "begins":"2026-04-{n % 28 + 1:02}T08:{n % 60:02}:00+02:00", "room":{n % 12}, '
        f'"remarks":"Kontrol efter {n % 9} uger; ring på {20304000 + n}, kl. 8-10 (2,5 mg dgl.)", "doctor":{{"id":"L{n % 7}","name":"Læge {n % 7}"}}, '
        f'"person":{{"cpr":"{cpr(n)[:6]}-{cpr(n)[6:]}","name":"Karen Margrethe Prøve","born":"19{n % 90 + 10}-0{n % 9 + 1}-1{n % 9}","street":"Prøvegade {n}, st. th","postalCode":"{2000 + n % 7000}"}}, '
        f'"earlier":[{seen}], "invoice":{{"lines":[{{"code":"0101","amount":{n % 300}.50}},{{"code":"2101","amount":{n % 90}.00}}],"paid":true}}}}'
    )


def coding(n, system, text):
    return f'{{"coding":[{{"system":"{system}","code":"D{n % 100:02}","display":"{text} {n % 100}"}}],"text":"{text}"}}'


def resource(n):
    whose = f'"subject":{{"reference":"https://ehr.example/fhir/{n % 997}","identifier":{{"system":"urn:oid:1.2.208.176.1.2","value":"{cpr(n)}"}},"display":"Karen \\u00e6 Prøve"}}'
    meta = f'"meta":{{"versionId":"{n % 5}","lastUpdated":"2026-03-0{n % 9 + 1}T12:00:00Z","profile":["http://example.invalid/profile"]}},"text":{{"status":"generated","div":"<div>{"tekst " * (n % 40)}</div>"}}'
    if n % 3:
        return (
            f'{{"resourceType":"Condition","id":"c{n}",{meta},"clinicalStatus":{coding(n, "http://example.invalid/status", "aktiv")},'
            f'"code":{coding(n, "http://example.invalid/sks", "Forhøjet blodtryk")},{whose},"onsetDateTime":"20{n % 23 + 2:02}-1{n % 3}-0{n % 9 + 1}",'
            f'"severity":{coding(n, "http://example.invalid/grad", "moderat")},"note":[{{"text":"Set {n % 20} gange, sidst for {n % 11} uger siden"}}]}}'
        )
    return (
        f'{{"resourceType":"Encounter","id":"e{n}",{meta},"status":"finished","class":{{"system":"http://example.invalid/class","code":"AMB"}},{whose},'
        f'"participant":[{{"individual":{{"display":"Læge {n % 7}"}}}}],"period":{{"start":"2025-1{n % 3}-0{n % 9 + 1}T09:15:00+01:00","end":"2025-1{n % 3}-0{n % 9 + 1}T09:45:00+01:00"}},'
        f'"reasonCode":[{coding(n, "http://example.invalid/icpc", "Kontrol")}],"location":[{{"location":{{"display":"Prøvegade {n}"}}}}]}}'
    )


def visits(first, many):
    return '{"next":null,"visits":[%s],"more":{"pages":[1,2,3],"by":"date"}}' % ", ".join(map(visit, range(first, first + many)))


def bundle(first, many):
    entries = ",\n ".join(f'{{"fullUrl":"https://ehr.example/fhir/{n}","resource":{resource(n)}}}' for n in range(first, first + many))
    return '{"resourceType":"Bundle","type":"searchset","total":%d,"entry":[\n %s]}' % (many, entries)


# By path: the content type, and some documents of one size in turns.
DOCUMENTS = {
    "visits/small": ("application/json", [visits(n, 2) for n in range(40)]),
    "visits/page": ("application/json", [visits(90 * n, 60) for n in range(8)]),
    "visits/many": ("application/json", [visits(700 * n, 900) for n in range(2)]),
    "fhir/small": ("application/json", [bundle(n, 1) for n in range(40)]),
    "fhir/page": ("application/json", [bundle(70 * n, 50) for n in range(8)]),
    "fhir/many": ("application/json", [bundle(900 * n, 800) for n in range(2)]),
    "lines/all": ("application/fhir+ndjson", ["".join(resource(n) + "\n" for n in range(300))]),
}
# How often in a round, how many at once, and in which version.
LOADS = [(name, many, at_once, version) for name, many, at_once in (
    ("visits/small", 1000, 16), ("fhir/small", 1000, 16), ("visits/page", 200, 8), ("fhir/page", 200, 8), ("visits/many", 10, 2), ("fhir/many", 10, 2), ("lines/all", 50, 4),
) for version in ("--http1.1", "--http2")] + [("visits/small", 300, 1, "--http1.1"), ("fhir/page", 100, 1, "--http1.1")]


# Seconds that a server may take to end: it lets go of idle connections after thirty.
DRAIN = 60


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        name, _, number = self.path.lstrip("/").partition("-")
        content_type, documents = DOCUMENTS[name]
        body = documents[int(number or 0) % len(documents)].encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    def log_message(self, *_):
        pass


class Origins(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def home_of(tavs, folder, origin, port, admin):
    home = folder / "home"
    run(folder, [tavs, "init", home])
    for old in (home / "policies").glob("*.toml"):
        old.unlink()
    (home / "policies/training.toml").write_text(POLICY)
    (home / "policies/tables.toml").write_text(POLICY.replace("sms-reminders", "researchers") + TABLES)
    config = (home / "tavs.toml").read_text()
    for written, wanted in (("127.0.0.1:8443", f"127.0.0.1:{port}"), ("127.0.0.1:8080", f"127.0.0.1:{origin}"), ("127.0.0.1:9443", f"127.0.0.1:{admin}")):
        if written not in config:
            sys.exit(f"`tavs init` no longer writes {written}: mend packaging/train.py")
        config = config.replace(written, wanted)
    (home / "tavs.toml").write_text(config + CAPS)
    run(home, [tavs, "keys", "new", "keys/ring.toml", "--add", "--policies", "policies", "--why", "training"])
    return home


def serve(tavs, home, port, rounds):
    """Serves and is asked; gives how many answers there were."""
    log = home / "tavs.log"
    with log.open("w") as told:
        server = subprocess.Popen([tavs, "serve"], cwd=home, stdout=subprocess.DEVNULL, stderr=told)
    try:
        wait_for(port, server, log)
        answers = sum(ask(home, port, load, at) for at in range(rounds) for load in LOADS)
        # Refused, as its policy has no such route.
        expect(curl(home, port, "nowhere-[1-20]", 4, "--http1.1"), "404", 20)
        # It writes what it counted when it ends by itself.
        server.terminate()
        if server.wait(DRAIN) != 0:
            sys.exit(f"tavs serve ends with {server.returncode}: {end_of(log)}")
        return answers + 20
    finally:
        server.kill()
        server.wait()


def end_of(log):
    """What it said last: there is a line for each exchange, as by default."""
    return "".join(log.read_text(errors="replace").splitlines(keepends=True)[-20:])


def wait_for(port, server, log):
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if server.poll() is not None:
            break
        time.sleep(0.1)
    sys.exit(f"tavs serve does not start: {end_of(log)}")


def ask(home, port, load, at):
    name, many, at_once, version = load
    first = at * many
    expect(curl(home, port, f"{name}-[{first}-{first + many - 1}]", at_once, version), "200", many)
    return many


def curl(home, port, path, at_once, version):
    """The status of each answer; a pattern of names is one connection or a few, kept open."""
    certs = home / "certs"
    how = ["--parallel", "--parallel-max", str(at_once)] if at_once > 1 else []
    # Nothing of the user's own settings, such as a proxy: this stays on loopback, and ends.
    command = ["curl", "--disable", "--noproxy", "*", "--max-time", "300", "--silent", version, *how, "--cacert", certs / "server-ca.pem", "--cert", certs / "sms-reminders.pem", "--key", certs / "sms-reminders.key",
               "--output", os.devnull, "--write-out", "%{http_code}\\n", f"https://localhost:{port}/{path}"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()


def expect(codes, wanted, many):
    if codes != [wanted] * many:
        sys.exit(f"{many} answers with {wanted} were expected: {len(codes)} came, of them {sum(code != wanted for code in codes)} others")


def run(home, command):
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"tavs {command[1]} ends with {done.returncode}: {done.stderr}")
    return done.stderr


def extract(tavs, home, folder, rounds):
    """Extracts of some thousand lines, on one thread and on two, of records and of tables, and a look at the policies."""
    lines = folder / "export.ndjson"
    with lines.open("w") as out:
        for n in range(2000 * rounds):
            out.write(resource(n) + "\n")
    extracts = [(policy, form, threads) for policy, form in (("training", "ndjson"), ("tables", "ndjson"), ("tables", "csv")) for threads in ("1", "2")]
    for number, (policy, form, threads) in enumerate(extracts):
        told = run(home, [tavs, "extract", "--policy", f"policies/{policy}.toml", "--output", folder / f"out-{number}", "--format", form, "--enforce", "--why", "training", "--threads", threads, lines])
        if policy == "tables" and "was not met, and is" not in told:
            sys.exit(f"disclosure control had nothing to enforce: {told}")
    run(home, [tavs, "check", "policies"])
    return 2000 * rounds * len(extracts)


def main():
    arguments = argparse.ArgumentParser(description="Gives an instrumented tavs what it does all day.")
    arguments.add_argument("tavs")
    arguments.add_argument("--rounds", type=int, default=1)
    given = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    tavs, folder = str(Path(given.tavs).resolve()), Path(tempfile.mkdtemp(prefix="tavs-training-"))
    origins = Origins(("127.0.0.1", 0), Origin)
    threading.Thread(target=origins.serve_forever, daemon=True).start()
    try:
        port = free_port()
        home = home_of(tavs, folder, origins.server_address[1], port, free_port())
        answers = serve(tavs, home, port, given.rounds)
        lines = extract(tavs, home, folder, given.rounds)
        print(f"trained: {answers} answers, {lines} lines extracted")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
