//! What the documents advise or call future: HTTPS, a rate for everybody, several addresses. The table of where
//! each piece of advice is followed is in `docs/other-systems.md`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use kirana::staff::Role;
use kirana::web::Settings;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Client, Engine, Process, Scratch, Shop, block_on, on_both};

/// A certificate for `localhost` that signs itself, with its key.
fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.join("shop.pem"), folder.join("shop.key"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (cert, key)
}

/// What `GET /readyz` answers over HTTPS to somebody who trusts one certificate.
async fn ask(address: SocketAddr, trusted: &Path) -> Result<String, std::io::Error> {
    let mut roots = rustls::RootCertStore::empty();
    for one in CertificateDer::pem_file_iter(trusted).unwrap() {
        roots.add(one.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// `kirana serve` on a file, with further flags.
fn serve(scratch: &Scratch, flags: &[&str]) -> Process {
    let mut words = Process::arguments(scratch);
    words.extend(flags.iter().map(|flag| (*flag).to_owned()));
    Process::start(Command::new(env!("CARGO_BIN_EXE_kirana")).args(words))
}

#[test]
fn a_shop_with_a_certificate_speaks_https_and_takes_a_new_one_while_it_is_open() {
    block_on(async {
        let scratch = Scratch::new(Engine::Sqlite);
        let (cert, key) = certificate(&scratch.file(""));
        let first = scratch.file("first.pem");
        std::fs::copy(&cert, &first).unwrap();
        let (cert_flag, key_flag) = (cert.to_str().unwrap(), key.to_str().unwrap());
        let flags = ["--tls-cert", cert_flag, "--tls-key", key_flag, "--redirect", "127.0.0.1:0"];
        let mut served = serve(&scratch, &flags);
        let secure = served.addresses()[0];
        assert!(served.said().contains("Server running on https://"));

        let answer = ask(secure, &first).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("ready"), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age="), "{answer}");
        assert!(Client::new(secure).get("/readyz").attempt().await.is_err(), "plain HTTP gets no answer here");
        let line = served.says("Plain HTTP is led to HTTPS from http://").await;
        let plain = Client::new(line.rsplit_once("http://").unwrap().1.parse().unwrap());
        let led = plain.get("/login?next=%2F").await.expect(308);
        assert_eq!(led.header("location"), format!("https://127.0.0.1:{}/login?next=%2F", secure.port()));
        plain.post("/api/auth/login", ()).await.expect(403);

        certificate(&scratch.file(""));
        served.signal("HUP");
        served.says("the certificate was read again").await;
        assert!(ask(secure, &first).await.is_err(), "whoever trusts the old one alone goes away");
        assert!(ask(secure, &cert).await.is_ok());
        std::fs::write(&key, "no key").unwrap();
        served.signal("HUP");
        served.says("The certificate in use stays").await;
        assert!(ask(secure, &cert).await.is_ok());
        assert_eq!(served.terminate(), Some(0));
    });
}

#[test]
fn a_shop_listens_on_several_addresses_and_says_where_passwords_can_be_read() {
    block_on(async {
        let scratch = Scratch::new(Engine::Sqlite);
        let served = serve(&scratch, &["--listen", "127.0.0.2:0", "--listen", "0.0.0.0:0"]);
        served.says("ANYBODY ON THE NETWORK CAN READ PASSWORDS SENT TO 0.0.0.0:0").await;
        let addresses = served.addresses();
        assert_eq!(addresses.len(), 3);
        for address in addresses {
            Client::new(address).get("/readyz").await.expect(200);
        }
        assert_eq!(served.said().matches("ANYBODY ON THE NETWORK").count(), 1, "loopback is nobody's network");
    });
}

#[test]
fn a_certificate_that_cannot_be_used_opens_nothing() {
    let scratch = Scratch::new(Engine::Sqlite);
    let (cert, key) = certificate(&scratch.file(""));
    std::fs::write(&key, "no key").unwrap();
    let mut words = Process::arguments(&scratch);
    words.extend(["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()].map(str::to_owned));
    let output = Command::new(env!("CARGO_BIN_EXE_kirana")).args(words).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&output.stderr).contains("shop.key"));
}

/// A shop that lets each address call three times a minute, behind a proxy.
fn hurried() -> Settings {
    Settings { api_rate: 3, trusted_proxies: vec!["127.0.0.1".parse().unwrap()], ..Settings::default() }
}

mod an_address_that_calls_too_often_is_told_when_to_come_back {
    use super::*;

    fn on(engine: Engine) {
        block_on(async {
            let shop = Shop::open_with(engine, hurried()).await;
            let owner = shop.sign_in(Role::Owner).await;
            let far = owner.with("x-forwarded-for", "192.0.2.7");
            for _ in 0..3 {
                far.get("/api/products").await.expect(200);
            }
            let refused = far.get("/api/products").await.expect(429);
            assert_eq!(refused.code(), "too_many_requests");
            let wait: u64 = refused.header("retry-after").parse().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
            far.get("/healthz").await.expect(200);
            far.get("/assets/kirana.css").await.expect(200);
            owner.with("x-forwarded-for", "192.0.2.8").get("/api/products").await.expect(200);
            for _ in 0..20 {
                owner.get("/api/products").await.expect(200);
            }
        });
    }

    #[test]
    fn sqlite() {
        on(Engine::Sqlite);
    }

    #[test]
    fn postgres() {
        on(Engine::Postgres);
    }
}

on_both!(other_sites_may_call_where_the_operator_says_so);
async fn other_sites_may_call_where_the_operator_says_so(shop: Shop) {
    let reply = shop.stranger().get("/api/products").header("origin", "https://orders.example").await;
    assert_eq!(reply.header("access-control-allow-origin"), "");
    let settings = Settings { cors_origins: vec!["https://orders.example".to_owned()], ..Settings::default() };
    let shop = Shop::open_with(shop.scratch.engine, settings).await;
    for (origin, allowed) in [("https://orders.example", "https://orders.example"), ("https://evil.example", "")] {
        let reply = shop.stranger().get("/api/products").header("origin", origin).await;
        assert_eq!(reply.header("access-control-allow-origin"), allowed);
        assert_eq!(reply.header("access-control-allow-credentials"), "");
    }
}
