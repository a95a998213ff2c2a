-- The first schema: shop, people, catalogue, stock, selling, customers, roll-ups, jobs, audit.
--
-- Conventions. Money is whole paise, quantities whole thousandths of the product's unit, tax rates
-- basis points, instants milliseconds since 1970 in UTC (`_at`), business dates the number yyyymmdd
-- in the shop's time zone (`_on`). Flags are 0 or 1. Ids come from us. A key that belongs to a
-- branch starts with store_id.
--
-- Hot tables (orders, lines, moves, payments) have keys in time order and no other index: an index
-- with random leaves costs more than all the logic of a sale. What such an index would answer is
-- answered by a chain instead: a customer's row names their last order, an order the one before it;
-- a stock row names its last move, a move the one before it. Their rules compare word by word: SQLite
-- builds a table for each `in (...)` of more than two, with each row, which made the inserts of a sale 1.6 times as dear.
-- Lines and payments have no foreign key: they are written with their order, which is never deleted, and
-- PostgreSQL would look the order up again for each of them; `kirana check` proves that none is loose.

-- The numbers of each thing that is numbered. (SQLite keeps the last one in a table.)
create sequence users_ids;
create sequence api_keys_ids;
create sequence stores_ids start 2;
create sequence categories_ids;
create sequence products_ids;
create sequence price_changes_ids;
create sequence imports_ids;
create sequence images_ids;
create sequence moves_ids;
create sequence orders_ids;
create sequence jobs_ids;

-- shop -----------------------------------------------------------------------------------------

create table images (
  id bigint not null primary key,
  content_type text not null,
  bytes bytea not null,
  created_at bigint not null
);

create table shop (
  id bigint not null primary key,
  name text not null,
  legal_name text not null default '',
  gstin text not null default '',
  address text not null default '',
  city text not null default '',
  pincode text not null default '',
  state_code text not null default '',
  phone text not null default '',
  email text not null default '',
  currency text not null default 'INR',
  time_zone text not null default 'Asia/Kolkata',
  invoice_prefix text not null default 'K',
  upi_id text not null default '',
  -- The uploaded payment QR, as a data URL; empty when the QR is drawn from upi_id.
  qr_image text not null default '',
  -- Bills are rounded to the rupee on a line of their own.
  round_to_rupee bigint not null default 0,
  -- Rules for in-store weighed-item labels, as JSON (see catalog::barcode).
  label_rules text not null default '',
  -- A demo shop shows a banner on every page.
  demo bigint not null default 0,
  updated_at bigint not null,
  version bigint not null default 1,
  constraint shop_one_row check (id = 1),
  constraint shop_flags check (round_to_rupee in (0, 1) and demo in (0, 1))
);

create table stores (
  id bigint not null primary key,
  code text collate "C" not null,
  name text not null,
  address text not null default '',
  state_code text not null default '',
  phone text not null default '',
  hours text not null default '',
  -- Orders that can be picked up in one slot.
  slot_capacity bigint not null default 10,
  status text not null default 'active',
  created_at bigint not null,
  version bigint not null default 1,
  constraint stores_code_unique unique (code),
  constraint stores_status check (status in ('active', 'archived')),
  constraint stores_slot_capacity check (slot_capacity >= 0)
);

-- people ---------------------------------------------------------------------------------------

create table users (
  id bigint not null primary key,
  kind text not null,
  role text not null,
  status text not null,
  username text,
  -- The user name normalised and folded, so that no two differ only in case.
  username_key text collate "C",
  email text,
  email_key text collate "C",
  phone text not null default '',
  first_name text not null default '',
  last_name text not null default '',
  -- Argon2id in PHC form; none for a customer who never logs in.
  password_hash text,
  designation text not null default '',
  date_of_birth_on bigint,
  address text not null default '',
  city text not null default '',
  pincode text not null default '',
  -- The branch that a member of staff is bound to; none means all.
  store_id bigint,
  language text not null default 'en',
  totp_secret text,
  -- The last time step that was used, so that a code works once.
  totp_step bigint,
  last_login_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  version bigint not null default 1,
  constraint users_username_unique unique (username_key),
  constraint users_email_unique unique (kind, email_key),
  constraint users_kind check (kind in ('staff', 'customer')),
  constraint users_role check (role in ('owner', 'manager', 'cashier', 'stock_keeper', 'customer')),
  constraint users_kind_fits_role check ((kind = 'customer') = (role = 'customer')),
  constraint users_status check (status in ('active', 'pending', 'disabled')),
  constraint users_store foreign key (store_id) references stores (id)
);

