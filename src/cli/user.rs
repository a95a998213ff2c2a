//! `kirana user`: accounts, for the person who has the machine.

use std::io::Read as _;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::failure::{FAILED, Failure, Outcome};
use super::out::{Out, table};
use super::work::Context;
use crate::audit::By;
use crate::ids::{Entropy, UserId};
use crate::staff::actions::Removal;
use crate::staff::password::{Hasher, Verdict};
use crate::staff::{self, Caller, Kind, NewUser, Role, StaffError, Status, User, actions, rules};

/// What clap calls a command line that does not make sense.
const USAGE: u8 = 2;

/// What stands after `user`.
#[derive(Debug, clap::Subcommand)]
pub enum UserCommand {
    /// Add an account; the password is asked for.
    #[command(after_help = "Examples:
  kirana user add --role owner --email asha@example.com --first-name Asha
  kirana user add --role cashier --username ravi --password-stdin < password.txt")]
    Add(AddArgs),
    /// List accounts.
    List {
        /// Only those who are this in the shop.
        #[arg(long, value_parser = role)]
        role: Option<Role>,
    },
    /// Show an account, if there is one.
    Show(WhoArgs),
    /// Say whether a password is right; nobody is logged in by it.
    #[command(after_help = "Example:
  kirana user check ravi --password-stdin < password.txt")]
    Check {
        #[command(flatten)]
        who: WhoArgs,
        /// Read the password from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Remove an account that was never used; any other is locked out for good and stays in the books.
    Remove(WhoArgs),
    /// Lock somebody out, at once and everywhere.
    Disable(WhoArgs),
    /// Let somebody in again.
    Enable(WhoArgs),
    /// Set a new password and end every session; without a terminal one is made up and shown once.
    #[command(after_help = "Examples:
  kirana user reset-password asha@example.com
  kirana user reset-password ravi --generate")]
    ResetPassword {
        #[command(flatten)]
        who: WhoArgs,
        /// Make a password up and show it once.
        #[arg(long, conflicts_with = "password_stdin")]
        generate: bool,
        /// Read the password from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
    },
}

/// A new account.
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    /// owner, manager, cashier, stock-keeper or customer
    #[arg(long, value_parser = role)]
    role: Role,
    /// The e-mail address to log in with.
    #[arg(long, required_unless_present = "username")]
    email: Option<String>,
    /// The name to log in with.
    #[arg(long)]
    username: Option<String>,
    /// First name.
    #[arg(long, default_value = "", hide_default_value = true)]
    first_name: String,
    /// Last name.
    #[arg(long, default_value = "", hide_default_value = true)]
    last_name: String,
    /// Telephone.
    #[arg(long, default_value = "", hide_default_value = true)]
    phone: String,
    /// Read the password from the first line of standard input.
    #[arg(long)]
    password_stdin: bool,
}

/// Whose account.
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
pub struct WhoArgs {
    /// The user name or e-mail address.
    login: String,
    /// The customer, where a member of staff has the same address.
    #[arg(long)]
    customer: bool,
}

/// What to do, with every question answered.
#[derive(Debug, Serialize, Deserialize)]
pub enum Task {
    /// Add an account.
    Add(New),
    /// List accounts.
    List(Option<Role>),
    /// Show an account.
    Show(WhoArgs),
    /// Say whether a password is right.
    Check {
        /// Whose.
        who: WhoArgs,
        /// The password.
        password: Password,
    },
    /// Remove an account.
    Remove(WhoArgs),
    /// Lock somebody out, or let them in again.
    SetStatus(WhoArgs, Status),
    /// Set a password; it is shown when it was made up.
    SetPassword { who: WhoArgs, hash: String, made_up: Option<String> },
}

/// A password on its way to where it is checked; it stands in no message.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(***)")
    }
}

/// A new account with its password's hash.
#[derive(Debug, Serialize, Deserialize)]
pub struct New {
    role: Role,
    email: Option<String>,
    username: Option<String>,
    first_name: String,
    last_name: String,
    phone: String,
    hash: String,
}

/// Reads a role as people write it.
pub fn role(text: &str) -> Result<Role, String> {
    Role::from_word(&text.replace('-', "_"))
        .ok_or_else(|| "one of owner, manager, cashier, stock-keeper, customer".to_owned())
}

