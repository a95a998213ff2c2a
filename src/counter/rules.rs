//! Decisions about what tills send.

use crate::clock::Timestamp;

/// The longest that a till is away.
const LONGEST_AWAY_MS: i64 = 90 * 86_400_000;

/// When a sale was made by the server's clock, and whether the till's clock was of no use. Only the distance
/// between the sale and the sending counts, so a clock that goes wrong as a whole does no harm.
pub fn sold_at(sold: Timestamp, sent: Timestamp, now: Timestamp) -> (Timestamp, bool) {
    let ago = sent.as_ms().saturating_sub(sold.as_ms());
    if (0..=LONGEST_AWAY_MS).contains(&ago) { (now.plus_ms(-ago), false) } else { (now, true) }
}

/// What somebody at the till does about a refusal, by its word, and whether it goes away by itself.
pub fn advice(code: &str, status: u16) -> (&'static str, bool) {
    if status >= 500 || status == 429 {
        return ("Nothing. It is sent again by itself.", true);
    }
    let advice = match code {
        "unknown_product" => {
            "The item is no longer sold. Bring it back in Inventory and send the sale again, or make it a quick item."
        }
        "total_differs" | "payments_differ" => {
            "Compare the sale with the printed bill, correct the amounts and send it again."
        }
        "idempotency_key_reused" => {
            "Another sale has come with this id. Save this one to a file and enter it as a new sale."
        }
        "unknown_customer" => "Choose the customer again and send the sale again.",
        "not_found" => "This till is not registered in this store, or is out of use. Ask a manager to register it.",
        _ => "Correct what is named and send the sale again.",
    };
    (advice, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_wrong_as_a_whole_does_no_harm() {
        let at = Timestamp::from_ms;
        let now = at(1_000_000_000_000);
        for skew in [0, 3_600_000, -86_400_000 * 400] {
            let sent = now.plus_ms(skew);
            assert_eq!(sold_at(sent.plus_ms(-60_000), sent, now), (now.plus_ms(-60_000), false), "{skew}");
        }
        assert_eq!(sold_at(now.plus_ms(1), now, now), (now, true), "sold after it was sent");
        assert_eq!(sold_at(at(0), now, now), (now, true), "the clock jumped in between");
        assert_eq!(sold_at(at(i64::MIN), at(i64::MAX), now), (now, true));
    }

    #[test]
    fn what_the_server_could_not_do_is_sent_again_and_the_rest_needs_somebody() {
        assert!(advice("busy", 503).1 && advice("too_many_requests", 429).1);
        assert!(!advice("unknown_product", 400).1 && !advice("anything", 409).1);
    }
}
