import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Findings, expect } from "./findings.ts";
import { type House, type Reach, startHouse } from "./house.ts";
import { RELEASES, type Release } from "./install.ts";
import { type Home, type Result, makeHome, run, start } from "./program.ts";
import { until } from "./recorder.ts";
import { expectClosedSince, expectDeviceToken, expectRefusal, lastDevice, newest, refusalCode } from "./refusals.ts";

type Version = keyof typeof RELEASES;

/** See `Reach`: the older release shows a device to every address, and takes ws:// to loopback only. */
const REACH: Readonly<Record<Version, Reach>> = { "2026.9.6": "name", "2026.2.26": "loopback" };

/** Writes the client's configuration. Without `token` it has nothing but what it was given at pairing. */
function configure(home: Home, remote: { readonly url: string; readonly token?: string }): void {
  const folder = home.env["OPENCLAW_STATE_DIR"] ?? home.path;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, "openclaw.json");
  writeFileSync(file, JSON.stringify({ gateway: { mode: "remote", remote } }));
  chmodSync(file, 0o600);
}

const AGENT = ["agent", "--agent", "main", "--message", "hello there", "--json"];

/** What each command's answer must hold; each is one connection. */
const COMMANDS: readonly (readonly [args: readonly string[], holds: RegExp])[] = [
  [["health", "--json"], /"ok": true/],
  [["status", "--json"], /"reachable": true/],
  [["channels", "status", "--json"], /"channelOrder"/],
  [AGENT, /echo: hello there/],
  [["gateway", "call", "health", "--json"], /"defaultAgentId": "main"/],
  [["gateway", "call", "chat.history", "--params", '{"sessionKey":"main"}', "--json"], /echo: hello there/],
  [["devices", "list", "--json"], /"paired"/],
];

/** Waits for a run that never was: the connection stays open meanwhile. */
const LINGER = ["gateway", "call", "agent.wait", "--json", "--timeout", "90000", "--params"].concat(
  JSON.stringify({ runId: "none", timeoutMs: 80_000 }),
);

const told = ({ code, text }: Result): string => `exit ${code}: ${text}`;

interface Cast {
  readonly name: string;
  readonly findings: Findings;
  readonly house: House;
  readonly release: Release;
  readonly home: Home;
  /** Runs a command of the client. */
  readonly say: (args: readonly string[]) => Promise<Result>;
}

/** The command line of a release: paired from afar, let in by its device token, revoked. */
export async function tryCli(version: Version, findings: Findings): Promise<void> {
  const release = await RELEASES[version]();
  await using house = await startHouse(REACH[version]);
  await using home = await makeHome("cli");
  const env = { ...home.env, OPENCLAW_ALLOW_INSECURE_PRIVATE_WS: "1" };
  const say = (args: readonly string[]) => run(release, args, env);
  const cast: Cast = { name: `openclaw@${version}`, findings, house, release, home: { ...home, env }, say };
  await pair(cast);
  await useDeviceToken(cast);
  await revoke(cast);
}

/** The same command line on the gateway's own host, which is trusted: nobody has to approve anything. */
export async function tryCliOnHost(version: Version, findings: Findings): Promise<void> {
  const release = await RELEASES[version]();
  await using house = await startHouse("loopback", "on");
  await using home = await makeHome("cli");
  const { tunnel, gateway } = house;
  await findings.step(`openclaw@${version} on the host`, "works without being approved", async () => {
    configure(home, { url: house.url, token: gateway.token });
    for (const args of [AGENT, ["gateway", "call", "health", "--json"], ["devices", "list", "--json"]]) {
      const result = await run(release, args, home.env);
      expect(result.code === 0 && tunnel.lastRefusal() === undefined, () => `${refusalCode(tunnel)}; ${told(result)}`);
    }
    const { pending, paired } = await house.listed();
    expect(pending.length === 0, () => `${pending.length} requests wait`);
    return paired.length > 1 ? "was paired silently" : "shows no device";
  });
}

