import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { type Inbound, type Outbound, errorToData } from "openclaw-host-sdk";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { AccountDoors, ChannelConnection, ChannelPort } from "./channel-port.ts";
import type { Isolation } from "./carrier.ts";
import { guestExecArgv } from "./guest-argv.ts";
import { type HostFixture, callFor, startHostFixture } from "./fixtures/host-fixture.ts";

const TALKER = fileURLToPath(new URL("./fixtures/talker", import.meta.url));
const ORPHAN_MAKER = fileURLToPath(new URL("./fixtures/orphan-maker.ts", import.meta.url));
const SDK = fileURLToPath(new URL("../../../sdk", import.meta.url));
const to = { kind: "dm", id: "p1" } as const;
const say = (text: string): Outbound => ({ type: "message", to, body: { text } });
const part = (text: string) => ({ index: 0, of: 1, text });

/** The same extension as JavaScript, in a folder of its own. */
async function asJavaScript(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "talker-js-"));
  await cp(TALKER, folder, { recursive: true });
  const source = await readFile(join(folder, "index.ts"), "utf8");
  await writeFile(join(folder, "index.mjs"), stripTypeScriptTypes(source));
  const manifest = join(folder, "openclaw.extension.json");
  await writeFile(manifest, (await readFile(manifest, "utf8")).replace("./index.ts", "./index.mjs"));
  await mkdir(join(folder, "node_modules"));
  await symlink(SDK, join(folder, "node_modules/openclaw-host-sdk"));
  return folder;
}

interface Received {
  readonly batches: { batch: readonly Inbound[]; cursor: string | undefined }[];
  readonly health: unknown[];
  readonly doors: AccountDoors;
}

function doors(): Received {
  const batches: Received["batches"] = [];
  const health: unknown[] = [];
  return {
    batches,
    health,
    doors: {
      async receive(batch, { cursor }) {
        batches.push({ batch, cursor });
        return batch.map(() => ({ outcome: "stored" }));
      },
      cursor: async () => batches.at(-1)?.cursor,
      health: (news) => void health.push(news),
    },
  };
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => "no error",
    (error: unknown) => {
      const { code, message, ...data } = errorToData(error);
      return { code, message, ...("data" in data ? { data: data.data } : {}) };
    },
  );

const transcripts = new Map<string, unknown[]>();
let javascript = "";
let api = "";
const platform = createServer((request, response) => {
  request.setEncoding("utf8");
  let body = "";
  request.on("data", (chunk: string) => (body += chunk));
  request.on("end", () => response.end(`${request.method} ${request.url} ${body}`));
});

beforeAll(async () => {
  javascript = await asJavaScript();
  await new Promise<void>((resolve) => platform.listen(0, "127.0.0.1", resolve));
  api = `http://127.0.0.1:${(platform.address() as AddressInfo).port}`;
});

afterAll(async () => {
  platform.closeAllConnections();
  platform.close();
  await rm(javascript, { recursive: true, force: true });
});

const CASES: { isolation: Isolation; language: "TypeScript" | "JavaScript" }[] = [
  { isolation: "inline", language: "TypeScript" },
  { isolation: "inline", language: "JavaScript" },
  { isolation: "process", language: "TypeScript" },
  { isolation: "process", language: "JavaScript" },
];

