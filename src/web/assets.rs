//! Style, script and drawings of the pages, embedded in the program.

use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

use super::{Problem, Site};

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

/// The route of the files.
pub fn routes() -> Router<Site> {
    Router::new().route("/assets/{*name}", get(send))
}

/// The address of a file: it changes with the file, so that browsers may keep it for ever.
pub fn address(name: &str) -> String {
    match Files::get(name) {
        Some(file) => format!("/assets/{name}?v={}", version(&file)),
        None => format!("/assets/{name}"),
    }
}

/// The text of a script, for the one that is sent from an address of its own.
pub fn text(name: &str) -> Option<String> {
    Files::get(name).and_then(|file| String::from_utf8(file.data.into_owned()).ok())
}

/// The addresses of all files of a folder.
pub fn addresses_in(folder: &str) -> Vec<String> {
    Files::iter().filter(|name| name.starts_with(folder)).map(|name| address(&name)).collect()
}

async fn send(Path(name): Path<String>, RawQuery(query): RawQuery, asked: HeaderMap) -> Response {
    let Some(file) = Files::get(&name) else {
        return Problem::not_found("There is nothing at this address.").into_response();
    };
    let version = version(&file);
    // Weak, because the same file leaves in several encodings.
    let tag = format!("W/\"{version}\"");
    let lasting = query.is_some_and(|query| query.strip_prefix("v=") == Some(version.as_str()));
    let kept = if lasting { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = asked.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok()).unwrap_or_default();
    let current = known.split(',').any(|one| one.trim() == tag);
    let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, kept.to_owned())];
    if current {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(header::CONTENT_TYPE, content_type(&name))], file.data).into_response()
}

fn version(file: &rust_embed::EmbeddedFile) -> String {
    file.metadata.sha256_hash()[..6].iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_an_address_with_its_version_and_a_known_kind() {
        assert!(Files::iter().count() >= 4);
        for name in Files::iter() {
            assert!(address(&name).starts_with(&format!("/assets/{name}?v=")), "{name}");
            assert_ne!(content_type(&name), "application/octet-stream", "{name}");
        }
    }
}
