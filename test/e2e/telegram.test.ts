import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startTelegramServer } from "@openclaw/crabline";
import { type FakeCall, type FakeTelegram, ann, startFakeTelegram } from "openclaw-channel-telegram/fake";
import { type GatewayProcess, startGatewayProcess } from "openclaw-host-testing";
import { describe, expect } from "vitest";
import { emptyHome } from "./cli.ts";
import { verifies } from "./verifies.ts";

const extensions = [new URL("../../extensions", import.meta.url).pathname];

/** A 1x1 PNG. */
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

const platform = async () => {
  const fake = await startFakeTelegram();
  return Object.assign(fake, { [Symbol.asyncDispose]: () => fake.close() });
};

type Isolation = "process" | "inline";

const configIn =
  (isolation: Isolation) =>
  (fake: Pick<FakeTelegram, "url" | "token">, more: object = {}) => ({
    channels: {
      telegram: {
        botToken: fake.token,
        apiRoot: fake.url,
        allowFrom: [String(ann.id)],
        pollTimeoutSeconds: 1,
        ...more,
      },
    },
    extensions: { entries: { telegram: { isolation } } },
  });

const answer = (text: string) => (call: FakeCall) => call.method === "sendMessage" && call.args["text"] === text;

const textsSent = (fake: FakeTelegram) => fake.sent("sendMessage").map((call) => call.args["text"]);

