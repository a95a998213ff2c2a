//! HTTPS: a certificate and its key from files, read again when asked, and the way there from plain HTTP.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header, uri::Authority};
use axum::response::{IntoResponse, Response};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

/// Why there is no HTTPS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds something else.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: rustls::pki_types::pem::Error,
    },
    /// The file holds no certificate.
    #[error("{0} holds no certificate")]
    NoCertificate(PathBuf),
    /// Certificate and key do not fit, or are of an unknown kind.
    #[error("the certificate {path} cannot be used: {cause}")]
    Unusable {
        /// The file of the certificate.
        path: PathBuf,
        /// What is wrong with it.
        cause: rustls::Error,
    },
}

/// What is needed to speak HTTPS.
pub struct Tls {
    cert: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    shown: Arc<Shown>,
    acceptor: TlsAcceptor,
}

/// The certificate that is shown to whoever comes next.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().expect("the lock of the certificate").clone())
    }
}

impl Tls {
    /// Reads certificate and key.
    pub fn load(cert: PathBuf, key: PathBuf) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let shown = Arc::new(Shown(RwLock::new(Arc::new(read(&cert, &key, &provider)?))));
        let unusable = |cause| TlsError::Unusable { path: cert.clone(), cause };
        let mut config = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), cert, key, provider, shown })
    }

    /// Reads both files again. When they cannot be used, the certificate that is in use stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = Arc::new(read(&self.cert, &self.key, &self.provider)?);
        *self.shown.0.write().expect("the lock of the certificate") = fresh;
        Ok(())
    }

    /// What shakes hands with a connection.
    pub fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }
}

fn read(cert: &PathBuf, key: &PathBuf, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let fault = |path: &PathBuf, cause| TlsError::File { path: path.clone(), cause };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|cause| fault(cert, cause))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(cert.clone()));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|cause| fault(key, cause))?;
    CertifiedKey::from_der(chain, secret, provider).map_err(|cause| TlsError::Unusable { path: cert.clone(), cause })
}

/// Leads whoever reads by plain HTTP to HTTPS on a port. What would be sent is refused: it has travelled in the
/// clear already, and the sender should hear of it.
pub fn redirect(port: u16) -> Router {
    Router::new().fallback(move |request: Request| async move { lead(port, &request) })
}

fn lead(port: u16, request: &Request) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let Ok(host) = host.parse::<Authority>() else {
        return (StatusCode::BAD_REQUEST, "Which shop do you mean? There is no Host header.\n").into_response();
    };
    let port = if port == 443 { String::new() } else { format!(":{port}") };
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let address = format!("https://{}{port}{path}", host.host());
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (StatusCode::FORBIDDEN, format!("This shop speaks HTTPS only: send it to {address}\n")).into_response();
    }
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, address)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn led(port: u16, method: Method, host: &str) -> (u16, String) {
        let request = Request::builder().method(method).uri("/login?next=%2F").header(header::HOST, host);
        let response = lead(port, &request.body(axum::body::Body::empty()).unwrap());
        let target = response.headers().get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), target.unwrap_or_default())
    }

    #[test]
    fn a_reader_is_led_to_https_and_a_sender_is_told() {
        assert_eq!(led(443, Method::GET, "shop.example"), (308, "https://shop.example/login?next=%2F".to_owned()));
        assert_eq!(led(8443, Method::GET, "[::1]:80"), (308, "https://[::1]:8443/login?next=%2F".to_owned()));
        assert_eq!(led(443, Method::POST, "shop.example").0, 403);
        assert_eq!(led(443, Method::GET, "").0, 400);
        assert_eq!(led(443, Method::GET, "evil.example/\\@x").0, 400);
    }
}
