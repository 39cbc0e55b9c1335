import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type FakeTelegram, startFakeTelegram } from "openclaw-channel-telegram/fake";
import { type GatewayProcess, startGatewayProcess } from "openclaw-host-testing";
import { childrenOf, databaseBytes, residentBytes } from "./memory.ts";
import { type SpringPlatform, startSpringPlatform } from "./spring-platform.ts";
import { type Visitors, createVisitors } from "./visitors.ts";

export interface SoakOptions {
  /** Messages of people, on all channels. */
  readonly messages: number;
  /** Connections of WebSocket clients. */
  readonly reconnects: number;
  /** Looks at the memory, at equal distances. */
  readonly looks: number;
  /** So many looks belong to the warm-up, in which code is compiled and caches fill. */
  readonly warmUp: number;
  /** Rest before each look, ms. */
  readonly idleMs: number;
  readonly onLook?: (look: Look) => void;
}

/** What was there after so many messages and a rest. */
export interface Look {
  readonly messages: number;
  readonly visits: number;
  /** Since the look before, without the rest. */
  readonly perSecond: number;
  /** Resident after the rest, bytes. */
  readonly atRest: number;
  /** Resident once all garbage is collected and V8's reserve is given back, bytes: what grows is needed, or leaks. */
  readonly gateway: number;
  readonly guests: readonly number[];
  /** In use on the heaps of all threads of the gateway after a collection, bytes. */
  readonly heap: number;
  readonly database: number;
}

export interface SoakReport {
  readonly looks: readonly Look[];
  /** Rows of the outbox by state, at the end. */
  readonly parts: Readonly<Record<string, number>>;
  /** Of the gateway, collected, from the end of the warm-up to the last look, bytes. */
  readonly growth: number;
  readonly ms: number;
}

const extensions = ["../../extensions", "./spring"].map((folder) => fileURLToPath(new URL(folder, import.meta.url)));
const probe = new URL("./collect.ts", import.meta.url).href;

/** Of so many messages one is Telegram's, whose way is longer. */
const TELEGRAM_EVERY = 20;
/** People who write to the bot. */
const WRITERS = 50;
/** Messages that wait at Telegram, at most. */
const PENDING = 100;
const STEP_MS = 20;
const PATIENCE_MS = 120_000;

interface House {
  readonly gateway: GatewayProcess;
  readonly spring: SpringPlatform;
  readonly telegram: FakeTelegram;
  readonly visitors: Visitors;
  readonly collect: string;
}

const answered = ({ spring, telegram }: House): number => spring.sent() + telegram.sent("sendMessage").length;

/** Runs real messages through a real gateway and looks at its memory whenever it rests. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const startedAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), "openclaw-soak-"));
  const [spring, telegram] = [await startSpringPlatform(), await startFakeTelegram()];
  try {
    const collect = join(folder, "collect");
    const all = { dmPolicy: "open", sendsPerSecond: 10_000 };
    await using gateway = await startGatewayProcess({
      extensions,
      config: {
        channels: {
          spring: { ...all, api: spring.url },
          telegram: { ...all, botToken: telegram.token, apiRoot: telegram.url, pollTimeoutSeconds: 1 },
        },
      },
      env: {
        NODE_OPTIONS: `--import=${probe}`,
        SOAK_COLLECT: collect,
      },
    });
    const house = { gateway, spring, telegram, visitors: await createVisitors(gateway), collect };
    const looks: Look[] = [];
    for (let done = 1; done <= options.looks; done += 1) {
      const goal = {
        messages: Math.round((options.messages * done) / options.looks),
        visits: Math.round((options.reconnects * done) / options.looks),
      };
      const look = await work(house, goal, options.idleMs);
      looks.push(look);
      options.onLook?.(look);
    }
    const parts = partsOf(gateway.stateDir);
    const [warm, last] = [looks[options.warmUp - 1], looks.at(-1)];
    if (warm === undefined || last === undefined) throw new Error("there were not enough looks");
    const growth = last.gateway - warm.gateway;
    return { looks, parts, growth, ms: Math.round(performance.now() - startedAt) };
  } finally {
    await Promise.all([spring.close(), telegram.close()]);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Up to so many messages and visits since the beginning, and a look. */
async function work(house: House, goal: { messages: number; visits: number }, idleMs: number): Promise<Look> {
  const { gateway, visitors } = house;
  const before = answered(house);
  const began = performance.now();
  await Promise.all([writeUntil(house, goal.messages), visitUntil(house, goal, before)]);
  const tookMs = performance.now() - began;
  await wait(idleMs);
  const atRest = residentBytes(gateway.pid);
  const heap = await heapOf(house.collect);
  const guests = childrenOf(gateway.pid).map((pid) => residentBytes(pid));
  return {
    messages: goal.messages,
    visits: visitors.visits(),
    perSecond: ((goal.messages - before) * 1_000) / tookMs,
    atRest,
    gateway: residentBytes(gateway.pid),
    guests,
    heap,
    database: databaseBytes(gateway.stateDir),
  };
}

async function writeUntil(house: House, goal: number): Promise<void> {
  const { spring, telegram } = house;
  const more = goal - answered(house);
  let toTelegram = Math.floor(more / TELEGRAM_EVERY);
  spring.open(more - toTelegram);
  let said = telegram.sent("sendMessage").length;
  let [last, lastAt] = [0, performance.now()];
  for (let now = answered(house); now < goal; now = answered(house)) {
    if (now !== last) [last, lastAt] = [now, performance.now()];
    if (performance.now() - lastAt > PATIENCE_MS) throw new Error(`${now} of ${goal} messages were answered, no more`);
    while (toTelegram > 0 && telegram.pending().length < PENDING) {
      const id = 500 + (said % WRITERS);
      telegram.say(`message ${said}`, { from: { id, is_bot: false, first_name: `Writer ${id}` } });
      said += 1;
      toTelegram -= 1;
    }
    await wait(STEP_MS);
  }
}

/** Visits spread evenly over the messages. */
async function visitUntil(house: House, goal: { messages: number; visits: number }, before: number): Promise<void> {
  const { visitors } = house;
  const [begun, more] = [visitors.visits(), goal.visits - visitors.visits()];
  while (visitors.visits() < goal.visits) {
    const share = (answered(house) - before) / (goal.messages - before);
    if (visitors.visits() - begun > share * more) await wait(STEP_MS);
    else await visitors.visit();
  }
}

/** Asks every thread to collect its garbage, and adds up what it still needs. */
async function heapOf(target: string): Promise<number> {
  const answers = () =>
    readdirSync(dirname(target)).filter((name) => new RegExp(`^${basename(target)}\\.\\d+$`, "u").test(name));
  writeFileSync(`${target}.ask`, "");
  await wait(1_000);
  const names = answers().map((name) => join(dirname(target), name));
  const heaps = names.map((name) => Number(readFileSync(name, "utf8")));
  for (const name of [...names, `${target}.ask`]) rmSync(name);
  await wait(1_000);
  return heaps.reduce((sum, heap) => sum + heap, 0);
}

function partsOf(stateDir: string): Record<string, number> {
  const db = new DatabaseSync(join(stateDir, "host.db"), { readOnly: true, timeout: 5_000 });
  try {
    const rows = db.prepare("SELECT state, COUNT(*) AS count FROM outbox GROUP BY state").all();
    return Object.fromEntries(rows.map(({ state, count }) => [String(state), Number(count)]));
  } finally {
    db.close();
  }
}
