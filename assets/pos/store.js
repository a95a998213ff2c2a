// What this device keeps: the catalogue, open and held bills, the bills that the server has not acknowledged.

const STORES = ["kv", "chunks", "held", "outbox", "sent"];

let opened;

function open() {
  opened ??= new Promise((done, fail) => {
    const request = indexedDB.open("kirana-till", 1);
    request.onupgradeneeded = () => STORES.forEach((name) => request.result.createObjectStore(name));
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
  return opened;
}

// Runs one transaction and waits until it is committed; with `strict`, until the disk has it.
async function transact(name, mode, work, strict) {
  const db = await open();
  return new Promise((done, fail) => {
    const transaction = db.transaction(name, mode, { durability: strict ? "strict" : "default" });
    const request = work(transaction.objectStore(name));
    transaction.oncomplete = () => done(request?.result);
    transaction.onerror = transaction.onabort = () => fail(transaction.error);
  });
}

export const get = (name, key) => transact(name, "readonly", (store) => store.get(key));
export const all = (name) => transact(name, "readonly", (store) => store.getAll());
export const put = (name, key, value, strict = false) => transact(name, "readwrite", (store) => store.put(value, key), strict);
export const remove = (name, key) => transact(name, "readwrite", (store) => store.delete(key), true);

// Replaces everything in a store by these values; few large rows are read ten times as fast as many small ones.
export const replaceAll = (name, values) =>
  transact(name, "readwrite", (store) => {
    store.clear();
    values.forEach((value, index) => store.put(value, index));
  });

// A random UUID, also where the address is not trusted and `crypto.randomUUID` is missing.
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
