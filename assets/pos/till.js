// The counter: scans, search, the bill. Nothing here moves or waits; what takes time happens behind the bill.

import { catalogue, meaning, refresh, remember, search } from "./catalogue.js";
import { milliFor, plainMilli, plainPaise, readMilli, readPaise, rupees, sumsOf } from "./money.js";
import * as outbox from "./outbox.js";
import { isPayOpen, openPay, payTook, scannedInPay } from "./pay.js";
import { listen } from "./scan.js";
import * as store from "./store.js";
import { beep, closeSheet, h, isSheetOpen, openSheet, say, t } from "./view.js";

const page = document.getElementById("till").dataset;
const at = (id) => document.getElementById(id);
const [field, results, lines, tiles] = ["search", "results", "lines", "tiles"].map(at);

const TILES = 60; // of one category; the rest is found by typing
const UNDONE = 20;
const REFRESH_MS = 300_000;
const tab = (sessionStorage.tillTab ??= store.uuid());

let bill = emptyBill();
let selected = 0;
let times; // what was typed before `*`
let past = []; // bills as they were, newest last
let held = [];
let found = [];
let marked = 0; // the result that Enter takes
let category = -1; // -1: favourites
let asked = false; // somebody looks at an unknown code

function emptyBill() {
  return { id: null, lines: [], discount: null, customer: null, startedAt: 0 };
}

// ---- The bill ----

// Changes the bill, so that it can be undone.
function change(work) {
  past.push(structuredClone({ bill, selected }));
  if (past.length > UNDONE) past.shift();
  // The bill's id is made with its first line and is the key that it is stored under once.
  bill.id ??= store.uuid();
  bill.startedAt ||= Date.now();
  work(bill);
  selected = Math.max(0, Math.min(selected, bill.lines.length - 1));
  draw();
  keep();
}

function addItem(item, milli = 1000, { label = false } = {}) {
  const count = times ?? 1000;
  setTimes(undefined);
  const whole = item.unit === "pcs";
  const added = label ? milli : Math.round((milli * count) / 1000);
  if (whole && added % 1000) return refuse(t("whole"));
  change(({ lines }) => {
    const place = lines.findIndex((line) => line.id === item.id && !label && !line.label);
    if (place >= 0) {
      lines[place].milli += added;
      selected = place;
    } else {
      const { id, name, local, unit, price, incl, tax } = item;
      selected = lines.push({ id, name, local, unit, price, incl, tax, milli: added, label }) - 1;
    }
  });
  liked(item.id);
  const line = bill.lines[selected];
  say(`${called(line)}, ${plainMilli(line.milli)}. ${t("total")} ${rupees(sums().total)}`);
  beep(true);
}

function addOpen(name, price, milli) {
  change(({ lines }) => {
    selected = lines.push({ id: null, name, local: "", unit: "pcs", price, incl: true, tax: 0, milli, label: false }) - 1;
  });
  beep(true);
}

function setQuantity(place, milli) {
  const line = bill.lines[place];
  if (!line) return;
  if (milli > 0 && line.unit === "pcs" && milli % 1000) return refuse(t("whole"));
  const name = called(line);
  change(({ lines }) => {
    selected = place;
    if (milli > 0) lines[place].milli = milli;
    else lines.splice(place, 1);
  });
  if (milli <= 0) notice(t("removed", name));
}

function undo() {
  const before = past.pop();
  if (!before) return notice(t("nothing_undo"));
  ({ bill, selected } = before);
  draw();
  keep();
  notice(t("undone"));
}

function startNew() {
  store.remove("held", `open:${tab}`).catch(() => {});
  bill = emptyBill();
  past = [];
  selected = 0;
  setTimes(undefined);
  field.value = "";
  look();
  draw();
  field.focus({ preventScroll: true });
}

const sums = () => sumsOf(bill, page.toRupee === "true");
const called = (line) => (document.documentElement.lang === "hi" && line.local) || line.name;
const quantity = (line) => (line.unit === "pcs" ? plainMilli(line.milli) : `${plainMilli(line.milli)} ${line.unit}`);