/** The state of the only Telegram account, asked until it fits. */
async function untilState(gateway: GatewayProcess, state: string): Promise<void> {
  const client = await gateway.client();
  for (;;) {
    const { channelAccounts } = await client.call("channels.status", {});
    if (channelAccounts["telegram"]?.[0]?.["state"] === state) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function answersIn(isolation: Isolation): Promise<void> {
  await using fake = await platform();
  const config = { ...configIn(isolation)(fake), session: { mainFor: [`telegram:${ann.id}`] } };
  await using gateway = await startGatewayProcess({ extensions, config });
  fake.say("hello gateway");
  await fake.waitFor(answer("echo: hello gateway"), 15_000);
  const client = await gateway.client();
  const { extensions: rows } = await client.call("extensions.list", {});
  expect(rows).toMatchObject([{ id: "telegram", state: "active", isolation }]);
  const { messages } = await client.call("chat.history", { sessionKey: "main" });
  expect(messages.map((message) => message.role)).toEqual(["user", "assistant"]);
}

describe("Telegram", () => {
  verifies("telegram:process", () => answersIn("process"));
  verifies("telegram:inline", () => answersIn("inline"));
});

describe.each<Isolation>(["process", "inline"])("Telegram, %s", (isolation) => {
  const configFor = configIn(isolation);

  verifies("telegram:referee", async () => {
    await using home = await emptyHome();
    const recorderPath = join(home.path, "referee.jsonl");
    const referee = await startTelegramServer({ port: 0, recorderPath });
    const { botToken, adminToken, endpoints } = referee.manifest;
    const config = configFor({ url: endpoints.apiRoot, token: botToken }, { allowFrom: ["100000001"] });
    const gateway = await startGatewayProcess({ extensions, config });
    try {
      const injected = await fetch(endpoints.adminInboundUrl, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${adminToken}` },
        body: JSON.stringify({ chatId: 100_000_001, text: "who judges?", fromId: 100_000_001, fromName: "Ann" }),
      });
      expect(injected.ok).toBe(true);
      let recorded = "";
      while (!recorded.includes("echo: who judges?")) {
        recorded = await readFile(recorderPath, "utf8").catch(() => "");
        await new Promise((resolve) => setImmediate(resolve));
      }
      const sent = recorded
        .split("\n")
        .filter((line) => line.includes("sendMessage") && line.includes("echo: who judges?"));
      expect(sent).toHaveLength(1);
    } finally {
      await gateway[Symbol.asyncDispose]();
      await referee.close();
    }
  });

  verifies("telegram:offline-messages", async () => {
    await using fake = await platform();
    const first = await startGatewayProcess({ extensions, config: configFor(fake) });
    fake.say("before");
    await fake.waitFor(answer("echo: before"), 15_000);
    await first.stop("SIGKILL");
    fake.say("while you were away 1");
    fake.say("while you were away 2");
    await using second = await startGatewayProcess({ extensions, stateDir: first.stateDir });
    await fake.waitFor(answer("echo: while you were away 2"), 15_000);
    fake.say("after");
    await fake.waitFor(answer("echo: after"), 15_000);
    expect(textsSent(fake)).toEqual([
      "echo: before",
      "echo: while you were away 1",
      "echo: while you were away 2",
      "echo: after",
    ]);
    await second.stop();
    await first[Symbol.asyncDispose]();
  });

  verifies("telegram:media", async () => {
    await using fake = await platform();
    await using _gateway = await startGatewayProcess({ extensions, config: configFor(fake) });
    const photo = () => {
      const file_id = fake.files.add(PIXEL, { name: "pixel.png" });
      return [{ file_id, file_unique_id: file_id, width: 1, height: 1, file_size: PIXEL.length }];
    };
    fake.deliver({ message: { photo: photo(), caption: "look" } });
    const single = await fake.waitFor((call) => call.method === "sendPhoto", 15_000);
    expect([...single.files.values()].map((file) => Buffer.from(file.bytes))).toEqual([PIXEL]);
    expect(single.args["caption"]).toBe("echo: look");
    fake.deliver({ message: { photo: photo(), caption: "album", media_group_id: "g1" } });
    fake.deliver({ message: { photo: photo(), media_group_id: "g1" } });
    const album = await fake.waitFor((call) => call.method === "sendMediaGroup", 15_000);
    expect(album.files.size).toBe(2);
  });

  verifies("telegram:send", async () => {
    await using fake = await platform();
    await using gateway = await startGatewayProcess({ extensions, config: configFor(fake) });
    await untilState(gateway, "ready");
    const client = await gateway.client();
    const params = { to: String(ann.id), message: "**bold** news", channel: "telegram", idempotencyKey: "send-1" };
    const sent = await client.call("send", params);
    const again = await client.call("send", params);
    expect(sent).toEqual({
      runId: "send-1",
      messageId: expect.any(String),
      channel: "telegram",
      chatId: String(ann.id),
    });
    expect(again).toEqual(sent);
    expect(fake.sent("sendMessage").map((call) => call.args)).toMatchObject([
      { text: "bold news", entities: [{ type: "bold", offset: 0, length: 4 }] },
    ]);
  });

  verifies("telegram:stranger", async () => {
    await using fake = await platform();
    const config = configFor(fake, { dmPolicy: "allowlist" });
    await using gateway = await startGatewayProcess({ extensions, config });
    const bob = { id: 777, is_bot: false, first_name: "Bob" };
    fake.say("let me in", { from: bob, chat: { id: 777, type: "private", first_name: "Bob" } });
    const told = await fake.waitFor(
      (call) => call.method === "sendMessage" && String(call.args["chat_id"]) === "777",
      15_000,
    );
    expect(told.args["text"]).toContain("channels.telegram.allowFrom");
    expect(told.args["text"]).toContain("777");
    fake.say("again", { from: bob, chat: { id: 777, type: "private", first_name: "Bob" } });
    fake.say("hello from ann");
    await fake.waitFor(answer("echo: hello from ann"), 15_000);
    expect(fake.sent("sendMessage").filter((call) => String(call.args["chat_id"]) === "777")).toHaveLength(1);
    const client = await gateway.client();
    expect(JSON.stringify(await client.call("sessions.list", {}))).not.toContain("777");
  });

  verifies(
    "telegram:faults",
    async () => {
      await using fake = await platform();
      await using gateway = await startGatewayProcess({ extensions, config: configFor(fake) });
      await untilState(gateway, "ready");
      for (const kind of ["conflict", "server-error", "disconnect", "rate-limit", "hang"] as const) {
        fake.fail(kind, { method: "getUpdates", retryAfter: 1 });
        fake.say(`after ${kind}`);
        await fake.waitFor(answer(`echo: after ${kind}`), 30_000);
      }
      fake.fail("rate-limit", { method: "sendMessage", retryAfter: 1 });
      fake.say("slow down");
      await fake.waitFor(answer("echo: slow down"), 20_000);
      fake.fail("server-error", { method: "getUpdates", times: 3 });
      await untilState(gateway, "degraded");
      await untilState(gateway, "ready");
      expect(new Set(textsSent(fake)).size).toBe(textsSent(fake).length);
      fake.fail("unauthorized", { times: 100 });
      await untilState(gateway, "logged-out");
      const client = await gateway.client();
      const { channelAccounts } = await client.call("channels.status", {});
      expect(channelAccounts["telegram"]?.[0]).toMatchObject({
        connected: false,
        fix: expect.stringContaining("token"),
      });
      expect(await client.call("health", {})).toMatchObject({ ok: true });
    },
    120_000,
  );
});
