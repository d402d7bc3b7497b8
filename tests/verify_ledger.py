#!/usr/bin/env python3
"""Verifies a ledger of tavs from docs/ledger.md alone; standard library only.

    verify_ledger.py DIR [--anchor FILE] [--key KEY]...

Prints one line a finding, `word: text`, then a summary. Exits with 0 if all is as it was written, 1 if
not, 2 if there is no ledger that can be read. `tavs ledger verify` says the same words; a test runs both.
"""

import gzip
import hashlib
import json
import os
import re
import sys
import zlib

# ---- Ed25519, RFC 8032, verification only: slow, and short enough to be read ----

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


def point(data):
    """A point in extended coordinates."""
    number = int.from_bytes(data, "little")
    y = number & (2**255 - 1)
    x = recover_x(y, number >> 255)
    return None if x is None else (x, y, 1, x * y % P)


def add(a, b):
    s = (a[1] - a[0]) * (b[1] - b[0]) % P
    t = (a[1] + a[0]) * (b[1] + b[0]) % P
    u = 2 * a[3] * b[3] * D % P
    v = 2 * a[2] * b[2] % P
    e, f, g, h = t - s, v - u, v + u, t + s
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(scalar, at):
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = add(total, at)
        at = add(at, at)
        scalar >>= 1
    return total


