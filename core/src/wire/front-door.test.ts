import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAddressSet } from "../auth/addresses.ts";
import { createOwnHost } from "../auth/own-host.ts";
import { createPeerReader } from "../auth/peer.ts";
import { cliParams, makeDevice } from "../auth/test-device.ts";
import type { Room } from "./http.ts";
import { startWire, type TestWire, TOKEN } from "./test-wire.ts";

const posted: string[] = [];
const room: Room = {
  prefix: "/room/",
  handle: async (request) => {
    posted.push(`${request.method} ${await request.text()}`);
    return new Response("done", { headers: { "access-control-allow-origin": "*" } });
  },
};
const own = createOwnHost({
  interfaces: () => ["127.0.0.1", "192.168.1.5", "100.101.102.103"],
  tailnetName: () => "host.tail1234.ts.net",
  now: () => 0,
});

let wire: TestWire;
beforeAll(async () => {
  const readPeer = createPeerReader({ trustedProxies: createAddressSet([]), own, hosts: ["gw.example"] });
  wire = await startWire({ parts: { rooms: [room], readPeer } });
});
afterAll(() => wire.stop());

interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends text as it is, and reads until the gateway closes or one answer is complete. */
async function raw(lines: readonly string[]): Promise<RawAnswer> {
  const socket = connect(wire.port, "127.0.0.1");
  await once(socket, "connect");
  let text = "";
  const done = new Promise<void>((resolve) => {
    socket.on("data", (data: Buffer) => {
      text += data.toString("latin1");
      const [head = "", body] = text.split("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
      if (body !== undefined && (body.length >= length || head.startsWith("HTTP/1.1 101"))) resolve();
    });
    socket.on("close", () => resolve());
  });
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  await done;
  socket.destroy();
  const [head = "", ...body] = text.split("\r\n\r\n");
  const [status = "", ...fields] = head.split("\r\n");
  const headers = fields.map((field) => [field.split(":", 1)[0]?.toLowerCase() ?? "", field.replace(/^[^:]*: ?/, "")]);
  return { status: Number(status.split(" ")[1]), headers: Object.fromEntries(headers), body: body.join("\r\n\r\n") };
}

const upgrade = (...fields: string[]): string[] => [
  "GET / HTTP/1.1",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`,
  ...fields,
];

const GUARDS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

describe("a request's Host", () => {
  const known = [
    "localhost",
    "127.0.0.1:9",
    "[::1]",
    "192.168.1.5",
    "100.101.102.103",
    "gw.example",
    "host.tail1234.ts.net",
  ];
  it.each(known)("%s is served", async (host) => {
    expect((await raw(["GET /healthz HTTP/1.1", `Host: ${host}`])).status).toBe(200);
    expect((await raw(upgrade(`Host: ${host}`, `Origin: http://${host}`))).status).toBe(101);
  });

  const foreign = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.1.6", "0.0.0.0", "x y"];
  it.each(foreign)("%s is answered with 421, and so is a page's upgrade", async (host) => {
    for (const path of ["/healthz", "/", "/room/x", "/no/such"]) {
      const answer = await raw([`GET ${path} HTTP/1.1`, `Host: ${host}`]);
      expect([answer.status, answer.body]).toEqual([421, expect.stringContaining("gateway.allowedHosts")]);
      expect(answer.headers).toMatchObject(GUARDS);
    }
    const page = await raw(upgrade(`Host: ${host}`, `Origin: http://${host}`));
    expect([page.status, page.headers["connection"]]).toEqual([421, "close"]);
    expect((await raw(upgrade(`Host: ${host}`))).status).toBe(101);
    expect(posted).toEqual([]);
  });

  it("of a program under a foreign name makes it one from elsewhere", async () => {
    const params = cliParams({ auth: { token: TOKEN } });
    const { answer } = await wire.connect(params, makeDevice(), { headers: { host: "evil.example" } });
    expect(answer.error?.details).toMatchObject({ code: "PAIRING_REQUIRED", reason: "not-paired" });
    const bare = await wire.connect(params, undefined, { headers: { host: "evil.example" } });
    expect(bare.answer.error?.details).toEqual({ code: "DEVICE_IDENTITY_REQUIRED" });
  });

  it("of a program behind a proxy that hides among thousands of headers makes it one from elsewhere", async () => {
    const many = Array.from({ length: 2_100 }, (_, at) => [`a${at.toString(36)}`, ""]);
    const headers = { ...Object.fromEntries(many), "X-Forwarded-For": "203.0.113.9" };
    const { answer } = await wire.connect(cliParams({ auth: { token: TOKEN } }), makeDevice(), { headers });
    expect(answer.error?.details).toMatchObject({ code: "PAIRING_REQUIRED" });
  });
});

