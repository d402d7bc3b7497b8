//! Random bytes for names that are no secret: of exchanges, and of their traces. Drawn from the system for some
//! exchanges at once, as asking it is a call into the kernel.
//!
//! What must never come from here: a salt, a key, a nonce. They are drawn when they are needed, so that nothing
//! that is kept tells one, and no copy of a machine has the same. Two machines that begin from one image in memory
//! can name a few traces alike; an exchange's name has the time before it.

use std::cell::RefCell;

/// Bytes of one draw: names of some thirty exchanges and of their traces. PERF: asked for each, they cost two calls
/// into the kernel an exchange.
const DRAWN: usize = 1024;

#[derive(Debug)]
struct Drawn {
    bytes: [u8; DRAWN],
    used: usize,
}

thread_local! {
    static HERE: RefCell<Drawn> = const { RefCell::new(Drawn { bytes: [0; DRAWN], used: DRAWN }) };
}

/// Random bytes that this process gives to nobody else, for a name: not for a secret.
///
/// # Errors
/// When the system gives none.
pub fn name<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    const { assert!(N <= DRAWN, "a name comes out of one draw") };
    HERE.with_borrow_mut(|drawn| {
        let Drawn { bytes, used } = drawn;
        if let Some(next) = bytes.get(*used..).and_then(|rest| rest.first_chunk()) {
            *used = used.saturating_add(N);
            return Ok(*next);
        }
        let mut fresh = [0; DRAWN];
        getrandom::fill(&mut fresh)?;
        (*bytes, *used) = (fresh, N);
        let mut name = [0; N];
        name.iter_mut().zip(fresh).for_each(|(to, from)| *to = from);
        Ok(name)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_name_comes_twice_on_whatever_thread() {
        let names = || (0..500).map(|_| name::<10>().unwrap()).collect::<Vec<_>>();
        let other = std::thread::spawn(names);
        let all: HashSet<[u8; 10]> = names().into_iter().chain(other.join().unwrap()).collect();
        assert_eq!(all.len(), 1000);
    }
}
