import { readFile } from "node:fs/promises";
import { type FakeCall, ann, startFakeTelegram } from "openclaw-channel-telegram/fake";
import { type GatewayProcess, startGatewayProcess } from "openclaw-host-testing";
import { describe, expect } from "vitest";
import { cli } from "./cli.ts";
import { verifies } from "./verifies.ts";

const extensions = [new URL("../../extensions", import.meta.url).pathname];

const platform = async () => {
  const fake = await startFakeTelegram();
  return Object.assign(fake, { [Symbol.asyncDispose]: () => fake.close() });
};

type Platform = Awaited<ReturnType<typeof platform>>;

const configFor = (fake: Platform, channel: object = {}, more: object = {}) => ({
  channels: { telegram: { botToken: fake.token, apiRoot: fake.url, pollTimeoutSeconds: 1, ...channel } },
  ...more,
});

const bob = { id: 777, is_bot: false, first_name: "Bob" };

/** What the bot says to somebody, now or later. */
const told = (fake: Platform, id: number, text: RegExp): Promise<FakeCall> =>
  fake.waitFor(
    ({ method, args }) =>
      method === "sendMessage" && String(args["chat_id"]) === String(id) && text.test(String(args["text"])),
    15_000,
  );

/** The command line on the gateway's own host. */
const onHost = (gateway: GatewayProcess, args: readonly string[]) =>
  cli(args, { HOME: gateway.stateDir, OPENCLAW_STATE_DIR: gateway.stateDir, OPENCLAW_GATEWAY_TOKEN: gateway.token });

describe("policy", () => {
  verifies("policy:commands", async () => {
    await using fake = await platform();
    const session = { mainFor: [`telegram:${ann.id}`] };
    await using gateway = await startGatewayProcess({
      extensions,
      config: configFor(fake, { allowFrom: [ann.id] }, { session }),
    });
    const entity = (length: number) => ({
      message: { entities: [{ type: "bot_command" as const, offset: 0, length }] },
    });
    fake.say("remember this");
    await told(fake, ann.id, /^echo: remember this$/);
    fake.say("/help", entity(5));
    await told(fake, ann.id, /\/status says/);
    fake.say("/status", entity(7));
    await told(fake, ann.id, /session: agent:main:main/);
    fake.say("/stop", entity(5));
    await told(fake, ann.id, /Nothing was running/);
    fake.say("/new begin again", entity(4));
    await told(fake, ann.id, /^echo: begin again$/);
    const client = await gateway.client();
    const { messages } = await client.call("chat.history", { sessionKey: "main" });
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
    fake.say("hello?", { from: bob });
    const answer = await told(fake, bob.id, /code/);
    const code = /approve telegram ([A-Z2-9]{8})$/.exec(String(answer.args["text"]))?.[1] ?? "";
    fake.say(`/approve ${code}`, entity(8));
    await told(fake, ann.id, /Bob may write to me now/);
    await told(fake, bob.id, /you may write to me now/);
    const ended = new Promise((resolve) => client.on("chat", (chat) => chat.state === "final" && resolve(chat)));
    await client.call("chat.send", { sessionKey: "main", message: "/status", idempotencyKey: "command-1" });
    expect(JSON.stringify(await ended)).toContain("session: agent:main:main");
    expect(fake.sent("sendMessage").some(({ args }) => String(args["text"]).startsWith("echo: /"))).toBe(false);
  });

  verifies("policy:sessions", async () => {
    await using fake = await platform();
    const config = configFor(
      fake,
      { dmPolicy: "open", groupPolicy: "open" },
      {
        agents: { list: [{ id: "home" }, { id: "work" }] },
        bindings: [{ agentId: "work", match: { channel: "telegram", peer: { kind: "group", id: "-100777" } } }],
        session: { mainFor: [ann.id], debounceMs: 300 },
      },
    );
    await using gateway = await startGatewayProcess({ extensions, config });
    const group = { id: -100_777, type: "supergroup", title: "Team" } as const;
    const mention = { entities: [{ type: "mention" as const, offset: 0, length: 9 }] };
    fake.say("one");
    fake.say("two");
    await told(fake, ann.id, /^echo: one\ntwo$/);
    fake.say("three", { from: bob });
    await told(fake, bob.id, /^echo: three$/);
    fake.say("@fake_bot four", { from: bob, chat: group, message: mention });
    await told(fake, group.id, /^echo: /);
    const client = await gateway.client();
    const { sessions } = await client.call("sessions.list", {});
    expect(sessions.map(({ key }) => key).toSorted()).toEqual([
      "agent:home:main",
      "agent:home:telegram:default:dm:777",
      "agent:work:telegram:default:group:-100777",
    ]);
  });

  verifies("policy:pairing", async () => {
    await using fake = await platform();
    await using gateway = await startGatewayProcess({ extensions, config: configFor(fake, { groups: { "*": {} } }) });
    const operator = await gateway.client();
    const requested = new Promise((resolve) => operator.on("channel.pairing.requested", resolve));
    fake.say("let me in", { from: bob });
    const answer = await told(fake, bob.id, /code/);
    const code = /approve telegram ([A-Z2-9]{8})$/.exec(String(answer.args["text"]))?.[1] ?? "";
    expect(await requested).toMatchObject({ channel: "telegram", accountId: "default", senderId: "777", code });
    fake.say("are you there?", { from: bob });
    await fake.waitFor(
      () => fake.sent("sendMessage").filter(({ args }) => String(args["text"]).includes(code)).length === 2,
      15_000,
    );
    const listed = await onHost(gateway, ["pairing", "list", "telegram"]);
    expect(listed, listed.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining(`${code}  777`) });
    const approved = await onHost(gateway, ["pairing", "approve", "telegram", code.toLowerCase()]);
    expect(approved, approved.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining("777 may now write") });
    await told(fake, bob.id, /you may write to me now/);
    fake.say("thank you", { from: bob });
    await told(fake, bob.id, /^echo: thank you$/);
    expect(fake.sent("sendMessage").filter(({ args }) => String(args["text"]).startsWith("echo:"))).toHaveLength(1);
    const tested = await onHost(gateway, ["channels", "test", "telegram"]);
    expect(tested, tested.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining("to 777") });
    expect(await readFile(gateway.configPath, "utf8")).not.toContain("777");
    const group = { id: -100_777, type: "supergroup", title: "Team" } as const;
    fake.say("@fake_bot hello", {
      from: bob,
      chat: group,
      message: { entities: [{ type: "mention", offset: 0, length: 9 }] },
    });
    const removed = await onHost(gateway, ["pairing", "remove", "telegram", "777"]);
    expect(removed, removed.stderr).toMatchObject({ code: 0 });
    fake.say("and now?", { from: bob });
    await told(fake, bob.id, /Your code is/);
    expect(fake.sent("sendMessage").filter(({ args }) => String(args["chat_id"]) === String(group.id))).toEqual([]);
  });
});
