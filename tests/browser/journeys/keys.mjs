import { journey } from "../lib/journey.mjs";

const isOpen = (page, id) => page.evaluate((id) => document.getElementById(id).open, id);

journey("the palette goes to a page and runs what the page offers", { as: "owner" }, async ({ shop, page, check }) => {
  await page.keyboard.press("Control+k");
  check.equal(await isOpen(page, "palette"), true);
  await page.keyboard.type("sett");
  check.equal(await page.locator("#palette-list [aria-selected=true]").count(), 1);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${shop.url}/settings`);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("no such thing");
  check.equal(await page.locator("#palette-list li").count(), 0);
  check.notEqual(await page.textContent(".palette__none"), "");
  await page.keyboard.press("Escape");
  check.equal(await isOpen(page, "palette"), false);
});

journey("letters go to pages, and are only letters in a field", { as: "owner" }, async ({ shop, page, check }) => {
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await page.waitForURL(`${shop.url}/settings`);
  await page.keyboard.press("g");
  await page.keyboard.press("h");
  await page.waitForURL(`${shop.url}/`);
  await page.keyboard.press("?");
  check.equal(await isOpen(page, "key-sheet"), true);
  await page.keyboard.press("Escape");
  await page.goto(`${shop.url}/settings/shop`);
  await page.fill("input[name=city]", "");
  await page.keyboard.type("gh?/");
  check.match(await page.inputValue("input[name=city]"), /^gh\?\/$/);
  check.equal(new URL(page.url()).pathname, "/settings/shop");
});
