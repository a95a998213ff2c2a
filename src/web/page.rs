//! Pages for people: what each is given, the reader's language, and refusals that a person can read.

use std::sync::{Arc, RwLock};

use aide::OperationInput;
use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::tz::TimeZone;

use super::problem::{FieldProblem, Problem, Told};
use super::texts::Lang;
use super::{Site, answer, assets, porch};
use crate::clock::{BusinessDate, Timestamp};
use crate::money::{Money, Quantity};

/// What every page is given.
#[derive(Debug)]
pub struct Page {
    /// `en` or `hi`.
    pub lang: &'static str,
    /// The name over the door.
    pub shop_name: String,
    /// Who reads it, when they are known.
    pub user: Option<PageUser>,
    /// What the page's forms send back, to show that they are ours; empty for strangers.
    pub csrf: String,
    /// A shop of sample data.
    pub demo: bool,
    /// The colours: the system's choice, or the reader's own.
    pub theme: Theme,
    /// Where the reader may go, in the order of the rail; the bar of a phone has room for the first of them.
    pub links: Vec<Link>,
    /// The address that links for language and colours lead back to: path and query without either.
    pub here: String,
    language: Lang,
}

/// A way to another page.
#[derive(Debug)]
pub struct Link {
    /// Its path.
    pub href: &'static str,
    /// Its name in the page's language.
    pub label: String,
    /// The line that its picture is drawn with, on 20 by 20.
    pub icon: &'static str,
    /// The letter that opens it after a `g`; empty for none.
    pub letter: &'static str,
    /// It is the page being read, or one below it.
    pub current: bool,
}

crate::words! {
    /// The colours of pages.
    pub enum Theme {
        /// As the system has it.
        System = "system",
        /// Dark on light.
        Light = "light",
        /// Light on dark.
        Dark = "dark",
    }
}

impl Theme {
    /// The one that the switch leads to.
    fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }
}

/// The reader, as the page shows them.
#[derive(Debug)]
pub struct PageUser {
    /// Their name.
    pub name: String,
    /// What they are in the shop, in the page's language.
    pub role_label: String,
}

/// The sign over the door as it was last read, for pages that must not ask the database.
#[derive(Clone, Default)]
pub struct Sign(Arc<RwLock<(String, bool)>>);

impl Page {
    /// A page for a reader, in a shop of that name.
    pub fn new(site: &Site, reader: &Reader, shop_name: &str, demo: bool) -> Self {
        *site.sign.0.write().expect("the lock of the sign") = (shop_name.to_owned(), demo);
        Self::with_name(reader, shop_name.to_owned(), demo)
    }

    /// A page that is drawn without asking the database.
    fn plain(site: &Site, reader: &Reader) -> Self {
        let (name, demo) = site.sign.0.read().expect("the lock of the sign").clone();
        Self::with_name(reader, if name.is_empty() { "Kirana".to_owned() } else { name }, demo)
    }

    fn with_name(reader: &Reader, shop_name: String, demo: bool) -> Self {
        Self {
            lang: reader.lang.word(),
            shop_name,
            user: None,
            csrf: String::new(),
            demo,
            theme: reader.theme,
            links: Vec::new(),
            here: reader.here.clone(),
            language: reader.lang,
        }
    }

    /// The links that the bar of a phone has no room for; they stand behind its last button.
    pub fn more_links(&self) -> &[Link] {
        const PLACES: usize = 5;
        if self.links.len() > PLACES { &self.links[PLACES - 1..] } else { &[] }
    }

    /// The page being read stands behind that button.
    pub fn is_more_current(&self) -> bool {
        self.more_links().iter().any(|link| link.current)
    }

    /// The address of this page in another language.
    pub fn in_language(&self, word: &str) -> String {
        self.with_choice("lang", word)
    }

    /// The address of this page in the colours that come next.
    pub fn in_next_theme(&self) -> String {
        self.with_choice("theme", self.theme.next().word())
    }

    fn with_choice(&self, name: &str, word: &str) -> String {
        format!("{}{}{name}={word}", self.here, if self.here.contains('?') { '&' } else { '?' })
    }

    /// What the switch of colours says: those in use and those to come.
    pub fn theme_label(&self) -> &str {
        match self.theme {
            Theme::System => self.t("shell.theme_system"),
            Theme::Light => self.t("shell.theme_light"),
            Theme::Dark => self.t("shell.theme_dark"),
        }
    }

