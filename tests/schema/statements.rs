//! Every statement of the program is prepared on both engines; what the compiler would have checked
//! with another library is checked here.

use std::collections::BTreeSet;

use kirana::db::{Kind, Shape};
use postgres::types::Type;

use crate::support::{Engine, Scratch, Source, TokenKind, open, sources};

/// SQL that is put together at run time, and what keeps the schema itself, stand here.
const MAY_HOLD_SQL: &[&str] = &[
    "src/db/backup.rs",
    "src/db/facts.rs",
    "src/db/foreign.rs",
    "src/db/migrate.rs",
    "src/db/postgres.rs",
    "src/db/sqlite.rs",
];

#[test]
fn each_has_a_name_of_its_own() {
    let mut names = BTreeSet::new();
    for statement in kirana::statements() {
        assert!(names.insert(statement.name), "two statements are called {}", statement.name);
    }
}

#[test]
fn each_fits_sqlite() {
    let scratch = Scratch::new(Engine::Sqlite);
    open(scratch.location()).unwrap().close();
    let conn = scratch.sqlite();
    let wrong: Vec<String> = kirana::statements().iter().flat_map(|statement| check_sqlite(&conn, statement)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check_sqlite(conn: &rusqlite::Connection, statement: &Shape) -> Vec<String> {
    let Shape { name, sqlite, params, columns, .. } = statement;
    let prepared = match conn.prepare(sqlite) {
        Ok(prepared) => prepared,
        Err(error) => return vec![format!("{name}: {error}")],
    };
    let mut wrong = Vec::new();
    if prepared.parameter_count() != params.len() {
        wrong.push(format!("{name}: {} parameters in SQL, {} in Rust", prepared.parameter_count(), params.len()));
    }
    for number in 1..=params.len() {
        // A mark that is a name would be numbered by where it first stands.
        if prepared.parameter_name(number) != Some(format!("?{number}").as_str()) {
            wrong.push(format!("{name}: {:?} is parameter {number}", prepared.parameter_name(number)));
        }
    }
    let found: Vec<&str> = prepared.column_names().collect();
    let fits = found.len() == columns.len()
        && found.iter().zip(columns).all(|(found, column)| column.name.is_empty() || column.name == *found);
    if !fits {
        let expected: Vec<&str> = columns.iter().map(|column| column.name).collect();
        wrong.push(format!("{name}: columns {found:?} in SQL, {expected:?} in Rust"));
    }
    wrong
}

#[test]
fn each_fits_postgres() {
    let scratch = Scratch::new(Engine::Postgres);
    let mut client = scratch.postgres();
    let wrong: Vec<String> =
        kirana::statements().iter().flat_map(|statement| check_postgres(&mut client, statement)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check_postgres(client: &mut postgres::Client, statement: &Shape) -> Vec<String> {
    let Shape { name, postgres: sql, params, in_sets, columns, .. } = statement;
    let declared: Vec<Type> = params.iter().map(|kind| if *in_sets { array(*kind) } else { plain(*kind) }).collect();
    let mut wrong = Vec::new();
    // A declared parameter that the text never names would go unnoticed.
    for number in 1..=params.len() {
        let mark = format!("${number}");
        let named =
            sql.match_indices(&mark).any(|(at, _)| !sql[at + mark.len()..].starts_with(|c: char| c.is_ascii_digit()));
        if !named {
            wrong.push(format!("{name}: ${number} is declared and not used"));
        }
    }
    let prepared = match client.prepare_typed(sql, &declared) {
        Ok(prepared) => prepared,
        Err(error) => {
            let said = error.as_db_error().map_or_else(|| error.to_string(), |said| said.message().to_owned());
            return vec![format!("{name}: {said}")];
        }
    };
    if prepared.params() != declared {
        wrong.push(format!("{name}: parameters {:?} in SQL, {declared:?} in Rust", prepared.params()));
    }
    let found: Vec<(&str, &Type)> = prepared.columns().iter().map(|column| (column.name(), column.type_())).collect();
    let fits = found.len() == columns.len()
        && found.iter().zip(columns).all(|((found, kind), column)| {
            (column.name.is_empty() || column.name == *found) && **kind == plain(column.kind)
        });
    if !fits {
        let expected: Vec<(&str, Kind)> = columns.iter().map(|column| (column.name, column.kind)).collect();
        wrong.push(format!("{name}: columns {found:?} in SQL, {expected:?} in Rust"));
    }
    wrong
}

fn plain(kind: Kind) -> Type {
    match kind {
        Kind::Int => Type::INT8,
        Kind::Text => Type::TEXT,
        Kind::Bytes => Type::BYTEA,
    }
}

fn array(kind: Kind) -> Type {
    match kind {
        Kind::Int => Type::INT8_ARRAY,
        Kind::Text => Type::TEXT_ARRAY,
        Kind::Bytes => Type::BYTEA_ARRAY,
    }
}

#[test]
fn a_statement_that_does_not_fit_is_seen() {
    let scratch = Scratch::new(Engine::Sqlite);
    open(scratch.location()).unwrap().close();
    let sqlite = scratch.sqlite();
    let server = Scratch::new(Engine::Postgres);
    let mut postgres = server.postgres();
    let users =
        |sql: &'static str, params: &'static [Kind]| kirana::db::Query::<(i64, String)>::new("it", sql, sql, params);
    for (sql, params) in [
        ("select id, role from nobody", &[] as &[Kind]),
        ("select id from users", &[]),
        ("select id, role from users where id = $1", &[]),
        ("select id, role from users where id = $2 or store_id = $1", &[Kind::Int, Kind::Text]),
        ("select id, role from users", &[Kind::Int]),
    ] {
        let shape = users(sql, params).shape();
        assert_ne!(check_sqlite(&sqlite, &shape), Vec::<String>::new(), "{sql}");
        assert_ne!(check_postgres(&mut postgres, &shape), Vec::<String>::new(), "{sql}");
    }
    for sql in ["select sum(id), 'a' from users", "select role, id from users"] {
        let shape = users(sql, &[]).shape();
        assert_ne!(check_postgres(&mut postgres, &shape), Vec::<String>::new(), "{sql}");
    }
}

#[test]
fn each_that_is_declared_is_in_the_list() {
    let listed: BTreeSet<&str> = kirana::statements().iter().map(|statement| statement.name).collect();
    let missing: Vec<String> =
        sources().iter().flat_map(declared).filter(|name| !listed.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "not in `kirana::statements()`, so nobody prepares them:\n{}", missing.join("\n"));
    assert!(listed.len() > 30, "the list is there: {listed:?}");
}

/// The names that a file's `statements!`, `inserts!` and `bulks!` declare.
fn declared(source: &Source) -> Vec<String> {
    let tokens = source.tokens();
    let module = source.module().join("::");
    let mut names = Vec::new();
    let (mut depth, mut inside) = (0_i32, false);
    for (at, token) in tokens.iter().enumerate() {
        let next = |ahead: usize| tokens.get(at + ahead).map_or("", |token| token.text.as_str());
        let before = at.checked_sub(1).map_or("", |before| tokens[before].text.as_str());
        if token.kind == TokenKind::Word
            && ["statements", "inserts", "bulks"].contains(&token.text.as_str())
            && next(1) == "!"
            && next(2) == "{"
            && before == ":"
        {
            (inside, depth) = (true, 0);
        }
        if !inside {
            continue;
        }
        match (token.kind, token.text.as_str()) {
            (TokenKind::Sign, "{") => depth += 1,
            (TokenKind::Sign, "}") => {
                depth -= 1;
                inside = depth > 0;
            }
            (TokenKind::Word, word)
                if depth == 1
                    && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
                    && (next(1) == "(" || next(1) == "into") =>
            {
                names.push(format!("kirana::{module}::{word}"));
            }
            _ => {}
        }
    }
    names
}

#[test]
fn no_sql_stands_anywhere_else() {
    let wrong: Vec<String> = sources().iter().flat_map(stray_sql).collect();
    assert!(wrong.is_empty(), "SQL outside of `statements!`, `inserts!` and `bulks!`:\n{}", wrong.join("\n"));
}

/// Texts that begin like a statement, outside of the macros that declare statements.
fn stray_sql(source: &Source) -> Vec<String> {
    if MAY_HOLD_SQL.contains(&source.path.as_str()) || source.path == "src/db/statement.rs" {
        return Vec::new();
    }
    let tokens = source.tokens();
    let mut stray = Vec::new();
    let (mut depth, mut inside) = (0_i32, None);
    for (at, token) in tokens.iter().enumerate() {
        match (token.kind, token.text.as_str()) {
            (TokenKind::Sign, "{") => depth += 1,
            (TokenKind::Sign, "}") => {
                depth -= 1;
                inside = inside.filter(|opened| depth > *opened);
            }
            // A `macro_rules!` beside the statements holds a piece that several share.
            (TokenKind::Word, "statements" | "inserts" | "bulks" | "macro_rules")
                if tokens.get(at + 1).is_some_and(|token| token.text == "!") =>
            {
                inside = Some(depth);
            }
            (TokenKind::Text, text) => {
                let text = text.trim_start().to_ascii_lowercase();
                let begins = ["select ", "insert into ", "update ", "delete from ", "with "]
                    .iter()
                    .any(|verb| text.starts_with(verb));
                // A sentence may begin like that too, but hardly goes on like that.
                let goes_on = [" from ", " into ", " set ", " values", "\n"].iter().any(|word| text.contains(word));
                if inside.is_none() && begins && goes_on {
                    stray.push(format!("{}:{}: {}", source.path, token.line, text.lines().next().unwrap_or_default()));
                }
            }
            _ => {}
        }
    }
    stray
}

#[test]
fn stray_sql_and_a_statement_outside_the_list_are_seen() {
    let file = |text: &str| Source { path: "src/stock/queries.rs".to_owned(), text: text.to_owned() };
    let own = "crate::statements! {\n  /// A.\n  pub(super) LOCK(Int) -> Row = \"select id from stock where id = $1\";\n  READ() = concat!(\"select 1 from \", \"b\");\n}";
    assert_eq!(declared(&file(own)), ["kirana::stock::queries::LOCK", "kirana::stock::queries::READ"]);
    assert_eq!(stray_sql(&file(own)), Vec::<String>::new());
    let stray = format!("{own}\nfn f() {{ run(\"update stock set on_hand = 1\") }}");
    assert_eq!(stray_sql(&file(&stray)), ["src/stock/queries.rs:6: update stock set on_hand = 1"]);
    assert_eq!(stray_sql(&file("fn f() { say(\"Select a product first.\") }")), Vec::<String>::new());
}
