import { chmod, copyFile, mkdir, mkdtemp, readFile, readdir, rm, stat, truncate } from "node:fs/promises";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { cli } from "../e2e/cli.ts";
import { nextRandom } from "./random.ts";
import { attack } from "./attack.ts";
import { makeDevice } from "./device.ts";
import {
  FROM_AFAR,
  type House,
  TOKEN,
  attempt,
  call,
  deviceTokenOf,
  params,
  rawTcp,
  startHouse,
  tryConnect,
  verdictOf,
  withToken,
} from "./house.ts";

const telegram = new URL("../../extensions/telegram", import.meta.url).pathname;
const BOT = "7654321:canary-of-a-bot-AAbbCCddEEffGGhhIIjjKK";

/** A gateway with a channel whose platform cannot be reached, so that its errors are told too. */
const withBot = (more: object = {}) =>
  startHouse({
    extensions: [telegram],
    config: { channels: { telegram: { botToken: BOT, apiRoot: "http://127.0.0.1:9", ...more } } },
  });

/** A secret as it might stand somewhere. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const forms = [
    secret,
    encodeURIComponent(secret),
    bytes.toString("base64"),
    bytes.toString("base64url"),
    bytes.toString("hex"),
  ];
  return [...new Set(forms.map((form) => form.replace(/=+$/u, "")))];
}

/** Waits until the guest of the channel was told its secret and failed with it. */
async function channelFailed(house: House): Promise<void> {
  const failed = () => house.log.some((line) => /telegram/u.test(line) && /"(?:warn|error)"/u.test(line));
  await expect.poll(failed, { timeout: 15_000 }).toBe(true);
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name));
}

