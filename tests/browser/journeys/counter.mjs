// The counter: what is scanned, paid, held, and what happens while the server is away.

import { journey } from "../lib/journey.mjs";

const ATTA_5 = "8909910100119";
const ATTA_10 = "8909910100218";
const UNKNOWN = "8901234567890";
/** What the console says when a server is gone, or when a page asks for what is not there. */
const AWAY = /ERR_|Failed to load resource|Failed to fetch/;

/** Opens the till and waits until it knows what is sold. */
async function openTill(shop, page) {
  await page.goto(`${shop.url}/pos`);
  await page.waitForSelector("body[data-ready]");
}

/** Types as a scanner does. */
async function scan(page, code, end = "Enter") {
  for (const key of code) await page.keyboard.press(key);
  if (end) await page.keyboard.press(end);
}

/** The newest bills of the counter, as the server has them. */
async function bills(shop, context, after = 0) {
  const answer = await context.request.get(`${shop.url}/api/shopkeeper/orders?limit=100`);
  return (await answer.json()).filter((order) => order.channel === "counter" && Number(order.id) > after);
}

const last = async (shop, context) => Number((await bills(shop, context))[0].id);
const total = (page) => page.textContent("#total");
const nothingTyped = async (page, check) => check.equal(await page.inputValue("#search"), "");
const done = (page, how = "stored") => page.waitForSelector(`[data-done=${how}]`);

journey("two scans and exact cash are a bill", { shop: "own demo", as: "cashier" }, async ({ shop, page, context, check }) => {
  const before = await last(shop, context);
  await openTill(shop, page);
  await scan(page, ATTA_5);
  await scan(page, ATTA_10);
  await scan(page, ATTA_5, "Tab");
  await page.waitForFunction(() => document.getElementById("total").textContent === "₹977");
  await nothingTyped(page, check);
  check.equal(await page.locator("#lines > li").count(), 2, "the same code again is one more of the same line");
  await page.keyboard.press("Control+Enter");
  await done(page);
  const [bill] = await bills(shop, context, before);
  check.equal(bill.total, 977);
  check.equal(bill.status, "completed");
  check.equal(bill.due, 0);
  check.match(await page.textContent(".done"), new RegExp(bill.invoiceNumber));
  await page.keyboard.press("Enter");
  check.equal(await page.locator("#lines > li").count(), 0);
  await page.goto(`${shop.url}/pos/receipts/${bill.id}?width=58&given=1000`);
  check.match(await page.textContent(".slip"), /977\.00[\s\S]*1000\.00[\s\S]*23\.00/);
  await page.goto(`${shop.url}/pos/receipts?q=${bill.invoiceNumber}`);
  check.equal(await page.locator(".bills__row").count(), 1);
});

journey("typing is typing, a scan is a scan", { as: "cashier" }, async ({ shop, page, check }) => {
  await openTill(shop, page);
  await page.focus("#search");
  await page.keyboard.type(ATTA_5, { delay: 80 });
  check.equal(await page.inputValue("#search"), ATTA_5, "a fast typist stays one");
  await page.keyboard.press("Escape");
  const took = [];
  for (let round = 0; round < 20; round += 1) {
    const waiting = page.evaluate(
      (round) =>
        new Promise((done) => {
          let at = 0;
          addEventListener("keydown", (event) => event.key === "Enter" && (at = event.timeStamp), { capture: true, once: false });
          const seen = new MutationObserver(() => {
            seen.disconnect();
            requestAnimationFrame(() => setTimeout(() => done(performance.now() - at)));
          });
          seen.observe(document.getElementById("lines"), { childList: true });
          void round;
        }),
      round,
    );
    await scan(page, round % 2 ? ATTA_5 : ATTA_10);
    took.push(await waiting);
  }
  await nothingTyped(page, check);
  check.equal(await page.locator("#lines > li").count(), 2);
  took.sort((one, other) => one - other);
  console.log(`    scan to painted line: p95 ${took[18].toFixed(1)} ms`);
  check.ok(took[18] < 200, `p95 ${took[18]} ms, on a machine that does other things as well`);
});