// ---- What is kept on the device ----

function keep() {
  const key = `open:${tab}`;
  // At once: whoever reloads the page right after a change finds it again.
  if (bill.lines.length) store.put("held", key, { key, bill: structuredClone(bill), at: Date.now() }).catch(() => {});
  else store.remove("held", key).catch(() => {});
}

async function hold() {
  if (!bill.lines.length) return held.length ? resume(held.at(-1)) : undefined;
  const row = { key: bill.id, bill: structuredClone(bill), at: Date.now() };
  await store.put("held", row.key, row, true);
  startNew();
  await readHeld();
  notice(t("held_now"));
}

async function resume(row) {
  if (bill.lines.length) await hold();
  await store.remove("held", row.key);
  bill = row.bill;
  past = [];
  selected = bill.lines.length - 1;
  draw();
  keep();
  await readHeld();
}

async function readHeld() {
  const rows = await store.all("held").catch(() => []);
  held = rows.filter((row) => row.key !== `open:${tab}` && !others.has(row.key)).sort((a, b) => a.at - b.at);
  drawHeld();
}

function drawHeld() {
  const label = (row) => `${row.bill.customer?.name ?? clock(row.at)} · ${rupees(sumsOf(row.bill, page.toRupee === "true").total)}`;
  at("held").replaceChildren(
    ...held.map((row) => h("button", { type: "button", class: "button button--quiet held", onclick: () => resume(row) }, `${t("held")}: ${label(row)}`)),
  );
}

const clock = (ms) => new Date(ms).toLocaleTimeString("en-IN", { hour: "2-digit", minute: "2-digit", hour12: false });

function liked(id) {
  const counts = JSON.parse(localStorage.tillLiked ?? "{}");
  counts[id] = (counts[id] ?? 0) + 1;
  localStorage.tillLiked = JSON.stringify(counts);
}

// ---- Drawing ----

function draw() {
  const now = sums();
  lines.replaceChildren(...bill.lines.map((line, place) => drawLine(line, place, now.grosses[place])));
  lines.children[selected]?.scrollIntoView({ block: "nearest" });
  at("empty").hidden = bill.lines.length > 0;
  at("customer").firstChild.textContent = bill.customer ? `${bill.customer.name} ` : `${t("customer")} `;
  at("hold").disabled = !bill.lines.length && !held.length;
  const rows = [];
  if (page.mayDiscount === "true" && bill.lines.length) {
    rows.push(h("button", { type: "button", class: "button button--quiet", onclick: askDiscount }, `${t("discount")} %`));
  }
  if (now.discount) rows.push(h("span", {}, `${t("discount")} −${rupees(now.discount)}`));
  if (now.tax) rows.push(h("span", {}, `${t("tax")} ${rupees(now.tax)}`));
  if (now.rounding) rows.push(h("span", {}, `${t("rounding")} ${rupees(now.rounding)}`));
  at("sums").replaceChildren(...rows);
  at("total").textContent = rupees(now.total);
  at("pay-total").textContent = bill.lines.length ? rupees(now.total) : "";
  at("pay").disabled = !bill.lines.length;
  at("toggle-count").textContent = `${bill.lines.length} ${t("items")}`;
}

function drawLine(line, place, gross) {
  const name = called(line);
  const step = line.unit === "pcs" ? 1000 : 100;
  const stepper = (sign, by, label) =>
    h("button", { type: "button", class: "line__step", "aria-label": `${label}: ${name}`, onclick: () => setQuantity(place, line.milli + by) }, sign);
  return h(
    "li",
    { class: "line", "aria-current": place === selected ? "true" : null },
    h("button", { type: "button", class: "line__name", onclick: () => select(place) }, name),
    h("span", { class: "line__each number" }, `${quantity(line)} × ${plainPaise(line.price)}`),
    h("span", { class: "line__steps" }, stepper("−", -step, t("less")), h("span", { class: "number" }, plainMilli(line.milli)), stepper("+", step, t("more"))),
    h("strong", { class: "line__sum number" }, plainPaise(gross)),
    h("button", { type: "button", class: "line__remove", "aria-label": `${t("remove")}: ${name}`, onclick: () => setQuantity(place, 0) }, "×"),
  );
}

