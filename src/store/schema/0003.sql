-- Schema 3: the pseudonyms of the scheme `table`. They cannot be made anew: nothing else has them.

-- A pseudonym and its value, both sealed, and found by keyed indexes of 16 bytes (docs/pseudonyms.md).
CREATE TABLE pseudonym (
    domain           TEXT   NOT NULL,
    version          BIGINT NOT NULL,
    by_value         BYTEA  NOT NULL,
    by_pseudonym     BYTEA  NOT NULL,
    kind             TEXT   NOT NULL,
    sealed_pseudonym BYTEA  NOT NULL,
    sealed_value     BYTEA  NOT NULL,
    PRIMARY KEY (domain, version, by_value)
);
CREATE UNIQUE INDEX pseudonym_pseudonym ON pseudonym (domain, version, by_pseudonym);

-- With whom a pseudonym goes when a person is erased (GDPR art. 17).
CREATE TABLE pseudonym_subject (
    domain   TEXT   NOT NULL,
    version  BIGINT NOT NULL,
    by_value BYTEA  NOT NULL,
    subject  BYTEA  NOT NULL,
    PRIMARY KEY (domain, version, by_value, subject)
);
CREATE INDEX pseudonym_subject_subject ON pseudonym_subject (subject, domain, version, by_value);

-- Under which pseudonyms, which are gone, a recipient knows a person who was erased: sealed, until
-- it has acknowledged that it was told (GDPR art. 19).
CREATE TABLE erased_pseudonym (
    subject   BYTEA NOT NULL,
    recipient TEXT  NOT NULL,
    sealed    BYTEA NOT NULL,
    PRIMARY KEY (subject, recipient)
);
