"""Loads tavs and nginx with the same requests, in turns, and prints what each took. See run.sh."""

import json
import os
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = int(os.environ.get("ROUNDS", "5"))
EACH = int(os.environ.get("SECONDS_EACH", "3"))
ORIGIN, NGINX, TAVS, ADMIN = 27410, 27411, 27412, 27413
CPUS = os.cpu_count() or 1
PROXY_CPU, OTHER_CPUS = "0", f"1-{CPUS - 1}" if CPUS > 1 else "0"
LEVEL = os.environ.get("LEVEL", "error")
LARGE = [int(size) for size in os.environ.get("LARGE", "1 10 100 1000").split()]
TICK = os.sysconf("SC_CLK_TCK")

# Test numbers only: the serial 99xx is given to nobody.
POLICY = """policy = 1

[recipient]
id       = "sms-reminders"
name     = "Bench"
relation = "processor"
contact  = "bench@example.invalid"

[identity]
anchor      = "partners"
certificate = { uri = "urn:tavs:recipient:sms-reminders" }

[agreement]
reference = "BENCH"
signed    = 2026-01-15
review    = 2099-01-15
expires   = 2099-01-15

[purpose]
id        = "appointment-reminders"
category  = "service"
basis     = ["gdpr-6-1-b", "gdpr-9-2-h"]
consent   = "not-required"
retention = "30 days"

[transfer]
country = "DK"

[pseudonyms]
domain      = "sms-reminders"
scheme      = "keyed"
linkability = "domain"

[limits]
requests    = "10000/s"
burst       = 100000
concurrency = 10000
subjects    = "1000000/day"
buffer      = "BUFFER"
response    = "4 GiB"

[free-text]
cpr = "mask"

[[route]]
name     = "documents"
methods  = ["GET"]
path     = "/{name}"
upstream = "booking"
path-members = { name = { keep = true, pattern = "word" } }
[route.response]
record  = "$.entry[*]"
subject = ["$.patient.cpr"]
[route.response.members]
"$.entry[*].id"              = { pseudonymise = "id", type = "Appointment" }
"$.entry[*].start"           = "keep"
"$.entry[*].status"          = "keep"
"$.entry[*].note"            = "keep"
"$.entry[*].patient.cpr"     = "pseudonymise"
"$.entry[*].patient.gender"  = "keep"
"$.entry[*].clinic.name"     = "keep"
"""

CAPS = """
[listen.caps]
connections     = 8192
per-address     = 8192
per-certificate = 8192
streams         = 256
[listen.deadlines]
header = "60 s"
[upstreams.booking.caps]
concurrency = 4096
idle        = 512
"""

NGINX_CONF = """
worker_processes 1; pid {work}/{name}.pid; error_log /dev/null; daemon off;
events {{ worker_connections 8192; }}
http {{
  access_log off; default_type application/json; keepalive_requests 100000000; keepalive_timeout 3600s;
  client_body_temp_path {work}/t1; proxy_temp_path {work}/t2; fastcgi_temp_path {work}/t3; uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
  {body}
}}
"""


