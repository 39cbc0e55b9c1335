import { setTimeout as wait } from "node:timers/promises";
import { startFakeTelegram } from "openclaw-channel-telegram/fake";
import { type GatewayProcess, startGatewayProcess } from "openclaw-host-testing";
import { type Crowd, type Platforms, createCrowd } from "./crowd.ts";
import { type Wreck, ledgerOf, openWork, storyOf, wreckOf } from "./database.ts";
import { type Random, createRandom } from "./random.ts";
import { startRelayPlatform } from "./relay-platform.ts";
import { type Talker, createTalker } from "./talker.ts";
import { transcriptOf } from "./transcript.ts";
import { type Verdict, judge } from "./verdict.ts";

export interface MatrixOptions {
  readonly kills: number;
  readonly seed: number;
  /** Called after every kill. */
  readonly progress?: (kills: number) => void;
}

export interface Figures extends Verdict {
  readonly seed: number;
  readonly kills: number;
  readonly messages: number;
  readonly chats: number;
  readonly parts: number;
  /** Parts that were being sent at a kill. */
  readonly inTheAir: number;
  /** Runs of `chat.send` that a kill cut short. */
  readonly cutShort: number;
  readonly ms: number;
}

const extensions = [
  new URL("../../extensions", import.meta.url).pathname,
  new URL("./relay", import.meta.url).pathname,
];

const TALKERS = 2;
/** Messages without an answer, above which people wait. */
const BACKLOG = 40;
/** New messages in one life, at most. */
const SAYINGS = 9;
/** A life ends after so many requests to the platforms, or so long after its start, ms, whichever the seed has. */
const CALLS = 90;
const LONGEST_LIFE_MS = 1_300;
/** Sends of one life that are answered late, and how late, ms. */
const SLOW = { times: 4, delayMs: 30 };
/** The end of all work takes longer only when something hangs, ms. */
const END_MS = 60_000;

interface House {
  readonly platforms: Platforms;
  readonly crowd: Crowd;
  readonly talkers: readonly Talker[];
  readonly random: Random;
  readonly wrecks: Wreck[];
}

async function openPlatforms(random: Random): Promise<Platforms & AsyncDisposable> {
  const one = await startFakeTelegram({ token: "4001:fake-telegram-token-of-account-one" });
  const two = await startFakeTelegram({ token: "4002:fake-telegram-token-of-account-two" });
  const relay = await startRelayPlatform(random);
  const close = async () => {
    await Promise.all([one.close(), two.close(), relay.close()]);
  };
  return { one, two, relay, [Symbol.asyncDispose]: close };
}

const configFor = ({ one, two, relay }: Platforms) => ({
  channels: {
    telegram: {
      dmPolicy: "open",
      pollTimeoutSeconds: 1,
      accounts: {
        one: { botToken: one.token, apiRoot: one.url },
        two: { botToken: two.token, apiRoot: two.url },
      },
    },
    relay: { api: relay.url, dmPolicy: "open" },
  },
});

/** Kills a gateway again and again while people and programs talk to it, lets the last one finish, and compares. */
export async function runMatrix(options: MatrixOptions): Promise<Figures> {
  const startedAt = performance.now();
  // Each its own: who draws when depends on timing, and must not change what the others draw.
  const seeds = createRandom(options.seed);
  const own = () => createRandom(seeds.between(0, 2 ** 31));
  const random = own();
  await using platforms = await openPlatforms(own());
  const crowd = createCrowd(platforms, own());
  const talkers = Array.from({ length: TALKERS }, (_, index) => createTalker(index + 1, own()));
  const house: House = { platforms, crowd, talkers, random, wrecks: [] };
  const first = await startGatewayProcess({ extensions, config: configFor(platforms) });
  try {
    const { stateDir } = first;
    await first.stop("SIGKILL");
    for (let kills = 0; kills < options.kills; kills += 1) {
      await liveAndDie(house, stateDir);
      options.progress?.(kills + 1);
    }
    const listed = await finish(house, stateDir);
    const ledger = ledgerOf(stateDir);
    const talked = new Map(talkers.flatMap(({ ended }) => [...ended]));
    const { said } = crowd;
    return {
      ...judge({ said, posted: transcriptOf(platforms), ledger, wrecks: house.wrecks, listed, talked }),
      seed: options.seed,
      kills: house.wrecks.length,
      messages: said.length,
      chats: talked.size,
      parts: ledger.parts.length,
      inTheAir: house.wrecks.reduce((sum, { sending }) => sum + sending.length, 0),
      cutShort: house.wrecks.reduce((sum, { running }) => sum + running.length, 0),
      ms: Math.round(performance.now() - startedAt),
    };
  } finally {
    await first[Symbol.asyncDispose]();
  }
}

