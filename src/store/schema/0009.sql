-- Schema 9: what many disclosures have in common stands once, and a disclosure is found by the number of its record
-- alone: a store belongs to one log, whose name meta holds. Each row repeated it, in 22 columns and three search trees,
-- which was half of what indexing costs; it has 13 in two now.

-- Grounds, kind, status and outcome. Numbered by tavs, here once in the order of first sight; a class goes with the last
-- disclosure that has it, and the number of one that was the last is given again.
CREATE TABLE disclosure_class (
    number    BIGINT PRIMARY KEY,
    recipient TEXT     NOT NULL,
    policy    BYTEA    NOT NULL,
    route     TEXT,
    kind      TEXT     NOT NULL,
    purpose   TEXT     NOT NULL,
    basis     TEXT     NOT NULL,
    country   TEXT     NOT NULL,
    status    SMALLINT NOT NULL,
    outcome   TEXT     NOT NULL
);
CREATE INDEX disclosure_class_recipient ON disclosure_class (recipient, policy, route);

INSERT INTO disclosure_class (number, recipient, policy, route, kind, purpose, basis, country, status, outcome)
    SELECT ROW_NUMBER() OVER (ORDER BY MIN(seq)), recipient, policy, route, kind, purpose, basis, country, status,
        outcome
    FROM disclosure GROUP BY recipient, policy, route, kind, purpose, basis, country, status, outcome;

-- subject_ids: 16 bytes each, those that were told about: of a refusal none, whatever subjects counts. released is
-- [[rule,count],…] as in the ledger record.
CREATE TABLE disclosure_of_class (
    seq              BIGINT PRIMARY KEY,
    at               BIGINT NOT NULL,
    class            BIGINT NOT NULL REFERENCES disclosure_class (number),
    exchange         BYTEA  NOT NULL,
    bytes            BIGINT NOT NULL,
    subjects         BIGINT NOT NULL,
    subject_ids      BYTEA  NOT NULL,
    released         TEXT   NOT NULL,
    withheld         BIGINT NOT NULL,
    unfit            BIGINT NOT NULL,
    cpr_in_text      BIGINT NOT NULL,
    records          BIGINT NOT NULL,
    records_withheld BIGINT NOT NULL
);
INSERT INTO disclosure_of_class (seq, at, class, exchange, bytes, subjects, subject_ids, released, withheld, unfit,
        cpr_in_text, records, records_withheld)
    SELECT d.seq, d.at, c.number, d.exchange, d.bytes, d.subjects, d.subject_ids, d.released, d.withheld, d.unfit,
        d.cpr_in_text, d.records, d.records_withheld
    FROM disclosure d LEFT JOIN disclosure_class c
        ON c.recipient = d.recipient AND c.policy = d.policy AND c.route IS NOT DISTINCT FROM d.route
        AND c.kind = d.kind AND c.purpose = d.purpose AND c.basis = d.basis AND c.country = d.country
        AND c.status = d.status AND c.outcome = d.outcome;
DROP TABLE disclosure;
ALTER TABLE disclosure_of_class RENAME TO disclosure;
CREATE INDEX disclosure_class_time ON disclosure (class, at);
