//! The steps of the schema: the list, the way back, and what is refused.

use std::path::Path;

use kirana::db::OpenError;
use kirana::db::migrate::{MIGRATIONS, SchemaError};

use crate::support::{Engine, Scratch, open};

#[test]
fn the_list_is_what_the_folders_hold() {
    let listed: Vec<&str> = MIGRATIONS.iter().map(|step| step.name).collect();
    for engine in ["sqlite", "postgres"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
        let mut found: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        found.sort();
        assert_eq!(listed, found, "{engine}");
    }
}

#[test]
fn each_step_leads_back_and_up_again_on_sqlite() {
    let scratch = Scratch::empty(Engine::Sqlite);
    open(scratch.location()).unwrap().close();
    for step in MIGRATIONS.iter().rev() {
        scratch.tamper(step.sqlite_down);
        scratch.tamper(&format!("delete from schema_migrations where name = '{}'", step.name));
    }
    let left = "select count(*) from sqlite_master where name not like 'sqlite_%' and name <> 'schema_migrations'";
    assert_eq!(scratch.sqlite().query_row(left, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "something stayed");
    open(scratch.location()).unwrap().close();
}

#[test]
fn each_step_leads_back_and_up_again_on_postgres() {
    let scratch = Scratch::new(Engine::Postgres);
    for step in MIGRATIONS.iter().rev() {
        scratch.tamper(step.postgres_down);
        scratch.tamper(&format!("delete from schema_migrations where name = '{}'", step.name));
    }
    let left = "select count(*) from pg_class where relnamespace = 'public'::regnamespace and relname not like 'schema_migrations%'
                and relkind in ('r', 'S', 'v', 'i')";
    assert_eq!(scratch.postgres().query_one(left, &[]).unwrap().get::<_, i64>(0), 0, "something stayed");
    open(scratch.location()).unwrap().close();
}

#[test]
fn a_schema_of_a_newer_program_is_refused() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let scratch = Scratch::new(engine);
        open(scratch.location()).unwrap().close();
        scratch.tamper("insert into schema_migrations (name, checksum) values ('2099-01-01-000000_flying_shop', '')");
        let refused = open(scratch.location()).err().expect("a refusal");
        let OpenError::Schema(SchemaError::Newer(name)) = refused else { panic!("{engine:?}: {refused}") };
        assert_eq!(name, "2099-01-01-000000_flying_shop");
    }
}

#[test]
fn a_step_that_was_changed_after_its_release_is_refused() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let scratch = Scratch::new(engine);
        open(scratch.location()).unwrap().close();
        scratch.tamper("update schema_migrations set checksum = 'another'");
        let refused = open(scratch.location()).err().expect("a refusal");
        let OpenError::Schema(SchemaError::Changed(name)) = refused else { panic!("{engine:?}: {refused}") };
        assert_eq!(name, MIGRATIONS[0].name);
    }
}
