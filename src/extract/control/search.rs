//! Which rungs of the ladders reach k, and what each way costs.
//!
//! Global recoding: a column has one level in all rows of its table, so that its values stay comparable.
//! The levels of all columns are a lattice; each node is counted exactly, with suppression of what too
//! few share. A small lattice is tried whole. In a large one the search climbs from the finest node,
//! each time by the column that saves most rows, which need not find the best way: the report says
//! what each costs, and an author who knows better writes another ladder.

use std::collections::BTreeMap;

use super::classes::{Counted, Levels, count, suppress};
use super::coarse::written;
use super::reduced::Reduced;
use super::{ControlError, Settings, Table};
use crate::policy::checked::extract::Enforce;
use crate::reports::{Recoded, TableCost, Way};

/// Ways that a report shows.
const MOST_WAYS: usize = 8;

/// The cost of a node; the derived order is the rank: what is lost in rows comes before what is lost in detail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    suppressed: u64,
    /// Detail lost, in parts of 10,000.
    coarser: u64,
    tables: Vec<u64>,
    persons_left: u64,
}

struct Search<'a> {
    reduced: &'a Reduced<'a>,
    settings: &'a Settings,
    /// Which tables' columns may become coarser.
    moves: Vec<bool>,
    tried: BTreeMap<Levels, Cost>,
}

/// Ways for the report, the cheapest first.
pub(super) fn ways(reduced: &Reduced<'_>, settings: &Settings) -> Result<Vec<Way>, ControlError> {
    let mut search =
        Search { reduced, settings, moves: vec![true; reduced.tables.len()], tried: BTreeMap::new() };
    search.run(|cost| cost.suppressed == 0)?;
    let base = count(reduced, &Levels::finest(reduced.tables), settings)?;
    let mut good: Vec<(&Levels, &Cost)> =
        search.tried.iter().filter(|(_, cost)| search.is_worth_it(cost)).collect();
    good.sort_by(|(a, x), (b, y)| x.coarser.cmp(&y.coarser).then_with(|| x.cmp(y)).then_with(|| a.cmp(b)));
    Ok(good.into_iter().take(MOST_WAYS).map(|(levels, cost)| search.way(levels, cost, &base)).collect())
}

/// The way that the policy's rules take: the least detail lost, then the fewest rows.
pub(super) fn choose(reduced: &Reduced<'_>, settings: &Settings) -> Result<(Levels, Way), ControlError> {
    let base = count(reduced, &Levels::finest(reduced.tables), settings)?;
    let rows: Vec<u64> = base.tables.iter().map(|table| table.rows).collect();
    let moves = reduced.tables.iter().map(|table| matches!(table.rule, Enforce::Coarsen { .. })).collect();
    let mut search = Search { reduced, settings, moves, tried: BTreeMap::new() };
    let is_good = |cost: &Cost| exceeded(reduced.tables, cost, &rows).is_none();
    search.run(is_good)?;
    let good = search.tried.iter().filter(|(_, cost)| is_good(cost));
    let best =
        good.min_by(|(a, x), (b, y)| x.coarser.cmp(&y.coarser).then_with(|| x.cmp(y)).then_with(|| a.cmp(b)));
    if let Some((levels, cost)) = best {
        return Ok((levels.clone(), search.way(levels, cost, &base)));
    }
    let least = search.tried.values().min();
    let (table, most_suppressed) =
        least.and_then(|cost| exceeded(reduced.tables, cost, &rows)).unwrap_or_default();
    Err(ControlError::Unreachable { table, most_suppressed })
}

/// A table that would lose more rows than its rule allows.
fn exceeded(tables: &[Table], cost: &Cost, rows: &[u64]) -> Option<(String, u32)> {
    tables.iter().zip(&cost.tables).zip(rows).find_map(|((table, gone), rows)| match table.rule {
        Enforce::Suppress => None,
        Enforce::Coarsen { most_suppressed } => {
            // In 128 bits nothing overflows.
            let over = u128::from(*gone) * 100 > u128::from(*rows) * u128::from(most_suppressed);
            over.then(|| (table.name.clone(), most_suppressed))
        }
    })
}

