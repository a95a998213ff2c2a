// The real program, as a process of its own, on a folder of its own.

import { spawn } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const PROGRAM = path.resolve(process.env.KIRANA_PROGRAM ?? "target/debug/kirana");
const START_MS = 60_000;

export const DEMO_PASSWORD = "kirana-demo";
const DEMO_PEOPLE = {
  owner: "owner@kirana.example",
  cashier: "cashier@kirana.example",
  stock: "stock@kirana.example",
  customer: "customer@kirana.example",
};

/** All shops of a run. */
export class Shops {
  #shared;
  #sample;
  #open = new Set();

  /** A shop of a kind: "demo" is shared, "own demo" and "empty" are the journey's own. */
  async open(kind) {
    if (kind === "demo") return (this.#shared ??= await this.#start("demo", { shared: true }));
    if (kind === "empty") return this.#start("serve", {});
    if (kind !== "own demo") throw new Error(`there is no shop of the kind "${kind}"`);
    return this.#start("demo", { from: await this.#sampleFolder() });
  }

  /** Filled once, since 90 days of sales take their time; whoever wants a demo shop gets a copy. */
  async #sampleFolder() {
    if (!this.#sample) {
      const shop = await this.#start("demo", {});
      await shop.kill("SIGTERM");
      this.#sample = shop.folder;
    }
    return this.#sample;
  }

  async #start(verb, { from, shared }) {
    const folder = await mkdtemp(path.join(tmpdir(), "kirana-browser-"));
    if (from) await cp(from, folder, { recursive: true });
    const shop = new Shop(verb, folder, shared);
    this.#open.add(shop);
    await shop.start();
    return shop;
  }

  /** Ends every process and removes every folder. */
  async close() {
    for (const shop of this.#open) {
      await shop.kill();
      await rm(shop.folder, { recursive: true, force: true });
    }
  }
}

class Shop {
  #process;
  #said = "";
  #port = 0;

  constructor(verb, folder, shared) {
    Object.assign(this, { verb, folder, shared });
  }

  /** Where it answers. */
  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What it has said on standard error. */
  said() {
    return this.#said;
  }

  async start() {
    const words = [this.verb, "--listen", `127.0.0.1:${this.#port}`, "--data-dir", this.folder];
    const env = { PATH: process.env.PATH, HOME: this.folder, KIRANA_PUBLIC_RATE: "100000" };
    const child = spawn(PROGRAM, words, { env, cwd: this.folder, stdio: ["ignore", "ignore", "pipe"] });
    this.#process = child;
    await new Promise((done, fail) => {
      const late = setTimeout(() => fail(new Error(`the shop does not open:\n${this.#said}`)), START_MS);
      child.once("error", fail);
      child.once("exit", () => fail(new Error(`the shop closed:\n${this.#said}`)));
      child.stderr.on("data", (text) => {
        this.#said += text;
        const found = /Server running on http:\/\/127\.0\.0\.1:(\d+)/.exec(this.#said);
        if (!found) return;
        this.#port = Number(found[1]);
        clearTimeout(late);
        done();
      });
    });
  }

  /** Ends it; by default without a word, as a power cut does. */
  async kill(signal = "SIGKILL") {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    await gone;
  }

  /** Opens it again at the same address, with what it has stored. */
  async restart() {
    await this.kill();
    this.#said = "";
    await this.start();
  }

  /** The journey is over. */
  async leave() {
    if (!this.shared) await this.kill();
  }

  /** Signs one of the demo shop's people in, or anybody with a log-in and a password. */
  async signIn(page, who, password = DEMO_PASSWORD) {
    await page.goto(`${this.url}/login`);
    await page.fill("input[name=login]", DEMO_PEOPLE[who] ?? who);
    await page.fill("input[name=password]", password);
    await Promise.all([page.waitForURL((url) => url.pathname !== "/login"), page.press("input[name=password]", "Enter")]);
  }
}
