//! What must hold for every policy and every document; `PROPTEST_CASES` raises the count.

use proptest::prelude::*;
use tavs::absence;
use tavs::cpr;
use tavs::ids::SubjectId;
use tavs::judge::{Everyone, Judge, Judgement};
use tavs::policy::checked::{
    Action, Basis, CprInText, Keep, Kind, Linkability, Policy, Rule, Shape, Sought, Subject,
};
use tavs::policy::location::Step;
use tavs::policy::plan::Plan;
use tavs::policy::resolve::Resolved;
use tavs::pseudonym::{Input, KeyRing, Known, Linkage, NONE_KNOWN, Rows, Scheme};
use tavs::rewrite::{
    Decision, Disclosure, Echoes, Fault, NO_BASE, NO_ECHOES, Outcome as Watched, Rewriter, Rewritten, Watch,
    rewrite, rewrite_lines, survey, take,
};

use crate::build;
use crate::generate::{self, Case, PERSONS};
use crate::oracle::tree::{self, Tree};
use crate::oracle::{Counts, Oracle, Outcome, Refused};

const SALT: [u8; 16] = *b"salt of one body";

fn keys() -> KeyRing {
    KeyRing::throw_away([7; 32])
}

/// Keys that are not thrown away: under them pseudonyms of the scheme `table` stand in a store.
pub(crate) fn live_keys() -> KeyRing {
    let secret = |used: &str, name: &str, digit: &str| {
        format!(
            "[[secret]]\nuse = \"{used}\"\nname = \"{name}\"\nversion = 1\nstate = \"active\"\nsecret = \"{}\"\n",
            digit.repeat(64)
        )
    };
    let text = format!("ring = 1\n{}{}", secret("domain", "live", "a"), secret("ledger-subjects", "", "b"));
    KeyRing::parse(&text, jiff::Timestamp::UNIX_EPOCH).unwrap()
}

fn rules(policy: &Policy) -> impl Iterator<Item = &Rule> {
    policy.routes[0].response.rules.iter().chain(policy.shapes.iter().flat_map(|shape| &shape.rules))
}

pub(crate) fn in_table(mut policy: Policy) -> Policy {
    policy.pseudonyms.domain = "live".into();
    policy.pseudonyms.scheme = Scheme::Table;
    policy.pseudonyms.linkability = Linkability::Domain;
    policy
}

fn plan(policy: &Policy) -> Plan {
    Plan::compile(policy, &policy.routes[0], &keys()).unwrap()
}

/// Both on one body: what leaves, if they agree.
pub(crate) fn agreed(policy: &Policy, body: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let oracle = Oracle::new(policy, &policy.routes[0], &keys(), &Everyone, SALT);
    compare(policy, &rewrite(&plan(policy), body, &SALT, &mut ()), oracle.rewrite(body))
}

pub(crate) fn agreed_on_lines(policy: &Policy, body: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let oracle = Oracle::new(policy, &policy.routes[0], &keys(), &Everyone, SALT);
    compare(policy, &rewrite_lines(&plan(policy), body, &SALT, &mut ()), oracle.rewrite_lines(body))
}

/// What both gave; an error says how they differ.
pub(crate) fn compare(
    policy: &Policy,
    real: &Result<Rewritten, Fault>,
    oracle: Result<Outcome, Refused>,
) -> Result<Option<Vec<u8>>, String> {
    match (real, oracle) {
        (Err(_), Err(_)) => Ok(None),
        (Err(fault), Ok(outcome)) => Err(format!(
            "the rewriter refuses ({fault}), the oracle gives {}",
            String::from_utf8_lossy(&outcome.body)
        )),
        (Ok(rewritten), Err(refused)) => Err(format!(
            "the oracle refuses ({refused:?}), the rewriter gives {}",
            String::from_utf8_lossy(rewritten.released.body())
        )),
        (Ok(rewritten), Ok(outcome)) => {
            let (real, oracle) = (shown(policy, rewritten.released.body()), shown(policy, &outcome.body));
            if real != oracle {
                return Err(format!("\nrewriter: {real}\noracle:   {oracle}"));
            }
            let (real, oracle) = (counts(&rewritten.disclosure), &outcome.counts);
            if real != *oracle {
                return Err(format!("the counts differ\nrewriter: {real:?}\noracle:   {oracle:?}"));
            }
            Ok(Some(outcome.body))
        }
    }
}

