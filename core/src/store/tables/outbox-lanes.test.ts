import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OutboxClaim, OutboxIntent, Settlement } from "./outbox.ts";
import { openTestStore, type TestStore } from "../test-store.ts";

const LANES = 3;
const STEPS = 300;

/** Numbers that are the same for the same seed (mulberry32, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c). */
function createDice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * sides);
  };
}

interface Row {
  readonly id: number;
  readonly delivery_id: string;
  readonly part: number;
  readonly lane: string;
  readonly state: string;
  readonly head: number;
  readonly next_at: number | null;
}

const SCOPE = { channel: "test", account: "a" };

/** An owner, a platform and a gateway that do anything in any order. */
class Chaos {
  readonly #store: TestStore;
  readonly #roll: (sides: number) => number;
  readonly #deliveries: string[] = [];
  #inFlight: OutboxClaim[] = [];
  #answered: OutboxClaim[] = [];
  #now = 1_000;

  constructor(store: TestStore, seed: number) {
    this.#store = store;
    this.#roll = createDice(seed);
  }

  /** Keys of the parts in flight: none is ever claimed twice at a time. */
  flying(): string[] {
    return this.#inFlight.map((claim) => `${claim.deliveryId}/${claim.part.index}`);
  }

  async step(): Promise<void> {
    this.#now += this.#roll(3);
    const acts = [
      () => this.#enqueue(),
      () => this.#claim(),
      () => this.#settle(),
      () => this.#settle(),
      () => this.#late(),
      () => this.#decide("deliveries.retry"),
      () => this.#decide("deliveries.drop"),
      () => this.#crash(),
    ];
    // A crash is rare.
    await acts[this.#roll(this.#roll(10) === 0 ? acts.length : acts.length - 1)]?.();
  }

  /** Ends everything well, so that nothing may stay open. */
  async finish(): Promise<void> {
    for (;;) {
      const { claims, nextAt } = await this.#store.run("outbox.claim", { ...SCOPE, now: this.#now, limit: 10 });
      this.#inFlight.push(...claims);
      if (this.#inFlight.length === 0 && nextAt === undefined) return;
      for (const claim of this.#inFlight) await this.#answer(claim, this.#sent(claim));
      this.#inFlight = [];
      this.#now = Math.max(this.#now + 1, nextAt ?? 0);
    }
  }

  #enqueue(): Promise<void> {
    const deliveryId = `d${this.#deliveries.length}`;
    const lane = this.#roll(LANES);
    this.#deliveries.push(deliveryId);
    const of = 1 + this.#roll(3);
    const peer = { kind: "dm", id: String(lane) } as const;
    const intents = Array.from({ length: of }, (_, index): OutboxIntent => {
      const outbound = { type: "message", to: peer, body: { text: "x" } } as const;
      return { deliveryId, ...SCOPE, lane: `lane${lane}`, outbound, part: { index, of, text: "x" }, at: this.#now };
    });
    return this.#store.run("outbox.enqueue", { intents });
  }

  async #claim(): Promise<void> {
    const limit = 1 + this.#roll(2);
    const { claims } = await this.#store.run("outbox.claim", { ...SCOPE, now: this.#now, limit });
    this.#inFlight.push(...claims);
  }

  #sent(claim: OutboxClaim): Settlement {
    const ids = [`${claim.deliveryId}-${claim.part.index}-${claim.attempt}`];
    return { state: "sent", receipt: { ids, at: this.#now, peer: claim.outbound.to } };
  }

  async #settle(): Promise<void> {
    const [claim] = this.#inFlight.splice(this.#roll(Math.max(1, this.#inFlight.length)), 1);
    if (claim === undefined) return;
    const reason = "chaos";
    const nextAt = this.#now + this.#roll(5);
    const settlements: readonly Settlement[] = [
      this.#sent(claim),
      { state: "retry", nextAt, reason, counts: this.#roll(2) === 0 },
      { state: "unknown", reason, nextAt },
      { state: "unknown", reason },
      { state: "dead", reason },
    ];
    await this.#answer(claim, settlements[this.#roll(settlements.length)] ?? this.#sent(claim));
    this.#answered.push(claim);
  }

  async #answer(claim: OutboxClaim, settlement: Settlement): Promise<void> {
    await this.#store.run("outbox.settle", { claim, at: this.#now, settlement });
  }

  async #late(): Promise<void> {
    // The call of a claim that is settled as unknown may still be answered.
    const claims = [...this.#answered, ...this.#inFlight].filter(({ task }) => task === "send");
    const claim = claims[this.#roll(Math.max(1, claims.length))];
    if (claim === undefined) return;
    const receipt = { ids: ["late"], at: this.#now, peer: claim.outbound.to };
    await this.#store.run("outbox.late", { claim, at: this.#now, receipt });
  }

  async #decide(command: "deliveries.retry" | "deliveries.drop"): Promise<void> {
    const deliveryId = this.#deliveries[this.#roll(Math.max(1, this.#deliveries.length))];
    if (deliveryId === undefined) return;
    await this.#store.run(command, { deliveryId, reason: "dropped", at: this.#now });
  }

  async #crash(): Promise<void> {
    this.#inFlight = [];
    this.#answered = [];
    await this.#store.run("outbox.recover", { now: this.#now, latest: this.#now + 100 });
  }
}

describe("the lanes of the outbox", () => {
  let store: TestStore;
  let db: DatabaseSync;

  beforeEach(async () => {
    store = await openTestStore();
    db = new DatabaseSync(store.path, { readOnly: true });
  });
  afterEach(async () => {
    db.close();
    await store.dispose();
  });

  const rows = (): Row[] => db.prepare("SELECT * FROM outbox ORDER BY id").all() as unknown as Row[];

  /** What must hold after every step, whoever did what in which order. */
  function check(chaos: Chaos): void {
    const all = rows();
    for (let lane = 0; lane < LANES; lane += 1) {
      const open = all.filter((row) => row.lane === `lane${lane}` && row.next_at !== null);
      const marked = open.filter((row) => row.head !== 0);
      // One part of a lane is next or in flight, and the next one is the oldest.
      expect(marked).toHaveLength(open.length === 0 ? 0 : 1);
      if (marked[0]?.head === 1) expect(marked[0].id).toBe(open[0]?.id);
    }
    expect(all.filter((row) => row.next_at === null && row.head !== 0)).toEqual([]);
    const sending = all.filter((row) => row.state === "sending").map((row) => `${row.delivery_id}/${row.part}`);
    expect(chaos.flying()).toEqual(expect.arrayContaining(sending));
    expect(new Set(sending).size).toBe(sending.length);
  }

  it.each([1, 2, 3, 4, 5])("keep their order and never stall, whatever happens (seed %i)", async (seed) => {
    const chaos = new Chaos(store, seed);
    for (let step = 0; step < STEPS; step += 1) {
      await chaos.step();
      check(chaos);
    }
    await chaos.finish();
    expect(rows().filter((row) => row.next_at !== null)).toEqual([]);
  });
});
