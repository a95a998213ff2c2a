//! Accounts, with their passwords hashed before anything is written.

use std::collections::HashSet;

use super::super::file::OldFile;
use super::super::record::Flaw;
use super::super::systems::{Person, System};
use super::super::{Count, MoveError, Options, Place, queries};
use super::{CHUNK, Done, Mover};
use crate::db::{Conn, Db};
use crate::ids::{Entropy, UserId};
use crate::staff::actions::{Arrival, Newcomer};
use crate::staff::{self, Kind, NewUser, password};

/// An account with its place in the file.
pub struct Known {
    place: Place,
    kind: Kind,
    person: Result<Person, Flaw>,
    /// What is stored for the password.
    hash: Option<String>,
}

/// Reads all accounts.
pub fn read_people(file: &OldFile, system: &System) -> Result<Vec<Known>, MoveError> {
    let mut people = Vec::new();
    for table in system.people {
        file.each(table, |record| {
            let (place, kind) = (Place::of(&record), (system.kind_of)(&record));
            people.push(Known { place, kind, person: (system.person)(&record), hash: None });
            Ok(())
        })?;
    }
    Ok(people)
}

/// Hashes the passwords of accounts that did not come before, on all cores. A dry run needs none.
pub async fn hash_passwords(
    db: &Db,
    mut people: Vec<Known>,
    system: &'static System,
    options: &Options,
    entropy: Entropy,
) -> Result<Vec<Known>, MoveError> {
    if options.dry_run {
        return Ok(people);
    }
    let externals: Vec<(Kind, String)> =
        people.iter().filter_map(|known| Some((known.kind, known.person.as_ref().ok()?.external.clone()))).collect();
    let came: HashSet<(Kind, String)> = db
        .read(move |conn| {
            let mut came = HashSet::new();
            for asked in [Kind::Customer, Kind::Staff] {
                let of_kind = externals.iter().filter(|(kind, _)| *kind == asked);
                let rows = of_kind.map(|(kind, id)| [system.name.into(), (*kind).into(), id.into()]);
                came.extend(conn.load_many(&queries::FIND, rows)?.into_iter().map(|(id, _)| (asked, id)));
            }
            Ok::<_, MoveError>(came)
        })
        .await?;
    let hashed = tokio::task::spawn_blocking(move || {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let share = people.len().div_ceil(cores).max(1);
        std::thread::scope(|scope| {
            for part in people.chunks_mut(share) {
                let (entropy, came) = (&entropy, &came);
                scope.spawn(move || {
                    for known in part {
                        let Ok(person) = &known.person else { continue };
                        if !came.contains(&(known.kind, person.external.clone()))
                            && let Some((scheme, kept)) = &person.secret
                        {
                            known.hash = password::adopt(entropy, *scheme, kept);
                        }
                    }
                });
            }
        });
        people
    });
    hashed.await.map_err(|_| crate::db::Error::Busy.into())
}

impl Mover<'_> {
    pub(super) fn people(&mut self, conn: &mut Conn<'_>, people: &[Known]) -> Done {
        for chunk in people.chunks(CHUNK) {
            for kind in [Kind::Customer, Kind::Staff] {
                let of_kind: Vec<(&Known, &Person)> = chunk
                    .iter()
                    .filter_map(|known| Some((known, known.person.as_ref().ok()?)))
                    .filter(|(known, _)| known.kind == kind)
                    .collect();
                self.people_of(conn, kind, &of_kind)?;
            }
            for known in chunk {
                if let Err(flaw) = &known.person {
                    self.refuse_person(known, flaw);
                }
            }
        }
        Ok(())
    }

    fn people_of(&mut self, conn: &mut Conn<'_>, kind: Kind, people: &[(&Known, &Person)]) -> Done {
        let mut came = self.came(conn, kind.word(), people.iter().map(|(_, person)| person.external.as_str()))?;
        let mut fresh = Vec::new();
        for (known, person) in people {
            if let Some(id) = came.get(&person.external) {
                self.count_person(kind).known += 1;
                self.place_person(kind, person, UserId::new(*id));
            } else {
                // A row that stands in the file twice is one account.
                came.insert(person.external.clone(), 0);
                fresh.push((*known, *person));
            }
        }
        let newcomers: Vec<Newcomer> = fresh.iter().map(|(known, person)| self.newcomer(known, person)).collect();
        let arrivals = staff::actions::take_over(conn, &newcomers, self.import, self.on.by)?;
        let mut rows = Vec::with_capacity(fresh.len());
        for ((known, person), arrival) in fresh.into_iter().zip(arrivals) {
            let (id, opened) = match arrival {
                Arrival::Opened(id) => (id, true),
                Arrival::Known(id) => (id, false),
                Arrival::NameTaken => {
                    let name = person.username.clone().unwrap_or_default();
                    let reason = format!("the user name `{name}` belongs to another account");
                    self.refuse_person(known, &Flaw::new("", reason));
                    continue;
                }
            };
            if opened {
                self.count_person(kind).brought += 1;
                if known.hash.is_none() && (person.secret.is_none() || !self.options.dry_run) {
                    self.report.passwords_lost += 1;
                    self.report
                        .note(known.place.remark("", "the password cannot be checked here; it has to be set anew"));
                }
            } else {
                self.count_person(kind).known += 1;
                let login = person.email.as_deref().or(person.username.as_deref()).unwrap_or_default();
                let message = format!("{login} has an account already, and is taken for the same person");
                self.report.note(known.place.remark("", message));
            }
            self.place_person(kind, person, id);
            rows.push((person.external.clone(), id.number(), opened));
        }
        self.remember(conn, kind.word(), &rows)
    }

    fn newcomer(&self, known: &Known, person: &Person) -> Newcomer {
        let role = person.role();
        let status = match role.kind() {
            Kind::Customer => staff::Status::Active,
            Kind::Staff => self.options.staff.status(),
        };
        let new = NewUser {
            username: person.username.clone(),
            email: person.email.clone(),
            phone: person.phone.clone(),
            first_name: person.first_name.clone(),
            last_name: person.last_name.clone(),
            password_hash: known.hash.clone(),
            designation: person.designation.clone(),
            date_of_birth_on: person.birth,
            address: person.address.clone(),
            city: person.city.clone(),
            pincode: person.pincode.clone(),
            store_id: None,
        };
        Newcomer { new, role, status }
    }

    fn count_person(&mut self, kind: Kind) -> &mut Count {
        match kind {
            Kind::Customer => &mut self.report.customers,
            Kind::Staff => &mut self.report.staff,
        }
    }

    fn place_person(&mut self, kind: Kind, person: &Person, id: UserId) {
        if kind == Kind::Customer {
            self.customers.insert(person.external.clone(), id);
        }
    }

    fn refuse_person(&mut self, known: &Known, flaw: &Flaw) {
        self.count_person(known.kind).refused += 1;
        self.report.refuse(known.place.flaw(flaw));
    }
}
