//! A small HTTP client: one connection that is kept, JSON in and out, replies that read well.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use kirana::ids::UserId;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

/// Somebody who talks to the shop.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    connection: Arc<Mutex<Option<SendRequest<Full<Bytes>>>>>,
    /// Sent with every request.
    headers: HeaderMap,
    /// The account, for somebody who has signed in.
    pub user: Option<UserId>,
}

/// A request that is sent when it is awaited.
#[must_use = "a call is made when it is awaited"]
pub struct Call {
    client: Client,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// Why there is no answer.
pub type Broken = Box<dyn std::error::Error + Send + Sync>;

/// What the shop answered.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, connection: Arc::default(), headers: HeaderMap::new(), user: None }
    }

    /// The same person with a further header on every request, on a connection of their own.
    pub fn with(&self, name: &'static str, value: &str) -> Self {
        let mut headers = self.headers.clone();
        headers.insert(name, value.parse().unwrap());
        Self { headers, connection: Arc::default(), ..self.clone() }
    }

    /// The same person with a bearer token.
    pub fn with_token(&self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    /// The bearer token that is sent.
    pub fn token(&self) -> &str {
        let value = self.headers.get(header::AUTHORIZATION).expect("somebody who has signed in");
        value.to_str().unwrap().strip_prefix("Bearer ").unwrap()
    }

    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub fn post(&self, path: &str, body: impl Into<Value>) -> Call {
        self.call(Method::POST, path).json(&body.into())
    }

    pub fn put(&self, path: &str, body: impl Into<Value>) -> Call {
        self.call(Method::PUT, path).json(&body.into())
    }

    /// Any method, without a body.
    pub fn call(&self, method: Method, path: &str) -> Call {
        let headers = self.headers.clone();
        Call { client: self.clone(), method, path: path.to_owned(), headers, body: Bytes::new() }
    }
}

impl Call {
    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    fn json(self, body: &Value) -> Self {
        self.body(body.to_string()).header("content-type", "application/json")
    }

    /// Sends a body as it is, and does not say what it is.
    pub fn body(mut self, text: impl Into<Bytes>) -> Self {
        self.body = text.into();
        self
    }

    /// Sends it; an error when the connection breaks before the whole answer has arrived.
    pub async fn attempt(self) -> Result<Reply, Broken> {
        let mut request = Request::new(Full::new(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.path.parse().unwrap();
        *request.headers_mut() = self.headers;
        request.headers_mut().insert(header::HOST, self.client.address.to_string().parse().unwrap());

        let mut kept = self.client.connection.lock().await;
        let mut connection = match kept.take() {
            Some(connection) if !connection.is_closed() => connection,
            _ => connect(self.client.address).await?,
        };
        connection.ready().await?;
        let (parts, body) = connection.send_request(request).await?.into_parts();
        let bytes = body.collect().await?.to_bytes();
        *kept = Some(connection);
        Ok(Reply { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec())? })
    }
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>, Broken> {
    let stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends when the sender is dropped or the shop closes.
    tokio::spawn(connection);
    Ok(sender)
}

impl IntoFuture for Call {
    type Output = Reply;
    type IntoFuture = Pin<Box<dyn Future<Output = Reply> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { self.attempt().await.unwrap() })
    }
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// A header as text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The stable word of a refusal; empty in other answers.
    pub fn code(&self) -> String {
        let body: Option<Value> = serde_json::from_str(&self.text).ok();
        body.and_then(|body| Some(body.get("code")?.as_str()?.to_owned())).unwrap_or_default()
    }

    /// Refuses to go on with another status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self}");
        self
    }
}

/// `409 {"code":"stock_short","detail":...}`: of a refusal, what differs between two of its kind.
/// A test of its own looks at the members that are left out here.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status.as_u16())?;
        if self.text.is_empty() {
            return Ok(());
        }
        if self.header("content-type") != "application/problem+json" {
            return write!(f, " {}", self.text);
        }
        let Value::Object(mut body) = self.json() else { return write!(f, " {}", self.text) };
        let mut shown = Map::new();
        for name in ["code", "detail"] {
            shown.extend(body.remove(name).map(|value| (name.to_owned(), value)));
        }
        for name in ["type", "title", "status", "error", "request_id"] {
            body.remove(name);
        }
        shown.extend(body);
        write!(f, " {}", Value::Object(shown))
    }
}