create table sessions (
  -- The `jti` of a bearer token, or the hash of a cookie's secret, as hex.
  id text collate "C" not null primary key,
  user_id bigint not null,
  kind text not null,
  created_at bigint not null,
  expires_at bigint not null,
  revoked_at bigint,
  address text not null default '',
  agent text not null default '',
  constraint sessions_kind check (kind in ('token', 'cookie')),
  constraint sessions_user foreign key (user_id) references users (id)
);
create index sessions_by_user on sessions (user_id);

create table password_resets (
  -- SHA-256 of the mailed secret, as hex.
  id text collate "C" not null primary key,
  user_id bigint not null,
  expires_at bigint not null,
  used_at bigint,
  constraint password_resets_user foreign key (user_id) references users (id)
);

-- Failed log-ins, for each account and each address.
create table throttles (
  subject text collate "C" not null primary key,
  failures bigint not null,
  last_failure_at bigint not null,
  blocked_until_at bigint not null
);

create table api_keys (
  id bigint not null primary key,
  name text not null,
  prefix text collate "C" not null,
  -- SHA-256 of the whole key, as hex; the key itself is shown once.
  secret_hash text not null,
  role text not null,
  store_id bigint,
  created_by bigint,
  created_at bigint not null,
  last_used_at bigint,
  expires_at bigint,
  revoked_at bigint,
  constraint api_keys_prefix_unique unique (prefix),
  constraint api_keys_role check (role in ('owner', 'manager', 'cashier', 'stock_keeper')),
  constraint api_keys_store foreign key (store_id) references stores (id),
  constraint api_keys_creator foreign key (created_by) references users (id)
);

-- One chain for each writer, so that no row is written by two. Personal data is not in it: `address`
-- stands beside the hash and may be erased.
create table audit_log (
  chain bigint not null,
  seq bigint not null,
  at bigint not null,
  actor text not null,
  action text not null,
  subject text collate "C" not null,
  detail text not null,
  address text not null default '',
  previous_hash bytea not null,
  hash bytea not null,
  constraint audit_log_key primary key (chain, seq)
);
create index audit_log_by_time on audit_log (at);

-- catalogue ------------------------------------------------------------------------------------

create table categories (
  id bigint not null primary key,
  parent_id bigint,
  name text not null,
  name_key text collate "C" not null,
  position bigint not null default 0,
  created_at bigint not null,
  version bigint not null default 1,
  constraint categories_name_unique unique (name_key),
  constraint categories_parent foreign key (parent_id) references categories (id),
  constraint categories_not_own_parent check (parent_id is null or parent_id <> id)
);

create table imports (
  id bigint not null primary key,
  kind text not null,
  file_name text not null,
  at bigint not null,
  user_id bigint,
  rows_created bigint not null,
  rows_updated bigint not null,
  rows_refused bigint not null,
  undone_at bigint,
  constraint imports_user foreign key (user_id) references users (id)
);

