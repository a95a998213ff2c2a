import { mustShowFocus, tabTo } from "../lib/focus.mjs";
import { journey } from "../lib/journey.mjs";

journey("the city is changed with nothing but the keyboard", { shop: "own demo" }, async ({ shop, page, check }) => {
  await page.goto(`${shop.url}/login`);
  await page.keyboard.type("owner@kirana.example");
  await tabTo(page, "[name=password]");
  await page.keyboard.type("kirana-demo");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${shop.url}/`);
  // The first stop is the way past all the others.
  await page.keyboard.press("Tab");
  await mustShowFocus(page);
  check.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await tabTo(page, ".rail a[href='/settings']");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${shop.url}/settings`);
  await tabTo(page, "main a[href='/settings/shop']");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${shop.url}/settings/shop`);
  await tabTo(page, "[name=city]");
  await page.keyboard.press("Control+a");
  await page.keyboard.type("Nashik");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".toast, [data-saved]");
  await mustShowFocus(page);
  check.equal(await page.inputValue("[name=city]"), "Nashik");
});