describe.each(CASES)("a $language extension, $isolation", ({ isolation, language }) => {
  let fixture: HostFixture;
  let port: ChannelPort;
  const transcript: unknown[] = [];
  const spec = (config: object = {}) => ({ channel: "talker", account: "a1", config: { api, ...config } });

  async function connect(received = doors(), config = {}): Promise<ChannelConnection> {
    return port.connect({ ...spec(config), self: { id: "s1" } }, received.doors, callFor(10_000));
  }

  beforeAll(async () => {
    fixture = await startHostFixture({ roots: [language === "TypeScript" ? TALKER : javascript], isolation });
    fixture.host.start();
    await fixture.host.settled();
    expect(fixture.host.list()).toMatchObject([{ id: "talker", state: "active", isolation }]);
    port = fixture.channels.get("talker")!;
    transcripts.set(`${isolation} ${language}`, transcript);
  });

  afterAll(async () => {
    await fixture.close();
  });

  it("tells what its code offers", async () => {
    transcript.push(port.label, await port.capabilities(spec(), callFor(5_000)));
    transcript.push(await port.render!(say("hi"), callFor(5_000)));
    transcript.push(await port.parseTarget!("@ann", callFor(5_000)), await port.parseTarget!("ann", callFor(5_000)));
    expect(transcript).toMatchObject([
      "Talker",
      { peers: ["dm"] },
      [{ text: "hi", native: { bold: [0, 1] } }],
      { id: "ann" },
      undefined,
    ]);
  });

  it("answers a probe, and says what failed", async () => {
    const probe = await port.probe(spec(), callFor(5_000));
    expect(probe).toEqual({ ok: true, self: { id: "self of a1" } });
    const refused = await failure(
      port.connect({ ...spec({ mode: "refuse" }), self: { id: "s" } }, doors().doors, callFor(5_000)),
    );
    expect(refused).toMatchObject({ code: "ConnectError", data: { closed: { retry: "never", fix: "get another" } } });
    transcript.push(probe, refused);
  });

  it("does not pass on a value of the wrong shape", async () => {
    const lie = await failure(port.probe(spec({ mode: "lie" }), callFor(5_000)));
    expect(lie).toMatchObject({
      message: expect.stringMatching(/probe answered with a wrong value: at \/ok/u) as string,
    });
    transcript.push(lie);
  });

  it("gives up a call at its deadline", async () => {
    const late = await failure(port.probe(spec({ mode: "hang" }), callFor(60)));
    expect(late).toMatchObject({ message: expect.stringMatching(/did not answer within/u) as string });
  });

  it("receives through the doors of its account and reports health", async () => {
    const received = doors();
    const connection = await connect(received);
    expect(received.batches).toMatchObject([
      { batch: [{ eventId: "e1", body: { text: "cursor was undefined" } }], cursor: "c1" },
    ]);
    await vi.waitFor(() => expect(received.health).toEqual([{ state: "ready" }]));
    await connection.drain(callFor(5_000));
    transcript.push(received.batches, received.health);
  });

  it("sends, and keeps the fate of what could not be sent", async () => {
    const connection = await connect();
    const send = (text: string) =>
      connection.send(say(text), { key: "k", part: part(text), attempt: 2 }, callFor(5_000));
    const outcomes = [
      await send("hello"),
      await failure(send("rate limit")),
      await failure(send("blocked")),
      await failure(send("bug")),
      await send("store"),
    ];
    expect(outcomes).toEqual([
      { ids: ["k#2", "hello"], at: 2, peer: to },
      { code: "SendError", message: "slow down", data: { fate: "not-sent", scope: "account", retryAfterMs: 1_234 } },
      { code: "SendError", message: "they blocked us", data: { fate: "rejected", scope: "peer" } },
      { code: "Error", message: "a plain bug" },
      { ids: ["k#2", '[["n",[1,2,3]]]'], at: 2, peer: to },
    ]);
    await connection.drain(callFor(5_000));
    transcript.push(outcomes);
  });

  it("shows an answer while it is written, keeps the fate of each step, and resumes what another connection opened", async () => {
    const connection = await connect();
    const open = (text: string, more = {}) =>
      connection.openStream!(to, { key: `k/${text}`, text, ...more }, callFor(5_000));
    const draft = await open("h", { replyTo: "m1" });
    await draft.push("he", callFor(5_000));
    const outcomes = [
      draft.ids,
      await failure(draft.push("rate limit", callFor(5_000))),
      await failure(draft.finish({ text: "blocked" }, part("blocked"), callFor(5_000))),
      await draft.finish({ text: "hello" }, part("hello"), callFor(5_000)),
      await failure(draft.push("too late", callFor(5_000))),
      await failure(open("bug")),
    ];
    const resumed = await open("x", { resume: { ids: ["7"] } });
    outcomes.push(await resumed.finish({ text: "end" }, part("end"), callFor(5_000)));
    await (await open("y")).abort(callFor(5_000));
    expect(outcomes).toEqual([
      ["k/h~m1"],
      { code: "SendError", message: "slow down", data: { fate: "not-sent", scope: "account", retryAfterMs: 1_234 } },
      { code: "SendError", message: "they blocked us", data: { fate: "rejected", scope: "peer" } },
      { ids: ["h", "he", "hello", "part 0"], at: 3, peer: to },
      {
        code: "SendError",
        message: "this draft is not open here; resume it",
        data: { fate: "not-sent", scope: "message" },
      },
      { code: "Error", message: "a plain bug" },
      { ids: ["resumed 7", "end", "part 0"], at: 3, peer: to },
    ]);
    expect(await failure(open("nameless"))).toMatchObject({ code: "SendError", data: { fate: "unknown" } });
    await connection.drain(callFor(5_000));
    transcript.push(outcomes);
  });

  it("does not send a message whose file is gone, and says that nothing was sent", async () => {
    const connection = await connect();
    const media = [{ ref: "gone", kind: "file" as const, mime: "text/plain", bytes: 1 }];
    const meta = { key: "k", part: { ...part("hello"), media }, attempt: 1 };
    expect(await failure(connection.send(say("hello"), meta, callFor(5_000)))).toEqual({
      code: "SendError",
      message: "this media is not in the media store (any more); send it again",
      data: { fate: "rejected", scope: "message" },
    });
    await connection.drain(callFor(5_000));
  });

  it("hears of an abort and may still say what became of the call", async () => {
    const connection = await connect();
    const controller = new AbortController();
    const sending = failure(
      connection.send(say("hang"), { key: "k", part: part("hang"), attempt: 1 }, callFor(5_000, controller.signal)),
    );
    controller.abort();
    expect(await sending).toEqual({ code: "Error", message: "gave up as asked" });
    const late = await failure(connection.send(say("hang"), { key: "k", part: part("hang"), attempt: 1 }, callFor(50)));
    expect(late).toMatchObject({ code: "SendError", data: { fate: "unknown", scope: "message" } });
    await connection.drain(callFor(5_000));
  });

  it("fetches what it declared through the host, and nothing else", async () => {
    const connection = await connect();
    const send = (text: string) =>
      connection.send(say(text), { key: "k", part: part(text), attempt: 1 }, callFor(5_000));
    expect((await send("fetch")).ids[1]).toBe("POST /hello a body");
    const refused = await failure(send("fetch elsewhere"));
    expect(refused).toMatchObject({
      message: expect.stringMatching(/did not declare the host elsewhere\.invalid/u) as string,
    });
    await connection.drain(callFor(5_000));
    transcript.push(refused);
  });

  it("moves 5 MB of media there and back through the spool", async () => {
    const connection = await connect();
    const size = 5 * 1024 * 1024;
    const media = await connection.fetchMedia!(String(size), callFor(20_000));
    expect(media).toMatchObject({ kind: "file", bytes: size, name: `read back ${size}` });
    let bytes = 0;
    for await (const chunk of await fixture.media.open(media.ref)) bytes += chunk.length;
    expect(bytes).toBe(size);
    await connection.drain(callFor(5_000));
  });

  it("undoes its effects in reverse order when a connection is drained, whatever one of them throws", async () => {
    const connection = await connect();
    await connection.drain(callFor(5_000));
    expect(await readFile(join(fixture.stateDir, "extensions-data/talker/effects"), "utf8")).toBe("second first");
    expect(fixture.logged.some(({ message }) => message.includes("'faulty' failed"))).toBe(true);
    expect(await connection.closed).toMatchObject({ retry: "never", code: "drained" });
  });

  it("tells why a link ended, and shuts the doors", async () => {
    const connection = await connect();
    await connection.typing!(to, false, callFor(5_000));
    expect(await connection.closed).toEqual({ retry: "backoff", code: "logged-off", detail: "the platform hung up" });
    const after = await failure(connection.send(say("x"), { key: "k", part: part("x"), attempt: 1 }, callFor(5_000)));
    expect(after).toMatchObject({ message: "this connection is closed; connect again" });
    await connection.drain(callFor(5_000));
    transcript.push(after);
  });

  it("streams an agent's turn through a small window, without a limit of time when there is none", async () => {
    const agent = fixture.agents.get("parrot")!;
    const events: unknown[] = [];
    const unlimited = { ...callFor(5_000), deadline: Number.MAX_SAFE_INTEGER };
    for await (const event of agent.turn({ session: "s", turnId: "t", messages: [], tools: [] }, unlimited))
      events.push(event);
    expect(events).toHaveLength(41);
    expect(events.at(-1)).toEqual({ t: "done", reason: "end" });
    transcript.push(events);
  });

  it("lets an agent see the media of the conversation, and does without what is gone", async () => {
    const agent = fixture.agents.get("parrot")!;
    const media = await fixture.media.put(Readable.from([Buffer.from("a picture")]), { owner: "core" });
    const gone = { ...media, ref: "gone" };
    const image = { type: "image" as const, ref: "gone" };
    const message = { role: "user" as const, content: [image], timestamp: 1, media: [media, gone, media] };
    const events = [];
    const turn = { session: "s", turnId: "look", messages: [message], tools: [] };
    for await (const event of agent.turn(turn, callFor(5_000))) events.push(event);
    expect(events).toMatchObject([
      { t: "text", delta: "a picture" },
      { t: "media", m: { bytes: 9 } },
      { t: "text", delta: "a picture" },
      { t: "media" },
      { t: "done", reason: "end" },
    ]);
    const [, returned] = events;
    if (returned?.t === "media") expect(await fixture.media.find(returned.m.ref, "talker")).toBeDefined();
  });

  it("lets an aborted turn finish in its own words, and tells of one that fails", async () => {
    const agent = fixture.agents.get("parrot")!;
    const controller = new AbortController();
    const events: unknown[] = [];
    const turn = (turnId: string) => ({ session: "s", turnId, messages: [], tools: [] });
    for await (const event of agent.turn(turn("wait"), callFor(5_000, controller.signal))) {
      events.push(event);
      if (events.length === 40) controller.abort();
    }
    expect(events.at(-1)).toEqual({ t: "done", reason: "abort" });
    const failing = async () => {
      for await (const event of agent.turn(turn("fail"), callFor(5_000))) events.push(event);
    };
    expect(await failure(failing())).toMatchObject({ message: "no more crackers" });
    expect(events).toHaveLength(81);
  });
});