function select(place) {
  selected = Math.max(0, Math.min(place, bill.lines.length - 1));
  [...lines.children].forEach((line, index) => (index === selected ? line.setAttribute("aria-current", "true") : line.removeAttribute("aria-current")));
  lines.children[selected]?.scrollIntoView({ block: "nearest" });
}

function drawTiles() {
  const chip = (label, number) =>
    h("button", { type: "button", class: "categories__one", "aria-pressed": String(number === category), onclick: () => ((category = number), drawTiles()) }, label);
  at("categories").replaceChildren(chip(t("favourites"), -1), ...catalogue.categories.map(chip));
  const shown = category < 0 ? favourites() : catalogue.items.filter((item) => item.category === category).slice(0, TILES);
  tiles.replaceChildren(
    ...shown.map((item) =>
      h("button", { type: "button", class: "shelf__item", onclick: () => addItem(item) }, h("span", { class: "shelf__name" }, called(item)), h("span", { class: "shelf__price number" }, rupees(item.price) + (item.unit === "pcs" ? "" : `/${item.unit}`))),
    ),
  );
  if (!catalogue.items.length) tiles.replaceChildren(h("p", { class: "muted" }, catalogue.at ? t("no_items") : t("loading")));
}

// What was sold here most; where nothing was, what stands first.
function favourites() {
  const counts = Object.entries(JSON.parse(localStorage.tillLiked ?? "{}")).sort((a, b) => b[1] - a[1]);
  const known = counts.map(([id]) => catalogue.byId.get(id)).filter(Boolean);
  return [...new Set([...known, ...catalogue.items])].slice(0, 24);
}

function notice(text, kind = "") {
  const place = at("notice");
  place.className = `till__notice ${kind}`;
  place.textContent = text;
  place.hidden = !text;
  clearTimeout(notice.timer);
  if (text) notice.timer = setTimeout(() => (place.hidden = true), 6000);
}

function refuse(text) {
  beep(false);
  notice(text, "till__notice--bad");
}

// ---- Search ----

let looking;
field.addEventListener("input", () => {
  clearTimeout(looking);
  // A scanner's keys come faster than this, so a scan draws no list.
  looking = setTimeout(look, field.value ? 35 : 0);
});

function look() {
  clearTimeout(looking);
  const text = field.value.trim();
  found = text && !/^[=$₹]/.test(text) ? search(text) : [];
  marked = 0;
  at("browse").hidden = Boolean(text) && !/^[=$₹]/.test(text);
  results.hidden = !at("browse").hidden;
  field.setAttribute("aria-expanded", String(!results.hidden));
  if (results.hidden) {
    field.removeAttribute("aria-activedescendant");
    return results.replaceChildren();
  }
  const rows = found.map((item, place) =>
    h(
      "li",
      { role: "option", id: `result-${place}`, class: "result", onclick: () => take(place) },
      h("span", { class: "result__name" }, called(item)),
      h("span", { class: "result__sku muted" }, item.sku),
      h("span", { class: "number" }, rupees(item.price) + (item.unit === "pcs" ? "" : `/${item.unit}`)),
    ),
  );
  rows.push(
    h("li", { role: "option", id: `result-${found.length}`, class: "result result--quick", onclick: () => take(found.length) }, found.length ? "" : `${t("no_match")} `, t("sell_quick", text)),
  );
  results.replaceChildren(...rows);
  mark(0);
}

function mark(place) {
  marked = (place + results.children.length) % results.children.length;
  [...results.children].forEach((row, index) => row.setAttribute("aria-selected", String(index === marked)));
  field.setAttribute("aria-activedescendant", `result-${marked}`);
  results.children[marked].scrollIntoView({ block: "nearest" });
}

