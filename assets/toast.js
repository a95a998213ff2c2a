// The last thing done, with a way back. A module of its own: importing it does nothing to the page.

/**
 * Says what was done, with a way back for 8 seconds; the time stands still while somebody points at it or has the
 * focus in it. `undo` is `{ label, run }`, or nothing.
 */
export function toast(sentence, undo) {
  const LIFE_MS = 8_000;
  const place = document.querySelector("[data-toasts]");
  const box = document.createElement("div");
  box.className = "toast";
  const text = document.createElement("span");
  text.textContent = sentence;
  box.append(text);
  let timer;
  const go = () => box.remove();
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(go, LIFE_MS);
  };
  const add = (label, run) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = label;
    button.addEventListener("click", () => {
      go();
      run();
    });
    box.append(button);
  };
  if (undo?.label) add(undo.label, undo.run);
  add(place.dataset.dismiss, () => {});
  for (const name of ["pointerenter", "focusin"]) box.addEventListener(name, () => clearTimeout(timer));
  for (const name of ["pointerleave", "focusout"]) box.addEventListener(name, wait);
  place.replaceChildren(box);
  wait();
}
