// Bills on their way to the server.
//
// A bill is committed here, on disk, before anybody hears "Done". Its UUID is its idempotency key, so it may be sent as
// often as it takes: the server stores it once. A row leaves only when the server has answered with its order, or when
// the bill goes back to the counter. A refusal is kept with its reason until somebody deals with it.

import * as store from "./store.js";

const EVERY_MS = 15_000;
const SLOWEST_MS = 120_000;
const SEND_MS = 20_000;

export const outbox = { rows: [], reachable: true, signedOut: false };

let user;
let changed = () => {};
let draining;
let wait = EVERY_MS;
let timer;
const inFlight = new Map();
const away = { away: true };

// Begins to send what is left from before. `onChange` is called whenever what is waiting has changed.
export async function start(options) {
  ({ user, onChange: changed } = options);
  outbox.rows = await store.all("outbox");
  changed();
  addEventListener("online", () => drain(true));
  addEventListener("focus", () => drain());
  document.addEventListener("visibilitychange", () => document.hidden || drain());
  drain(true);
}

// Puts a bill on disk. Nothing was sold unless this returns.
export async function commit(row) {
  await store.put("outbox", row.id, row, true);
  outbox.rows = [...outbox.rows.filter((one) => one.id !== row.id), row];
  changed();
}

// Sends a bill at once and waits so long for the answer; the sending goes on when that takes longer.
export function sendNow(row, patienceMs) {
  return Promise.race([send(row), new Promise((done) => setTimeout(done, patienceMs, away))]);
}

// Takes a bill out that the server has refused before it was handed over; it goes on at the counter.
export async function withdraw(id) {
  await store.remove("outbox", id);
  outbox.rows = outbox.rows.filter((one) => one.id !== id);
  changed();
}

// Sends everything that waits, oldest first.
export function drain(now = false) {
  if (now) wait = EVERY_MS;
  draining ??= drainAll().finally(() => {
    draining = undefined;
    clearTimeout(timer);
    timer = setTimeout(drain, wait);
  });
  return draining;
}

// Only one tab at a time sends, where the browser can tell; elsewhere the keys keep a bill from being stored twice.
function drainAll() {
  return navigator.locks ? navigator.locks.request("kirana-till-drain", { ifAvailable: true }, (lock) => lock && drainWaiting()) : drainWaiting();
}

async function drainWaiting() {
  outbox.rows = await store.all("outbox");
  changed();
  const waiting = outbox.rows.filter((row) => row.state === "waiting" && row.user === user).sort((a, b) => a.at - b.at);
  for (const row of waiting) {
    const answer = await send(row);
    if (answer.away || answer.signedOut) {
      wait = Math.min(wait * 2, SLOWEST_MS);
      return;
    }
  }
  wait = EVERY_MS;
}

// Asks a refused bill to be sent again.
export async function sendAgain(row) {
  await commit({ ...row, state: "waiting", problem: null });
  return drain(true);
}

function send(row) {
  if (!inFlight.has(row.id)) inFlight.set(row.id, sendOnce(row).finally(() => inFlight.delete(row.id)));
  return inFlight.get(row.id);
}

async function sendOnce(row) {
  let answer;
  let body;
  try {
    answer = await fetch("/api/orders", {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": row.id },
      body: row.body,
      signal: AbortSignal.timeout(SEND_MS),
    });
    body = await answer.json();
  } catch {
    reach(false);
    return away;
  }
  if (answer.status === 401) {
    outbox.signedOut = true;
    changed();
    return { signedOut: true };
  }
  outbox.signedOut = false;
  if (answer.ok && body.orderId) {
    reach(true);
    await store.put("sent", row.id, { ...row, ack: body, sentAt: Date.now() }).catch(() => {});
    await withdraw(row.id);
    return { ack: body };
  }
  if (answer.status >= 500 || answer.status === 429 || answer.status === 408) {
    reach(false);
    return away;
  }
  reach(true);
  const problem = { status: answer.status, code: body.code ?? "", sentence: body.detail ?? body.error ?? answer.statusText };
  await commit({ ...row, state: "refused", problem });
  return { refused: problem };
}

function reach(reachable) {
  if (outbox.reachable === reachable) return;
  outbox.reachable = reachable;
  changed();
}

// Something else has found the server, or missed it.
export function heardOfServer(reachable) {
  const back = reachable && !outbox.reachable;
  reach(reachable);
  if (back) drain(true);
}