def equal(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (recover_x(BASE_Y, 0), BASE_Y, 1, recover_x(BASE_Y, 0) * BASE_Y % P)


def signed(key, message, signature):
    a, r = point(key), point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    h = int.from_bytes(digest, "little") % L
    return equal(multiply(s, BASE), add(r, multiply(h, a)))


# ---- lines ----

FORMAT = 1
SECTOR = 512
LONGEST_WRITE = 256 << 10
LONGEST_LINE = 4 << 20
HEADER = ["tavs-ledger", "log", "node", "segment", "first", "previous"]
CHECKPOINT = ["tavs-checkpoint", "says", "log", "node", "seq", "hash", "time", "key"]
EXCHANGE = (
    "seq time kind exchange recipient policy route purpose basis country status outcome bytes subjects "
    "released withheld unfit cpr-in-text records records-withheld"
).split()
ACT = "seq time kind what begun who why subjects purpose recipient policy change".split()
POLICY = (
    "seq time kind policy recipient name relation purpose category basis country ground retention "
    "agreement who rules"
).split()
MEMBERS = {"policy": POLICY}
MEMBERS.update(dict.fromkeys(["disclosure", "refusal", "intent", "outcome"], EXCHANGE))
MEMBERS.update(dict.fromkeys(["registry", "lookup", "key", "operation"], ACT))


class Finding(Exception):
    """Something that must not be, and the word for it."""

    def __init__(self, word, text):
        super().__init__(text)
        self.word = word


class Unusable(Exception):
    """What cannot be verified at all."""


def canonical(data, members=None):
    """The object of some JSON if that is the one way to write it, else None."""
    try:
        found = json.loads(data)
    except ValueError:
        return None
    again = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
    if not isinstance(found, dict) or again != data or members and list(found) != members:
        return None
    return found


def segments(folder):
    """Number to path, and the first number that is missing between two."""
    found = {}
    for name in os.listdir(folder):
        match = re.fullmatch(r"(\d{8,})\.ledger(\.gz)?", name)
        if match and (int(match[1]) not in found or not match[2]):
            found[int(match[1])] = os.path.join(folder, name)
    numbers = sorted(found)
    for before, after in zip(numbers, numbers[1:]):
        if after != before + 1:
            return {n: found[n] for n in numbers if n <= before}, before + 1
    return {n: found[n] for n in numbers}, None


def afresh(file, begin):
    """Goes to a place, and forgets what was read ahead: it may have been written meanwhile."""
    file.seek(0, os.SEEK_END)
    file.seek(begin)


def rest_of(file, begin):
    """What follows the last good line of the segment that is written to: room (nothing, or zeros), a write that
    a crash cut short or that is under way, or what someone changed."""
    afresh(file, begin)
    write = file.read().rstrip(b"\0")
    if not write:
        return "room"
    holes = [(begin + hole.start(), begin + hole.end()) for hole in re.finditer(rb"\0+", write)]
    sectors = all((b == begin or b % SECTOR == 0) and e % SECTOR == 0 for b, e in holes)
    one_line = write.count(b"\n") <= 1 and len(write) <= LONGEST_LINE
    bad_line = b"\n" in (write[: holes[0][0] - begin] if holes else write)
    return "cut" if sectors and not bad_line and (len(write) <= LONGEST_WRITE or one_line) else "changed"


def open_segment(path):
    if path.endswith(".gz"):
        return gzip.open(path)
    try:
        return open(path, "rb")
    except FileNotFoundError:  # it was packed meanwhile
        return gzip.open(path + ".gz")


class Ledger:
    """The chain, as far as it is good."""

    def __init__(self, folder):
        self.paths, self.missing = segments(folder)
        if not self.paths:
            raise Unusable(f"`{folder}` holds no ledger")
        self.log = self.first = self.before = None
        self.last = 0
        self.torn = False
        self.hashes = {}

    def read(self, wanted):
        """Goes to the end; keeps the hashes of the wanted records. Raises at the first bad line."""
        chain = None
        for number, path in self.paths.items():
            final = number == max(self.paths)
            try:
                with open_segment(path) as file:
                    chain = self.header(file.readline(), number, chain, path)
                    chain = self.records(file, chain, wanted, path, final)
            except (EOFError, zlib.error, OSError) as error:
                if path.endswith(".gz"):
                    raise Finding("chain", f"`{path}` cannot be unpacked: {error}") from error
                raise Unusable(f"cannot read `{path}`: {error}") from error

    def header(self, line, number, chain, path):
        bad = Finding("chain", f"`{path}` has no header that continues the segment before")
        if line[64:65] != b" " or line[-1:] != b"\n":
            raise bad
        body = line[65:-1]
        try:
            newer = json.loads(body)["tavs-ledger"] > FORMAT
        except (ValueError, KeyError, TypeError) as error:
            raise bad from error
        if newer:
            raise Unusable(f"`{path}` has a newer format")
        head = canonical(body, HEADER)
        if head is None or head["tavs-ledger"] != FORMAT or head["segment"] != number:
            raise bad
        if not re.fullmatch("[0-9a-f]{64}", str(head["previous"])) or type(head["first"]) is not int:
            raise bad
        before = bytes.fromhex(head["previous"])
        digest = hashlib.sha256(before + body).digest()
        if digest.hex().encode() != line[:64]:
            raise bad
        if chain is None:
            if number == 1 and any(before):
                raise bad
            self.log, self.first, self.before = head["log"], head["first"], before
            self.last = self.first - 1
        elif before != chain or head["log"] != self.log or head["first"] != self.last + 1:
            raise bad
        return digest

    def records(self, file, chain, wanted, path, final):
        looks = 0
        while True:
            begin = file.tell()
            line = file.readline()
            if not line:
                return chain
            body = line[65:-1]
            digest = hashlib.sha256(chain + body).digest()
            whole = line[64:65] == b" " and line[-1:] == b"\n" and digest.hex().encode() == line[:64]
            record = canonical(body) if whole else None
            if record is None or record.get("seq") != self.last + 1:
                rest = rest_of(file, begin) if final and not path.endswith(".gz") else "changed"
                if rest != "changed":
                    self.torn = rest == "cut"
                    return chain
                looks += 1
                if final and looks < 4:  # it may be written meanwhile
                    afresh(file, begin)
                    continue
                raise Finding("chain", f"`{path}` is damaged after record {self.last}")
            if MEMBERS.get(record.get("kind")) != list(record):
                raise Finding("chain", f"`{path}`: record {self.last + 1} is not in canonical form")
            chain, looks = digest, 0
            self.last += 1
            if self.last in wanted:
                self.hashes[self.last] = digest.hex()


def checkpoint(line):
    """The checkpoint of a line, whatever stands around it: None, a word for what is wrong, or the object."""
    begin = line.rfind(b'{"tavs-checkpoint":')
    if begin < 0:
        return None
    body = line[begin : line.find(b"}", begin) + 1]
    try:
        if json.loads(body)["tavs-checkpoint"] > FORMAT:
            raise Unusable("a checkpoint has a newer format")
    except (ValueError, KeyError, TypeError):
        return "unreadable"
    one = canonical(body, CHECKPOINT)
    digits = line[max(begin - 129, 0) : begin]
    if one is None or not re.fullmatch(rb"[0-9a-f]{128} ", digits):
        return "unreadable"
    hexadecimal = all(re.fullmatch("[0-9a-f]{64}", str(one[name])) for name in ("hash", "key"))
    if not hexadecimal or type(one["seq"]) is not int or one["says"] not in ("reached", "retired"):
        return "unreadable"
    return one if signed(bytes.fromhex(one["key"]), body, bytes.fromhex(digits.decode())) else "forged"


def checkpoints(path, own, keys, findings):
    """The checkpoints of a file, each with its place and whether its key was given."""
    found = []
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            place = f"line {number} of `{path}`"
            one = checkpoint(line)
            if isinstance(one, dict):
                found.append(dict(one, place=place, own=own, trusted=not keys or one["key"] in keys))
            elif one == "forged":
                findings.append(("forged", f"{place} has a signature that does not fit"))
            elif own and line[-1:] != b"\n" or not own and one is None:
                pass  # a line that is under way, or what else a daemon writes
            else:
                findings.append(("unreadable", f"{place} is no checkpoint"))
    return found


def verify(folder, anchor, keys):
    findings = []
    # Before the chain: what they know is in the ledger by the time that it is read.
    ledger = Ledger(folder)
    marks, own = [], os.path.join(folder, "checkpoints")
    if os.path.exists(own):
        marks += checkpoints(own, True, keys, findings)
    if anchor:
        marks += checkpoints(anchor, False, keys, findings)
    whole = True
    try:
        ledger.read({mark["seq"] for mark in marks})
    except Finding as finding:
        findings.append((finding.word, str(finding)))
        whole = False
    if ledger.log is None:
        return ledger, findings
    for mark in marks:
        if mark["log"] != ledger.log and mark["own"]:
            findings.append(("other-log", f"{mark['place']} is about another log"))
        elif mark["log"] == ledger.log and not mark["trusted"]:
            findings.append(("other-key", f"{mark['place']} is signed with another key"))
    marks = [mark for mark in marks if mark["log"] == ledger.log and mark["trusted"]]
    if anchor and all(mark["own"] for mark in marks):
        findings.append(("nothing-anchored", f"`{anchor}` has no checkpoint of this log"))
    ledger.hashes[ledger.first - 1] = ledger.before.hex()
    retired = {(mark["seq"], mark["hash"]) for mark in marks if mark["says"] == "retired"}
    if ledger.first > 1 and (ledger.first - 1, ledger.before.hex()) not in retired:
        findings.append(("begin", f"records before {ledger.first} are missing and were not retired"))
    for mark in marks:
        if ledger.hashes.get(mark["seq"], mark["hash"]) != mark["hash"]:
            findings.append(("changed", f"{mark['place']} has another hash of record {mark['seq']}"))
    if ledger.missing:
        findings.append(("gap", f"segment {ledger.missing} is missing"))
    elif whole:
        for mark in marks:
            if mark["seq"] > ledger.last:
                findings.append(("cut", f"{mark['place']} knows record {mark['seq']}, the ledger ends with {ledger.last}"))
    return ledger, findings


def main(arguments):
    folder, anchor, keys = None, None, []
    while arguments:
        word = arguments.pop(0)
        if word == "--anchor" and arguments:
            anchor = arguments.pop(0)
        elif word == "--key" and arguments:
            keys.append(arguments.pop(0))
        elif folder is None and not word.startswith("-"):
            folder = word
        else:
            raise Unusable(__doc__)
    if folder is None:
        raise Unusable(__doc__)
    ledger, findings = verify(folder, anchor, keys)
    for word, text in findings:
        print(f"{word}: {text}")
    print(f"log {ledger.log}: records {ledger.first} to {ledger.last}")
    print("not good" if findings else "good")
    return 1 if findings else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Unusable, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
