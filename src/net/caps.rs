//! Counts what is open, in total and by key: connections by address and by certificate.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Counters under two caps.
#[derive(Debug)]
pub(super) struct Counters<K: Hash + Eq> {
    most: usize,
    most_each: usize,
    open: Arc<Mutex<Open<K>>>,
}

#[derive(Debug)]
struct Open<K> {
    total: usize,
    each: HashMap<K, usize>,
}

/// Which cap is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    Total,
    Key,
}

/// Something counted; dropping it counts it off.
#[derive(Debug)]
pub(super) struct Counted<K: Hash + Eq> {
    open: Arc<Mutex<Open<K>>>,
    key: K,
}

impl<K: Hash + Eq + Copy> Counters<K> {
    pub(super) fn new(most: usize, most_each: usize) -> Self {
        let open = Open { total: 0, each: HashMap::new() };
        Self { most, most_each, open: Arc::new(Mutex::new(open)) }
    }

    /// Counts one in, or says which cap is reached.
    pub(super) fn admit(&self, key: K) -> Result<Counted<K>, Full> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= self.most {
            return Err(Full::Total);
        }
        let here = open.each.get(&key).copied().unwrap_or(0);
        if here >= self.most_each {
            return Err(Full::Key);
        }
        open.each.insert(key, here.saturating_add(1));
        open.total = open.total.saturating_add(1);
        drop(open);
        Ok(Counted { open: Arc::clone(&self.open), key })
    }
}

impl<K: Hash + Eq> Drop for Counted<K> {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total = open.total.saturating_sub(1);
        if let Some(count) = open.each.get_mut(&self.key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.each.remove(&self.key);
            }
        }
    }
}

/// What counts as one address: one peer easily holds a whole IPv6 /64 (RFC 6177), and an
/// IPv4 peer may show as IPv4-mapped.
pub(super) fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_hold_at_the_limit_and_free_up_again() {
        let counters = Counters::new(3, 2);
        let first = counters.admit("one").unwrap();
        let _second = counters.admit("one").unwrap();
        assert_eq!(counters.admit("one").unwrap_err(), Full::Key);
        let _third = counters.admit("other").unwrap();
        assert_eq!(counters.admit("other").unwrap_err(), Full::Total);
        drop(first);
        drop(counters.admit("one").unwrap());
        assert_eq!(counters.open.lock().unwrap().each.len(), 2);
    }

    #[test]
    fn one_site_is_one_address() {
        let site = |address: &str| site(address.parse().unwrap());
        assert_eq!(site("2001:db8:0:1::1"), site("2001:db8:0:1:ffff::2"));
        assert_ne!(site("2001:db8:0:1::1"), site("2001:db8:0:2::1"));
        assert_eq!(site("::ffff:192.0.2.1"), site("192.0.2.1"));
        assert_ne!(site("192.0.2.1"), site("192.0.2.2"));
    }
}
