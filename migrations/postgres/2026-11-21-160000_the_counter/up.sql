-- The counter: tills, shifts, returns, approvals by PIN, sales that a till kept while the server was away.
--
-- A sale at a till names the till and the shift that was open. Both columns stay empty elsewhere, and no index
-- is kept over them: the sales of a shift are a stretch of the orders that begins where the shift began.

-- tills and shifts -----------------------------------------------------------------------------

create table tills (
  id bigint not null primary key,
  store_id bigint not null,
  code text collate "C" not null,
  name text not null,
  status text not null default 'active',
  -- The shift whose cash is in the drawer; none while the drawer is closed.
  open_shift_id bigint,
  -- 1 while the drawer of that shift has been counted and the shift is not closed: it takes nothing more.
  counting bigint not null default 0,
  -- The number of the last Z report; they have no gap.
  last_z_number bigint not null default 0,
  created_at bigint not null,
  version bigint not null default 1,
  constraint tills_code_unique unique (store_id, code),
  constraint tills_status check (status in ('active', 'archived')),
  constraint tills_counting check (counting = 0 or open_shift_id is not null),
  constraint tills_z_number check (last_z_number >= 0),
  constraint tills_store foreign key (store_id) references stores (id)
);

create table shifts (
  id bigint not null primary key,
  store_id bigint not null,
  till_id bigint not null,
  status text not null default 'open',
  opened_by text not null,
  opened_at bigint not null,
  opened_on bigint not null,
  float_paise bigint not null,
  -- The last order before the shift began: its own come after.
  after_order_id bigint not null,
  counted_by text not null default '',
  counted_at bigint,
  counted_paise bigint,
  -- How many of each note and coin were counted, as JSON.
  notes text not null default '',
  expected_paise bigint,
  closed_by text not null default '',
  closed_at bigint,
  -- Why the drawer holds more or less than it should.
  reason text not null default '',
  z_number bigint,
  -- The report as it was when the shift was closed, as JSON. It is never written again.
  z_report text not null default '',
  constraint shifts_status check (status in ('open', 'counted', 'closed')),
  constraint shifts_float check (float_paise >= 0),
  constraint shifts_counted check (status = 'open' or (counted_paise is not null and expected_paise is not null)),
  constraint shifts_closed check ((status = 'closed') = (z_number is not null)),
  constraint shifts_till foreign key (till_id) references tills (id)
);
create index shifts_by_till on shifts (till_id, id);

-- What went into a drawer or came out of it besides the sales of the shift: cash in and out, refunds,
-- payments for orders that were placed elsewhere. Append-only.
create table shift_moves (
  shift_id bigint not null,
  move_no bigint not null,
  kind text not null,
  method text not null,
  -- More than nothing, whichever way it went.
  amount_paise bigint not null,
  reason text not null default '',
  order_id bigint,
  return_id bigint,
  actor text not null,
  at bigint not null,
  constraint shift_moves_key primary key (shift_id, move_no),
  constraint shift_moves_kind check (kind in ('in', 'out', 'refund', 'payment')),
  constraint shift_moves_method check (method in ('cash', 'card', 'upi', 'credit', 'store_credit')),
  constraint shift_moves_amount check (amount_paise >= 0),
  constraint shift_moves_shift foreign key (shift_id) references shifts (id)
);

alter table orders add column till_id bigint;
alter table orders add column shift_id bigint;

-- What tills sent, by the id that the till gave each sale. It is kept for good: a till may have been away for
-- longer than a day, and the same sale sent again gets the same answer.
create table pos_sales (
  till_id bigint not null,
  sale_id text collate "C" not null,
  store_id bigint not null,
  order_id bigint not null,
  -- The number that the till printed.
  number text not null,
  sold_at bigint not null,
  received_at bigint not null,
  -- What somebody should look at, as words with blanks between them.
  flags text not null default '',
  request_hash bytea not null,
  answer text not null,
  constraint pos_sales_key primary key (till_id, sale_id)
);
create index pos_sales_flagged on pos_sales (store_id, order_id) where flags <> '';

-- What the shop lets the counter do without asking; one row.
create table counter_rules (
  id bigint not null primary key,
  cashier_discount_bp bigint not null default 0,
  manager_discount_bp bigint not null default 10000,
  -- The most that is given back in cash without a bill.
  unbilled_return_paise bigint not null default 50000,
  -- Bills older than so many days are not taken back without approval.
  return_days bigint not null default 30,
  updated_at bigint not null,
  version bigint not null default 1,
  constraint counter_rules_one_row check (id = 1),
  constraint counter_rules_discounts check (
    cashier_discount_bp between 0 and 10000 and manager_discount_bp between 0 and 10000),
  constraint counter_rules_returns check (unbilled_return_paise >= 0 and return_days >= 0)
);
insert into counter_rules (id, updated_at) values (1, 0);

