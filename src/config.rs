//! What the operator decided: flags before `KIRANA_*` variables before `kirana.toml` before defaults,
//! and where each setting came from.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::{db, web};

/// The settings' names in the file. A flag has dashes for the underscores, a variable is written in
/// capitals after `KIRANA_`.
pub const NAMES: [&str; 15] = [
    "data_dir",
    "database",
    "db_ca",
    "readers",
    "writers",
    "listen",
    "https",
    "trusted_proxies",
    "cors_origins",
    "public_rate",
    "metrics_token",
    "secret_file",
    "hashers",
    "log_format",
    "log_level",
];

/// The file that is looked for.
const FILE: &str = "kirana.toml";

/// The settings as flags; each may be given to every command.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Settings (see `kirana config`)")]
pub struct Flags {
    /// The file with settings [default: ./kirana.toml, else the one in the data folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The folder for the database and the secret key [default: ~/.local/share/kirana]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data_dir: Option<String>,
    /// An SQLite file, or the address of a PostgreSQL database [default: kirana.sqlite in the data folder]
    #[arg(long, global = true, value_name = "FILE|URL")]
    pub database: Option<String>,
    /// Where to listen; may be given more than once [default: 127.0.0.1:8000]
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    pub listen: Vec<String>,
    /// Browsers reach the pages by HTTPS (through a proxy), so cookies are marked for it
    #[arg(long, global = true, hide_short_help = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub https: Option<String>,
    /// Addresses of proxies whose X-Forwarded-For is believed
    #[arg(long, global = true, hide_short_help = true, value_delimiter = ',', value_name = "ADDRESS")]
    pub trusted_proxies: Vec<String>,
    /// Origins of other web sites that may call the API from a browser
    #[arg(long, global = true, hide_short_help = true, value_delimiter = ',', value_name = "ORIGIN")]
    pub cors_origins: Vec<String>,
    /// Calls each minute from one address to routes that need no log-in [default: 60]
    #[arg(long, global = true, hide_short_help = true, value_name = "CALLS")]
    pub public_rate: Option<String>,
    /// The key that log-ins are signed with [default: secret.key in the data folder]
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub secret_file: Option<String>,
    /// Certificates that PostgreSQL's may be signed by, besides the public ones (PEM)
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub db_ca: Option<String>,
    /// Reads of the database at once [default: 4]
    #[arg(long, global = true, hide_short_help = true, value_name = "COUNT")]
    pub readers: Option<String>,
    /// Writes at once on PostgreSQL [default: 4]
    #[arg(long, global = true, hide_short_help = true, value_name = "COUNT")]
    pub writers: Option<String>,
    /// Password checks at once [default: the number of cores]
    #[arg(long, global = true, hide_short_help = true, value_name = "COUNT")]
    pub hashers: Option<String>,
    /// Log lines for people or as JSON [default: human]
    #[arg(long, global = true, hide_short_help = true, value_name = "human|json")]
    pub log_format: Option<String>,
    /// How much is logged: error, warn, info, debug [default: info]
    #[arg(long, global = true, hide_short_help = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
}

impl Flags {
    /// What was given for a setting. A secret has no flag: others on the machine can read flags.
    fn given(&self, name: &str) -> Vec<String> {
        let one = match name {
            "data_dir" => &self.data_dir,
            "database" => &self.database,
            "db_ca" => &self.db_ca,
            "readers" => &self.readers,
            "writers" => &self.writers,
            "listen" => return self.listen.clone(),
            "https" => &self.https,
            "trusted_proxies" => return self.trusted_proxies.clone(),
            "cors_origins" => return self.cors_origins.clone(),
            "public_rate" => &self.public_rate,
            "secret_file" => &self.secret_file,
            "hashers" => &self.hashers,
            "log_format" => &self.log_format,
            "log_level" => &self.log_level,
            _ => &None,
        };
        one.iter().cloned().collect()
    }
}

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag.
    Flag,
    /// A variable of the environment.
    Environment(String),
    /// The file.
    File(PathBuf),
    /// Nobody has set it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment(name) => write!(f, "environment ({name})"),
            Self::File(path) => write!(f, "file ({})", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A setting as it came out, for `kirana config`.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Its name in the file.
    pub name: &'static str,
    /// Its value; a secret is masked.
    pub shown: Vec<String>,
    /// Where it came from.
    pub origin: Origin,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object each.
    Json,
}

