import { mkdtemp, readFile, readdir, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createFakeClock } from "./fake-clock.ts";
import { openLogFile } from "./log-file.ts";
import { jsonSink, textSink } from "./log-format.ts";
import { tailFile } from "./log-tail.ts";
import type { LogLevel } from "./log.ts";
import { createLogger } from "./logger.ts";
import { createRedactor } from "./redact.ts";

function setUp(level: LogLevel = "info") {
  const lines = { text: [] as string[], json: [] as string[] };
  const redact = createRedactor();
  const sinks = [textSink((line) => lines.text.push(line)), jsonSink((line) => lines.json.push(line))];
  return { log: createLogger({ clock: createFakeClock(0), sinks, level, redact }), lines, redact };
}

async function tempDir<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "openclaw-log-"));
  try {
    return await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

describe("createLogger", () => {
  it("writes one line for people and one for machines", () => {
    const { log, lines } = setUp();
    log
      .child("wire")
      .child("v3")
      .info("listening", { port: 5, host: "::1", why: "a b=c", level: "mine", none: undefined });
    expect(lines.text).toEqual([
      '1970-01-01T00:00:00.000Z info  wire/v3 listening port=5 host=::1 why="a b=c" level=mine',
    ]);
    const expected = {
      time: "1970-01-01T00:00:00.000Z",
      level: "info",
      part: "wire/v3",
      message: "listening",
      port: 5,
      host: "::1",
      why: "a b=c",
      level_: "mine",
    };
    expect(lines.json.map((line) => JSON.parse(line))).toEqual([expected]);
  });

  it("drops records below its level", () => {
    const { log, lines } = setUp("warn");
    log.info("quiet");
    log.error("loud");
    expect(lines.text).toHaveLength(1);
  });

  it.each([
    "\r\n1970 error forged",
    "\u001b[2J\u001b]0;owned\u0007",
    "a\u2028b\u2029c",
    "\u202egnp.exe",
    "\u0085\u009b31m",
  ])("keeps %j on its line, in the message, in a field and in a field's name", (hostile) => {
    const { log, lines } = setUp();
    log.info(`from ${hostile}`, { name: hostile, [hostile]: 1, deep: { list: [hostile] }, error: new Error(hostile) });
    for (const line of [...lines.text, ...lines.json])
      expect(line).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
  });

  it("survives values that have no end and sinks that throw", () => {
    const loop: Record<string, unknown> = { big: 10n, bytes: new Uint8Array(9), run: () => 1 };
    loop["self"] = loop;
    const lines: string[] = [];
    const broken = () => {
      throw new Error("disk full");
    };
    const sinks = [broken, jsonSink((line) => lines.push(line))];
    createLogger({ clock: createFakeClock(0), sinks, level: "info", redact: createRedactor() }).info(
      "x".repeat(100_000),
      { loop },
    );
    expect(JSON.parse(lines[0]!)).toMatchObject({
      loop: { big: "10", bytes: "[9 bytes]", self: { self: { self: { self: "[...]" } } } },
    });
    expect(lines[0]!.length).toBeLessThan(20_000);
  });
});

describe("redaction", () => {
  const secret = "123456:AAF-t0ken+with/odd&signs";
  const forms = {
    literal: secret,
    "URL-encoded": encodeURIComponent(secret),
    base64: Buffer.from(secret).toString("base64"),
    base64url: Buffer.from(secret).toString("base64url"),
    "inside basic credentials": Buffer.from(`user:${secret}`).toString("base64"),
    "inside shifted credentials": Buffer.from(`us:${secret}!`).toString("base64"),
    "inside JSON": JSON.stringify({ a: secret }),
  };
  it.each(Object.entries(forms))("removes a registered secret: %s", (_name, form) => {
    const { log, lines, redact } = setUp();
    redact.add(secret);
    log.warn(`sent ${form} out`, { url: `https://x/bot${form}/getMe`, error: new Error(form), list: [{ form }] });
    const core = Buffer.from(secret).toString("base64").slice(4, 20);
    for (const line of [...lines.text, ...lines.json]) {
      expect(line).not.toContain("AAF-t0ken");
      expect(line).not.toContain(core);
    }
  });

  it("hides fields that are secrets by name, registered or not", () => {
    const { log, lines } = setUp();
    log.info("x", { botToken: "abc", authorization: "Bearer abc", nested: { "api-key": "abc" }, tokens: 5 });
    expect(lines.text[0]).not.toContain("abc");
    expect(lines.text[0]).toContain("tokens=5");
  });

  it("forgets a value when its last registration is undone, and never blanks out short words", () => {
    const redact = createRedactor();
    const undo = [redact.add(secret), redact.add(secret)];
    redact.add("on");
    undo[0]!();
    undo[0]!();
    expect(redact.text(`on ${secret}`)).toBe("on [redacted]");
    undo[1]!();
    expect(redact.text(`on ${secret}`)).toBe(`on ${secret}`);
  });
});

describe("openLogFile", () => {
  it("writes JSON lines, mode 0600 under any umask, and keeps three files by size", () =>
    tempDir(async (dir) => {
      const umask = process.umask(0o000);
      const path = join(dir, "gateway.log");
      const file = openLogFile({ path, maxBytes: 500 });
      process.umask(umask);
      const log = createLogger({
        clock: createFakeClock(0),
        sinks: [file.sink],
        level: "info",
        redact: createRedactor(),
      });
      for (let n = 0; n < 50; n++) log.info(`line ${n}`);
      file.close();
      log.info("after close");
      expect((await readdir(dir)).toSorted()).toEqual(["gateway.log", "gateway.log.1", "gateway.log.2"]);
      for (const name of await readdir(dir)) {
        const info = await stat(join(dir, name));
        expect(info.mode & 0o777).toBe(0o600);
        expect(info.size).toBeLessThanOrEqual(500);
      }
      expect(JSON.parse((await readFile(path, "utf8")).trim().split("\n").at(-1)!)).toMatchObject({
        message: "line 49",
      });
    }));
});

describe("tailFile", () => {
  const query = { limit: 500, maxBytes: 250_000 };
  it("answers the tail first, then what came after the cursor, and says when the file started anew", () =>
    tempDir(async (dir) => {
      const file = join(dir, "x.log");
      const whole = { truncated: false, reset: false };
      expect(await tailFile(file, query)).toEqual({ file, cursor: 0, size: 0, lines: [], ...whole });
      const log = openLogFile({ path: file });
      const write = (message: string) => log.sink({ at: 0, level: "info", part: "p", message, fields: {} });
      const messages = (lines: string[]) => lines.map((line) => JSON.parse(line).message);
      for (const message of ["a", "ä", "c"]) write(message);
      const first = await tailFile(file, query);
      expect(messages(first.lines)).toEqual(["a", "ä", "c"]);
      expect(first).toMatchObject(whole);
      write("d");
      const next = await tailFile(file, { ...query, cursor: first.cursor });
      expect(messages(next.lines)).toEqual(["d"]);
      expect(await tailFile(file, { ...query, cursor: next.cursor })).toEqual({
        file,
        cursor: next.size,
        size: next.size,
        lines: [],
        ...whole,
      });
      expect(messages((await tailFile(file, { ...query, limit: 2 })).lines)).toEqual(["c", "d"]);
      const short = await tailFile(file, { ...query, maxBytes: next.size - 1 });
      expect([messages(short.lines), short.truncated, short.reset]).toEqual([["ä", "c", "d"], true, false]);
      const far = await tailFile(file, { ...query, cursor: 0, maxBytes: 100 });
      expect([messages(far.lines), far.truncated, far.reset]).toEqual([["d"], true, true]);
      await truncate(file);
      write("new");
      const reset = await tailFile(file, { ...query, cursor: next.cursor });
      expect([messages(reset.lines), reset.reset]).toEqual([["new"], true]);
      log.close();
    }));
});
