//! All SQL for products, categories, barcodes, pictures, words, prices over time and imports.

use super::barcode::Kind;
use super::categories::Category;
use super::import::Import;
use super::model::{PriceChange, Product, Status};
use super::till::TillProduct;
use crate::ids::{CategoryId, ProductId, StoreId};
use crate::money::Money;

macro_rules! product_columns {
    () => {
        "p.id, p.sku, p.name, p.name_local, p.description, p.category_id, c.name as category, p.brand, p.unit,
         p.mrp_paise, p.price_paise, p.price_includes_tax, p.cost_paise, p.tax_rate_bp, p.hsn, p.rating_centi,
         p.review_count, p.sold_before_milli, p.item_code, p.image_id, p.status, p.track_stock, p.track_batches,
         p.allow_negative, p.owner_id, p.import_id, p.created_at, p.updated_at, p.version,
         coalesce(s.on_hand_milli, 0) as on_hand_milli, coalesce(s.reorder_level_milli, 0) as reorder_level_milli,
         coalesce(s.reorder_quantity_milli, 0) as reorder_quantity_milli"
    };
}

/// The page is cut out of the narrow columns first; the wide rows are read for its products alone.
macro_rules! page {
    (where $matching:expr, order by $order:literal, limit $limit:literal) => {
        concat!(
            "with page as (select p.id from products p where ",
            $matching,
            " order by ",
            $order,
            " limit ",
            $limit,
            ") select ",
            product_columns!(),
            " from page join products p on p.id = page.id join categories c on c.id = p.category_id
              left join stock s on s.store_id = $1 and s.product_id = p.id order by ",
            $order
        )
    };
}

/// A status or empty, and a category with all below it or 0.
macro_rules! filters {
    ($status:literal, $category:literal) => {
        concat!(
            "(",
            $status,
            " = '' or p.status = ",
            $status,
            ") and (",
            $category,
            " = 0 or p.category_id in
              (with recursive tree (id) as (select cast(",
            $category,
            " as bigint)
                 union select c.id from categories c join tree t on c.parent_id = t.id) select id from tree))"
        )
    };
}

/// What is low: counted, and at or below the reorder level, or ten where none is set.
macro_rules! is_low {
    () => {
        "p.track_stock = 1 and k.on_hand_milli <= case when k.reorder_level_milli = 0 then 10000 else k.reorder_level_milli end"
    };
}

crate::row! {
    /// A barcode of a product.
    pub struct BarcodeRow {
        /// Whose.
        pub product_id: ProductId,
        /// In its stored form.
        pub code: String,
        /// Its kind.
        pub kind: Kind,
    }
}

crate::row! {
    /// What filters and sorts the products that a search found.
    pub struct FoundRow {
        /// Which.
        pub id: ProductId,
        /// Its folded name.
        pub name_key: String,
        /// What it sells for.
        pub price_paise: Money,
        /// Whether it is on sale.
        pub status: Status,
        /// Its category.
        pub category_id: CategoryId,
    }
}

crate::row! {
    /// A picture.
    pub struct ImageRow {
        /// Its id: another picture is another id.
        pub image_id: i64,
        /// `image/jpeg` or `image/png`.
        pub content_type: String,
        /// The file.
        pub bytes: Vec<u8>,
        /// Whether the product is on sale.
        pub status: Status,
    }
}

crate::row! {
    /// A category as look-ups by name need it.
    pub struct CategoryKey {
        /// Its id.
        pub id: CategoryId,
        /// The one above.
        pub parent_id: Option<CategoryId>,
        /// Its folded name.
        pub name_key: String,
    }
}

