// What a journey is, and what is true of every one of them.

import assert from "node:assert/strict";

/** @type {{ name: string, options: object, walk: Function, file: string }[]} */
export const journeys = [];

let reading = "";

/** Notes which file the journeys come from that are about to be named. */
export function readFrom(file) {
  reading = file;
}

/** Names a journey; see the README for its options. */
export function journey(name, options, walk) {
  journeys.push({ name, options, walk, file: reading });
}

/** Walks a journey in a fresh context of the browser. */
export async function walk({ options, walk }, browser, shops, picture) {
  const shop = await shops.open(options.shop ?? "demo");
  const context = await browser.newContext({ locale: "en-IN", viewport: { width: 1366, height: 860 }, ...options.context });
  context.setDefaultTimeout(15_000);
  const faults = watch(context, shop, options);
  const page = await context.newPage();
  try {
    if (options.as) await shop.signIn(page, options.as);
    await walk({ shop, page, context, browser, check: assert });
    assert.deepEqual(faults, [], "what every page keeps to");
  } catch (error) {
    await page.screenshot({ path: picture }).catch(() => {});
    if (faults.length > 0 && !(error instanceof assert.AssertionError)) error.message += `\n${faults.join("\n")}`;
    throw error;
  } finally {
    await context.close();
    await shop.leave();
  }
}

/** Collects what no page may do: ask another origin, complain on the console, break the policy. */
export function watch(context, shop, { mayFail } = {}) {
  const faults = [];
  const note = (fault) => mayFail?.test(fault) || faults.push(fault);
  context.on("request", (request) => {
    const url = new URL(request.url());
    const own = ["data:", "blob:", "about:"].includes(url.protocol) || url.origin === new URL(shop.url).origin;
    if (!own) note(`asked another origin: ${request.url()}`);
  });
  context.on("console", (message) => {
    if (message.type() === "error") note(`console: ${message.text()}`);
  });
  context.on("weberror", (error) => note(`thrown: ${error.error().message}`));
  return faults;
}