describe("secrets", () => {
  attack(
    "T44",
    async () => {
      const house = await withBot();
      const guess = "a-guessed-secret-0123456789-canary";
      const device = makeDevice();
      const owner = await attempt(house.url, withToken({ scopes: ["operator.admin"] }), { device });
      const deviceToken = deviceTokenOf(owner.answer);
      await channelFailed(house);
      const answers: unknown[] = [];
      for (const auth of [
        { token: guess },
        { password: guess },
        { deviceToken: guess },
        { token: guess, deviceToken },
      ]) {
        answers.push(await tryConnect(house.url, params({ auth })));
        answers.push(await tryConnect(house.url, params({ auth }), { device, headers: FROM_AFAR }));
      }
      for (const [method, given] of [
        ["config.get", {}],
        ["health", { probe: true }],
        ["status", {}],
        ["logs.tail", {}],
        ["channels.status", { probe: true }],
        ["extensions.list", {}],
        ["system-presence", {}],
        ["audit.list", {}],
        ["device.pair.list", {}],
        ["send", { to: "1", message: "x", channel: "telegram", idempotencyKey: "k1" }],
        ["config.get", { token: TOKEN }],
        ["no.such.method", {}],
      ] as const) {
        answers.push(await call(owner.socket, method, given));
      }
      await owner.socket[Symbol.asyncDispose]();
      await rawTcp(house.port, `GET /?token=${TOKEN} HTTP/1.1\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`, 200);
      const { stateDir } = house;
      await house.gateway.close({ reason: "done", drainMs: 0 });
      const told = new Map([
        ["answers", JSON.stringify(answers)],
        ["the log", house.log.join("\n")],
        ["the log file", await readFile(join(stateDir, "logs", "gateway.log"), "utf8")],
        ["the database", await readFile(join(stateDir, "host.db"), "latin1")],
      ]);
      for (const [where, text] of told) {
        for (const secret of [TOKEN, BOT, guess, deviceToken]) {
          // What the client itself was given back at connect is not in these answers.
          for (const form of formsOf(secret))
            expect(text.includes(form), `${form.slice(0, 8)}... in ${where}`).toBe(false);
        }
      }
      await rm(stateDir, { recursive: true, force: true });
    },
    60_000,
  );

  attack("T45", async () => {
    await using house = await startHouse();
    const evil = 'x\r\n{"level":"error","message":"forged"}\u001b[2J\u001b]0;owned\u0007\u2028\u2029\u202e\u0000"}';
    const client = {
      id: "cli",
      mode: "cli",
      version: evil,
      platform: evil,
      displayName: evil,
      deviceFamily: evil,
      instanceId: evil,
    };
    for (const device of [undefined, makeDevice()]) {
      const options = { ...(device === undefined ? {} : { device }), headers: { "user-agent": "evil \u001b[31m" } };
      await tryConnect(house.url, withToken({ client }), options).catch(() => undefined);
      await tryConnect(house.url, params({ client, auth: { token: evil } }), options).catch(() => undefined);
      await tryConnect(house.url, withToken({ client }), { ...options, headers: FROM_AFAR }).catch(() => undefined);
    }
    const owner = await attempt(house.url, withToken({ scopes: ["operator.admin"] }));
    await call(owner.socket, evil);
    await call(owner.socket, "system-event", { text: evil, host: evil });
    await call(owner.socket, "chat.send", { sessionKey: evil, message: evil, idempotencyKey: evil });
    await owner.socket[Symbol.asyncDispose]();
    const file = await readFile(join(house.stateDir, "logs", "gateway.log"), "utf8");
    const lines = file.trimEnd().split("\n");
    for (const line of lines) expect(() => JSON.parse(line) as unknown, line).not.toThrow();
    expect(lines.filter((line) => (JSON.parse(line) as { message: string }).message === "forged")).toEqual([]);
    // eslint-disable-next-line no-control-regex
    expect(/[\u0000-\u0009\u000b-\u001f\u007f\u2028\u2029]/u.test(file)).toBe(false);
  });

  attack(
    "T46",
    async () => {
      await using house = await withBot();
      await channelFailed(house);
      const { socket } = await attempt(house.url, withToken({ scopes: ["operator.read"] }), { device: makeDevice() });
      for (const method of ["logs.tail", "config.get", "health", "status", "channels.status", "extensions.list"]) {
        const text = JSON.stringify(await call(socket, method));
        for (const secret of [TOKEN, BOT]) for (const form of formsOf(secret)) expect(text, method).not.toContain(form);
      }
      for (const method of ["audit.list", "audit.verify", "device.pair.list", "sessions.patch"]) {
        expect(verdictOf(await call(socket, method)), method).toContain("missing scope");
      }
      await socket[Symbol.asyncDispose]();
    },
    60_000,
  );

  attack(
    "T47",
    async () => {
      const before = process.umask(0);
      const stateDir = await mkdtemp(join(tmpdir(), "openclaw-attack-"));
      try {
        const open = await startHouse({ stateDir });
        expect(verdictOf(await tryConnect(open.url, withToken(), { device: makeDevice() }))).toBe("ok");
        const env = { OPENCLAW_STATE_DIR: stateDir, HOME: stateDir };
        expect((await cli(["backup", "create"], env)).code).toBe(0);
        expect((await cli(["config", "set", "logging.level", "debug"], env)).code).toBe(0);
        await open.gateway.close({ reason: "done", drainMs: 0 });
        const files = await filesBelow(stateDir);
        expect(files.length).toBeGreaterThan(5);
        for (const path of files) expect(((await stat(path)).mode & 0o077).toString(8), path).toBe("0");
        for (const mode of [0o777, 0o770, 0o720]) {
          await chmod(stateDir, mode);
          await expect(startHouse({ stateDir })).rejects.toThrow(/chmod 700/u);
        }
      } finally {
        process.umask(before);
        await rm(stateDir, { recursive: true, force: true });
      }
    },
    60_000,
  );

  attack(
    "T48",
    async () => {
      await using house = await startHouse();
      const device = makeDevice();
      const { answer, socket } = await attempt(house.url, withToken(), { device });
      const deviceToken = deviceTokenOf(answer);
      for (let n = 0; n < 5; n += 1) await tryConnect(house.url, withToken(), { device: makeDevice() });
      const wal = join(house.stateDir, "host.db-wal");
      const { size } = await stat(wal);
      const random = nextRandom(48);
      const seen = new Set<string>();
      for (let n = 0; n < 12; n += 1) {
        const stateDir = await mkdtemp(join(tmpdir(), "openclaw-attack-"));
        await mkdir(stateDir, { recursive: true });
        for (const name of ["host.db", "host.db-wal", "server.key"]) {
          if (existsSync(join(house.stateDir, name))) await copyFile(join(house.stateDir, name), join(stateDir, name));
        }
        await truncate(join(stateDir, "host.db-wal"), Math.floor(random() * size));
        const outcome = await startHouse({ stateDir }).then(
          async (again) => {
            const token = params({ auth: { deviceToken } });
            const verdict = verdictOf(await tryConnect(again.url, token, { device, headers: FROM_AFAR }));
            const owner = await attempt(again.url, withToken({ scopes: ["operator.admin"] }));
            const trail = (await call(owner.socket, "audit.verify"))["payload"] as { ok: boolean };
            await owner.socket[Symbol.asyncDispose]();
            await again[Symbol.asyncDispose]();
            expect(trail.ok).toBe(true);
            return verdict === "ok" ? "ok" : "unknown device";
          },
          (error: unknown) => {
            expect(String(error)).toMatch(/restore|damaged|cut|backup/u);
            return "refused to start";
          },
        );
        seen.add(outcome);
        await rm(stateDir, { recursive: true, force: true });
      }
      await socket[Symbol.asyncDispose]();
      expect([...seen].every((outcome) => ["ok", "unknown device", "refused to start"].includes(outcome))).toBe(true);
    },
    90_000,
  );

  attack(
    "T49",
    async () => {
      await using house = await withBot();
      await channelFailed(house);
      const children = childrenOf(process.pid);
      if (process.platform === "linux") expect(children.length).toBeGreaterThan(0);
      for (const pid of children) {
        const shown = readProc(pid, "cmdline") + readProc(pid, "environ");
        for (const secret of [TOKEN, BOT]) for (const form of formsOf(secret)) expect(shown).not.toContain(form);
      }
    },
    60_000,
  );
});

/** Every process that descends from this one; none where there is no /proc. */
function childrenOf(parent: number): readonly number[] {
  if (!existsSync("/proc/self/stat")) return [];
  const pids = readdirSync("/proc")
    .filter((name) => /^\d+$/u.test(name))
    .map(Number);
  const own = pids.filter((pid) => Number(readProc(pid, "stat").split(") ").at(-1)?.split(" ")[1]) === parent);
  return own.flatMap((pid) => [pid, ...childrenOf(pid)]);
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