/// All settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder for what the shop keeps.
    pub data_dir: PathBuf,
    /// The database.
    pub database: db::Location,
    /// Certificates for PostgreSQL.
    pub db_ca: Option<PathBuf>,
    /// Reads at once.
    pub readers: usize,
    /// Writes at once.
    pub writers: usize,
    /// Where to listen.
    pub listen: Vec<SocketAddr>,
    /// What the pages and routes are told.
    pub web: web::Settings,
    /// Calls each minute from one address to routes that need no log-in.
    pub public_rate: u32,
    /// The key that tokens are signed with.
    pub secret_file: PathBuf,
    /// Password hashes at once.
    pub hashers: usize,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// How much is logged.
    pub log_level: String,
    /// Each setting as it came out.
    pub resolved: Vec<Resolved>,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the settings in {path} cannot be read: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{path} is not a settings file: {reason}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
    /// The file holds a name that we do not know.
    #[error("{path} has the unknown setting `{name}`; `kirana config` shows all there are")]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// A value does not fit.
    #[error("`{name}` (from {origin}) cannot be \"{value}\": {reason}")]
    Value {
        /// The setting.
        name: &'static str,
        /// Where the value came from.
        origin: Origin,
        /// The value.
        value: String,
        /// What would fit.
        reason: &'static str,
    },
}

type Result<T> = std::result::Result<T, ConfigError>;

impl Config {
    /// Reads all settings. The environment is given as a function so that a test can bring its own.
    pub fn load(flags: &Flags, env: &dyn Fn(&str) -> Option<String>, here: &Path) -> Result<Self> {
        let env = |name: &str| env(name).filter(|value| !value.is_empty());
        let mut sources = Sources { flags, env: &env, here, file: None, resolved: Vec::new() };
        sources.file = sources.find_file()?;

        let data_dir = sources.path("data_dir", || default_data_dir(&env));
        let database = sources.database(&data_dir);
        let config = Self {
            db_ca: sources.optional_path("db_ca"),
            readers: sources.number("readers", 4)?,
            writers: sources.number("writers", 4)?,
            listen: sources.listen()?,
            web: web::Settings {
                https: sources.one("https", "false", "true or false", |text| text.parse().ok())?,
                trusted_proxies: sources.many("trusted_proxies", "an IP address", |text| text.parse().ok())?,
                cors_origins: sources.many("cors_origins", "an origin like https://shop.example", origin)?,
                metrics_token: sources.secret("metrics_token")?,
                openness: web::Openness::ByRight,
            },
            public_rate: sources.number("public_rate", 60)?,
            secret_file: sources.path("secret_file", || data_dir.join("secret.key")),
            hashers: sources.number("hashers", std::thread::available_parallelism().map_or(1, usize::from))?,
            log_format: sources.one("log_format", "human", "human or json", |text| match text {
                "human" => Some(LogFormat::Human),
                "json" => Some(LogFormat::Json),
                _ => None,
            })?,
            log_level: sources.one("log_level", "info", "error, warn, info, debug or a filter", log_level)?,
            data_dir,
            database,
            resolved: Vec::new(),
        };
        let mut resolved = sources.resolved;
        resolved.sort_by_key(|setting| NAMES.iter().position(|name| *name == setting.name));
        Ok(Self { resolved, ..config })
    }

    /// How to open the database.
    pub fn db_options(&self) -> db::Options {
        db::Options {
            location: self.database.clone(),
            readers: self.readers,
            writers: self.writers,
            root_certificates: self.db_ca.clone(),
        }
    }

    /// Makes the data folder, closed to others, when it is not there yet.
    pub fn make_data_dir(&self) -> std::result::Result<(), db::OpenError> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.data_dir)
            .map_err(|cause| db::OpenError::File { path: self.data_dir.clone(), cause })
    }

    /// Addresses that other machines can reach although passwords would travel in the clear.
    pub fn exposed(&self) -> Vec<SocketAddr> {
        let open = |address: &SocketAddr| !self.web.https && !address.ip().is_loopback();
        self.listen.iter().copied().filter(open).collect()
    }
}

/// A file with what stands in it.
type Found = (PathBuf, BTreeMap<String, Vec<String>>);

/// The four places, in the order in which they are asked.
struct Sources<'s> {
    flags: &'s Flags,
    env: &'s dyn Fn(&str) -> Option<String>,
    here: &'s Path,
    file: Option<Found>,
    resolved: Vec<Resolved>,
}

