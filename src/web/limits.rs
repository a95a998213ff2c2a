//! How often an address may call: what needs no log-in, and anything at all.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::problem::Problem;

/// Rates for each address: a small one for log-in, sign-up, reset and the like, a generous one for all calls.
pub struct Limits {
    public: DefaultKeyedRateLimiter<IpAddr>,
    all: Option<DefaultKeyedRateLimiter<IpAddr>>,
    clock: DefaultClock,
}

impl Limits {
    /// A burst of so many calls, and as many again each minute: of what is public, and of everything, where 0
    /// sets no limit.
    pub fn per_minute(public: u32, all: u32) -> Self {
        let public = NonZeroU32::new(public).unwrap_or(NonZeroU32::MIN);
        Self {
            public: RateLimiter::keyed(Quota::per_minute(public)),
            all: NonZeroU32::new(all).map(|all| RateLimiter::keyed(Quota::per_minute(all))),
            clock: DefaultClock::default(),
        }
    }

    /// Lets a public call of an address through, or says when to come back.
    pub fn admit(&self, address: IpAddr) -> Result<(), Problem> {
        self.check(&self.public, address)
    }

    /// Lets any call of an address through, or says when to come back. The machine itself may always call.
    pub fn admit_any(&self, address: IpAddr) -> Result<(), Problem> {
        match &self.all {
            Some(all) if !address.to_canonical().is_loopback() => self.check(all, address),
            _ => Ok(()),
        }
    }

    fn check(&self, rate: &DefaultKeyedRateLimiter<IpAddr>, address: IpAddr) -> Result<(), Problem> {
        rate.check_key(&address).map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            Problem::too_many(wait.as_secs() + 1)
        })
    }

    /// Forgets addresses that have been quiet; called now and then, or the table would only grow.
    pub fn forget_quiet(&self) {
        for rate in std::iter::once(&self.public).chain(&self.all) {
            rate.retain_recent();
            rate.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_of_another_machine_has_a_rate_of_its_own() {
        let limits = Limits::per_minute(1, 2);
        let [here, one, other] = ["::ffff:127.0.0.1", "192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        assert!((0..10).all(|_| limits.admit_any(here).is_ok()), "the machine itself is never held back");
        assert!(limits.admit_any(one).is_ok() && limits.admit_any(one).is_ok());
        let refused = limits.admit_any(one).unwrap_err();
        assert_eq!(refused.code, "too_many_requests");
        assert!((1..=31).contains(&refused.retry_after_s.unwrap()));
        assert!(limits.admit_any(other).is_ok());
        assert!(limits.admit(one).is_ok() && limits.admit(one).is_err());
        let free = Limits::per_minute(1, 0);
        assert!((0..1000).all(|_| free.admit_any(one).is_ok()));
    }
}
