-- Schema 5: a pseudonym is found by its value, and a value by its pseudonym, in one search tree each. Both
-- stood in one table, behind an index each way: a look-up went through two trees, each in random order, which
-- took three times as long among a million persons as among ten thousand.

CREATE TABLE pseudonym_of_value (
    domain           TEXT   NOT NULL,
    version          BIGINT NOT NULL,
    by_value         BYTEA  NOT NULL,
    by_pseudonym     BYTEA  NOT NULL,
    kind             TEXT   NOT NULL,
    sealed_pseudonym BYTEA  NOT NULL,
    PRIMARY KEY (domain, version, by_value)
) /* SQLite: WITHOUT ROWID */;
-- A row for each of those, and goes with it.
CREATE TABLE value_of_pseudonym (
    domain       TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    by_pseudonym BYTEA  NOT NULL,
    by_value     BYTEA  NOT NULL,
    sealed_value BYTEA  NOT NULL,
    PRIMARY KEY (domain, version, by_pseudonym)
) /* SQLite: WITHOUT ROWID */;

INSERT INTO pseudonym_of_value (domain, version, by_value, by_pseudonym, kind, sealed_pseudonym)
    SELECT domain, version, by_value, by_pseudonym, kind, sealed_pseudonym FROM pseudonym
    ORDER BY domain, version, by_value;
INSERT INTO value_of_pseudonym (domain, version, by_pseudonym, by_value, sealed_value)
    SELECT domain, version, by_pseudonym, by_value, sealed_value FROM pseudonym
    ORDER BY domain, version, by_pseudonym;
DROP TABLE pseudonym;

-- With whom they go: a tree less here, too.
CREATE TABLE pseudonym_owner (
    domain   TEXT   NOT NULL,
    version  BIGINT NOT NULL,
    by_value BYTEA  NOT NULL,
    subject  BYTEA  NOT NULL,
    PRIMARY KEY (domain, version, by_value, subject)
) /* SQLite: WITHOUT ROWID */;
INSERT INTO pseudonym_owner (domain, version, by_value, subject)
    SELECT domain, version, by_value, subject FROM pseudonym_subject
    ORDER BY domain, version, by_value, subject;
DROP TABLE pseudonym_subject;
ALTER TABLE pseudonym_owner RENAME TO pseudonym_subject;
CREATE INDEX pseudonym_subject_subject ON pseudonym_subject (subject, domain, version, by_value);
