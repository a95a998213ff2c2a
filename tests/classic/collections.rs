//! The collections that users load into Postman and Hurl, run against a fresh demo shop: what they say is
//! answered is answered, so they cannot rot. Only as much of either format is read as they use.

use std::collections::BTreeMap;
use std::path::PathBuf;

use axum::http::Method;
use serde_json::Value;

use crate::support::{Engine, Process, Scratch, block_on};

/// A request with what it is to be answered.
#[derive(Debug, Default, PartialEq, Eq)]
struct Step {
    name: String,
    method: String,
    /// The address after `{{host}}`.
    path: String,
    headers: Vec<(String, String)>,
    /// The body as JSON, spelled in one way.
    body: Option<String>,
    /// The name of a form's part, and the file that it sends.
    file: Option<(String, String)>,
    status: u16,
    /// Variables, and the member of the answer that each is set to.
    captures: Vec<(String, String)>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/calls")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

/// A JSON text, spelled as one spells it here.
fn respelled(text: &str) -> String {
    serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{error}: {text}")).to_string()
}

/// Reads a Hurl file.
fn hurl() -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut name = String::new();
    let mut part = "";
    let text = read("kirana.hurl");
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix('#') {
            comment.trim().clone_into(&mut name);
            continue;
        }
        if let Some((method, url)) = line.split_once(" {{host}}") {
            let (method, path) = (method.to_owned(), url.to_owned());
            steps.push(Step { name: name.clone(), method, path, ..Step::default() });
            part = "headers";
            continue;
        }
        let step = steps.last_mut().expect("a request comes first");
        if let Some(status) = line.strip_prefix("HTTP ") {
            step.status = status.parse().unwrap();
            part = "answer";
        } else if line == "[Multipart]" || line == "[Captures]" {
            part = line;
        } else if line.starts_with(['{', '[']) {
            step.body = Some(respelled(line));
        } else {
            let (key, value) = line.split_once(": ").unwrap_or_else(|| panic!("what is this? {line}"));
            match part {
                "headers" => step.headers.push((key.to_lowercase(), value.to_owned())),
                "[Multipart]" => {
                    let file = value.strip_prefix("file,").unwrap().split(';').next().unwrap();
                    step.file = Some((key.to_owned(), file.to_owned()));
                }
                "[Captures]" => {
                    let member = value.strip_prefix("jsonpath \"$.").unwrap().strip_suffix('"').unwrap();
                    step.captures.push((key.to_owned(), member.to_owned()));
                }
                _ => panic!("what is this? {line}"),
            }
        }
    }
    steps
}

/// Reads a Postman collection.
fn postman() -> Vec<Step> {
    let collection: Value = serde_json::from_str(&read("kirana.postman_collection.json")).unwrap();
    let folders = collection["item"].as_array().unwrap();
    folders.iter().flat_map(|folder| folder["item"].as_array().unwrap()).map(step_of).collect()
}

fn step_of(item: &Value) -> Step {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let request = &item["request"];
    let headers = request["header"].as_array().unwrap().iter();
    let headers = headers.map(|header| (text(&header["key"]).to_lowercase(), text(&header["value"])));
    let mut step = Step {
        name: text(&item["name"]),
        method: text(&request["method"]),
        path: text(&request["url"]["raw"]).strip_prefix("{{host}}").unwrap().to_owned(),
        headers: headers.filter(|(name, _)| name != "content-type").collect(),
        ..Step::default()
    };
    match request["body"]["mode"].as_str() {
        Some("raw") => step.body = Some(respelled(request["body"]["raw"].as_str().unwrap())),
        Some("formdata") => {
            let part = &request["body"]["formdata"][0];
            step.file = Some((text(&part["key"]), text(&part["src"])));
        }
        _ => {}
    }
    for line in item["event"][0]["script"]["exec"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()) {
        if let Some((_, rest)) = line.split_once(".have.status(") {
            step.status = rest.split(')').next().unwrap().parse().unwrap();
        } else if let Some(rest) = line.strip_prefix("pm.collectionVariables.set(\"") {
            let (variable, rest) = rest.split_once("\", pm.response.json().").unwrap();
            step.captures.push((variable.to_owned(), rest.strip_suffix(");").unwrap().to_owned()));
        } else {
            panic!("what is this? {line}");
        }
    }
    step
}

/// Puts variables into a text.
fn filled(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut text = text.to_owned();
    for (name, value) in variables {
        text = text.replace(&format!("{{{{{name}}}}}"), value);
    }
    assert!(!text.contains("{{"), "a variable that nobody has set: {text}");
    text
}

/// Sends each request of a collection to a demo shop of its own.
fn run(engine: Engine, steps: &[Step]) {
    block_on(async {
        let scratch = Scratch::new(engine);
        let demo = Process::demo(&scratch);
        let mut variables = BTreeMap::new();
        for step in steps {
            let method: Method = step.method.parse().unwrap();
            let mut call = demo.stranger().call(method, &filled(&step.path, &variables));
            for (name, value) in &step.headers {
                call = call.header(name.clone().leak(), &filled(value, &variables));
            }
            if let Some(body) = &step.body {
                call = call.header("content-type", "application/json").body(filled(body, &variables));
            }
            if let Some((part, file)) = &step.file {
                let table = read(file);
                let form = format!(
                    "--edge\r\nContent-Disposition: form-data; name=\"{part}\"; filename=\"{file}\"\r\n\
                     Content-Type: text/csv\r\n\r\n{table}\r\n--edge--\r\n"
                );
                call = call.header("content-type", "multipart/form-data; boundary=edge").body(form);
            }
            let reply = call.await;
            assert_eq!(reply.status.as_u16(), step.status, "{}: {} {}: {reply}", step.name, step.method, step.path);
            for (name, member) in &step.captures {
                let value = match &reply.json()[member] {
                    Value::String(text) => text.clone(),
                    Value::Null => panic!("{}: no `{member}` in {reply}", step.name),
                    value => value.to_string(),
                };
                variables.insert(name.clone(), value);
            }
        }
    });
}

#[test]
fn both_collections_hold_the_same_calls() {
    let (hurl, postman) = (hurl(), postman());
    assert!(hurl.len() > 60, "{}", hurl.len());
    for (one, other) in hurl.iter().zip(&postman) {
        assert_eq!(one, other);
    }
    assert_eq!(hurl.len(), postman.len());
}

#[test]
fn what_the_hurl_file_says_is_answered_sqlite() {
    run(Engine::Sqlite, &hurl());
}

#[test]
fn what_the_postman_collection_says_is_answered_postgres() {
    run(Engine::Postgres, &postman());
}