describe("a request that can be read in two ways, or in none", () => {
  const cases: [string, string[], number][] = [
    ["no Host", ["GET /healthz HTTP/1.1"], 400],
    ["no Host in HTTP/1.0", ["GET /healthz HTTP/1.0"], 400],
    ["two Hosts", ["GET /healthz HTTP/1.1", "Host: localhost", "Host: evil.example"], 400],
    ["an empty Host", ["GET /healthz HTTP/1.1", "Host:"], 421],
    ["two Origins", upgrade("Host: localhost", "Origin: http://localhost", "Origin: http://evil.example"), 400],
    ["an absolute address", ["GET http://evil.example/healthz HTTP/1.1", "Host: localhost"], 400],
    ["two lengths", ["POST /room/x HTTP/1.1", "Host: localhost", "Content-Length: 1", "Content-Length: 2"], 400],
    [
      "a length and chunks",
      ["POST /room/x HTTP/1.1", "Host: localhost", "Content-Length: 5", "Transfer-Encoding: chunked"],
      400,
    ],
    ["a folded header", ["GET /healthz HTTP/1.1", "Host: localhost", "X-A: b", " c: d"], 400],
    ["a space before the colon", ["GET /healthz HTTP/1.1", "Host : localhost"], 400],
    ["a NUL", ["GET /healthz HTTP/1.1", "Host: local\0host"], 400],
    ["no HTTP", ["hello there"], 400],
    ["endless headers", ["GET /healthz HTTP/1.1", "Host: localhost", `X-A: ${"x".repeat(20_000)}`], 431],
    ["an expectation", ["GET /healthz HTTP/1.1", "Host: localhost", "Expect: the-unexpected"], 417],
    ["an upgrade without key", ["GET / HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket"], 400],
    ["an upgrade to something else", ["GET / HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: h2c"], 400],
    ["an upgrade by POST", ["POST / HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket"], 400],
  ];
  it.each(cases)("because of %s is refused with every header that protects", async (...row) => {
    const [, lines, status] = row;
    const answer = await raw(lines);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject(GUARDS);
    expect(posted).toEqual([]);
  });

  it("closes the connection, so that nothing after it is read", async () => {
    const smuggled = [
      "POST /room/x HTTP/1.1",
      "Host: localhost",
      "Content-Length: 4",
      "Transfer-Encoding: chunked",
      "",
      "0",
      "",
      "POST /room/smuggled HTTP/1.1",
      "Host: localhost",
      "Content-Length: 0",
    ];
    expect((await raw(smuggled)).headers["connection"]).toBe("close");
    expect(posted).toEqual([]);
  });
});

describe("a web page", () => {
  const post = (...fields: string[]) =>
    raw(["POST /room/x HTTP/1.1", "Host: localhost", "Content-Type: text/plain", "Content-Length: 0", ...fields]);

  it.each(["https://evil.example", "null", "http://localhost.evil.example", "http://192.168.1.5:1"])(
    "of %s changes nothing, whatever it calls its text",
    async (origin) => {
      const answer = await post(`Origin: ${origin}`);
      expect([answer.status, posted]).toEqual([403, []]);
      expect(answer.headers).toMatchObject(GUARDS);
    },
  );

  it("that hides its origin changes nothing", async () => {
    expect([(await post("Sec-Fetch-Site: cross-site")).status, posted]).toEqual([403, []]);
    expect([(await post("Origin: ")).status, posted]).toEqual([403, []]);
  });

  it("is never allowed to read an answer, not even by a room", async () => {
    for (const path of ["/healthz", "/room/x", "/no/such"]) {
      const preflight = await raw([
        `OPTIONS ${path} HTTP/1.1`,
        "Host: localhost",
        "Origin: https://evil.example",
        "Access-Control-Request-Method: POST",
      ]);
      expect(Object.keys(preflight.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
      expect(preflight.headers).toMatchObject(GUARDS);
    }
    posted.length = 0;
  });

  it("of this host, and a program, may do what the room lets them", async () => {
    expect((await post("Origin: http://localhost:5173")).status).toBe(200);
    expect((await post()).status).toBe(200);
    expect(posted.splice(0)).toEqual(["POST ", "POST "]);
  });
});

describe("headers of answers", () => {
  it("are the same on success, refusal and failure", async () => {
    for (const path of ["/healthz", "/readyz", "/no/such", "/%zz", "/../x"]) {
      expect((await raw([`GET ${path} HTTP/1.1`, "Host: localhost"])).headers, path).toMatchObject(GUARDS);
    }
  });
});
