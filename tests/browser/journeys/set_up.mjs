import { journey } from "../lib/journey.mjs";

journey("every page of a new shop leads to the first one, and five entries open it", { shop: "empty" }, async ({ shop, page, check }) => {
  for (const path of ["/", "/login", "/settings", "/no-such-page"]) {
    await page.goto(shop.url + path);
    check.equal(new URL(page.url()).pathname, "/setup", path);
  }
  check.match(shop.said(), /http:\/\/localhost:\d+/);
  check.equal(await page.locator("[name=code]").count(), 0, "this machine needs no code");
  check.equal(await page.evaluate(() => document.activeElement.name), "shop_name", "one may type at once");
  // With nothing but the keyboard: four fields and Enter.
  for (const text of ["Asha Stores", "Asha Sharma", "98765 43210", "a good long one"]) {
    await page.keyboard.type(text);
    await page.keyboard.press(text === "a good long one" ? "Enter" : "Tab");
  }
  await page.waitForURL(`${shop.url}/`);
  check.equal(await page.textContent(".header__shop"), "Asha Stores");
  check.match(await page.textContent(".header__user"), /Asha Sharma/);
  await page.goto(`${shop.url}/setup`);
  check.equal(new URL(page.url()).pathname, "/", "it is done once");
  // And the telephone number logs in again.
  await page.context().clearCookies();
  await shop.signIn(page, "9876543210", "a good long one");
  check.equal(new URL(page.url()).pathname, "/");
});

journey("what is wrong is said beside its field, and what was typed stays", { shop: "empty", mayFail: /400/ }, async ({ shop, page, check }) => {
  await page.goto(`${shop.url}/setup`);
  await page.fill("[name=shop_name]", "Asha Stores");
  await page.fill("[name=owner_name]", "Asha");
  await page.fill("[name=login]", "neither");
  await page.fill("[name=password]", "123456");
  await page.press("[name=password]", "Enter");
  await page.waitForSelector(".field__error");
  check.equal(await page.locator(".field__error").count(), 2);
  check.equal(await page.inputValue("[name=shop_name]"), "Asha Stores");
  check.equal(await page.getAttribute("[name=login]", "aria-invalid"), "true");
});

journey("another device needs the code that the server shows", { shop: "empty", mayFail: /400|429/ }, async ({ shop, context, page, check }) => {
  // A proxy that nobody told us of hides a machine that is not this one.
  await context.setExtraHTTPHeaders({ "x-forwarded-for": "192.0.2.7" });
  const fill = async (code) => {
    await page.goto(`${shop.url}/setup?code=${code}`);
    for (const [name, text] of [["shop_name", "Asha Stores"], ["owner_name", "Asha"], ["login", "asha@example.com"], ["password", "a good long one"]]) {
      await page.fill(`[name=${name}]`, text);
    }
    await page.press("[name=password]", "Enter");
    await page.waitForLoadState();
  };
  await fill("ABCD-EFGH");
  check.equal(new URL(page.url()).pathname, "/setup");
  check.equal(await page.locator("#code-note.field__error").count(), 1);
  const [, code] = /set-up code for other devices is ([A-Z2-9-]+)/.exec(shop.said());
  await fill(code.toLowerCase());
  await page.waitForURL(`${shop.url}/`);
});
