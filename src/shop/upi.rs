//! Payment by UPI: the link that a payment app opens, and the QR code that carries it.
//!
//! The link reports nothing back: that somebody scanned it is no payment.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

use crate::money::Money;
use crate::web::answer::encode;

/// A link by NPCI's UPI Linking Specifications 1.6. Without an amount the payer types it.
pub fn link(payee: &str, name: &str, amount: Option<Money>, reference: Option<&str>, note: Option<&str>) -> String {
    // The at sign stays: it is allowed there, and some apps look for it.
    let payee = encode(payee).replace("%40", "@");
    let name = encode(&first(name, 99));
    let reference = reference.map(|text| format!("&tr={}", encode(&first(text, 35)))).unwrap_or_default();
    let note = note.map(|text| format!("&tn={}", encode(&first(text, 50)))).unwrap_or_default();
    let amount = amount.map(|amount| format!("&am={amount}")).unwrap_or_default();
    format!("upi://pay?pa={payee}&pn={name}{reference}{note}{amount}&cu=INR")
}

/// Whether a text can be a UPI address: `name@handle`.
pub fn is_address(text: &str) -> bool {
    let Some((name, handle)) = text.split_once('@') else { return false };
    (2..=256).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        && (2..=64).contains(&handle.len())
        && handle.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && handle.starts_with(|letter: char| letter.is_ascii_alphabetic())
}

/// A QR code as an SVG picture; empty when the text is longer than a QR code can hold (2,953 bytes).
pub fn qr_svg(text: &str) -> String {
    let drawn = QrCode::new(text).or_else(|_| QrCode::with_error_correction_level(text, EcLevel::L));
    drawn.map(|code| code.render::<svg::Color<'_>>().min_dimensions(240, 240).build()).unwrap_or_default()
}

/// A picture in SVG as a data URL.
pub fn svg_url(svg: &str) -> String {
    format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg))
}

fn first(text: &str, letters: usize) -> String {
    text.chars().take(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_percent_encoded_and_the_amount_has_two_decimals() {
        assert_eq!(
            link("asha.store@okaxis", "Asha & Sons", Some(Money::paise(14950)), Some("K-1/42"), Some("2 kg चावल")),
            "upi://pay?pa=asha.store@okaxis&pn=Asha%20%26%20Sons&tr=K-1%2F42\
             &tn=2%20kg%20%E0%A4%9A%E0%A4%BE%E0%A4%B5%E0%A4%B2&am=149.50&cu=INR"
        );
        assert_eq!(link("a1@upi", "My shop", None, None, None), "upi://pay?pa=a1@upi&pn=My%20shop&cu=INR");
    }

    #[test]
    fn addresses_have_a_name_and_a_handle() {
        for address in ["asha@okaxis", "9876543210@ybl", "asha.store-1_x@upi"] {
            assert!(is_address(address), "{address}");
        }
        for text in ["", "asha", "@upi", "asha@", "asha@ok axis", "a&pn=x@upi", "asha@b@c", "asha@1upi", "a@upi"] {
            assert!(!is_address(text), "{text}");
        }
    }

    #[test]
    fn a_qr_code_is_drawn_for_what_fits_into_one() {
        let svg = qr_svg(&link("asha@okaxis", "My shop", None, None, None));
        assert!(svg.contains("<svg ") && svg.ends_with("</svg>"), "{svg}");
        assert!(qr_svg(&"x".repeat(2_953)).contains("<svg "));
        assert_eq!(qr_svg(&"x".repeat(2_954)), "");
        assert!(svg_url("<svg/>").starts_with("data:image/svg+xml;base64,"));
    }
}