    /// The text of a key.
    pub fn t<'k>(&self, key: &'k str) -> &'k str {
        self.language.text(key)
    }

    /// The text of a key with `{name}` replaced.
    pub fn t1(&self, key: &str, value: &str) -> String {
        self.language.text(key).replace("{name}", value)
    }

    /// What is wrong with a field, in the page's language: the text `refused.<field>.<code>` or
    /// `refused.<code>`; the refusal's own sentence when neither is known.
    pub fn refusal(&self, fault: &FieldProblem) -> String {
        let keys = [format!("refused.{}.{}", fault.field, fault.code), format!("refused.{}", fault.code)];
        let known = keys.iter().find_map(|key| self.language.find(key));
        known.unwrap_or(&fault.message).to_owned()
    }

    /// What a refusal says to the reader: the text `refused.<code>`, or its own sentence when there is none.
    pub fn reason(&self, problem: &Problem) -> String {
        // What is wrong with a field is said best by the rule that the field broke.
        let usual = problem.fields.is_empty().then(|| format!("refused.{}", problem.code));
        let known = usual.and_then(|key| self.language.find(&key));
        known.unwrap_or(&problem.sentence).to_owned()
    }

    /// The address of a file in `assets/`.
    pub fn asset(&self, name: &str) -> String {
        assets::address(name)
    }

    /// An amount in rupees and paise, as it stands on a bill: `₹1,24,800.50`.
    pub fn money(&self, amount: Money) -> String {
        let paise = amount.as_paise();
        let sign = if paise < 0 { "-" } else { "" };
        format!("{sign}₹{}.{:02}", grouped(paise.unsigned_abs() / 100), paise.unsigned_abs() % 100)
    }

    /// An amount rounded half up to whole rupees, where there is little room: `₹1,24,801`.
    pub fn rupees(&self, amount: Money) -> String {
        let paise = amount.as_paise();
        let sign = if paise < 0 { "-" } else { "" };
        format!("{sign}₹{}", grouped((paise.unsigned_abs() + 50) / 100))
    }

    /// A count: `1,24,800`.
    pub fn count(&self, number: i64) -> String {
        let sign = if number < 0 { "-" } else { "" };
        format!("{sign}{}", grouped(number.unsigned_abs()))
    }

    /// A quantity with its unit; pieces go without saying.
    pub fn quantity(&self, quantity: Quantity, unit: &str) -> String {
        if unit == "pcs" { quantity.to_string() } else { format!("{quantity} {unit}") }
    }

    /// A day of this year or the last: `21 Nov`.
    pub fn day(&self, day: BusinessDate) -> String {
        let date = day.date();
        let month = match date.month() {
            1 => self.t("month.jan"),
            2 => self.t("month.feb"),
            3 => self.t("month.mar"),
            4 => self.t("month.apr"),
            5 => self.t("month.may"),
            6 => self.t("month.jun"),
            7 => self.t("month.jul"),
            8 => self.t("month.aug"),
            9 => self.t("month.sep"),
            10 => self.t("month.oct"),
            11 => self.t("month.nov"),
            _ => self.t("month.dec"),
        };
        format!("{} {month}", date.day())
    }

    /// An instant of this year or the last, on the shop's clock: `21 Nov, 14:05`.
    pub fn moment(&self, at: Timestamp, zone: &TimeZone) -> String {
        let zoned = at.jiff().to_zoned(zone.clone());
        format!("{}, {:02}:{:02}", self.day(BusinessDate::from_date(zoned.date())), zoned.hour(), zoned.minute())
    }

    /// How long ago something was: `5 min`.
    pub fn age(&self, at: Timestamp, now: Timestamp) -> String {
        match (now.as_ms() - at.as_ms()) / 60_000 {
            ..=0 => self.t("age.now").to_owned(),
            minutes @ ..60 => self.t1("age.minutes", &minutes.to_string()),
            minutes @ ..1440 => self.t1("age.hours", &(minutes / 60).to_string()),
            minutes => self.t1("age.days", &self.count(minutes / 1440)),
        }
    }
}