async function pair({ name, findings, house, home, say }: Cast): Promise<void> {
  const { tunnel, gateway } = house;
  configure(home, { url: house.url, token: gateway.token });
  await findings.step(name, "asks to be paired", async () => {
    const result = await say(AGENT);
    const refusal = expectRefusal(tunnel, "PAIRING_REQUIRED");
    expect(result.code !== 0 && /pairing required/i.test(result.text), () => told(result));
    return refusal;
  });
  await findings.step(name, "is approved by the owner", () => house.approve());
  await findings.step(name, "comes in with the shared token", async () => {
    const result = await say(AGENT);
    expect(result.code === 0 && result.stdout.includes("echo: hello there"), () => told(result));
    return "echo: hello there";
  });
  await findings.step(name, "is told when its token covers too little, and keeps it", async () => {
    configure(home, { url: house.url });
    const result = await say(["devices", "list", "--json"]);
    if (result.code === 0) return "not needed: it asked for every scope at first";
    const refusal = expectRefusal(tunnel, "AUTH_SCOPE_MISMATCH");
    const again = await say(AGENT);
    expect(again.code === 0, () => told(again));
    expectDeviceToken(tunnel, gateway.token);
    return refusal;
  });
  await findings.step(name, "is asked again for more scopes", async () => {
    configure(home, { url: house.url, token: gateway.token });
    const result = await say(["devices", "list", "--json"]);
    if (result.code === 0) return "not needed: it asked for every scope at first";
    const refusal = expectRefusal(tunnel, "PAIRING_REQUIRED");
    await house.approve();
    const again = await say(["devices", "list", "--json"]);
    expect(again.code === 0, () => told(again));
    return `${refusal}, then let in`;
  });
}

async function useDeviceToken({ name, findings, house, home, say }: Cast): Promise<void> {
  configure(home, { url: house.url });
  for (const [args, holds] of COMMANDS) {
    await findings.step(name, `by device token: ${args.slice(0, 3).join(" ")}`, async () => {
      const result = await say(args);
      expectDeviceToken(house.tunnel, house.gateway.token);
      expect(result.code === 0 && holds.test(result.stdout), () => `${refusalCode(house.tunnel)}; ${told(result)}`);
      return "as expected";
    });
  }
  await findings.step(name, "calls nothing that is missing here", async () => {
    const refused = house.tunnel.refused().map(({ method, error }) => `${method}: ${error}`);
    expect(refused.length === 0, () => refused.join("; "));
    return house.tunnel.methods().join(", ");
  });
}

async function revoke({ name, findings, house, release, home, say }: Cast): Promise<void> {
  const { tunnel } = house;
  const device = lastDevice(tunnel);
  await findings.step(name, "is revoked while connected", async () => {
    await using lingering = start(release, LINGER, home.env);
    const before = newest(tunnel);
    const connection = await until(
      "the waiting call",
      () =>
        tunnel.passed.find(
          (passed) => passed.connection > before && passed.by === "client" && passed.frame["method"] === "agent.wait",
        )?.connection,
    );
    await house.owner("devices", "revoke", device);
    const at = performance.now();
    await lingering.ended;
    const closed = expectClosedSince(tunnel, { connection, at });
    return `${closed}; the client says: ${lingering.text()}`;
  });
  await findings.step(name, "is refused with its old token", async () => {
    const result = await say(["gateway", "call", "health", "--json"]);
    expectDeviceToken(tunnel, house.gateway.token);
    const refusal = expectRefusal(tunnel, "AUTH_DEVICE_TOKEN_MISMATCH");
    expect(result.code !== 0, () => told(result));
    return `${refusal}; the client says: ${result.text}`;
  });
  await findings.step(name, "must be paired again with the shared token", async () => {
    configure(home, { url: house.url, token: house.gateway.token });
    const result = await say(AGENT);
    expect(result.code !== 0, () => told(result));
    return expectRefusal(tunnel, "PAIRING_REQUIRED");
  });
}
