import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { type DraftHouse, type DraftOptions, LIMIT, openDraftHouse } from "./draft-house.ts";

const FIRST = "Rain is expected in the";
const MORE = " north, and sun in the";
const LAST = " south.";
const ANSWER = FIRST + MORE + LAST;

const open: DraftHouse[] = [];

async function start(options?: DraftOptions): Promise<DraftHouse> {
  const house = await openDraftHouse(options);
  open.push(house);
  return house;
}

afterEach(async () => {
  for (const house of open.splice(0)) await house.dispose();
});

/** An answer of which the first words are shown. */
async function begin(house: DraftHouse, text = FIRST): Promise<void> {
  await house.hear("what will the weather be?");
  await house.write(text);
  await house.pass(() => house.platform.count("open") > 0);
}

const deliveries = async ({ store }: DraftHouse) =>
  (await store.run("deliveries.list", { filter: {}, limit: 10 })).deliveries.map(({ deliveryId, parts }) => ({
    deliveryId,
    parts: parts.map(({ state, receipt }) => [state, ...(receipt?.ids ?? [])].join(" ")),
  }));

const states = async (house: DraftHouse) => (await deliveries(house)).map(({ parts }) => parts);

const standing = (house: DraftHouse) => house.until(async () => (await states(house))[0]?.[0] === "sending p1");

const settled = async (house: DraftHouse) =>
  (await house.store.run("ledger.counts", {})).every(({ state }) =>
    ["done", "parked", "sent", "unknown", "dead"].includes(state),
  );

const done = (house: DraftHouse) => house.pass(async () => (await settled(house)) && house.clock.now() > 0);

