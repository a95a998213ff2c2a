// What every page is looked at for: accessibility by axe, room on a phone, targets that a finger hits.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { journey, watch } from "../lib/journey.mjs";
import { routes } from "../lib/routes.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

for (const { path, as, shop: kind = "demo", ready } of routes) {
  journey(`${path} as ${as ?? "nobody"}`, { shop: kind, mayFail: /404/ }, async ({ shop, browser, check }) => {
    const faults = [];
    for (const lang of ["en", "hi"]) {
      const context = await browser.newContext();
      const heard = watch(context, shop, { mayFail: /404/ });
      const page = await context.newPage();
      if (as) await shop.signIn(page, as);
      for (const [width, height] of [[360, 740], [1366, 860]]) {
        for (const colorScheme of ["light", "dark"]) {
          await page.setViewportSize({ width, height });
          await page.emulateMedia({ colorScheme });
          await page.goto(`${shop.url}${path}${path.includes("?") ? "&" : "?"}lang=${lang}`);
          if (ready) await page.waitForSelector(ready);
          const at = `${lang} ${colorScheme} ${width}`;
          check.equal(await page.getAttribute("html", "lang"), lang);
          faults.push(...(await look(page)).map((fault) => `${at}: ${fault}`));
        }
      }
      faults.push(...heard);
      await context.close();
    }
    check.deepEqual(faults, []);
  });
}

journey("the dialogs of the shell", { as: "owner" }, async ({ page, check }) => {
  await page.keyboard.press("Control+k");
  check.deepEqual(await look(page), []);
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  check.deepEqual(await look(page), []);
});

/** Everything that is wrong with the page as it stands. */
async function look(page) {
  await page.evaluate(axe);
  const faults = await page.evaluate(async (rules) => {
    const { violations } = await globalThis.axe.run(document, { runOnly: rules });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
  }, RULES);
  const room = await page.evaluate(() => {
    const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    const small = [...document.querySelectorAll("button, summary, .button, .rail__link, input:not([type=hidden]), select")]
      .filter((one) => one.checkVisibility() && !one.closest("dialog:not([open])"))
      .filter((one) => {
        const box = (one.closest("label") ?? one).getBoundingClientRect();
        return box.width > 1 && Math.min(box.width, box.height) < 24;
      })
      .map((one) => one.outerHTML.slice(0, 120));
    const missing = [...document.body.innerText.matchAll(/\b[a-z_]+\.[a-z_]+_[a-z_]+\b/g)].map(([key]) => key);
    return [
      ...(over > 0 ? [`${over} px too wide`] : []),
      ...small.map((html) => `too small to hit: ${html}`),
      ...missing.map((key) => `a text is missing: ${key}`),
    ];
  });
  return [...faults, ...room];
}
