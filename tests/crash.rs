//! What was acknowledged is there after a crash, and nothing is there that nobody asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kirana::ids::ProductId;
use kirana::staff::Role;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use serde_json::json;

use crate::support::{Client, Engine, Process, Scratch, Shop, block_on, open, repeats};

/// How many buy at once.
const CLIENTS: usize = 16;

/// What clients have asked for and heard.
#[derive(Default)]
struct Log {
    /// Sent, and not answered.
    unknown: BTreeSet<String>,
    /// Key to the order's id and total in paise.
    acknowledged: BTreeMap<String, (i64, i64)>,
    /// When the first failure was heard.
    failed_at: Option<Instant>,
    /// Acknowledged although it was sent after that.
    late: Vec<String>,
}

/// A shop whose server is about to have a bad time.
struct Victim {
    scratch: Arc<Scratch>,
    tokens: Vec<String>,
    goods: Vec<ProductId>,
    log: Arc<Mutex<Log>>,
}

impl Victim {
    /// Customers who are signed in, and goods without end.
    async fn new() -> Self {
        let shop = Shop::open(Engine::Sqlite).await;
        shop.set_clock();
        let mut tokens = Vec::new();
        for _ in 0..CLIENTS {
            tokens.push(shop.sign_in(Role::Customer).await.token().to_owned());
        }
        let mut goods = Vec::new();
        for number in 0..8 {
            let good = shop.goods(&format!("Good {number}")).price(&format!("{number}.99")).tax_bp(500);
            goods.push(good.on_hand(1_000_000).create().await);
        }
        Self { scratch: shop.close(), tokens, goods, log: Arc::default() }
    }

    /// Clients that buy until the server is gone, or fails.
    fn load(&self, server: &Process, cycle: usize) -> Vec<tokio::task::JoinHandle<()>> {
        let buy = |(number, token): (usize, &String)| {
            let (client, goods, log) = (server.client(token), self.goods.clone(), self.log.clone());
            let seed = (cycle * CLIENTS + number) as u64;
            tokio::spawn(buy_until_it_fails(client, goods, log, seed))
        };
        self.tokens.iter().enumerate().map(buy).collect()
    }

    /// Compares what is in the file with what clients have heard.
    fn compare(&self) {
        let conn = self.scratch.sqlite();
        let mut found = conn
            .prepare(
                "select k.key, o.id, o.total_paise, o.line_count,
                        (select count(*) from order_lines l where l.store_id = o.store_id and l.order_id = o.id),
                        (select coalesce(sum(l.total_paise), 0) from order_lines l
                         where l.store_id = o.store_id and l.order_id = o.id),
                        (select count(*) from stock_moves m where m.order_id = o.id),
                        (select count(*) from payments p where p.store_id = o.store_id and p.order_id = o.id)
                 from idempotency_keys k left join orders o on o.id = cast(json_extract(k.body, '$.orderId') as integer)",
            )
            .unwrap();
        let log = self.log.lock().unwrap();
        let mut stored = BTreeSet::new();
        let mut rows = found.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let key: String = row.get(0).unwrap();
            let number = |column: usize| row.get::<_, i64>(column).unwrap_or_else(|_| panic!("{key} has no order"));
            let order = (number(1), number(2));
            match log.acknowledged.get(&key) {
                Some(heard) => assert_eq!(order, *heard, "{key} is not what was acknowledged"),
                None => assert!(log.unknown.contains(&key), "{key} was neither acknowledged nor on its way"),
            }
            assert_eq!(
                (number(4), number(5), number(6), number(7)),
                (number(3), number(2), number(3), 1),
                "half of {key}"
            );
            stored.insert(key);
        }
        let lost: Vec<&String> = log.acknowledged.keys().filter(|key| !stored.contains(*key)).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        let orders: i64 = conn.query_row("select count(*) from orders", [], |row| row.get(0)).unwrap();
        assert_eq!(orders, i64::try_from(stored.len()).unwrap(), "every order has the key that it was sent with");
        assert!(log.late.is_empty(), "acknowledged after a failure: {:?}", log.late);
    }

    /// Opens the file, which nobody else may have open, and proves the books.
    async fn check_books(&self) {
        let db = open(self.scratch.location()).unwrap();
        let verdict = db.read::<_, kirana::db::Error>(kirana::check::run).await.unwrap();
        assert!(verdict.ok, "{:#?}", verdict.findings);
        db.close();
    }

    /// Clients that know no answer ask again, with the same key: no order comes of it twice.
    async fn ask_again(&self, server: &Process) {
        let unknown = std::mem::take(&mut self.log.lock().unwrap().unknown);
        for key in unknown {
            let (seed, client) = (seed_of(&key), client_of(&key));
            let buyer = server.client(&self.tokens[client]);
            let reply = buyer.post("/api/orders", basket(&self.goods, seed)).header("idempotency-key", &key).await;
            let order = order_of(&reply.expect(201).json());
            self.log.lock().unwrap().acknowledged.insert(key, order);
        }
    }

    fn count_acknowledged(&self) -> usize {
        self.log.lock().unwrap().acknowledged.len()
    }
}

