import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startTelegramServer } from "@openclaw/crabline";
import { type FakeTelegram, ann, startFakeTelegram } from "openclaw-channel-telegram/fake";
import { type GatewayProcess, startGatewayProcess } from "openclaw-host-testing";
import { describe, expect } from "vitest";
import { emptyHome } from "./cli.ts";
import { verifies as verifiesWithin } from "./verifies.ts";

const extensions = [new URL("../../extensions", import.meta.url).pathname, new URL("scribe", import.meta.url).pathname];

/** Each case writes for seconds and starts gateways, on machines that are busy, ms. */
const LONGEST_MS = 90_000;
const verifies: typeof verifiesWithin = (id, run) => verifiesWithin(id, run, LONGEST_MS);

const WORDS = Array.from({ length: 45 }, (_, index) => `word${index}`).join(" ");

const platform = async () => {
  const fake = await startFakeTelegram();
  return Object.assign(fake, { [Symbol.asyncDispose]: () => fake.close() });
};

const configFor = (fake: { url: string; token: string }, isolation: "process" | "inline" = "process") => ({
  agents: { defaults: { runtime: "scribe" } },
  channels: {
    telegram: { botToken: fake.token, apiRoot: fake.url, allowFrom: [String(ann.id)], pollTimeoutSeconds: 1 },
  },
  extensions: { entries: { telegram: { isolation } } },
});

const texts = (fake: FakeTelegram) => fake.posted().map(({ text }) => text);

const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 5));

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await turn();
}

/** The agent is an extension, too, and may be loaded after the channel. */
async function agentLoaded(gateway: GatewayProcess): Promise<void> {
  const client = await gateway.client();
  await until(async () => {
    const { extensions: rows } = await client.call("extensions.list", {});
    return rows.some(({ id, state }) => id === "scribe" && state === "active");
  });
}

/** Deliveries of the newest page, when none of them is under way any more. */
async function deliveriesOf(gateway: GatewayProcess) {
  const client = await gateway.client();
  for (;;) {
    const { deliveries } = await client.call("delivery.list", {});
    if (deliveries.length > 0 && deliveries.every(({ state, parked }) => state === "sent" || parked)) return deliveries;
    await turn();
  }
}

async function shownIn(isolation: "process" | "inline"): Promise<void> {
  await using fake = await platform();
  await using gateway = await startGatewayProcess({ extensions, config: configFor(fake, isolation) });
  await agentLoaded(gateway);
  fake.say(WORDS);
  await fake.waitFor((call) => call.method === "sendMessage", 15_000);
  const [first = ""] = texts(fake);
  expect(WORDS.startsWith(first)).toBe(true);
  expect(first.length).toBeLessThan(WORDS.length);
  await until(() => texts(fake)[0] === WORDS);
  expect(await deliveriesOf(gateway)).toMatchObject([{ state: "sent", parts: 1, sentParts: 1 }]);
  expect(fake.sent("sendMessage")).toHaveLength(1);
  const edits = fake.sent("editMessageText");
  expect(edits.length).toBeGreaterThanOrEqual(2);
  expect(edits.length).toBeLessThanOrEqual(4);
  expect(texts(fake)).toEqual([WORDS]);
}

