import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Logger } from "../../base/log.ts";
import { type Store, openStore } from "../db.ts";

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
const mine = { extension: "x", scope: "talk/a" };
const bytes = (text: string) => new Uint8Array(Buffer.from(text));

let dir = "";
let store: Store;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "guest-store-"));
  store = await openStore({ path: join(dir, "host.db"), log: silent, onFatal: () => {} });
});

afterEach(async () => {
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

const keys = async (page: { prefix: string; after?: string; limit?: number }) =>
  (await store.run("guestStore.list", { ...mine, limit: 100, ...page })).map(([key]) => key);

describe("the store of an extension", () => {
  it("keeps accounts and extensions apart", async () => {
    await store.run("guestStore.batch", { ...mine, ops: [{ key: "k", value: bytes("mine") }] });
    for (const other of [
      { ...mine, scope: "talk/b" },
      { ...mine, extension: "y" },
    ]) {
      expect(await store.run("guestStore.get", { ...other, keys: ["k"] })).toEqual([]);
      expect(await store.run("guestStore.list", { ...other, prefix: "", limit: 10 })).toEqual([]);
    }
    expect(await store.run("guestStore.get", { ...mine, keys: ["k", "absent"] })).toEqual([["k", bytes("mine")]]);
  });

  it("applies a batch as a whole, in order", async () => {
    const ops = [
      { key: "a", value: bytes("1") },
      { key: "a", value: bytes("2") },
      { key: "b", value: bytes("x") },
      { key: "b", value: null },
    ];
    await store.run("guestStore.batch", { ...mine, ops });
    expect(await store.run("guestStore.get", { ...mine, keys: ["a", "b"] })).toEqual([["a", bytes("2")]]);
    const broken = [
      { key: "a", value: bytes("3") },
      { key: "c", value: {} as Uint8Array },
    ];
    await expect(store.run("guestStore.batch", { ...mine, ops: broken })).rejects.toThrow();
    expect(await store.run("guestStore.get", { ...mine, keys: ["a"] })).toEqual([["a", bytes("2")]]);
  });

  it("lists by prefix, in order, page by page", async () => {
    const all = ["p", "p/1", "p/10", "p/2", "p/é", "p0", "q", "%", "P/1"];
    await store.run("guestStore.batch", { ...mine, ops: all.map((key) => ({ key, value: bytes(key) })) });
    expect(await keys({ prefix: "p/" })).toEqual(["p/1", "p/10", "p/2", "p/é"]);
    expect(await keys({ prefix: "p/", limit: 2 })).toEqual(["p/1", "p/10"]);
    expect(await keys({ prefix: "p/", after: "p/10" })).toEqual(["p/2", "p/é"]);
    expect(await keys({ prefix: "" })).toHaveLength(all.length);
    expect(await keys({ prefix: "%" })).toEqual(["%"]);
  });
});
