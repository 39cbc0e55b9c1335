import type { DeliverySummary, PayloadOf } from "openclaw-host-schemas";
import { type FakeCall, type FakeTelegram, ann, startFakeTelegram } from "openclaw-channel-telegram/fake";
import { type GatewayProcess, startGatewayProcess } from "openclaw-host-testing";
import { describe, expect, it } from "vitest";
import { cli } from "./cli.ts";
import { verifies } from "./verifies.ts";

const extensions = [new URL("../../extensions", import.meta.url).pathname];

async function open(more: object = {}) {
  const fake = await startFakeTelegram();
  const telegram = { botToken: fake.token, apiRoot: fake.url, allowFrom: [String(ann.id)], pollTimeoutSeconds: 1 };
  const gateway = await startGatewayProcess({
    extensions,
    config: { channels: { telegram: { ...telegram, ...more } } },
  });
  const close = async () => {
    await gateway[Symbol.asyncDispose]();
    await fake.close();
  };
  return { fake, gateway, client: await gateway.client(), [Symbol.asyncDispose]: close };
}

const answer = (text: string) => (call: FakeCall) => call.method === "sendMessage" && call.args["text"] === text;

const timesSent = (fake: FakeTelegram, text: string) => fake.sent("sendMessage").filter(answer(text)).length;

/** One command of the CLI, on the gateway's own host. */
async function command(gateway: GatewayProcess, ...args: string[]) {
  const env = { HOME: gateway.stateDir, OPENCLAW_STATE_DIR: gateway.stateDir, OPENCLAW_GATEWAY_TOKEN: gateway.token };
  const result = await cli(args, env);
  expect(result.code, result.stderr).toBe(0);
  return result.stdout;
}

type Client = Awaited<ReturnType<GatewayProcess["client"]>>;

/** The first news of a part in this state. */
const newsOf = (client: Client, state: string) =>
  new Promise<PayloadOf<"delivery">>((resolve) => {
    const undo = client.on("delivery", (news) => {
      if (news.state !== state) return;
      undo();
      resolve(news);
    });
  });