describe("an answer that is shown while it is written", () => {
  it("is one message: opened after a second, edited, and finished in its place", async () => {
    const house = await start();
    await begin(house);
    expect(await states(house)).toEqual([["sending p1"]]);
    await house.write(MORE);
    await house.pass(() => house.platform.count("push") > 0);
    await house.write(LAST);
    await house.end();
    await done(house);
    expect(house.platform.log).toEqual([`open p1 ${FIRST}`, `push p1 ${FIRST}${MORE}`, `finish p1 ${ANSWER}`]);
    expect(await states(house)).toEqual([["sent p1"]]);
    const [{ deliveryId } = { deliveryId: "" }] = await deliveries(house);
    const followed = await house.store.run("ledger.delivery", { deliveryId });
    expect(followed?.events).toMatchObject([{ eventId: "e1" }]);
    expect(followed?.outbound).toMatchObject({ body: { text: ANSWER } });
  });

  it("costs one call as before when it is complete within a second, or says too little to begin with", async () => {
    const house = await start();
    await house.hear("quick?");
    await house.write(ANSWER);
    await house.clock.advance(900);
    await house.end();
    await done(house);
    await house.hear("short?");
    await house.write("Well,");
    await house.clock.advance(5_000);
    await house.end();
    await done(house);
    expect(house.platform.log).toEqual([`send p1 ${ANSWER}`, "send p2 Well,"]);
  });

  it.each(["dm", "group"] as const)(
    "is edited no faster than a %s allows, always with the latest text",
    async (peer) => {
      const house = await start({ peer });
      await begin(house, "a".repeat(20));
      await standing(house);
      for (let step = 0; step < 30; step += 1) {
        await house.write("b");
        await house.clock.advance(100);
      }
      await house.clock.advance(600);
      const [least, most] = peer === "dm" ? [2, 3] : [1, 1];
      expect(house.platform.count("push")).toBeGreaterThanOrEqual(least);
      expect(house.platform.count("push")).toBeLessThanOrEqual(most);
      await house.clock.advance(3_000);
      expect(house.platform.shown()).toEqual([`${"a".repeat(20)}${"b".repeat(30)}`]);
    },
  );

  it("makes one call at a time, and the last edit waits for the one under way", async () => {
    const house = await start();
    await begin(house);
    house.platform.next("push", { kind: "hang" });
    await house.write(MORE);
    await house.pass(() => house.platform.count("push") === 1);
    await house.write(LAST);
    await house.clock.advance(3_000);
    expect(house.platform.count("push")).toBe(1);
    await house.end();
    await house.until(async () => (await states(house))[0]?.[0]?.startsWith("sending") === true);
    await house.clock.advance(1_000);
    expect(house.platform.count("finish")).toBe(0);
    house.platform.release();
    await done(house);
    expect(house.platform.log.at(-1)).toBe(`finish p1 ${ANSWER}`);
  });

  it("stays at its first part when it outgrows a message, and the rest follows as parts", async () => {
    const house = await start();
    await begin(house);
    const long = Array.from({ length: 20 }, (_, index) => `word${index}`).join(" ");
    await house.write(` ${long}`);
    await house.pass(() => house.platform.count("push") > 0);
    const [shown = ""] = house.platform.shown();
    expect(shown.length).toBeLessThanOrEqual(LIMIT);
    await house.write(" and more");
    await house.clock.advance(10_000);
    expect(house.platform.count("push")).toBe(1);
    await house.end();
    await done(house);
    expect(house.platform.shown()).toHaveLength(3);
    expect(house.platform.shown().join(" ")).toBe(`${FIRST} ${long} and more`);
    expect(await states(house)).toEqual([["sent p1", "sent p2", "sent p3"]]);
  });

  it("brings its files in parts of their own", async () => {
    const house = await start();
    await begin(house);
    await house.emit({ t: "media", m: { ref: "cat", kind: "image", mime: "image/png", bytes: 3 } });
    await house.end();
    await done(house);
    expect(house.platform.shown()).toEqual([FIRST, "[cat]"]);
    expect(await states(house)).toEqual([["sent p1", "sent p2"]]);
  });

  it("never ends inside a character", async () => {
    const house = await start();
    await begin(house, `${"x".repeat(20)}\uD83D`);
    expect(house.platform.shown()).toEqual(["x".repeat(20)]);
    await house.write("\uDE00");
    await house.pass(() => house.platform.count("push") > 0);
    expect(house.platform.shown()).toEqual([`${"x".repeat(20)}😀`]);
  });

  it("is shown neither where its owner does not want that nor where the channel cannot", async () => {
    for (const options of [{ streaming: false }, { stream: "none" as const }]) {
      const house = await start(options);
      await house.hear("slowly, please");
      await house.write(FIRST);
      await house.clock.advance(20_000);
      await house.write(MORE, LAST);
      await house.end();
      await done(house);
      expect(house.platform.log).toEqual([`send p1 ${ANSWER}`]);
    }
  });

  it("is known as ours, so that a reply to it is a reply to us", async () => {
    const house = await start();
    await begin(house);
    await standing(house);
    const db = new DatabaseSync(house.path, { readOnly: true });
    expect(db.prepare("SELECT peer, message_id FROM sent_messages").all()).toMatchObject([
      { peer: "42", message_id: "p1" },
    ]);
    db.close();
  });
});

