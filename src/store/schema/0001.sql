-- Schema 1. Written so that SQLite and PostgreSQL (and CockroachDB, Citus) read the same text:
-- BYTEA, BIGINT, SMALLINT and TEXT only, every key named, no identity of rows but their keys,
-- no numbers that the database makes up. Times are milliseconds since the Unix epoch.
-- Ids of subjects are keyed (16 bytes); no CPR stands anywhere but in registry.sealed_cpr, sealed.

CREATE TABLE meta (
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name)
);

-- ---- what cannot be rebuilt: subjects and their rights ----

-- subject is the same person as same_as. number is the order in which they became known: which id
-- stands for a person follows from it, and must be the same after a restart.
CREATE TABLE alias (
    subject BYTEA  NOT NULL,
    same_as BYTEA  NOT NULL,
    source  TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    number  BIGINT NOT NULL,
    PRIMARY KEY (subject, same_as)
);
CREATE UNIQUE INDEX alias_number ON alias (number);
CREATE INDEX alias_same_as ON alias (same_as, subject);

-- Changes, only ever added; the latest of a subject, kind, purpose and recipient holds.
CREATE TABLE registry (
    number     BIGINT   NOT NULL,
    subject    BYTEA    NOT NULL,
    kind       TEXT     NOT NULL,
    purpose    TEXT,
    recipient  TEXT,
    begun      SMALLINT NOT NULL,
    at         BIGINT   NOT NULL,
    ends       BIGINT,
    reason     TEXT     NOT NULL,
    who        TEXT     NOT NULL,
    sealed_cpr BYTEA,
    recorded   BIGINT,
    PRIMARY KEY (number)
);
CREATE INDEX registry_subject ON registry (subject, number);
CREATE INDEX registry_recorded ON registry (recorded, number);

CREATE TABLE tombstone (
    subject BYTEA  NOT NULL,
    at      BIGINT NOT NULL,
    who     TEXT   NOT NULL,
    reason  TEXT   NOT NULL,
    PRIMARY KEY (subject)
);

-- Who must be told about which change, and whether it has acknowledged (GDPR art. 19).
CREATE TABLE notification (
    notice          BYTEA  NOT NULL,
    recipient       TEXT   NOT NULL,
    subject         BYTEA  NOT NULL,
    about           TEXT   NOT NULL,
    at              BIGINT NOT NULL,
    acknowledged    BIGINT,
    acknowledged_by TEXT,
    PRIMARY KEY (notice, recipient)
);
CREATE INDEX notification_subject ON notification (subject, at);
CREATE INDEX notification_open ON notification (acknowledged, at);

-- Whom a recipient has been told about lately: subjects per sliding day.
CREATE TABLE reservation (
    recipient TEXT   NOT NULL,
    subject   BYTEA  NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (recipient, subject)
);
CREATE INDEX reservation_time ON reservation (recipient, at);

-- ---- the index: made of the ledger, and made anew from it by `tavs ledger reindex` ----

-- released is [[rule,count],…] as in the ledger record: every query that asks for it comes by
-- subject, or by recipient and time, so that rows of their own would only cost.
CREATE TABLE disclosure (
    log              BYTEA    NOT NULL,
    seq              BIGINT   NOT NULL,
    at               BIGINT   NOT NULL,
    kind             TEXT     NOT NULL,
    exchange         BYTEA    NOT NULL,
    recipient        TEXT     NOT NULL,
    policy           BYTEA    NOT NULL,
    route            TEXT,
    purpose          TEXT     NOT NULL,
    basis            TEXT     NOT NULL,
    country          TEXT     NOT NULL,
    status           SMALLINT NOT NULL,
    outcome          TEXT     NOT NULL,
    bytes            BIGINT   NOT NULL,
    subjects         BIGINT   NOT NULL,
    released         TEXT     NOT NULL,
    withheld         BIGINT   NOT NULL,
    unfit            BIGINT   NOT NULL,
    cpr_in_text      BIGINT   NOT NULL,
    records          BIGINT   NOT NULL,
    records_withheld BIGINT   NOT NULL,
    PRIMARY KEY (log, seq)
);
CREATE INDEX disclosure_time ON disclosure (at);
CREATE INDEX disclosure_recipient ON disclosure (recipient, at);

CREATE TABLE disclosure_subject (
    log       BYTEA  NOT NULL,
    seq       BIGINT NOT NULL,
    subject   BYTEA  NOT NULL,
    recipient TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (log, seq, subject)
);
CREATE INDEX disclosure_subject_subject ON disclosure_subject (subject, at, log, seq);
CREATE INDEX disclosure_subject_recipient ON disclosure_subject (recipient, at, subject);

CREATE TABLE policy_version (
    policy    BYTEA  NOT NULL,
    log       BYTEA  NOT NULL,
    seq       BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    recipient TEXT   NOT NULL,
    name      TEXT   NOT NULL,
    relation  TEXT   NOT NULL,
    purpose   TEXT   NOT NULL,
    category  TEXT   NOT NULL,
    basis     TEXT   NOT NULL,
    country   TEXT   NOT NULL,
    ground    TEXT,
    retention TEXT,
    agreement TEXT   NOT NULL,
    who       TEXT,
    PRIMARY KEY (policy)
);
CREATE INDEX policy_version_time ON policy_version (at);

CREATE TABLE policy_rule (
    policy   BYTEA  NOT NULL,
    route    TEXT   NOT NULL,
    rule     BIGINT NOT NULL,
    location TEXT   NOT NULL,
    form     TEXT   NOT NULL,
    PRIMARY KEY (policy, route, rule),
    FOREIGN KEY (policy) REFERENCES policy_version (policy)
);

-- What officers and operators did.
CREATE TABLE act (
    log       BYTEA    NOT NULL,
    seq       BIGINT   NOT NULL,
    at        BIGINT   NOT NULL,
    kind      TEXT     NOT NULL,
    what      TEXT     NOT NULL,
    begun     SMALLINT,
    who       TEXT     NOT NULL,
    why       TEXT     NOT NULL,
    purpose   TEXT,
    recipient TEXT,
    policy    BYTEA,
    PRIMARY KEY (log, seq)
);
CREATE INDEX act_time ON act (at);

CREATE TABLE act_subject (
    log     BYTEA  NOT NULL,
    seq     BIGINT NOT NULL,
    subject BYTEA  NOT NULL,
    PRIMARY KEY (log, seq, subject)
);
CREATE INDEX act_subject_subject ON act_subject (subject, log, seq);

CREATE TABLE position (
    log  BYTEA  NOT NULL,
    seq  BIGINT NOT NULL,
    hash BYTEA  NOT NULL,
    PRIMARY KEY (log)
);
