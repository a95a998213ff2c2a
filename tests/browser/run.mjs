// Walks every journey, one after the other, and says what became of each.

import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { journeys, readFrom, walk } from "./lib/journey.mjs";
import { Shops } from "./lib/shop.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const pictures = path.resolve(here, "../../target/browser");
const filters = process.argv.slice(2);

for (const file of (await readdir(path.join(here, "journeys"))).sort()) {
  if (!file.endsWith(".mjs")) continue;
  readFrom(file);
  await import(pathToFileURL(path.join(here, "journeys", file)));
}

const chosen = journeys.filter(({ file, name }) => filters.every((text) => `${file} ${name}`.includes(text)));
await mkdir(pictures, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.KIRANA_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"],
});
const shops = new Shops();
const failed = [];
const began = Date.now();
console.log(`\nrunning ${chosen.length} journeys`);
try {
  for (const one of chosen) {
    const name = `${one.file.replace(/\.mjs$/, "")}: ${one.name}`;
    const picture = path.join(pictures, `${name.replace(/\W+/g, "-")}.png`);
    const start = Date.now();
    try {
      await walk(one, browser, shops, picture);
      console.log(`journey ${name} ... ok (${Date.now() - start} ms)`);
    } catch (error) {
      failed.push(name);
      console.log(`journey ${name} ... FAILED\n${error.stack ?? error}\nthe page: ${picture}`);
    }
  }
} finally {
  await browser.close();
  await shops.close();
}
const seconds = ((Date.now() - began) / 1000).toFixed(2);
const word = failed.length === 0 && chosen.length > 0 ? "ok" : "FAILED";
if (failed.length > 0) console.log(`\nfailed journeys:\n    ${failed.join("\n    ")}`);
// In the words of Rust's test runner, so that whoever adds results up can read both.
console.log(
  `\ntest result: ${word}. ${chosen.length - failed.length} passed; ${failed.length} failed; 0 ignored; 0 measured; ` +
    `${journeys.length - chosen.length} filtered out; finished in ${seconds}s`,
);
process.exitCode = word === "ok" ? 0 : 1;
