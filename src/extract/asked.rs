//! What of a released document the locations of tables can lead to: all else of it is passed over.

use crate::policy::checked::extract::{From, Table};
use crate::policy::location::{Location, Step};

/// The locations as a tree of their steps. Several of its nodes may ask of one value.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Of members by name.
    named: Vec<(String, Self)>,
    /// Of elements, and of members whatever their name.
    each: Option<Box<Self>>,
}

impl Asked {
    /// What tables ask of a document.
    pub(super) fn of(tables: &[Table]) -> Self {
        let mut asked = Self::default();
        for table in tables {
            for at in &table.at {
                for (name, _) in &table.when {
                    let when = Location { steps: vec![Step::Name(name.clone())] };
                    asked.lead_to(&at.join(&when).steps);
                }
                let rows = at.join(&table.rows);
                asked.lead_to(&rows.steps);
                for column in &table.columns {
                    let from = match column.from {
                        From::Row => &rows,
                        From::Element => at,
                    };
                    asked.lead_to(&from.join(&column.path).steps);
                }
            }
        }
        asked
    }

    /// Asks for what stands at a location.
    pub(super) fn lead_to(&mut self, steps: &[Step]) {
        let Some((step, rest)) = steps.split_first() else { return };
        match step {
            Step::Name(name) => match self.named.iter_mut().find(|(own, _)| own == name) {
                Some((_, child)) => child.lead_to(rest),
                None => {
                    let mut child = Self::default();
                    child.lead_to(rest);
                    self.named.push((name.clone(), child));
                }
            },
            Step::Wildcard | Step::Index(_) => self.each.get_or_insert_default().lead_to(rest),
            Step::Filter(comparisons) => {
                let child = self.each.get_or_insert_default();
                for one in comparisons {
                    child.lead_to(&[Step::Name(one.member.clone())]);
                }
                child.lead_to(rest);
            }
        }
    }

    /// Those who ask of a member.
    pub(super) fn of_member(&self, name: &str) -> impl Iterator<Item = &Self> {
        let named = self.named.iter().find(|(own, _)| own == name);
        named.map(|(_, child)| child).into_iter().chain(self.of_element())
    }

    /// Those who ask of an element.
    pub(super) fn of_element(&self) -> Option<&Self> {
        self.each.as_deref()
    }
}