/// The text; where each pseudonym is another one, all are made one, also in what is coded in base64.
fn shown(policy: &Policy, body: &[u8]) -> String {
    let text = String::from_utf8(body.to_vec()).unwrap();
    if policy.pseudonyms.linkability != Linkability::None {
        return text;
    }
    let decoded = |part: &str| {
        let inner = data_encoding::BASE64.decode(part.as_bytes()).ok()?;
        (!inner.is_empty() && std::str::from_utf8(&inner).is_ok())
            .then(|| format!("coded: {}", shown(policy, &inner)))
    };
    let parts: Vec<_> =
        text.split('"').map(|part| decoded(part).unwrap_or_else(|| part.to_owned())).collect();
    let text = parts.join("\"");
    let prefix = format!("{}1-", policy.pseudonyms.scheme.prefix());
    let mut parts = text.split(prefix.as_str());
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        out += "…";
        out.extend(part.chars().skip_while(char::is_ascii_lowercase));
    }
    out
}

fn counts(disclosure: &Disclosure) -> Counts {
    Counts {
        subjects: disclosure.subjects.clone(),
        released_by_rule: disclosure.released_by_rule.clone(),
        withheld: disclosure.withheld,
        unfit: disclosure.unfit,
        address_protected: disclosure.address_protected,
        cpr_in_text: disclosure.cpr_in_text,
        records: disclosure.records,
        records_withheld: disclosure.records_withheld,
    }
}

/// The policy without rules that let values out which nobody has searched.
fn without_exceptions(mut policy: Policy) -> Policy {
    let rules = policy.shapes.iter_mut().flat_map(|shape| &mut shape.rules);
    for rule in policy.routes[0].response.rules.iter_mut().chain(rules) {
        if let Action::Keep(keep) = &mut rule.action {
            *keep = Keep::default();
        }
    }
    policy
}

/// The policy without shapes, filters, subjects and names, whose places may be looked at though
/// they are withheld.
fn without_looks(mut policy: Policy) -> Policy {
    let response = &mut policy.routes[0].response;
    policy.purpose.basis = vec![Basis { id: "sul-41", health: true }];
    response.shapes.clear();
    response.subject = Subject::Elsewhere;
    response.record = None;
    let filters = |rule: &Rule| rule.location.steps.iter().any(|step| matches!(step, Step::Filter(_)));
    response.rules.retain(|rule| !filters(rule));
    for rule in &mut response.rules {
        if let Action::Scan(scan) | Action::Decode(scan) = &mut rule.action {
            scan.names.clear();
        }
    }
    policy
}

/// The policy of a request: what is kept, and what is not, of whatever document.
fn of_request(mut policy: Policy) -> Policy {
    policy.cpr_in_text = CprInText::Mask;
    policy.purpose.basis = vec![Basis { id: "sul-41", health: true }];
    let response = &mut policy.routes[0].response;
    response.shapes.clear();
    response.subject = Subject::Elsewhere;
    response.record = None;
    response.rules.retain(|rule| matches!(rule.action, Action::Keep(_) | Action::Withhold));
    policy
}

/// All persons, by their pseudonyms in the policy's domain.
fn resolved(policy: &Policy, plan: &Plan) -> Vec<Resolved> {
    let maker = keys().pseudonymiser(&policy.pseudonyms.domain, Scheme::Sealed).unwrap();
    let linkage = match policy.pseudonyms.linkability {
        Linkability::Domain => Linkage::Domain,
        Linkability::Document => Linkage::Document(&SALT),
        Linkability::None => Linkage::None(&SALT, 1),
    };
    let resolve = |person: &&str| {
        let number = cpr::parse(person)?;
        let mut pseudonym = Vec::new();
        let made = maker.write(Input::number(&number, ""), linkage, &mut pseudonym);
        let sought = Sought { kind: Kind::Cpr, system: None };
        made.then(|| {
            plan.resolve(&sought, std::str::from_utf8(&pseudonym).unwrap(), &Rows::default()).unwrap()
        })
    };
    PERSONS.iter().filter_map(resolve).collect()
}

/// Where, and what came of it.
struct Log(Vec<(String, Watched)>);

impl Watch for Log {
    const ENABLED: bool = true;

    fn decided(&mut self, decision: &Decision<'_>) {
        self.0.push((decision.pointer.to_owned(), decision.outcome));
    }
}

