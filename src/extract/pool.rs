//! Work over many pieces on several threads, in their order, with a bound on what is under way.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

/// Pieces under way for each thread: one being worked on, and two that wait for an earlier one to be taken.
const A_THREAD: usize = 3;

/// Does `work` to everything that `next` gives, on so many threads, and hands what comes of it to `take` in the
/// order of `next`, which runs on the same threads, one at a time.
///
/// # Errors
/// The first of `next` or `take`; then nothing later is taken.
pub(super) fn in_order<I, T: Send, E: Send>(
    threads: usize,
    mut next: impl FnMut() -> Result<Option<I>, E> + Send,
    work: impl Fn(I) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    if threads <= 1 {
        while let Some(one) = next()? {
            take(work(one))?;
        }
        return Ok(());
    }
    let (to_taker, in_turn) = sync_channel(threads.saturating_mul(A_THREAD));
    let source = Arc::new(Mutex::new(Source { next: Some(next), to_taker }));
    let work = &work;
    thread::scope(|scope| {
        // Moved in, so that all ends when it does: the workers when nobody takes any more.
        let in_turn = in_turn;
        for _ in 0..threads {
            let source = Arc::clone(&source);
            scope.spawn(move || {
                while let Some((one, done)) = draw(&source) {
                    // Nobody waits for it once something has gone wrong.
                    drop(done.send(work(one)));
                }
            });
        }
        // Only workers hold it now: when the last one ends, also by a panic, nothing more comes in turn.
        drop(source);
        for result in &in_turn {
            // A worker that panicked has sent nothing; the scope panics with it.
            let Ok(done) = result?.recv() else { break };
            take(done)?;
        }
        Ok(())
    })
}

/// Where pieces come from, and who is told of each, in one order.
struct Source<N, T, E> {
    /// `None` once it has given everything.
    next: Option<N>,
    /// Learns where each piece's result will come from.
    to_taker: SyncSender<Result<Receiver<T>, E>>,
}

/// The next piece, and where its result goes; `None` when there is no more to do.
///
/// PERF: whoever works on a piece draws it, for what it reads is in its own processor's cache then. Two threads were
/// 1.50 times one while another read for both, and 1.67 times so (400 MB on two processors, without link-time
/// optimisation).
fn draw<I, T, E, N: FnMut() -> Result<Option<I>, E>>(
    source: &Mutex<Source<N, T, E>>,
) -> Option<(I, SyncSender<T>)> {
    // Whoever panicked while it drew has ended the order.
    let mut source = source.lock().ok()?;
    let mut next = source.next.take()?;
    let one = match next().transpose()? {
        Ok(one) => one,
        Err(error) => {
            drop(source.to_taker.send(Err(error)));
            return None;
        }
    };
    let (done, result) = sync_channel(1);
    // Waits, with all who would draw, while as much is under way as may be.
    source.to_taker.send(Ok(result)).ok()?;
    source.next = Some(next);
    Some((one, done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_at_once_is_taken_in_order_and_ends_at_the_first_fault() {
        for threads in [1, 2, 5] {
            let mut numbers = 0..200_u32;
            let mut taken = Vec::new();
            let done: Result<(), &str> = in_order(
                threads,
                || Ok(numbers.next()),
                |number| number * 2,
                |double| {
                    taken.push(double);
                    Ok(())
                },
            );
            assert_eq!(done, Ok(()));
            assert_eq!(taken, (0..200).map(|number| number * 2).collect::<Vec<_>>());

            let mut numbers = 0..200_u32;
            let next = || match numbers.next() {
                Some(100) => Err("read"),
                number => Ok(number),
            };
            let mut last = 0;
            let done = in_order(
                threads,
                next,
                |number| number,
                |number| {
                    last = number;
                    Ok(())
                },
            );
            assert_eq!((done, last), (Err("read"), 99));

            let next = || -> Result<Option<u32>, &str> { panic!("while it draws") };
            let drawing = || in_order(threads, next, |number| number, |_number| Ok(()));
            assert!(std::panic::catch_unwind(drawing).is_err(), "it ends all the same");

            let mut numbers = 0..;
            let take = |number: u32| if number == 50 { Err("take") } else { Ok(()) };
            assert_eq!(in_order(threads, || Ok(numbers.next()), |number| number, take), Err("take"));
        }
    }
}
