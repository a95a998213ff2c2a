// The pay sheet: cash with change, UPI with its QR, card, khata, and any of them for a part.

import { plainPaise, readPaise, rupees } from "./money.js";
import { beep, closeSheet, h, openSheet, say, t } from "./view.js";

const METHODS = ["cash", "upi", "card", "khata"];
const WORDS = { cash: "cash", upi: "upi", card: "card", khata: "credit" }; // as the server calls them
const NOTES = [1000, 2000, 5000, 10_000, 20_000, 50_000, 200_000]; // paise
const MUCH = 10_000_000;

let open; // the sheet's state while somebody pays

export const isPayOpen = () => Boolean(open);

// Begins to take payment. `finish` commits the bill, `afterwards` starts the next one.
export function openPay(ctx) {
  open = { ...ctx, parts: [], method: "cash", typed: "", sure: 0, busy: false };
  const content = h("div", { class: "pay", onkeydown: onKey });
  open.content = content;
  draw();
  const mine = open;
  openSheet(t("pay"), content, {
    kind: "sheet--pay",
    whenClosed: () => {
      if (open === mine) open = undefined;
      ctx.whenClosed();
    },
  });
  focusTake();
}

// What puts the sheet back as it is now: a scan's digits must not choose anything.
export function payTook() {
  if (!open) return null;
  const { method, typed } = open;
  return () => {
    if (!open || (open.method === method && open.typed === typed)) return;
    Object.assign(open, { method, typed });
    draw();
    focusTake();
  };
}

// Something was scanned while somebody pays: it is offered, never added.
export function scannedInPay(name, addAndReopen) {
  const place = open.content.querySelector("[data-scanned]");
  place.replaceChildren(t("scan_in_pay", name), " ", h("button", { type: "button", class: "button", onclick: addAndReopen }, t("add_reopen")));
  place.hidden = false;
}

const rest = () => open.sums.total - open.parts.reduce((sum, part) => sum + part.amount, 0);
const amount = () => (open.typed.trim() ? readPaise(open.typed) : rest());
const focusTake = () => open.content.querySelector("[data-take]")?.focus();

function onKey(event) {
  if (!open || open.busy || event.ctrlKey || event.altKey || event.metaKey) return;
  const inField = event.target.matches("input");
  if (event.key === "Enter" && inField) {
    event.preventDefault();
    return take();
  }
  if (inField) return;
  const place = Number(event.key) - 1;
  if (METHODS[place]) choose(METHODS[place]);
  else if (event.key.toLowerCase() === "a") {
    event.preventDefault();
    open.content.querySelector("[name=amount]").focus();
  }
}

function choose(method) {
  open.method = method;
  draw();
  focusTake();
}

function draw() {
  const left = rest();
  const parts = open.parts.map((part, place) =>
    h(
      "li",
      {},
      h("span", {}, t(part.kind)),
      h("span", { class: "number" }, rupees(part.amount)),
      h("button", { type: "button", class: "line__remove", "aria-label": `${t("remove")}: ${t(part.kind)}`, onclick: () => (open.parts.splice(place, 1), draw(), focusTake()) }, "×"),
    ),
  );
  const methods = METHODS.map((method, place) =>
    h("button", { type: "button", class: "pay__method", "aria-pressed": String(method === open.method), onclick: () => choose(method) }, t(method), " ", h("kbd", {}, String(place + 1))),
  );
  const field = h("input", { name: "amount", value: open.typed, inputmode: "decimal", autocomplete: "off", placeholder: plainPaise(left), oninput: typed });
  open.content.replaceChildren(
    h("p", { class: "pay__rest" }, h("span", {}, open.parts.length ? t("rest") : t("total")), h("strong", { class: "number" }, rupees(left))),
    parts.length ? h("ul", { class: "pay__parts" }, ...parts) : h("p", { class: "muted pay__hint" }, t("split")),
    h("p", { class: "banner", "data-scanned": true, role: "alert", hidden: true }),
    h("label", { class: "sheet__field" }, h("span", {}, t("given"), " ", h("kbd", {}, "A")), field),
    h("div", { class: "pay__methods", role: "group", "aria-label": t("pay") }, ...methods),
    h("div", { class: "pay__how" }, ...drawMethod()),
    h("p", { class: "sheet__problem", role: "alert" }),
  );
}

function typed(event) {
  open.typed = event.target.value;
  open.sure = 0;
  // Only what depends on the amount is drawn again; the field keeps its cursor.
  open.content.querySelector(".pay__how").replaceChildren(...drawMethod());
}