describe("a draft whose run does not end well", () => {
  it("becomes the apology when the run fails", async () => {
    const house = await start();
    await begin(house);
    await house.emit({ t: "done", reason: "error", error: "no more words" });
    await done(house);
    expect(house.platform.shown()).toEqual([expect.stringMatching(/^Sorry/u)]);
    expect(house.platform.count("open") + house.platform.count("send")).toBe(1);
  });

  it("stays as far as it came when its reader stopped it", async () => {
    const house = await start();
    await begin(house);
    await house.write(MORE);
    house.turns.stop("agent:main:tele:default:dm:42" as never, { reason: "stop" });
    await done(house);
    expect(house.platform.shown()).toEqual([FIRST + MORE]);
    expect(await states(house)).toEqual([["sent p1"]]);
  });

  it("is deleted when the run, begun again, has nothing to say", async () => {
    const house = await start();
    await begin(house);
    await standing(house);
    await house.kill();
    await house.until(() => house.turnsBegun() === 2);
    await house.write("NO_REPLY");
    await house.end();
    await done(house);
    expect(house.platform.shown()).toEqual([]);
    expect(await deliveries(house)).toEqual([]);
  });

  it("that cannot be deleted stays, as a message of ours", async () => {
    const house = await start();
    await begin(house);
    await standing(house);
    await house.kill();
    await house.until(() => house.turnsBegun() === 2);
    house.platform.next("abort", { kind: "rejected" });
    await house.end();
    await done(house);
    expect(await states(house)).toEqual([["sent p1"]]);
  });

  it("is deleted at the next start when its run is gone", async () => {
    const house = await start();
    await begin(house);
    await standing(house);
    const { run_id: id } = {
      run_id: (await house.store.run("deliveries.list", { filter: {}, limit: 1 })).deliveries[0]?.runId,
    };
    await house.store.run("inbox.close", { ids: [1], state: "parked", reason: "by a test", at: 1 } as never);
    expect(id).toBeDefined();
    await house.kill();
    await done(house);
    expect(house.platform.shown()).toEqual([]);
    expect(await deliveries(house)).toEqual([]);
  });
});