it("behaves the same in every carrier and language", () => {
  const [first, ...others] = [...transcripts.values()];
  expect(transcripts.size).toBe(4);
  for (const other of others) expect(other).toEqual(first);
});

describe("a guest process", () => {
  let fixture: HostFixture | undefined;
  const policy = { baseDelayMs: 20, maxDelayMs: 40, crashes: 3 };

  afterEach(async () => {
    await fixture?.close();
    fixture = undefined;
  });

  async function start(): Promise<HostFixture> {
    fixture = await startHostFixture({ roots: [TALKER], isolation: "process", policy });
    fixture.host.start();
    await fixture.host.settled();
    return fixture;
  }
  const link = (from: HostFixture) =>
    from.channels
      .get("talker")!
      .connect({ channel: "talker", account: "a", config: {}, self: { id: "s" } }, doors().doors, callFor(10_000));

  it.each([
    ["exit", /exited with code 7/u],
    ["throw later", /thrown in a timer/u],
    ["spin", /does not answer any more/u],
  ])("is started again after '%s', and what it was sending has an unknown fate", async (fault, reason) => {
    const { host, channels } = await start();
    const connection = await link(fixture!);
    const draft = await connection.openStream!(to, { key: "d", text: "so far" }, callFor(5_000));
    const sent = await failure(
      connection.send(say(fault), { key: "k", part: part(fault), attempt: 1 }, callFor(15_000)),
    );
    expect(sent).toMatchObject({ code: "SendError", data: { fate: "unknown" } });
    expect(await connection.closed).toMatchObject({
      retry: "backoff",
      code: "guest-ended",
      detail: expect.stringMatching(reason) as string,
    });
    const gone = await failure(draft.push("more", callFor(5_000)));
    expect(gone).toMatchObject({ code: "SendError", data: { fate: "not-sent" } });
    await vi.waitFor(() => expect(host.list()[0]).toMatchObject({ state: "active", restarts: 1 }), 10_000);
    expect(
      (await channels.get("talker")!.probe({ channel: "talker", account: "a", config: {} }, callFor(5_000))).ok,
    ).toBe(true);
  });

  it("is given up after too many crashes, and calls to it fail at once and may be repeated", async () => {
    const { host, channels } = await start();
    for (let crash = 0; crash < 3; crash += 1) {
      await vi.waitFor(() => expect(host.list()[0]).toMatchObject({ state: "active", restarts: crash }), 10_000);
      const connection = await link(fixture!);
      await failure(connection.send(say("exit"), { key: "k", part: part("exit"), attempt: 1 }, callFor(5_000)));
      await connection.closed;
    }
    await vi.waitFor(() => expect(host.list()[0]?.state).toBe("quarantined"));
    expect(host.list()[0]).toMatchObject({
      reason: expect.stringMatching(/crashed 3 times within 10 minutes/u) as string,
    });
    const port = channels.get("talker")!;
    const refused = await failure(
      port.connect({ channel: "talker", account: "a", config: {}, self: { id: "s" } }, doors().doors, callFor(5_000)),
    );
    expect(refused).toMatchObject({ code: "ConnectError", data: { closed: { retry: "backoff", code: "guest-down" } } });
  });

  it("opens no inspector on SIGUSR1", async () => {
    const { host, logged } = await start();
    const { pid } = host.list()[0]!;
    process.kill(pid!, "SIGUSR1");
    const connection = await link(fixture!);
    await connection.send(say("after the signal"), { key: "k", part: part("x"), attempt: 1 }, callFor(5_000));
    expect(logged.some(({ message }) => message.includes("Debugger listening"))).toBe(false);
    expect(guestExecArgv()).toContain("--disable-sigusr1");
  });

  it("ends when its host is killed", async () => {
    const host = spawn(process.execPath, [ORPHAN_MAKER], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(host.stdout, "data")) as [Buffer];
    const { guest, stateDir } = JSON.parse(line.toString()) as { guest: number; stateDir: string };
    expect(process.kill(guest, 0)).toBe(true);
    host.kill("SIGKILL");
    await vi.waitFor(() => expect(() => process.kill(guest, 0)).toThrow(/ESRCH/u), 10_000);
    await rm(stateDir, { recursive: true, force: true });
  });
});