impl UserCommand {
    /// Asks what is to be asked. A new password leaves this process only as its hash.
    pub fn prepare(self) -> Result<Task, Failure> {
        Ok(match self {
            Self::Add(args) => Task::Add(args.prepare()?),
            Self::List { role } => Task::List(role),
            Self::Show(who) => Task::Show(who),
            Self::Check { who, password_stdin } => {
                let password = Password(read_password(&who.login, password_stdin)?);
                Task::Check { who, password }
            }
            Self::Remove(who) => Task::Remove(who),
            Self::Disable(who) => Task::SetStatus(who, Status::Disabled),
            Self::Enable(who) => Task::SetStatus(who, Status::Active),
            Self::ResetPassword { who, generate, password_stdin } => {
                let made_up = generate.then(|| Entropy::system().token::<12>());
                let password = match &made_up {
                    Some(password) => password.clone(),
                    None => ask_password(&who.login, password_stdin)?,
                };
                Task::SetPassword { who, hash: staff::password::hash(&Entropy::system(), &password), made_up }
            }
        })
    }
}

impl AddArgs {
    fn prepare(self) -> Result<New, Failure> {
        if let Some(email) = self.email.as_ref().filter(|email| !rules::is_email(email)) {
            return Err(Failure::new(USAGE, format!("{email} is not an e-mail address")));
        }
        let login = self.username.as_deref().or(self.email.as_deref()).unwrap_or_default();
        let password = ask_password(login, self.password_stdin)?;
        Ok(New {
            role: self.role,
            email: self.email,
            username: self.username,
            first_name: self.first_name,
            last_name: self.last_name,
            phone: self.phone,
            hash: staff::password::hash(&Entropy::system(), &password),
        })
    }
}

/// The first line of standard input, or what somebody types twice without seeing it: a new password.
fn ask_password(login: &str, from_stdin: bool) -> Result<String, Failure> {
    let password = read_password(login, from_stdin)?;
    if !from_stdin && type_password("Once more: ")? != password {
        return Err(Failure::new(FAILED, "these were two different passwords"));
    }
    rules::check_password(&password, login)?;
    Ok(password)
}

