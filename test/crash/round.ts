import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startFakeTelegram } from "openclaw-channel-telegram/fake";
import { type GatewayProcess, startGatewayProcess } from "openclaw-host-testing";
import { type Crowd, LISTENER, type Platforms, createCrowd } from "./crowd.ts";
import { type Wreck, ledgerOf, openWork, storyOf, wreckOf } from "./database.ts";
import { type Stage, dieEarly } from "./early-death.ts";
import { type Random, createRandom } from "./random.ts";
import { startRelayPlatform } from "./relay-platform.ts";
import { type Talker, createTalker } from "./talker.ts";
import { transcriptOf } from "./transcript.ts";
import { type Verdict, judge } from "./verdict.ts";

export interface RoundOptions {
  readonly kills: number;
  readonly seed: number;
  /** Called after every kill with how far the gateway had come. */
  readonly onKill?: (stage: Stage) => void;
}

/** What one state directory came to. */
export interface Round extends Verdict {
  readonly messages: number;
  readonly chats: number;
  readonly parts: number;
  /** Parts that were being sent at a kill. */
  readonly inTheAir: number;
  /** Runs of `chat.send` that a kill cut short. */
  readonly cutShort: number;
  /** Answers that were being shown while they were written, counted at every kill. */
  readonly drafts: number;
  /** Edits that the platforms made. */
  readonly edits: number;
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
/** A life ends after so many requests to the platforms, or so long after the first, ms, whichever comes first. */
const CALLS = 90;
const LONGEST_LIFE_MS = 700;
/** So many lives begin with a question whose answer is shown while it is written; while one waits for it they are longer, ms. */
const SLOW_ANSWERS = { share: 0.3, ms: 2_800 };
/** Of all lives so many end while the extensions are loaded, within so long, ms. */
const SHORT_LIVES = { share: 0.2, ms: 400 };
/** The first request comes later only when something hangs, ms. */
const FIRST_CALL_MS = 20_000;
/** Looks at how far a life has come, ms. */
const LOOK_MS = 2;
/** Of all kills so many are followed by kills of the next gateways before they listen, so many of them at most. */
const RELAPSES = { share: 0.4, times: 2 };
/** Kills of the gateways that make the database. */
const BIRTHS = 3;
/** Sends of one life that are answered late, and how late, ms. */
const SLOW = { times: 4, delayMs: 30 };
/** The end of all work takes longer only when something hangs, ms. */
const END_MS = 60_000;

interface House {
  readonly stateDir: string;
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
  agents: { list: [{ id: "main" }, { id: "slow", runtime: "drip" }] },
  bindings: Object.entries(LISTENER).map(([channel, id]) => ({
    agentId: "slow",
    match: { channel, peer: { kind: "dm", id } },
  })),
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

/** Kills the gateways of one state directory again and again while people and programs talk to them, lets the last one finish, and compares. */
export async function runRound({ kills, seed, onKill }: RoundOptions): Promise<Round> {
  // Each its own: who draws when depends on timing, and must not change what the others draw.
  const seeds = createRandom(seed);
  const own = () => createRandom(seeds.between(0, 2 ** 31));
  const random = own();
  await using platforms = await openPlatforms(own());
  const crowd = createCrowd(platforms, own());
  const talkers = Array.from({ length: TALKERS }, (_, index) => createTalker(index + 1, own()));
  const stateDir = await mkdtemp(join(tmpdir(), "openclaw-crash-"));
  try {
    await writeFile(join(stateDir, "openclaw.json"), JSON.stringify(configFor(platforms)), { mode: 0o600 });
    const house: House = { stateDir, platforms, crowd, talkers, random, wrecks: [] };
    for (const stage of stagesOf(random, kills))
      onKill?.(await (stage === "early" ? relapse(house) : liveAndDie(house)));
    return await close(house);
  } finally {
    // A guest whose gateway was killed may still write into its cache.
    await rm(stateDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** The deaths of a round: first of those that make the database, then of lives, some of which are followed by false starts. */
function* stagesOf(random: Random, kills: number): Generator<"early" | "late"> {
  let early = BIRTHS;
  for (let done = 0; done < kills; done += 1) {
    if (early > 0) {
      early -= 1;
      yield "early";
    } else {
      early = random.chance(RELAPSES.share) ? random.between(1, RELAPSES.times) : 0;
      yield "late";
    }
  }
}

async function close(house: House): Promise<Round> {
  const { stateDir, platforms, crowd, talkers, wrecks } = house;
  const listed = await finish(house);
  const ledger = ledgerOf(stateDir);
  const talked = new Map(talkers.flatMap(({ ended }) => [...ended]));
  const { said } = crowd;
  return {
    ...judge({ said, posted: transcriptOf(platforms), ledger, wrecks, listed, talked }),
    messages: said.length,
    chats: talked.size,
    parts: ledger.parts.length,
    inTheAir: new Set(wrecks.flatMap(({ sending }) => sending)).size,
    cutShort: new Set(wrecks.flatMap(({ running }) => running)).size,
    drafts: wrecks.reduce((sum, { drafts }) => sum + drafts, 0),
    edits: platforms.one.sent("editMessageText").length + platforms.relay.edits(),
  };
}

/** The next gateway dies before it listens. */
async function relapse({ stateDir, random, wrecks }: House): Promise<Stage> {
  const stage = await dieEarly(stateDir, extensions, random);
  wrecks.push(wreckOf(stateDir));
  return stage;
}

const callsOf = ({ one, two, relay }: Platforms): number => one.calls().length + two.calls().length + relay.calls();

/** One life of a gateway: some messages wait for it, some come while it works, and it ends at a moment of the seed's choice. */
async function liveAndDie({ stateDir, platforms, crowd, talkers, random, wrecks }: House): Promise<Stage> {
  const [waitingFor, during] = [random.between(0, SAYINGS), random.between(0, SAYINGS)];
  const waiting = platforms.one.pending().length + platforms.two.pending().length;
  if (waiting < BACKLOG) crowd.say(waitingFor);
  if (random.chance(SLOW_ANSWERS.share)) crowd.ask();
  const isSlow = crowd.waits();
  const gateway = await startGatewayProcess({ extensions, stateDir });
  const stop = new AbortController();
  const talks = Promise.all(talkers.map((talker) => talker.talk(gateway, stop.signal)));
  talks.catch(() => {});
  const takeBack = [platforms.one, platforms.two].flatMap((fake) =>
    ["sendMessage", "sendPhoto"].map((method) =>
      fake.fail("slow", { method, times: random.between(1, SLOW.times), delayMs: random.between(1, SLOW.delayMs) }),
    ),
  );
  const before = callsOf(platforms);
  const last = isSlow ? Number.MAX_SAFE_INTEGER : before + random.between(1, CALLS);
  const isShort = !isSlow && random.chance(SHORT_LIVES.share);
  const longest = isSlow ? SLOW_ANSWERS.ms : LONGEST_LIFE_MS;
  const lifeMs = random.between(0, isShort ? SHORT_LIVES.ms : longest);
  if (waiting < BACKLOG) crowd.say(during);
  retell(platforms, crowd, random);
  const called = (calls: number, ms: number) => reached(() => callsOf(platforms) >= calls, ms);
  if (!isShort) await called(before + 1, FIRST_CALL_MS);
  await called(last, lifeMs);
  for (let turns = random.between(0, 100); turns > 0; turns -= 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  stop.abort();
  await gateway.stop("SIGKILL");
  await talks;
  for (const undo of takeBack) undo();
  wrecks.push(wreckOf(stateDir));
  return callsOf(platforms) === before ? "loading extensions" : "at work";
}

/** Waits until something is so, but at most so long, ms. */
async function reached(isSo: () => boolean, ms: number): Promise<void> {
  for (const until = performance.now() + ms; !isSo() && performance.now() < until;) await wait(LOOK_MS);
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
async function finish({ stateDir, crowd, talkers }: House): Promise<string[]> {
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
