// Keeps the till's frame and scripts, so that selling goes on and a reload works while the server is away. `FILES` stands
// above, put there by the server. The network always comes first; what the API says is never kept here.

const CACHE = "kirana-till-2";
const PATIENCE_MS = 4000;

self.addEventListener("install", (event) => {
  event.waitUntil(keepAll().then(() => self.skipWaiting()));
});

// The frame as well: the page that asked for this was loaded before anybody kept it.
async function keepAll() {
  const cache = await caches.open(CACHE);
  await cache.addAll(FILES);
  const frame = await fetch("/pos");
  if (frame.ok && !frame.redirected) await cache.put("/pos", frame);
}

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOld().then(() => self.clients.claim()));
});

async function forgetOld() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("kirana-till-") && name !== CACHE).map((name) => caches.delete(name)));
  const cache = await caches.open(CACHE);
  const kept = new Set([...FILES, "/pos"]);
  for (const request of await cache.keys()) {
    const url = new URL(request.url);
    if (!kept.has(url.pathname + url.search) && !kept.has(url.pathname)) await cache.delete(request);
  }
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (event.request.mode === "navigate" && url.pathname === "/pos") event.respondWith(frame(event.request));
  if (url.pathname.startsWith("/assets/")) event.respondWith(file(event.request));
});

async function frame(request) {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    // A log-in page in its place is not the till.
    if (answer.ok && !answer.redirected) await cache.put("/pos", answer.clone());
    if (answer.status < 500) return answer;
  } catch {
    // The server is away.
  }
  return (await cache.match("/pos")) ?? Response.error();
}

async function file(request) {
  try {
    const answer = await fetch(request);
    if (answer.status < 500) return answer;
  } catch {
    // The server is away.
  }
  const cache = await caches.open(CACHE);
  return (await cache.match(request)) ?? (await cache.match(request, { ignoreSearch: true })) ?? Response.error();
}