const callsOf = ({ one, two, relay }: Platforms): number => one.calls().length + two.calls().length + relay.calls();

/** One life of a gateway: some messages wait for it, some come while it works, and it ends at a moment of the seed's choice. */
async function liveAndDie({ platforms, crowd, talkers, random, wrecks }: House, stateDir: string): Promise<void> {
  const [before, during] = [random.between(0, SAYINGS), random.between(0, SAYINGS)];
  const waiting = platforms.one.pending().length + platforms.two.pending().length;
  if (waiting < BACKLOG) crowd.say(before);
  const gateway = await startGatewayProcess({ extensions, stateDir });
  const stop = new AbortController();
  const talks = Promise.all(talkers.map((talker) => talker.talk(gateway, stop.signal)));
  talks.catch(() => {});
  const takeBack = [platforms.one, platforms.two].flatMap((fake) =>
    ["sendMessage", "sendPhoto"].map((method) =>
      fake.fail("slow", { method, times: random.between(1, SLOW.times), delayMs: random.between(1, SLOW.delayMs) }),
    ),
  );
  const last = callsOf(platforms) + random.between(0, CALLS);
  const until = performance.now() + random.between(0, LONGEST_LIFE_MS);
  if (waiting < BACKLOG) crowd.say(during);
  retell(platforms, crowd, random);
  while (callsOf(platforms) < last && performance.now() < until) await wait(1);
  for (let turns = random.between(0, 100); turns > 0; turns -= 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  stop.abort();
  await gateway.stop("SIGKILL");
  await talks;
  for (const undo of takeBack) undo();
  wrecks.push(wreckOf(stateDir));
}

/** Telegram tells an update again although it was confirmed; one that was not comes again by itself, in its order. */
function retell({ one, two }: Platforms, { said }: Crowd, random: Random): void {
  const saying = said[said.length - random.between(1, 20)];
  const fake = saying?.account === "telegram/one" ? one : saying?.account === "telegram/two" ? two : undefined;
  const eventId = Number(saying?.eventIds[0]);
  if (fake === undefined || fake.pending().some(({ update_id }) => update_id === eventId)) return;
  fake.redeliver(eventId);
}

/** Lets the last gateway do all that is left and asks it for the deliveries of unknown fate. */
async function finish({ crowd, talkers }: House, stateDir: string): Promise<string[]> {
  await using gateway = await startGatewayProcess({ extensions, stateDir });
  await Promise.all(talkers.map((talker) => talker.finish(gateway)));
  const events = crowd.said.reduce((sum, { eventIds }) => sum + eventIds.length, 0);
  for (const until = performance.now() + END_MS; openWork(stateDir, events) > 0; await wait(50)) {
    if (performance.now() < until) continue;
    const told = gateway.lines.slice(-15).map((line) => JSON.stringify(line));
    throw new Error(`the work did not end:\n${[...told, storyOf(stateDir)].join("\n")}`);
  }
  return await unknownOf(gateway);
}

async function unknownOf(gateway: GatewayProcess): Promise<string[]> {
  const client = await gateway.client();
  const ids: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = { state: "unknown" as const, limit: 200, ...(cursor === undefined ? {} : { cursor }) };
    const { deliveries, nextCursor } = await client.call("delivery.list", page);
    ids.push(...deliveries.map(({ deliveryId }) => deliveryId));
    if (nextCursor === undefined) return ids;
    cursor = nextCursor;
  }
}