/// The first line of standard input, or what somebody types without seeing it.
fn read_password(login: &str, from_stdin: bool) -> Result<String, Failure> {
    if !from_stdin {
        return type_password(&format!("Password for {login}: "));
    }
    let mut text = String::new();
    std::io::stdin()
        .take(4096)
        .read_to_string(&mut text)
        .map_err(|cause| Failure::new(USAGE, format!("standard input: {cause}")))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn type_password(question: &str) -> Result<String, Failure> {
    rpassword::prompt_password(question)
        .map_err(|_| Failure::new(USAGE, "there is no terminal to ask for the password; give it with --password-stdin"))
}

impl Task {
    /// Does it.
    pub async fn run(self, context: &Context, as_json: bool, out: &Out) -> Outcome {
        match self {
            Self::Add(new) => add(new, context, as_json, out).await,
            Self::List(role) => list(role, context, as_json, out).await,
            Self::Show(who) => {
                let user = context.db.read(move |conn| who.find(conn)).await?;
                if as_json {
                    out.json(&shown(&user));
                } else {
                    out.result(people(std::slice::from_ref(&user)));
                }
                Ok(())
            }
            Self::Check { who, password } => check(who, password, context, as_json, out).await,
            Self::Remove(who) => remove(who, context, as_json, out).await,
            Self::SetStatus(who, status) => {
                let now = context.clock.now();
                let user = context
                    .db
                    .write(move |conn| {
                        let user = who.find(conn)?;
                        actions::set_status(conn, user.id, status, By::system(now))?;
                        Ok::<_, StaffError>(user)
                    })
                    .await?;
                let what = if status == Status::Active { "may log in again" } else { "is locked out" };
                report(&user, status, what, as_json, out);
                Ok(())
            }
            Self::SetPassword { who, hash, made_up } => {
                let now = context.clock.now();
                let user = context
                    .db
                    .write(move |conn| {
                        let user = who.find(conn)?;
                        actions::set_password(conn, user.id, &hash, &Caller::system(), "", now)?;
                        Ok::<_, StaffError>(user)
                    })
                    .await?;
                match (made_up, as_json) {
                    (Some(password), true) => out.json(&json!({ "id": user.id, "password": password })),
                    (Some(password), false) => {
                        out.talk(format!("The new password of {}; it is not shown again:", user.login()));
                        out.result(password);
                    }
                    (None, _) => report(&user, user.status, "has a new password", as_json, out),
                }
                Ok(())
            }
        }
    }
}

impl WhoArgs {
    /// The account meant: a member of staff before a customer, unless the customer is asked for.
    fn find(&self, conn: &mut crate::db::Conn<'_>) -> Result<User, StaffError> {
        actions::in_order(actions::find_accounts(conn, &self.login)?)
            .into_iter()
            .find(|user| !self.customer || user.kind == Kind::Customer)
            .ok_or(StaffError::NoUser)
    }
}

async fn add(new: New, context: &Context, as_json: bool, out: &Out) -> Outcome {
    let now = context.clock.now();
    let role = new.role;
    let account = NewUser {
        username: new.username,
        email: new.email,
        phone: new.phone,
        first_name: new.first_name,
        last_name: new.last_name,
        password_hash: Some(new.hash),
        ..NewUser::default()
    };
    let login = account.username.clone().or(account.email.clone()).unwrap_or_default();
    let id = context
        .db
        .write(move |conn| actions::open_account(conn, &account, role, Status::Active, By::system(now)))
        .await?;
    if as_json {
        out.json(&json!({ "id": id, "login": login, "role": role }));
    } else {
        out.result(format!("{login} can now log in ({role}, account {id})"));
    }
    Ok(())
}

async fn list(role: Option<Role>, context: &Context, as_json: bool, out: &Out) -> Outcome {
    const PAGE: i64 = 500;
    let filter = actions::Filter { role, ..actions::Filter::default() };
    let users = context
        .db
        .read(move |conn| {
            let mut users: Vec<User> = Vec::new();
            let mut before = UserId::new(i64::MAX);
            loop {
                let (page, _) = actions::list(conn, &filter, before, PAGE)?;
                let Some(last) = page.last() else { break };
                before = last.id;
                users.extend(page);
            }
            users.reverse();
            Ok::<_, StaffError>(users)
        })
        .await?;
    if as_json {
        let all: Vec<_> = users.iter().map(shown).collect();
        out.json(&all);
    } else {
        out.result(people(&users));
    }
    Ok(())
}

fn people(users: &[User]) -> String {
    let rows = users.iter().map(|user| {
        vec![
            user.id.to_string(),
            user.username.clone().unwrap_or_default(),
            user.email.clone().unwrap_or_default(),
            user.full_name(),
            user.role.to_string(),
            user.status.to_string(),
            user.last_login_at.map_or_else(|| "never".to_owned(), |at| at.to_string()),
        ]
    });
    table(&["Id", "User name", "E-mail", "Name", "Role", "Status", "Last log-in"], rows)
}

async fn check(who: WhoArgs, password: Password, context: &Context, as_json: bool, out: &Out) -> Outcome {
    let user = context.db.read(move |conn| who.find(conn)).await?;
    let verdict = Hasher::new(1, Entropy::system()).verify(password.0, user.password_hash.clone()).await;
    match verdict {
        Ok(Verdict::Right | Verdict::RightButOld) => {
            report(&user, user.status, "has this password", as_json, out);
            Ok(())
        }
        _ => Err(Failure::new(FAILED, "Username or password is incorrect")),
    }
}

async fn remove(who: WhoArgs, context: &Context, as_json: bool, out: &Out) -> Outcome {
    let now = context.clock.now();
    let (user, removal) = context
        .db
        .write(move |conn| {
            let user = who.find(conn)?;
            let removal = actions::remove(conn, &Caller::system(), user.id, By::system(now))?;
            Ok::<_, StaffError>((user, removal))
        })
        .await?;
    let deleted = removal == Removal::Deleted;
    if as_json {
        out.json(&json!({ "id": user.id, "login": user.login(), "deleted": deleted }));
    } else {
        let what = if deleted { "is removed" } else { "is locked out; the books name the account, so it stays" };
        out.result(format!("{} ({}) {what}", user.login(), user.role));
    }
    Ok(())
}

fn report(user: &User, status: Status, what: &str, as_json: bool, out: &Out) {
    if as_json {
        out.json(&json!({ "id": user.id, "login": user.login(), "status": status }));
    } else {
        out.result(format!("{} ({}) {what}", user.login(), user.role));
    }
}

fn shown(user: &User) -> serde_json::Value {
    json!({
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "phone": user.phone,
        "role": user.role,
        "status": user.status,
        "createdAt": user.created_at,
        "lastLoginAt": user.last_login_at,
    })
}