function take(place) {
  const text = field.value.trim();
  field.value = "";
  const item = found[place];
  look();
  if (item) addItem(item);
  else askQuick(text);
  field.focus({ preventScroll: true });
}

function setTimes(milli) {
  times = milli;
  field.placeholder = milli ? t("next_times", plainMilli(milli)) : `${t("search")} (F2)`;
}

// What Enter means for what stands in the search box.
function enter() {
  clearTimeout(looking);
  const text = field.value.trim();
  if (!text) return;
  const value = text.slice(1);
  if (text[0] === "=" || text[0] === "$" || text[0] === "₹") {
    const line = bill.lines[selected];
    const milli = text[0] === "=" ? readMilli(value) : line && readPaise(value) !== null ? milliFor(readPaise(value), line.price) : null;
    field.value = "";
    look();
    return milli > 0 && line ? setQuantity(selected, milli) : refuse(t("bad_quantity"));
  }
  const meant = meaning(text);
  if (meant) {
    field.value = "";
    look();
    return addItem(meant.item, meant.milli, meant);
  }
  look();
  // A long number that nobody knows is a code, scanned or typed.
  if (!found.length && /^\d{6,}$/.test(text)) {
    field.value = "";
    look();
    return unknown(text);
  }
  take(marked);
}

// ---- Keys ----

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  const { key, ctrlKey, metaKey, altKey } = event;
  const act = (work) => (event.preventDefault(), work());
  if (isSheetOpen()) return;
  if (ctrlKey || metaKey) {
    if (key === "Enter" && bill.lines.length) act(exactCash);
    if (key.toLowerCase() === "z" && !field.value) act(undo);
    return;
  }
  if (altKey) return;
  if (key === "F2") return act(() => field.select() ?? field.focus());
  if (key === "F4") return act(askCustomer);
  if (key === "F8") return act(hold);
  if (key === "F9") return act(pay);
  if (asked && key === "Escape") return act(forgetUnknown);
  if (asked && key.toLowerCase() === "n" && !field.value) return act(() => askQuick("", asked));
  if (key === "Escape") return act(() => ((field.value = ""), look(), setTimes(undefined), at("bill").removeAttribute("data-open")));
  const inField = document.activeElement === field;
  if (key === "Enter") return inField ? act(enter) : undefined;
  if (key === "ArrowDown" || key === "ArrowUp") {
    const by = key === "ArrowDown" ? 1 : -1;
    if (!results.hidden && inField) return act(() => mark(marked + by));
    if (!field.value && bill.lines.length) return act(() => select(selected + by));
    return;
  }
  if (!field.value && bill.lines.length) {
    const line = bill.lines[selected];
    if (key === "+") return act(() => setQuantity(selected, line.milli + 1000));
    if (key === "-") return act(() => setQuantity(selected, line.milli - 1000));
    if (key === "Delete") return act(() => setQuantity(selected, 0));
    if (key === "%") return act(askDiscount);
  }
  if (key === "*") {
    const milli = readMilli(field.value);
    if (milli > 0) return act(() => ((field.value = ""), look(), setTimes(milli)));
  }
  // Whatever is typed elsewhere is meant for the search.
  if (key.length === 1 && key !== " " && !document.activeElement?.matches("input, textarea, select")) field.focus({ preventScroll: true });
});

// ---- Scans ----

listen({
  isKnown: (code) => meaning(code) !== null,
  onScan: scanned,
  onStart: () => {
    const typed = field.value;
    const pay = payTook();
    return () => {
      if (field.value !== typed) field.value = typed;
      look();
      pay?.();
    };
  },
});

function scanned(code) {
  const meant = meaning(code);
  if (isPayOpen()) {
    beep(false);
    return scannedInPay(meant ? called(meant.item) : code, () => {
      closeSheet();
      scanned(code);
    });
  }
  if (isSheetOpen()) closeSheet();
  forgetUnknown();
  if (meant) return addItem(meant.item, meant.milli, meant);
  unknown(code);
}

