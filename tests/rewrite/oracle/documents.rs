//! A document in base64: a response of its own, with the shapes that its rule lists and no more.

use tavs::policy::checked::{Action, Policy, Response, Route, Subject};

use super::place::{Crumb, children, leads};
use super::tree::{self, Tree};
use super::{BASE64, Counts, Oracle, Refused, Walk, subjects, written};

/// The policy and the route that a document has: without decoding any further.
pub(super) fn policy_of(policy: &Policy, route: &Route, listed: &[String]) -> (Policy, Route) {
    let mut inner = policy.clone();
    for rule in inner.shapes.iter_mut().flat_map(|shape| &mut shape.rules) {
        if let Action::DecodeJson(shapes) = &mut rule.action {
            shapes.clear();
        }
    }
    let shapes = (0..policy.shapes.len()).filter(|index| listed.contains(&policy.shapes[*index].name));
    let response = Response {
        record: None,
        subject: Subject::Elsewhere,
        shapes: shapes.collect(),
        rules: Vec::new(),
        ..route.response.clone()
    };
    (inner, Route { response, ..route.clone() })
}

/// What a code is the code of.
fn uncoded(node: &Tree) -> Option<Tree> {
    let Tree::String { text, .. } = node else { return None };
    let compact: String = text.split_ascii_whitespace().collect();
    tree::parse(&BASE64.decode(compact.as_bytes()).ok()?).ok()
}

impl Oracle<'_> {
    /// The oracle of what a rule decodes; `then` is told it.
    fn within<T>(&self, listed: &[String], then: impl FnOnce(&Oracle<'_>) -> T) -> T {
        let (policy, route) = policy_of(self.policy, self.route, listed);
        let inner = Oracle::of(
            &policy,
            &route,
            (self.pseudonymiser.clone(), self.subject_key.clone(), self.shifter.clone()),
            self.judge,
            self.salt,
        );
        match &self.drawn {
            Some(drawn) => then(&inner.with_drawn(drawn)),
            None => then(&inner),
        }
    }

    /// Whether a document that a rule decodes in a record tells that its person is protected.
    pub(super) fn has_marked_document<'t>(
        &self,
        root: &'t Tree,
        node: &'t Tree,
        crumbs: &mut Vec<Crumb<'t>>,
    ) -> bool {
        let here = self
            .rules
            .iter()
            .filter(|rule| leads(&rule.steps, crumbs) && self.in_shape(rule.shape, root, crumbs));
        let marked = here.filter_map(|rule| match rule.action {
            Action::DecodeJson(shapes) => Some((shapes, uncoded(node)?)),
            _ => None,
        });
        let marked = marked.map(|(shapes, document)| self.within(shapes, |inner| inner.is_marked(&document)));
        marked.into_iter().any(|marked| marked)
            || children(node).into_iter().any(|crumb| {
                crumbs.push(crumb);
                let marked = !self.is_record(crumbs) && self.has_marked_document(root, crumb.child, crumbs);
                crumbs.pop();
                marked
            })
    }
}

impl<'t> Walk<'_, 't> {
    /// What is left of a document, coded; `None` where it is withheld.
    pub(super) fn document(
        &mut self,
        shapes: &[String],
        number: usize,
        node: &Tree,
    ) -> Result<Option<Tree>, Refused> {
        let oracle = self.oracle;
        let Some(root) = uncoded(node) else {
            self.counts.unfit += 1;
            return Ok(None);
        };
        let names = self.names_of_record();
        let first = oracle.documents.iter().find(|(rule, _)| *rule == number).map_or(0, |(_, first)| *first);
        oracle.within(shapes, |inner| {
            let mut counts = inner.counts();
            let subjects = subjects::of_record(inner, &root, &root, &mut Vec::new(), true);
            let mut walk = Walk {
                oracle: inner,
                root: &root,
                record: Some(&root),
                person: subjects.as_ref().filter(|all| all.len() == 1).map(|all| all[0]),
                protected: self.protected || inner.is_protected(&root, &root, &mut Vec::new()),
                names_around: names,
                records_less: 0,
                pseudonyms: self.pseudonyms,
                counts: &mut counts,
            };
            let left = match walk.inside(&root, &mut Vec::new(), false) {
                Err(Refused::CprInText) => return Err(Refused::CprInText),
                Err(_) => {
                    self.counts.unfit += 1;
                    return Ok(None);
                }
                Ok(left) => left,
            };
            let serial = walk.pseudonyms;
            match (&left, subjects) {
                (Some(_), None) => {
                    self.counts.withheld += 1;
                    return Ok(None);
                }
                (Some(_), Some(subjects)) => {
                    self.pseudonyms = serial;
                    for subject in subjects {
                        if !self.counts.subjects.contains(&subject) {
                            self.counts.subjects.push(subject);
                        }
                    }
                }
                (None, _) => {}
            }
            self.add(&counts, first);
            Ok(left.map(|left| Tree::string(&BASE64.encode(&written(&left)))))
        })
    }

    fn add(&mut self, inner: &Counts, first: usize) {
        self.counts.withheld += inner.withheld;
        self.counts.unfit += inner.unfit;
        self.counts.address_protected += inner.address_protected;
        self.counts.cpr_in_text += inner.cpr_in_text;
        for (at, count) in inner.released_by_rule.iter().enumerate() {
            self.counts.released_by_rule[first + at] += count;
        }
    }
}

/// For each rule that decodes documents, the number of the first rule in there; and how many rules
/// there are in all.
pub(super) fn numbers(
    policy: &Policy,
    route: &Route,
    own: &[(usize, &Action)],
    // How many there are outside of documents.
    mut next: usize,
) -> (Vec<(usize, usize)>, usize) {
    let mut firsts: Vec<(usize, usize)> = Vec::new();
    for (number, action) in own {
        if let Action::DecodeJson(shapes) = action
            && firsts.iter().all(|(known, _)| known != number)
        {
            firsts.push((*number, next));
            let (inner, route) = policy_of(policy, route, shapes);
            next += route.response.shapes.iter().map(|index| inner.shapes[*index].rules.len()).sum::<usize>();
        }
    }
    (firsts, next)
}
