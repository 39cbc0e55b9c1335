import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { Endpoint, Type } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FetchOrder } from "../line/host-methods.ts";
import { isPublicAddress } from "./address.ts";
import { createEgress } from "./egress.ts";
import { type Exchanger, createExchanger } from "./exchange.ts";
import { guardedFetch } from "./fetch.ts";

describe("addresses", () => {
  it.each([
    "127.0.0.1",
    "10.1.2.3",
    "169.254.169.254",
    "172.31.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
  ])("%s is not public", (address) => expect(isPublicAddress(address)).toBe(false));
  it.each([
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:db8::1",
    "2001::1",
    "ff02::1",
  ])("%s is not public", (address) => expect(isPublicAddress(address)).toBe(false));
  it.each(["8.8.8.8", "172.32.0.1", "149.154.167.220", "2606:4700::1111", "2a00:1450:4001::1"])(
    "%s is public",
    (address) => expect(isPublicAddress(address)).toBe(true),
  );
});

const schema = Type.Object({
  api: Endpoint({ default: "https://api.example.org" }),
  inner: Type.Object({ files: Endpoint() }),
});

describe("the rules of an extension's requests", () => {
  const egress = createEgress({
    extension: "x",
    net: ["api.example.org", "*.cdn.example.org", "config:inner.files"],
    schema,
    config: { inner: { files: "http://127.0.0.1:9" } },
  });
  const refusal = (url: string) => egress.refusal(new URL(url)) ?? "allowed";

  it.each<[string, RegExp]>([
    ["https://api.example.org/a", /^allowed$/u],
    ["https://a.cdn.example.org/", /^allowed$/u],
    ["http://127.0.0.1:9/f", /^allowed$/u],
    ["http://127.0.0.1:10/f", /did not declare the host 127\.0\.0\.1/u],
    ["https://cdn.example.org.evil.org/", /did not declare/u],
    ["file:///etc/passwd", /only http and https/u],
    ["https://user:secret@api.example.org/", /into a header/u],
  ])("%s: %s", (url, expected) => expect(refusal(url)).toMatch(expected));

  it("exempt only what the operator wrote, and a default is written by nobody but the extension's author", () => {
    expect(egress.exempt(new URL("http://127.0.0.1:9/x"))).toBe(true);
    expect(egress.exempt(new URL("http://127.0.0.1:8/x"))).toBe(false);
  });
});

describe("a guarded fetch", () => {
  let server: Server;
  let base = "";
  let exchanger: Exchanger;
  const seen: { method: string; url: string; auth: string | undefined; body: string }[] = [];

  const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
    "/gzip": (_request, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("unpacked")),
    "/to-private": (_request, response) =>
      response.writeHead(302, { location: base.replace("127.0.0.1", "localhost") }).end(),
    "/see-other": (_request, response) => response.writeHead(303, { location: "/plain" }).end(),
    "/loop": (_request, response) => response.writeHead(302, { location: "/loop" }).end(),
    "/plain": (_request, response) => response.end("plain"),
    "/never": () => {},
  };

  beforeEach(async () => {
    seen.length = 0;
    server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8");
      request.on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        seen.push({ method: request.method ?? "", url: request.url ?? "", auth: request.headers.authorization, body });
        (routes[request.url ?? ""] ?? routes["/plain"]!)(request, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    exchanger = createExchanger();
  });

  afterEach(() => {
    exchanger.close();
    server.closeAllConnections();
    server.close();
  });

  const get = (
    url: string,
    more: Partial<FetchOrder> & { operator?: string; body?: never; signal?: AbortSignal } = {},
  ) => {
    const egress = createEgress({
      extension: "x",
      net: ["*"],
      schema,
      config: more.operator === undefined ? {} : { api: more.operator },
    });
    const order: FetchOrder = { context: "c", url, method: "GET", headers: [], redirect: "follow", ...more };
    return guardedFetch(
      { egress, exchanger },
      { order, body: undefined, signal: more.signal ?? new AbortController().signal },
    );
  };
  const textOf = async (work: ReturnType<typeof get>) => new Response((await work).body).text();

  it("reaches an operator's endpoint on this machine and unpacks its answer", async () => {
    expect(await textOf(get(`${base}/gzip`, { operator: base }))).toBe("unpacked");
  });

  it("reaches no private address, by number or by name", async () => {
    await expect(get(`${base}/plain`)).rejects.toThrow(/leads to a private address/u);
    await expect(get(base.replace("127.0.0.1", "localhost"))).rejects.toThrow(/leads to a private address/u);
    await expect(get(base.replace("127.0.0.1", "[::ffff:127.0.0.1]"))).rejects.toThrow(/leads to a private address/u);
    await expect(get(base.replace("127.0.0.1", "2130706433"))).rejects.toThrow(/leads to a private address/u);
    expect(seen).toEqual([]);
  });

  it("follows no redirect of an endpoint to a private address", async () => {
    const headers: [string, string][] = [["authorization", "Bearer secret"]];
    await expect(get(`${base}/to-private`, { operator: base, headers })).rejects.toThrow(
      /localhost leads to a private/u,
    );
    expect(seen).toHaveLength(1);
  });

  it("leaves a redirect to the caller who wants it, and fails for the one who forbids it", async () => {
    const manual = await get(`${base}/see-other`, { operator: base, redirect: "manual" });
    expect([manual.message.statusCode, manual.message.headers.location]).toEqual([303, "/plain"]);
    await expect(get(`${base}/see-other`, { operator: base, redirect: "error" })).rejects.toThrow(/forbids/u);
  });

  it("ends when the caller aborts", async () => {
    const controller = new AbortController();
    const work = get(`${base}/never`, { operator: base, signal: controller.signal });
    controller.abort();
    await expect(work).rejects.toThrow(/abort/iu);
  });
});
