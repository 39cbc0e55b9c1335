import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningGateway, type Systems, readEnvironment, startGateway } from "openclaw-host";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeDevice } from "./recorded/device.ts";
import { type Frame, connectParams, openSocket } from "./sockets.ts";

const TOKEN = "trust-token-0123456789abcdef0123456789abcdef";
const SECRET = "proxy-secret-0123456789abcdef0123456789abcdef";

let home = "";
let gateway: RunningGateway | undefined;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "openclaw-trust-"));
});
afterEach(async () => {
  await gateway?.close({ reason: "test", drainMs: 0 });
  gateway = undefined;
  await rm(home, { recursive: true, force: true });
});

interface Given {
  readonly config?: object;
  readonly systems?: Partial<Systems>;
  readonly bind?: string;
  readonly token?: string;
}

async function start({ config = {}, systems = {}, bind, token = TOKEN }: Given): Promise<readonly string[]> {
  await writeFile(join(home, "openclaw.json"), JSON.stringify(config), { mode: 0o600 });
  const log: string[] = [];
  const options = {
    environment: readEnvironment({ env: { OPENCLAW_STATE_DIR: home, PATH: process.env["PATH"] }, home, cwd: home }),
    port: 0,
    token,
    extensions: [],
    console: (record: unknown) => void log.push(JSON.stringify(record)),
    version: "0.0.0",
    ...(bind === undefined ? {} : { bind }),
  };
  gateway = await startGateway(options, systems);
  return log;
}

interface Come {
  readonly headers?: Record<string, string>;
  readonly auth?: object;
  readonly device?: ReturnType<typeof makeDevice>;
}

/** The code of the refusal, or `in`. */
async function come({ headers = {}, auth = {}, device }: Come): Promise<string> {
  await using socket = await openSocket(gateway?.url ?? "", headers);
  const challenge = await socket.frame((frame) => frame.event === "connect.challenge");
  const { nonce } = challenge["payload"] as { nonce: string };
  const params = { ...connectParams(TOKEN), auth } as Frame;
  const signed = device === undefined ? {} : { device: device.proof(params as never, nonce, { key: "fresh" }) };
  socket.send({ type: "req", id: "c", method: "connect", params: { ...params, ...signed } });
  const answer = await socket.response("c");
  const error = answer["error"] as { details?: { code?: string } } | undefined;
  return answer["ok"] === true ? "in" : (error?.details?.code ?? "?");
}

const right = { token: TOKEN };

describe("a gateway behind a trusted proxy", () => {
  const config = {
    gateway: {
      trustedProxies: ["127.0.0.1"],
      publicUrl: "https://gw.example",
      auth: { mode: "trusted-proxy", trustedProxy: { secret: SECRET } },
    },
  };
  const proxied = { host: "gw.example", "x-forwarded-for": "203.0.113.9", "x-forwarded-user": "ann" };

  it("takes the proxy's word only with the proxy's secret, and keeps no door for its own host shut", async () => {
    await start({ config });
    const device = makeDevice();
    expect(await come({ headers: { ...proxied, "x-openclaw-proxy-secret": SECRET }, device })).toBe("PAIRING_REQUIRED");
    expect(await come({ headers: proxied, device })).toBe("AUTH_UNAUTHORIZED");
    expect(await come({ headers: { ...proxied, "x-openclaw-proxy-secret": "guess" }, device })).toBe(
      "AUTH_UNAUTHORIZED",
    );
    expect(await come({ headers: proxied, device, auth: right })).toBe("AUTH_UNAUTHORIZED");
    expect(await come({ headers: { "x-openclaw-proxy-secret": SECRET }, device })).toBe(
      "AUTH_IDENTITY_HEADER_REQUIRED",
    );
    expect(await come({ auth: right })).toBe("in");
  });

  it("locks out a program of this host that tries secrets in the proxy's name", async () => {
    await start({ config });
    const device = makeDevice();
    const forged = { ...proxied, "x-openclaw-proxy-secret": "guess" };
    for (let guesses = 0; guesses < 10; guesses += 1) await come({ headers: forged, device });
    expect(await come({ headers: forged, device })).toBe("AUTH_RATE_LIMITED");
    expect(await come({ auth: right })).toBe("in");
  });
});

