import { X509Certificate } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Value } from "@sinclair/typebox/value";
import { GatewayConfig } from "openclaw-host-schemas";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFakeClock, type FakeClock } from "../base/fake-clock.ts";
import type { LogFields, Logger } from "../base/log.ts";
import { createProblems } from "../base/problems.ts";
import { type Paths, readEnvironment } from "../config/paths.ts";
import { makeTestDir } from "../store/test-store.ts";
import type { TlsIdentity } from "./tls-identity.ts";
import { watchTls } from "./tls-watch.ts";
import { openTls, tlsRules } from "./tls.ts";

const DAY = 86_400_000;
const YEAR = 365 * DAY;

let dir: ReturnType<typeof makeTestDir>;
let paths: Paths;
let clock: FakeClock;
beforeEach(() => {
  dir = makeTestDir();
  paths = readEnvironment({ env: { OPENCLAW_STATE_DIR: dir.path }, home: dir.path, cwd: dir.path }).paths;
  clock = createFakeClock(Date.now());
});
afterEach(() => dir.remove());

const gatewayOf = (given: object): GatewayConfig =>
  Value.Default(GatewayConfig, structuredClone(given)) as GatewayConfig;

async function open(tls: object = {}, more: object = {}, bind = "loopback") {
  const source = await openTls({
    gateway: gatewayOf({ tls: { enabled: true, ...tls }, ...more }),
    bind,
    paths,
    interfaces: () => ["10.1.2.3", "fe80::1"],
    now: () => clock.now(),
  });
  if (source === undefined) throw new Error("TLS is on");
  return source;
}

const certificate = () => new X509Certificate(readFileSync(paths.tlsCertFile));

/** Files of an operator, as a program that fetches certificates leaves them. */
function putFiles(pair: { cert: string; key: string }): { certPath: string; keyPath: string } {
  mkdirSync(join(dir.path, "certs"), { recursive: true });
  writeFileSync(join(dir.path, "certs", "full.pem"), pair.cert);
  writeFileSync(join(dir.path, "certs", "key.pem"), pair.key, { mode: 0o600 });
  return { certPath: "certs/full.pem", keyPath: "certs/key.pem" };
}

/** Another pair than the one before. */
async function freshPair() {
  const { pair } = (await open()).current;
  rmSync(paths.tlsKeyFile);
  rmSync(paths.tlsCertFile);
  return pair;
}

