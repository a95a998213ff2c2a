// What pages gain from JavaScript. Each piece finds its own hook in the page and does nothing without it;
// everything works with this file absent.

import { toast } from "./toast.js";

forgetChoices();
keepFresh();
showPassword();
closeMenus();
openDialogs();
showToasts();

// Language and colours are remembered by a cookie; in the address they would be chosen again by every reload.
function forgetChoices() {
  const url = new URL(location.href);
  if (!url.searchParams.has("lang") && !url.searchParams.has("theme")) return;
  url.searchParams.delete("lang");
  url.searchParams.delete("theme");
  history.replaceState(history.state, "", url);
}

// Menus that open over the page close by Escape, by a click elsewhere and when the focus leaves them.
function closeMenus() {
  for (const menu of document.querySelectorAll("details[data-closes]")) {
    const leave = (event) => !menu.contains(event.target) && menu.removeAttribute("open");
    document.addEventListener("click", leave);
    document.addEventListener("focusin", leave);
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.removeAttribute("open");
      menu.querySelector("summary").focus();
    });
  }
}

// Redraws every `[data-live]` region from the server's own page when the shop reports news.
//
// No number is ever added up here: what is shown is always a whole answer of the server. Only a page that can be seen
// holds a stream, since a browser allows few of them; on coming back it catches up. When the stream fails twice the
// page asks every 20 seconds instead, and says so.
function keepFresh() {
  const chip = document.querySelector("[data-live-state]");
  if (!chip || !("EventSource" in window)) return;

  const NEWS = ["order", "stock", "payment", "low-stock", "resync", "message"]; // as `src/web/events.rs` names them
  const POLL_MS = 20_000;
  const PAUSE_MS = 1_000; // a rush of news costs one request a second

  let stream;
  let poll;
  let failures = 0;
  let stale = false;
  let busy = false;
  let freshAt = Date.now();

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      close();
    } else {
      open();
      refreshSoon();
    }
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && open());
  if (!document.hidden) open();

  function open() {
    close();
    failures = 0;
    connect();
  }

  function connect() {
    stream = new EventSource("/api/events");
    for (const name of NEWS) stream.addEventListener(name, refreshSoon);
    stream.addEventListener("open", () => {
      if (failures > 0) refreshSoon(); // something may have happened while it was gone
      failures = 0;
      stopPolling();
      say("on");
    });
    stream.addEventListener("error", () => {
      failures += 1;
      if (failures >= 2 || stream.readyState === EventSource.CLOSED) startPolling();
    });
  }

  function close() {
    stream?.close();
    stopPolling();
  }

  function startPolling() {
    say("off");
    poll ??= setInterval(() => {
      refreshSoon();
      if (stream.readyState === EventSource.CLOSED) connect(); // a refused stream is not retried by the browser
    }, POLL_MS);
  }

  function stopPolling() {
    clearInterval(poll);
    poll = undefined;
  }

  function say(state) {
    chip.hidden = false;
    chip.dataset.state = state;
    const text = chip.dataset[state];
    if (chip.textContent !== text) chip.textContent = text;
  }

  // News that comes while an answer is under way leads to one more, so that the last word is always drawn.
  async function refreshSoon() {
    stale = true;
    if (busy) return;
    busy = true;
    while (stale && !document.hidden) {
      await sleep(freshAt + PAUSE_MS - Date.now());
      stale = false;
      await refresh();
      freshAt = Date.now();
    }
    busy = false;
  }

  async function refresh() {
    try {
      const answer = await fetch(location.href, { cache: "no-store", headers: { accept: "text/html" } });
      // Signed out meanwhile: the server leads elsewhere, and so do we.
      if (new URL(answer.url).pathname !== location.pathname) return location.reload();
      if (answer.ok) redraw(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // The server is away. What is shown stays; the stream's own failure is what the reader is told about.
    }
  }

  function redraw(fresh) {
    for (const old of document.querySelectorAll("[data-live]")) {
      const now = fresh.querySelector(`[data-live="${old.dataset.live}"]`);
      if (!now) continue;
      // What the reader has opened stays open.
      old.querySelectorAll("details").forEach((was, i) => {
        const is = now.querySelectorAll("details")[i];
        if (is) is.open = was.open;
      });
      if (!old.isEqualNode(now) && !old.contains(document.activeElement)) old.replaceWith(document.adoptNode(now));
    }
  }
}

// Lets a person read the password they are typing.
function showPassword() {
  for (const button of document.querySelectorAll("[data-show-password]")) {
    const input = document.getElementById(button.getAttribute("aria-controls"));
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = input.type === "text";
      input.type = shown ? "password" : "text";
      button.textContent = shown ? button.dataset.show : button.dataset.hide;
    });
    // Sent hidden, so that a browser offers to keep it as a password.
    input.form.addEventListener("submit", () => {
      input.type = "password";
    });
  }
}

// `data-open-dialog="id"` opens a dialog.
function openDialogs() {
  for (const button of document.querySelectorAll("[data-open-dialog]")) {
    button.addEventListener("click", () => document.getElementById(button.dataset.openDialog).showModal());
  }
}

// `data-say` shows a toast; other modules import `toast` themselves.
function showToasts() {
  for (const button of document.querySelectorAll("[data-say]")) {
    button.addEventListener("click", () => toast(button.dataset.say, { label: button.dataset.undo, run: () => {} }));
  }
}

function sleep(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
