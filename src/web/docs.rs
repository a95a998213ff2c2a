//! The API document, generated from the code, and a page that shows it.

use std::sync::Arc;

use aide::openapi::{OpenApi, Operation, ReferenceOr};
use askama::Template;

/// The finished document, as text and as a page.
#[derive(Clone)]
pub struct Docs {
    /// OpenAPI 3.1, as JSON.
    pub json: Arc<str>,
    /// A readable page.
    pub html: Arc<str>,
}

#[derive(Template)]
#[template(path = "web/docs.html")]
struct DocsPage {
    title: String,
    description: String,
    groups: Vec<Group>,
}

struct Group {
    name: String,
    routes: Vec<Route>,
}

struct Route {
    method: String,
    path: String,
    summary: String,
    right: String,
    body: String,
}

/// The description of a route from its doc comment: first line and the rest.
pub fn describe<'t>(
    operation: aide::transform::TransformOperation<'t>,
    tag: &'static str,
    text: &'static str,
) -> aide::transform::TransformOperation<'t> {
    operation.tag(tag).summary(text)
}

impl Docs {
    /// Writes the document out.
    pub fn new(api: &OpenApi) -> Self {
        let json = serde_json::to_string_pretty(api).unwrap_or_default();
        let mut groups: Vec<Group> = Vec::new();
        for (path, method, operation) in operations(api) {
            let name = operation.tags.first().cloned().unwrap_or_else(|| "Other".to_owned());
            let text = |key: &str| {
                operation.extensions.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
            };
            let route = Route {
                method: method.to_uppercase(),
                path: path.to_owned(),
                summary: operation.summary.clone().unwrap_or_default(),
                right: text("x-right"),
                body: body_schema(api, operation),
            };
            match groups.iter_mut().find(|group| group.name == name) {
                Some(group) => group.routes.push(route),
                None => groups.push(Group { name, routes: vec![route] }),
            }
        }
        let page = DocsPage {
            title: api.info.title.clone(),
            description: api.info.description.clone().unwrap_or_default(),
            groups,
        };
        Self { json: json.into(), html: page.render().unwrap_or_default().into() }
    }
}

/// All operations of a document: path, method, operation.
pub fn operations(api: &OpenApi) -> Vec<(&str, &'static str, &Operation)> {
    let mut all = Vec::new();
    for (path, item) in api.paths.iter().flat_map(|paths| &paths.paths) {
        if let ReferenceOr::Item(item) = item {
            let methods = [
                ("get", &item.get),
                ("post", &item.post),
                ("put", &item.put),
                ("patch", &item.patch),
                ("delete", &item.delete),
            ];
            for (method, operation) in methods {
                if let Some(operation) = operation {
                    all.push((path.as_str(), method, operation));
                }
            }
        }
    }
    all
}

/// The fields of a request body, one line each.
fn body_schema(api: &OpenApi, operation: &Operation) -> String {
    let Some(ReferenceOr::Item(body)) = &operation.request_body else { return String::new() };
    let Some(schema) = body.content.values().find_map(|media| media.schema.as_ref()) else { return String::new() };
    let schema = serde_json::to_value(&schema.json_schema).unwrap_or_default();
    let resolved = schema.get("$ref").and_then(|reference| reference.as_str()).and_then(|reference| {
        let name = reference.rsplit('/').next()?;
        let found = api.components.as_ref()?.schemas.get(name)?;
        serde_json::to_value(&found.json_schema).ok()
    });
    let schema = resolved.unwrap_or(schema);
    let required: Vec<&str> = schema
        .get("required")
        .and_then(|required| required.as_array())
        .map(|required| required.iter().filter_map(|name| name.as_str()).collect())
        .unwrap_or_default();
    let Some(properties) = schema.get("properties").and_then(|properties| properties.as_object()) else {
        return String::new();
    };
    properties
        .iter()
        .map(|(name, property)| {
            let note = property.get("description").and_then(|text| text.as_str()).unwrap_or_default();
            let mark = if required.contains(&name.as_str()) { "" } else { "?" };
            if note.is_empty() { format!("{name}{mark}") } else { format!("{name}{mark}: {note}") }
        })
        .collect::<Vec<_>>()
        .join("\n")
}
