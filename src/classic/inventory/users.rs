//! Users: the accounts of the shop, and new ones for customers.

use aide::axum::routing::get_with;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::body::{self, Anything};
use super::super::doors::Visitor;
use super::super::gate::Let;
use super::super::words::{Message, Said, System as _};
use super::{Inventory, TAG, invalid_input};
use crate::ids::UserId;
use crate::staff::access::ManagePeople;
use crate::staff::actions::{self, Filter};
use crate::staff::{NewUser, Role, User, rules};
use crate::web::answer::{next_page, page_size};
use crate::web::docs::describe;
use crate::web::{self, Listed, Problem, Query, Routes, Site};

pub(super) fn routes() -> Routes {
    Routes::new().api_route(
        "/users",
        get_with(show_all, |op| describe(op, TAG, "Accounts, newest first"))
            .post_with(add, |op| describe(op, TAG, "Opens a customer's account")),
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
struct UsersQuery {
    /// The id that the page before ended with.
    cursor: Option<UserId>,
    /// 500 when absent, 5,000 at most.
    limit: Option<i64>,
}

/// An account.
#[derive(Debug, Serialize, JsonSchema)]
struct UserRow {
    id: i64,
    /// What they log in with.
    username: String,
}

impl From<User> for UserRow {
    fn from(user: User) -> Self {
        Self { id: user.id.number(), username: user.login().to_owned() }
    }
}

async fn show_all(
    State(site): State<Site>,
    _: Let<Inventory, ManagePeople>,
    Query(query): Query<UsersQuery>,
) -> web::Result<Listed<UserRow>> {
    let limit = page_size(query.limit)?;
    let before = query.cursor.unwrap_or(UserId::new(i64::MAX));
    let list =
        move |conn: &mut crate::db::Conn<'_>| Ok::<_, Problem>(actions::list(conn, &Filter::default(), before, limit)?);
    let (users, total) = site.db.read(list).await?;
    let full = i64::try_from(users.len()).is_ok_and(|count| count == limit);
    let last = users.last().filter(|_| full).map(|last| last.id.to_string());
    let next = last.map(|last| next_page("/users", &[], &last, limit));
    Ok(Listed { rows: users.into_iter().map(UserRow::from).collect(), total, next })
}

/// A customer who logs in with a user name.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct UserBody {
    #[serde(deserialize_with = "body::text")]
    username: Option<String>,
    #[serde(deserialize_with = "body::text")]
    password: Option<String>,
}

async fn add(
    visitor: Visitor,
    seen: Let<Inventory, ManagePeople>,
    sent: Result<Anything<UserBody>, Problem>,
) -> web::Result<Said<Message>> {
    let UserBody { username: Some(username), password: Some(password) } = sent.map_err(|_| invalid_input())?.body
    else {
        return Err(invalid_input());
    };
    let username = username.trim().to_owned();
    if !rules::is_username(&username) {
        return Err(invalid_input());
    }
    let new = NewUser { username: Some(username), ..NewUser::default() };
    visitor.sign_up(new, password, Role::Customer, seen.caller.actor()).await.map_err(Inventory::put)?;
    Ok(Message::created("User added successfully"))
}