function drawMethod() {
  const asked = amount() ?? 0;
  const shown = rupees(asked);
  const button = (label, more = {}) => h("button", { type: "button", class: "button button--primary pay__take", "data-take": true, onclick: take, ...more }, label);
  if (open.method === "cash") {
    const exact = !open.typed.trim();
    return [button(exact ? t("exact", shown) : `${t("take")} ${shown}`, { "data-exact": exact }), h("div", { class: "pay__notes" }, ...suggested().map(note))];
  }
  if (open.method === "card") return [h("p", {}, t("card_hint", shown)), button(t("received", shown))];
  if (open.method === "khata") {
    if (!open.bill.customer) return [h("p", {}, t("khata_who")), button(t("customer"), { onclick: open.askCustomer })];
    return [h("p", {}, t("khata_hint", shown, open.bill.customer.name)), button(t("write_up", shown))];
  }
  const place = h("div", { class: "pay__qr" });
  if (asked > 0) showQr(place, asked);
  return [
    place,
    h("p", { class: "pay__warn" }, t("check_own")),
    h("label", { class: "sheet__field" }, h("span", {}, t("reference")), h("input", { name: "reference", inputmode: "numeric", maxlength: 35, autocomplete: "off" })),
    button(t("received", shown)),
  ];
}

function note(paise) {
  return h("button", { type: "button", class: "button", onclick: () => ((open.typed = plainPaise(paise)), draw(), take()) }, rupees(paise));
}

// The next sums that people hand over in notes.
function suggested() {
  const left = rest();
  const next = NOTES.map((size) => Math.ceil(left / size) * size).filter((sum) => sum > left);
  return [...new Set(next)].sort((a, b) => a - b).slice(0, 4);
}

// The shop's own QR with amount and reference; else the picture that the shop has put up, else a word.
async function showQr(place, asked) {
  const picture = h("img", { alt: t("scan_to_pay", rupees(asked)), width: 240, height: 240 });
  const caption = h("p", { class: "pay__qr-amount number" }, rupees(asked));
  const give = () => place.replaceChildren(h("p", {}, t("no_qr")), caption);
  picture.onerror = async () => {
    picture.onerror = give;
    try {
      const answer = await fetch("/api/shop/qr", { signal: AbortSignal.timeout(4000) });
      const { qrCodeUrl } = await answer.json();
      if (!qrCodeUrl) throw new Error("none");
      picture.src = qrCodeUrl;
    } catch {
      give();
    }
  };
  picture.src = open.upi ? `/api/pos/upi-qr.svg?amount=${plainPaise(asked)}&reference=${open.reference}` : "/api/pos/none";
  place.replaceChildren(picture, caption);
}

function complain(text) {
  beep(false);
  open.content.querySelector(".sheet__problem").textContent = text;
}

// Takes the amount by the chosen method; when nothing is left, the bill is done.
function take() {
  if (!open || open.busy) return;
  const [asked, left, kind] = [amount(), rest(), open.method];
  if (asked === null || (asked <= 0 && left > 0)) return complain(t("bad_price"));
  if (kind === "khata" && !open.bill.customer) return complain(t("khata_who"));
  if (asked > left && kind !== "cash") return complain(t("over"));
  if ((asked > MUCH || asked > left * 10) && asked > left && open.sure !== asked) {
    open.sure = asked;
    return complain(t("absurd", rupees(asked)));
  }
  const reference = open.content.querySelector("[name=reference]")?.value.trim() ?? "";
  open.parts.push({ kind, method: WORDS[kind], amount: Math.min(asked, left), reference });
  open.typed = "";
  if (rest() === 0) return finish(asked > left ? asked : 0, asked - left);
  draw();
  focusTake();
}

async function finish(given, change) {
  const mine = open;
  mine.busy = true;
  for (const button of mine.content.querySelectorAll("button")) button.disabled = true;
  let outcome;
  try {
    outcome = await mine.finish(mine.parts);
  } catch {
    outcome = null;
  }
  mine.busy = false;
  if (!outcome || outcome.refused) {
    mine.parts = [];
    draw();
    complain(outcome ? t("refused", outcome.refused.sentence) : t("not_saved"));
    return focusTake();
  }
  open = undefined;
  showDone(outcome, given, Math.max(0, change), mine);
}

function showDone({ ack, row }, given, change, { afterwards }) {
  const cash = row.payments.filter((part) => part.method === "cash").reduce((sum, part) => sum + part.amount, 0);
  const query = new URLSearchParams({ print: "1", ...(given ? { given: plainPaise(cash + change) } : {}) });
  const serverTotal = ack ? readPaise(String(ack.total)) : row.total;
  const next = h("button", { type: "button", class: "button button--primary", onclick: closeSheet }, t("next"));
  const content = h(
    "div",
    { class: "done", "data-done": ack ? "stored" : "saved", "data-order": ack?.orderId },
    h("p", { class: "done__label" }, change ? t("change") : t("no_change")),
    h("p", { class: "done__amount number" }, rupees(change || row.total)),
    h("p", {}, ack ? t("bill_no", ack.invoiceNumber ?? ack.orderCode) : t("provisional", row.number)),
    serverTotal === row.total ? null : h("p", { class: "pay__warn" }, t("server_total", rupees(serverTotal))),
    h("div", { class: "done__acts" }, next, ack ? h("a", { class: "button", href: `/pos/receipts/${ack.orderId}?${query}`, target: "_blank" }, t("print")) : null),
  );
  openSheet(t("done"), content, { kind: "sheet--pay", whenClosed: afterwards });
  next.focus();
  say(`${t("done")}. ${change ? `${t("change")} ${rupees(change)}` : rupees(row.total)}`);
  beep(true);
}