/** The only delivery in a state, asked for until there is one. */
async function onlyOne(client: Client, state: DeliverySummary["state"]): Promise<DeliverySummary> {
  for (;;) {
    const { deliveries } = await client.call("delivery.list", { state });
    const [only] = deliveries;
    if (only !== undefined) return only;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** An answer reaches Telegram, but not the news of it. */
async function loseReceipt(fake: FakeTelegram, client: Client): Promise<PayloadOf<"delivery">> {
  const parked = newsOf(client, "unknown");
  fake.fail("drop-response", { method: "sendMessage" });
  fake.say("did you get this?");
  return parked;
}

describe("the ledger of what leaves", () => {
  verifies("delivery:unknown-parked", async () => {
    await using house = await open();
    const { fake, gateway, client } = house;
    const parked = await loseReceipt(fake, client);
    const fix = `openclaw delivery retry ${parked.deliveryId}`;
    expect(parked).toMatchObject({ channel: "telegram", accountId: "default", part: 0, of: 1, fix, messageIds: [] });
    await gateway.line((line) => line["level"] === "warn" && String(line["message"]).includes(fix));
    fake.say("and this?");
    await fake.waitFor(answer("echo: and this?"), 15_000);
    const { channelAccounts } = await client.call("channels.status", {});
    expect(channelAccounts["telegram"]).toMatchObject([
      {
        state: "ready",
        reason: expect.stringContaining("may or may not have arrived"),
        fix: `to send it again: ${fix}`,
      },
    ]);
    const health = await client.call("health", { probe: true });
    expect(JSON.stringify(health.channels)).toContain(fix);
    expect(await onlyOne(client, "unknown")).toMatchObject({ deliveryId: parked.deliveryId, parked: true });
    expect(timesSent(fake, "echo: did you get this?")).toBe(1);
    expect(await command(gateway, "channels", "status")).toContain(fix);
  });

  verifies("delivery:retry", async () => {
    await using house = await open();
    const { fake, gateway, client } = house;
    const { deliveryId } = await loseReceipt(fake, client);
    const listed = await command(gateway, "delivery", "list", "--state", "unknown", "--since", "1h", "--json");
    expect(JSON.parse(listed)).toMatchObject({ deliveries: [{ deliveryId, parked: true }] });
    const sent = newsOf(client, "sent");
    expect(await command(gateway, "delivery", "retry", deliveryId)).toContain("queued again: 1 part(s)");
    expect(await sent).toMatchObject({ deliveryId, messageIds: [expect.any(String)] });
    expect(timesSent(fake, "echo: did you get this?")).toBe(2);
    expect((await client.call("delivery.list", { state: "unknown" })).deliveries).toEqual([]);
    const other = await loseReceipt(fake, client);
    expect(await command(gateway, "delivery", "drop", other.deliveryId)).toContain("given up: 1 part(s)");
    expect(await onlyOne(client, "dead")).toMatchObject({
      deliveryId: other.deliveryId,
      reason: "dropped by the owner",
    });
    expect(await command(gateway, "delivery", "stats")).toMatch(/telegram\/default .*out: .*dead 1, sent 1/);
    const refused = await cli(["delivery", "retry", "nothing"], {
      HOME: gateway.stateDir,
      OPENCLAW_STATE_DIR: gateway.stateDir,
      OPENCLAW_GATEWAY_TOKEN: gateway.token,
    });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("there is no delivery nothing") });
  });

  verifies("delivery:resend", async () => {
    await using house = await open({ onUnknown: "resend" });
    const { fake, client } = house;
    const sent = newsOf(client, "sent");
    fake.fail("drop-response", { method: "sendMessage" });
    fake.say("hello?");
    await sent;
    expect(timesSent(fake, "echo: hello?")).toBe(2);
    expect((await client.call("delivery.list", {})).deliveries).toMatchObject([{ state: "sent", parked: false }]);
  });

  verifies("delivery:followed", async () => {
    await using house = await open();
    const { fake, gateway, client } = house;
    const sent = newsOf(client, "sent");
    const { updateId, messageId } = fake.say("follow me");
    const { deliveryId, messageIds } = await sent;
    const { deliveries } = await client.call("delivery.list", { eventId: String(updateId) });
    expect(deliveries.map((delivery) => delivery.deliveryId)).toEqual([deliveryId]);
    const followed = await client.call("delivery.get", { deliveryId });
    expect(followed).toMatchObject({
      events: [{ eventId: String(updateId), messageId: String(messageId), state: "done" }],
      run: { door: "channel", sessionKey: expect.stringMatching(/^agent:main:/), state: "done" },
      delivery: { deliveryId, state: "sent", to: { kind: "dm", id: String(ann.id) } },
      text: "echo: follow me",
      parts: [{ state: "sent", messageIds, attempts: 1 }],
    });
    expect(followed.run?.runId).toBe(followed.delivery.runId);
    const [call] = fake.sent("sendMessage");
    expect(call?.result).toMatchObject({ message_id: Number(messageIds[0]) });
    const shown = await command(gateway, "delivery", "show", deliveryId);
    for (const id of [String(updateId), String(followed.run?.runId), deliveryId, String(messageIds[0])]) {
      expect(shown).toContain(id);
    }
  });
});

describe("what came in and was kept from running", () => {
  it("is listed with its reason, shown, taken up again and decided on anew, or left, with one command each", async () => {
    await using house = await open({ dmPolicy: "allowlist" });
    const { fake, gateway, client } = house;
    const eve = { id: 100_000_666, is_bot: false, first_name: "Eve" };
    fake.say("let me in", { from: eve });
    const refused = async () => (await client.call("inbox.list", { state: "refused" })).messages;
    await expect.poll(refused, { timeout: 15_000 }).toHaveLength(1);
    const [kept] = await refused();
    const id = String(kept?.id);
    expect(await command(gateway, "inbox", "list")).toContain("none");
    const listed = await command(gateway, "inbox", "list", "--state", "refused");
    for (const word of [id, "Eve", "refused", kept?.reason ?? "?"]) expect(listed).toContain(word);
    expect(await command(gateway, "inbox", "show", id)).toContain("let me in");
    expect(await command(gateway, "inbox", "retry", id)).toContain("taken up again: 1 event(s)");
    // She is still nobody that the owner lets in.
    await expect
      .poll(async () => (await refused())[0]?.changedAt ?? 0, { timeout: 15_000 })
      .toBeGreaterThan(kept?.changedAt ?? 0);
    expect(await command(gateway, "inbox", "drop", id)).toContain("left unanswered: 1 event(s)");
    expect(await refused()).toEqual([]);
    expect(timesSent(fake, "echo: let me in")).toBe(0);
  }, 30_000);
});
