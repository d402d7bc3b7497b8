//! What a recipient can put together of one person, over all tables that a key links.
//!
//! Whoever knows every quasi-identifier of somebody, in all tables and rows, must still find k persons.
//! So the class of a person is a *set*: of each linked table the combinations that the person's rows
//! have. A person whose set is shared by too few loses all rows with quasi-identifiers, and nothing else:
//! the rows that are left of such persons say nothing that somebody could know, as long as they are of
//! nobody, or of k persons. Everybody else keeps the set that was counted, so one pass settles it; and as
//! each combination that is left is in a set that k persons share, each table reaches k by itself too.
//!
//! Where records are about several persons, the rows are put together by what the recipient sees, the
//! first key, and those of persons who share a record still count as one ([`reduced`](super::reduced)).

use sha2::{Digest as _, Sha256};

use super::classes::{Class, Counted, Gone, Marks};
use super::reduced::{NOBODY, Owner, Reduced};
use super::tally::{Group, keep_rarest};
use super::{ControlError, Settings, Table};
use crate::extract::sort::{Records, Sorted, Sorter, join, part};

/// `holder bare table class row unit`, as bytes that sort in that order: of a holder, rows with a class
/// come first.
const HELD: usize = 59;
/// `set unit holder`.
const SET: usize = 48;
/// `table class` and `table class row`.
const CLASS: usize = 18;
const OF_NOBODY: usize = 26;
/// Classes of one person that a report shows.
const MOST_CLASSES: usize = 6;
/// What stands for the class of a row in a table without quasi-identifiers.
const NO_CLASS: Class = [0; 16];

/// The rows that stay, by person.
pub(super) struct Held<'a> {
    rows: Sorter<'a, HELD>,
    /// Rows with a class that are about nobody who is known: `table class row`.
    of_nobody: Sorter<'a, OF_NOBODY>,
}

impl<'a> Held<'a> {
    pub(super) fn new(reduced: &Reduced<'a>, settings: &Settings) -> Self {
        let (work, run_bytes) = (reduced.work, settings.run_bytes);
        Self { rows: Sorter::new(work, run_bytes), of_nobody: Sorter::new(work, run_bytes) }
    }

    pub(super) fn push(
        &mut self,
        owner: Owner,
        table: usize,
        class: Option<Class>,
        row: u64,
    ) -> Result<(), ControlError> {
        let Owner { unit, holder } = owner;
        let number = u16::try_from(table).map_err(|_too_many| ControlError::Tables)?.to_be_bytes();
        let row = row.to_be_bytes();
        match (unit == NOBODY, class) {
            (true, None) => {}
            (true, Some(class)) => self.of_nobody.push(join([&number, &class, &row]))?,
            (false, class) => {
                let bare = [u8::from(class.is_none())];
                self.rows.push(join([&holder, &bare, &number, &class.unwrap_or(NO_CLASS), &row, &unit]))?;
            }
        }
        Ok(())
    }
}

struct Record {
    owner: Owner,
    table: usize,
    class: Option<Class>,
    row: u64,
}

impl Record {
    fn of(bytes: &[u8; HELD]) -> Self {
        let [bare] = part(bytes, 16);
        Self {
            owner: Owner { holder: part(bytes, 0), unit: part(bytes, 43) },
            table: usize::from(u16::from_be_bytes(part(bytes, 17))),
            class: (bare == 0).then(|| part(bytes, 19)),
            row: u64::from_be_bytes(part(bytes, 35)),
        }
    }
}

/// A person's set of combinations, as far as a report shows it.
#[derive(Debug, Clone, Default)]
pub(super) struct Set {
    /// The first classes, each with its table.
    pub(super) first: Vec<(usize, Class)>,
    /// How many more there are.
    pub(super) more: u64,
}

/// Rows by person, and what is asked of them.
pub(super) struct Persons<'a> {
    tables: &'a [Table],
    work: &'a std::path::Path,
    settings: &'a Settings,
    held: Sorted<'a, HELD>,
    of_nobody: Sorted<'a, OF_NOBODY>,
    /// Whether any linked table has quasi-identifiers.
    examined: bool,
}

/// One person's rows.
#[derive(Default)]
struct Person {
    owner: Owner,
    /// Of each table, whether a row is in it.
    is_in: Vec<bool>,
    rows: u64,
    /// The set, as far as it is read.
    set: Sha256,
    last: Option<(usize, Class)>,
    /// What of the set a report shows.
    shown: Set,
    /// Whether a row in a linked table has no class.
    has_bare: bool,
}

impl Person {
    /// Begins the next one, in the same memory.
    fn begin(&mut self, owner: Owner) {
        let Self { is_in, shown, .. } = std::mem::take(self);
        *self = Self { owner, is_in, shown, ..Self::default() };
        self.is_in.fill(false);
        self.shown.first.clear();
        self.shown.more = 0;
    }