impl Search<'_> {
    fn run(&mut self, is_enough: impl Fn(&Cost) -> bool) -> Result<(), ControlError> {
        let finest = Levels::finest(self.reduced.tables);
        let start = self.cost(&finest)?;
        if is_enough(&start) && start.suppressed == 0 {
            return Ok(());
        }
        if self.nodes() <= self.settings.most_nodes {
            self.all(finest)
        } else {
            self.climb(finest, is_enough)
        }
    }

    /// How many nodes there are.
    fn nodes(&self) -> usize {
        self.columns().fold(1_usize, |nodes, (_, _, top)| nodes.saturating_mul(top.saturating_add(1)))
    }

    /// Table, column and highest level of all that moves.
    fn columns(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let tables = self.reduced.tables.iter().zip(&self.moves).enumerate();
        tables.filter(|(_, (_, moves))| **moves).flat_map(|(number, (table, _))| {
            table
                .quasi
                .iter()
                .enumerate()
                .map(move |(column, quasi)| (number, column, top(quasi.ladder.len())))
        })
    }

    fn all(&mut self, mut levels: Levels) -> Result<(), ControlError> {
        let columns: Vec<(usize, usize, usize)> = self.columns().collect();
        // Counts like an odometer.
        loop {
            self.cost(&levels)?;
            let mut carried = true;
            for (table, column, top) in &columns {
                let Some(level) = at(&mut levels, *table, *column) else { continue };
                carried = *level >= *top;
                *level = if carried { 0 } else { level.saturating_add(1) };
                if !carried {
                    break;
                }
            }
            if carried {
                return Ok(());
            }
        }
    }

    fn climb(&mut self, mut levels: Levels, is_enough: impl Fn(&Cost) -> bool) -> Result<(), ControlError> {
        let columns: Vec<(usize, usize, usize)> = self.columns().collect();
        loop {
            if is_enough(&self.cost(&levels)?) {
                return Ok(());
            }
            let mut best: Option<(Cost, Levels)> = None;
            for (table, column, top) in &columns {
                let mut next = levels.clone();
                let Some(level) = at(&mut next, *table, *column).filter(|level| **level < *top) else {
                    continue;
                };
                *level = level.saturating_add(1);
                if self.tried.len() >= self.settings.most_nodes {
                    return self.coarsest(levels, &columns);
                }
                let cost = self.cost(&next)?;
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, next));
                }
            }
            let Some((_, next)) = best else { return Ok(()) };
            levels = next;
        }
    }

    /// The way that is there if there is any: all values missing.
    fn coarsest(
        &mut self,
        mut levels: Levels,
        columns: &[(usize, usize, usize)],
    ) -> Result<(), ControlError> {
        for (table, column, top) in columns {
            if let Some(level) = at(&mut levels, *table, *column) {
                *level = *top;
            }
        }
        self.cost(&levels).map(drop)
    }

    fn cost(&mut self, levels: &Levels) -> Result<Cost, ControlError> {
        if let Some(known) = self.tried.get(levels) {
            return Ok(known.clone());
        }
        let counted = suppress(self.reduced, levels, self.settings, &mut |_table, _row| Ok(()))?;
        let tables: Vec<u64> = counted.tables.iter().map(|table| table.gone).collect();
        let suppressed = tables.iter().fold(0_u64, |sum, gone| sum.saturating_add(*gone));
        let cost = Cost {
            suppressed,
            coarser: self.detail_lost(levels),
            tables,
            persons_left: counted.persons_left,
        };
        self.tried.insert(levels.clone(), cost.clone());
        Ok(cost)
    }

    /// In parts of 10,000.
    fn detail_lost(&self, levels: &Levels) -> u64 {
        let (mut sum, mut columns) = (0_u64, 0_u64);
        for (number, table) in self.reduced.tables.iter().enumerate() {
            for (quasi, level) in table.quasi.iter().zip(levels.of(number)) {
                let height = top(quasi.ladder.len()) as u64;
                let lost = (*level as u64).saturating_mul(10_000).checked_div(height).unwrap_or_default();
                sum = sum.saturating_add(lost);
                columns = columns.saturating_add(1);
            }
        }
        sum.checked_div(columns).unwrap_or_default()
    }

    /// Whether no other node loses less in rows and no more in detail, or the other way round.
    fn is_worth_it(&self, cost: &Cost) -> bool {
        !self.tried.values().any(|other| {
            other.suppressed <= cost.suppressed
                && other.coarser <= cost.coarser
                && (other.suppressed, other.coarser) != (cost.suppressed, cost.coarser)
        })
    }

    fn way(&self, levels: &Levels, cost: &Cost, base: &Counted) -> Way {
        let tables = self.reduced.tables.iter().enumerate();
        let coarser = tables.flat_map(|(number, table)| {
            let columns = table.quasi.iter().zip(levels.of(number)).filter(|(_, level)| **level > 0);
            columns.map(|(quasi, level)| Recoded {
                table: table.name.clone(),
                column: quasi.name.clone(),
                to: quasi.ladder.get(level.saturating_sub(1)).map(|rung| written(*rung)),
            })
        });
        let costs = self.reduced.tables.iter().zip(&base.tables).zip(&cost.tables);
        let costs = costs.filter(|((table, _), _)| table.is_examined());
        Way {
            coarser: coarser.collect(),
            detail_lost_percent: u32::try_from(cost.coarser.div_ceil(100)).unwrap_or(100),
            rows_suppressed: cost.suppressed,
            rows: base.tables.iter().fold(0, |sum, table| sum.saturating_add(table.rows)),
            tables: costs
                .map(|((table, counts), gone)| TableCost {
                    table: table.name.clone(),
                    rows_suppressed: *gone,
                    rows: counts.rows,
                })
                .collect(),
            persons_lost: base.persons.saturating_sub(cost.persons_left),
            persons: base.persons,
        }
    }
}

/// The level at which a value is missing.
const fn top(rungs: usize) -> usize {
    rungs.saturating_add(1)
}

fn at(levels: &mut Levels, table: usize, column: usize) -> Option<&mut usize> {
    levels.0.get_mut(table)?.get_mut(column)
}
