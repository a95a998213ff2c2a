//! What the form of a page sends: texts by their names, and files.

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};

use super::problem::Problem;

/// A form as it was sent, in either of the two ways that browsers know.
#[derive(Debug, Default)]
pub struct Form {
    texts: Vec<(String, String)>,
    files: Vec<File>,
}

/// A file of a form.
#[derive(Debug)]
pub struct File {
    /// The field that it was chosen for.
    pub field: String,
    /// What it is called on the sender's machine.
    pub name: String,
    /// What it holds.
    pub bytes: Bytes,
}

impl Form {
    /// What was typed into a field, without blanks around it; empty when the field was not sent.
    pub fn value(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The same as it was typed.
    pub fn raw(&self, name: &str) -> &str {
        self.texts.iter().find(|(field, _)| field == name).map_or("", |(_, text)| text.as_str())
    }

    /// What several fields of one name hold.
    pub fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.texts.iter().filter(move |(field, _)| field == name).map(|(_, text)| text.as_str())
    }

    /// Whether a box was ticked.
    pub fn ticked(&self, name: &str) -> bool {
        self.texts.iter().any(|(field, _)| field == name)
    }

    /// The file that was chosen for a field; none when it was left empty.
    pub fn file(&self, field: &str) -> Option<&File> {
        self.files.iter().find(|file| file.field == field && !(file.name.is_empty() && file.bytes.is_empty()))
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
            let form = axum::Form::<Vec<(String, String)>>::from_request(request, state).await;
            let form = form.map_err(|rejection| unreadable(rejection.status()))?;
            return Ok(Self { texts: form.0, files: Vec::new() });
        }
        let mut parts =
            Multipart::from_request(request, state).await.map_err(|rejection| unreadable(rejection.status()))?;
        let mut form = Self::default();
        while let Some(part) = parts.next_field().await.map_err(|error| unreadable(error.status()))? {
            let field = part.name().unwrap_or_default().to_owned();
            if let Some(name) = part.file_name().map(str::to_owned) {
                let bytes = part.bytes().await.map_err(|error| unreadable(error.status()))?;
                form.files.push(File { field, name, bytes });
            } else {
                let text = part.text().await.map_err(|error| unreadable(error.status()))?;
                form.texts.push((field, text));
            }
        }
        Ok(form)
    }
}

fn unreadable(status: StatusCode) -> Problem {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(status, "too_large", "This is larger than the page takes.");
    }
    Problem::new(status, "unreadable_body", "Send this as a form.")
}
