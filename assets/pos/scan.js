// A scanner is a keyboard that types fast. This tells its bursts from a person's typing, whatever has the focus.
//
// Keys come at most 100 ms apart and 50 ms on average, all within 1.5 s, at least four of them, ended by Enter, Tab or
// 120 ms of silence. Timing alone cannot tell a fast typist, so in a text field a burst must also be a code that is known
// or whose check digit fits; else it stays what was typed.

const GAP_MS = 100;
const MEAN_MS = 50;
const WHOLE_MS = 1500;
const SILENCE_MS = 120;
const SHORTEST = 4;

export function checkDigit(body) {
  let sum = 0;
  for (let at = body.length - 1, weight = 3; at >= 0; at--, weight = 4 - weight) sum += Number(body[at]) * weight;
  return String((10 - (sum % 10)) % 10);
}

// A number of a length that has a check digit, and it fits.
export function hasCheckDigit(code) {
  return /^(\d{8}|\d{12,14})$/.test(code) && checkDigit(code.slice(0, -1)) === code.at(-1);
}

// Listens on the whole page. `isKnown` says whether a code means something here, `onScan` is given each code,
// `onStart` is called with a first key and answers with what puts everything back as it was then.
export function listen({ isKnown, onScan, onStart }) {
  let burst;
  let silence;
  let endedAt = 0;

  document.addEventListener("keydown", onKey, true);

  function onKey(event) {
    const now = event.timeStamp;
    if ((event.key === "Enter" || event.key === "Tab") && !event.ctrlKey && !event.altKey && !event.metaKey) {
      // The line feed after a carriage return belongs to the scan before it.
      if (now - endedAt < 40) return swallow(event);
      if (burst && now - burst.last <= GAP_MS && end(now)) swallow(event);
      burst = undefined;
      return;
    }
    if (event.key.length !== 1 || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) {
      // What a scanner sends in capitals comes with Shift.
      if (event.key !== "Shift") burst = undefined;
      return;
    }
    if (!burst || now - burst.last > GAP_MS) {
      const field = document.activeElement;
      const typing = field?.matches?.("input:not([type=checkbox]):not([type=radio]), textarea");
      burst = { keys: "", first: now, field: typing ? field : null, value: typing ? field.value : "", restore: onStart() };
    }
    burst.keys += event.key;
    burst.last = now;
    clearTimeout(silence);
    if (burst.keys.length >= SHORTEST) silence = setTimeout(() => end(burst?.last, true), SILENCE_MS);
  }

  // Whether the burst was a scan; then it has been dealt with.
  function end(now, silent = false) {
    clearTimeout(silence);
    const was = burst;
    if (!was) return false;
    const { keys, first, last, field } = was;
    const fast = keys.length >= SHORTEST && last - first <= WHOLE_MS && (last - first) / (keys.length - 1) <= MEAN_MS;
    if (!fast) return false;
    const sure = hasCheckDigit(keys) || isKnown(keys);
    // Where nothing can be typed, a burst that Enter ends is a scan even when nobody knows the code.
    if (!sure && (field || silent)) return false;
    burst = undefined;
    if (field && field.isConnected && field.value !== was.value) {
      field.value = was.value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    was.restore?.();
    if (!silent) endedAt = now;
    onScan(keys);
    return true;
  }

  function swallow(event) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}