// A code that the device does not know may be newer than its catalogue.
async function unknown(code) {
  beep(false);
  const place = at("scanned");
  asked = code;
  place.replaceChildren(
    h("strong", {}, t("unknown", code)),
    h("button", { type: "button", class: "button", onclick: () => askQuick("", code) }, t("new_item")),
    h("button", { type: "button", class: "button button--quiet", onclick: forgetUnknown }, t("ignore")),
  );
  place.hidden = false;
  if ((await refresh()) !== "new") return;
  drawTiles();
  const meant = meaning(code);
  if (meant && asked === code) {
    forgetUnknown();
    addItem(meant.item, meant.milli, meant);
  }
}

function forgetUnknown() {
  asked = false;
  at("scanned").hidden = true;
}

// ---- Sheets ----

function form(onSubmit, ...children) {
  const problem = h("p", { class: "sheet__problem", role: "alert" });
  return h(
    "form",
    {
      class: "sheet__form",
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        const fault = onSubmit(new FormData(event.target));
        problem.textContent = fault ?? "";
        if (fault) beep(false);
        else closeSheet();
      },
    },
    ...children,
    problem,
  );
}

function input(name, label, value = "", more = {}) {
  return h("label", { class: "sheet__field" }, h("span", {}, label), h("input", { name, value, autocomplete: "off", ...more }));
}

// Something that is in no catalogue. `rice 60` is a name and a price.
function askQuick(text, code) {
  forgetUnknown();
  const parts = /^(.*?)\s+₹?([\d.]+)$/.exec(text);
  const [name, price] = parts ? [parts[1], parts[2]] : [text, ""];
  const content = form(
    (data) => {
      const [named, paise, milli] = [data.get("name").trim(), readPaise(data.get("price")), readMilli(data.get("quantity"))];
      if (!named || named.length > 200) return t("bad_name");
      if (paise === null) return t("bad_price");
      if (!milli || milli % 1000) return t("whole");
      addOpen(named, paise, milli);
    },
    code ? h("p", { class: "muted" }, t("unknown", code)) : null,
    input("name", t("name"), name, { maxlength: 200 }),
    input("price", t("price"), price, { inputmode: "decimal" }),
    input("quantity", t("quantity"), plainMilli(times ?? 1000), { inputmode: "numeric" }),
    h("button", { class: "button button--primary" }, t("add")),
  );
  setTimes(undefined);
  openSheet(t("quick"), content, { whenClosed: focusSearch });
  content.elements[name ? (price ? "quantity" : "price") : "name"].select();
}

function askDiscount() {
  if (page.mayDiscount !== "true") return refuse(t("no_discount"));
  const content = form(
    (data) => {
      const text = data.get("discount").trim();
      if (!text) return void change((bill) => (bill.discount = null));
      const share = text.endsWith("%") ? readPaise(text.slice(0, -1).trim()) : null;
      const amount = text.endsWith("%") ? null : readPaise(text);
      if (text.endsWith("%") ? share === null || share > 10_000 : amount === null || amount > sums().gross) return t("discount_bad");
      change((bill) => (bill.discount = share !== null ? { share } : { amount }));
    },
    input("discount", t("discount_hint"), "", { inputmode: "text" }),
    h("button", { class: "button button--primary" }, t("add")),
  );
  openSheet(t("discount"), content, { whenClosed: focusSearch });
  content.elements.discount.focus();
}