    const fn is_linked(&self) -> bool {
        self.has_bare || self.last.is_some()
    }

    /// [`NO_CLASS`] if no linked row has quasi-identifiers.
    fn set(&self) -> Class {
        self.last.map_or(NO_CLASS, |_| part(&self.set.clone().finalize(), 0))
    }
}

impl<'a> Persons<'a> {
    pub(super) fn new(reduced: &'a Reduced<'_>, settings: &'a Settings, held: Held<'a>) -> Self {
        let tables = reduced.tables;
        let examined = tables.iter().any(|table| table.key.is_some() && !table.quasi.is_empty());
        Self {
            tables,
            work: reduced.work,
            settings,
            held: held.rows.finish(),
            of_nobody: held.of_nobody.finish(),
            examined,
        }
    }

    fn k(&self) -> u64 {
        u64::from(self.settings.k)
    }

    fn is_linked(&self, table: usize) -> bool {
        self.tables.get(table).is_some_and(|table| table.key.is_some())
    }

    /// Counts, and takes nothing away.
    pub(super) fn count(&self, counted: &mut Counted) -> Result<(), ControlError> {
        let sets = self.collect(counted)?;
        counted.persons_left = counted.persons;
        if !self.examined {
            return Ok(());
        }
        let mut rarest = Vec::new();
        self.sets(&sets, counted, |group| keep_rarest(&mut rarest, group.clone(), self.settings.rarest))?;
        let mut rarest: Vec<(Group, Set)> = rarest.into_iter().map(|group| (group, Set::default())).collect();
        self.each(|person| {
            let of = |group: &Group| group.holder == person.owner.holder;
            if let Some((group, set)) = rarest.iter_mut().find(|(group, _)| of(group)) {
                group.rows = person.rows;
                set.clone_from(&person.shown);
            }
            Ok(())
        })?;
        counted.rarest = rarest;
        Ok(())
    }

    /// Takes away what must go.
    pub(super) fn suppress(&self, counted: &mut Counted, gone: &mut Gone<'_>) -> Result<(), ControlError> {
        let sets = self.collect(counted)?;
        counted.persons_left = counted.persons;
        if !self.examined {
            return Ok(());
        }
        let stripped = self.stripped(&sets, counted)?;
        let too_few = self.bare(&stripped, counted)? < self.k();
        let mut asked = Members::of(&stripped)?;
        let mut left = Sorter::<CLASS>::new(self.work, self.settings.run_bytes);
        let (mut holder, mut has_class, mut is_stripped) = (NOBODY, false, false);
        for bytes in self.held.records()? {
            let bytes = bytes?;
            let record = Record::of(&bytes);
            if !self.is_linked(record.table) {
                continue;
            }
            if record.owner.holder != holder {
                holder = record.owner.holder;
                (has_class, is_stripped) = (false, asked.contains(&holder)?);
            }
            has_class |= record.class.is_some();
            let goes = match record.class {
                Some(_) => is_stripped,
                None => too_few && (is_stripped || !has_class),
            };
            if goes {
                counted.go(record.table, record.row, gone)?;
            } else if record.class.is_some() && !self.of_nobody.is_empty() {
                left.push(join([&part::<CLASS>(&bytes, 17)]))?;
            }
        }
        self.go_with_the_last(&left.finish(), counted, gone)
    }

    /// Rows of nobody are hidden by the persons of their class, and go when all of those have gone.
    fn go_with_the_last(
        &self,
        left: &Sorted<'_, CLASS>,
        counted: &mut Counted,
        gone: &mut Gone<'_>,
    ) -> Result<(), ControlError> {
        let mut left = Members::of(left)?;
        for record in self.of_nobody.records()? {
            let record = record?;
            let table = usize::from(u16::from_be_bytes(part(&record, 0)));
            if self.is_linked(table) && !left.contains(&part(&record, 0))? {
                counted.go(table, u64::from_be_bytes(part(&record, 18)), gone)?;
            }
        }
        Ok(())
    }

    /// How many persons are left without quasi-identifiers when the stripped ones are; tells of how
    /// many persons anything is left.
    fn bare(&self, stripped: &Sorted<'_, 16>, counted: &mut Counted) -> Result<u64, ControlError> {
        let mut asked = Members::of(stripped)?;
        let mut units = Sorter::<16>::new(self.work, self.settings.run_bytes);
        let (mut whole, mut bare) = (0_u64, 0_u64);
        self.each(|person| {
            if !person.is_linked() {
                return Ok(());
            }
            let is_stripped = asked.contains(&person.owner.holder)?;
            if person.last.is_some() && !is_stripped {
                whole = whole.saturating_add(1);
            } else if person.has_bare {
                bare = bare.saturating_add(1);
                units.push(person.owner.unit)?;
            }
            Ok(())
        })?;
        let (mut different, mut before) = (0_u64, NOBODY);
        for unit in units.finish().records()? {
            let unit = unit?;
            different = different.saturating_add(u64::from(unit != before));
            before = unit;
        }
        let bare = if different < self.k() { 0 } else { bare };
        counted.persons_left = whole.saturating_add(bare);
        Ok(different)
    }

