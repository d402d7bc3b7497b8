-- Schema 8: a run of postings is written once and stays as it is. Runs of one level became one of the next, so that
-- each posting was written three times. Those that stand are found as before.
-- In position, unsorted counts a disclosure without postings as one from here on.
ALTER TABLE posting_run DROP COLUMN level;