describe("a draft and a platform in trouble", () => {
  it("is opened later when the platform asks for patience, and not at all when it refuses", async () => {
    const house = await start();
    house.platform.next("open", { kind: "not-sent", retryAfterMs: 7_000 });
    await house.hear("hello?");
    await house.write(FIRST);
    await house.pass(() => house.platform.count("open") === 1);
    await house.clock.advance(6_000);
    expect(house.platform.count("open")).toBe(1);
    expect(await states(house)).toEqual([]);
    await house.pass(() => house.platform.count("open") === 2);
    await house.end();
    await done(house);
    house.platform.next("open", { kind: "rejected" });
    await begin(house);
    await house.write(MORE);
    await house.clock.advance(20_000);
    await house.end();
    await done(house);
    expect(house.platform.log).toEqual([`open p1 ${FIRST}`, `finish p1 ${FIRST}`, `send p2 ${FIRST}${MORE}`]);
  });

  it("skips pushes for as long as it is told", async () => {
    const house = await start();
    await begin(house);
    house.platform.next("push", { kind: "not-sent", retryAfterMs: 9_000 });
    await house.write(MORE);
    await house.pass(() => house.platform.count("push") === 1);
    await house.write(LAST);
    await house.clock.advance(8_500);
    expect(house.platform.count("push")).toBe(1);
    await house.clock.advance(1_000);
    await house.until(() => house.platform.shown()[0] === ANSWER);
  });

  it("gives way to messages that cannot wait", async () => {
    const house = await start({ sendsPerSecond: 1 });
    await begin(house);
    const lane = "other";
    const outbound = { type: "message", to: { kind: "dm", id: "7" }, body: { text: "hi" } } as const;
    const at = house.clock.now();
    const intents = Array.from({ length: 5 }, (_, index) => ({
      deliveryId: `d${index}`,
      channel: "tele",
      account: "default",
      lane: `${lane}${index}`,
      outbound,
      part: { index: 0, of: 1, text: `hi ${index}` },
      at,
    }));
    await house.outbox.enqueue(intents);
    await house.write(MORE);
    await house.pass(() => house.platform.count("send") === 5);
    expect(house.platform.count("push")).toBe(0);
    await house.pass(() => house.platform.count("push") === 1);
  });

  it("of which nobody knows whether it was posted is parked alone, and the answer goes out by itself", async () => {
    const house = await start();
    house.platform.next("open", { kind: "lost" });
    await begin(house);
    await house.write(MORE, LAST);
    await house.clock.advance(20_000);
    await house.end();
    await done(house);
    expect(house.platform.log).toEqual([`open p1 ${FIRST}`, `send p2 ${ANSWER}`]);
    expect((await states(house)).flat().sort()).toEqual(["sent p2", "unknown"]);
    const [unknown] = (await house.store.run("deliveries.list", { filter: { state: "unknown" }, limit: 5 })).deliveries;
    const id = unknown?.deliveryId ?? "";
    expect(house.outbox.parked({ channel: "tele", account: "default" })).toMatchObject({ count: 1, deliveryId: id });
    expect(await house.outbox.retry(id)).toEqual({ parts: 0, sending: false });
    expect(await house.outbox.drop(id)).toEqual({ parts: 1, sending: false });
  });

  it("whose ids come after the call was given up becomes the answer, or goes when the answer has gone", async () => {
    const house = await start();
    house.platform.next("open", { kind: "hang" });
    await begin(house);
    await house.write(MORE);
    await house.pass(async () => (await states(house))[0]?.[0] === "unknown", 1_000);
    house.platform.release();
    await standing(house);
    await house.write(LAST);
    await house.end();
    await done(house);
    expect(house.platform.shown()).toEqual([ANSWER]);
    house.platform.next("open", { kind: "hang" });
    await begin(house);
    await house.pass(() => house.platform.count("open") === 2);
    await house.end();
    await house.pass(() => house.platform.count("send") === 1, 1_000);
    house.platform.release();
    await house.pass(() => house.platform.count("abort") === 1);
    await done(house);
    expect(house.platform.shown()).toEqual([ANSWER, FIRST]);
  });

  it("goes on over the next connection, and is finished there", async () => {
    const house = await start();
    await begin(house);
    await standing(house);
    house.disconnect();
    await house.write(MORE);
    await house.clock.advance(10_000);
    expect(house.platform.count("push")).toBe(0);
    house.connect();
    await house.pass(() => house.platform.count("push") === 1);
    house.disconnect();
    await house.write(LAST);
    await house.end();
    await house.clock.advance(1_000);
    house.connect();
    await done(house);
    expect(house.platform.shown()).toEqual([ANSWER]);
    expect(house.platform.count("open")).toBe(1);
  });

  it("that was deleted by somebody is replaced by a message", async () => {
    const house = await start();
    await begin(house);
    house.platform.remove("p1");
    await house.write(MORE);
    await house.pass(() => house.platform.count("push") === 1);
    await house.write(LAST);
    await house.end();
    await done(house);
    expect(house.platform.shown()).toEqual([ANSWER]);
    expect(await states(house)).toEqual([["sent p2"]]);
  });

  it("that the platform lets nobody finish is deleted first", async () => {
    const house = await start();
    await begin(house);
    house.platform.next("finish", { kind: "rejected" });
    house.platform.next("finish", { kind: "rejected" });
    house.platform.next("abort", { kind: "not-sent" });
    await house.end();
    await done(house);
    expect(house.platform.shown()).toEqual([FIRST]);
    expect(house.platform.log.at(-1)).toBe(`send p2 ${FIRST}`);
  });

  it("is finished again when nobody knows whether it was, where that changes nothing", async () => {
    const house = await start();
    await begin(house);
    house.platform.next("finish", { kind: "lost", undone: true });
    await house.write(MORE, LAST);
    await house.end();
    await done(house);
    expect(house.platform.count("finish")).toBe(2);
    expect(house.platform.shown()).toEqual([ANSWER]);
  });

  it("is parked instead where finishing twice might say it twice", async () => {
    const house = await start({ stream: "native" });
    await begin(house);
    house.platform.next("finish", { kind: "lost" });
    await house.write(MORE, LAST);
    await house.end();
    await done(house);
    expect(house.platform.count("finish")).toBe(1);
    expect((await states(house))[0]?.[0]).toMatch(/^unknown/u);
  });

  it("waits until what was to be said before it has been sent", async () => {
    const house = await start();
    house.platform.next("send", { kind: "not-sent", scope: "peer", retryAfterMs: 12_000 });
    await house.hear("first");
    await house.write("One.");
    await house.end();
    await house.pass(() => house.platform.count("send") === 1);
    await house.hear("second");
    await house.write(FIRST);
    await house.clock.advance(8_000);
    expect(house.platform.count("open")).toBe(0);
    await house.pass(() => house.platform.count("open") === 1);
    await house.end();
    await done(house);
    expect(house.platform.shown()).toEqual(["One.", FIRST]);
  });
});