impl Sources<'_> {
    /// The file that was named, else the one here, else the one in the data folder.
    fn find_file(&self) -> Result<Option<Found>> {
        let named = self.flags.config.clone().or_else(|| (self.env)("KIRANA_CONFIG").map(PathBuf::from));
        let path = if let Some(path) = named {
            self.here.join(path)
        } else {
            let (data_dir, _) = self.ask("data_dir");
            let data_dir = data_dir.first().map_or_else(|| default_data_dir(self.env), PathBuf::from);
            let usual = [self.here.join(FILE), self.here.join(data_dir).join(FILE)];
            let Some(path) = usual.into_iter().find(|path| path.exists()) else { return Ok(None) };
            path
        };
        let text = std::fs::read_to_string(&path).map_err(|cause| ConfigError::File { path: path.clone(), cause })?;
        let values = read_file(&path, &text)?;
        Ok(Some((path, values)))
    }

    /// What was given for a setting, and where; nothing when it is left to its default.
    fn ask(&self, name: &str) -> (Vec<String>, Origin) {
        let given = self.flags.given(name);
        if !given.is_empty() {
            return (given, Origin::Flag);
        }
        let variable = format!("KIRANA_{}", name.to_uppercase());
        if let Some(value) = (self.env)(&variable) {
            let values = match name {
                "listen" | "trusted_proxies" | "cors_origins" => {
                    value.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
                }
                _ => vec![value],
            };
            return (values, Origin::Environment(variable));
        }
        match &self.file {
            Some((path, values)) if values.contains_key(name) => (values[name].clone(), Origin::File(path.clone())),
            _ => (Vec::new(), Origin::Default),
        }
    }

    fn note(&mut self, name: &'static str, shown: Vec<String>, origin: Origin) {
        self.resolved.push(Resolved { name, shown, origin });
    }

    fn one<T>(
        &mut self,
        name: &'static str,
        default: &str,
        reason: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        let (given, origin) = self.ask(name);
        let text = given.into_iter().next().unwrap_or_else(|| default.to_owned());
        let Some(value) = parse(&text) else {
            return Err(ConfigError::Value { name, origin, value: text, reason });
        };
        self.note(name, vec![text], origin);
        Ok(value)
    }

    fn many<T>(
        &mut self,
        name: &'static str,
        reason: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>> {
        let (given, origin) = self.ask(name);
        let mut values = Vec::new();
        for text in &given {
            match parse(text) {
                Some(value) => values.push(value),
                None => return Err(ConfigError::Value { name, origin, value: text.clone(), reason }),
            }
        }
        self.note(name, given, origin);
        Ok(values)
    }

    fn number<T: FromStr + fmt::Display + PartialOrd + From<u8>>(
        &mut self,
        name: &'static str,
        default: T,
    ) -> Result<T> {
        self.one(name, &default.to_string(), "a whole number from 1", |text| {
            text.parse().ok().filter(|number| *number >= T::from(1))
        })
    }

    fn secret(&mut self, name: &'static str) -> Result<Option<String>> {
        let (given, origin) = self.ask(name);
        let secret = given.into_iter().next();
        if let Some(short) = secret.as_ref().filter(|secret| secret.len() < 16) {
            let value = "*".repeat(short.len());
            return Err(ConfigError::Value { name, origin, value, reason: "a secret has at least 16 characters" });
        }
        self.note(name, secret.iter().map(|_| "********".to_owned()).collect(), origin);
        Ok(secret)
    }

    fn path(&mut self, name: &'static str, default: impl FnOnce() -> PathBuf) -> PathBuf {
        let (given, origin) = self.ask(name);
        let path = given.first().map_or_else(default, |text| self.base(&origin).join(text));
        self.note(name, vec![path.display().to_string()], origin);
        path
    }

    fn optional_path(&mut self, name: &'static str) -> Option<PathBuf> {
        let (given, origin) = self.ask(name);
        let path = given.first().map(|text| self.base(&origin).join(text));
        self.note(name, path.iter().map(|path| path.display().to_string()).collect(), origin);
        path
    }

    fn database(&mut self, data_dir: &Path) -> db::Location {
        let (given, origin) = self.ask("database");
        let location = match given.first().map(|text| db::Location::parse(text)) {
            Some(db::Location::File(path)) => db::Location::File(self.base(&origin).join(path)),
            Some(server) => server,
            None => db::Location::File(data_dir.join("kirana.sqlite")),
        };
        self.note("database", vec![location.to_string()], origin);
        location
    }

    /// `PORT` alone, as hosting services set it, moves the port and opens nothing to other machines.
    fn listen(&mut self) -> Result<Vec<SocketAddr>> {
        let (given, _) = self.ask("listen");
        if !given.is_empty() {
            return self.many("listen", "an address and port like 127.0.0.1:8000", |text| {
                text.replace("localhost:", "127.0.0.1:").parse().ok()
            });
        }
        let (port, origin) = match (self.env)("PORT") {
            Some(text) => (text, Origin::Environment("PORT".to_owned())),
            None => ("8000".to_owned(), Origin::Default),
        };
        let Ok(number) = port.parse() else {
            let reason = "a port from 0 to 65535";
            return Err(ConfigError::Value { name: "listen", origin, value: port, reason });
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, number));
        self.note("listen", vec![address.to_string()], origin);
        Ok(vec![address])
    }

    /// What a relative path begins at: the file's folder for what stands in the file.
    fn base(&self, origin: &Origin) -> PathBuf {
        match origin {
            Origin::File(path) => path.parent().unwrap_or(self.here).to_owned(),
            _ => self.here.to_owned(),
        }
    }
}

