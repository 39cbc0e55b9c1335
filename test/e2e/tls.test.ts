import { readFileSync, statSync } from "node:fs";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { GatewayClient } from "@openclaw/gateway-client";
import { type GatewayClientOptions, createGatewayClient } from "openclaw-host-sdk/client";
import { describe, expect, it } from "vitest";
import { createTestClock } from "../security/clock.ts";
import { type House, TOKEN, startHouse } from "../security/house.ts";
import { cli, emptyHome, runCli } from "./cli.ts";

const secure = (more: object = {}) => ({ config: { gateway: { tls: { enabled: true }, ...more } } });

/** Connects once and says how it went: `ok`, or code and sentence of the failure. */
async function tryClient(options: GatewayClientOptions): Promise<string> {
  const client = createGatewayClient({ reconnect: false, token: TOKEN, ...options });
  try {
    await client.ready();
    return "ok";
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code} ${message}`;
  } finally {
    await client.close();
  }
}

const pinOf = ({ gateway }: House): string => gateway.tlsFingerprint ?? "";
const anotherPin = "AB:".repeat(31) + "CD";

describe("a gateway with TLS", () => {
  it("makes its certificate, says wss and its fingerprint, and lets in who pins it", async () => {
    await using house = await startHouse(secure());
    expect(house.url).toMatch(/^wss:\/\/127\.0\.0\.1:\d+$/);
    expect(pinOf(house)).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    expect(statSync(join(house.stateDir, "tls", "key.pem")).mode & 0o777).toBe(0o600);
    const record = JSON.parse(await readFile(join(house.stateDir, "gateway.json"), "utf8")) as object;
    expect(record).toMatchObject({ tlsFingerprint: pinOf(house), port: house.port });
    const shapes = [pinOf(house), pinOf(house).replaceAll(":", "").toLowerCase(), `sha256:${pinOf(house)}`];
    for (const tlsFingerprint of shapes) expect(await tryClient({ url: house.url, tlsFingerprint })).toBe("ok");
    expect(await tryClient({ url: `https://localhost:${house.port}`, tlsFingerprint: pinOf(house) })).toBe("ok");
    expect(house.log.some((line) => line.includes("PRIVATE KEY"))).toBe(false);
  });

  it("is known again after a restart", async () => {
    await using first = await startHouse(secure());
    const pin = pinOf(first);
    await first.gateway.close({ reason: "test", drainMs: 0 });
    await using second = await startHouse({ stateDir: first.stateDir });
    expect(pinOf(second)).toBe(pin);
  });

  it("tells its fingerprint and the end of its validity in status", async () => {
    await using house = await startHouse(secure());
    const client = createGatewayClient({ url: house.url, token: TOKEN, tlsFingerprint: pinOf(house) });
    const { tls } = await client.call("status", {});
    await client.close();
    expect(tls?.fingerprint).toBe(pinOf(house));
    expect(tls?.validToMs).toBeGreaterThan(Date.now());
  });

  it("takes up renewed files while clients stay connected, and tells commands of this host", async () => {
    await using donor = await startHouse(secure());
    const pems = ["cert.pem", "key.pem"].map((name) => readFileSync(join(donor.stateDir, "tls", name), "utf8"));
    const clock = createTestClock();
    // Half a minute goes by in a tenth of a second.
    const every = (ms: number, run: () => void) => clock.every(ms === 30_000 ? 100 : ms, run);
    await using house = await startHouse({ ...secure(), systems: { clock: { ...clock, every } } });
    const before = pinOf(house);
    const client = createGatewayClient({ url: house.url, token: TOKEN, tlsFingerprint: before });
    await client.ready();
    await writeFile(join(house.stateDir, "tls", "cert.pem"), pems[0] ?? "");
    await writeFile(join(house.stateDir, "tls", "key.pem"), pems[1] ?? "");
    await expect
      .poll(() => tryClient({ url: house.url, tlsFingerprint: pinOf(donor) }), { timeout: 15_000, interval: 200 })
      .toBe("ok");
    expect((await client.call("status", {})).tls?.fingerprint).toBe(pinOf(donor));
    expect(await tryClient({ url: house.url, tlsFingerprint: before })).toMatch(/^CERTIFICATE_MISMATCH/);
    await expect
      .poll(async () => JSON.parse(await readFile(join(house.stateDir, "gateway.json"), "utf8")) as object)
      .toMatchObject({ tlsFingerprint: pinOf(donor) });
    await client.close();
  });

  it("is pinned by the field's own client, too", async () => {
    await using house = await startHouse(secure());
    const tryOfficial = (tlsFingerprint: string) =>
      new Promise<string>((resolve) => {
        const end = (how: string) => void client.stopAndWait({ timeoutMs: 2_000 }).then(() => resolve(how));
        const client = new GatewayClient({
          url: house.url,
          token: TOKEN,
          tlsFingerprint,
          clientName: "gateway-client",
          mode: "backend",
          role: "operator",
          scopes: ["operator.read"],
          deviceIdentity: null,
          onHelloOk: () => end("ok"),
          onConnectError: (error: Error) => end(error.message),
        });
        client.start();
      });
    expect(await tryOfficial(pinOf(house))).toBe("ok");
    expect(await tryOfficial(anotherPin)).toMatch(/fingerprint/i);
  });

  it("may be bound beyond this host, and may not without TLS", async () => {
    const address = Object.values(networkInterfaces())
      .flat()
      .find((each) => each !== undefined && !each.internal && each.family === "IPv4")?.address;
    await expect(startHouse({ config: { gateway: { bind: "0.0.0.0" } } })).rejects.toThrow(
      /unencrypted.*gateway\.tls\.enabled/,
    );
    await expect(startHouse(secure({ bind: "0.0.0.0", auth: { mode: "none" } }))).rejects.toThrow(
      /gateway\.auth\.mode/,
    );
    await using house = await startHouse(secure({ bind: "0.0.0.0" }));
    expect(await tryClient({ url: `wss://127.0.0.1:${house.port}`, tlsFingerprint: pinOf(house) })).toBe("ok");
    // Sandboxes may have no other interface than loopback.
    if (address === undefined) return;
    const url = `wss://${address}:${house.port}`;
    expect(await tryClient({ url, tlsFingerprint: pinOf(house) })).not.toMatch(/^(UNREACHABLE|CERTIFICATE)/);
  });

  it("does not start with files that do not fit, and says which", async () => {
    const tls = { enabled: true, certPath: "no.pem", keyPath: "no.key" };
    await expect(startHouse({ config: { gateway: { tls } } })).rejects.toThrow(
      /gateway\.tls\.certPath.*does not exist/,
    );
    await expect(startHouse({ config: { gateway: { tls: { enabled: true, certPath: "no.pem" } } } })).rejects.toThrow(
      /gateway\.tls\.keyPath: is missing/,
    );
  });
});

