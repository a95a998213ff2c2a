//! The GST number: state, PAN, entity, `Z`, and a check digit that catches slips of the pen.

/// What is wrong with a GST number, for people; none when it is right.
pub fn fault(gstin: &str) -> Option<&'static str> {
    if gstin.len() != 15 || !gstin.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()) {
        return Some("A GST number has 15 capital letters and digits.");
    }
    let fits = gstin.bytes().zip("##AAAAA####A*Z*".bytes()).all(|(byte, place)| match place {
        b'#' => byte.is_ascii_digit(),
        b'A' => byte.is_ascii_uppercase(),
        b'*' => true,
        exact => byte == exact,
    });
    if !fits {
        return Some("A GST number is written like 27AAPFU0939F1ZV: state, PAN, entity, Z, check digit.");
    }
    (check_digit(&gstin[..14]) != gstin.chars().last())
        .then_some("The last character of the GST number does not fit the rest; one of them is mistyped.")
}

/// The state that a GST number was given in.
pub fn state_code(gstin: &str) -> &str {
    gstin.get(..2).unwrap_or_default()
}

/// The characters stand for 0 to 35 and weigh 1 and 2 in turn; of each product count its quotient and
/// remainder by 36, and the check digit fills their sum up to a multiple of 36.
fn check_digit(body: &str) -> Option<char> {
    let mut sum = 0;
    for (place, letter) in body.chars().enumerate() {
        let product = letter.to_digit(36)? * if place % 2 == 0 { 1 } else { 2 };
        sum += product / 36 + product % 36;
    }
    char::from_digit((36 - sum % 36) % 36, 36).map(|digit| digit.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_use_are_right() {
        for gstin in ["27AAPFU0939F1ZV", "24AAACC1206D1ZM", "29AAGCB7383J1Z4"] {
            assert_eq!(fault(gstin), None, "{gstin}");
            assert_eq!(state_code(gstin), &gstin[..2]);
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_noticed() {
        for gstin in [
            "",
            "27AAPFU0939F1Z",
            "27aapfu0939f1zv",
            "27AAPFU0939F1ZW",
            "27AAPFU0993F1ZV",
            "72AAPFU0939F1ZV",
            "27AAPFU0939F1AV",
            "2AAAPFU0939F1ZV",
            "27AAPFU0939Ł1Z",
        ] {
            assert!(fault(gstin).is_some(), "{gstin}");
        }
    }
}