describe("the gateway's own certificate", () => {
  it("is made once, for the names of this host, and only its user can read the key", async () => {
    const { current } = await open();
    expect(certificate().subjectAltName).toMatch(/DNS:localhost, IP Address:127\.0\.0\.1, IP Address:0:0:0:0:0:0:0:1/);
    expect(certificate().fingerprint256).toBe(current.fingerprint);
    expect(certificate().publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
    for (const file of [paths.tlsKeyFile, paths.tlsCertFile]) expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(current.validTo - clock.now()).toBeGreaterThan(9 * YEAR);
    expect((await open()).current.fingerprint).toBe(current.fingerprint);
  });

  it("names the address it is bound to, all of them where it is bound everywhere, and the public names", async () => {
    await open({}, { publicUrl: "https://gate.example.org", allowedHosts: ["[fd00::7]", "bad name"] }, "192.168.1.5");
    expect(certificate().subjectAltName).toMatch(/DNS:gate\.example\.org/);
    expect(certificate().subjectAltName).toMatch(/IP Address:FD00:0:0:0:0:0:0:7/i);
    expect(certificate().subjectAltName).toMatch(/IP Address:192\.168\.1\.5/);
    rmSync(paths.tlsCertFile);
    await open({}, {}, "0.0.0.0");
    expect(certificate().subjectAltName).toMatch(/IP Address:10\.1\.2\.3/);
  });

  it("is renewed a month before its end, with the same key", async () => {
    const first = (await open()).current;
    clock.jump(10 * YEAR - 31 * DAY);
    expect((await open()).current.fingerprint).toBe(first.fingerprint);
    clock.jump(2 * DAY);
    const second = (await open()).current;
    expect(second.fingerprint).not.toBe(first.fingerprint);
    expect(second.pair.key).toBe(first.pair.key);
    expect(second.validTo - clock.now()).toBeGreaterThan(9 * YEAR);
  });

  it("is kept by a clock that is behind: a new one would cost clients their pin", async () => {
    const first = (await open()).current;
    clock.jump(-20 * YEAR);
    expect((await open()).current.fingerprint).toBe(first.fingerprint);
  });

  it("is made anew when it is damaged or of another key; a damaged key is told of", async () => {
    const first = (await open()).current;
    writeFileSync(paths.tlsCertFile, "half a certif");
    const second = (await open()).current;
    expect([second.pair.key, second.fingerprint === first.fingerprint]).toEqual([first.pair.key, false]);
    rmSync(paths.tlsKeyFile);
    const third = (await open()).current;
    expect(third.pair.key).not.toBe(first.pair.key);
    writeFileSync(paths.tlsKeyFile, "half a k");
    await expect(open()).rejects.toThrow(/tls\/key\.pem holds no key that can be read.*delete it, and the next start/);
  });

  it("has its key closed to others when somebody opened it", async () => {
    await open();
    chmodSync(paths.tlsKeyFile, 0o644);
    await open();
    expect(statSync(paths.tlsKeyFile).mode & 0o777).toBe(0o600);
  });
});

describe("configured files", () => {
  it("are used as they are, from where the config file is", async () => {
    const pair = await freshPair();
    const { current } = await open(putFiles(pair));
    expect(current.pair).toEqual(pair);
    expect(() => statSync(paths.tlsKeyFile)).toThrow("ENOENT");
  });

  it("that are missing, empty, of different pairs or mixed up are refused with path and fix", async () => {
    const [one, two] = [await freshPair(), await freshPair()];
    const refused = async (pair: { cert: string; key: string }) => {
      const files = putFiles(pair);
      return open(files).then(
        () => "taken",
        (error: unknown) => String(error),
      );
    };
    expect(await refused({ cert: one.cert, key: two.key })).toMatch(
      /gateway\.tls\.keyPath: .*key\.pem is not the key of this certificate: name the two files/,
    );
    expect(await refused({ cert: "", key: one.key })).toMatch(/gateway\.tls\.certPath: .* holds no certificate/);
    expect(await refused({ cert: one.cert, key: "" })).toMatch(/gateway\.tls\.keyPath: .* holds no key/);
    expect(await refused({ cert: one.key, key: one.cert })).toMatch(/gateway\.tls\.\w+Path: .* holds no /);
    await expect(open({ certPath: "no/cert.pem", keyPath: "certs/key.pem" })).rejects.toThrow(
      /gateway\.tls\.certPath: .*no\/cert\.pem does not exist: correct the path/,
    );
    for (const text of [await refused({ cert: one.cert, key: two.key })]) expect(text).not.toContain("PRIVATE");
  });

  it("are named both or not at all, unless one may be made", () => {
    const faults = (tls: object) => tlsRules(gatewayOf({ tls })).map(({ path }) => path);
    expect(faults({ enabled: true })).toEqual([]);
    expect(faults({ enabled: false, certPath: "a" })).toEqual([]);
    expect(faults({ enabled: true, certPath: "a" })).toEqual(["gateway.tls.keyPath"]);
    expect(faults({ enabled: true, keyPath: "a" })).toEqual(["gateway.tls.certPath"]);
    expect(faults({ enabled: true, autoGenerate: false })).toEqual(["gateway.tls.autoGenerate"]);
    expect(faults({ enabled: true, autoGenerate: false, certPath: "a", keyPath: "b" })).toEqual([]);
  });

  it("are not looked at without TLS", async () => {
    const gateway = gatewayOf({ tls: { certPath: "no", keyPath: "no" } });
    expect(await openTls({ gateway, bind: "loopback", paths, interfaces: () => [], now: () => 0 })).toBeUndefined();
  });
});

describe("a certificate that changes while the gateway runs", () => {
  async function watch(tls: object) {
    const source = await open(tls);
    const renewed: TlsIdentity[] = [];
    const lines: string[] = [];
    const tell = (message: string, fields: LogFields = {}) => void lines.push(`${message} ${JSON.stringify(fields)}`);
    const log: Logger = { debug: tell, info: tell, warn: tell, error: tell, child: () => log };
    const problems = createProblems(clock);
    const onRenewed = async (identity: TlsIdentity) => void renewed.push(identity);
    const undo = await watchTls({ source, onRenewed, clock, log, problems });
    return { source, renewed, lines, problems, undo };
  }

  /** Files are read in other threads: time goes by until what is expected has happened. */
  const within = (look: () => unknown) =>
    expect.poll(async () => {
      await clock.advance(30_000);
      return look();
    });

  it("is taken up within half a minute, once", async () => {
    const [one, two] = [await freshPair(), await freshPair()];
    const { renewed, lines, source, undo } = await watch(putFiles(one));
    await clock.advance(120_000);
    expect(renewed).toEqual([]);
    putFiles(two);
    await within(() => renewed.length).toBe(1);
    expect(renewed[0]?.pair).toEqual(two);
    expect(source.current.pair).toEqual(two);
    expect(lines.filter((line) => line.startsWith("shows another TLS certificate"))).toHaveLength(1);
    await clock.advance(120_000);
    expect(renewed).toHaveLength(1);
    undo();
    expect(clock.pending).toBe(0);
  });

  it("stays the old one while its files do not fit, which is told once", async () => {
    const [one, two] = [await freshPair(), await freshPair()];
    const { renewed, lines, source, undo } = await watch(putFiles(one));
    putFiles({ cert: two.cert, key: one.key });
    const complaints = () => lines.filter((line) => line.includes("the old one stays"));
    await within(() => complaints().length).toBe(1);
    expect(complaints()[0]).toMatch(/is not the key of this certificate/);
    for (let round = 0; round < 5; round += 1) await clock.advance(30_000);
    expect([complaints().length, renewed.length, source.current.pair]).toEqual([1, 0, one]);
    putFiles(two);
    await within(() => renewed.length).toBe(1);
    rmSync(join(dir.path, "certs", "key.pem"));
    await within(() => complaints().length).toBe(2);
    expect(source.current.pair).toEqual(two);
    undo();
  });

  it("whose key everybody may read is warned about", async () => {
    const files = putFiles(await freshPair());
    const quiet = await watch(files);
    quiet.undo();
    chmodSync(join(dir.path, "certs", "key.pem"), 0o640);
    const group = await watch(files);
    group.undo();
    chmodSync(join(dir.path, "certs", "key.pem"), 0o644);
    const { lines, undo } = await watch(files);
    undo();
    expect([quiet.lines, group.lines]).toEqual([[], []]);
    expect(lines).toEqual([expect.stringMatching(/key\.pem can be read by every user.*chmod o=/)]);
  });

  it("is renewed by the gateway itself when it made it", async () => {
    const first = (await open()).current;
    clock.jump(10 * YEAR - 31 * DAY);
    const { renewed, undo } = await watch({});
    await clock.advance(DAY);
    await within(() => renewed.length).toBe(1);
    expect(renewed[0]?.fingerprint).not.toBe(first.fingerprint);
    undo();
  });

  it("is told of before its end, and is a problem after it until it is renewed", async () => {
    const pair = await freshPair();
    clock.jump(10 * YEAR - 10 * DAY);
    const { lines, problems, undo } = await watch(putFiles(pair));
    expect(lines[0]).toMatch(/the TLS certificate ends on 20.*renew the files/);
    expect(problems.list()).toEqual([]);
    await clock.advance(11 * DAY);
    await expect.poll(() => problems.list().map(({ reason }) => reason)).toEqual([expect.stringMatching(/ended on/)]);
    const next = await freshPair();
    putFiles(next);
    await within(() => problems.list()).toEqual([]);
    undo();
  });
});
