//! Counts open connections, in total and per address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use super::failure::Shed;
use super::settings::Caps;

/// The counters of one listener.
#[derive(Debug, Clone)]
pub(super) struct Counters {
    caps: Caps,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    per_address: HashMap<IpAddr, usize>,
}

/// One counted connection; dropping it counts it off.
#[derive(Debug)]
pub(super) struct Counted {
    open: Arc<Mutex<Open>>,
    address: IpAddr,
}

impl Counters {
    pub(super) fn new(caps: Caps) -> Self {
        Self { caps, open: Arc::default() }
    }

    /// Counts a connection in, or says which cap is reached.
    pub(super) fn admit(&self, address: IpAddr) -> Result<Counted, Shed> {
        let address = site(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= self.caps.connections {
            return Err(Shed::Total);
        }
        let here = open.per_address.get(&address).copied().unwrap_or(0);
        if here >= self.caps.per_address {
            return Err(Shed::Address);
        }
        open.per_address.insert(address, here.saturating_add(1));
        open.total = open.total.saturating_add(1);
        drop(open);
        Ok(Counted { open: Arc::clone(&self.open), address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total = open.total.saturating_sub(1);
        let left = open.per_address.get(&self.address).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            open.per_address.remove(&self.address);
        } else {
            open.per_address.insert(self.address, left);
        }
    }
}

/// What counts as one address: one peer easily holds a whole IPv6 /64 (RFC 6177), and an
/// IPv4 peer may show as IPv4-mapped.
fn site(address: IpAddr) -> IpAddr {
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
        let counters = Counters::new(Caps { connections: 3, per_address: 2 });
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        let other: IpAddr = "192.0.2.2".parse().unwrap();
        let first = counters.admit(one).unwrap();
        let _second = counters.admit(mapped).unwrap();
        assert_eq!(counters.admit(one).unwrap_err(), Shed::Address);
        let _third = counters.admit(other).unwrap();
        assert_eq!(counters.admit(other).unwrap_err(), Shed::Total);
        drop(first);
        drop(counters.admit(one).unwrap());
        assert_eq!(counters.open.lock().unwrap().per_address.len(), 2);
    }

    #[test]
    fn one_ipv6_site_is_one_address() {
        let counters = Counters::new(Caps { connections: 9, per_address: 1 });
        let _held = counters.admit("2001:db8:0:1::1".parse().unwrap()).unwrap();
        assert_eq!(counters.admit("2001:db8:0:1:ffff::2".parse().unwrap()).unwrap_err(), Shed::Address);
        drop(counters.admit("2001:db8:0:2::1".parse().unwrap()).unwrap());
    }
}
