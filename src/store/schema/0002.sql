-- Whom a recipient was told about in a window is found by its disclosures: an index of its own, four
-- entries a person instead of three, cost every exchange and spared a report milliseconds.
DROP INDEX disclosure_subject_recipient;
