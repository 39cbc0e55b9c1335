import { setImmediate as tick } from "node:timers/promises";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Fate, type ModelHouse, openModelHouse, type StoredRow } from "./model-house.ts";
import { type ModelEvent, ModelPipeline } from "./model-pipeline.ts";

/** The same interleavings at every run; a failure prints the shortest that fails. For a longer search: `MODEL_RUNS`, `MODEL_SEED`. */
const SEED = Number(process.env["MODEL_SEED"] ?? 20_261_122);
const RUNS = Number(process.env["MODEL_RUNS"] ?? 12);
const MAX_COMMANDS = 40;
const LANES = 3;
const PATIENCE_MS = 3_000;
/** At five deaths a message is parked, which is another test's topic. */
const MAX_CRASHES = 4;

type Step = fc.AsyncCommand<ModelPipeline, ModelHouse>;

const sorted = (ids: Iterable<string>): string[] => [...ids].sort();
const ids = (events: readonly ModelEvent[]): string[] => sorted(events.map(({ id }) => id));
const pick = (events: readonly ModelEvent[], index: number): ModelEvent => events[index % events.length]!;

const shown = (house: ModelHouse) => ({
  rows: house.rows(),
  turns: sorted(house.turns.keys()),
  sends: sorted(house.sends.keys()),
  faults: house.faults,
});
const wanted = (model: ModelPipeline) => ({
  rows: model.rows(),
  turns: ids(model.running()),
  sends: ids(model.sending()),
  faults: [],
});

/** Waits until the real pipeline looks like the model; fails with the difference. */
async function agree(model: ModelPipeline, house: ModelHouse): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  const goal = JSON.stringify(wanted(model));
  while (JSON.stringify(shown(house)) !== goal && performance.now() < giveUpAt) await tick();
  expect(shown(house)).toEqual(wanted(model));
}

function step(name: string, can: (model: ModelPipeline) => boolean, act: Step["run"]): Step {
  return {
    check: can,
    toString: () => name,
    async run(model, house) {
      await act(model, house);
      await agree(model, house);
    },
  };
}

/** In steps of what happens next, so that nothing happens at a time that depends on the speed of this machine. */
async function pass(model: ModelPipeline, house: ModelHouse, ms: number): Promise<void> {
  for (let left = ms; left > 0;) {
    const next = model.untilNext(left);
    left -= next;
    await house.advance(next);
    model.advance(next);
    await agree(model, house);
  }
}

/** What a row may be that was changing when the process died: as before, as after, or in between. */
function fits(row: StoredRow, { before, after }: { before: StoredRow | undefined; after: StoredRow }): boolean {
  const inbox = [before, after].some((one) => one?.inbox === row.inbox && one.claims === row.claims);
  const fresh = row.inbox === "recorded" && row.claims <= after.claims;
  const same = [before, after].some((one) => one?.part === row.part && one?.sends === row.sends);
  return (inbox || fresh) && (same || (row.part === "queued" && after.part === "unknown"));
}

/** Kills the process in the middle of something, checks that every row is a possible one, and goes on from there. */
async function dieDuring(
  model: ModelPipeline,
  house: ModelHouse,
  { begin, done, ticks }: { begin: () => Promise<unknown>; done: () => void; ticks: number },
): Promise<void> {
  const now = wanted(model).rows;
  const settled = begin().then(
    () => true,
    () => false,
  );
  for (let passed = 0; passed < ticks; passed += 1) await tick();
  await house.crash();
  await house.open();
  const acknowledged = await settled;
  const before = new Map(crashed(now).map((row) => [row.id, row]));
  done();
  model.crash();
  const real = new Map(house.rows().map((row) => [row.id, row]));
  for (const [index, after] of crashed(model.rows()).entries()) {
    const event = model.events[index]!;
    const row = real.get(after.id) ?? (acknowledged ? undefined : { ...after, inbox: "recorded", claims: 0 });
    expect(row, `${after.id} was lost`).toBeDefined();
    expect(fits(comparable(row!), { before: before.get(after.id), after }), JSON.stringify({ row, after })).toBe(true);
    adopt(event, row!, model.now);
  }
}

/** A turn that was in hand is claimed again, so that only its count tells. */
const comparable = (row: StoredRow): StoredRow => (row.inbox === "running" ? { ...row, inbox: "recorded" } : row);
const crashed = (rows: readonly StoredRow[]): StoredRow[] =>
  rows.map((row) => ({
    ...row,
    inbox: row.inbox === "running" ? "recorded" : row.inbox,
    claims: row.inbox === "running" ? row.claims + 1 : row.claims,
    part: row.part === "sending" ? "unknown" : row.part,
  }));

function adopt(event: ModelEvent, row: StoredRow, now: number): void {
  event.state = row.inbox === "done" ? "done" : "recorded";
  event.claims = row.claims;
  if (row.part === null) return void delete event.part;
  const fresh = { parked: false, tries: row.sends ?? 0, dueAt: now };
  const state = row.part as NonNullable<ModelEvent["part"]>["state"];
  event.part = { ...fresh, ...event.part, state, sends: row.sends ?? 0 };
  if (row.sends === 0) event.part.tries = 0;
}

const index = fc.nat({ max: 11 });
const ticks = fc.nat({ max: 12 });
const fate = fc.constantFrom<Fate>("sent", "sent", "not-sent", "rejected", "unknown");
const mayCrash = (model: ModelPipeline): boolean => model.crashes < MAX_CRASHES;
const always = (): boolean => true;