create table products (
  id bigint not null primary key,
  sku text collate "C" not null,
  name text not null,
  -- The name folded, for look-ups and sorting in any letter case.
  name_key text collate "C" not null,
  -- The name in the shop's second language, for screens and receipts.
  name_local text not null default '',
  description text not null default '',
  category_id bigint not null,
  brand text not null default '',
  unit text not null default 'pcs',
  mrp_paise bigint,
  price_paise bigint not null,
  price_includes_tax bigint not null default 1,
  cost_paise bigint,
  tax_rate_bp bigint not null default 0,
  hsn text not null default '',
  -- Hundredths of a star.
  rating_centi bigint,
  review_count bigint not null default 0,
  -- Sold before this shop used Kirana, as another system reported it. Sales here are in product_days.
  sold_before_milli bigint not null default 0,
  -- The code that a weighed-item label carries.
  item_code text,
  image_id bigint,
  status text not null default 'active',
  track_stock bigint not null default 1,
  track_batches bigint not null default 0,
  allow_negative bigint not null default 0,
  owner_id bigint,
  import_id bigint,
  created_at bigint not null,
  updated_at bigint not null,
  version bigint not null default 1,
  constraint products_sku_unique unique (sku),
  constraint products_unit check (unit in ('pcs', 'kg', 'g', 'l', 'ml', 'm')),
  constraint products_status check (status in ('active', 'archived')),
  constraint products_price_not_negative check (price_paise >= 0),
  constraint products_mrp_not_negative check (mrp_paise is null or mrp_paise >= 0),
  constraint products_cost_not_negative check (cost_paise is null or cost_paise >= 0),
  constraint products_tax_rate check (tax_rate_bp between 0 and 10000),
  constraint products_rating check (rating_centi is null or rating_centi between 0 and 500),
  constraint products_flags check (price_includes_tax in (0, 1) and track_stock in (0, 1) and track_batches in (0, 1) and allow_negative in (0, 1)),
  constraint products_category foreign key (category_id) references categories (id),
  constraint products_image foreign key (image_id) references images (id),
  constraint products_owner foreign key (owner_id) references users (id),
  constraint products_import foreign key (import_id) references imports (id)
);
create index products_by_category on products (category_id);
create index products_by_name on products (name_key);
-- Counts what is on sale, and lists it by age, without reading the rows.
create index products_by_status on products (status, id);
create index products_by_item_code on products (item_code) where item_code is not null;

-- The words of a product's name, brand and codes, for search as one types. Words are cut in the
-- program, by Unicode's rules, so that both engines keep Devanagari whole.
create table product_words (
  word text collate "C" not null,
  product_id bigint not null,
  constraint product_words_key primary key (word, product_id),
  constraint product_words_product foreign key (product_id) references products (id)
);
create index product_words_by_product on product_words (product_id);

create table barcodes (
  code text collate "C" not null,
  product_id bigint not null,
  kind text not null,
  created_at bigint not null,
  constraint barcodes_code_unique primary key (code),
  constraint barcodes_kind check (kind in ('ean13', 'ean8', 'upca', 'gtin14', 'other')),
  constraint barcodes_product foreign key (product_id) references products (id)
);
create index barcodes_by_product on barcodes (product_id);

create table price_changes (
  id bigint not null primary key,
  product_id bigint not null,
  at bigint not null,
  user_id bigint,
  old_price_paise bigint not null,
  new_price_paise bigint not null,
  old_mrp_paise bigint,
  new_mrp_paise bigint,
  constraint price_changes_product foreign key (product_id) references products (id)
);
create index price_changes_by_product on price_changes (product_id, id);

-- What an import changed in a product that was already there, so that it can be put back.
create table import_changes (
  import_id bigint not null,
  product_id bigint not null,
  -- The product as it was, as JSON.
  before text not null,
  constraint import_changes_key primary key (import_id, product_id),
  constraint import_changes_import foreign key (import_id) references imports (id)
);

-- stock ----------------------------------------------------------------------------------------

create table stock (
  store_id bigint not null,
  product_id bigint not null,
  on_hand_milli bigint not null,
  reserved_milli bigint not null default 0,
  reorder_level_milli bigint not null default 0,
  reorder_quantity_milli bigint not null default 0,
  -- The same as the product's, so that the rule below can see it.
  allow_negative bigint not null default 0,
  last_move_id bigint,
  constraint stock_key primary key (store_id, product_id),
  constraint stock_not_negative check (on_hand_milli >= 0 or allow_negative = 1),
  constraint stock_reserved check (reserved_milli >= 0),
  constraint stock_levels check (reorder_level_milli >= 0 and reorder_quantity_milli >= 0),
  constraint stock_store foreign key (store_id) references stores (id),
  constraint stock_product foreign key (product_id) references products (id)
);

-- A product that is deleted is looked for here; sales do not touch this index.
create index stock_by_product on stock (product_id);

-- Append-only. The order and product are not foreign keys: the writer has just read both.
create table stock_moves (
  store_id bigint not null,
  id bigint not null,
  product_id bigint not null,
  delta_milli bigint not null,
  balance_after_milli bigint not null,
  previous_move_id bigint,
  reason text not null,
  order_id bigint,
  note text not null default '',
  unit_cost_paise bigint,
  user_id bigint,
  at bigint not null,
  happened_on bigint not null,
  constraint stock_moves_key primary key (store_id, id),
  constraint stock_moves_reason check (
    reason = 'opening' or reason = 'sale' or reason = 'cancellation' or reason = 'return' or
    reason = 'purchase' or reason = 'adjustment' or reason = 'count' or reason = 'transfer' or
    reason = 'damage' or reason = 'expiry')
);