crate::statements! {
    pub(super) NEWEST(Int, Text, Int, Int, Int) -> Product =
        page!(where concat!("p.id < $4 and ", filters!("$2", "$3")), order by "p.id desc", limit "$5");
    pub(super) BY_ID(Int, Text, Int, Int, Int) -> Product =
        page!(where concat!("p.id > $4 and ", filters!("$2", "$3")), order by "p.id", limit "$5");
    /// Products on sale of which little ($5 = 1) or nothing ($5 = 2) is left.
    pub(super) BY_LEVEL(Int, Int, Int, Int, Int) -> Product =
        page!(where concat!("p.id > $3 and ", filters!("'active'", "$2"), " and exists (select 1 from stock k
                where k.store_id = $1 and k.product_id = p.id and ", is_low!(), " and ($5 = 1 or k.on_hand_milli <= 0))"),
              order by "p.id", limit "$4");
    pub(super) COUNT_BY_LEVEL(Int, Int, Int) -> (i64,) =
        concat!("select count(*) from stock k join products p on p.id = k.product_id
                 where k.store_id = $1 and ", filters!("'active'", "$2"), " and ", is_low!(), "
                   and ($3 = 1 or k.on_hand_milli <= 0)");
    pub(super) BY_NAME(Int, Text, Int, Text, Int, Int) -> Product =
        page!(where concat!("(p.name_key, p.id) > ($4, $5) and ", filters!("$2", "$3")), order by "p.name_key, p.id", limit "$6");
    pub(super) BY_PRICE(Int, Text, Int, Int, Int, Int) -> Product =
        page!(where concat!("(p.price_paise, p.id) > ($4, $5) and ", filters!("$2", "$3")), order by "p.price_paise, p.id", limit "$6");
    pub(super) BY_PRICE_DOWN(Int, Text, Int, Int, Int, Int) -> Product =
        page!(where concat!("(p.price_paise, p.id) < ($4, $5) and ", filters!("$2", "$3")), order by "p.price_paise desc, p.id desc", limit "$6");
    pub(super) TILL_PRODUCTS() -> TillProduct =
        "select p.id, p.sku, p.name, p.name_local, p.brand, c.name as category, p.unit, p.mrp_paise, p.price_paise,
                p.price_includes_tax, p.tax_rate_bp, p.item_code
         from products p join categories c on c.id = p.category_id where p.status = 'active' order by p.id";
    pub(super) TILL_BARCODES() -> (ProductId, String) =
        "select b.product_id, b.code from barcodes b join products p on p.id = b.product_id where p.status = 'active'
         order by b.product_id, b.code";
    pub(super) COUNT(Text) -> (i64,) = "select count(*) from products where status = $1";
    pub(super) COUNT_IN_CATEGORY(Text, Int) -> (i64,) =
        concat!("select count(*) from products p where ", filters!("$1", "$2"));

    pub(super) FIND_WORD(Text, Text) -> (ProductId,) =
        "select distinct product_id from product_words where word >= $1 and word < $2 order by product_id";

    pub(super) FIND_BY_NAME(Text) -> (ProductId, String) =
        "select id, name from products where name_key = $1 and status = 'active' order by id";
    pub(super) FIND_BY_ITEM_CODE(Text) -> (ProductId,) =
        "select id from products where item_code = $1 order by status, id limit 1";
    pub(super) FOUR_DIGIT_CODES() -> (String,) =
        "select item_code from products where item_code is not null and length(item_code) = 4";
    pub(super) PRICES_OF(Int) -> PriceChange =
        "select at, user_id, old_price_paise, new_price_paise, old_mrp_paise, new_mrp_paise
         from price_changes where product_id = $1 order by id desc";
    /// Whether a product was ever sold; the roll-up is read whole, which deleting may cost. A row without lines
    /// is of moves alone (which are asked for apart) or of a sale that was called off.
    pub(super) WAS_SOLD(Int) -> (i64,) =
        "select count(*) from (select 1 as one from product_days
                               where product_id = $1 and (line_count <> 0 or last_move_id is null) limit 1) as sold";
    pub(super) SOLD_OF_IMPORT(Int) -> (ProductId,) =
        "select distinct d.product_id from product_days d join products p on p.id = d.product_id
         where p.import_id = $1 and (d.line_count <> 0 or d.last_move_id is null)";
    /// The same, where sales may have been taken back by another writer than the one that entered them.
    pub(super) STILL_SOLD_OF_IMPORT(Int) -> (ProductId,) =
        "select distinct x.product_id from
           (select d.product_id, d.day, sum(d.line_count) as lines
            from product_days d join products p on p.id = d.product_id where p.import_id = $1
            group by d.product_id, d.day) x
         where x.lines <> 0";
    pub(super) ARCHIVE(Int, Int) =
        "update products set status = 'archived', updated_at = $2, version = version + 1 where id = $1 and status = 'active'";
    pub(super) STORES() -> (StoreId,) = "select id from stores order by id";

    pub(super) FIND_IMAGE(Int) -> ImageRow =
        "select p.image_id, i.content_type, i.bytes, p.status from products p join images i on i.id = p.image_id where p.id = $1";
    pub(super) INSERT_IMAGE(Int, Text, Bytes, Int) =
        "insert into images (id, content_type, bytes, created_at) values ($1, $2, $3, $4)";
    pub(super) SET_IMAGE(Int, Int, Int) =
        "update products set image_id = $2, updated_at = $3, version = version + 1 where id = $1";
    pub(super) DELETE_IMAGE(Int) = "delete from images where id = $1";

    pub(super) LIST_CATEGORIES() -> Category =
        "select c.id, c.parent_id, c.name, c.position, cast(coalesce(n.products, 0) as bigint) as product_count, c.version
         from categories c left join (select category_id, count(*) as products from products where status = 'active'
           group by category_id) n on n.category_id = c.id
         order by c.position, c.name_key";
    pub(super) FIND_CATEGORY(Int) -> Category =
        "select c.id, c.parent_id, c.name, c.position,
                (select count(*) from products p where p.category_id = c.id and p.status = 'active') as product_count, c.version
         from categories c where c.id = $1";
    pub(super) CATEGORY_KEYS() -> CategoryKey = "select id, parent_id, name_key from categories order by id";
    pub(super) UPDATE_CATEGORY(Int, Text, Text, Int, Int) =
        "update categories set name = $2, name_key = $3, parent_id = $4, position = $5, version = version + 1 where id = $1";
    pub(super) TOUCH_CATEGORY_PRODUCTS(Int) = "update products set version = version + 1 where category_id = $1";
    pub(super) DELETE_CATEGORY(Int) = "delete from categories where id = $1";
    pub(super) COUNT_CATEGORY_USES(Int) -> (i64, i64) =
        "select (select count(*) from products where category_id = $1), (select count(*) from categories where parent_id = $1)";

    pub(super) INSERT_IMPORT(Int, Text, Text, Int, Int) =
        "insert into imports (id, kind, file_name, at, user_id, rows_created, rows_updated, rows_refused)
         values ($1, $2, $3, $4, $5, 0, 0, 0)";
    pub(super) FINISH_IMPORT(Int, Int, Int, Int) =
        "update imports set rows_created = $2, rows_updated = $3, rows_refused = $4 where id = $1";
    pub(super) LIST_IMPORTS(Int, Int) -> Import =
        "select id, kind, file_name, at, user_id, rows_created, rows_updated, rows_refused, undone_at
         from imports where id < $1 order by id desc limit $2";
    pub(super) FIND_IMPORT(Int) -> Import =
        "select id, kind, file_name, at, user_id, rows_created, rows_updated, rows_refused, undone_at from imports where id = $1";
    pub(super) UNDO_IMPORT(Int, Int) = "update imports set undone_at = $2 where id = $1 and undone_at is null";
    pub(super) CREATED_BY_IMPORT(Int) -> (ProductId,) = "select id from products where import_id = $1 order by id";
    pub(super) CHANGED_BY_IMPORT(Int) -> (ProductId, String) =
        "select product_id, before from import_changes where import_id = $1 order by product_id";
}

