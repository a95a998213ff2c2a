//! Where each role may go: the list that the rail, the bar of a phone and the keys are made from.

use super::model::Role;
use crate::web::page::{Link, Page};

/// A page that a person can be led to.
struct Place {
    /// Its path; pages below it count as it.
    path: &'static str,
    /// The name of each language.
    label: fn(&Page) -> &str,
    /// The letter that opens it after a `g`.
    letter: &'static str,
    /// Who is led there, which is not who may: rights are checked by the page itself.
    roles: &'static [Role],
    /// The page exists. A place that is not open is never shown.
    open: bool,
    /// The line of its picture, on 20 by 20.
    icon: &'static str,
}

const OFFICE: &[Role] = &[Role::Owner, Role::Manager];
const TILL: &[Role] = &[Role::Owner, Role::Manager, Role::Cashier];
const STORE_ROOM: &[Role] = &[Role::Owner, Role::Manager, Role::StockKeeper];

/// Every place in the order in which it is shown. Who builds a page sets it open.
const PLACES: &[Place] = &[
    Place {
        path: "/",
        label: |page| page.t("nav.home"),
        letter: "h",
        roles: &[Role::Owner, Role::Manager, Role::Cashier, Role::StockKeeper],
        open: true,
        icon: "M3 9.5 10 3.5l7 6M5 8.5V16.5h3.5v-4.5h3v4.5H15V8.5",
    },
    Place {
        path: "/pos",
        label: |page| page.t("nav.sell"),
        letter: "s",
        roles: TILL,
        open: true,
        icon: "M3.5 10.5h13v6h-13zM5.5 10.5 7 6.5h6l1.5 4M8 6.5v-3h4v3M6.5 13.5h7",
    },
    Place {
        path: "/pos/receipts",
        label: |page| page.t("nav.receipts"),
        letter: "r",
        roles: &[Role::Cashier],
        open: true,
        icon: "M5 3.5h10v13l-1.7-1.2-1.6 1.2-1.7-1.2-1.7 1.2-1.6-1.2L5 16.5zM7.5 7.5h5M7.5 10.5h5",
    },
    Place {
        path: "/pos/shift",
        label: |page| page.t("nav.shift"),
        letter: "f",
        roles: &[Role::Cashier],
        open: false,
        icon: "M10 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM10 6.5v3.5l2.5 2",
    },
    Place {
        path: "/orders",
        label: |page| page.t("nav.orders"),
        letter: "o",
        roles: STORE_ROOM,
        open: true,
        icon: "M4.5 6.5h11l1 10h-13zM7.5 9V5.5a2.5 2.5 0 0 1 5 0V9",
    },
    Place {
        path: "/inventory",
        label: |page| page.t("nav.inventory"),
        letter: "i",
        roles: STORE_ROOM,
        open: true,
        icon: "M3.5 7 10 3.5 16.5 7v6.5L10 17l-6.5-3.5zM3.5 7l6.5 3.5L16.5 7M10 10.5V17",
    },
    Place {
        path: "/analytics",
        label: |page| page.t("nav.analytics"),
        letter: "a",
        roles: OFFICE,
        open: true,
        icon: "M3.5 16.5h13M5.5 13.5v-3M10 13.5v-9M14.5 13.5v-6",
    },
    Place {
        path: "/customers",
        label: |page| page.t("nav.customers"),
        letter: "c",
        roles: OFFICE,
        open: true,
        icon: "M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 16.5c0-3 2-5 5-5s5 2 5 5M13 4a3 3 0 0 1 0 5M14.5 11.8c1.9.7 3 2.4 3 4.7",
    },
    Place {
        path: "/settings",
        label: |page| page.t("nav.settings"),
        letter: "t",
        roles: OFFICE,
        open: true,
        icon: "M3.5 6h7M14.5 6h2M3.5 14h2M9.5 14h7M12.5 4a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM7.5 12a2 2 0 1 1 0 4 2 2 0 0 1 0-4z",
    },
    Place {
        path: "/",
        label: |page| page.t("nav.shop"),
        letter: "h",
        roles: &[Role::Customer],
        open: true,
        icon: "M3.5 8 5 3.5h10L16.5 8M4.5 8v8.5h11V8M3.5 8a2.2 2.2 0 0 0 4.3 0 2.2 2.2 0 0 0 4.4 0 2.2 2.2 0 0 0 4.3 0M8 16.5v-4h4v4",
    },
    Place {
        path: "/my/orders",
        label: |page| page.t("nav.my_orders"),
        letter: "o",
        roles: &[Role::Customer],
        open: false,
        icon: "M4.5 6.5h11l1 10h-13zM7.5 9V5.5a2.5 2.5 0 0 1 5 0V9",
    },
    Place {
        path: "/my/profile",
        label: |page| page.t("nav.profile"),
        letter: "p",
        roles: &[Role::Customer],
        open: false,
        icon: "M10 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM4 16.5c0-3.3 2.4-5 6-5s6 1.7 6 5",
    },
];

/// The ways that a page shows a person of a role, while they are at a path.
pub fn links(page: &Page, role: Role, at: &str) -> Vec<Link> {
    let shown = || PLACES.iter().filter(|place| place.open && place.roles.contains(&role));
    let current = shown().filter(|place| is_within(place.path, at)).max_by_key(|place| place.path.len());
    shown()
        .map(|place| Link {
            href: place.path,
            label: (place.label)(page).to_owned(),
            icon: place.icon,
            letter: place.letter,
            current: current.is_some_and(|current| std::ptr::eq(current, place)),
        })
        .collect()
}

/// Whether a page is a place or stands below it; the start has nothing below it.
fn is_within(place: &str, at: &str) -> bool {
    at == place || place != "/" && at.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'))
}

/// The open places of a role, for the test that visits them all.
pub fn open_places(role: Role) -> Vec<&'static str> {
    PLACES.iter().filter(|place| place.open && place.roles.contains(&role)).map(|place| place.path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_below_a_place_counts_as_it() {
        assert!(is_within("/orders", "/orders") && is_within("/orders", "/orders/7"));
        assert!(!is_within("/orders", "/orders-of-old") && !is_within("/", "/orders") && is_within("/", "/"));
    }

    #[test]
    fn no_role_has_two_places_of_one_letter() {
        for role in Role::ALL {
            let mut letters: Vec<_> =
                PLACES.iter().filter(|place| place.roles.contains(role)).map(|place| place.letter).collect();
            let count = letters.len();
            letters.sort_unstable();
            letters.dedup();
            assert_eq!(letters.len(), count, "{role}");
        }
    }
}