/// A number in groups as India writes them in both languages: three digits, then two and two.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 2);
    for (index, digit) in digits.char_indices() {
        let left = digits.len() - index;
        if index > 0 && (left == 3 || (left > 3 && left % 2 == 1)) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Draws a page. It is never kept by the browser: a till has many users.
pub fn draw(status: StatusCode, template: &impl Template) -> Response {
    let text = match template.render() {
        Ok(text) => text,
        Err(error) => return Problem::internal(&error).into_response(),
    };
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, text).into_response()
}

/// Who reads a page, as far as the request alone tells.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The language to answer in: the one just chosen, the one chosen earlier, the browser's, English.
    pub lang: Lang,
    /// It is a browser that shows HTML.
    pub wants_html: bool,
    /// The colours just chosen, or chosen earlier.
    pub theme: Theme,
    /// The path of the page.
    pub path: String,
    /// The language was chosen by this very request.
    chose: bool,
    /// The colours were.
    chose_theme: bool,
    /// Path and query without what chooses language and colours; the start for what cannot be repeated.
    here: String,
    /// The address to come back to after a log-in; empty for `/` and for what cannot be repeated.
    address: String,
}

impl Reader {
    /// Reads what a request says of its reader.
    pub fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let pairs = || uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let chosen = pairs().find_map(|pair| Lang::from_word(pair.strip_prefix("lang=")?));
        let chosen_theme = pairs().find_map(|pair| Theme::from_word(pair.strip_prefix("theme=")?));
        let texts = |name| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let cookie = |name: &str| {
            let mut pairs = texts(header::COOKIE).flat_map(|value| value.split(';'));
            pairs.find_map(|pair| Some(pair.trim().strip_prefix(name)?.strip_prefix('=')?.to_owned()))
        };
        let earlier = || cookie("lang").and_then(|word| Lang::from_word(&word));
        let earlier_theme = || cookie("theme").and_then(|word| Theme::from_word(&word));
        let browser = || texts(header::ACCEPT_LANGUAGE).find_map(Lang::preferred);
        let rest: Vec<&str> =
            pairs().filter(|pair| !pair.starts_with("lang=") && !pair.starts_with("theme=")).collect();
        let path = uri.path().to_owned();
        let here = match rest.join("&") {
            _ if method != Method::GET => "/".to_owned(),
            rest if rest.is_empty() => path.clone(),
            rest => format!("{path}?{rest}"),
        };
        let repeatable = method == Method::GET && uri.path_and_query().is_some_and(|path| path.as_str() != "/");
        Self {
            lang: chosen.or_else(earlier).or_else(browser).unwrap_or(Lang::English),
            wants_html: texts(header::ACCEPT).any(|accepted| accepted.contains("text/html")),
            theme: chosen_theme.or_else(earlier_theme).unwrap_or(Theme::System),
            path,
            chose: chosen.is_some(),
            chose_theme: chosen_theme.is_some(),
            here,
            address: if repeatable { uri.to_string() } else { String::new() },
        }
    }

    /// The reader of a page; none for a path that programs use.
    pub fn at_page(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Self> {
        let path = uri.path();
        let for_programs = path.starts_with("/api/") || path.starts_with("/assets/");
        (!for_programs).then(|| Self::of(method, uri, headers))
    }

    /// Makes an answer fit for a person: a refusal becomes a page, and a chosen language is remembered.
    pub fn receive(&self, site: &Site, response: Response) -> Response {
        let mut response = if self.wants_html { self.explain(site, response) } else { response };
        let secure = if site.settings.https { "; Secure" } else { "" };
        let chosen =
            [self.chose.then(|| ("lang", self.lang.word())), self.chose_theme.then(|| ("theme", self.theme.word()))];
        for (name, word) in chosen.into_iter().flatten() {
            let cookie = format!("{name}={word}; Path=/; Max-Age=31536000; SameSite=Lax{secure}");
            let cookie = HeaderValue::try_from(cookie).expect("words and signs are a header");
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }

    fn explain(&self, site: &Site, mut response: Response) -> Response {
        let Some(told) = response.extensions_mut().remove::<Told>() else { return response };
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED {
            let next = if self.address.is_empty() { String::new() } else { answer::encode(&self.address) };
            let address = if next.is_empty() { "/login".to_owned() } else { format!("/login?next={next}") };
            return Redirect::to(&address).into_response();
        }
        let page = Page::plain(site, self);
        let sentence = match (status.as_u16(), told.code) {
            (403, "csrf") => page.t("problem.csrf_why").to_owned(),
            (403, "forbidden") => page.t("problem.403_why").to_owned(),
            (404, _) => page.t("problem.404_why").to_owned(),
            (429, _) => page.t("problem.429_why").to_owned(),
            (503, "busy") => page.t("problem.503_why").to_owned(),
            (500.., _) => page.t("problem.500_why").to_owned(),
            _ => told.sentence,
        };
        let drawn = ProblemPage { page, status: status.as_u16(), sentence, request_id: porch::request_id() };
        let mut drawn = draw(status, &drawn);
        for name in [header::RETRY_AFTER, header::ALLOW] {
            if let Some(value) = response.headers_mut().remove(&name) {
                drawn.headers_mut().insert(name, value);
            }
        }
        drawn
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Reader {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.method, &parts.uri, &parts.headers))
    }
}

