-- Schema 6: the index of disclosures by time alone cost each of them an entry in a search tree, for a report that
-- goes recipient by recipient as well.
DROP INDEX disclosure_time;
