//! Both schemas say the same: tables, columns, keys, rules and indexes, by name.

use std::collections::{BTreeMap, BTreeSet};

use kirana::db::migrate::MIGRATIONS;
use kirana::db::violation::UNIQUE_KEYS;

use crate::support::{Engine, Scratch, open};

/// The numbers of each thing: a table on SQLite, sequences on PostgreSQL.
const APART: &[&str] = &["sequences"];

/// What one engine says of a schema, one fact a line.
type Facts = BTreeSet<String>;

/// What only one of two has.
fn difference(sqlite: &Facts, postgres: &Facts) -> String {
    let only = |name: &str, a: &Facts, b: &Facts| {
        a.difference(b).map(|fact| format!("only {name}: {fact}")).collect::<Vec<_>>().join("\n")
    };
    format!("{}\n{}", only("SQLite", sqlite, postgres), only("PostgreSQL", postgres, sqlite)).trim().to_owned()
}

#[test]
fn both_schemas_say_the_same() {
    let (sqlite, postgres) = both();
    let difference = difference(&sqlite.facts, &postgres.facts);
    assert!(difference.is_empty(), "{difference}");
    assert!(sqlite.facts.len() > 300, "there is something to compare");
}

#[test]
fn a_difference_is_seen() {
    let scratch = Scratch::new(Engine::Postgres);
    scratch.tamper(
        "alter table shop add column motto text;
         alter table users alter column phone drop not null;
         alter table stores drop constraint stores_status;
         drop index jobs_waiting;
         alter table stock rename constraint stock_store to stock_branch",
    );
    let (sqlite, _) = both();
    let found = difference(&sqlite.facts, &read_postgres(&scratch).facts);
    for word in ["shop.motto", "users.phone", "stores_status", "jobs_waiting", "stock_branch", "stock_store"] {
        assert!(found.contains(word), "{word}: {found}");
    }
}

#[test]
fn the_keys_that_are_answered_with_a_sentence_are_in_both_schemas() {
    let (sqlite, postgres) = both();
    for schema in [&sqlite, &postgres] {
        for (words, name) in UNIQUE_KEYS {
            assert_eq!(schema.keys.get(*name).map(String::as_str), Some(*words), "{name}");
        }
    }
}

#[test]
fn rules_of_one_name_have_one_text() {
    for step in MIGRATIONS {
        let lines = |text| rules(text).into_iter().map(|(name, clause)| format!("{name} {clause}")).collect();
        let difference = difference(&lines(step.sqlite), &lines(step.postgres));
        assert!(difference.is_empty(), "{}:\n{difference}", step.name);
    }
}

/// The `constraint ...` lines of a migration, by name.
fn rules(text: &str) -> BTreeMap<String, String> {
    let lines: Vec<&str> = text.lines().map(|line| line.split("--").next().unwrap_or_default().trim()).collect();
    let joined = lines.join(" ");
    joined
        .split("constraint ")
        .skip(1)
        .filter_map(|rest| {
            let (name, rest) = rest.split_once(' ')?;
            Some((name.to_owned(), clause(rest)))
        })
        .collect()
}

/// The text up to the comma or bracket that ends a clause.
fn clause(text: &str) -> String {
    let mut depth = 0;
    let end = text.find(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth < 0 || (depth == 0 && (c == ',' || c == ';'))
    });
    text[..end.unwrap_or(text.len())].split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Schema {
    facts: Facts,
    /// Named unique and primary keys with their columns, as SQLite's messages write them.
    keys: BTreeMap<String, String>,
}

impl Schema {
    /// Notes an index that stands beside its table; a whole unique one is a key.
    fn note_index(&mut self, table: &str, index: &str, unique: &str, partial: &str, columns: &[String]) {
        self.facts.insert(format!("{table}: {unique}index {index} ({}){partial}", columns.join(", ")));
        if !unique.is_empty() && partial.is_empty() {
            let columns: Vec<String> = columns.iter().map(|column| format!("{table}.{column}")).collect();
            self.keys.insert(index.to_owned(), columns.join(", "));
        }
    }
}

fn both() -> (Schema, Schema) {
    let file = Scratch::new(Engine::Sqlite);
    open(file.location()).unwrap().close();
    (read_sqlite(&file.sqlite()), read_postgres(&Scratch::new(Engine::Postgres)))
}

