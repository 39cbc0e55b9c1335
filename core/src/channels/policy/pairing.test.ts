import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFakeClock } from "../../base/fake-clock.ts";
import { systemIds } from "../../base/ids.ts";
import { type TestStore, openTestStore, silentLog } from "../../store/test-store.ts";
import { type Pairing, openPairing } from "./pairing.ts";
import { newPairingCode } from "./pairing-code.ts";

const HOUR_MS = 3_600_000;
const account = { channel: "tele", account: "default" };
const other = { channel: "tele", account: "second" };

let store: TestStore;
let clock = createFakeClock();
let pairing: Pairing;
let published: { event: string; payload: Record<string, unknown> }[];
let planned: string[];
let canPlan: boolean;

const open = (): Promise<Pairing> =>
  openPairing({
    store,
    clock,
    ids: systemIds,
    log: silentLog,
    sink: { publish: (event, payload) => void published.push({ event, payload: { ...payload } }) },
    outbox: { wake: () => undefined },
    async plan({ channel, account: name, peer }, body, { deliveryId }) {
      if (!canPlan) throw new Error("the channel is not loaded");
      planned.push(`${name}/${peer.id}: ${body.text}`);
      const outbound = { type: "message" as const, to: peer, body };
      return [
        { deliveryId, channel, account: name, lane: peer.id, outbound, part: { index: 0, of: 1 }, at: clock.now() },
      ];
    },
  });

beforeEach(async () => {
  store = await openTestStore();
  clock = createFakeClock();
  [published, planned, canPlan] = [[], [], true];
  pairing = await open();
});
afterEach(() => store.dispose());

const write = (sender: string, name: typeof account = account) =>
  pairing.request(name, { from: { id: sender, name: `Name ${sender}` }, peer: { kind: "dm", id: sender } });

/** Writes and is answered, as the inbox does it. */
async function writeAndHear(sender: string): Promise<string | undefined> {
  const { reason, answer } = await write(sender);
  const told = answer === undefined ? {} : { answer: { ...account, sender, tellsCode: true, intents: [] } };
  await store.run("inbox.refuse", { ids: [], reason, at: clock.now(), ...told });
  return answer;
}

/** The code in an answer. */
const codeIn = (answer: string | undefined): string =>
  /pairing approve tele ([A-Z2-9]{8})$/.exec(answer ?? "")?.[1] ?? "";

const queued = async (): Promise<number> =>
  (await store.run("ledger.counts", {})).reduce((sum, { count }) => sum + count, 0);

describe("a pairing code", () => {
  it("has eight letters or digits that nobody mistakes for one another", () => {
    const codes = Array.from({ length: 200 }, () => newPairingCode(systemIds));
    for (const code of codes) expect(code).toMatch(/^[A-HJ-NP-Z2-9]{8}$/);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it("stays the same for repeats, which are answered three times at most, and after a restart", async () => {
    const code = codeIn(await writeAndHear("1"));
    expect(codeIn((await write("1")).answer)).toBe(code);
    expect(codeIn(await writeAndHear("1"))).toBe(code);
    pairing = await open();
    expect(codeIn(await writeAndHear("1"))).toBe(code);
    expect(await writeAndHear("1")).toBeUndefined();
    expect((await pairing.list()).requests).toMatchObject([{ sender: "1", name: "Name 1", code }]);
    expect(published.map(({ event }) => event)).toEqual(["channel.pairing.requested"]);
  });

  it("ends after an hour, and the next message gets another", async () => {
    const code = codeIn((await write("1")).answer);
    await clock.advance(HOUR_MS);
    expect((await pairing.list()).requests).toEqual([]);
    await expect(pairing.approve({ channel: "tele", code }, "me")).rejects.toThrow(/nobody waits on tele/);
    expect(codeIn((await write("1")).answer)).not.toBe(code);
  });

  it("is given to three at one time on each account; who comes then is not answered", async () => {
    for (const sender of ["1", "2", "3"]) expect((await write(sender)).answer).toBeDefined();
    const fourth = await write("4");
    expect(fourth.answer).toBeUndefined();
    expect(fourth.reason).toContain("openclaw pairing list tele");
    expect((await write("4", other)).answer).toBeDefined();
    await pairing.reject({ channel: "tele", code: (await pairing.list()).requests[0]!.code }, "me");
    expect((await write("4")).answer).toBeDefined();
  });

  it("keeps the code of the channel's next request apart from the pending ones", async () => {
    const first = await store.run("pairing.request", request("1", ["AAAA2222"]));
    const second = await store.run("pairing.request", request("2", ["AAAA2222", "BBBB3333"]));
    expect([first, second]).toMatchObject([{ request: { code: "AAAA2222" } }, { request: { code: "BBBB3333" } }]);
  });
});

const request = (sender: string, codes: readonly string[]) => ({
  ...account,
  sender,
  codes,
  peer: { kind: "dm" as const, id: sender },
  now: clock.now(),
});

describe("an approval", () => {
  it("takes the code in any case and with blanks around it, lets in on that account only, and tells the sender once", async () => {
    const code = codeIn((await write("1")).answer);
    const approved = await pairing.approve({ channel: "tele", code: ` ${code.toLowerCase()} ` }, "local-owner");
    expect(approved).toMatchObject({ ...account, sender: "1", approvedBy: "local-owner", approvedAt: clock.now() });
    expect(pairing.isPaired(account, "1")).toBe(true);
    expect(pairing.isPaired(other, "1")).toBe(false);
    expect(await pairing.approve({ channel: "tele", code }, "somebody else")).toEqual(approved);
    expect(planned.at(-1)).toMatch(/^default\/1: .*you may write to me now/);
    expect(await queued()).toBe(1);
    expect(published.at(-1)).toMatchObject({
      event: "channel.pairing.resolved",
      payload: { accountId: "default", senderId: "1", decision: "approved", by: "local-owner" },
    });
    expect(await pairing.list()).toMatchObject({ requests: [], approved: [{ sender: "1" }] });
  });

  it("holds after a restart, until it is taken back", async () => {
    await pairing.approve({ channel: "tele", code: codeIn((await write("1")).answer) }, "me");
    pairing = await open();
    expect(pairing.isPaired(account, "1")).toBe(true);
    expect(await pairing.remove({ channel: "tele", sender: "1" }, "me")).toMatchObject([{ sender: "1" }]);
    expect(pairing.isPaired(account, "1")).toBe(false);
    expect((await open()).isPaired(account, "1")).toBe(false);
    await expect(pairing.remove({ channel: "tele", sender: "1" }, "me")).rejects.toThrow(/was not approved/);
  });

  it("is refused for another channel, another account and a wrong code", async () => {
    const code = codeIn((await write("1")).answer);
    for (const query of [
      { channel: "other", code },
      { channel: "tele", account: "second", code },
      { channel: "tele", code: "AAAAAAAA" },
    ]) {
      await expect(pairing.approve(query, "me")).rejects.toThrow(/nobody waits/);
    }
    expect(pairing.isPaired(account, "1")).toBe(false);
  });

  it("counts even when the channel cannot carry the news", async () => {
    const code = codeIn((await write("1")).answer);
    canPlan = false;
    await pairing.approve({ channel: "tele", code }, "me");
    expect(pairing.isPaired(account, "1")).toBe(true);
    expect(await queued()).toBe(0);
  });
});