-- selling --------------------------------------------------------------------------------------

-- Append-mostly, in time order.
create table orders (
  store_id bigint not null,
  id bigint not null,
  customer_id bigint,
  placed_by text not null,
  channel text not null,
  status text not null,
  placed_at bigint not null,
  placed_on bigint not null,
  line_count bigint not null,
  -- Sum of the lines' gross amounts before any discount.
  gross_paise bigint not null,
  -- The order's own discount, already spread over the lines.
  discount_paise bigint not null,
  taxable_paise bigint not null,
  cgst_paise bigint not null,
  sgst_paise bigint not null,
  igst_paise bigint not null,
  -- The untaxed line that rounds the bill to the rupee.
  rounding_paise bigint not null,
  total_paise bigint not null,
  paid_paise bigint not null,
  note text not null default '',
  -- The customer's order before this one, in whatever store.
  previous_order_id bigint,
  -- Where the audit log vouches for this order.
  audit_chain bigint not null,
  audit_seq bigint not null,
  invoice_year bigint,
  invoice_number bigint,
  updated_at bigint not null,
  version bigint not null default 1,
  constraint orders_key primary key (store_id, id),
  constraint orders_channel check (
    channel = 'web' or channel = 'counter' or channel = 'api' or channel = 'import'),
  constraint orders_status check (
    status = 'placed' or status = 'confirmed' or status = 'packed' or status = 'ready' or
    status = 'completed' or status = 'cancelled'),
  constraint orders_amounts check (gross_paise >= 0 and discount_paise >= 0 and total_paise >= 0 and paid_paise >= 0),
  constraint orders_total check (taxable_paise + cgst_paise + sgst_paise + igst_paise + rounding_paise = total_paise)
);
create index orders_open on orders (store_id, id) where status <> 'completed' and status <> 'cancelled';
create unique index orders_invoice_unique on orders (store_id, invoice_year, invoice_number) where invoice_number is not null;

create table order_lines (
  store_id bigint not null,
  order_id bigint not null,
  line_no bigint not null,
  -- 0 for an open item, which is named on the bill alone and moves no stock.
  product_id bigint not null,
  name text not null,
  hsn text not null,
  unit text not null,
  quantity_milli bigint not null,
  unit_price_paise bigint not null,
  price_includes_tax bigint not null,
  discount_paise bigint not null,
  tax_rate_bp bigint not null,
  taxable_paise bigint not null,
  cgst_paise bigint not null,
  sgst_paise bigint not null,
  igst_paise bigint not null,
  -- What the customer pays for the line, tax included.
  total_paise bigint not null,
  unit_cost_paise bigint,
  constraint order_lines_key primary key (store_id, order_id, line_no),
  constraint order_lines_quantity check (quantity_milli > 0),
  constraint order_lines_total check (taxable_paise + cgst_paise + sgst_paise + igst_paise = total_paise)
);

-- Sales of open items are found by their names; lines of products do not touch this index.
create index order_lines_open on order_lines (store_id, order_id) where product_id = 0;

-- Who moved an order on, and when. The placing itself stands on the order.
create table order_steps (
  store_id bigint not null,
  order_id bigint not null,
  step_no bigint not null,
  from_status text not null,
  to_status text not null,
  actor text not null,
  at bigint not null,
  note text not null default '',
  constraint order_steps_key primary key (store_id, order_id, step_no),
  constraint order_steps_order foreign key (store_id, order_id) references orders (store_id, id)
);

create table payments (
  store_id bigint not null,
  order_id bigint not null,
  payment_no bigint not null,
  method text not null,
  state text not null,
  amount_paise bigint not null,
  reference text not null default '',
  actor text not null,
  at bigint not null,
  paid_on bigint not null,
  confirmed_at bigint,
  constraint payments_key primary key (store_id, order_id, payment_no),
  constraint payments_method check (
    method = 'cash' or method = 'card' or method = 'upi' or method = 'credit' or
    method = 'store_credit'),
  constraint payments_state check (
    state = 'pending' or state = 'confirmed' or state = 'failed' or state = 'refunded'),
  constraint payments_amount check (amount_paise >= 0)
);