function askCustomer() {
  let waiting;
  const list = h("ul", { class: "people" });
  const choose = (customer) => {
    change((bill) => (bill.customer = customer));
    closeSheet();
  };
  const find = async (text) => {
    if (text.trim().length < 2) return list.replaceChildren();
    let rows;
    try {
      const answer = await fetch(`/api/shopkeeper/customers?limit=8&q=${encodeURIComponent(text.trim())}`, { signal: AbortSignal.timeout(5000) });
      rows = answer.ok ? await answer.json() : [];
    } catch {
      return list.replaceChildren(h("li", { class: "muted" }, t("away")));
    }
    list.replaceChildren(
      ...rows.map((one) => {
        const customer = { id: one.id, name: `${one.firstName} ${one.lastName}`.trim(), phone: one.phone };
        const owes = readPaise(String(one.creditBalance)) ? ` · ${t("owes", rupees(readPaise(String(one.creditBalance))))}` : "";
        return h("li", {}, h("button", { type: "button", class: "people__one", onclick: () => choose(customer) }, h("strong", {}, customer.name), h("span", { class: "muted" }, `${customer.phone}${owes}`)));
      }),
    );
    if (!rows.length) list.replaceChildren(h("li", { class: "muted" }, t("no_customer")));
  };
  const field = input("q", t("phone"), "", { inputmode: "search", oninput: (event) => (clearTimeout(waiting), (waiting = setTimeout(find, 150, event.target.value))) });
  const content = h(
    "form",
    { class: "sheet__form", onsubmit: (event) => (event.preventDefault(), list.querySelector("button")?.click()) },
    field,
    list,
    h("button", { type: "button", class: "button button--quiet", onclick: () => choose(null) }, t("no_one")),
  );
  openSheet(t("find_customer"), content, { whenClosed: focusSearch });
  field.lastChild.focus();
}

function focusSearch() {
  if (matchMedia("(pointer: fine)").matches) field.focus({ preventScroll: true });
}

// ---- Payment ----

function pay() {
  if (!bill.lines.length) return;
  at("bill").removeAttribute("data-open");
  openPay({ bill, sums: sums(), upi: page.upi === "true", reference: bill.id.replaceAll("-", ""), finish, afterwards: startNew, whenClosed: focusSearch, askCustomer });
}

function exactCash() {
  pay();
  document.querySelector("[data-exact]")?.click();
}

// Commits the bill and gives it to the server. Answers with the server's word, or that the bill waits here.
async function finish(payments) {
  const now = sums();
  const body = {
    items: bill.lines.map((line) =>
      line.id ? { id: line.id, quantity: plainMilli(line.milli) } : { name: line.name, price: plainPaise(line.price), quantity: plainMilli(line.milli) },
    ),
    payments: payments.map(({ method, amount, reference }) => ({ method, amount: plainPaise(amount), reference: reference ?? "" })),
    complete: true,
    storeId: page.store,
  };
  if (now.discount) body.discount = plainPaise(now.discount);
  if (bill.customer) body.customerId = bill.customer.id;
  const row = {
    id: bill.id,
    number: nextNumber(),
    user: page.user,
    at: Date.now(),
    bill: structuredClone(bill),
    total: now.total,
    payments,
    body: JSON.stringify(body),
    state: "waiting",
    problem: null,
  };
  await outbox.commit(row);
  const outcome = await outbox.sendNow(row, outbox.outbox.reachable ? 2500 : 250);
  if (outcome.refused) await outbox.withdraw(row.id);
  return { ...outcome, row };
}

// What a bill is called until the server has numbered it.
function nextNumber() {
  const number = Number(localStorage.tillNumber ?? 0) + 1;
  localStorage.tillNumber = String(number);
  return `D-${String(number).padStart(6, "0")}`;
}

// ---- Sync ----

function drawChip() {
  const { rows, signedOut, reachable } = outbox.outbox;
  const refused = rows.filter((row) => row.state === "refused" || row.user !== page.user).length;
  const chip = at("chip");
  const [state, text] = refused
    ? ["bad", t("attention", refused)]
    : rows.length
      ? ["wait", signedOut ? t("signin", rows.length) : t("saving", rows.length)]
      : reachable
        ? ["ok", t("synced")]
        : ["wait", t("saving", 0)];
  chip.dataset.state = state;
  if (chip.textContent !== text) chip.textContent = text;
}

