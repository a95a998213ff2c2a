-- Moving in: what came from another system, by its id there, so that a second run of the same file adds
-- nothing and an undo knows what to take away.
--
-- Rows are written in the order of the file and never changed. There is no foreign key: a million old orders
-- come in one transaction with the import's own row.
create table moved_rows (
  -- The system: supermarket, shopkeeps, flask, store-management, smart-inventory.
  source text not null,
  -- What it is: customer, staff, product, order, category.
  kind text not null,
  -- Its id in that system.
  external_id text not null,
  -- Its id here.
  local_id bigint not null,
  import_id bigint not null,
  -- 1 when the import made the row, 0 when it was there already and was only recognised.
  brought bigint not null,
  constraint moved_rows_key primary key (source, kind, external_id),
  constraint moved_rows_brought check (brought in (0, 1))
);
create index moved_rows_by_import on moved_rows (import_id, kind, local_id);
