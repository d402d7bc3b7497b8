-- Schema 7: how often pseudonyms of the scheme `table` were destroyed. Who has some in memory goes by it: while it
-- is the same, every one that ever stood stands. A tavs that does not raise it would leave others with those of an
-- erased person, and is refused by this schema's number.

-- Numbers that only rise.
CREATE TABLE counter (
    name   TEXT   NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (name)
) /* SQLite: WITHOUT ROWID */;
INSERT INTO counter (name, number) VALUES ('pseudonyms-destroyed', 0);
