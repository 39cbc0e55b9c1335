import { request } from "node:http";
import { describe, expect } from "vitest";
import { WebSocket } from "ws";
import { attack } from "./attack.ts";
import { makeDevice } from "./device.ts";
import { TOKEN, attempt, params, rawTcp, tryConnect, verdictOf, withToken } from "./house.ts";
import { sharedHouse } from "./shared-house.ts";

const house = sharedHouse({
  config: { gateway: { controlUi: { allowedOrigins: ["https://ui.example:8443"] } } },
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** One HTTP request with exactly these headers. */
function http(path: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}) {
  return new Promise<Answer>((resolve, reject) => {
    const { method = "GET", headers = {}, body } = options;
    const sent = request({ host: "127.0.0.1", port: house.port, path, method, headers, agent: false }, (incoming) => {
      let text = "";
      incoming.on("data", (data: Buffer) => (text += data.toString()));
      incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Status of a refused upgrade, or 101. */
function upgrade(headers: Record<string, string>): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(house.url, { headers });
    socket.on("unexpected-response", (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.on("error", () => undefined);
    socket.on("open", () => {
      resolve(101);
      socket.terminate();
    });
  });
}

/** Lines of statuses that a raw exchange was answered with. */
const statuses = (text: string): readonly string[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3})/gu)].map(([, code]) => code ?? "");

describe("pages and proxies", () => {
  attack("T25", async () => {
    const foreign = [
      "https://evil.example",
      "http://127.0.0.1.evil.example",
      "http://localhost.evil.example",
      "https://ui.example",
      "http://ui.example:8443",
      "https://ui.example:8443.evil.example",
      "https://UI.EXAMPLE.:8443",
      "https://\u0443i.example:8443",
      "https://xn--i-7tb.example:8443",
      "https://user@ui.example:8443@evil.example",
      "file://",
      "null",
      "chrome-extension://abcdef",
      "not a url",
    ];
    const secret = "a-wrong-secret-that-must-not-be-looked-at";
    for (const origin of foreign) {
      const headers = { origin: Buffer.from(origin).toString("latin1") };
      const refused = [101, 403, 421];
      expect(refused).toContain(await upgrade(headers));
      if ((await upgrade(headers)) !== 101) continue;
      const answer = verdictOf(await tryConnect(house.url, params({ auth: { token: secret } }), { headers }));
      expect(answer, origin).toContain("origin not allowed");
      expect(verdictOf(await tryConnect(house.url, withToken(), { headers })), origin).toContain("origin not allowed");
    }
    const page = { id: "openclaw-control-ui", version: "1", platform: "web", mode: "ui" };
    expect(verdictOf(await tryConnect(house.url, withToken({ client: page })))).toContain("origin not allowed");
    for (const origin of ["https://ui.example:8443", "HTTPS://UI.EXAMPLE:8443", `http://localhost:${house.port}`]) {
      const device = makeDevice();
      const answer = verdictOf(
        await tryConnect(house.url, withToken({ client: page }), { headers: { origin }, device }),
      );
      expect(answer).not.toContain("origin not allowed");
    }
  });

  attack("T26", async () => {
    for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "evil.example:443"]) {
      expect([400, 421], host).toContain((await http("/healthz", { headers: { host } })).status);
      expect((await http("/", { headers: { host } })).status).toBeGreaterThanOrEqual(400);
      expect(await upgrade({ host, origin: `http://${host}` })).toBe(421);
      // Without an origin it is served, but as somebody from elsewhere: the secret alone opens nothing.
      const answer = verdictOf(await tryConnect(house.url, withToken(), { headers: { host } }));
      expect(answer).toContain("DEVICE_IDENTITY_REQUIRED");
    }
    for (const host of [`127.0.0.1:${house.port}`, `localhost:${house.port}`, `[::1]:${house.port}`]) {
      expect((await http("/healthz", { headers: { host } })).status).toBe(200);
    }
  });

  attack("T27", async () => {
    const forged: Record<string, string>[] = [
      { "x-forwarded-for": "127.0.0.1" },
      { "x-forwarded-for": "203.0.113.9, 127.0.0.1" },
      { "x-forwarded-for": "127.0.0.1, 203.0.113.9" },
      { "x-forwarded-for": ", ,,unknown" },
      { "x-forwarded-for": "" },
      { "x-forwarded-for": "::ffff:127.0.0.1" },
      { "x-real-ip": "127.0.0.1" },
      { forwarded: "for=127.0.0.1;host=localhost;proto=https" },
      { forwarded: 'for="[::1]"' },
      { "x-forwarded-host": "localhost" },
      { "x-forwarded-proto": "https" },
      { "x-forwarded-user": "owner@example", "x-forwarded-for": "127.0.0.1" },
      { "tailscale-user-login": "owner@example", "x-forwarded-for": "100.64.0.1" },
      { via: "1.1 proxy", "x-forwarded-for": "127.0.0.1" },
    ];
    for (const headers of forged) {
      const told = JSON.stringify(headers);
      expect(verdictOf(await tryConnect(house.url, params(), { headers })), told).not.toBe("ok");
      if ("via" in headers || "x-forwarded-for" in headers || "x-real-ip" in headers || "forwarded" in headers) {
        expect(verdictOf(await tryConnect(house.url, withToken(), { headers })), told).toContain(
          "DEVICE_IDENTITY_REQUIRED",
        );
        const device = makeDevice();
        expect(verdictOf(await tryConnect(house.url, withToken(), { headers, device })), told).toContain(
          "PAIRING_REQUIRED",
        );
      }
    }
    const twice = [
      "GET / HTTP/1.1",
      `Host: 127.0.0.1:${house.port}`,
      "X-Forwarded-For: 127.0.0.1",
      "X-Forwarded-For: 127.0.0.1",
      "Connection: close",
      "\r\n",
    ].join("\r\n");
    expect(statuses(await rawTcp(house.port, twice))[0]).toMatch(/^4/u);
    expect(verdictOf(await tryConnect(house.url, withToken()))).toBe("ok");
  });

  attack("T28", async () => {
    const origin = "https://evil.example";
    for (const path of ["/", "/healthz", "/tools/invoke", "/hooks/agent"]) {
      const asked = await http(path, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization" },
      });
      const posted = await http(path, {
        method: "POST",
        headers: { origin, "content-type": "text/plain", authorization: `Bearer ${TOKEN}` },
        body: JSON.stringify({ method: "sessions.patch", params: { key: "main", label: "planted" } }),
      });
      const form = await http(path, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "cross-site" },
        body: "token=x",
      });
      for (const { headers, status } of [asked, posted, form]) {
        expect(Object.keys(headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
        expect(status).toBeGreaterThanOrEqual(400);
      }
    }
    const owner = await attempt(house.url, withToken());
    owner.socket.send({ type: "req", id: "list", method: "sessions.list", params: {} });
    expect(JSON.stringify(await owner.socket.response("list"))).not.toContain("planted");
    await owner.socket[Symbol.asyncDispose]();
  });

  attack("T29", async () => {
    const host = `Host: 127.0.0.1:${house.port}`;
    const inner = `GET /healthz HTTP/1.1\r\n${host}\r\n\r\n`;
    const ws =
      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    const smuggled: Record<string, string> = {
      "both lengths": `POST / HTTP/1.1\r\n${host}\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
      "two lengths": `POST / HTTP/1.1\r\n${host}\r\nContent-Length: 0\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
      "an odd encoding": `POST / HTTP/1.1\r\n${host}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${inner}`,
      "a spaced name": `POST / HTTP/1.1\r\n${host}\r\nContent-Length : 0\r\n\r\n${inner}`,
      "a folded header": `POST / HTTP/1.1\r\n${host}\r\nX-A: b\r\n Transfer-Encoding: chunked\r\n\r\n`,
      "bare line feeds": `GET / HTTP/1.1\n${host}\n\n${inner}`,
      "two hosts": `GET /healthz HTTP/1.1\r\n${host}\r\nHost: evil.example\r\n\r\n`,
      "no host": `GET /healthz HTTP/1.1\r\n\r\n`,
      "NUL in a header": `GET / HTTP/1.1\r\n${host}\r\nX-A: a\0b\r\n\r\n`,
      "an endless chunk": `POST / HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n`,
    };
    for (const [name, bytes] of Object.entries(smuggled)) {
      const answer = await rawTcp(house.port, bytes, 500);
      expect(statuses(answer).length, name).toBeLessThanOrEqual(1);
      expect(answer, name).not.toContain('"live"');
    }
    // An upgrade behind another request of the same connection is an upgrade like any other: it still has to connect.
    const behind = await rawTcp(
      house.port,
      `GET /healthz HTTP/1.1\r\n${host}\r\n\r\nGET / HTTP/1.1\r\n${host}\r\n${ws}\r\n\r\n`,
      500,
    );
    expect(behind).not.toContain("hello-ok");
    // What follows an upgrade are frames, not a request.
    const after = await rawTcp(house.port, `GET / HTTP/1.1\r\n${host}\r\n${ws}\r\n\r\n${inner}`, 500);
    expect(statuses(after)).toEqual(["101"]);
    const expects = await rawTcp(
      house.port,
      `POST / HTTP/1.1\r\n${host}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`,
      500,
    );
    expect(expects).not.toContain("hello-ok");
    expect((await http("/healthz")).status).toBe(200);
  });

  attack("T30", async () => {
    const answers = [
      await http("/healthz"),
      await http("/"),
      await http("/no/such/path"),
      await http("/%00"),
      await http("/healthz", { method: "POST" }),
      await http("/healthz", { headers: { host: "evil.example" } }),
    ];
    for (const { headers, status } of answers) {
      expect(String(headers["content-security-policy"]), `of a ${status}`).toContain("frame-ancestors 'none'");
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["set-cookie"]).toBeUndefined();
    }
    for (const bytes of ["NONSENSE\r\n\r\n", `GET / HTTP/1.1\r\nX: ${"y".repeat(40_000)}\r\n\r\n`]) {
      const answer = await rawTcp(house.port, bytes, 1_000);
      expect(statuses(answer)[0]).toMatch(/^4/u);
      expect(answer.toLowerCase()).toContain("nosniff");
    }
  });
});
