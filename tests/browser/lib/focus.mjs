// The keyboard alone: where the focus is, and whether it can be seen.

import assert from "node:assert/strict";

/** Presses Tab until `wanted` has the focus; at each stop there must be a ring of at least two pixels on the screen. */
export async function tabTo(page, wanted, most = 80) {
  for (let step = 0; step < most; step += 1) {
    await page.keyboard.press("Tab");
    await mustShowFocus(page);
    if (await page.evaluate((wanted) => document.activeElement.matches(wanted), wanted)) return;
  }
  assert.fail(`Tab does not reach ${wanted}`);
}

/** The element with the focus wears a ring, or the box around it does, and nothing covers it. */
export async function mustShowFocus(page) {
  const fault = await page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return "";
    const wears = (one) => {
      const style = getComputedStyle(one);
      return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    };
    const name = `${element.tagName} ${element.id} ${element.className} ${element.textContent.trim().slice(0, 40)}`;
    if (!wears(element) && !(element.parentElement && wears(element.parentElement))) return `no ring: ${name}`;
    const box = element.getBoundingClientRect();
    const seen = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
    return seen ? "" : `not on the screen: ${name}`;
  });
  assert.equal(fault, "", "the focus can be seen");
}