fn read_sqlite(conn: &rusqlite::Connection) -> Schema {
    let all = |sql: &str| -> Vec<Vec<String>> {
        let mut statement = conn.prepare(sql).unwrap();
        let width = statement.column_count();
        let rows = statement.query_map([], |row| (0..width).map(|at| row.get(at)).collect()).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let mut schema = Schema { facts: Facts::new(), keys: BTreeMap::new() };
    for row in all("select name, sql from sqlite_master where type = 'table' and name not like 'sqlite_%'") {
        let [table, text] = &row[..] else { unreachable!() };
        if APART.contains(&table.as_str()) {
            continue;
        }
        for row in all(&format!(
            "select name, lower(type), iif(\"notnull\", 'not null', 'null'), coalesce(dflt_value, '') from pragma_table_info('{table}')"
        )) {
            let [column, kind, null, default] = &row[..] else { unreachable!() };
            schema.facts.insert(column_fact(table, column, kind, null, default));
        }
        let key = all(&format!("select name from pragma_table_info('{table}') where pk > 0 order by pk")).concat();
        if !key.is_empty() {
            schema.facts.insert(format!("{table}: primary key ({})", key.join(", ")));
        }
        for (name, clause) in rules(text) {
            schema.facts.insert(format!("{table}: {} {name}", kind_of(&clause)));
            if let Some(columns) = clause.strip_prefix("unique (").or_else(|| clause.strip_prefix("primary key (")) {
                let columns: Vec<String> =
                    columns.trim_end_matches(')').split(", ").map(|column| format!("{table}.{column}")).collect();
                schema.keys.insert(name, columns.join(", "));
            }
        }
        for row in all(&format!(
            "select name, iif(\"unique\", 'unique ', ''), iif(partial, ' partial', '') from pragma_index_list('{table}') where origin = 'c'"
        )) {
            let [index, unique, partial] = &row[..] else { unreachable!() };
            let columns = all(&format!("select name from pragma_index_info('{index}') order by seqno")).concat();
            schema.note_index(table, index, unique, partial, &columns);
        }
    }
    schema
}

fn read_postgres(scratch: &Scratch) -> Schema {
    let mut client = scratch.postgres();
    let mut all = |sql: &str| -> Vec<Vec<String>> {
        let rows = client.query(sql, &[]).unwrap();
        rows.iter().map(|row| (0..row.len()).map(|at| row.get(at)).collect()).collect()
    };
    let mut schema = Schema { facts: Facts::new(), keys: BTreeMap::new() };
    for row in all("select table_name::text, column_name::text, data_type::text,
                case is_nullable when 'NO' then 'not null' else 'null' end, coalesce(column_default, '')::text
         from information_schema.columns where table_schema = 'public'")
    {
        let [table, column, kind, null, default] = &row[..] else { unreachable!() };
        let kind = match kind.as_str() {
            "bigint" => "integer",
            "bytea" => "blob",
            kind => kind,
        };
        schema.facts.insert(column_fact(table, column, kind, null, default.trim_end_matches("::text")));
    }
    for row in all("select c.conrelid::regclass::text, c.conname::text, c.contype::text,
                (select coalesce(string_agg(a.attname::text, ', ' order by k.place), '')
                 from unnest(c.conkey) with ordinality as k(number, place)
                 join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number)
         from pg_constraint c where c.connamespace = 'public'::regnamespace and c.contype in ('c', 'u', 'p', 'f')")
    {
        let [table, name, kind, columns] = &row[..] else { unreachable!() };
        let kind = match kind.as_str() {
            "c" => "check",
            "u" => "unique",
            "f" => "foreign key",
            _ => "key",
        };
        if kind == "key" {
            schema.facts.insert(format!("{table}: primary key ({columns})"));
        }
        // A key without a name of its own gets this one.
        if *name != format!("{table}_pkey") {
            schema.facts.insert(format!("{table}: {kind} {name}"));
        }
        if kind == "key" || kind == "unique" {
            let columns: Vec<String> = columns.split(", ").map(|column| format!("{table}.{column}")).collect();
            schema.keys.insert(name.clone(), columns.join(", "));
        }
    }
    for row in all(
        "select i.indrelid::regclass::text, i.indexrelid::regclass::text,
                case when i.indisunique then 'unique ' else '' end, case when i.indpred is null then '' else ' partial' end,
                (select string_agg(a.attname::text, ', ' order by k.place)
                 from unnest(i.indkey) with ordinality as k(number, place)
                 join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number)
         from pg_index i join pg_class c on c.oid = i.indexrelid
         where c.relnamespace = 'public'::regnamespace
           and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u'))",
    ) {
        let [table, index, unique, partial, columns] = &row[..] else { unreachable!() };
        let columns: Vec<String> = columns.split(", ").map(str::to_owned).collect();
        schema.note_index(table, index, unique, partial, &columns);
    }
    schema
}

fn column_fact(table: &str, column: &str, kind: &str, null: &str, default: &str) -> String {
    format!("{table}.{column}: {kind} {null} default {default:?}")
}

fn kind_of(clause: &str) -> &'static str {
    let kinds = [("check", "check"), ("unique", "unique"), ("foreign key", "foreign key"), ("primary key", "key")];
    kinds.iter().find(|(word, _)| clause.starts_with(word)).map_or("rule", |(_, kind)| kind)
}
