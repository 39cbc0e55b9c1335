import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Inbound, MediaRef } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sessionKey } from "../base/brand.ts";
import { createFakeClock, type FakeClock } from "../base/fake-clock.ts";
import { systemIds } from "../base/ids.ts";
import { openTestStore, type TestStore } from "../store/test-store.ts";
import { createMediaStore, type MediaStore } from "./store.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let store: TestStore;
let clock: FakeClock;
let media: MediaStore;
let most = Infinity;

beforeEach(async () => {
  store = await openTestStore();
  clock = createFakeClock();
  most = Infinity;
  media = createMediaStore({ dir: join(store.dir, "media"), store, clock, ids: systemIds, maxTotalBytes: () => most });
});
afterEach(() => store.dispose());

async function* content(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
const put = (text: string) => media.put(content(text), { owner: "core" });
const isThere = async ({ ref }: MediaRef) => (await media.find(ref)) !== undefined;

async function collect(maxAgeMs?: number): Promise<void> {
  const signal = new AbortController().signal;
  const state = { done: false };
  const work = media
    .collect({ signal, ...(maxAgeMs === undefined ? {} : { maxAgeMs }) })
    .finally(() => (state.done = true));
  while (!state.done) await clock.advance(50);
  await work;
}

const files = () =>
  readdirSync(join(store.dir, "media"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);

const say = (ref: MediaRef) =>
  store.run("sessions.append", {
    key: sessionKey("agent:main:main"),
    at: clock.now(),
    messages: [{ id: "m", message: { role: "user", content: "look", timestamp: 1, media: [ref] } }],
  });

function receive(ref: MediaRef) {
  const event: Inbound = {
    type: "message",
    eventId: ref.ref,
    at: 1,
    messageId: "m",
    peer: { kind: "dm", id: "1" },
    from: { id: "1" },
    body: { media: [ref] },
  };
  const scope = { channel: "x", account: "a", lease: "l", at: clock.now(), keepUntil: 0 };
  return store.run("inbox.receive", {
    ...scope,
    album: { quietMs: 1, maxMs: 1 },
    entries: [{ eventId: event.eventId, lane: "l", event }],
  });
}

const send = (ref: MediaRef) => {
  const peer = { kind: "dm" as const, id: "1" };
  const outbound = { to: peer, type: "message" as const, body: { text: "here" } };
  const part = { index: 0, of: 1, media: [ref] };
  const intent = { deliveryId: "d", channel: "x", account: "a", lane: "l", outbound, part, at: clock.now() };
  return store.run("outbox.enqueue", { intents: [intent] });
};

const upkeep = (table: "upkeep.inbox" | "upkeep.outbox" | "upkeep.transcripts") =>
  store.run(table, { after: 0, limit: 100, before: clock.now(), now: clock.now() });

describe("collecting media", () => {
  it("keeps what inbox, outbox or a transcript shows, and lets what nothing shows live for a day", async () => {
    const [inbox, outbox, transcript, unused] = await Promise.all(["a", "b", "c", "d"].map(put));
    await receive(inbox!);
    await send(outbox!);
    await say(transcript!);
    await clock.advance(DAY_MS - HOUR_MS);
    await collect();
    expect(await isThere(unused!)).toBe(true);
    await clock.advance(2 * HOUR_MS);
    await collect();
    expect(await Promise.all([inbox!, outbox!, transcript!, unused!].map(isThere))).toEqual([true, true, true, false]);
    expect(files()).toHaveLength(3);
  });

  it("lets media go a day after the last row that showed it", async () => {
    const ref = await put("a");
    await say(ref);
    await clock.advance(2 * DAY_MS);
    expect(await upkeep("upkeep.transcripts")).toEqual({ removed: 1 });
    await collect();
    expect(await isThere(ref)).toBe(true);
    await clock.advance(DAY_MS + 1);
    await collect();
    expect(files()).toEqual([]);
  });

  it("counts every put and grant as a use", async () => {
    const ref = await put("a");
    await clock.advance(DAY_MS - HOUR_MS);
    await media.grant(ref.ref, "other");
    await clock.advance(2 * HOUR_MS);
    await collect();
    expect(await isThere(ref)).toBe(true);
  });

  it("removes by age what a transcript names, and never what is still to be run or sent", async () => {
    const [inbox, outbox, transcript] = await Promise.all(["a", "b", "c"].map(put));
    await receive(inbox!);
    await send(outbox!);
    await say(transcript!);
    await clock.advance(3 * DAY_MS);
    await collect(2 * DAY_MS);
    expect(await Promise.all([inbox!, outbox!, transcript!].map(isThere))).toEqual([true, true, false]);
  });

  it("removes old files that no row knows, and no others", async () => {
    const ref = await put("a");
    const [known] = files();
    const folder = join(store.dir, "media", known!.slice(0, 2));
    const [orphan, part, young] = [join(folder, "f".repeat(64)), join(store.dir, "media", "x.part"), join(folder, "e")];
    for (const path of [orphan, part, young]) writeFileSync(path, "left behind");
    const old = clock.now() / 1000 - 2 * 86_400;
    for (const path of [orphan, part, join(folder, known!)]) utimesSync(path, old, old);
    utimesSync(young, clock.now() / 1000, clock.now() / 1000);
    await collect();
    expect([orphan, part, young].map((path) => existsSync(path))).toEqual([false, false, true]);
    expect(await isThere(ref)).toBe(true);
    expect(statSync(join(folder, known!)).size).toBe(1);
  });

  it("never takes away a file that is being put again", async () => {
    await put("same");
    await clock.advance(DAY_MS + HOUR_MS);
    const [again] = await Promise.all([put("same"), collect()]);
    expect(await new Response(await media.open(again.ref)).text()).toBe("same");
  });
});

describe("the size of the media store", () => {
  it("is limited, leaves no half file, and has room again after a collection", async () => {
    most = 10;
    const first = await put("1234567");
    await put("1234567");
    await expect(put("12345")).rejects.toThrow(/raise retention\.mediaTotalBytes/u);
    expect(files()).toHaveLength(1);
    await clock.advance(DAY_MS + 1);
    await collect();
    expect(await isThere(first)).toBe(false);
    expect((await put("12345")).bytes).toBe(5);
  });

  it("leaves no half file when the source or the disk fails", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("half");
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    }
    await expect(media.put(broken(), { owner: "core" })).rejects.toThrow(/ENOSPC/u);
    expect(files()).toEqual([]);
  });
});