    /// The set of each person in linked tables.
    fn collect(&self, counted: &mut Counted) -> Result<Sorted<'a, SET>, ControlError> {
        let mut sets = Sorter::<SET>::new(self.work, self.settings.run_bytes);
        self.each(|person| {
            for (table, _) in counted.tables.iter_mut().zip(&person.is_in).filter(|(_, is_in)| **is_in) {
                table.persons = table.persons.saturating_add(1);
            }
            if !person.is_linked() {
                return Ok(());
            }
            counted.persons = counted.persons.saturating_add(1);
            Ok(sets.push(join([&person.set(), &person.owner.unit, &person.owner.holder]))?)
        })?;
        Ok(sets.finish())
    }

    /// Counts who shares each set, tells of each, and gives which of them too few share.
    fn sets(
        &self,
        sets: &Sorted<'_, SET>,
        counted: &mut Counted,
        mut tell: impl FnMut(&Group),
    ) -> Result<Marks, ControlError> {
        let k = self.k();
        let mut small = Marks::default();
        let mut open: Option<Group> = None;
        let mut close = |group: &Group| {
            small.push(group.persons < k);
            counted.linked.add(group, k);
            tell(group);
        };
        let mut before = NOBODY;
        for record in sets.records()? {
            let (class, Owner { unit, holder }) = set_fields(&record?);
            if open.as_ref().is_none_or(|group| group.class != class) {
                open.iter().for_each(&mut close);
                open = Some(Group { class, holder, ..Group::default() });
                before = NOBODY;
            }
            if let Some(group) = &mut open {
                group.persons = group.persons.saturating_add(u64::from(unit != before));
            }
            before = unit;
        }
        open.iter().for_each(close);
        Ok(small)
    }

    /// The persons whose set too few share.
    fn stripped(
        &self,
        sets: &Sorted<'_, SET>,
        counted: &mut Counted,
    ) -> Result<Sorted<'a, 16>, ControlError> {
        let small = self.sets(sets, counted, |_group| ())?;
        let mut stripped = Sorter::<16>::new(self.work, self.settings.run_bytes);
        let mut at = small.cursor();
        for record in sets.records()? {
            let (class, owner) = set_fields(&record?);
            if at.is_marked(&class) && class != NO_CLASS {
                stripped.push(owner.holder)?;
            }
        }
        Ok(stripped.finish())
    }

    /// Goes through all persons.
    fn each(&self, mut take: impl FnMut(&Person) -> Result<(), ControlError>) -> Result<(), ControlError> {
        let mut person = Person { is_in: vec![false; self.tables.len()], ..Person::default() };
        for record in self.held.records()? {
            let record = Record::of(&record?);
            if record.owner.holder != person.owner.holder {
                if person.rows > 0 {
                    take(&person)?;
                }
                person.begin(record.owner);
            }
            self.add(&mut person, &record);
        }
        if person.rows > 0 { take(&person) } else { Ok(()) }
    }

    fn add(&self, person: &mut Person, record: &Record) {
        person.rows = person.rows.saturating_add(1);
        if let Some(is_in) = person.is_in.get_mut(record.table) {
            *is_in = true;
        }
        if !self.is_linked(record.table) {
            return;
        }
        let Some(class) = record.class else {
            person.has_bare = true;
            return;
        };
        let new = Some((record.table, class));
        if person.last != new {
            person.set.update((record.table as u64).to_be_bytes());
            person.set.update(class);
            person.last = new;
            if person.shown.first.len() < MOST_CLASSES {
                person.shown.first.push((record.table, class));
            } else {
                person.shown.more = person.shown.more.saturating_add(1);
            }
        }
    }
}

fn set_fields(record: &[u8; SET]) -> (Class, Owner) {
    (part(record, 0), Owner { unit: part(record, 16), holder: part(record, 32) })
}

/// Asked of records in their order, whether they are among some.
struct Members<'a, const N: usize> {
    rest: Records<'a, N>,
    next: Option<[u8; N]>,
}

impl<'a, const N: usize> Members<'a, N> {
    fn of(sorted: &'a Sorted<'_, N>) -> Result<Self, ControlError> {
        let mut rest = sorted.records()?;
        let next = rest.next().transpose()?;
        Ok(Self { rest, next })
    }

    fn contains(&mut self, wanted: &[u8; N]) -> Result<bool, ControlError> {
        while self.next.is_some_and(|next| next < *wanted) {
            self.next = self.rest.next().transpose()?;
        }
        Ok(self.next == Some(*wanted))
    }
}