describe("a draft and the death of the gateway", () => {
  it("while it was being opened leaves one entry of unknown fate, and the answer goes out by itself", async () => {
    const house = await start();
    house.platform.next("open", { kind: "hang" });
    await begin(house);
    await house.kill();
    await house.until(() => house.turnsBegun() === 2);
    await house.write(ANSWER);
    await house.clock.advance(20_000);
    await house.end();
    await done(house);
    expect(house.platform.count("open")).toBe(1);
    expect(house.platform.log).toEqual([`open p1 ${FIRST}`, `send p2 ${ANSWER}`]);
    expect((await states(house)).flat().sort()).toEqual(["sent p2", "unknown"]);
  });

  it("while it was being opened is looked for where the platform can be asked, and goes on", async () => {
    for (const undone of [false, true]) {
      const house = await start({ reconcile: true });
      house.platform.next("open", { kind: "hang", ...(undone ? { undone: true } : {}) });
      await begin(house);
      await house.kill();
      await house.until(async () => (await states(house))[0]?.[0] === (undone ? undefined : "sending p1"));
      await house.until(() => house.turnsBegun() === 2);
      await house.write(ANSWER);
      await house.end();
      await done(house);
      expect(house.platform.shown()).toEqual([ANSWER]);
      expect(await states(house)).toEqual([["sent p1"]]);
    }
  });

  it("while it stood, or was being edited, goes on with the same message", async () => {
    for (const verb of ["none", "push"] as const) {
      const house = await start();
      if (verb === "push") house.platform.next("push", { kind: "hang" });
      await begin(house);
      await standing(house);
      if (verb === "push") {
        await house.write(MORE);
        await house.pass(() => house.platform.count("push") === 1);
      }
      await house.kill();
      await house.until(() => house.turnsBegun() === 2);
      await house.write("Now it is said differently");
      await house.pass(() => house.platform.shown()[0] === "Now it is said differently");
      await house.end();
      await done(house);
      expect(house.platform.count("open")).toBe(1);
      expect(house.platform.count("send")).toBe(0);
      expect(house.platform.shown()).toEqual(["Now it is said differently"]);
    }
  });

  it.each([{ kind: "hang" }, { kind: "hang", undone: true }] as const)(
    "at its last edit (%o) is finished by the next one",
    async (trouble) => {
      const house = await start();
      await begin(house);
      house.platform.next("finish", trouble);
      await house.write(MORE, LAST);
      await house.end();
      await house.pass(() => house.platform.count("finish") === 1);
      await house.kill();
      await done(house);
      expect(house.platform.shown()).toEqual([ANSWER]);
      expect(await states(house)).toEqual([["sent p1"]]);
    },
  );

  it("at its last edit is of unknown fate where that must not be done twice", async () => {
    const house = await start({ stream: "native" });
    await begin(house);
    house.platform.next("finish", { kind: "hang" });
    await house.end();
    await house.pass(() => house.platform.count("finish") === 1);
    await house.kill();
    await done(house);
    expect(house.platform.count("finish")).toBe(1);
    expect((await states(house))[0]?.[0]).toMatch(/^unknown/u);
  });

  it("does not happen when it stops in order: the message runs again and its draft goes on", async () => {
    const house = await start();
    await begin(house);
    await house.restart();
    await house.until(() => house.turnsBegun() === 2);
    await house.write(ANSWER);
    await house.end();
    await done(house);
    expect(house.platform.count("open")).toBe(1);
    expect(house.platform.shown()).toEqual([ANSWER]);
  });
});