def record(number, size):
    """One appointment of about `size` bytes, of which a third leaves."""
    cpr = f"{number % 28 + 1:02}{number // 28 % 12 + 1:02}{number // 336 % 90 + 10:02}99{number % 100:02}"
    kept = f'"start":"2026-03-04T09:20:00+01:00","status":"booked","note":"Medbring liste over medicin; fastende fra kl. 22","clinic":{{"name":"Laegehuset Noerrebro"}}'
    patient = f'"patient":{{"cpr":"{cpr}","gender":"female","name":[{{"family":"Testesen","given":["Nancy","Ann"]}}],"telecom":[{{"system":"phone","value":"{20000000 + number}"}}]'
    own = f'{{"id":"A-{number}",{kept},{patient},"address":['
    line = '{"line":["Proevevej 12, 3. tv"],"city":"Koebenhavn N","postalCode":"2200","country":"DK"}'
    lines = max(1, (size - len(own) - 4) // (len(line) + 1))
    return own + ",".join([line] * lines) + "]}}"


def document(size, records):
    each = max(1, (size - 40) // max(1, records))
    return '{"total":%d,"entry":[%s]}' % (records, ",".join(record(n, each) for n in range(records)))


class Stage:
    """Origin, nginx and tavs, each a process group of its own."""

    def __init__(self, tavs):
        self.work = Path(tempfile.mkdtemp(prefix="tavs-bench-"))
        os.chmod(self.work, 0o755)
        self.tavs_binary, self.running = str(Path(tavs).resolve()), {}
        (self.work / "data").mkdir()
        home = self.work / "home"
        subprocess.run([self.tavs_binary, "init", str(home)], check=True, capture_output=True)
        self.home, self.certs = home, home / "certs"
        self.origin()
        self.nginx()
        self.tavs()

    def write(self, name, text):
        (self.work / "data" / name).write_text(text)

    def start(self, name, command, port, cpus):
        prefix = ["taskset", "-c", cpus] if CPUS > 1 else []
        with (self.work / f"{name}.log").open("ab") as told:
            process = subprocess.Popen(prefix + command, stdout=subprocess.DEVNULL, stderr=told, start_new_session=True)
        self.running[name] = process
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if process.poll() is not None:
                break
            time.sleep(0.05)
        self.stop()
        sys.exit(f"{name} does not start: {' '.join(command)}")

    def origin(self):
        body = f"server {{ listen 127.0.0.1:{ORIGIN} backlog=4096; root {self.work}/data; }}"
        self.conf("origin", body)
        self.start("origin", ["nginx", "-p", str(self.work), "-c", str(self.work / "origin.conf")], ORIGIN, OTHER_CPUS)

    def nginx(self):
        body = f"""upstream origin {{ server 127.0.0.1:{ORIGIN}; keepalive 512; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{NGINX} ssl http2 backlog=4096; ssl_protocols TLSv1.3; ssl_session_tickets off; ssl_session_cache off;
    ssl_certificate {self.certs}/server.pem; ssl_certificate_key {self.certs}/server.key;
    ssl_client_certificate {self.certs}/partners-ca.pem; ssl_verify_client on; http2_max_concurrent_streams 256;
    location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}"""
        self.conf("nginx", body)
        self.start("nginx", ["nginx", "-p", str(self.work), "-c", str(self.work / "nginx.conf")], NGINX, PROXY_CPU)

    def conf(self, name, body):
        (self.work / f"{name}.conf").write_text(NGINX_CONF.format(work=self.work, name=name, body=body))

    def tavs(self, buffer="64 MiB", recipients=1, routes=1):
        """`recipients` and `routes` beside those that are called, which come last."""
        policies = self.home / "policies"
        for old in policies.glob("*.toml"):
            old.unlink()
        head, route, rest = POLICY.replace("BUFFER", buffer).partition("[[route]]")
        others = [(route + rest).replace('"documents"', f'"other-{n}"').replace('"/{name}"', f'"/other/{n}/{{name}}"') for n in range(1, routes)]
        (policies / "bench.toml").write_text(head + "".join(others) + route + rest)
        for n in range(1, recipients):
            (policies / f"other-{n}.toml").write_text((head + route + rest).replace("sms-reminders", f"other-{n}"))
        if recipients > 1:
            keys = ["keys", "new", "keys/ring.toml", "--add", "--policies", "policies", "--why", "benchmark"]
            subprocess.run([self.tavs_binary, *keys], cwd=self.home, check=True, capture_output=True)
        config = (self.home / "tavs.toml").read_text()
        config = config.replace("127.0.0.1:8443", f"127.0.0.1:{TAVS}").replace("127.0.0.1:8080", f"127.0.0.1:{ORIGIN}")
        config = config.replace("127.0.0.1:9443", f"127.0.0.1:{ADMIN}").replace('level = "info" ', f'level = "{LEVEL}" ')
        if "[listen.caps]" not in config:
            config += CAPS
        (self.home / "tavs.toml").write_text(config)
        self.start("tavs", [self.tavs_binary, "serve", "--config", str(self.home / "tavs.toml")], TAVS, PROXY_CPU)

    def restart_tavs(self, buffer="64 MiB", **more):
        self.end(self.running.pop("tavs"))
        self.tavs(buffer, **more)

    def end(self, process):
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, how)
                process.wait(10)
                return
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass

    def stop(self):
        for process in self.running.values():
            self.end(process)
        shutil.rmtree(self.work, ignore_errors=True)

    def pids(self, name):
        group = self.running[name].pid
        return [p for p in map(int, filter(str.isdigit, os.listdir("/proc"))) if group_of(p) == group]

    def cpu(self, name):
        """Seconds of processor time so far."""
        return sum(sum(map(int, stat(p)[11:13])) for p in self.pids(name)) / TICK

    def memory(self, name, field="VmRSS"):
        """MB, of all its processes."""
        total = 0
        for pid in self.pids(name):
            text = Path(f"/proc/{pid}/status").read_text()
            total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(field + ":"))
        return total / 1024

    def oha(self, port, name, *how, seconds=EACH, strict=True):
        """One run of load; gives what oha says. `strict`: anything but 200 ends the measurement."""
        client = [] if port == ORIGIN else ["--insecure", "--cert", f"{self.certs}/sms-reminders.pem", "--key", f"{self.certs}/sms-reminders.key"]
        scheme = "http" if port == ORIGIN else "https"
        command = ["oha", "--no-tui", "--output-format", "json", "-z", f"{seconds}s", *client, *how, f"{scheme}://localhost:{port}/{name}"]
        prefix = ["taskset", "-c", OTHER_CPUS] if CPUS > 1 else []
        run = subprocess.run(prefix + command, capture_output=True, text=True, check=True)
        told = json.loads(run.stdout)
        codes = told["statusCodeDistribution"]
        if strict and set(codes) - {"200"}:
            self.stop()
            sys.exit(f"port {port} answered {codes} for {name}")
        return told, codes.get("200", 0)


