import { journey } from "../lib/journey.mjs";

journey("a wrong password is told, and the right one leads where one wanted to go", { mayFail: /401/ }, async ({ shop, page, check }) => {
  await page.goto(`${shop.url}/login?next=%2F%3Fseen%3D1`);
  await page.fill("[name=login]", "owner@kirana.example");
  await page.fill("[name=password]", "not this");
  await page.press("[name=password]", "Enter");
  await page.waitForSelector("[role=alert]");
  check.equal(await page.inputValue("[name=login]"), "owner@kirana.example");
  await page.fill("[name=password]", "kirana-demo");
  await page.press("[name=password]", "Enter");
  await page.waitForURL(`${shop.url}/?seen=1`);
  await page.click(".header__out button");
  await page.waitForURL(`${shop.url}/login`);
});

journey("language and colours are chosen once and stay", { as: "owner" }, async ({ shop, page, check }) => {
  await page.click(".switch a");
  await page.waitForLoadState();
  check.equal(await page.getAttribute("html", "lang"), "hi");
  check.equal(new URL(page.url()).search, "", "the choice does not stay in the address");
  await page.locator("header a[href*='theme=']").click();
  await page.waitForLoadState();
  check.equal(await page.getAttribute("html", "data-theme"), "light");
  await page.goto(`${shop.url}/`);
  check.equal(await page.getAttribute("html", "lang"), "hi");
  check.equal(await page.getAttribute("html", "data-theme"), "light");
});

journey("one logs in without JavaScript", { context: { javaScriptEnabled: false } }, async ({ shop, page, check }) => {
  await shop.signIn(page, "cashier");
  check.equal(await page.locator(".rail a[aria-current=page]").count(), 1);
});
