// Every page, for the looks that all pages are given. `ready` is what a page shows when it is done.

export const routes = [
  { path: "/login" },
  { path: "/no-such-page" },
  { path: "/", as: "owner" },
  { path: "/", as: "cashier" },
  { path: "/", as: "customer" },
  { path: "/setup", shop: "empty" },
  // shell and settings
  { path: "/gallery", as: "owner" },
  { path: "/settings", as: "owner" },
  { path: "/settings/shop", as: "owner" },
  { path: "/settings/payments", as: "owner" },
  { path: "/settings/language", as: "owner" },
  { path: "/settings/people", as: "owner" },
  { path: "/settings/keys", as: "owner" },
  { path: "/settings/backup", as: "owner" },
  // counter
  { path: "/pos", as: "cashier", ready: "body[data-ready]" },
  { path: "/pos/receipts", as: "cashier" },
  { path: "/pos/receipts/1", as: "cashier" },
  // back office
  { path: "/orders", as: "owner" },
  { path: "/orders?column=done", as: "owner" },
  { path: "/orders/1", as: "owner" },
  { path: "/inventory", as: "owner" },
  { path: "/inventory", as: "cashier" },
  { path: "/inventory/1", as: "owner" },
  { path: "/inventory/new", as: "owner" },
  { path: "/inventory/import", as: "owner" },
  { path: "/customers", as: "owner" },
  { path: "/analytics", as: "owner" },
  // customer shop
];