describe("a gateway without TLS", () => {
  it("loads nothing that makes certificates", async () => {
    const dist = new URL("../../core/dist/", import.meta.url).pathname;
    const texts = await Promise.all(
      (await readdir(dist)).filter((name) => name.endsWith(".js")).map((name) => readFile(join(dist, name), "utf8")),
    );
    const uses = texts.flatMap((text) => text.match(/.*"\.\/tls-self-signed-\w+\.js".*/g) ?? []);
    expect(uses).toEqual([expect.stringMatching(/await import\(/)]);
    await using house = await startHouse();
    expect([house.url.startsWith("ws:"), house.gateway.tlsFingerprint]).toEqual([true, undefined]);
    await expect(readdir(join(house.stateDir, "tls"))).rejects.toThrow("ENOENT");
  });
});

describe("a client with a pin", () => {
  it("sends nothing to a peer with another certificate, and says what to do", async () => {
    await using house = await startHouse(secure());
    const received: Buffer[] = [];
    const [cert, key] = ["cert.pem", "key.pem"].map((name) => readFileSync(join(house.stateDir, "tls", name)));
    const other = createTlsServer({ cert, key }, (socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (data: Buffer) => received.push(data));
    });
    other.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const refusal = await tryClient({ url: `wss://127.0.0.1:${port}`, tlsFingerprint: anotherPin });
    expect(refusal).toMatch(/^CERTIFICATE_MISMATCH .*nothing was sent to it.*openclaw status.*Pinned: AB:AB/);
    expect(refusal).toContain(`shown: ${pinOf(house)}`);
    await new Promise<void>((resolve) => other.close(() => resolve()));
    expect(Buffer.concat(received).toString()).toBe("");
  });

  it("gives up for good after a mismatch: trying again changes nothing", async () => {
    await using house = await startHouse(secure());
    const retries: (number | undefined)[] = [];
    const client = createGatewayClient({
      url: house.url,
      token: TOKEN,
      tlsFingerprint: anotherPin,
      onDisconnect: (_error, retryInMs) => void retries.push(retryInMs),
    });
    await expect(client.ready()).rejects.toMatchObject({ code: "CERTIFICATE_MISMATCH", retryable: false });
    expect(retries).toEqual([undefined]);
    await client.close();
  });

  it("refuses what cannot be pinned before it opens a socket", () => {
    const make = (options: GatewayClientOptions) => () => createGatewayClient({ token: TOKEN, ...options });
    expect(make({ url: "ws://127.0.0.1:1", tlsFingerprint: anotherPin })).toThrow(/use wss/);
    expect(make({ url: "wss://127.0.0.1:1", tlsFingerprint: "AB:CD" })).toThrow(/32 pairs of hex digits/);
    expect(make({ url: "wss://127.0.0.1:1", tlsFingerprint: anotherPin, webSocket: WebSocket })).toThrow(
      /leave webSocket/,
    );
  });

  it("ends in time when the peer is silent or hangs up in the handshake, and leaves no socket", async () => {
    for (const hangsUp of [true, false]) {
      let open = 0;
      const peer = createServer((socket) => {
        open += 1;
        socket.on("error", () => undefined);
        socket.on("close", () => (open -= 1));
        if (hangsUp) socket.once("data", () => socket.destroy());
        else socket.resume();
      });
      await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
      const { port } = peer.address() as AddressInfo;
      const url = `wss://127.0.0.1:${port}`;
      expect(await tryClient({ url, tlsFingerprint: anotherPin, handshakeTimeoutMs: 500 })).not.toBe("ok");
      await expect.poll(() => open).toBe(0);
      peer.close();
    }
  });

  it("without one does not trust a certificate that only vouches for itself", async () => {
    await using house = await startHouse(secure());
    expect(await tryClient({ url: house.url })).toMatch(/^UNREACHABLE .*certificate.*tlsFingerprint/);
  });
});