describe("an answer on Telegram that takes its time", () => {
  verifies("streaming:process", () => shownIn("process"));
  verifies("streaming:inline", () => shownIn("inline"));

  verifies("streaming:off", async () => {
    await using fake = await platform();
    const config = configFor(fake);
    const telegram = { ...config.channels.telegram, streaming: false };
    await using gateway = await startGatewayProcess({ extensions, config: { ...config, channels: { telegram } } });
    await agentLoaded(gateway);
    fake.say(WORDS);
    await until(() => texts(fake)[0] === WORDS);
    expect(fake.calls("editMessageText")).toHaveLength(0);
    expect(await deliveriesOf(gateway)).toHaveLength(1);
  });

  verifies("streaming:lost-edits", async () => {
    await using fake = await platform();
    await using gateway = await startGatewayProcess({ extensions, config: configFor(fake) });
    await agentLoaded(gateway);
    fake.say(WORDS);
    await fake.waitFor((call) => call.method === "sendMessage", 15_000);
    fake.fail("drop-response", { method: "editMessageText" });
    await until(() => fake.calls("editMessageText").length === 1);
    fake.fail("server-error", { method: "editMessageText", times: 2 });
    await until(() => texts(fake)[0] === WORDS);
    await deliveriesOf(gateway);
    expect(texts(fake)).toEqual([WORDS]);
    expect(fake.calls("sendMessage")).toHaveLength(1);
  });

  verifies("streaming:crash-mid-stream", async () => {
    await using fake = await platform();
    const first = await startGatewayProcess({ extensions, config: configFor(fake) });
    await agentLoaded(first);
    fake.say(WORDS);
    await fake.waitFor((call) => call.method === "editMessageText", 15_000);
    await first.stop("SIGKILL");
    await using second = await startGatewayProcess({ extensions, stateDir: first.stateDir });
    await until(() => texts(fake)[0] === WORDS);
    expect(await deliveriesOf(second)).toMatchObject([{ state: "sent" }]);
    expect(texts(fake)).toEqual([WORDS]);
    expect(fake.calls("sendMessage")).toHaveLength(1);
    await second.stop();
    await first[Symbol.asyncDispose]();
  });

  verifies("streaming:crash-while-opening", async () => {
    await using fake = await platform();
    const first = await startGatewayProcess({ extensions, config: configFor(fake) });
    await agentLoaded(first);
    fake.fail("slow", { method: "sendMessage", delayMs: 1_000 });
    fake.say(WORDS);
    await until(() => fake.calls("sendMessage").length === 1);
    await first.stop("SIGKILL");
    await using second = await startGatewayProcess({ extensions, stateDir: first.stateDir });
    await until(() => texts(fake).includes(WORDS));
    const deliveries = await deliveriesOf(second);
    expect(deliveries.map(({ state, parked }) => [state, parked])).toEqual(
      expect.arrayContaining([
        ["sent", false],
        ["unknown", true],
      ]),
    );
    expect(deliveries).toHaveLength(2);
    expect(fake.calls("sendMessage")).toHaveLength(2);
    expect(texts(fake).filter((text) => text === WORDS)).toHaveLength(1);
    await second.stop();
    await first[Symbol.asyncDispose]();
  });

  verifies(
    "streaming:graceful-stop",
    async () => {
      await using fake = await platform();
      const first = await startGatewayProcess({ extensions, config: configFor(fake) });
      fake.say(`${WORDS} ${WORDS} ${WORDS} ${WORDS}`);
      await fake.waitFor((call) => call.method === "sendMessage", 15_000);
      await first.stop("SIGTERM");
      await using second = await startGatewayProcess({ extensions, stateDir: first.stateDir });
      expect(await deliveriesOf(second)).toMatchObject([{ state: "sent" }]);
      expect(texts(fake)).toEqual([`${WORDS} ${WORDS} ${WORDS} ${WORDS}`]);
      expect(fake.calls("sendMessage")).toHaveLength(1);
      await second.stop();
      await first[Symbol.asyncDispose]();
    },
    60_000,
  );

  verifies("streaming:referee", async () => {
    await using home = await emptyHome();
    const recorderPath = join(home.path, "referee.jsonl");
    const referee = await startTelegramServer({ port: 0, recorderPath });
    const { botToken, adminToken, endpoints } = referee.manifest;
    const config = configFor({ url: endpoints.apiRoot, token: botToken });
    const gateway = await startGatewayProcess({ extensions, config });
    try {
      await agentLoaded(gateway);
      await fetch(endpoints.adminInboundUrl, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${adminToken}` },
        body: JSON.stringify({ chatId: ann.id, text: WORDS, fromId: ann.id, fromName: "Ann" }),
      });
      expect(await deliveriesOf(gateway)).toMatchObject([{ state: "sent" }]);
      const lines = (await readFile(recorderPath, "utf8")).split("\n");
      expect(lines.filter((line) => /sendmessage/iu.test(line))).toHaveLength(1);
      expect(lines.some((line) => /editmessagetext/iu.test(line) && line.includes("word44"))).toBe(true);
    } finally {
      await gateway[Symbol.asyncDispose]();
      await referee.close();
    }
  });
});