crate::bulks! {
    /// Keeps others from changing products until the transaction ends.
    pub(super) LOCK(Int) -> (ProductId, i64) =
        each "select id, version from products where id = $1",
        set "select p.id, p.version from products p join unnest({rows}) as asked(id) on p.id = asked.id
             order by p.id for no key update of p";
    /// Products with their stock in a store.
    pub(super) FIND(Int, Int) -> Product =
        each concat!("select ", product_columns!(), " from products p join categories c on c.id = p.category_id
              left join stock s on s.store_id = $1 and s.product_id = p.id where p.id = $2"),
        set concat!("select ", product_columns!(), " from unnest({rows}) as asked(store_id, id)
             join products p on p.id = asked.id join categories c on c.id = p.category_id
             left join stock s on s.store_id = asked.store_id and s.product_id = p.id");
    pub(super) FIND_KEYS(Int) -> FoundRow =
        each "select id, name_key, price_paise, status, category_id from products where id = $1",
        set "select p.id, p.name_key, p.price_paise, p.status, p.category_id
             from unnest({rows}) as asked(id) join products p on p.id = asked.id";
    pub(super) EXISTING(Int) -> (ProductId,) =
        each "select id from products where id = $1",
        set "select p.id from unnest({rows}) as asked(id) join products p on p.id = asked.id";
    pub(super) FIND_SKUS(Text) -> (String, ProductId) =
        each "select sku, id from products where sku = $1",
        set "select p.sku, p.id from unnest({rows}) as asked(sku) join products p on p.sku = asked.sku";
    pub(super) FIND_BARCODES(Text) -> (String, ProductId) =
        each "select code, product_id from barcodes where code = $1",
        set "select b.code, b.product_id from unnest({rows}) as asked(code) join barcodes b on b.code = asked.code";
    pub(super) BARCODES_OF(Int) -> BarcodeRow =
        each "select product_id, code, kind from barcodes where product_id = $1 order by code",
        set "select b.product_id, b.code, b.kind from unnest({rows}) as asked(id)
             join barcodes b on b.product_id = asked.id order by b.product_id, b.code";
    pub(super) UPDATE(Int, Text, Text, Text, Text, Text, Int, Text, Text, Int, Int, Int, Int, Int, Text, Int, Int, Int, Text, Text, Int, Int, Int, Int) =
        each "update products set sku = $2, name = $3, name_key = $4, name_local = $5, description = $6, category_id = $7,
                brand = $8, unit = $9, mrp_paise = $10, price_paise = $11, price_includes_tax = $12, cost_paise = $13,
                tax_rate_bp = $14, hsn = $15, rating_centi = $16, review_count = $17, sold_before_milli = $18,
                item_code = $19, status = $20, track_stock = $21, track_batches = $22, allow_negative = $23,
                updated_at = $24, version = version + 1
              where id = $1",
        set "update products p set sku = v.sku, name = v.name, name_key = v.name_key, name_local = v.name_local,
                description = v.description, category_id = v.category_id, brand = v.brand, unit = v.unit,
                mrp_paise = v.mrp_paise, price_paise = v.price_paise, price_includes_tax = v.price_includes_tax,
                cost_paise = v.cost_paise, tax_rate_bp = v.tax_rate_bp, hsn = v.hsn, rating_centi = v.rating_centi,
                review_count = v.review_count, sold_before_milli = v.sold_before_milli, item_code = v.item_code,
                status = v.status, track_stock = v.track_stock, track_batches = v.track_batches,
                allow_negative = v.allow_negative, updated_at = v.updated_at, version = p.version + 1
             from unnest({rows}) as v(id, sku, name, name_key, name_local, description, category_id, brand, unit, mrp_paise,
                price_paise, price_includes_tax, cost_paise, tax_rate_bp, hsn, rating_centi, review_count,
                sold_before_milli, item_code, status, track_stock, track_batches, allow_negative, updated_at)
             where p.id = v.id";
    pub(super) DELETE_WORDS(Text, Int) =
        each "delete from product_words where word = $1 and product_id = $2",
        set "delete from product_words w using unnest({rows}) as gone(word, product_id)
             where w.word = gone.word and w.product_id = gone.product_id";
    pub(super) DELETE_BARCODES(Int) =
        each "delete from barcodes where product_id = $1",
        set "delete from barcodes where product_id in (select id from unnest({rows}) as gone(id))";
    pub(super) DELETE_PRICES(Int) =
        each "delete from price_changes where product_id = $1",
        set "delete from price_changes where product_id in (select id from unnest({rows}) as gone(id))";
    pub(super) DELETE_PRODUCTS(Int) =
        each "delete from products where id = $1",
        set "delete from products where id in (select id from unnest({rows}) as gone(id))";
}

crate::inserts! {
    pub(super) INSERT_PRODUCTS into products (id Int, sku Text, name Text, name_key Text, name_local Text, description Text,
        category_id Int, brand Text, unit Text, mrp_paise Int, price_paise Int, price_includes_tax Int, cost_paise Int,
        tax_rate_bp Int, hsn Text, rating_centi Int, review_count Int, sold_before_milli Int, item_code Text, status Text,
        track_stock Int, track_batches Int, allow_negative Int, owner_id Int, import_id Int, created_at Int, updated_at Int) "";
    pub(super) INSERT_UNKNOWN_PRODUCTS into products (id Int, sku Text, name Text, name_key Text, category_id Int,
        price_paise Int, rating_centi Int, review_count Int, sold_before_milli Int, owner_id Int, import_id Int,
        created_at Int, updated_at Int) "on conflict (sku) do nothing";
    pub(super) INSERT_WORDS into product_words (word Text, product_id Int) "";
    pub(super) INSERT_BARCODES into barcodes (code Text, product_id Int, kind Text, created_at Int) "";
    pub(super) INSERT_PRICES into price_changes (id Int, product_id Int, at Int, user_id Int, old_price_paise Int,
        new_price_paise Int, old_mrp_paise Int, new_mrp_paise Int) "";
    pub(super) INSERT_CATEGORIES into categories (id Int, parent_id Int, name Text, name_key Text, position Int, created_at Int) "";
    pub(super) INSERT_IMPORT_CHANGES into import_changes (import_id Int, product_id Int, before Text)
        "on conflict (import_id, product_id) do nothing";
}