create table invoice_series (
  store_id bigint not null,
  invoice_year bigint not null,
  last_number bigint not null,
  constraint invoice_series_key primary key (store_id, invoice_year)
);

-- What was answered to a request with an Idempotency-Key, in the order of time. Keys come at random, so
-- the index over them is kept small: eight bytes of a hash, in the bucket of the UTC day. A key is looked
-- up in today's and yesterday's bucket, so that each holds for 24 hours at least.
create table idempotency_keys (
  bucket bigint not null,
  -- The first eight bytes of SHA-256 over principal and key.
  key_hash bigint not null,
  principal text collate "C" not null,
  key text collate "C" not null,
  request_hash bytea not null,
  status bigint not null,
  body text not null,
  at bigint not null
);
create unique index idempotency_keys_unique on idempotency_keys (bucket, key_hash);

-- customers ------------------------------------------------------------------------------------

-- One row for each user of kind customer; kept current by every sale.
create table customers (
  user_id bigint not null primary key,
  order_count bigint not null default 0,
  spent_paise bigint not null default 0,
  last_order_id bigint,
  last_order_at bigint,
  -- What the customer owes (khata).
  credit_paise bigint not null default 0,
  credit_limit_paise bigint not null default 0,
  loyalty_points bigint not null default 0,
  marketing_consent bigint not null default 0,
  constraint customers_user foreign key (user_id) references users (id)
);

-- The khata: append-only, one row for each change of what a customer owes.
create table credit_moves (
  customer_id bigint not null,
  move_no bigint not null,
  delta_paise bigint not null,
  balance_after_paise bigint not null,
  store_id bigint not null,
  order_id bigint,
  note text not null default '',
  actor text not null,
  at bigint not null,
  constraint credit_moves_key primary key (customer_id, move_no),
  constraint credit_moves_customer foreign key (customer_id) references customers (user_id)
);

-- roll-ups -------------------------------------------------------------------------------------
-- Sums of the orders that were not cancelled, by the business date on which they were placed, kept
-- in the transaction of the sale. Each writer has rows of its own (`writer`), so that two servers
-- never wait for each other's row of the day; readers sum over them.

-- What a day sold of a product, what it moved of its stock by sales and otherwise, and the last of the
-- moves. Stock as of a past instant is what is on hand now less the days since, less that day's moves
-- after the instant.
-- The product 0 sums up the open items.
create table product_days (
  store_id bigint not null,
  day bigint not null,
  product_id bigint not null,
  writer bigint not null,
  line_count bigint not null default 0,
  sold_milli bigint not null default 0,
  revenue_paise bigint not null default 0,
  tax_paise bigint not null default 0,
  cost_paise bigint not null default 0,
  moved_milli bigint not null default 0,
  -- Empty when nothing moved, as with a product whose stock is not counted.
  last_move_id bigint,
  constraint product_days_key primary key (store_id, day, product_id, writer)
);

create table store_days (
  store_id bigint not null,
  sold_on bigint not null,
  writer bigint not null,
  order_count bigint not null default 0,
  cancelled_count bigint not null default 0,
  line_count bigint not null default 0,
  revenue_paise bigint not null default 0,
  tax_paise bigint not null default 0,
  discount_paise bigint not null default 0,
  cost_paise bigint not null default 0,
  constraint store_days_key primary key (store_id, sold_on, writer)
);

create table customer_days (
  store_id bigint not null,
  sold_on bigint not null,
  customer_id bigint not null,
  writer bigint not null,
  order_count bigint not null default 0,
  spent_paise bigint not null default 0,
  constraint customer_days_key primary key (store_id, sold_on, customer_id, writer)
);

-- jobs -----------------------------------------------------------------------------------------

create table jobs (
  id bigint not null primary key,
  kind text not null,
  payload text not null,
  run_at bigint not null,
  attempts bigint not null default 0,
  last_error text not null default '',
  -- Until then the job is somebody's; afterwards it is anybody's again.
  claimed_until_at bigint not null default 0,
  created_at bigint not null,
  done_at bigint,
  failed_at bigint
);
create index jobs_waiting on jobs (run_at) where done_at is null and failed_at is null;

insert into shop (id, name, updated_at) values (1, 'My shop', 0);
insert into stores (id, code, name, created_at) values (1, 'MAIN', 'Main shop', 0);