fn read_file(path: &Path, text: &str) -> Result<BTreeMap<String, Vec<String>>> {
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| ConfigError::Syntax { path: path.to_owned(), reason: error.to_string() })?;
    let mut values = BTreeMap::new();
    for (name, value) in table {
        if !NAMES.contains(&name.as_str()) {
            return Err(ConfigError::Unknown { path: path.to_owned(), name });
        }
        let parts = match value {
            toml::Value::Array(parts) => parts,
            one => vec![one],
        };
        let texts = parts
            .into_iter()
            .map(|part| match part {
                toml::Value::String(text) => Ok(text),
                toml::Value::Integer(number) => Ok(number.to_string()),
                toml::Value::Boolean(flag) => Ok(flag.to_string()),
                _ => {
                    let reason = format!("`{name}` is a text, a number, true or false, or a list of them");
                    Err(ConfigError::Syntax { path: path.to_owned(), reason })
                }
            })
            .collect::<Result<Vec<_>>>()?;
        values.insert(name, texts);
    }
    Ok(values)
}

/// `$XDG_DATA_HOME/kirana`, under systemd its state folder, else `~/.local/share/kirana`.
fn default_data_dir(env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    if let Some(state) = env("STATE_DIRECTORY") {
        return PathBuf::from(state);
    }
    match (env("XDG_DATA_HOME"), env("HOME")) {
        (Some(data), _) => Path::new(&data).join("kirana"),
        (None, Some(home)) => Path::new(&home).join(".local/share/kirana"),
        (None, None) => PathBuf::from("kirana-data"),
    }
}

fn origin(text: &str) -> Option<String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let clean = !host.is_empty() && !host.contains(['/', '*', ' ', '?', '#']);
    clean.then(|| text.to_owned())
}