-- returns --------------------------------------------------------------------------------------

create table credit_note_series (
  store_id bigint not null,
  credit_year bigint not null,
  last_number bigint not null,
  constraint credit_note_series_key primary key (store_id, credit_year)
);

-- What came back. The bill itself stays as it was. Sums of the day are corrected on the day of the return.
create table returns (
  store_id bigint not null,
  id bigint not null,
  -- The bill; none for goods that came back without one.
  order_id bigint,
  customer_id bigint,
  till_id bigint,
  shift_id bigint,
  credit_year bigint not null,
  credit_number bigint not null,
  reason text not null,
  note text not null default '',
  discount_paise bigint not null,
  taxable_paise bigint not null,
  cgst_paise bigint not null,
  sgst_paise bigint not null,
  igst_paise bigint not null,
  rounding_paise bigint not null,
  total_paise bigint not null,
  actor text not null,
  -- Who approved it, where that was needed: `user:2`.
  approved_by text not null default '',
  at bigint not null,
  returned_on bigint not null,
  constraint returns_key primary key (store_id, id),
  constraint returns_credit_note_unique unique (store_id, credit_year, credit_number),
  constraint returns_reason check (reason in ('damaged', 'wrong', 'changed_mind', 'void', 'other')),
  constraint returns_total check (
    total_paise >= 0 and taxable_paise + cgst_paise + sgst_paise + igst_paise + rounding_paise = total_paise)
);
create index returns_by_order on returns (store_id, order_id) where order_id is not null;

create table return_lines (
  store_id bigint not null,
  return_id bigint not null,
  line_no bigint not null,
  -- The line of the bill; 0 without a bill.
  order_line_no bigint not null,
  product_id bigint not null,
  name text not null,
  unit text not null,
  quantity_milli bigint not null,
  discount_paise bigint not null,
  tax_rate_bp bigint not null,
  taxable_paise bigint not null,
  cgst_paise bigint not null,
  sgst_paise bigint not null,
  igst_paise bigint not null,
  total_paise bigint not null,
  -- What the goods had cost, taken out of the day's cost; nothing when they are not sold again.
  cost_paise bigint not null,
  restock bigint not null,
  constraint return_lines_key primary key (store_id, return_id, line_no),
  constraint return_lines_quantity check (quantity_milli > 0),
  constraint return_lines_restock check (restock in (0, 1)),
  constraint return_lines_total check (taxable_paise + cgst_paise + sgst_paise + igst_paise = total_paise),
  constraint return_lines_return foreign key (store_id, return_id) references returns (store_id, id)
);

create table refunds (
  store_id bigint not null,
  return_id bigint not null,
  refund_no bigint not null,
  method text not null,
  amount_paise bigint not null,
  reference text not null default '',
  constraint refunds_key primary key (store_id, return_id, refund_no),
  constraint refunds_method check (method in ('cash', 'card', 'upi', 'credit', 'store_credit')),
  constraint refunds_amount check (amount_paise >= 0),
  constraint refunds_return foreign key (store_id, return_id) references returns (store_id, id)
);

-- approvals ------------------------------------------------------------------------------------

create table staff_pins (
  user_id bigint not null primary key,
  -- Argon2id in PHC form.
  pin_hash text not null,
  updated_at bigint not null,
  constraint staff_pins_user foreign key (user_id) references users (id)
);

create table approvals (
  -- SHA-256 of what the till was given, as hex.
  id text collate "C" not null primary key,
  act text not null,
  store_id bigint not null,
  approver_id bigint not null,
  -- Who asked, and alone may use it.
  asked_by text not null,
  created_at bigint not null,
  expires_at bigint not null,
  used_at bigint,
  used_for text not null default '',
  constraint approvals_act check (act in ('discount', 'return', 'void')),
  constraint approvals_approver foreign key (approver_id) references users (id)
);

-- stock ----------------------------------------------------------------------------------------

-- Set while a shelf is below zero because a till sold, away from the server, what was not there: the goods have
-- left, so the sale stands, and somebody has to count. `allow_negative` is 1 meanwhile.
alter table stock add column recount_since_at bigint;
create index stock_to_recount on stock (store_id, product_id) where recount_since_at is not null;

create sequence tills_ids;
create sequence shifts_ids;
create sequence returns_ids;
