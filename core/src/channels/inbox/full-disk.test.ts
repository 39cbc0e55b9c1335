import { type Inbound, isReceiveError, SendError } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deliveryId } from "../../base/brand.ts";
import { createFakeClock, type FakeClock } from "../../base/fake-clock.ts";
import { createProblems, type Problems } from "../../base/problems.ts";
import type { Fault } from "../../store/writer/faults.ts";
import { watchDisk } from "../../store/writer/disk-watch.ts";
import { createTestFaults, FULL, ROOM, type TestFaults } from "../../store/test-faults.ts";
import { openTestStore, silentLog, type TestStore } from "../../store/test-store.ts";
import { createTestPort, openTestChannels, type TestChannels, type TestPort } from "../test-port.ts";

let store: TestStore;
let clock: FakeClock;
let problems: Problems;
let faults: TestFaults;
let channels: TestChannels;
let port: TestPort;

beforeEach(async () => {
  clock = createFakeClock();
  problems = createProblems(clock);
  faults = createTestFaults();
  const opened = await openTestStore(faults.port);
  store = { ...opened, ...watchDisk({ store: opened, clock, log: silentLog, problems }) };
  channels = await openTestChannels({ test: {} }, { store, clock });
  port = createTestPort();
  channels.register(port);
  await channels.until(() => port.links.length > 0);
});
afterEach(() => channels.dispose());

const to = (id: string) => ({ channel: "test", account: "default", peer: { kind: "dm" as const, id } });
async function enqueue(id: string): Promise<void> {
  await channels.outbox.enqueue(await channels.plan(to(id), { text: id }, { deliveryId: deliveryId(id) }));
}
const stateOf = async (id: string) => (await store.run("ledger.outcome", { deliveryId: id }))?.state;
const isWell = () => problems.list().length === 0;

const message = (eventId: string): Inbound => ({
  type: "message",
  eventId,
  at: 1,
  messageId: eventId,
  peer: { kind: "dm", id: eventId },
  from: { id: eventId },
  body: { text: "x".repeat(8_000) },
});
/** What the extension is told. */
const receive = (eventId: string) =>
  port.links[0]!.doors.receive([message(eventId)], { cursor: eventId }).then(
    ([outcome]) => outcome?.outcome,
    (error: unknown) => (isReceiveError(error) ? "kept" : error),
  );

describe("a full disk", () => {
  it("leaves messages with their platform, with the cursor before them, until there is room", async () => {
    expect(await receive("0")).toBe("stored");
    await faults.inject(FULL);
    let last = 1;
    while ((await receive(String(last))) === "stored") last += 1;
    expect(await channels.inbox.cursor({ channel: "test", lease: "self-default" })).toBe(String(last - 1));
    expect(await receive(String(last))).toBe("kept");
    await faults.inject(ROOM);
    await channels.advanceUntil(isWell, 500);
    expect(await receive(String(last))).toBe("stored");
    expect(await receive("0")).toBe("duplicate");
  });

  it("stops the sending of what is queued, and sends it once when there is room", async () => {
    port.behaviour.send = () => Promise.reject(new SendError("busy", { fate: "not-sent", scope: "message" }));
    await enqueue("a");
    await channels.until(async () => (await stateOf("a")) === "retry");
    port.behaviour.send = async ({ outbound }) => ({ ids: ["m"], at: 1, peer: outbound.to });
    await faults.inject(FULL);
    for (let index = 0; (await receive(String(index))) === "stored"; index += 1);
    // Longer than the wait before the next attempt.
    await clock.advance(60_000);
    expect(port.sent).toHaveLength(1);
    expect(await stateOf("a")).toBe("retry");
    await faults.inject(ROOM);
    await channels.advanceUntil(async () => (await stateOf("a")) === "sent", 1_000);
    expect(port.sent).toHaveLength(2);
  });
});

describe.each<{ fault: string; broken: Fault; whole: Fault }>([
  { fault: "is read-only", broken: { pragma: "query_only = 1" }, whole: { pragma: "query_only = 0" } },
  { fault: "answers every call with EIO", broken: { failing: true }, whole: { failing: false } },
])("a disk that $fault", ({ broken, whole }) => {
  it("stops intake and sending, turns health red, keeps what was acknowledged, and goes on by itself", async () => {
    expect(await receive("0")).toBe("stored");
    port.behaviour.send = () => Promise.reject(new SendError("busy", { fate: "not-sent", scope: "message" }));
    await enqueue("a");
    await channels.until(async () => (await stateOf("a")) === "retry");
    port.behaviour.send = async ({ outbound }) => ({ ids: ["m"], at: 1, peer: outbound.to });
    await faults.inject(broken);
    expect(await receive("1")).toBe("kept");
    expect(problems.list()).toMatchObject([{ part: "disk", reason: expect.stringContaining("check the disk") }]);
    await expect(enqueue("b")).rejects.toMatchObject({ kind: "io" });
    await clock.advance(60_000);
    expect(port.sent).toHaveLength(1);
    await faults.inject(whole);
    await channels.advanceUntil(isWell, 500);
    await channels.advanceUntil(async () => (await stateOf("a")) === "sent", 1_000);
    expect(port.sent).toHaveLength(2);
    expect(await receive("0")).toBe("duplicate");
    expect(await receive("1")).toBe("stored");
    expect(await channels.inbox.cursor({ channel: "test", lease: "self-default" })).toBe("1");
  });
});

describe("a disk that is only slow", () => {
  it("acknowledges late and loses nothing, and is no problem", async () => {
    await faults.inject({ slowMs: 100 });
    const taken = await Promise.all(Array.from({ length: 20 }, (_, index) => receive(String(index))));
    expect(taken).toEqual(Array.from({ length: 20 }, () => "stored"));
    await enqueue("a");
    await channels.until(async () => (await stateOf("a")) === "sent");
    await faults.inject({ slowMs: 0 });
    expect(port.sent).toHaveLength(1);
    expect(isWell()).toBe(true);
  });
});

describe("a disk that fails while a message is on its way", () => {
  it("stores the receipt when it works again, and does not send a second time", async () => {
    const sending = Promise.withResolvers<void>();
    port.behaviour.send = async ({ outbound }) => {
      await sending.promise;
      return { ids: ["m"], at: 1, peer: outbound.to };
    };
    await enqueue("a");
    await channels.until(() => port.sent.length === 1);
    await faults.inject({ failing: true });
    sending.resolve();
    await channels.until(() => !isWell());
    await clock.advance(10_000);
    await faults.inject({ failing: false });
    await channels.advanceUntil(async () => (await stateOf("a")) === "sent", 500);
    await channels.advanceUntil(isWell, 500);
    expect(port.sent).toHaveLength(1);
  });
});
