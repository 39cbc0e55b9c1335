import { describe, expect, it } from "vitest";
import type { Part } from "./database.ts";
import type { Posted } from "./transcript.ts";
import { type Evidence, judge } from "./verdict.ts";

const part = (id: string, more: Partial<Part> = {}): Part => ({
  id,
  deliveryId: `d${id}`,
  account: "telegram/one",
  state: "sent",
  reason: "",
  receiptIds: [`p${id}`],
  marks: [`m${id}.0;`],
  hasMedia: false,
  eventIds: [`e${id}`],
  ...more,
});

const post = (id: string, more: Partial<Posted> = {}): Posted => ({
  account: "telegram/one",
  peer: "500",
  ids: [`p${id}`],
  marks: [`m${id}.0;`],
  text: `m${id}.0;`,
  ...more,
});

const saying = (number: number) => ({
  number,
  account: "telegram/one" as const,
  person: "500",
  eventIds: [`e${number}`],
  words: [`m${number}.0;`],
  files: [],
});

const marks = ["m1.0;", "m2.0;"];

/** Two messages, both answered; each test spoils something. */
function evidence(more: Partial<Evidence> = {}, ledger: Partial<Evidence["ledger"]> = {}): Evidence {
  return {
    said: [saying(1), saying(2)],
    posted: [post("1"), post("2")],
    wrecks: [],
    listed: [],
    talked: new Map(),
    ...more,
    ledger: {
      parts: [part("1"), part("2")],
      undone: [],
      events: 2,
      runs: [],
      asked: marks,
      answered: marks,
      ...ledger,
    },
  };
}

const unknownPart = part("2", { state: "unknown", receiptIds: [] });
const kill = (sending: string[], more: object = {}) => ({ sending, running: [], inHand: [], drafts: 0, ...more });

describe("the verdict on a crash matrix", () => {
  it("finds nothing where both sides agree", () => {
    expect(judge(evidence())).toEqual({ lost: [], doubled: [], faults: [], unknown: [], parked: [] });
  });

  it("calls lost what no platform has and no part of unknown fate explains", () => {
    const { lost, faults } = judge(evidence({ posted: [post("1")] }));
    expect(lost).toEqual(["m2.0; of 500 at telegram/one (event e2)"]);
    expect(faults).toEqual(["telegram/one p2 is a receipt of nothing"]);
  });

  it("calls doubled what a platform has twice, also under unknown fate", () => {
    const posted = [post("1"), post("2"), post("2", { ids: ["p3"] })];
    const unknown = { parts: [part("1"), unknownPart] };
    const { doubled } = judge(evidence({ posted, wrecks: [kill(["2"])], listed: ["d2"] }, unknown));
    expect(doubled).toEqual(["m2.0; of 500 at telegram/one (event e2) was posted 2 times"]);
  });

  it("accepts as unknown only what was being sent at a kill, and only when it is listed", () => {
    const unknown = { parts: [part("1"), unknownPart] };
    const posted = [post("1")];
    expect(judge(evidence({ posted, wrecks: [kill(["2"])], listed: ["d2"] }, unknown))).toMatchObject({
      lost: [],
      faults: [],
      unknown: ["part 2 of d2 at telegram/one (m2.0;): has not arrived"],
    });
    expect(judge(evidence({ posted }, unknown)).faults).toEqual([
      "part 2 is unknown and no kill explains it: ",
      "delivery d2 is unknown and not listed",
    ]);
  });

  it("wants every part that was being sent at a kill to be unknown where nobody can be asked", () => {
    expect(judge(evidence({ wrecks: [kill(["2"])] })).faults).toEqual(["part 2 was in the air at a kill and is sent"]);
  });

  it("wants one turn a message, answers in order, and failed runs only where a kill cut them short", () => {
    const spoiled = evidence(
      { posted: [post("2"), post("1")], talked: new Map([["w1-0", "error"]]) },
      { asked: [...marks, "m2.0;", "m1000000.0;"], runs: [{ key: "w1-0", state: "failed" }] },
    );
    expect(judge(spoiled).faults).toEqual([
      "m1.0; came after an answer to m2 at telegram/one 500",
      "m2.0; was asked 2 and answered 1 times",
      "run w1-0 is failed, should be done, told error",
    ]);
  });

  it("excuses a parked message that was in hand at five kills, and no other", () => {
    const undone = [{ event: "telegram/one e2", state: "parked", reason: "gave up after 5 attempts that did not end" }];
    const ledger = { undone, parts: [part("1")], answered: ["m1.0;"] };
    const wrecks = Array.from({ length: 5 }, (_, attempt) => kill([], { inHand: [`telegram/one e2 #${attempt}`] }));
    const posted = [post("1")];
    expect(judge(evidence({ posted, wrecks }, ledger))).toMatchObject({
      lost: [],
      faults: [],
      parked: ["telegram/one e2"],
    });
    const seenTwice = [...wrecks.slice(1), ...wrecks.slice(1)];
    expect(judge(evidence({ posted, wrecks: seenTwice }, ledger)).lost).toHaveLength(1);
  });

  it("takes one message out for a draft that was being posted at a kill, and nothing else", () => {
    const lost = part("3", { state: "unknown", receiptIds: [], lostDraft: "m2.0;", marks: ["m2.0;"] });
    const orphan = post("9", { marks: ["m2.0;"], text: "m2.0;" });
    const parts = [part("1"), part("2"), lost];
    const known = { wrecks: [kill(["3"])], listed: ["d3"] };
    const clean = { lost: [], doubled: [], faults: [] };
    expect(judge(evidence({ ...known, posted: [post("1"), post("2"), orphan] }, { parts }))).toMatchObject(clean);
    expect(judge(evidence(known, { parts }))).toMatchObject(clean);
    const other = { ...orphan, text: "m2.0; and more" };
    const twice = judge(evidence({ ...known, posted: [post("1"), post("2"), other] }, { parts }));
    expect(twice.doubled).toHaveLength(1);
    expect(twice.faults).toHaveLength(1);
    const both = [post("1"), post("2"), orphan, { ...orphan, ids: ["p10"] }];
    expect(judge(evidence({ ...known, posted: both }, { parts })).doubled).toHaveLength(1);
    const missing = judge(evidence({ ...known, posted: [post("1"), orphan] }, { parts: [part("1"), lost] }));
    expect(missing.lost).toHaveLength(1);
  });
});
