import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ann, startFakeTelegram } from "openclaw-channel-telegram/fake";
import { type Systems, readEnvironment, startGateway } from "openclaw-host";
import { startGatewayProcess } from "openclaw-host-testing";
import { describe, expect } from "vitest";
import { emptyHome } from "./cli.ts";
import { verifies } from "./verifies.ts";

const extensions = [new URL("../../extensions", import.meta.url).pathname];
const ALWAYS = { times: 1_000_000 };

const configFor = (fake: { url: string; token: string }) => ({
  channels: {
    telegram: { botToken: fake.token, apiRoot: fake.url, allowFrom: [String(ann.id)], pollTimeoutSeconds: 1 },
  },
});

async function readiness(port: number): Promise<{ status: number; reasons: readonly string[] }> {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`);
  const body: unknown = await response.json();
  const reasons = typeof body === "object" && body !== null && "reasons" in body ? body.reasons : [];
  return { status: response.status, reasons: Array.isArray(reasons) ? reasons.map(String) : [] };
}

async function untilReadiness(port: number, status: number): Promise<readonly string[]> {
  for (;;) {
    const now = await readiness(port);
    if (now.status === status) return now.reasons;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A clock that goes `factor` times as fast as time does. */
function fastClock(factor: number): Systems["clock"] {
  const begin = Date.now();
  const now = () => Math.round(begin + (Date.now() - begin) * factor);
  const after = (ms: number, run: () => void) => {
    const timer = setTimeout(run, ms / factor).unref();
    return () => clearTimeout(timer);
  };
  return {
    now,
    after,
    every(ms, run) {
      const timer = setInterval(run, ms / factor).unref();
      return () => clearInterval(timer);
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const finish = () => {
          cancel();
          signal?.removeEventListener("abort", finish);
          resolve();
        };
        const cancel = after(ms, finish);
        signal?.addEventListener("abort", finish, { once: true });
      }),
  };
}

describe("an account", () => {
  verifies(
    "accounts:black-hole",
    async () => {
      await using home = await emptyHome();
      const fake = await startFakeTelegram();
      const configFile = join(home.path, "config.json");
      const config = { ...configFor(fake), extensions: { entries: { telegram: { isolation: "inline" } } } };
      await writeFile(configFile, JSON.stringify(config), { mode: 0o600 });
      const environment = readEnvironment({ env: home.env, home: home.path, cwd: home.path, configFile });
      const clock = fastClock(4);
      const options = { environment, port: 0, token: "t".repeat(32), extensions, console: () => {}, version: "0.0.0" };
      const gateway = await startGateway(options, { clock });
      try {
        fake.say("are you there?");
        await fake.waitFor((call) => call.method === "sendMessage", 15_000);
        expect(await readiness(gateway.port)).toEqual({ status: 200, reasons: [] });
        // Connections are taken, and nothing is ever answered.
        const heal = fake.fail("hang", ALWAYS);
        const deadAt = clock.now();
        const reasons = await untilReadiness(gateway.port, 503);
        expect(clock.now() - deadAt).toBeLessThanOrEqual(60_000);
        expect(reasons).toEqual([expect.stringMatching(/^account telegram\/default is degraded: .*; Check/)]);
        heal();
        await untilReadiness(gateway.port, 200);
        fake.say("and now?");
        await fake.waitFor((call) => call.args["text"] === "echo: and now?", 15_000);
      } finally {
        await gateway.close({ reason: "the test is over" });
        await fake.close();
      }
    },
    60_000,
  );

  verifies(
    "accounts:revoked-token",
    async () => {
      const fake = await startFakeTelegram();
      const first = await startGatewayProcess({ extensions, config: configFor(fake) });
      try {
        await untilReadiness(first.port, 200);
        const client = await first.client();
        fake.say("hello");
        await fake.waitFor((call) => call.args["text"] === "echo: hello", 15_000);
        const heal = fake.fail("unauthorized", ALWAYS);
        const [reason] = await untilReadiness(first.port, 503);
        expect(reason).toMatch(/^account telegram\/default is logged-out: .*401.*botToken.*@BotFather/);
        expect(await client.call("health", { probe: true })).toMatchObject({
          problems: [{ part: "telegram/default", reason }],
        });
        const send = { channel: "telegram", to: String(ann.id), message: "waits for a token", idempotencyKey: "k" };
        // It would be answered with the receipt; the gateway ends before.
        client.call("send", send).catch(() => {});
        const queued = async () => (await client.call("delivery.list", { state: "queued" })).deliveries.length;
        while ((await queued()) !== 1) await new Promise((resolve) => setImmediate(resolve));
        await first.stop();
        heal();
        await using second = await startGatewayProcess({ extensions, stateDir: first.stateDir });
        await fake.waitFor((call) => call.args["text"] === "waits for a token", 15_000);
        await untilReadiness(second.port, 200);
        expect(fake.sent("sendMessage").filter((call) => call.args["text"] === "waits for a token")).toHaveLength(1);
      } finally {
        await first[Symbol.asyncDispose]();
        await fake.close();
      }
    },
    60_000,
  );
});