function showQueue() {
  const rows = outbox.outbox.rows;
  const status = (row) => (row.user !== page.user ? t("other_user") : row.state === "refused" ? row.problem.sentence : t("waits"));
  const list = h(
    "ul",
    { class: "queue" },
    ...rows.map((row) =>
      h(
        "li",
        {},
        h("strong", {}, `${row.number} · ${rupees(row.total)}`),
        h("span", { class: "muted" }, `${clock(row.at)} · ${status(row)}`),
        row.state === "refused" && row.user === page.user ? h("button", { type: "button", class: "button", onclick: () => outbox.sendAgain(row).then(showQueue) }, t("send_again")) : null,
        row.state === "refused" ? h("button", { type: "button", class: "button button--quiet", onclick: () => reopen(row) }, t("reopen")) : null,
      ),
    ),
  );
  const content = h(
    "div",
    { class: "sheet__form" },
    window.isSecureContext ? null : h("p", { class: "banner" }, t("restart")),
    outbox.outbox.signedOut ? h("p", {}, t("signed_out"), " ", h("a", { href: "/login?next=/pos" }, t("sign_in"))) : null,
    rows.length ? list : h("p", { class: "muted" }, t("queue_empty")),
    h("button", { type: "button", class: "button button--primary", onclick: () => outbox.drain(true).then(showQueue) }, t("send_now")),
    rows.length ? h("button", { type: "button", class: "button button--quiet", onclick: exportQueue }, t("export")) : null,
  );
  openSheet(t("queue"), content, { whenClosed: focusSearch });
}

async function reopen(row) {
  if (bill.lines.length) await hold();
  await outbox.withdraw(row.id);
  bill = row.bill;
  closeSheet();
  draw();
  keep();
}

function exportQueue() {
  const url = URL.createObjectURL(new Blob([JSON.stringify(outbox.outbox.rows, null, 1)], { type: "application/json" }));
  h("a", { href: url, download: `bills-${new Date().toISOString().slice(0, 10)}.json` }).click();
  setTimeout(URL.revokeObjectURL, 60_000, url);
}

// ---- Other tabs ----

// Bills that lie open in tabs that live are theirs; those of tabs that are gone are held here.
const others = new Set();
const channel = new BroadcastChannel("kirana-till");
channel.onmessage = ({ data }) => {
  if (data.hello) channel.postMessage({ here: tab });
  if (data.hello || data.here) {
    others.add(`open:${data.hello ?? data.here}`);
    notice(t("other_tab"), "till__notice--bad");
    readHeld();
  }
};

// ---- Start ----

at("quick").onclick = () => askQuick("");
at("customer").onclick = askCustomer;
at("hold").onclick = hold;
at("pay").onclick = pay;
at("chip").onclick = showQueue;
at("toggle").onclick = () => at("toggle").setAttribute("aria-expanded", String(at("bill").toggleAttribute("data-open")));

async function freshen() {
  const answer = await refresh();
  outbox.heardOfServer(answer !== "away");
  if (answer === "away" && catalogue.at) notice(t("stale", clock(catalogue.at)), "till__notice--bad");
  if (answer === "new") drawTiles();
}

async function start() {
  draw();
  drawTiles();
  const mine = await store.get("held", `open:${tab}`).catch(() => undefined);
  // A bill that was paid when the page went away is not sold again.
  const paid = mine && ((await store.get("outbox", mine.bill.id)) ?? (await store.get("sent", mine.bill.id)));
  if (mine && !paid && !bill.lines.length) {
    bill = mine.bill;
    selected = bill.lines.length - 1;
    draw();
  }
  if (await remember()) drawTiles();
  outbox.start({ user: page.user, onChange: drawChip }).catch(() => refuse(t("not_saved")));
  channel.postMessage({ hello: tab });
  setTimeout(readHeld, 300);
  await freshen();
  drawTiles();
  document.body.dataset.ready = "";
  setInterval(freshen, REFRESH_MS);
  navigator.storage?.persist?.();
  navigator.serviceWorker?.register("/pos/sw.js", { scope: "/pos" }).catch(() => {});
}

focusSearch();
start();