fn log_level(text: &str) -> Option<String> {
    tracing_subscriber::EnvFilter::try_new(text).ok().map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(flags: &Flags, env: &[(&str, &str)], here: &Path) -> Result<Config> {
        let env: BTreeMap<String, String> =
            env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::load(flags, &|name| env.get(name).cloned(), here)
    }

    fn addresses(config: &Config) -> Vec<String> {
        config.listen.iter().map(ToString::to_string).collect()
    }

    fn origin_of(config: &Config, name: &str) -> String {
        config.resolved.iter().find(|setting| setting.name == name).unwrap().origin.to_string()
    }

    #[test]
    fn a_flag_goes_before_the_environment_before_the_file_before_the_default() {
        let here = tempfile::tempdir().unwrap();
        let flags = Flags { listen: vec!["127.0.0.1:1".to_owned()], ..Flags::default() };
        let env = [("KIRANA_LISTEN", "127.0.0.1:2, [::1]:2"), ("PORT", "4")];

        assert_eq!(addresses(&load(&Flags::default(), &[], here.path()).unwrap()), ["127.0.0.1:8000"]);
        assert_eq!(addresses(&load(&Flags::default(), &env[1..], here.path()).unwrap()), ["127.0.0.1:4"]);
        std::fs::write(here.path().join(FILE), "listen = \"127.0.0.1:3\"\nreaders = 9\nhttps = true\n").unwrap();
        let from_file = load(&Flags::default(), &env[1..], here.path()).unwrap();
        assert_eq!(addresses(&from_file), ["127.0.0.1:3"]);
        assert_eq!((from_file.readers, from_file.web.https), (9, true));
        assert_eq!(addresses(&load(&Flags::default(), &env, here.path()).unwrap()), ["127.0.0.1:2", "[::1]:2"]);
        let all = load(&flags, &env, here.path()).unwrap();
        assert_eq!(addresses(&all), ["127.0.0.1:1"]);
        assert_eq!(origin_of(&all, "listen"), "flag");
        assert_eq!(origin_of(&all, "readers"), format!("file ({})", here.path().join(FILE).display()));
        assert_eq!(origin_of(&all, "writers"), "default");
        let names: Vec<&str> = all.resolved.iter().map(|setting| setting.name).collect();
        assert_eq!(names, NAMES, "every setting is shown once");
    }

    #[test]
    fn the_file_is_the_one_named_else_the_one_here_else_the_one_in_the_data_folder() {
        let here = tempfile::tempdir().unwrap();
        let data = here.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let env = [("XDG_DATA_HOME", "/nowhere"), ("KIRANA_DATA_DIR", "data")];
        std::fs::write(data.join(FILE), "readers = 2\ndatabase = \"mine.sqlite\"\n").unwrap();
        let config = load(&Flags::default(), &env, here.path()).unwrap();
        assert_eq!(config.readers, 2);
        assert_eq!(config.database, db::Location::File(data.join("mine.sqlite")), "a path begins at its file");
        std::fs::write(here.path().join(FILE), "readers = 3\n").unwrap();
        assert_eq!(load(&Flags::default(), &env, here.path()).unwrap().readers, 3);
        std::fs::write(here.path().join("other.toml"), "readers = 4\n").unwrap();
        let flags = Flags { config: Some("other.toml".into()), ..Flags::default() };
        assert_eq!(load(&flags, &env, here.path()).unwrap().readers, 4);
        let flags = Flags { config: Some("none.toml".into()), ..Flags::default() };
        assert!(matches!(load(&flags, &env, here.path()), Err(ConfigError::File { .. })));
    }

    #[test]
    fn what_is_unknown_or_does_not_fit_is_named() {
        let here = tempfile::tempdir().unwrap();
        for (text, named) in [
            ("listn = 1", "unknown setting `listn`"),
            ("readers = 0", "`readers`"),
            ("readers = [[1]]", "`readers`"),
            ("https = \"perhaps\"", "`https`"),
            ("listen = \"shop\"", "`listen`"),
            ("cors_origins = [\"*\"]", "`cors_origins`"),
            ("metrics_token = \"short\"", "`metrics_token`"),
            ("log_format = \"xml\"", "`log_format`"),
            ("listen = ", "is not a settings file"),
        ] {
            std::fs::write(here.path().join(FILE), text).unwrap();
            let error = load(&Flags::default(), &[], here.path()).unwrap_err().to_string();
            assert!(error.contains(named), "{text}: {error}");
            assert!(!error.contains("short"), "a secret is not shown: {error}");
        }
    }

    #[test]
    fn secrets_are_masked() {
        let here = tempfile::tempdir().unwrap();
        let env = [
            ("KIRANA_METRICS_TOKEN", "0123456789abcdef"),
            ("KIRANA_DATABASE", "postgres://kirana:hush@db.example/shop"),
        ];
        let config = load(&Flags::default(), &env, here.path()).unwrap();
        assert_eq!(config.web.metrics_token.as_deref(), Some("0123456789abcdef"));
        let shown = format!("{:?}", config.resolved);
        assert!(!shown.contains("hush") && !shown.contains("0123456789abcdef"), "{shown}");
    }

    #[test]
    fn an_address_that_others_reach_without_https_is_exposed() {
        let here = tempfile::tempdir().unwrap();
        let listen = ("KIRANA_LISTEN", "127.0.0.1:1,0.0.0.0:2");
        assert_eq!(load(&Flags::default(), &[listen], here.path()).unwrap().exposed().len(), 1);
        let https = ("KIRANA_HTTPS", "true");
        assert!(load(&Flags::default(), &[listen, https], here.path()).unwrap().exposed().is_empty());
    }
}