/// A basket that follows from a number.
fn basket(goods: &[ProductId], seed: u64) -> serde_json::Value {
    let mut dice = ChaCha12Rng::seed_from_u64(seed);
    let mut pick = |below: usize| dice.next_u32() as usize % below;
    let lines = 1 + pick(4);
    let items: Vec<_> =
        (0..lines).map(|_| json!({ "id": goods[pick(goods.len())], "quantity": 1 + pick(3) })).collect();
    json!({ "items": items, "paymentMethod": "Cash" })
}

fn seed_of(key: &str) -> u64 {
    key.rsplit('-').next().unwrap().parse().unwrap()
}

fn client_of(key: &str) -> usize {
    usize::try_from(key.split('-').next().unwrap().parse::<u64>().unwrap()).unwrap() % CLIENTS
}

fn order_of(body: &serde_json::Value) -> (i64, i64) {
    let total = kirana::money::Money::parse(&body["total"].to_string()).unwrap().as_paise();
    (body["orderId"].as_str().unwrap().parse().unwrap(), total)
}

async fn buy_until_it_fails(client: Client, goods: Vec<ProductId>, log: Arc<Mutex<Log>>, seed: u64) {
    for turn in 0.. {
        let key = format!("{seed}-{}", seed * 1_000_000 + turn);
        log.lock().unwrap().unknown.insert(key.clone());
        let sent_at = Instant::now();
        let basket = basket(&goods, seed_of(&key));
        let answer = client.post("/api/orders", basket).header("idempotency-key", &key).attempt().await;
        let mut log = log.lock().unwrap();
        match answer {
            Ok(reply) if reply.status.as_u16() == 201 => {
                if log.failed_at.is_some_and(|failed_at| sent_at > failed_at) {
                    log.late.push(key.clone());
                }
                log.unknown.remove(&key);
                log.acknowledged.insert(key, order_of(&reply.json()));
            }
            Ok(reply) => {
                assert!(reply.status.as_u16() >= 500, "{reply}");
                log.failed_at.get_or_insert_with(Instant::now);
                // The others go on and on, to see whether anything is acknowledged now.
            }
            Err(_) => return,
        }
    }
}

#[test]
fn nothing_that_was_acknowledged_is_lost_when_the_server_is_killed() {
    block_on(async {
        let victim = Victim::new().await;
        let mut dice = ChaCha12Rng::seed_from_u64(7);
        let mut slowest = Duration::ZERO;
        for cycle in 1..=repeats("KIRANA_TEST_CRASHES", 10) {
            let mut server = Process::serve(&victim.scratch);
            let ready = server.ready().await;
            assert!(ready < Duration::from_secs(2), "ready after {ready:?} in cycle {cycle}");
            slowest = slowest.max(ready);
            victim.ask_again(&server).await;
            let clients = victim.load(&server, cycle);
            tokio::time::sleep(Duration::from_millis(50 + u64::from(dice.next_u32() % 450))).await;
            server.kill();
            for client in clients {
                client.await.unwrap();
            }
            victim.compare();
        }
        let mut server = Process::serve(&victim.scratch);
        server.ready().await;
        victim.ask_again(&server).await;
        victim.compare();
        assert_eq!(server.terminate(), Some(0));
        victim.check_books().await;
        assert!(victim.count_acknowledged() > 100, "there was something to lose");
        println!("{} orders acknowledged, slowest start {slowest:?}", victim.count_acknowledged());
    });
}

/// Runs a server under load until its storage fails, and looks at how it ends and what it leaves.
fn storage_fails(command: impl FnOnce(&Scratch) -> Command) {
    block_on(async {
        let victim = Victim::new().await;
        let mut server = Process::start(&mut command(&victim.scratch));
        server.ready().await;
        let clients = victim.load(&server, 1);
        let ended = server.ended(Duration::from_secs(30)).await;
        assert_eq!(ended, Some(74), "{}", server.said());
        for client in clients {
            client.await.unwrap();
        }
        assert!(victim.count_acknowledged() > 20, "it failed before it did anything: {}", server.said());
        victim.compare();

        let mut server = Process::serve(&victim.scratch);
        server.ready().await;
        victim.ask_again(&server).await;
        victim.compare();
        assert_eq!(server.terminate(), Some(0));
        victim.check_books().await;
        println!("{} orders acknowledged", victim.count_acknowledged());
    });
}

#[test]
fn after_a_write_that_failed_nothing_is_acknowledged() {
    storage_fails(|scratch| {
        let mut command = Command::new("sh");
        // In blocks of 512 bytes: the log of writes may grow to 4 MiB, and then every write fails.
        command.args(["-c", "trap '' XFSZ; ulimit -f 8192; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_kirana")]);
        command.args(Process::arguments(scratch));
        command
    });
}

#[cfg(target_os = "linux")]
#[test]
fn after_a_sync_that_failed_nothing_is_acknowledged() {
    storage_fails(|scratch| {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync"]);
        command.args(["-e", "inject=fdatasync,fsync:error=EIO:when=60+", env!("CARGO_BIN_EXE_kirana")]);
        command.args(Process::arguments(scratch));
        command
    });
}