/// Withholds some, does not know others, and takes two for one person, by chance.
struct Registry(u8);

impl Judge for Registry {
    fn judge(&self, id: SubjectId, is_number: bool) -> Judgement {
        match id.0[0].wrapping_add(self.0) % 4 {
            0 => Judgement::Withheld,
            1 if !is_number => Judgement::Unknown,
            2 => Judgement::Person(SubjectId([2; 16])),
            _ => Judgement::Person(id),
        }
    }
}

fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { 1000 };
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 20_000, ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_rewriter_does_what_the_obvious_version_does(case in generate::case()) {
        if let Err(difference) = agreed(&case.policy, &case.body) {
            prop_assert!(false, "{}", difference);
        }
    }

    #[test]
    fn they_agree_whoever_is_withheld(case in generate::case(), seed in any::<u8>(), lines in any::<bool>()) {
        let (plan, keys, judge) = (plan(&case.policy), keys(), Registry(seed));
        let body: Vec<u8> = case.body.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }).collect();
        let real = Rewriter { plan: &plan, salt: &SALT, judge: &judge, echoes: &NO_ECHOES, base: NO_BASE, known: &NONE_KNOWN, lines }.run(&body, &mut ());
        let oracle = Oracle::new(&case.policy, &case.policy.routes[0], &keys, &judge, SALT);
        let obvious = if lines { oracle.rewrite_lines(&body) } else { oracle.rewrite(&body) };
        if let Err(difference) = compare(&case.policy, &real, obvious) {
            prop_assert!(false, "{}", difference);
        }
    }

    /// What is heard while a body is rewritten is what a look through all of it says, whoever is withheld.
    #[test]
    fn rewriting_hears_what_a_survey_does(
        case in generate::case(),
        aliases in proptest::collection::vec(generate::location(1..3), 1..4),
        (seed, lines) in (any::<u8>(), any::<bool>()),
    ) {
        let mut policy = case.policy;
        for (shape, alias) in policy.shapes.iter_mut().zip(&aliases) {
            shape.at = vec![build::at("$"), build::at("$.list[*]"), build::at("$.a")];
            shape.when = Vec::new();
            shape.alias = vec![alias.clone(), build::at("$.id")];
            shape.subject = Subject::At(vec![build::at("$.cpr")]);
        }
        generate::without_conflicts(&mut policy);
        let (plan, judge) = (plan(&policy), Registry(seed));
        let body: Vec<u8> = case.body.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }).collect();
        let rewriter = Rewriter { plan: &plan, salt: &SALT, judge: &judge, echoes: &NO_ECHOES, base: NO_BASE, known: &NONE_KNOWN, lines };
        let alone = rewriter.run(&body, &mut ());
        match rewriter.run_and_survey(&body) {
            Ok((rewritten, heard)) => {
                let alone = alone.unwrap();
                prop_assert_eq!(rewritten.released.body(), alone.released.body());
                prop_assert_eq!(rewritten.disclosure, alone.disclosure);
                prop_assert_eq!(heard, survey(&plan, &body, lines).unwrap());
            }
            Err(fault) => prop_assert_eq!(alone.unwrap_err(), fault),
        }
    }

    /// Under the scheme `table`: what the scan says is what the rewrite needs, of those who may leave, and all
    /// of it leaves.
    #[test]
    fn a_body_needs_the_pseudonyms_that_leave_and_no_others(case in generate::case(), seed in any::<u8>(), lines in any::<bool>()) {
        let (policy, keys, judge) = (in_table(case.policy), live_keys(), Registry(seed));
        let plan = Plan::compile(&policy, &policy.routes[0], &keys).unwrap();
        let body: Vec<u8> = case.body.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }).collect();
        let blank = Rewriter { plan: &plan, salt: &SALT, judge: &judge, echoes: &NO_ECHOES, base: NO_BASE, known: &NONE_KNOWN, lines };
        let oracle = Oracle::new(&policy, &policy.routes[0], &keys, &judge, SALT);
        let obvious = |oracle: Oracle<'_>| if lines { oracle.rewrite_lines(&body) } else { oracle.rewrite(&body) };
        let (maker, table) = (plan.pseudonymiser(), plan.pseudonymiser().table().unwrap());
        let written = |pseudonym: &[u8; 16]| {
            let mut out = Vec::new();
            maker.write_drawn(pseudonym, &mut out);
            String::from_utf8(out).unwrap()
        };
        let Ok(needs) = blank.needs(&body) else {
            let all = oracle.with_drawn(|input| Some(written(&table.by_value(input))));
            prop_assert!(obvious(all).is_err());
            return Ok(());
        };
        let drawn: Vec<([u8; 16], [u8; 16])> =
            needs.wanted.iter().zip(1_u128..).map(|(one, number)| (one.by_value, number.to_be_bytes())).collect();
        let known: Known = drawn.iter().copied().collect();
        let real = Rewriter { known: &known, ..blank }.run(&body, &mut ());
        if let Ok(real) = &real {
            prop_assert_eq!(needs.document_withheld, real.document_withheld);
            // In what is coded again a pseudonym does not stand as it is written.
            let coded = rules(&policy).any(|rule| matches!(rule.action, Action::Decode(_) | Action::DecodeJson(_)));
            let leaves = std::str::from_utf8(real.released.body()).unwrap();
            for (_, pseudonym) in &drawn {
                prop_assert!(coded || leaves.contains(&written(pseudonym)), "{} is not in {}", written(pseudonym), leaves);
            }
        }
        let stored = oracle.with_drawn(|input| known.of(&table.by_value(input)).map(&written));
        if let Err(difference) = compare(&policy, &real, obvious(stored)) {
            prop_assert!(false, "{}", difference);
        }
    }

    #[test]
    fn they_agree_on_broken_documents(case in generate::case(), changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..4)) {
        let mut body = case.body.clone();
        for (at, byte, how) in changes {
            let at = at.index(body.len() + 1);
            match how {
                0 => body.truncate(at),
                1 => body.insert(at, byte),
                2 if at < body.len() => body[at] = byte,
                _ if at < body.len() => drop(body.remove(at)),
                _ => {}
            }
        }
        if let Err(difference) = agreed(&case.policy, &body) {
            prop_assert!(false, "{}\n{}", String::from_utf8_lossy(&body), difference);
        }
    }

    #[test]
    fn they_agree_line_by_line(case in generate::case(), more in proptest::collection::vec(generate::case(), 0..3)) {
        let mut body = Vec::new();
        for one in std::iter::once(&case).chain(&more) {
            body.extend(one.body.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }));
            body.push(b'\n');
        }
        if let Err(difference) = agreed_on_lines(&case.policy, &body) {
            prop_assert!(false, "{}\n{}", String::from_utf8_lossy(&body), difference);
        }
    }

    #[test]
    fn no_person_leaves_in_any_form(case in generate::case()) {
        if let Ok(rewritten) = rewrite(&plan(&without_exceptions(case.policy)), &case.body, &SALT, &mut ()) {
            let body = rewritten.released.body();
            let found = absence::find_any(body, PERSONS);
            prop_assert!(found.is_empty(), "{:?} in {}", found, String::from_utf8_lossy(body));
        }
    }

    /// Exceptions are for what is no person's number; what was resolved is known to be one.
    #[test]
    fn what_was_resolved_does_not_come_back(case in generate::case()) {
        let mut policy = case.policy;
        policy.pseudonyms.scheme = Scheme::Sealed;
        let plan = plan(&policy);
        let echoes = Echoes::of(&resolved(&policy, &plan));
        let rewriter = Rewriter { plan: &plan, salt: &SALT, judge: &Everyone, echoes: &echoes, base: NO_BASE, known: &NONE_KNOWN, lines: false };
        if let Ok(rewritten) = rewriter.run(&case.body, &mut ()) {
            let body = rewritten.released.body();
            let found = absence::find_any(body, PERSONS);
            prop_assert!(found.is_empty(), "{:?} in {}", found, String::from_utf8_lossy(body));
        }
    }

    /// What the obvious version would leave a part of out is refused, and all else passes as it came.
    #[test]
    fn a_request_is_passed_on_whole_or_not_at_all(case in generate::case()) {
        let policy = of_request(case.policy);
        let keys = keys();
        let response = &policy.routes[0].response;
        let taken = take(&Plan::compile_request(&policy, &response.rules, &keys).unwrap(), &case.body, &Rows::default());
        let oracle = Oracle::new(&policy, &policy.routes[0], &keys, &Everyone, SALT).rewrite(&case.body);
        let compact = tree::parse(&case.body).map(|tree| {
            let mut compact = String::new();
            tree.write(&mut compact);
            compact.into_bytes()
        });
        let whole = oracle.ok().filter(|outcome| {
            let Counts { withheld, unfit, cpr_in_text, .. } = outcome.counts;
            withheld + unfit + cpr_in_text == 0 && compact.as_ref().is_ok_and(|body| *body == outcome.body)
        });
        let empty = whole.as_ref().is_some_and(|outcome| matches!(&outcome.body[..], b"{}" | b"[]"));
        match taken {
            Ok(taken) => prop_assert_eq!(Some(taken.body.into_inner()), whole.map(|outcome| outcome.body)),
            Err(refused) => prop_assert!(whole.is_none() || empty, "{}", refused),
        }
    }

    #[test]
    fn what_leaves_is_compact_json(case in generate::case()) {
        if let Ok(rewritten) = rewrite(&plan(&case.policy), &case.body, &SALT, &mut ()) {
            let body = rewritten.released.body();
            let tree = tree::parse(body).unwrap();
            let mut compact = String::new();
            tree.write(&mut compact);
            prop_assert_eq!(compact.as_bytes(), body);
        }
    }

    #[test]
    fn watching_changes_nothing(case in generate::case()) {
        let plan = plan(&case.policy);
        let unwatched = rewrite(&plan, &case.body, &SALT, &mut ());
        let watched = rewrite(&plan, &case.body, &SALT, &mut Log(Vec::new()));
        match (unwatched, watched) {
            (Ok(one), Ok(other)) => {
                prop_assert_eq!(one.released.body(), other.released.body());
                prop_assert_eq!(one.disclosure, other.disclosure);
            }
            (Err(one), Err(other)) => prop_assert_eq!(one, other),
            (one, other) => prop_assert!(false, "{:?}\n{:?}", one.map(|r| r.disclosure), other.map(|r| r.disclosure)),
        }
    }

    #[test]
    fn what_is_withheld_leaves_no_trace(case in generate::case()) {
        let policy = without_looks(case.policy);
        let plan = plan(&policy);
        let mut log = Log(Vec::new());
        if let Ok(rewritten) = rewrite(&plan, &case.body, &SALT, &mut log) {
            let mut tree = tree::parse(&case.body).unwrap();
            // what the document itself is, object or array, does leave
            let inner = log.0.iter().filter(|(pointer, _)| !pointer.is_empty());
            for (pointer, _) in inner.filter(|(_, outcome)| *outcome == Watched::Withheld) {
                // of two members of one name, in an object of which nothing leaves, one is lost
                if let Some(value) = tree.at_mut(pointer) {
                    *value = Tree::string("hidden");
                }
            }
            let mut hidden = String::new();
            tree.write(&mut hidden);
            let again = rewrite(&plan, hidden.as_bytes(), &SALT, &mut ()).unwrap();
            prop_assert_eq!(
                String::from_utf8_lossy(again.released.body()),
                String::from_utf8_lossy(rewritten.released.body()),
                "with what is withheld changed:\n{}", hidden
            );
        }
    }

    #[test]
    fn two_domains_share_no_pseudonym(case in generate::case()) {
        let mut elsewhere = case.policy.clone();
        elsewhere.pseudonyms.domain = "elsewhere".into();
        let pseudonyms = |policy: &Policy| -> Vec<String> {
            let Ok(rewritten) = rewrite(&plan(policy), &case.body, &SALT, &mut ()) else { return Vec::new() };
            let text = String::from_utf8(rewritten.released.into_body()).unwrap();
            // Digits carry nothing to know them by; their own tests hold it.
            if policy.pseudonyms.scheme == Scheme::Digits {
                return Vec::new();
            }
            let prefix = format!("{}1-", policy.pseudonyms.scheme.prefix());
            let letters = |rest: &str| rest.chars().take_while(char::is_ascii_lowercase).collect();
            text.split(prefix.as_str()).skip(1).map(letters).collect()
        };
        let (here, there) = (pseudonyms(&case.policy), pseudonyms(&elsewhere));
        prop_assert_eq!(here.len(), there.len());
        // one that came in and was kept is no pseudonym of ours
        let own = |pseudonym: &&String| !String::from_utf8_lossy(&case.body).contains(pseudonym.as_str());
        for pseudonym in here.iter().filter(own) {
            prop_assert!(!there.contains(pseudonym));
        }
    }

    #[test]
    fn a_policy_that_refuses_cprs_lets_nothing_through_unseen(case in generate::case()) {
        let mut policy = case.policy;
        policy.cpr_in_text = CprInText::Refuse;
        if let Ok(rewritten) = rewrite(&plan(&policy), &case.body, &SALT, &mut ()) {
            prop_assert_eq!(rewritten.disclosure.cpr_in_text, 0);
        }
    }
}