const steps: fc.Arbitrary<Step>[] = [
  fc.nat({ max: LANES - 1 }).map((lane) =>
    step(`receive in ${lane}`, always, async (model, house) => {
      const { id } = model.receive(lane);
      expect(await house.receive(id, lane)).toEqual(["stored"]);
    }),
  ),
  index.map((at) =>
    step(
      `redeliver ${at}`,
      ({ events }) => events.length > 0,
      async ({ events }, house) => {
        const { id, lane } = pick(events, at);
        expect(await house.receive(id, lane)).toEqual(["duplicate"]);
      },
    ),
  ),
  fc.tuple(index, fc.constantFrom("ok" as const, "ok" as const, "fails" as const)).map(([at, end]) =>
    step(
      `turn ${at} ${end}`,
      (model) => model.running().length > 0,
      async (model, house) => {
        const event = pick(model.running(), at);
        model.endTurn(event);
        house.turns.get(event.id)!(end);
      },
    ),
  ),
  fc.tuple(index, fate).map(([at, how]) =>
    step(
      `send ${at} is ${how}`,
      (model) => model.sending().length > 0,
      async (model, house) => {
        const event = pick(model.sending(), at);
        const answer = house.sends.get(event.id)!;
        model.answer(event, how);
        answer(how);
      },
    ),
  ),
  fc.tuple(index, fate).map(([at, how]) =>
    step(
      `late ${at} is ${how}`,
      (model) => model.late().length > 0,
      async (model, house) => {
        const event = pick(model.late(), at);
        const answer = house.late.get(event.id)!;
        model.answerLate(event, how);
        answer(how);
      },
    ),
  ),
  fc.tuple(index, fc.constantFrom("retry" as const, "drop" as const)).map(([at, decision]) =>
    step(
      `owner's ${decision} of ${at}`,
      (model) => model.answered().length > 0,
      async (model, house) => {
        const event = pick(model.answered(), at);
        model.decide(event, decision);
        await house.decide(event.id, decision);
      },
    ),
  ),
  fc.constant(
    step(
      "connect",
      ({ connected }) => !connected,
      async (model, house) => {
        model.connect();
        house.connect();
      },
    ),
  ),
  fc.constant(
    step(
      "disconnect",
      ({ connected }) => connected,
      async (model, house) => {
        model.connected = false;
        house.disconnect();
      },
    ),
  ),
  fc
    .constantFrom(400, 5_000, 61_000, 900_000)
    .map((ms) => step(`${ms} ms pass`, always, (model, house) => pass(model, house, ms))),
  fc.constant(
    step("crash", mayCrash, async (model, house) => {
      await house.crash();
      await house.open();
      model.crash();
      model.settle();
    }),
  ),
  fc.tuple(fc.nat({ max: LANES - 1 }), ticks).map(([lane, after]) =>
    step(`crash while receiving in ${lane} (${after})`, mayCrash, async (model, house) => {
      const id = `${lane}-${model.events.length}`;
      const begin = () => house.receive(id, lane);
      await dieDuring(model, house, { begin, done: () => void model.receive(lane), ticks: after });
      // Nothing was acknowledged, so the platform delivers it again.
      await house.receive(id, lane);
      model.settle();
    }),
  ),
  fc.tuple(index, ticks).map(([at, after]) =>
    step(
      `crash while turn ${at} ends (${after})`,
      (model) => mayCrash(model) && model.running().length > 0,
      async (model, house) => {
        const event = pick(model.running(), at);
        const begin = async () => house.turns.get(event.id)!("ok");
        await dieDuring(model, house, { begin, done: () => model.endTurn(event), ticks: after });
        model.settle();
      },
    ),
  ),
  fc.tuple(index, ticks).map(([at, after]) =>
    step(
      `crash while send ${at} ends (${after})`,
      (model) => mayCrash(model) && model.sending().length > 0,
      async (model, house) => {
        const event = pick(model.sending(), at);
        const begin = async () => house.sends.get(event.id)!("sent");
        await dieDuring(model, house, { begin, done: () => model.answer(event, "sent"), ticks: after });
        model.settle();
      },
    ),
  ),
];

/** Lets everything come to its end: whatever was stored is answered or waits for its owner. */
async function finish(model: ModelPipeline, house: ModelHouse): Promise<void> {
  if (!model.connected) {
    model.connect();
    house.connect();
  }
  const open = () =>
    model.events.some((event) => event.part === undefined || model.rows().some(({ rests }) => rests === 0));
  while (open()) {
    await agree(model, house);
    for (const event of model.running()) {
      model.endTurn(event);
      house.turns.get(event.id)!("ok");
      await agree(model, house);
    }
    for (const event of model.sending()) {
      const answer = house.sends.get(event.id)!;
      model.answer(event, "sent");
      answer("sent");
      await agree(model, house);
    }
    await pass(model, house, 600_000);
  }
}

describe("inbox, turns and outbox against a model", () => {
  it(
    "lose nothing, double nothing and keep every order, however their work is interleaved",
    async () => {
      const plans = fc.commands(steps, { maxCommands: MAX_COMMANDS, size: "max" });
      await fc.assert(
        fc.asyncProperty(plans, async (plan) => {
          const house = await openModelHouse();
          try {
            const model = new ModelPipeline();
            await fc.asyncModelRun(() => ({ model, real: house }), plan);
            await finish(model, house);
          } finally {
            await house.dispose();
          }
          expect(house.faults).toEqual([]);
        }),
        { seed: SEED, numRuns: RUNS },
      );
    },
    60_000 + RUNS * 5_000,
  );
});