describe("a gateway on a tailnet", () => {
  async function fakeTailscale(lines: string): Promise<string> {
    const path = join(home, "tailscale");
    await writeFile(path, `#!/bin/sh\n${lines}\n`);
    await chmod(path, 0o700);
    return path;
  }
  const status = JSON.stringify({ BackendState: "Running", Self: { DNSName: "host.tail1234.ts.net." } });
  const who = JSON.stringify({ Node: {}, UserProfile: { LoginName: "ann@example.com" } });
  const answers = `case "$1" in status) echo '${status}';; whois) [ "$3" = 100.64.0.9 ] && echo '${who}';; esac`;
  const serve = { host: "host.tail1234.ts.net", "x-forwarded-for": "100.64.0.9" };

  it("asks the daemon who comes through tailscale serve", async () => {
    const executable = await fakeTailscale(answers);
    const interfaces = () => ["127.0.0.1", "100.101.102.103"];
    await start({
      config: { gateway: { auth: { mode: "tailscale", tailscale: { executable } } } },
      systems: { interfaces },
    });
    const device = makeDevice();
    const as = (login: string, over: Record<string, string> = {}) => ({
      headers: { ...serve, "tailscale-user-login": login, ...over },
      device,
    });
    expect(await come(as("ann@example.com"))).toBe("PAIRING_REQUIRED");
    expect(await come(as("root@example.com"))).toBe("AUTH_TAILSCALE_IDENTITY_MISMATCH");
    expect(await come(as("ann@example.com", { "x-forwarded-for": "100.64.0.10" }))).toBe("AUTH_TAILSCALE_WHOIS_FAILED");
    expect(await come({ device })).toBe("AUTH_TAILSCALE_IDENTITY_MISSING");
    expect(await come({ auth: right })).toBe("in");
    // The daemon told the name, so pages under it are not sent away.
    expect(await fetchStatus("host.tail1234.ts.net")).toBe(200);
    expect(await fetchStatus("other.tail1234.ts.net")).toBe(421);
  });

  it("does not start in mode tailscale without a daemon, and says what to do", async () => {
    const mode = { auth: { mode: "tailscale", tailscale: { executable: join(home, "nothing") } } };
    await expect(start({ config: { gateway: mode } })).rejects.toThrow(
      /was not found: install Tailscale.*or use another/,
    );
    const stopped = await fakeTailscale(`echo '{"BackendState":"NeedsLogin"}'`);
    const config = { gateway: { auth: { mode: "tailscale", tailscale: { executable: stopped } } } };
    await expect(start({ config })).rejects.toThrow('run "tailscale up"');
  });

  it("learns this host's MagicDNS name by itself where there is a tailnet, whatever the mode", async () => {
    const executable = await fakeTailscale(answers);
    const config = { gateway: { auth: { tailscale: { executable } } } };
    await start({ config, systems: { interfaces: () => ["127.0.0.1", "100.101.102.103"] } });
    await expect.poll(() => fetchStatus("host.tail1234.ts.net")).toBe(200);
  });

  it("takes programs at its own tailnet addresses for local, and no other device of the tailnet", async () => {
    const interfaces = () => ["127.0.0.1", "100.101.102.103"];
    await start({ config: { gateway: { trustedProxies: ["127.0.0.1"] } }, systems: { interfaces } });
    const at = (address: string, host = "100.101.102.103") => ({
      headers: { host, "x-forwarded-for": address },
      auth: right,
    });
    expect(await come(at("100.101.102.103"))).toBe("in");
    expect(await come(at("100.101.102.104"))).toBe("DEVICE_IDENTITY_REQUIRED");
    expect(await come(at("127.0.0.1", "localhost"))).toBe("DEVICE_IDENTITY_REQUIRED");
  });
});

async function fetchStatus(host: string): Promise<number> {
  const { get } = process.getBuiltinModule("node:http");
  return new Promise((resolve, reject) => {
    const asked = get({ port: gateway?.port, host: "127.0.0.1", path: "/healthz", headers: { host }, agent: false });
    asked.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on("error", reject);
  });
}

describe("a gateway without a secret", () => {
  it("lets devices of this host in, and asks for everybody else", async () => {
    await start({ config: { gateway: { auth: { mode: "none" } } } });
    const device = makeDevice();
    expect(await come({})).toBe("DEVICE_IDENTITY_REQUIRED");
    expect(await come({ device })).toBe("in");
    expect(await come({ device: makeDevice(), headers: { host: "evil.example" } })).toBe("PAIRING_REQUIRED");
  });
});

describe("a gateway that would not be safe", () => {
  const refused: [string, Given, RegExp][] = [
    ["without encryption", { bind: "0.0.0.0" }, /unencrypted.*ssh -N -L/],
    [
      "without a secret beyond loopback",
      { bind: "100.101.102.103", config: { gateway: { auth: { mode: "none" } } } },
      /set gateway.bind to loopback, or gateway.auth.mode to token/,
    ],
    ["with a token that can be guessed", { bind: "100.101.102.103", token: "short" }, /fewer than 24 characters/],
    [
      "with one secret for two things",
      {
        config: {
          gateway: {
            trustedProxies: ["127.0.0.1"],
            auth: { mode: "trusted-proxy", trustedProxy: { secret: TOKEN } },
          },
        },
      },
      /holds the same secret as/,
    ],
    [
      "with a proxy that has no secret",
      { config: { gateway: { trustedProxies: ["127.0.0.1"], auth: { mode: "trusted-proxy" } } } },
      /openssl rand/,
    ],
    [
      "with an address nobody can read",
      { config: { gateway: { trustedProxies: ["localhost"] } } },
      /neither an IP address/,
    ],
  ];
  it.each(refused)("does not start %s, and says what would be", async (...row) => {
    const [, given, sentence] = row;
    const failure = await start(given).then(
      () => "started",
      (error: unknown) => String(error),
    );
    expect(failure).toMatch(sentence);
    expect(failure).not.toContain(TOKEN);
  });

  it("starts with a short token on loopback, and warns", async () => {
    const log = await start({ token: "short-token" });
    expect(log.filter((line) => line.includes("fewer than 24 characters"))).toHaveLength(1);
  });
});