def stat(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["", "", "-1"] + ["0"] * 20


def group_of(pid):
    return int(stat(pid)[2])


PEERS = {"nginx": NGINX, "tavs": TAVS}
REACHED = []


# Requests a second that a policy grants at most; what a load took beyond them is waited for, or its burst would not last.
RATE = 10_000


def micros(stage, peer, name, *how, seconds=EACH):
    before, begun = stage.cpu(peer), time.monotonic()
    _, answered = stage.oha(PEERS[peer], name, *how, seconds=seconds)
    if peer == "tavs":
        time.sleep(max(0, answered / RATE - (time.monotonic() - begun)))
    return (stage.cpu(peer) - before) / max(1, answered) * 1e6


def spread(values, places=0):
    return f"{statistics.median(values):.{places}f} ({min(values):.{places}f}-{max(values):.{places}f})"


def in_turns(stage, name, *how, seconds=EACH):
    """CPU a request of both, and their ratio round by round."""
    taken = {peer: [] for peer in PEERS}
    for turn in range(ROUNDS):
        for peer in sorted(PEERS, reverse=turn % 2 == 1):
            taken[peer].append(micros(stage, peer, name, *how, seconds=seconds))
    ratios = [ours / theirs for ours, theirs in zip(taken["tavs"], taken["nginx"])]
    return spread(taken["nginx"]), spread(taken["tavs"]), spread(ratios, 2)


def goal(what, wanted, measured):
    """A line for the table at the end of benches/run.sh."""
    REACHED.append(f"goal| {what} | {wanted} | {measured} |")


SIZES = {"small": (2_000, 1, 32), "medium": (64_000, 32, 16), "large": (1_000_000, 500, 8)}
# CPU of a request over nginx's, at most: h1 and h2.
GOALS = {"small": (1.6, 1.4), "medium": (1.7, 1.6), "large": (1.5, 1.5)}


def cpu(stage):
    print("\n### CPU of a request, microseconds: median (least-most)\n\n| | nginx | tavs | ratio |\n|---|---|---|---|")
    for name, (size, records, clients) in SIZES.items():
        for protocol in ([], ["--http2", "-p", "4"]):
            clients_now = max(1, clients // 4) if protocol else clients
            row = in_turns(stage, name, "-c", str(clients_now), *protocol)
            what = f"{size // 1000} KB, {records} CPR, {'h2' if protocol else 'h1'}"
            print(f"| {what} | {' | '.join(row)} |", flush=True)
            goal(f"CPU of a request over nginx's, {what}", f"at most {GOALS[name][bool(protocol)]}", row[2])


def latency(stage):
    print("\n### Latency added to a straight connection to the origin, ms at 100 requests/s: p50 / p99\n\n| body | origin p50 / p99 | nginx adds | tavs adds |\n|---|---|---|---|")
    for size in (1_000, 10_000, 100_000):
        for records in (1, 10, 100):
            if size // records < 400:
                continue
            name = f"latency{size}x{records}"
            stage.write(name, document(size, records))
            told = {}
            for who, port in {"origin": ORIGIN, **PEERS}.items():
                runs = [stage.oha(port, name, "-c", "8", "-q", "100", "--latency-correction")[0] for _ in range(ROUNDS)]
                told[who] = [statistics.median(run["latencyPercentiles"][p] * 1e3 for run in runs) for p in ("p50", "p99")]
            base = told["origin"]
            added = [" / ".join(f"{value - less:.2f}" for value, less in zip(told[who], base)) for who in PEERS]
            print(f"| {size // 1000} KB, {records} CPR | {base[0]:.2f} / {base[1]:.2f} | {added[0]} | {added[1]} |", flush=True)


def handshakes(stage):
    print("\n### Full handshakes with a client certificate, and one small request each: CPU in microseconds\n\n| | nginx | tavs | ratio |\n|---|---|---|---|")
    row = in_turns(stage, "small", "-c", "8", "--disable-keepalive")
    print("| h1, 2 KB |", " | ".join(row), "|", flush=True)
    goal("CPU of a full handshake with a client certificate and 2 KB over nginx's", "at most 0.67", row[2])


def idle(stage, port, many):
    context = ssl.create_default_context(cafile=f"{stage.certs}/server-ca.pem")
    context.load_cert_chain(f"{stage.certs}/sms-reminders.pem", f"{stage.certs}/sms-reminders.key")
    context.set_alpn_protocols(["http/1.1"])
    opened = []
    for _ in range(many):
        connection = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
        connection.sendall(b"GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.recv(65536)
        opened.append(connection)
    return opened


def memory(stage):
    print("\n### Memory, MB resident\n\n| | nginx | tavs |\n|---|---|---|")
    stage.restart_tavs()
    row = lambda what: print(f"| {what} |", " | ".join(f"{stage.memory(peer):.0f}" for peer in PEERS), "|", flush=True)
    row("started")
    opened = [connection for port in PEERS.values() for connection in idle(stage, port, 1000)]
    row("1,000 idle h1 connections")
    for connection in opened:
        connection.close()
    for what, name, how in (("after 100 h2 connections of 100 streams", "small", ["--http2", "-c", "100", "-p", "100"]), ("after 64 bodies of 1 MB at once", "large", ["-c", "64"])):
        for port in PEERS.values():
            # What a peer cannot bear it may refuse: it is its memory that is looked at.
            stage.oha(port, name, *how, strict=False)
        row(what)
    print("| the most at any time |", " | ".join(f"{stage.memory(peer, 'VmHWM'):.0f}" for peer in PEERS), "|", flush=True)


def large(stage):
    print("\n### Responses past `buffer` (1 MiB): they leave in parts\n\n| body | MB resident at most | seconds to the first byte | whole |\n|---|---|---|---|")
    for megabytes in LARGE:
        name = f"large{megabytes}"
        path = stage.work / "data" / name
        with path.open("w") as out:
            out.write('{"total":1,"entry":[')
            block = [record(n, 2000) for n in range(500)]
            for at in range(megabytes):
                out.write(("," if at else "") + ",".join(block))
            out.write("]}")
        stage.restart_tavs("1 MiB")
        told = subprocess.run(
            ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{time_starttransfer} %{time_total} %{exitcode}", "--cacert", f"{stage.certs}/server-ca.pem",
             "--cert", f"{stage.certs}/sms-reminders.pem", "--key", f"{stage.certs}/sms-reminders.key", f"https://localhost:{TAVS}/{name}"],
            capture_output=True, text=True, check=False).stdout.split()
        print(f"| {megabytes} MB | {stage.memory('tavs', 'VmHWM'):.0f} | {told[1]} | {told[2]} (status {told[0]}, curl {told[3]}) |", flush=True)
        path.unlink()
    stage.restart_tavs()


def growth(stage):
    print("\n### Growth: CPU of a request in microseconds\n\n| | nginx | tavs | ratio |\n|---|---|---|---|")
    for size in (1_000, 8_000, 64_000, 512_000, 4_000_000, 32_000_000, 64_000_000):
        name = f"growth{size}"
        # The record of one exchange holds 29,000 persons and more.
        stage.write(name, document(size, min(29_000, max(1, size // 2000))))
        # So long that what is under way at its end is little of it.
        row = in_turns(stage, name, "-c", "4", seconds=max(EACH, size // 4_000_000))
        print(f"| {size // 1000} KB |", " | ".join(row), "|", flush=True)
    for clients in (1, 10, 100, 1000, 2000):
        # So long that opening them, which takes up to a millisecond each, is a seventh of it at most.
        row = in_turns(stage, "small", "-c", str(clients), seconds=max(EACH, clients // 150))
        print(f"| 2 KB, {clients} connections |", " | ".join(row), "|", flush=True)
    for what in ("recipients", "routes"):
        for many in (1, 10, 100, 1000):
            stage.restart_tavs(**{what: many})
            print(f"| 2 KB, {many} {what} |", " | ".join(in_turns(stage, "small", "-c", "32")), "|", flush=True)
    stage.restart_tavs()


TABLES = {table.__name__: table for table in (cpu, latency, handshakes, memory, large, growth)}


def main():
    wanted = sys.argv[2:] or list(TABLES)
    unknown = [name for name in wanted if name not in TABLES]
    if unknown:
        sys.exit(f"no such table: {' '.join(unknown)}; there are {' '.join(TABLES)}")
    stage = Stage(sys.argv[1])
    try:
        for name, (size, records, _) in SIZES.items():
            stage.write(name, document(size, records))
        processor = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
        print(f"{CPUS} processors ({processor}); the proxy has one. {ROUNDS} rounds of {EACH} s in turns.")
        for name in wanted:
            TABLES[name](stage)
        print("", *REACHED, sep="\n")
    finally:
        stage.stop()


main()
