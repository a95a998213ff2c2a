//! How often an address may call what needs no log-in.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::problem::Problem;

/// A rate for each address, for log-in, sign-up, reset and the like.
pub struct Limits {
    public: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

impl Limits {
    /// A burst of so many calls, and as many again each minute.
    pub fn per_minute(calls: u32) -> Self {
        let calls = NonZeroU32::new(calls).unwrap_or(NonZeroU32::MIN);
        Self { public: RateLimiter::keyed(Quota::per_minute(calls)), clock: DefaultClock::default() }
    }

    /// Lets a call of an address through, or says when to come back.
    pub fn admit(&self, address: IpAddr) -> Result<(), Problem> {
        self.public.check_key(&address).map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            Problem::too_many(wait.as_secs() + 1)
        })
    }

    /// Forgets addresses that have been quiet; called now and then, or the table would only grow.
    pub fn forget_quiet(&self) {
        self.public.retain_recent();
        self.public.shrink_to_fit();
    }
}
