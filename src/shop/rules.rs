//! Decisions about settings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;

use crate::ids::StoreId;

/// The largest uploaded payment QR.
const LARGEST_IMAGE: usize = 500_000;

/// What is wrong with an uploaded picture, for people; none when it may be shown.
pub fn image_fault(url: &str) -> Option<&'static str> {
    const KINDS: [(&str, image::ImageFormat); 3] = [
        ("image/png", image::ImageFormat::Png),
        ("image/jpeg", image::ImageFormat::Jpeg),
        ("image/webp", image::ImageFormat::WebP),
    ];
    let parts = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    let Some((kind, text)) = parts else { return Some("Send the picture as a data URL in base64.") };
    let Some((_, format)) = KINDS.iter().find(|(known, _)| *known == kind) else {
        return Some("The picture must be PNG, JPEG or WebP.");
    };
    // Four characters carry three bytes, so the size is known before anything is decoded.
    if text.len() / 4 * 3 > LARGEST_IMAGE + 2 {
        return Some("The picture is larger than 500 kB.");
    }
    let Ok(bytes) = STANDARD.decode(text) else { return Some("The picture is not in base64.") };
    if bytes.len() > LARGEST_IMAGE {
        return Some("The picture is larger than 500 kB.");
    }
    (image::guess_format(&bytes).ok() != Some(*format)).then_some("The picture is not what its data URL says it is.")
}

/// The name of a time zone as it is usually written; none when there is no such zone.
pub fn time_zone(name: &str) -> Option<String> {
    TimeZone::get(name).ok()?.iana_name().map(str::to_owned)
}

/// Whether invoice numbers may begin with a text: they have 16 letters, digits, `-` and `/` at most
/// (GST rule 46), of which store, year and number need twelve.
pub fn is_invoice_prefix(text: &str) -> bool {
    (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-/".contains(&byte))
}

/// The number of a bill: prefix, financial year, running number; at most 16 characters.
pub fn invoice_code(prefix: &str, store: StoreId, year: i64, number: i64) -> String {
    format!("{prefix}{store}-{year:04}-{number:06}")
}

/// The number of a credit note, which differs from a bill's by its C.
pub fn credit_note_code(prefix: &str, store: StoreId, year: i64, number: i64) -> String {
    format!("{prefix}{store}C{year:04}-{number:06}")
}

/// Whether a text can be a GST state code.
pub fn is_state_code(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text can be a store's code.
pub fn is_store_code(text: &str) -> bool {
    (1..=10).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

    #[test]
    fn pictures_are_what_they_say_and_never_drawings_with_scripts() {
        let url = |kind: &str, bytes: &[u8]| format!("data:{kind};base64,{}", STANDARD.encode(bytes));
        assert_eq!(image_fault(&url("image/png", PNG)), None);
        let mut large = PNG.to_vec();
        large.resize(LARGEST_IMAGE, 0);
        assert_eq!(image_fault(&url("image/png", &large)), None);
        large.push(0);
        for refused in [
            url("image/png", &large),
            url("image/jpeg", PNG),
            url("image/svg+xml", b"<svg/>"),
            url("text/html", PNG),
            "https://example.com/qr.png".to_owned(),
            "data:image/png;base64,%%%".to_owned(),
        ] {
            assert!(image_fault(&refused).is_some(), "{}", &refused[..30.min(refused.len())]);
        }
    }

    #[test]
    fn settings_have_their_forms() {
        assert_eq!(time_zone("asia/kolkata").as_deref(), Some("Asia/Kolkata"));
        assert_eq!(time_zone("Asia/Nowhere"), None);
        assert!(is_invoice_prefix("K-1/") && !is_invoice_prefix("KIRAN") && !is_invoice_prefix("K 1"));
        assert!(is_state_code("27") && !is_state_code("MH") && !is_state_code("7"));
        assert!(is_store_code("MAIN-2") && !is_store_code("main") && !is_store_code(""));
    }
}