journey("an unknown code becomes a quick item", { shop: "own demo", as: "cashier" }, async ({ shop, page, context, check }) => {
  const before = await last(shop, context);
  await openTill(shop, page);
  await scan(page, UNKNOWN);
  await page.waitForSelector("#scanned:not([hidden])");
  await page.keyboard.press("n");
  await page.fill("[name=name]", "Loose nails");
  await page.fill("[name=price]", "12.50");
  await page.keyboard.press("Enter");
  check.equal(await total(page), "₹12.50");
  await page.keyboard.press("F9");
  await page.fill("[name=amount]", "500");
  await page.keyboard.press("Enter");
  check.notEqual(await page.textContent(".sheet__problem"), "", "forty times the bill is asked about");
  await page.keyboard.press("Enter");
  await done(page);
  check.equal(await page.textContent(".done__amount"), "₹487.50");
  const [bill] = await bills(shop, context, before);
  check.deepEqual([bill.items[0].name, bill.items[0].price, bill.items[0].id], ["Loose nails", 12.5, undefined]);
});

journey("a bill is paid in parts, and a scan does not disturb it", { shop: "own demo", as: "cashier" }, async ({ shop, page, context, check }) => {
  const before = await last(shop, context);
  await openTill(shop, page);
  await scan(page, ATTA_5);
  await page.keyboard.press("F9");
  await scan(page, ATTA_10);
  await page.waitForSelector("[data-scanned]:not([hidden])");
  check.equal(await page.inputValue("[name=amount]"), "");
  check.match(await page.textContent(".pay__method[aria-pressed=true]"), /Cash/);
  await page.fill("[name=amount]", "100");
  await page.keyboard.press("Enter");
  await page.keyboard.press("2");
  const picture = page.locator(".pay__qr img");
  await picture.waitFor();
  check.match(await picture.getAttribute("src"), /amount=149\.00/);
  await page.fill("[name=reference]", "4821");
  await page.keyboard.press("Enter");
  await done(page);
  const [bill] = await bills(shop, context, before);
  check.deepEqual(
    bill.payments.map((payment) => [payment.method, payment.amount, payment.reference]),
    [["cash", 100, ""], ["upi", 149, "4821"]],
  );
});

journey("a bill is held, the next one served, the first resumed", { shop: "own demo", as: "owner" }, async ({ shop, page, context, check }) => {
  const before = await last(shop, context);
  await openTill(shop, page);
  await scan(page, ATTA_5);
  await page.keyboard.press("F8");
  await page.waitForSelector(".held");
  check.equal(await page.locator("#lines > li").count(), 0);
  await scan(page, ATTA_10);
  await page.keyboard.press("Control+Enter");
  await done(page);
  await page.keyboard.press("Enter");
  await page.keyboard.press("F8");
  await page.waitForFunction(() => document.getElementById("total").textContent === "₹249");
  await page.keyboard.press("%");
  await page.fill("[name=discount]", "10%");
  await page.keyboard.press("Enter");
  check.equal(await total(page), "₹224.10");
  await page.reload();
  await page.waitForSelector("body[data-ready]");
  check.equal(await total(page), "₹224.10", "a reload loses nothing");
  await page.keyboard.press("Control+Enter");
  await done(page);
  const sold = await bills(shop, context, before);
  check.deepEqual(sold.map((bill) => bill.total).sort((one, other) => one - other), [224.1, 479]);
});

journey("the server goes and comes back: each bill once", { shop: "own demo", as: "cashier", mayFail: AWAY }, async ({ shop, page, context, check }) => {
  const before = await last(shop, context);
  await openTill(shop, page);
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  await shop.kill();
  const sell = async () => {
    await scan(page, ATTA_5);
    await page.keyboard.press("Control+Enter");
    await done(page, "saved");
    await page.keyboard.press("Enter");
  };
  for (let sale = 0; sale < 5; sale += 1) await sell();
  check.match(await page.textContent("#chip"), /\(5\)/);
  await page.reload();
  await page.waitForSelector("body[data-ready]");
  await sell();
  check.match(await page.textContent("#chip"), /\(6\)/);
  await shop.restart();
  await page.click("#chip");
  await page.click(".sheet__form .button--primary");
  await page.waitForFunction(() => document.getElementById("chip").dataset.state === "ok");
  const sold = await bills(shop, context, before);
  check.equal(sold.length, 6);
  check.equal(new Set(sold.map((bill) => bill.invoiceNumber)).size, 6);
});
