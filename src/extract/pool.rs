//! Work over many pieces on several threads, in their order, with a bound on what is under way.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Pieces under way for each thread: one being worked on, one waiting for it, one waiting to be taken.
const A_THREAD: usize = 3;

/// Does `work` to everything that `next` gives, on so many threads, and hands what comes of it to `take` in the
/// order of `next`.
///
/// # Errors
/// The first of `next` or `take`; then nothing later is taken.
pub(super) fn in_order<I: Send, T: Send, E: Send>(
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
    let room = threads.saturating_mul(A_THREAD);
    let (to_taker, in_turn) = sync_channel::<Result<Receiver<T>, E>>(room);
    let (to_workers, jobs) = sync_channel::<(I, SyncSender<T>)>(room);
    let (jobs, work) = (&Mutex::new(jobs), &work);
    thread::scope(|scope| {
        // Moved in, so that all ends when it does: the workers when there is no sender, the reader when nobody
        // takes any more.
        let in_turn = in_turn;
        scope.spawn(move || {
            loop {
                let sent = match next() {
                    Ok(Some(one)) => {
                        let (done, result) = sync_channel(1);
                        to_taker.send(Ok(result)).is_ok() && to_workers.send((one, done)).is_ok()
                    }
                    Ok(None) => false,
                    Err(error) => {
                        drop(to_taker.send(Err(error)));
                        false
                    }
                };
                if !sent {
                    return;
                }
            }
        });
        for _ in 0..threads {
            scope.spawn(move || {
                loop {
                    let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((one, done)) = job else { return };
                    // Nobody waits for it once something has gone wrong.
                    drop(done.send(work(one)));
                }
            });
        }
        for result in &in_turn {
            // A worker that panicked has sent nothing; the scope panics with it.
            let Ok(done) = result?.recv() else { break };
            take(done)?;
        }
        Ok(())
    })
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

            let mut numbers = 0..;
            let take = |number: u32| if number == 50 { Err("take") } else { Ok(()) };
            assert_eq!(in_order(threads, || Ok(numbers.next()), |number| number, take), Err("take"));
        }
    }
}
