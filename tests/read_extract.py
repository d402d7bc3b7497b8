"""Opens an extract as a researcher does: runs each command of the bundle's README in the bundle, over every form of the
data, and holds what it counts to what went in.

    read_extract.py TAVS    a tavs with the feature `parquet`, run by a Python with pandas, pyarrow and duckdb, and with
                            R (jsonlite) on the path

Not run: R's command for Parquet (`arrow`, which Debian does not have), and those for Stata (which is sold). The patients
are invented; the serial 99xx is given to nobody.
"""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

FORMS = {
    "ndjson": ["--format", "ndjson"],
    "csv": ["--format", "csv"],
    "csv, danish": ["--format", "csv", "--csv", "danish"],
    "parquet": ["--format", "parquet"],
}
# How many patients have which sex; each (sex, year of birth) has five at least.
SEXES = {"female": 12, "male": 7, None: 6}
YEAR = 1953
# Behind a README's command: what it read, in one form for all.
TELL = {
    "pandas": """
import json as told
counts = {str(key): int(count) for key, count in data["sex"].value_counts().items()}
print("told", told.dumps([counts, int(data["sex"].isna().sum()), int(data["birth_year"].sum())], sort_keys=True))""",
    "r": """
counts <- table(data[["sex"]])
counts <- paste0('"', names(counts), '": ', counts, collapse = ", ")
cat(sprintf('told [{%s}, %d, %d]\\n', counts, sum(is.na(data[["sex"]])), as.integer(sum(data[["birth_year"]]))))""",
}


def patients():
    """FHIR, a line each."""
    number = 0
    for sex, many in SEXES.items():
        for _ in range(many):
            number += 1
            cpr = f"{number:02}0153{9900 + number}"
            patient = {"resourceType": "Patient", "id": f"p{number}", "birthDate": f"{YEAR}-01-{number:02}"}
            patient["identifier"] = [{"system": "urn:oid:1.2.208.176.1.2", "value": cpr}]
            yield json.dumps(patient | ({"gender": sex} if sex else {}))


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))[:2000]}\nexit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def prepare(tavs, home):
    """An installation in which the research policy was in force once."""
    here = Path(__file__).resolve().parent.parent / "policies"
    run(tavs, "init", home, cwd=home.parent)
    shutil.copytree(here / "profiles", home / "policies/profiles", dirs_exist_ok=True)
    policy = (here / "research.toml").read_text(encoding="utf-8").replace("2027-08-31", "2099-08-31")
    (home / "policies/research.toml").write_text(policy, encoding="utf-8")
    listen, admin = free_port(), free_port()
    upstream = '\n[upstreams.emr]\nurl = "http://127.0.0.1:8080"\nunprotected = true\n'
    config = (home / "tavs.toml").read_text(encoding="utf-8") + upstream
    config = config.replace("127.0.0.1:8443", f"127.0.0.1:{listen}").replace("127.0.0.1:9443", f"127.0.0.1:{admin}")
    (home / "tavs.toml").write_text(config, encoding="utf-8")
    run(tavs, "keys", "new", "keys/ring.toml", "--add", "--policies", "policies", "--why", "tests", cwd=home)
    (home / "export.ndjson").write_text("".join(line + "\n" for line in patients()), encoding="utf-8")
    serving = subprocess.Popen([tavs, "serve"], cwd=home, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{admin}/readyz", timeout=5).close()
                return
            except OSError:
                time.sleep(0.1)
        sys.exit("tavs serve is not ready")
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.wait(30)


def commands(bundle):
    """Each command of a README: under which heading, in which language."""
    heading = ""
    for part in re.split(r"^(?=## )", (bundle / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE):
        heading = part.splitlines()[0].removeprefix("## ")
        for language, command in re.findall(r"^```(python|r|stata)\n(.*?)^```$", part, flags=re.MULTILINE | re.DOTALL):
            yield heading, language, command


def counted_by(said):
    """What the standard library's and DuckDB's commands print: a value and its count a line."""
    counts = [line.split("\t") for line in said.splitlines()]
    return {value: int(count) for value, count in counts if count.isdigit()}


def check(bundle, heading, language, command):
    """Whether there is a program to run it by; ends the test where it does not say what went in."""
    known = {sex: many for sex, many in SEXES.items() if sex}
    wanted = [known, SEXES[None], YEAR * sum(SEXES.values())]
    if language == "stata" or "arrow::" in command:
        return False
    if language == "r":
        said = run("Rscript", "--vanilla", "-e", command + TELL["r"], cwd=bundle)
    elif "pandas" in heading:
        said = run(sys.executable, "-c", command + TELL["pandas"], cwd=bundle)
    else:
        counts = counted_by(run(sys.executable, "-c", command, cwd=bundle))
        missing = counts.pop("None", 0) + counts.pop("", 0)
        said = f"told {json.dumps([counts, missing, wanted[2]])}"
    told = json.loads(said.rsplit("told ", 1)[1])
    if told != wanted:
        sys.exit(f"{bundle.name}, {heading}: {told}, and {wanted} went in\n{command}\n{said}")
    return True


def main():
    tavs = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as work:
        home = Path(work) / "home"
        prepare(tavs, home)
        ran = []
        for form, options in FORMS.items():
            bundle = home / form.replace(", ", "-")
            given = ["--policy", "policies/research.toml", "--output", bundle.name, "--why", "tests", *options]
            run(tavs, "extract", *given, "export.ndjson", cwd=home)
            ran += [f"{form}: {heading}" for heading, *command in commands(bundle) if check(bundle, heading, *command)]
    print(f"{len(ran)} commands say what went in: {'; '.join(ran)}")
    # Three or four ways in each form: none may get lost unseen.
    if len(ran) != 11:
        sys.exit("11 were expected")


main()