impl OperationInput for Reader {}

#[derive(Template)]
#[template(path = "web/problem.html")]
struct ProblemPage {
    page: Page,
    status: u16,
    sentence: String,
    request_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(lang: Lang) -> Page {
        Page::with_name(&Reader { lang, ..reader("/", &[]) }, "Asha Stores".to_owned(), false)
    }

    fn reader(uri: &str, headers: &[(header::HeaderName, &'static str)]) -> Reader {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        Reader::of(&Method::GET, &uri.parse().unwrap(), &headers)
    }

    #[test]
    fn numbers_stand_in_groups_of_lakhs_and_crores() {
        let page = page(Lang::English);
        for (number, text) in
            [(0, "0"), (999, "999"), (1000, "1,000"), (124_800, "1,24,800"), (12_345_678, "1,23,45,678"), (-5, "-5")]
        {
            assert_eq!(page.count(number), text);
        }
        assert_eq!(page.money(Money::paise(12_480_050)), "₹1,24,800.50");
        assert_eq!(page.money(Money::paise(-5)), "-₹0.05");
        assert_eq!(page.rupees(Money::paise(12_480_050)), "₹1,24,801");
        assert_eq!(page.rupees(Money::paise(49)), "₹0");
    }

    #[test]
    fn days_and_ages_are_said_in_the_language_of_the_page() {
        let now = Timestamp::from_ms(10 * 86_400_000);
        let ages = |page: &Page| {
            [0, 59, 60, 3599, 3600, 86_399, 86_400].map(|seconds| page.age(now.plus_ms(-seconds * 1000), now))
        };
        assert_eq!(ages(&page(Lang::English)), ["just now", "just now", "1 min", "59 min", "1 h", "23 h", "1 d"]);
        assert_eq!(ages(&page(Lang::Hindi))[2], "1 मिनट");
        assert_eq!(page(Lang::English).day(BusinessDate::from_number(20_261_121)), "21 Nov");
    }

    #[test]
    fn the_language_is_the_one_just_chosen_then_the_one_chosen_before_then_the_browsers() {
        let accepted = (header::ACCEPT_LANGUAGE, "hi,en;q=0.5");
        let cookie = (header::COOKIE, "kirana=x; lang=en");
        assert_eq!(reader("/login", &[]).lang, Lang::English);
        assert_eq!(reader("/login", std::slice::from_ref(&accepted)).lang, Lang::Hindi);
        assert_eq!(reader("/login", &[accepted.clone(), cookie.clone()]).lang, Lang::English);
        assert_eq!(reader("/login?next=%2F&lang=hi", &[accepted, cookie]).lang, Lang::Hindi);
        assert!(!reader("/login?lang=fr", &[]).chose, "a language we do not speak is ignored");
    }

    #[test]
    fn what_chooses_language_and_colours_keeps_the_rest_of_the_address() {
        let chosen = reader("/orders?status=placed&lang=hi&theme=dark", &[]);
        assert_eq!((chosen.theme, chosen.here.as_str()), (Theme::Dark, "/orders?status=placed"));
        let page = Page::with_name(&chosen, "Asha Stores".to_owned(), false);
        assert_eq!(page.in_language("en"), "/orders?status=placed&lang=en");
        assert_eq!(page.in_next_theme(), "/orders?status=placed&theme=system");
        assert_eq!(reader("/", &[(header::COOKIE, "lang=hi; theme=light")]).theme, Theme::Light);
    }
}
