import { randomInt } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { User } from "grammy/types";
import { type FakeTelegram, startFakeTelegram } from "openclaw-channel-telegram/fake";
import { type GatewayProcess, startGatewayProcess } from "openclaw-host-testing";
import { describe, expect } from "vitest";
import { verifies } from "./verifies.ts";

const extensions = [new URL("../../extensions", import.meta.url).pathname];

const MESSAGES = 200;
const KILLS = 12;
/** Parts of one account that may be on their way at once, so that one kill can leave so many of unknown fate. */
const IN_FLIGHT = 4;
/** A kill comes after so many calls of the bot at most, counted from the first poll. */
const CALLS_BEFORE_KILL = 60;

const people: readonly User[] = Array.from({ length: 8 }, (_, index) => ({
  id: 500 + index,
  is_bot: false,
  first_name: `Person ${index}`,
}));

/** Says the next messages, each from the next person, until `count` were said in all. */
function createCrowd(fake: FakeTelegram) {
  let said = 0;
  return (count: number) => {
    for (; said < Math.min(count, MESSAGES); said += 1) {
      const from = people[said % people.length]!;
      fake.say(`message ${said}`, { from });
    }
  };
}

/** No step takes longer, ms, unless the gateway hangs. */
const STEP_MS = 30_000;

/** Comes back when the condition holds; every look lets sockets and timers go on. */
async function until(what: string, gateway: GatewayProcess, condition: () => boolean): Promise<void> {
  const startedAt = performance.now();
  while (!condition()) {
    if (performance.now() - startedAt > STEP_MS) throw new Error(`${what} did not happen:\n${storyOf(gateway)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What the gateway said last, and where its messages are. */
function storyOf({ lines, stateDir }: GatewayProcess): string {
  const told = lines.slice(-15).map((line) => JSON.stringify(line));
  const inbox = rowsOf(stateDir, "SELECT state, reason, attempts, head, COUNT(*) FROM inbox GROUP BY 1, 2, 3, 4");
  const outbox = rowsOf(stateDir, "SELECT state, reason, head, next_at, COUNT(*) FROM outbox GROUP BY 1, 2, 3, 4");
  return [...told, ...inbox.map((row) => JSON.stringify(row)), ...outbox.map((row) => JSON.stringify(row))].join("\n");
}

/** Rows of the gateway's database, read beside it. */
function rowsOf(stateDir: string, sql: string): Record<string, unknown>[] {
  const db = new DatabaseSync(join(stateDir, "host.db"), { readOnly: true, timeout: 5_000 });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}

const valuesOf = (stateDir: string, sql: string): string[] =>
  rowsOf(stateDir, sql).map((row) => String(Object.values(row)[0]));

/** True when nothing is left to run or to send. */
function settled(stateDir: string): boolean {
  const [row] = rowsOf(
    stateDir,
    `SELECT (SELECT COUNT(*) FROM inbox) AS received,
       (SELECT COUNT(*) FROM inbox WHERE state IN ('recorded', 'running')) AS open,
       (SELECT COUNT(*) FROM outbox WHERE next_at IS NOT NULL) AS leaving`,
  );
  return row?.["received"] === MESSAGES && row["open"] === 0 && row["leaving"] === 0;
}

/** One life of the gateway: half of its messages wait for it, half come while it works. */
async function liveAndDie(start: () => Promise<GatewayProcess>, fake: FakeTelegram, say: () => void): Promise<void> {
  const gateway = await start();
  const calls = () => fake.calls().length;
  const before = fake.calls("getUpdates").length;
  await until("the first poll", gateway, () => fake.calls("getUpdates").length > before);
  say();
  const last = calls() + randomInt(CALLS_BEFORE_KILL);
  // Without news the bot calls only once a second: a quiet gateway may be killed as well.
  await until("the work before the kill", gateway, () => calls() >= last || fake.pending().length === 0);
  for (let turns = randomInt(200); turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
  await gateway.stop("SIGKILL");
}

const PART_TEXT = "payload ->> '$.text'";

describe("a gateway that is killed", () => {
  verifies(
    "telegram:crash",
    async () => {
      const fake = await startFakeTelegram();
      const say = createCrowd(fake);
      const config = {
        channels: {
          telegram: { botToken: fake.token, apiRoot: fake.url, dmPolicy: "open", pollTimeoutSeconds: 1 },
        },
      };
      const first = await startGatewayProcess({ extensions, config });
      const { stateDir } = first;
      await first.stop("SIGKILL");
      const start = () => startGatewayProcess({ extensions, stateDir });
      try {
        for (let life = 0; life < KILLS; life += 1) {
          say(((2 * life + 1) * MESSAGES) / (2 * KILLS));
          await liveAndDie(start, fake, () => say(((2 * life + 2) * MESSAGES) / (2 * KILLS)));
        }
        await using last = await start();
        say(MESSAGES);
        await until("the end of all work", last, () => settled(stateDir));
        judge(fake, stateDir);
      } finally {
        await first[Symbol.asyncDispose]();
        await fake.close();
      }
    },
    120_000,
  );
});

/** The platform's own record against the gateway's tables. */
function judge(fake: FakeTelegram, stateDir: string): void {
  const answers = fake.sent("sendMessage").map((call) => String(call.args["text"]));
  const unknown = valuesOf(stateDir, `SELECT ${PART_TEXT} FROM outbox WHERE state = 'unknown'`);
  const wanted = Array.from({ length: MESSAGES }, (_, index) => `echo: message ${index}`);
  const times = (text: string) => answers.filter((answer) => answer === text).length;
  expect(wanted.filter((text) => times(text) === 0 && !unknown.includes(text))).toEqual([]);
  expect(wanted.filter((text) => times(text) > 1 && !unknown.includes(text))).toEqual([]);
  // One person's answers come in the order of the questions.
  const numbers = answers.map((text) => Number(text.replace("echo: message ", "")));
  const ofPerson = people.map((_, person) => numbers.filter((number) => number % people.length === person));
  expect(ofPerson).toEqual(ofPerson.map((order) => order.toSorted((a, b) => a - b)));
  expect(unknown.length).toBeLessThanOrEqual(KILLS * IN_FLIGHT);
  expect(valuesOf(stateDir, "SELECT DISTINCT state FROM inbox")).toEqual(["done"]);
  expect(
    valuesOf(stateDir, "SELECT COUNT(DISTINCT inbox) || ' of ' || COUNT(*) FROM runs WHERE state = 'done'"),
  ).toEqual([`${MESSAGES} of ${MESSAGES}`]);
  const questions = valuesOf(
    stateDir,
    "SELECT message ->> '$.content[0].text' FROM transcripts WHERE message ->> '$.role' = 'user'",
  );
  expect(questions.toSorted()).toEqual(wanted.map((text) => text.replace("echo: ", "")).toSorted());
}
