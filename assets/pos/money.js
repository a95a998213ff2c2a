// Amounts are whole paise and quantities whole thousandths, never floats. The rules are those of the server
// (src/orders/rules/bill.rs), so that a till can name a total while the server is away; the server's total counts.

// Reads "60", "62.5" or "1,200.00" as paise; null when it is none.
export function readPaise(text) {
  return readUnits(text, 2);
}

// Reads "2" or "0.350" as thousandths; null when it is none.
export function readMilli(text) {
  return readUnits(text, 3);
}

function readUnits(text, decimals) {
  const found = /^(\d{1,9})(?:\.(\d*))?$|^\.(\d+)$/.exec(text.trim().replace(/^₹|,/g, ""));
  if (!found) return null;
  const fraction = (found[2] ?? found[3] ?? "").replace(/0+$/, "");
  if (fraction.length > decimals) return null;
  return Number(found[1] ?? 0) * 10 ** decimals + Number(fraction.padEnd(decimals, "0"));
}

// "285.00", as the server reads it.
export function plainPaise(paise) {
  const sign = paise < 0 ? "-" : "";
  const size = Math.abs(paise);
  return `${sign}${Math.floor(size / 100)}.${String(size % 100).padStart(2, "0")}`;
}

// "0.35", as the server reads it and people do.
export function plainMilli(milli) {
  const fraction = String(milli % 1000).padStart(3, "0").replace(/0+$/, "");
  return fraction ? `${Math.floor(milli / 1000)}.${fraction}` : String(milli / 1000);
}

// "₹1,24,800.50"; whole rupees go without paise.
export function rupees(paise) {
  const size = Math.abs(paise);
  let whole = String(Math.floor(size / 100));
  if (whole.length > 3) whole = `${whole.slice(0, -3).replace(/\B(?=(\d\d)+$)/g, ",")},${whole.slice(-3)}`;
  const rest = size % 100 ? `.${String(size % 100).padStart(2, "0")}` : "";
  return `${paise < 0 ? "−" : ""}₹${whole}${rest}`;
}

// Halves go away from zero, as on bills; the dividend may be larger than a number holds exactly.
function divideHalfUp(dividend, divisor) {
  return Number((dividend + divisor / 2n) / divisor);
}

// Price times quantity.
export function grossOf(price, milli) {
  return divideHalfUp(BigInt(price) * BigInt(milli), 1000n);
}

// How much of something costs so much.
export function milliFor(paise, price) {
  return price > 0 ? Math.max(1, divideHalfUp(BigInt(paise) * 1000n, BigInt(price))) : 0;
}

// What a bill comes to: gross, discount, tax that is added, rounding, total.
export function sumsOf(bill, toRupee) {
  const grosses = bill.lines.map((line) => grossOf(line.price, line.milli));
  const gross = grosses.reduce((sum, one) => sum + one, 0);
  const discount = Math.min(gross, bill.discount?.share ? divideHalfUp(BigInt(gross) * BigInt(bill.discount.share), 10_000n) : (bill.discount?.amount ?? 0));
  const shares = spread(discount, grosses);
  let tax = 0;
  bill.lines.forEach((line, index) => {
    if (line.incl || !line.tax) return;
    tax += 2 * divideHalfUp(BigInt(grosses[index] - shares[index]) * BigInt(line.tax), 20_000n);
  });
  const sum = gross - discount + tax;
  const total = toRupee ? Math.floor((sum + 50) / 100) * 100 : sum;
  return { grosses, gross, discount, tax, rounding: total - sum, total };
}

// Spreads an amount over weights by largest remainder.
function spread(amount, weights) {
  const whole = weights.reduce((sum, one) => sum + BigInt(one), 0n);
  if (!amount || !whole) return weights.map(() => 0);
  const exact = weights.map((weight) => BigInt(amount) * BigInt(weight));
  const shares = exact.map((one) => Number(one / whole));
  let left = amount - shares.reduce((sum, one) => sum + one, 0);
  const order = exact.map((one, index) => [one % whole, index]).sort((a, b) => (a[0] < b[0] ? 1 : a[0] > b[0] ? -1 : a[1] - b[1]));
  for (const [, index] of order) if (left-- > 0) shares[index] += 1;
  return shares;
}
