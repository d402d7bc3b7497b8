-- Schema 4: whose data a disclosure was about stands with it, and by person in sorted runs. An entry of
-- three search trees for each person of each disclosure cost an exchange about 30 persons half of what all
-- the rest of it did. The index is made anew from the ledger: it has no position.
DELETE FROM position;
-- Whom a recipient was ever told about is asked of reservations from now on; those before held a day. They are
-- taken from the index anew.
DELETE FROM reservation;
DROP TABLE disclosure_subject;
DROP TABLE disclosure;

-- subject_ids: 16 bytes each, those that were told about: of a refusal none, whatever subjects counts.
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
    subject_ids      BYTEA    NOT NULL,
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

-- Which records told about whom: postings of 24 bytes, a subject id and a record's number, most significant
-- byte first. A run has those of the records from first to last, sorted, in blocks that begin with their
-- least posting; some runs of one level that follow each other become one of the next. Behind the last run
-- disclosure is looked through: unsorted is how many postings it has there.
CREATE TABLE posting_run (
    log   BYTEA    NOT NULL,
    first BIGINT   NOT NULL,
    last  BIGINT   NOT NULL,
    level SMALLINT NOT NULL,
    PRIMARY KEY (log, first)
);
CREATE TABLE posting_block (
    log      BYTEA  NOT NULL,
    run      BIGINT NOT NULL,
    least    BYTEA  NOT NULL,
    postings BYTEA  NOT NULL,
    PRIMARY KEY (log, run, least)
);
ALTER TABLE position ADD COLUMN unsorted BIGINT NOT NULL DEFAULT 0;
