import { journey } from "../lib/journey.mjs";

const send = async (page, name) => {
  await page.getByRole("button", { name, exact: true }).click();
  await page.waitForLoadState();
};

journey("a GST number is checked, stored and said in one sentence", { shop: "own demo", as: "owner", mayFail: /400/ }, async ({ shop, page, check }) => {
  await page.goto(`${shop.url}/settings/shop`);
  await page.fill("[name=gstin]", "27AAPFU0939F1ZX");
  await page.fill("[name=city]", "Nashik");
  await send(page, "Save");
  check.equal(await page.locator("#gstin-note.field__error").count(), 1);
  check.equal(await page.inputValue("[name=city]"), "Nashik", "what was typed stays");
  await page.fill("[name=gstin]", "27AAPFU0939F1ZV");
  await send(page, "Save");
  check.equal(await page.locator("[data-saved]").count(), 1);
  check.match(await page.textContent(".page-head"), /27AAPFU0939F1ZV/);
  await page.goto(`${shop.url}/settings`);
  check.match(await page.textContent("a[href='/settings/shop']"), /27AAPFU0939F1ZV/);
});

journey("of two who change the shop at once the second is told", { shop: "own demo", as: "owner", mayFail: /412/ }, async ({ shop, context, page, check }) => {
  const other = await context.newPage();
  for (const one of [page, other]) await one.goto(`${shop.url}/settings/shop`);
  await page.fill("[name=city]", "Nashik");
  await send(page, "Save");
  await other.fill("[name=city]", "Nagpur");
  await send(other, "Save");
  check.equal(await other.locator("[role=alert]").count(), 1);
  await page.goto(`${shop.url}/settings/shop`);
  check.equal(await page.inputValue("[name=city]"), "Nashik");
});

journey("a picture of the QR is uploaded, shown and removed", { shop: "own demo", as: "owner", mayFail: /400/ }, async ({ shop, page, check }) => {
  const dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  const file = (mimeType, buffer) => ({ name: "qr", mimeType, buffer });
  await page.goto(`${shop.url}/settings/payments`);
  await page.setInputFiles("[name=picture]", file("image/png", Buffer.from("no picture at all")));
  await send(page, "Save");
  check.equal(await page.locator("#picture-note.field__error").count(), 1);
  await page.setInputFiles("[name=picture]", file("image/png", Buffer.from(dot, "base64")));
  await send(page, "Save");
  check.match(await page.getAttribute(".qr img", "src"), /^data:image\/png/);
  await page.check("[name=removePicture]");
  await send(page, "Save");
  check.match(await page.getAttribute(".qr img", "src"), /^data:image\/svg/);
});

journey("a key is shown once and works until it is revoked", { shop: "own demo", as: "owner" }, async ({ shop, page, check }) => {
  await page.goto(`${shop.url}/settings/keys`);
  await page.fill("[name=name]", "Scales");
  await send(page, "Make the key");
  const key = (await page.textContent("[data-key]")).trim();
  const call = async () => (await fetch(`${shop.url}/api/products?limit=1`, { headers: { "x-api-key": key } })).status;
  check.equal(await call(), 200);
  await page.goto(`${shop.url}/settings/keys`);
  check.ok(!(await page.content()).includes(key));
  await send(page, "Revoke Scales");
  check.equal(await call(), 401);
});

journey("somebody is added, changes their role, and is kept out", { shop: "own demo", as: "owner", mayFail: /40[013]/ }, async ({ shop, browser, page, check }) => {
  await page.goto(`${shop.url}/settings/people`);
  for (const [name, text] of [["name", "Farhan Ali"], ["login", "98111 22233"], ["password", "a good long one"]]) {
    await page.fill(`#add ~ form [name=${name}]`, text);
  }
  await send(page, "Add");
  check.match(await page.textContent("main"), /Farhan Ali/);
  const theirs = await (await browser.newContext()).newPage();
  await shop.signIn(theirs, "9811122233", "a good long one");
  const answer = await theirs.goto(`${shop.url}/settings`);
  check.equal(answer.status(), 403, "a cashier has no settings");
  await page.selectOption("[aria-label='Role of Farhan Ali']", "manager");
  await send(page, "Change role of Farhan Ali");
  check.match(await page.textContent("main"), /Manager · 9811122233/);
  await send(page, "Disable Farhan Ali");
  check.match(await page.textContent("main"), /Disabled/);
  await theirs.context().close();
});

journey("who signs up as a shopkeeper waits until the owner lets them in", { shop: "empty" }, async ({ shop, page, check }) => {
  await page.goto(`${shop.url}/setup`);
  for (const [name, text] of [["shop_name", "Asha Stores"], ["owner_name", "Asha"], ["login", "asha@example.com"], ["password", "a good long one"]]) {
    await page.fill(`[name=${name}]`, text);
  }
  await page.press("[name=password]", "Enter");
  await page.waitForURL(`${shop.url}/`);
  const body = { email: "ravi@example.com", password: "a good long one", firstName: "Ravi", lastName: "P", phone: "1", role: "shopkeeper" };
  const answer = await fetch(`${shop.url}/api/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  check.equal(answer.status, 201);
  await page.goto(`${shop.url}/settings`);
  check.match(await page.textContent("a[href='/settings/people']"), /Waiting for your approval: 1/);
  await page.goto(`${shop.url}/settings/people`);
  await page.selectOption("[aria-label='Role of Ravi P']", "cashier");
  await send(page, "Let in");
  check.match(await page.textContent("main"), /Cashier · ravi@example.com/);
});
