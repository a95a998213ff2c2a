// Small things that every part of the till draws with.

const texts = new Map();
for (const one of document.getElementById("texts").content.children) texts.set(one.dataset.key, one.textContent);

// The text of a key, with {n} and {c} replaced.
export function t(key, n, c) {
  return (texts.get(`pos.${key}`) ?? key).replace("{n}", n).replace("{c}", c);
}

// An element with attributes, listeners (`onclick`) and children.
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null && child !== false));
  return element;
}

const spoken = document.getElementById("say");

// Says something to those who do not see the screen.
export function say(text) {
  spoken.textContent = text;
}

let audio;

// A short sound: high for a scan, low for what did not work. What it says is always on the screen as well.
export function beep(good) {
  if (!good) navigator.vibrate?.(120);
  if (!navigator.userActivation?.hasBeenActive) return;
  audio ??= new AudioContext();
  const [tone, volume] = [audio.createOscillator(), audio.createGain()];
  tone.frequency.value = good ? 1400 : 240;
  volume.gain.value = 0.05;
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + (good ? 0.06 : 0.25));
}

const sheet = document.getElementById("sheet");
let onClosed;

// Opens the one sheet with a heading and content; `whenClosed` runs when it is left.
export function openSheet(title, content, { whenClosed, kind = "" } = {}) {
  if (sheet.open) closeSheet();
  onClosed = whenClosed;
  sheet.className = `sheet ${kind}`;
  const close = h("button", { type: "button", class: "sheet__close", "aria-label": t("close"), onclick: closeSheet }, "×");
  sheet.replaceChildren(h("div", { class: "sheet__head" }, h("h2", { id: "sheet-title" }, title), close), content);
  sheet.showModal();
}

export function closeSheet() {
  if (!sheet.open) return;
  sheet.close();
  tidy();
}

export const isSheetOpen = () => sheet.open;

// By Escape the sheet closes itself; the event comes late, perhaps when it is open again.
sheet.addEventListener("close", () => sheet.open || tidy());

function tidy() {
  const then = onClosed;
  onClosed = undefined;
  sheet.replaceChildren();
  then?.();
}
