//! Every statement, in the SQL that SQLite and PostgreSQL share: `$n` parameters in the order of
//! their first use, `ON CONFLICT`, no numbers that the database makes up. Tests parse each as
//! PostgreSQL and hold each one's plan.

macro_rules! statements {
    ($($name:ident = $sql:literal;)*) => {
        $(pub(super) const $name: &str = $sql;)*
        /// All of them, with their names, for tests.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

statements! {
    META = "SELECT value FROM meta WHERE name = $1";
    PUT_META = "INSERT INTO meta (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    PUT_META_ONCE = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";

    LAST_ALIAS = "SELECT number FROM alias ORDER BY number DESC LIMIT 1";
    PUT_ALIAS = "INSERT INTO alias (subject, same_as, source, at, number) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (subject, same_as) DO NOTHING";
    REMOVE_ALIAS = "DELETE FROM alias WHERE subject = $1 AND same_as = $2";
    ALIASES = "SELECT subject, same_as FROM alias ORDER BY number";
    ALIASES_FROM = "SELECT subject, same_as, source, at FROM alias WHERE subject = $1 ORDER BY same_as";
    ALIASES_TO = "SELECT subject, same_as, source, at FROM alias WHERE same_as = $1 ORDER BY subject";

    LAST_CHANGE = "SELECT number FROM registry ORDER BY number DESC LIMIT 1";
    PUT_CHANGE = "INSERT INTO registry (number, subject, kind, purpose, recipient, begun, at, ends, reason,
            who, sealed_cpr, recorded)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (number) DO NOTHING";
    SET_RECORDED = "UPDATE registry SET recorded = $1 WHERE number = $2";
    RECORD_CHANGE = "UPDATE registry SET recorded = $1 WHERE number = $2 AND recorded IS NULL";
    CHANGE = "SELECT number, subject, kind, purpose, recipient, begun, at, ends, reason, who, sealed_cpr,
            recorded
        FROM registry WHERE number = $1";
    CHANGES = "SELECT number, subject, kind, purpose, recipient, begun, at, ends, reason, who, sealed_cpr,
            recorded
        FROM registry WHERE number > $1 ORDER BY number";
    CHANGES_OF = "SELECT number, subject, kind, purpose, recipient, begun, at, ends, reason, who,
            sealed_cpr, recorded
        FROM registry WHERE subject = $1 ORDER BY number";
    CHANGES_UNRECORDED = "SELECT number, subject, kind, purpose, recipient, begun, at, ends, reason, who,
            sealed_cpr, recorded
        FROM registry WHERE recorded IS NULL ORDER BY number";
    FORGET_SEALED = "UPDATE registry SET sealed_cpr = NULL WHERE subject = $1";

    PUT_TOMBSTONE = "INSERT INTO tombstone (subject, at, who, reason) VALUES ($1, $2, $3, $4)
        ON CONFLICT (subject) DO NOTHING";
    IS_ERASED = "SELECT 1 FROM tombstone WHERE subject = $1";
    TOMBSTONES = "SELECT subject, at, who, reason FROM tombstone ORDER BY subject";

    PUT_NOTIFICATION = "INSERT INTO notification (notice, recipient, subject, about, at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (notice, recipient) DO NOTHING";
    ACKNOWLEDGE = "UPDATE notification SET acknowledged = $1, acknowledged_by = $2
        WHERE notice = $3 AND recipient = $4 AND acknowledged IS NULL";
    NOTIFICATIONS_OF = "SELECT notice, recipient, subject, about, at, acknowledged, acknowledged_by
        FROM notification WHERE subject = $1 ORDER BY at, notice, recipient";
    NOTIFICATIONS_OPEN = "SELECT notice, recipient, subject, about, at, acknowledged, acknowledged_by
        FROM notification WHERE acknowledged IS NULL ORDER BY at, notice, recipient";

    PSEUDONYM_OF_VALUE = "SELECT by_pseudonym, kind, sealed_pseudonym FROM pseudonym_of_value
        WHERE domain = $1 AND version = $2 AND by_value = $3";
    VALUE_OF_PSEUDONYM = "SELECT by_value, sealed_value FROM value_of_pseudonym
        WHERE domain = $1 AND version = $2 AND by_pseudonym = $3";
    PUT_PSEUDONYM = "INSERT INTO pseudonym_of_value (domain, version, by_value, by_pseudonym, kind,
            sealed_pseudonym)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (domain, version, by_value) DO NOTHING";
    PUT_VALUE = "INSERT INTO value_of_pseudonym (domain, version, by_pseudonym, by_value, sealed_value)
        VALUES ($1, $2, $3, $4, $5)";
    PUT_PSEUDONYM_SUBJECT = "INSERT INTO pseudonym_subject (domain, version, by_value, subject)
        VALUES ($1, $2, $3, $4) ON CONFLICT (domain, version, by_value, subject) DO NOTHING";
    HAS_PSEUDONYM_SUBJECT = "SELECT 1 FROM pseudonym_subject
        WHERE domain = $1 AND version = $2 AND by_value = $3 AND subject = $4";
    PSEUDONYM_SUBJECTS = "SELECT subject FROM pseudonym_subject
        WHERE domain = $1 AND version = $2 AND by_value = $3 ORDER BY subject";
    PSEUDONYMS_OF_SUBJECT = "SELECT p.by_pseudonym, p.kind, p.sealed_pseudonym, p.domain, p.version, p.by_value
        FROM pseudonym_subject s JOIN pseudonym_of_value p
            ON p.domain = s.domain AND p.version = s.version AND p.by_value = s.by_value
        WHERE s.subject = $1 ORDER BY s.domain, s.version, s.by_value";
    ERASE_PSEUDONYM = "DELETE FROM pseudonym_of_value WHERE domain = $1 AND version = $2 AND by_value = $3";
    ERASE_VALUE = "DELETE FROM value_of_pseudonym WHERE domain = $1 AND version = $2 AND by_pseudonym = $3";
    ERASE_PSEUDONYM_SUBJECTS = "DELETE FROM pseudonym_subject
        WHERE domain = $1 AND version = $2 AND by_value = $3";
    PSEUDONYMS_DESTROYED = "SELECT number FROM counter WHERE name = 'pseudonyms-destroyed'";
    RAISE_PSEUDONYMS_DESTROYED = "UPDATE counter SET number = number + 1 WHERE name = 'pseudonyms-destroyed'";
    FORGET_PSEUDONYMS = "DELETE FROM pseudonym_of_value WHERE domain = $1 AND version = $2";
    FORGET_VALUES = "DELETE FROM value_of_pseudonym WHERE domain = $1 AND version = $2";
    FORGET_PSEUDONYM_SUBJECTS = "DELETE FROM pseudonym_subject WHERE domain = $1 AND version = $2";
    PUT_ERASED_PSEUDONYM = "INSERT INTO erased_pseudonym (subject, recipient, sealed) VALUES ($1, $2, $3)
        ON CONFLICT (subject, recipient) DO UPDATE SET sealed = excluded.sealed";
    ERASED_PSEUDONYMS = "SELECT recipient, sealed FROM erased_pseudonym WHERE subject = $1
        ORDER BY recipient";
    FORGET_ERASED_PSEUDONYMS = "DELETE FROM erased_pseudonym WHERE subject = $1 AND recipient = $2";

    RESERVED = "SELECT subject, at FROM reservation WHERE recipient = $1 AND at > $2";
    RESERVE = "INSERT INTO reservation (recipient, subject, at) VALUES ($1, $2, $3)
        ON CONFLICT (recipient, subject) DO UPDATE SET at = excluded.at WHERE reservation.at < excluded.at";
    TOLD = "SELECT 1 FROM reservation WHERE recipient = $1 AND subject = $2";
    LAST_RESERVED = "SELECT MAX(at) FROM reservation WHERE recipient = $1";
    FORGET_RESERVED = "DELETE FROM reservation WHERE at <= $1";
    TOLD_TO = "SELECT d.at, d.subject_ids FROM disclosure_class c JOIN disclosure d ON d.class = c.number
        WHERE c.recipient = $1 AND d.at >= $2 AND d.at < $3";

    POSITION = "SELECT seq, hash FROM position WHERE log = $1";
    UNSORTED = "SELECT unsorted FROM position WHERE log = $1";
    PUT_POSITION = "INSERT INTO position (log, seq, hash, unsorted) VALUES ($1, $2, $3, $4)
        ON CONFLICT (log) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, unsorted = excluded.unsorted";
    PUT_DISCLOSURE = "INSERT INTO disclosure (seq, at, class, exchange, bytes, subjects, subject_ids, released,
            withheld, unfit, cpr_in_text, records, records_withheld)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    CLASS = "SELECT number FROM disclosure_class
        WHERE recipient = $1 AND policy = $2 AND route IS NOT DISTINCT FROM $3 AND kind = $4 AND purpose = $5
            AND basis = $6 AND country = $7 AND status = $8 AND outcome = $9";
    LAST_CLASS = "SELECT number FROM disclosure_class ORDER BY number DESC LIMIT 1";
    PUT_CLASS = "INSERT INTO disclosure_class (recipient, policy, route, kind, purpose, basis, country, status,
            outcome, number)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    UNSORTED_FROM = "SELECT seq, subject_ids FROM disclosure WHERE seq > $1 AND seq <= $2";
    LAST_RUN = "SELECT last FROM posting_run WHERE log = $1 ORDER BY first DESC LIMIT 1";
    RUNS = "SELECT log, first, last FROM posting_run ORDER BY log, first";
    LOGS = "SELECT log, seq FROM position";
    PUT_RUN = "INSERT INTO posting_run (log, first, last) VALUES ($1, $2, $3)";
    REMOVE_RUN = "DELETE FROM posting_run WHERE log = $1 AND first = $2";
    PUT_BLOCK = "INSERT INTO posting_block (log, run, least, postings) VALUES ($1, $2, $3, $4)";
    BLOCKS_DOWN_FROM = "SELECT least, postings FROM posting_block WHERE log = $1 AND run = $2 AND least <= $3
        ORDER BY least DESC";
    REMOVE_BLOCKS = "DELETE FROM posting_block WHERE log = $1 AND run = $2";
    PUT_POLICY = "INSERT INTO policy_version (policy, log, seq, at, recipient, name, relation,
            purpose, category, basis, country, ground, retention, agreement, who)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT (policy) DO NOTHING";
    PUT_POLICY_RULE = "INSERT INTO policy_rule (policy, route, rule, location, form)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (policy, route, rule) DO NOTHING";
    PUT_ACT = "INSERT INTO act (log, seq, at, kind, what, begun, who, why, purpose, recipient, policy)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (log, seq) DO NOTHING";
    PUT_ACT_SUBJECT = "INSERT INTO act_subject (log, seq, subject) VALUES ($1, $2, $3)
        ON CONFLICT (log, seq, subject) DO NOTHING";

    CLEAR_ACT_SUBJECT = "DELETE FROM act_subject";
    CLEAR_ACT = "DELETE FROM act";
    CLEAR_POLICY_RULE = "DELETE FROM policy_rule";
    CLEAR_POLICY = "DELETE FROM policy_version";
    CLEAR_BLOCKS = "DELETE FROM posting_block";
    CLEAR_RUNS = "DELETE FROM posting_run";
    CLEAR_DISCLOSURE = "DELETE FROM disclosure";
    CLEAR_CLASSES = "DELETE FROM disclosure_class";
    CLEAR_POSITION = "DELETE FROM position";

    FORGET_ACT_SUBJECT = "DELETE FROM act_subject WHERE log = $1 AND seq <= $2";
    FORGET_ACT = "DELETE FROM act WHERE log = $1 AND seq <= $2";
    FORGOTTEN = "SELECT at FROM disclosure WHERE seq <= $1 ORDER BY seq DESC LIMIT 1";
    FORGET_DISCLOSURE = "DELETE FROM disclosure WHERE seq <= $1";
    FORGET_CLASSES = "DELETE FROM disclosure_class
        WHERE NOT EXISTS (SELECT 1 FROM disclosure d WHERE d.class = disclosure_class.number)";

    DISCLOSURE = "SELECT d.seq, d.at, c.kind, d.exchange, c.recipient, c.policy, c.route, c.purpose, c.basis,
            c.country, c.status, c.outcome, d.bytes, d.released, d.withheld, d.unfit, d.cpr_in_text, d.records,
            d.records_withheld, d.subjects
        FROM disclosure d JOIN disclosure_class c ON c.number = d.class WHERE d.seq = $1";
    GIVEN_TO = "SELECT c.policy, c.route, d.at, d.released
        FROM disclosure_class c JOIN disclosure d ON d.class = c.number
        WHERE c.recipient = $1 AND d.at >= $2 AND d.at < $3 AND c.kind <> 'refusal'";
    NEXT_RECIPIENT = "SELECT recipient FROM disclosure_class WHERE recipient > $1 ORDER BY recipient LIMIT 1";
    VOLUMES = "SELECT c.recipient, c.kind, c.outcome, COUNT(*), CAST(SUM(d.bytes) AS BIGINT),
            CAST(SUM(d.subjects) AS BIGINT), CAST(SUM(d.records) AS BIGINT),
            CAST(SUM(d.records_withheld) AS BIGINT), CAST(SUM(d.withheld) AS BIGINT),
            CAST(SUM(d.unfit) AS BIGINT), CAST(SUM(d.cpr_in_text) AS BIGINT)
        FROM disclosure_class c JOIN disclosure d ON d.class = c.number
        WHERE c.recipient = $1 AND d.at >= $2 AND d.at < $3
        GROUP BY c.recipient, c.kind, c.outcome ORDER BY c.kind, c.outcome";
    ACTS = "SELECT log, seq, at, kind, what, begun, who, why, purpose, recipient, policy FROM act
        WHERE at >= $1 AND at < $2 ORDER BY at, log, seq";
    ACTS_OF_KIND = "SELECT log, seq, at, kind, what, begun, who, why, purpose, recipient, policy FROM act
        WHERE kind = $1 ORDER BY at, log, seq";
    ACTS_OF = "SELECT a.log, a.seq, a.at, a.kind, a.what, a.begun, a.who, a.why, a.purpose, a.recipient,
            a.policy
        FROM act_subject s JOIN act a ON a.log = s.log AND a.seq = s.seq
        WHERE s.subject = $1 ORDER BY s.log, s.seq";
    ACT_SUBJECTS = "SELECT subject FROM act_subject WHERE log = $1 AND seq = $2 ORDER BY subject";
    POLICY = "SELECT seq, at, recipient, name, relation, purpose, category, basis, country, ground,
            retention, agreement, who
        FROM policy_version WHERE policy = $1";
    POLICIES = "SELECT seq, at, recipient, name, relation, purpose, category, basis, country, ground,
            retention, agreement, who, policy
        FROM policy_version WHERE at >= $1 AND at < $2 ORDER BY at, recipient";
    POLICY_RULES = "SELECT route, rule, location, form FROM policy_rule WHERE policy = $1
        ORDER BY route, rule";
}
