//! `GET /api/shopkeeper/stats` and `/api/shopkeeper/analytics`: sums of the roll-ups, on 2 March 2026, a Monday.

use kirana::staff::Role;
use serde_json::json;

use crate::support::{Shop, on_both};

/// Two stores, two writers, two products: what each has sold on which day.
async fn fill(shop: &Shop) {
    for sql in [
        "insert into stores (id, code, name, created_at) values (2, 'TWO', 'Second', 0)",
        "insert into categories (id, name, name_key, created_at) values (1, 'Tea', 'tea', 0), (2, 'Rice', 'rice', 0)",
        "insert into products (id, sku, name, name_key, category_id, price_paise, created_at, updated_at)
         values (1, 'A', 'Assam', 'assam', 1, 100, 0, 0), (2, 'B', 'Basmati', 'basmati', 2, 100, 0, 0)",
        "insert into stock (store_id, product_id, on_hand_milli, reorder_level_milli)
         values (1, 1, 10000, 0), (1, 2, 11000, 0), (2, 1, 0, 5000), (2, 2, 6000, 5000)",
        "insert into store_days (store_id, sold_on, writer, order_count, revenue_paise)
         values (1, 20260302, 0, 2, 1050), (1, 20260302, 1, 1, 5), (2, 20260302, 0, 1, 100), (1, 20260301, 0, 4, 900),
                (1, 20260223, 0, 5, 700), (1, 20200101, 0, 10, 100000)",
        "insert into product_days (store_id, day, product_id, writer, line_count, sold_milli, revenue_paise)
         values (1, 20260302, 1, 0, 2, 1500, 400), (1, 20260302, 1, 1, 1, 500, 5), (2, 20260301, 2, 0, 3, 3000, 650),
                (1, 20260101, 1, 0, 9, 9000, 99999)",
    ] {
        shop.execute(sql).await;
    }
}

on_both!(the_figures_of_today_are_sums_over_stores_and_writers);
async fn the_figures_of_today_are_sums_over_stores_and_writers(shop: Shop) {
    fill(&shop).await;
    let owner = shop.sign_in(Role::Owner).await;
    assert_eq!(
        owner.get("/api/shopkeeper/stats").await.expect(200).json(),
        json!({
            "date": "2026-03-02", "todaySales": 11.55, "todayOrders": 4, "yesterdaySales": 9, "yesterdayOrders": 4,
            "lastWeekSales": 7, "lastWeekOrders": 5, "totalOrders": 23, "totalRevenue": 1027.55, "openOrders": 0,
            "totalProducts": 2, "lowStockCount": 1, "outOfStock": 1, "totalCustomers": 0,
        })
    );
    let second = owner.get("/api/shopkeeper/stats?store=2").await.expect(200).json();
    assert_eq!((&second["todaySales"], &second["lowStockCount"]), (&json!(1), &json!(1)));
    let first = owner.get("/api/shopkeeper/stats?store=1").await.expect(200).json();
    assert_eq!(first["lowStockCount"], 1, "ten or less is low where no level is set");
    assert_eq!(first["outOfStock"], 0);
}

on_both!(a_range_has_a_figure_for_each_day_and_is_compared_with_the_days_before);
async fn a_range_has_a_figure_for_each_day_and_is_compared_with_the_days_before(shop: Shop) {
    fill(&shop).await;
    let owner = shop.sign_in(Role::Owner).await;
    let week = owner.get("/api/shopkeeper/analytics").await.expect(200).json();
    assert_eq!(week["salesLabels"], json!(["Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon"]));
    assert_eq!(week["salesData"], json!([0, 0, 0, 0, 0, 9, 11.55]));
    assert_eq!(week["previousData"], json!([0, 0, 0, 0, 0, 0, 7]));
    assert_eq!((&week["categoryLabels"], &week["categoryData"]), (&json!(["Rice", "Tea"]), &json!([1, 1])));
    assert_eq!(
        week["topProducts"],
        json!([
            { "id": "2", "name": "Basmati", "category": "Rice", "quantity": 3, "revenue": 6.5 },
            { "id": "1", "name": "Assam", "category": "Tea", "quantity": 2, "revenue": 4.05 },
        ])
    );
    let days = owner.get("/api/shopkeeper/analytics?from=2026-03-01&to=2026-03-02&store=2").await.expect(200).json();
    assert_eq!((&days["salesData"], &days["salesDates"]), (&json!([0, 1]), &json!(["2026-03-01", "2026-03-02"])));
    for query in ["from=2026-03-03&to=2026-03-02", "from=2025-03-01&to=2026-03-02", "to=2026-02-30", "days=7"] {
        owner.get(&format!("/api/shopkeeper/analytics?{query}")).await.expect(400);
    }
}

on_both!(who_is_bound_to_a_store_sees_that_store_only);
async fn who_is_bound_to_a_store_sees_that_store_only(shop: Shop) {
    fill(&shop).await;
    let cashier = shop.sign_in(Role::Cashier).await;
    shop.execute("update users set store_id = 2 where role = 'cashier'").await;
    assert_eq!(cashier.get("/api/shopkeeper/stats").await.expect(200).json()["todaySales"], 1);
    cashier.get("/api/shopkeeper/stats?store=2").await.expect(200);
    cashier.get("/api/shopkeeper/stats?store=1").await.expect(403);
    cashier.get("/api/shopkeeper/analytics?store=1").await.expect(403);
}
