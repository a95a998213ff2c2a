// What is on sale, in memory: by code for scans, by words for search. It comes from the device at once and from the
// server when that has something newer.

import * as store from "./store.js";
import { milliFor } from "./money.js";
import { checkDigit } from "./scan.js";

const CHUNK = 500; // rows kept together

export const catalogue = { items: [], byId: new Map(), byCode: new Map(), byItemCode: new Map(), labels: [], categories: [], at: 0 };

// Fills the catalogue from the device; true when there was one.
export async function remember() {
  const head = await store.get("kv", "catalogue").catch(() => undefined);
  if (!head) return false;
  const chunks = await store.all("chunks");
  fill(head, chunks.flat());
  return true;
}

// Asks the server. Answers "new", "same", or "away" when it cannot be reached, "out" when nobody is signed in.
export async function refresh() {
  const head = await store.get("kv", "catalogue").catch(() => undefined);
  let answer;
  try {
    answer = await fetch("/api/pos/catalogue", {
      headers: head?.tag && catalogue.items.length ? { "if-none-match": head.tag } : {},
      cache: "no-store",
      signal: AbortSignal.timeout(15_000),
    });
  } catch {
    return "away";
  }
  if (answer.status === 401) return "out";
  if (answer.status === 304) {
    catalogue.at = Date.now();
    return "same";
  }
  if (!answer.ok) return "away";
  const { items, labels, categories } = await answer.json();
  const fresh = { tag: answer.headers.get("etag"), labels, categories, at: Date.now() };
  fill(fresh, items);
  const chunks = [];
  for (let at = 0; at < items.length; at += CHUNK) chunks.push(items.slice(at, at + CHUNK));
  // A device without room still sells; it asks again at the next start.
  await store.replaceAll("chunks", chunks).then(() => store.put("kv", "catalogue", fresh)).catch(() => {});
  return "new";
}

function fill(head, rows) {
  Object.assign(catalogue, { labels: head.labels, categories: head.categories, at: head.at });
  catalogue.byId = new Map();
  catalogue.byCode = new Map();
  catalogue.byItemCode = new Map();
  catalogue.items = rows.map(([id, name, local, sku, category, unit, price, mrp, incl, tax, itemCode, brand, codes]) => {
    const item = { id, name, local, sku, category, unit, price, mrp, incl: incl === 1, tax, itemCode };
    item.start = fold(name);
    item.words = fold(`${name} ${local} ${brand} ${sku} ${itemCode} ${codes.join(" ")}`);
    catalogue.byId.set(id, item);
    codes.forEach((code) => catalogue.byCode.set(code, item));
    if (itemCode) catalogue.byItemCode.set(itemCode, item);
    if (sku && !catalogue.byCode.has(sku)) catalogue.byCode.set(sku, item);
    return item;
  });
}

const fold = (text) => text.normalize("NFKC").toLowerCase();

// What a scanned code means: an item, how much of it, and whether a label of the shop's scale said so.
export function meaning(text) {
  const code = stored(text.trim());
  const item = catalogue.byCode.get(code) ?? catalogue.byCode.get(text.trim());
  if (item) return { item, milli: 1000, label: false };
  return code.length === 13 ? readLabel(code) : null;
}

// UPC-A is kept with a leading zero; a GTIN-14 of level 0 without its own.
function stored(code) {
  if (!/^\d+$/.test(code)) return code;
  if (code.length === 12) return `0${code}`;
  return code.length === 14 && code.startsWith("0") ? code.slice(1) : code;
}

// The rules of src/catalog/barcode.rs.
function readLabel(code) {
  const rule = catalogue.labels.find((one) => code.startsWith(one.prefix));
  if (!rule || checkDigit(code.slice(0, -1)) !== code.at(-1)) return null;
  const start = rule.prefix.length;
  const valueAt = start + rule.itemDigits + (rule.verifierDigits ?? 0);
  const itemCode = code.slice(start, start + rule.itemDigits);
  const body = (rule.prefix + itemCode).padEnd(12, "0");
  const item = catalogue.byItemCode.get(itemCode) ?? catalogue.byCode.get(body + checkDigit(body));
  if (!item) return null;
  const thousandths = Number(code.slice(valueAt, valueAt + rule.valueDigits)) * 10 ** (3 - rule.decimals);
  let milli = thousandths;
  if (rule.measure === "weight" && item.unit === "g") milli = thousandths * 1000;
  if (rule.measure === "price") milli = milliFor(Math.round(thousandths / 10), item.price);
  return milli > 0 ? { item, milli, label: true } : null;
}

// The items that have all typed words; names that begin so come first.
export function search(text, most = 40) {
  const words = fold(text).split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const found = [];
  for (const item of catalogue.items) {
    if (words.every((word) => item.words.includes(word))) found.push(item);
  }
  const rank = (item) => (item.start.startsWith(words[0]) ? 0 : item.start.includes(` ${words[0]}`) ? 1 : 2);
  return found.map((item) => [rank(item), item]).sort((a, b) => a[0] - b[0] || (a[1].start < b[1].start ? -1 : 1)).slice(0, most).map(([, item]) => item);
}
