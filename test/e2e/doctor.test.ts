import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { startGatewayProcess } from "openclaw-host-testing";
import { afterEach, describe, expect, it } from "vitest";
import { cli, emptyHome } from "./cli.ts";

interface Check {
  readonly check: string;
  readonly state: string;
  readonly detail: string;
  readonly fix?: string;
}

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const run of undo.splice(0).toReversed()) await run();
});

async function doctor(args: readonly string[], env: Record<string, string> = {}) {
  await using home = await emptyHome();
  const result = await cli(["doctor", "connect", "--json", ...args], { ...home.env, ...env });
  const { ok, checks } = JSON.parse(result.stdout) as { ok: boolean; checks: readonly Check[] };
  return { code: result.code, ok, checks, failed: checks.find(({ state }) => state === "failed"), text: result.stdout };
}

/** A port that passes every byte on, as `ssh -L` does. */
async function tunnelTo(port: number): Promise<number> {
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) socket.on("error", () => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  undo.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

/** A reverse proxy that says whom it speaks for, under a Host of its own. */
async function proxyTo(port: number, headers: Record<string, string>): Promise<number> {
  const server = createHttp((request, response) => {
    void fetch(`http://127.0.0.1:${port}${request.url}`).then(async (answer) => {
      response.writeHead(answer.status).end(await answer.text());
    });
  });
  server.on("upgrade", (request, client) => {
    const upstream = connect(port, "127.0.0.1");
    const own = { ...request.headers, ...headers };
    const lines = Object.entries(own).map(([name, value]) => `${name}: ${String(value)}\r\n`);
    upstream.write(`GET / HTTP/1.1\r\n${lines.join("")}\r\n`);
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) socket.on("error", () => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  undo.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

describe("openclaw doctor connect", () => {
  it("finds nothing wrong with this host's gateway, and names what it tried", async () => {
    await using gateway = await startGatewayProcess();
    const env = { OPENCLAW_STATE_DIR: gateway.stateDir, OPENCLAW_GATEWAY_TOKEN: gateway.token };
    const { code, ok, checks, text } = await doctor([], env);
    expect([code, ok]).toEqual([0, true]);
    expect(checks.map(({ check, state }) => `${check} ${state}`)).toEqual([
      "address ok",
      "tcp ok",
      "tls skipped",
      "http ok",
      "host ok",
      "upgrade ok",
      "challenge ok",
      "origin skipped",
      "version ok",
      "device ok",
      "auth ok",
      "pairing ok",
    ]);
    expect(text).not.toContain(gateway.token);
  });

  it("says what mends a wrong token, a missing one, a page and a name", async () => {
    await using gateway = await startGatewayProcess();
    const url = `ws://127.0.0.1:${gateway.port}`;
    const wrong = await doctor(["--url", url, "--token", "wrong"]);
    expect([wrong.code, wrong.failed?.check, wrong.failed?.fix]).toEqual([
      1,
      "auth",
      expect.stringContaining("--token"),
    ]);
    const missing = await doctor(["--url", url]);
    expect([missing.failed?.check, missing.failed?.fix]).toEqual(["auth", expect.stringContaining("--token")]);
    const page = await doctor(["--url", url, "--token", gateway.token, "--origin", "https://ui.example"]);
    expect([page.failed?.check, page.failed?.fix]).toEqual([
      "origin",
      expect.stringContaining(`gateway.controlUi.allowedOrigins '["https://ui.example"]'`),
    ]);
    const own = await doctor(["--url", url, "--token", gateway.token, "--origin", "http://localhost:3000"]);
    expect([own.code, own.ok]).toEqual([0, true]);
    const address = ["--url", "ws://gw.example:1", "--token", gateway.token];
    expect((await doctor(address)).failed).toMatchObject({
      check: "address",
      fix: expect.stringContaining("ssh -N -L"),
    });
  });

  it("says that nothing listens, and exits with 3", async () => {
    const { code, failed } = await doctor(["--url", "ws://127.0.0.1:1", "--token", "x"]);
    expect([code, failed]).toEqual([
      3,
      {
        check: "tcp",
        state: "failed",
        detail: expect.stringContaining("ECONNREFUSED"),
        fix: expect.stringContaining('"openclaw gateway"'),
      },
    ]);
  });

  it("names the one key for a host name that the gateway does not know", async () => {
    await using gateway = await startGatewayProcess();
    const args = ["--url", `ws://127.0.0.2:${gateway.port}`, "--token", gateway.token];
    // 127.0.0.2 is loopback, too: whoever listens there is the gateway itself only where it is bound.
    expect((await doctor(args)).failed?.check).toBe("tcp");
    const server = createHttp((_request, response) => response.writeHead(421).end());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    undo.push(() => new Promise((resolve) => server.close(resolve)));
    const url = `ws://localhost:${(server.address() as AddressInfo).port}`;
    expect((await doctor(["--url", url, "--token", "x"])).failed).toMatchObject({
      check: "host",
      fix: expect.stringContaining(`gateway.allowedHosts '["localhost"]'`),
    });
  });

  it("works through a tunnel as on the host itself", async () => {
    await using gateway = await startGatewayProcess();
    const port = await tunnelTo(gateway.port);
    expect(await doctor(["--url", `ws://127.0.0.1:${port}`, "--token", gateway.token])).toMatchObject({ code: 0 });
  });

  it("through a tunnel to a gateway without local trust names the command that approves the device", async () => {
    await using gateway = await startGatewayProcess({ config: { gateway: { auth: { localTrust: "off" } } } });
    const port = await tunnelTo(gateway.port);
    const { code, failed } = await doctor(["--url", `ws://127.0.0.1:${port}`, "--token", gateway.token]);
    expect([code, failed?.check]).toEqual([1, "pairing"]);
    expect(failed?.fix).toMatch(/^on the gateway's host: openclaw devices approve [0-9a-f-]{36}$/);
    await using home = await emptyHome();
    const told = await cli(["health", "--url", `ws://127.0.0.1:${port}`, "--token", gateway.token], home.env);
    expect(told.stderr).toMatch(/on the gateway's host: openclaw devices approve [0-9a-f-]{36}\n$/);
  });

  it("behind a reverse proxy tells of pairing, and behind a trusted one of nothing else", async () => {
    const headers = { "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https" };
    for (const trustedProxies of [[], ["127.0.0.1"]]) {
      await using gateway = await startGatewayProcess({ config: { gateway: { trustedProxies } } });
      const port = await proxyTo(gateway.port, headers);
      const { failed } = await doctor(["--url", `ws://127.0.0.1:${port}`, "--token", gateway.token]);
      expect(failed?.check).toBe("pairing");
    }
  });
});
