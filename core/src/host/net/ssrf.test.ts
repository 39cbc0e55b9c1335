import type { LookupAddress } from "node:dns";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Type } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createEgress } from "./egress.ts";
import { type Exchanger, createExchanger } from "./exchange.ts";
import { guardedFetch } from "./fetch.ts";

let server: Server;
let port = 0;
let reached = 0;
let exchanger: Exchanger;
/** What the name server says next; the last answer stays. */
let answers: string[][];
let asked: string[];

function resolve(name: string, _options: unknown, callback: (error: null, found: LookupAddress[]) => void): void {
  asked.push(name);
  const next = (answers.length > 1 ? answers.shift() : answers[0]) ?? [];
  callback(
    null,
    next.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
  );
}

beforeEach(async () => {
  reached = 0;
  asked = [];
  answers = [["127.0.0.1"]];
  server = createServer((_request, response) => {
    reached += 1;
    response.end("inside");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  port = (server.address() as AddressInfo).port;
  exchanger = createExchanger(resolve);
});
afterEach(async () => {
  exchanger.close();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

const egress = createEgress({ extension: "x", net: ["*"], schema: Type.Object({}), config: {} });

const get = (url: string, signal: AbortSignal = new AbortController().signal) =>
  guardedFetch(
    { egress, exchanger },
    { order: { context: "c", url, method: "GET", headers: [], redirect: "follow" }, body: undefined, signal },
  );

describe("an address that leads inside", () => {
  it.each<[string, string]>([
    ["127/8", "127.0.0.1"],
    ["127/8, another", "127.8.9.10"],
    ["short", "127.1"],
    ["this host", "0.0.0.0"],
    ["this host, short", "0"],
    ["decimal", "2130706433"],
    ["octal", "0177.0.0.1"],
    ["hexadecimal", "0x7f.0.0.1"],
    ["hexadecimal, whole", "0x7f000001"],
    ["full-width digits", "１２７.0.0.1"],
    ["private", "10.0.0.1"],
    ["carrier NAT", "100.64.0.1"],
    ["link-local", "169.254.1.1"],
    ["cloud metadata", "169.254.169.254"],
    ["cloud metadata, decimal", "2852039166"],
    ["broadcast", "255.255.255.255"],
    ["IPv6 loopback", "[::1]"],
    ["IPv6 unspecified", "[::]"],
    ["mapped", "[::ffff:127.0.0.1]"],
    ["mapped, hexadecimal", "[::ffff:7f00:1]"],
    ["mapped, full form", "[0:0:0:0:0:ffff:7f00:0001]"],
    ["IPv4-compatible", "[::127.0.0.1]"],
    ["NAT64", "[64:ff9b::7f00:1]"],
    ["NAT64, local", "[64:ff9b:1::7f00:1]"],
    ["6to4", "[2002:7f00:1::]"],
    ["Teredo", "[2001:0:7f00:1::]"],
    ["IPv6 link-local", "[fe80::1]"],
    ["unique local", "[fd00:ec2::254]"],
    ["IPv6 multicast", "[ff02::1]"],
  ])("is refused without asking anybody: %s", async (_what, host) => {
    await expect(get(`http://${host}:${port}/`)).rejects.toThrow(/leads to a private address/u);
    expect([asked, reached]).toEqual([[], 0]);
  });

  it.each<[string, string[]]>([
    ["this machine", ["127.0.0.1"]],
    ["metadata", ["169.254.169.254"]],
    ["both sides", ["93.184.215.14", "127.0.0.1"]],
    ["both sides, of both kinds", ["93.184.215.14", "::ffff:127.0.0.1"]],
    ["nowhere", []],
  ])("is refused when a name leads to %s", async (_what, found) => {
    answers = [found];
    await expect(get(`http://inside.example.org:${port}/`)).rejects.toThrow(/leads to a private address/u);
    expect([asked, reached]).toEqual([["inside.example.org"], 0]);
  });

  it.each(["localhost", "localhost.", "LOCALHOST"])("is refused by its name %s", async (name) => {
    await expect(get(`http://${name}:${port}/`)).rejects.toThrow(/leads to a private address/u);
    expect(reached).toBe(0);
  });

  it("is refused when a name server changes its mind: every connection is checked against its own answer", async () => {
    answers = [["192.0.2.1"], ["127.0.0.1"]];
    await expect(get(`http://rebind.example.org:${port}/`)).rejects.toThrow(/leads to a private address/u);
    await expect(get(`http://rebind.example.org:${port}/`)).rejects.toThrow(/leads to a private address/u);
    expect([asked.length, reached]).toEqual([2, 0]);
  });

  it("is asked for once: the connection goes where the check has looked", async () => {
    answers = [["93.184.215.14"], ["127.0.0.1"]];
    const stop = new AbortController();
    const work = get(`http://rebind.example.org:${port}/`, stop.signal).catch(() => "gone");
    // The checked address is on the internet: nobody here waits for it.
    while (asked.length === 0) await new Promise((done) => setImmediate(done));
    for (let turns = 0; turns < 50; turns += 1) await new Promise((done) => setImmediate(done));
    stop.abort();
    expect([await work, asked.length, reached]).toEqual(["gone", 1, 0]);
  });

  it("is refused whatever proxy the environment names", async () => {
    const names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "NODE_USE_ENV_PROXY"];
    const before = names.map((name) => [name, process.env[name]] as const);
    for (const name of names) process.env[name] = name.startsWith("NODE") ? "1" : `http://127.0.0.1:${port}`;
    try {
      answers = [["10.0.0.1"]];
      await expect(get("http://inside.example.org/")).rejects.toThrow(/leads to a private address/u);
      expect(reached).toBe(0);
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });
});
