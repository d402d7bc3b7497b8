#!/usr/bin/env python3
"""A second implementation of docs/pseudonyms.md, written after that document and nothing else.

    pseudonyms.py check FILE    makes every pseudonym of a file of vectors anew, and compares
    pseudonyms.py make          prints such a file

Needs the package `cryptography` (42 or later, for AES-GCM-SIV).
"""

import hashlib
import hmac
import re
import sys
import unicodedata
import uuid

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV

DOMAIN = "research"
CONSONANTS = "bcdfghjklmnpqrst"
LETTERS_OF = [0, 2, 4, 6, 7, 9, 11, 12, 14]


def hkdf(secret: bytes, info: bytes) -> bytes:
    extracted = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def key(secret: bytes, scheme: str) -> bytes:
    return hkdf(secret, b"tavs pseudonym " + scheme.encode() + b"\0")


def fields(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def context(form: bytes, version: int) -> bytes:
    return fields(form, DOMAIN.encode(), version.to_bytes(4, "big"))


# ---- keyed ----


def keyed(secret, version, linkability, salt, number, kind, resource_type, system, value):
    text = context(b"tavs-pseudonym-1", version)
    text += fields(*(part.encode() for part in (kind, resource_type, system, value)))
    if linkability == "domain":
        text += fields(b"")
    elif linkability == "document":
        text += fields(salt)
    else:
        text += fields(salt, number.to_bytes(8, "big"))
    tag = hmac.digest(key(secret, "keyed"), text, "sha256")[:16]
    return f"tvk{version}-" + "".join(CONSONANTS[byte >> 4] + CONSONANTS[byte & 15] for byte in tag)


# ---- ranks ----


def rank_of_date(text: str):
    if not (text.isascii() and text.isdigit()):
        return None
    day, month, year = int(text[:2]), int(text[2:4]), int(text[4:6])
    if 1 <= day <= 31:
        day -= 1
    elif 61 <= day <= 91:
        day -= 30
    else:
        return None
    return (day * 12 + month - 1) * 100 + year if 1 <= month <= 12 else None


def rank_of_cpr(value: str):
    date = rank_of_date(value[:6])
    return None if date is None else date * 10_000 + int(value[6:])


def rank_of_ecpr(value: str):
    date, rest = rank_of_date(value[:6]), value[6:]
    if date is None:
        return None
    letters = [ord(letter) - ord("A") for letter in rest[1:3]]
    return (((date * 10 + int(rest[0])) * 26 + letters[0]) * 26 + letters[1]) * 10 + int(rest[3])


# ---- sealed ----


def dense(data: bytes) -> str:
    out = ""
    for at in range(0, len(data), 8):
        block = data[at : at + 8]
        value, letters = int.from_bytes(block, "big"), ""
        for _ in range(LETTERS_OF[len(block)]):
            value, digit = divmod(value, 26)
            letters = chr(ord("a") + digit) + letters
        out += letters
    return out


def packed(kind: str, value: str):
    if kind in ("cpr", "ecpr"):
        rank = rank_of_cpr(value) if kind == "cpr" else rank_of_ecpr(value)
        return None if rank is None else ("rank", rank.to_bytes(5, "big"))
    try:
        if str(uuid.UUID(value)) == value:
            return "uuid", uuid.UUID(value).bytes
    except ValueError:
        pass
    return "text", value.encode()


def sealed(secret, version, linkability, salt, number, kind, resource_type, system, value):
    packing = packed(kind, value)
    if packing is None:
        return "-"
    if linkability == "domain":
        carried = b""
    elif linkability == "document":
        carried = salt[:11]
    else:
        counted = number.to_bytes(8, "big") + bytes(3)
        carried = bytes(one ^ other for one, other in zip(salt, counted))
    if len(carried) + len(packing[1]) + 16 > 32:
        return "-"
    associated = context(b"tavs-sealed-1", version)
    associated += fields(*(part.encode() for part in (kind, resource_type, system, packing[0])))
    cipher = AESGCMSIV(key(secret, "sealed"))
    nonce = carried.ljust(12, b"\0")
    hidden = cipher.encrypt(nonce, packing[1], associated)
    assert cipher.decrypt(nonce, hidden, associated) == packing[1]
    try:
        cipher.decrypt(nonce, hidden, associated + b"\0")
        raise AssertionError("opens under other associated data")
    except InvalidTag:
        pass
    return f"tvs{version}-" + dense(carried + hidden)


# ---- table ----


def table(secret, version, linkability, salt, number, kind, resource_type, system, value):
    """The pseudonym and the row: `salt` is what is random (the pseudonym, and the nonces of both columns)."""
    drawn, nonces = salt[:16], {"pseudonym": salt[16:28], "value": salt[28:40]}

    def blind(column, *parts):
        text = context(b"tavs-table-1", version) + fields(column, *parts)
        return hmac.digest(key(secret, "table index"), text, "sha256")[:16]

    by_value = blind(b"value", *(part.encode() for part in (kind, resource_type, system, value)))
    by_pseudonym = blind(b"pseudonym", drawn)
    cipher, columns = AESGCM(key(secret, "table sealing")), []
    for column, message in (("pseudonym", drawn), ("value", value.encode())):
        associated = context(b"tavs-table-1", version)
        associated += fields(column.encode(), kind.encode(), by_value, by_pseudonym)
        columns.append(nonces[column] + cipher.encrypt(nonces[column], message, associated))
    row = " ".join(column.hex() for column in (by_value, by_pseudonym, *columns))
    return f"tvt{version}-{dense(drawn)} {row}"


# ---- digits ----


def ff1(secret_key: bytes, tweak: bytes, digits: list) -> list:
    """NIST SP 800-38G, algorithm 7, radix 10."""
    n = len(digits)
    u = n // 2
    v = n - u
    a, b = digits[:u], digits[u:]
    length = -(-(10**v - 1).bit_length() // 8)
    d = 4 * -(-length // 4) + 4
    ecb = Cipher(algorithms.AES(secret_key), modes.ECB()).encryptor()
    number = lambda numerals: int("".join(map(str, numerals)) or "0")
    first = bytes([1, 2, 1]) + (10).to_bytes(3, "big") + bytes([10, u % 256])
    first += n.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
    for i in range(10):
        second = tweak + bytes((-len(tweak) - length - 1) % 16) + bytes([i]) + number(b).to_bytes(length, "big")
        mac, text = bytes(16), first + second
        for at in range(0, len(text), 16):
            mac = ecb.update(bytes(one ^ other for one, other in zip(mac, text[at : at + 16])))
        stream, block = mac, 1
        while len(stream) < d:
            stream += ecb.update(bytes(one ^ other for one, other in zip(mac, block.to_bytes(16, "big"))))
            block += 1
        m = u if i % 2 == 0 else v
        c = (number(a) + int.from_bytes(stream[:d], "big")) % 10**m
        a, b = b, [int(digit) for digit in str(c).zfill(m)]
    return a + b


def digits(secret, version, linkability, salt, number, kind, resource_type, system, value):
    rank = rank_of_cpr(value) if kind == "cpr" else None
    if rank is None:
        return "-"
    tweak = context(b"tavs-digits-1", version)
    while True:
        numerals = ff1(key(secret, "digits"), tweak, [int(digit) for digit in str(rank).zfill(9)])
        rank = int("".join(map(str, numerals)))
        if rank < 744_000_000:
            break
    date, serial = divmod(rank, 10_000)
    rest, year = divmod(date, 100)
    day, month = divmod(rest, 12)
    day += 1 if day < 31 else 30
    return f"{day:02}{month + 21:02}{year:02}{serial:04}"


SCHEMES = {"keyed": keyed, "sealed": sealed, "table": table, "digits": digits}
DETERMINISTIC = ("table", "digits")


def made(line: str):
    """The pseudonym of a line, and the one that stands there."""
    parts = [part.strip() for part in line.split("|")]
    scheme, version, secret, linkability, salt, kind, resource_type, system, value, wanted = parts
    number = int(linkability.split()[1]) if linkability.startswith("none") else 0
    linkability = linkability.split()[0]
    arguments = (bytes.fromhex(secret), int(version), linkability, bytes.fromhex(salt), number)
    return SCHEMES[scheme](*arguments, kind, resource_type, system, value), wanted


# ---- canonical values ----


def phone(written: str):
    plain = "".join(c for c in written if c not in " \t\u00a0\u202f-\u2010\u2011\u2013./()")
    if plain.startswith("+"):
        digits = plain[1:]
    elif plain.startswith("00"):
        digits = plain[2:]
    elif len(plain) == 10 and plain.startswith("45"):
        digits = plain
    else:
        digits = "45" + plain
    if not (digits.isascii() and digits.isdigit()):
        return None
    if digits.startswith("45"):
        return "+" + digits if len(digits) == 10 and digits[2] != "0" else None
    return "+" + digits if 7 <= len(digits) <= 15 and digits[0] != "0" else None


def email(written: str):
    address = written.strip()
    local, _, domain = address.rpartition("@")
    bad = any(c.isspace() or unicodedata.category(c) == "Cc" or c in "@<>,;" for c in local)
    if bad or not local or len(address.encode()) > 254 or not re.fullmatch(r"[A-Za-z0-9.-]+", domain):
        return None
    return "".join(c.lower() if c.isascii() else c for c in address)


def text(written: str):
    return unicodedata.normalize("NFC", " ".join(written.split())) or None


def check_canonical() -> None:
    for make, written, wanted in [
        (phone, "+45 20 12 34 56", "+4520123456"),
        (phone, "4520123456", "+4520123456"),
        (phone, "0046 70-123 45 67", "+46701234567"),
        (phone, "2512489996", None),
        (phone, "00000000", None),
        (email, " Nancy@Klinik.Example", "nancy@klinik.example"),
        (email, "a@b@c", None),
        (text, "  Nancy \u00a0 Ann ", "Nancy Ann"),
        (text, " ", None),
    ]:
        assert make(written) == wanted, (written, make(written), wanted)


# ---- shift ----


def draw(secret: bytes, version: int, subject: bytes, *salt: bytes) -> int:
    text = context(b"tavs-shift-1", version) + fields(subject, *(salt or (b"",)))
    return int.from_bytes(hmac.digest(key(secret, "shift"), text, "sha256")[:8], "big")


def days(drawn: int, most: int, weekday: bool) -> int:
    steps = most // 7 if weekday else most
    index = drawn % (2 * steps)
    return (index - steps if index < steps else index - steps + 1) * (7 if weekday else 1)


def check_shift() -> None:
    nancy = bytes.fromhex("6efaed1d122110c17a9fc254f9671678")
    other = bytes.fromhex("67390587d35b2f59e62281b04d2947d2")
    salt = b"\xaa" * 16
    for subject, salts, wanted in [
        (nancy, (), (-42, 11, 77)),
        (other, (), (72, -9, 140)),
        (nancy, (salt,), (173, -8, 119)),
        (nancy, (salt, (1).to_bytes(8, "big")), (-151, -27, 42)),
    ]:
        drawn = draw(bytes(range(32)), 7, subject, *salts)
        made_days = (days(drawn, 182, False), days(drawn, 30, False), days(drawn, 182, True))
        assert made_days == wanted, (made_days, wanted)


HEAD = """\
# Pseudonyms of the domain `research`, after docs/pseudonyms.md. `-`: the scheme has none for this value.
# Of `table` the salt is what is random, and the row stands behind the pseudonym: by_value, by_pseudonym,
# sealed_pseudonym, sealed_value.
# scheme | key version | secret | linkability and number | salt | kind | resource type | system | value | pseudonym
"""

VALUES = [
    ("cpr", "", "", "2512489996"),
    ("cpr", "", "", "0504909995"),
    ("cpr", "", "", "6704909995"),
    ("cpr", "", "", "0101000000"),
    ("ecpr", "", "", "0203291WQ3"),
    ("ecpr", "", "urn:oid:1.2.208.176.1.6.1.3.179", "0703921VJ4"),
    ("id", "Patient", "", "123"),
    ("id", "Patient", "", "3f2b6c1e-8d4a-4c57-9b1e-0a1b2c3d4e5f"),
    ("id", "", "", "A-88120"),
    ("id", "", "", "sixteen-letters!"),
    ("id", "", "", "seventeen-letters"),
    ("phone", "", "", phone("20 12 34 56")),
    ("email", "", "", email(" Nancy.Berggren@Klinik.Example ")),
    ("text", "", "", text("A\u030age  Berg")),
]


def make() -> None:
    print(HEAD, end="")
    secret = bytes(range(32)).hex()
    for scheme in SCHEMES:
        for linkability in ["domain"] if scheme in DETERMINISTIC else ["domain", "document", "none 1", "none 258"]:
            salt = "" if linkability == "domain" else bytes(range(0xA0, 0xB0)).hex()
            if scheme == "table":
                salt = bytes(range(0xA0, 0xC8)).hex()
            for value in VALUES:
                for version in [7] if linkability != "domain" else [1, 9999]:
                    line = f"{scheme}|{version}|{secret}|{linkability}|{salt}|{'|'.join(value)}|?"
                    pseudonym = made(line)[0]
                    print(f"{scheme}|{version}|{secret}|{linkability}|{salt}|{'|'.join(value)}|{pseudonym}")


def check(path: str) -> int:
    check_canonical()
    check_shift()
    wrong = count = 0
    with open(path, encoding="utf-8") as vectors:
        for number, line in enumerate(vectors, 1):
            if line.startswith("#"):
                continue
            count += 1
            ours, wanted = made(line.rstrip("\n"))
            if ours != wanted:
                wrong += 1
                print(f"{path}:{number}: made {ours}, not {wanted}")
    print(f"{count - wrong} of {count} pseudonyms are the same")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["make"]:
        make()
    elif len(sys.argv) == 3 and sys.argv[1] == "check":
        sys.exit(check(sys.argv[2]))
    else:
        sys.exit(__doc__)