describe("the command line", () => {
  it("pins its own gateway by itself, and another one by --tls-fingerprint", async () => {
    await using home = await emptyHome();
    const env = { ...home.env, OPENCLAW_GATEWAY_TOKEN: TOKEN };
    expect((await cli(["config", "set", "gateway.tls.enabled", "true"], env)).code).toBe(0);
    await using gateway = runCli(["gateway"], env);
    const text = await gateway.printed(/tls: +SHA-256 [0-9A-F:]{95}/);
    const pin = /SHA-256 ([0-9A-F:]{95})/.exec(text)?.[1] ?? "";
    const url = /wss:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0] ?? "";
    const status = await cli(["status"], env);
    expect([status.code, status.stdout]).toEqual([0, expect.stringContaining(`tls: SHA-256 ${pin}`)]);
    await using stranger = await emptyHome();
    const call = ["gateway", "call", "health", "--url", url, "--token", TOKEN];
    const away = (...more: string[]) => cli([...call, ...more], stranger.env);
    const refused = await away("--tls-fingerprint", anotherPin);
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringMatching(/nothing was sent.*openclaw status/)]);
    expect((await away()).stderr).toMatch(/--tls-fingerprint/);
    const examined = async (...more: string[]) =>
      (await cli(["doctor", "connect", "--url", url, ...more], stranger.env)).stdout;
    expect(await examined("--token", TOKEN)).toMatch(/FAIL +tls +.*DEPTH_ZERO_SELF_SIGNED_CERT[^]*--tls-fingerprint/);
    expect(await examined("--token", TOKEN, "--tls-fingerprint", anotherPin)).toMatch(/FAIL +tls +.*another one/);
    expect(await examined("--token", TOKEN, "--tls-fingerprint", pin)).toMatch(
      /ok +tls +TLSv1\.3[^]*ok +http[^]*ok +upgrade/,
    );
    const plain = await cli(["doctor", "connect", "--url", url.replace("wss", "ws"), "--token", TOKEN], stranger.env);
    expect(plain.stdout).toMatch(/FAIL +http +the port is encrypted\nto mend it: use wss/);
    expect((await cli(["doctor", "connect"], env)).code).toBe(0);
    // A restart that would not find its certificate is refused, and the gateway goes on.
    for (const file of ["certPath", "keyPath"]) await cli(["config", "set", `gateway.tls.${file}`, "gone.pem"], env);
    const state = home.env["OPENCLAW_STATE_DIR"] ?? "";
    const { pid } = JSON.parse(await readFile(join(state, "gateway.json"), "utf8")) as { pid: number };
    process.kill(pid, "SIGUSR2");
    await gateway.printed(/not restarted.*gone\.pem does not exist/);
    expect((await cli(["status"], env)).code).toBe(0);
    // It is let in as far as the certificate goes: this device is not paired there.
    expect((await away("--tls-fingerprint", pin)).stderr).not.toMatch(/certificate|no gateway/);
  }, 60_000);
});