/// The same number never has the same pseudonym there, in whatever line and code: what differs by no more
/// than that agrees.
#[test]
fn pseudonyms_that_link_nothing_agree_in_base64() {
    let shape = Shape {
        name: "first".into(),
        at: vec![build::at("$")],
        when: Vec::new(),
        subject: Subject::Nobody { reason: "generated".into() },
        alias: Vec::new(),
        rules: vec![build::rule("$.c", Action::Keep(Keep::default()))],
    };
    let response = build::response(vec![build::rule("$[*].data", Action::DecodeJson(vec!["first".into()]))]);
    let pseudonyms = (Scheme::Keyed, Linkability::None);
    let mut policy = build::policy("generated", pseudonyms, CprInText::Pseudonymise, vec![shape], response);
    policy.routes[0].response.shapes.clear();
    let coded = data_encoding::BASE64.encode(br#"{"kind":"x","c":{"a":"2512489996"}}"#);
    let line = format!("{{\"a\":{{\"data\":\"{coded}\"}}}}\n");
    let body = agreed_on_lines(&policy, format!("{line}{{\"2512489996\":\"\"}}\n{line}").as_bytes())
        .unwrap()
        .unwrap();
    let left: Vec<&[u8]> = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    assert!(left.len() == 2 && left[0] != left[1], "{}", String::from_utf8_lossy(&body));
}

/// The generator must not lose its teeth unseen.
#[test]
fn generated_cases_hit() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let strategy = generate::plain_case();
    let (mut refused, mut kept, mut pseudonyms, mut finds, mut withheld_records, mut records) =
        (0, 0, 0, 0, 0, 0);
    for _ in 0..400 {
        let Case { policy, body } = strategy.new_tree(&mut runner).unwrap().current();
        match rewrite(&plan(&policy), &body, &SALT, &mut ()) {
            Err(_) => refused += 1,
            Ok(rewritten) => {
                let disclosure = rewritten.disclosure;
                kept += u32::from(disclosure.released_by_rule.iter().any(|count| *count > 0));
                pseudonyms += u32::from(
                    rewritten
                        .released
                        .body()
                        .windows(5)
                        .any(|w| [b"tvk1-", b"tvs1-", b"tvt1-"].iter().any(|prefix| w == *prefix)),
                );
                finds += u32::from(disclosure.cpr_in_text > 0);
                withheld_records += u32::from(disclosure.records_withheld > 0);
                records += u32::from(disclosure.records > 0);
            }
        }
    }
    let figures = format!(
        "of 400: {refused} refused, {kept} keep something, {pseudonyms} with pseudonyms, {finds} with finds, \
         {records} with records, {withheld_records} with records withheld"
    );
    assert!(
        refused < 120
            && kept > 150
            && pseudonyms > 20
            && finds > 20
            && withheld_records > 20
            && records > 100,
        "{figures}"
    );
}

/// Nor in base64.
#[test]
fn generated_documents_hit() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let strategy = generate::coded_case();
    let (mut left, mut unfit, mut persons) = (0, 0, 0);
    for _ in 0..200 {
        let Case { policy, body } = strategy.new_tree(&mut runner).unwrap().current();
        let plan = plan(&policy);
        if let Ok(Rewritten { disclosure, .. }) = rewrite(&plan, &body, &SALT, &mut ()) {
            let inside = disclosure.released_by_rule.iter().zip(0..).filter(|(count, _)| **count > 0);
            let inside = inside.filter(|(_, rule)| plan.decoded_by(*rule).is_some()).count() > 0;
            left += u32::from(inside);
            persons += u32::from(inside && !disclosure.subjects.is_empty());
            unfit += u32::from(disclosure.unfit > 0);
        }
    }
    let figures =
        format!("of 200: {left} with decoded documents, {persons} about persons, {unfit} with what is unfit");
    assert!(left > 20 && persons > 3 && unfit > 20, "{figures}");
}
