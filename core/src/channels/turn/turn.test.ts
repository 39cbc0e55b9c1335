import { DatabaseSync } from "node:sqlite";
import type { Body, MediaRef, PendingMedia } from "openclaw-host-sdk";
import { describe, expect, it } from "vitest";
import type { AgentRuntime } from "../../agent/runtime.ts";
import { sessionKey } from "../../base/brand.ts";
import type { DeliveryTarget } from "../policy/route.ts";
import {
  databasePath,
  door,
  forget,
  inboxStates,
  main,
  outgoing,
  passing,
  said,
  scope,
  start,
  steered,
  until,
} from "../test-house.ts";

describe("a run that a client asks for", () => {
  it("is committed before it is answered, and its final event comes after its last commit", async () => {
    const home = await start();
    const started = await home.turns.start(door("r1", "hi"));
    expect(started.status).toBe("started");
    expect((await home.store.run("runs.get", { runId: "r1" }))?.runId).toBe("r1");
    await until(() => home.chat("r1").some(({ payload }) => payload["state"] === "final"));
    expect(await home.store.run("runs.get", { runId: "r1" })).toMatchObject({
      state: "done",
      outcome: { text: "echo: hi" },
    });
    expect(await home.history()).toEqual(["user: hi", "assistant: echo: hi"]);
  });

  it("shows the user's message while it runs", async () => {
    const { runtime, end } = steered();
    const home = await start({ runtime });
    const started = await home.turns.start(door("r1", "hi"));
    expect(await home.history()).toEqual(["user: hi"]);
    await until(() => home.chat("r1").length > 0);
    end("r1");
    if (started.status === "started") await passing(started.outcome);
    expect(await home.history()).toEqual(["user: hi", "assistant: working"]);
  });

  it("waits for the runs before it, and its question follows their answers", async () => {
    const { runtime, begun, end } = steered();
    const home = await start({ runtime });
    await home.turns.start(door("r1", "one"));
    const second = await home.turns.start(door("r2", "two"));
    await until(() => home.chat("r1").length > 0);
    expect(await home.history()).toEqual(["user: one"]);
    end("r1");
    await until(() => home.chat("r2").length > 0);
    end("r2");
    if (second.status === "started") await passing(second.outcome);
    expect(begun.map(({ id }) => id)).toEqual(["r1", "r2"]);
    expect(begun[1]?.texts.at(-1)).toContain("two");
    expect(await home.history()).toEqual(["user: one", "assistant: working", "user: two", "assistant: working"]);
  });

  it("answers repeats by how the first request stands, also after a restart", async () => {
    const { runtime, end } = steered();
    const home = await start({ runtime });
    await home.turns.start(door("r1", "hi"));
    await until(() => home.chat("r1").length > 0);
    expect((await home.turns.start(door("r1", "hi"))).status).toBe("in_flight");
    end("r1");
    await until(async () => (await home.turns.start(door("r1", "hi"))).status === "closed");
    await passing(home.leave());
    forget();
    const again = await start();
    expect(await again.turns.start(door("r1", "hi"))).toMatchObject({ status: "closed", outcome: { text: "working" } });
    expect(await again.history()).toHaveLength(2);
  });

  it("refuses a key that belongs to another device, another method or another body", async () => {
    const home = await start();
    await home.turns.start(door("r1", "hi"));
    await expect(home.turns.start(door("r1", "hi", { identity: "device-2" }))).rejects.toThrow(
      /in use by another device/u,
    );
    await expect(home.turns.start(door("r1", "ho"))).rejects.toThrow(/used for another request/u);
    await expect(home.turns.start(door("r1", "hi", { door: "agent" }))).rejects.toThrow(/used for another request/u);
    await expect(home.turns.start(door("x".repeat(513), "hi"))).rejects.toThrow("1 to 512 characters");
  });

  it("refuses a session whose policy is deny", async () => {
    const home = await start();
    const patched = await home.store.run("sessions.patch", {
      key: main,
      sessionId: "s",
      at: 1,
      patch: { sendPolicy: "deny" },
    });
    if (patched.state === "patched") home.sessions.noteCommitted(patched.entry);
    await expect(home.turns.start(door("r1", "hi"))).rejects.toThrow("send blocked by session policy");
  });

  it("resets the session once, however often the request is repeated", async () => {
    const home = await start();
    const first = await home.turns.start(door("r1", "old"));
    if (first.status === "started") await passing(first.outcome);
    const fresh = door("r2", "new", { reset: true });
    const second = await home.turns.start(fresh);
    if (second.status === "started") await passing(second.outcome);
    expect((await home.turns.start(fresh)).status).toBe("closed");
    expect(await home.history()).toEqual(["user: new", "assistant: echo: new"]);
  });

  it("delivers its answer through the outbox in the closing transaction", async () => {
    const home = await start();
    const target: DeliveryTarget = { channel: "tele", account: "default", peer: { kind: "dm", id: "42" } };
    const started = await home.turns.start(
      door("r1", "hi", { door: "agent", request: { text: "hi", media: [], target } }),
    );
    if (started.status === "started") await passing(started.outcome);
    expect(await outgoing(home)).toBe(1);
  });

  it("gives the runtime a system prompt that does not enter the transcript", async () => {
    const { runtime, begun, end } = steered();
    const home = await start({ runtime });
    const started = await home.turns.start(
      door("r1", "hi", { request: { text: "hi", media: [], systemPrompt: "be brief" } }),
    );
    await until(() => home.chat("r1").length > 0);
    end("r1");
    if (started.status === "started") await passing(started.outcome);
    expect(begun[0]?.texts[0]).toBe('system:"be brief"');
    expect(await home.history()).toEqual(["user: hi", "assistant: working"]);
  });
});

describe("stopping", () => {
  it("keeps the partial text in the transcript and says once that the run was aborted", async () => {
    const { runtime } = steered();
    const home = await start({ runtime });
    const started = await home.turns.start(door("r1", "hi"));
    await until(() => home.chat("r1").length > 0);
    expect(home.turns.stop(main, { reason: "rpc" })).toEqual({ aborted: true, runIds: ["r1"] });
    if (started.status === "started")
      expect(await started.outcome).toMatchObject({ state: "aborted", stopReason: "rpc" });
    expect(home.chat("r1").filter(({ payload }) => payload["state"] === "aborted")).toHaveLength(1);
    expect(await home.history()).toEqual(["user: hi", "assistant: working"]);
    expect(home.turns.stop(main, { reason: "rpc" })).toEqual({ aborted: false, runIds: [] });
  });

  it("closes a waiting run at once, keeping what the user said", async () => {
    const { runtime, end } = steered();
    const home = await start({ runtime });
    await home.turns.start(door("r1", "one"));
    const second = await home.turns.start(door("r2", "two"));
    await until(() => home.chat("r1").length > 0);
    home.turns.stop(main, { runId: "r2", reason: "rpc" });
    if (second.status === "started") expect(await second.outcome).toMatchObject({ state: "aborted" });
    expect(await home.history()).toEqual(["user: one", "user: two"]);
    end("r1");
  });

  it("refuses to stop a run under another session's key and knows nothing of unknown runs", async () => {
    const { runtime } = steered();
    const home = await start({ runtime });
    await home.turns.start(door("r1", "hi"));
    const other = sessionKey("agent:main:other");
    expect(() => home.turns.stop(other, { runId: "r1", reason: "rpc" })).toThrow("runId does not match sessionKey");
    expect(home.turns.stop(main, { runId: "r9", reason: "rpc" })).toEqual({ aborted: false, runIds: [] });
    home.turns.stop(main, { reason: "rpc" });
  });
});

describe("waiting for a run", () => {
  const signal = new AbortController().signal;

  it("ends with the run, whether the wait began before, during or after it", async () => {
    const { runtime, end } = steered();
    const home = await start({ runtime });
    const before = home.turns.wait("r1", { timeoutMs: 1e9, signal });
    await home.turns.start(door("r1", "hi"));
    const during = home.turns.wait("r1", { timeoutMs: 1e9, signal });
    await until(() => home.chat("r1").length > 0);
    end("r1");
    expect(await before).toMatchObject({ state: "done" });
    expect(await during).toMatchObject({ state: "done" });
    expect(await home.turns.wait("r1", { timeoutMs: 0, signal })).toMatchObject({ state: "done" });
  });

  it("gives up when its time is over or the connection closes", async () => {
    const home = await start();
    expect(await passing(home.turns.wait("nope", { timeoutMs: 5_000, signal }))).toBeUndefined();
    const closing = new AbortController();
    const waiting = home.turns.wait("nope", { timeoutMs: 60_000, signal: closing.signal });
    closing.abort();
    expect(await waiting).toBeUndefined();
  });
});

describe("a message that comes in over a channel", () => {
  it("is answered through the outbox, and one transaction closes run, transcript and inbox", async () => {
    const home = await start();
    await home.inbox.receive(scope, [said("e1", "hi")], {});
    await until(async () => (await inboxStates(home))["done"] === 1);
    expect(await outgoing(home)).toBe(1);
    expect(await home.history()).toEqual(["user: hi", "assistant: echo: hi"]);
    expect(home.sessions.get(main)?.deliveryContext).toMatchObject({ channel: "tele", to: "42", accountId: "default" });
    await until(() => home.typing.length === 2);
    expect(home.typing).toEqual([true, false]);
  });

  it("is stored, not run, when policy refuses it, and its sender is told once how to be allowed", async () => {
    const home = await start({ config: { dmPolicy: "allowlist", allowFrom: ["42"] } });
    await home.inbox.receive(scope, [said("e1", "hi", { from: "7" }), said("e2", "again", { from: "7" })], {});
    await until(async () => (await inboxStates(home))["refused"] === 2);
    expect(await outgoing(home)).toBe(1);
    expect(home.events).toEqual([]);
  });

  it("is stored, not run, and answered with a code when a stranger must be approved first", async () => {
    const home = await start({ config: {} });
    await home.inbox.receive(scope, [said("e1", "hi"), said("e2", "hi again")], {});
    await until(async () => (await inboxStates(home))["refused"] === 2);
    expect(await outgoing(home)).toBe(2);
    await home.inbox.receive(scope, [said("e3", "I was approved", { from: "9" })], {});
    await until(async () => (await inboxStates(home))["done"] === 1);
    expect(await outgoing(home)).toBe(3);
  });

  it("is stored and not answered when two machines only repeat each other", async () => {
    const home = await start();
    for (let round = 1; round <= 6; round += 1) {
      await home.inbox.receive(scope, [said(`e${round}`, "I am away", { from: "bot-1" })], {});
      await until(async () => Object.values(await inboxStates(home)).reduce((sum, count) => sum + count, 0) === round);
      await until(async () => (await inboxStates(home))["recorded"] === undefined);
      await until(async () => (await inboxStates(home))["running"] === undefined);
    }
    expect(await inboxStates(home)).toEqual({ done: 3, refused: 3 });
    expect(await outgoing(home)).toBe(3);
  });

  it("runs in parallel with other conversations and in order within its own", async () => {
    const { runtime, begun, end } = steered();
    const home = await start({ runtime });
    await home.inbox.receive(
      scope,
      [said("e1", "a1", { from: "1" }), said("e2", "a2", { from: "1" }), said("e3", "b1", { from: "2" })],
      {},
    );
    await until(() => begun.length === 2);
    expect(begun.map(({ texts }) => texts.at(-1)).join()).toMatch(/a1.*b1/u);
    for (const { id } of begun) end(id);
    await until(() => begun.length === 3);
    expect(begun[2]?.texts.at(-1)).toContain("a2");
    end(begun[2]!.id);
    await until(async () => (await inboxStates(home))["done"] === 3);
  });

  it("reads what its session was told while it waited for a place", async () => {
    const { runtime, begun, end } = steered();
    const home = await start({ runtime });
    const others = Array.from({ length: home.lanes.width }, (_, index) => sessionKey(`agent:main:busy-${index}`));
    for (const key of others) await home.turns.start(door(key, "hold", { sessionKey: key }));
    await until(() => begun.length === others.length);
    await home.inbox.receive(scope, [said("e1", "hi")], {});
    await until(async () => (await home.history()).length === 1);
    const note = { role: "assistant", content: "by the way", timestamp: 1 } as const;
    const told = await home.store.run("sessions.append", { key: main, messages: [{ id: "n", message: note }], at: 1 });
    home.sessions.noteCommitted(told);
    end(others[0]!);
    await until(() => begun.length === others.length + 1);
    expect(begun.at(-1)?.texts.join()).toMatch(/hi.*by the way/u);
    for (const { id } of begun) end(id);
    await until(async () => (await inboxStates(home))["done"] === 1);
  });

  it("brings its media, at the third try too, and names what could not be fetched instead of failing", async () => {
    const image: MediaRef = { ref: "blob-1", kind: "image", mime: "image/png", bytes: 3 };
    let shaky = 2;
    const fetchMedia = (pending: PendingMedia) =>
      pending.pending === "good" && shaky-- <= 0 ? Promise.resolve(image) : Promise.reject(new Error("410 gone"));
    const sent: Body[] = [];
    const home = await start({ fetchMedia, plan: async (_target, body) => void sent.push(body) });
    const media: PendingMedia[] = [
      { pending: "good", kind: "image" },
      { pending: "bad", kind: "voice", name: "note.ogg" },
    ];
    await home.inbox.receive(scope, [said("e1", "look", { media })], {});
    await until(async () => (await inboxStates(home))["done"] === 1);
    expect(sent).toEqual([{ text: "echo: look\n[note.ogg could not be fetched]", format: "markdown", media: [image] }]);
  });

  it("takes the pieces of an album as one message", async () => {
    const image = (pending: PendingMedia): Promise<MediaRef> =>
      Promise.resolve({ ref: pending.pending, kind: "image", mime: "image/png", bytes: 3 });
    const home = await start({ fetchMedia: image });
    const piece = (id: string, text: string) =>
      said(id, text, { group: "g1", media: [{ pending: id, kind: "image" }] });
    await home.inbox.receive(scope, [piece("e1", "both"), piece("e2", "")], {});
    await until(async () => (await inboxStates(home))["done"] === 2);
    const [question] = await home.sessions.history(main, 10);
    expect(question).toMatchObject({ media: [{ ref: "e1" }, { ref: "e2" }], sender: { id: "42", name: "Ada" } });
    expect(await home.history()).toEqual(["user: both", "assistant: echo: both"]);
  });

  it("waits for the runtime of its agent, which may load after the channel, and is answered once", async () => {
    const home = await start({ unloaded: true });
    await home.inbox.receive(scope, [said("e1", "hi")], {});
    await until(async () => (await inboxStates(home))["running"] === 1);
    await until(async () => (await inboxStates(home))["recorded"] === 1);
    expect(await outgoing(home)).toBe(0);
    home.load();
    await until(async () => (await inboxStates(home))["done"] === 1);
    expect(await home.history()).toEqual(["user: hi", "assistant: echo: hi"]);
  });

  it("is told that there is no answer when the runtime of its agent stays away for minutes", async () => {
    const sent: Body[] = [];
    const home = await start({ unloaded: true, plan: async (_target, body) => void sent.push(body) });
    await home.inbox.receive(scope, [said("e1", "hi")], {});
    await until(async () => (await inboxStates(home))["done"] === 1);
    expect(sent.map(({ text }) => text)).toEqual([expect.stringMatching(/^Sorry/u)]);
  });

  it("apologises once when the agent fails, and is done", async () => {
    const sent: Body[] = [];
    const broken: AgentRuntime = {
      id: "broken",
      async *turn() {
        yield { t: "done", reason: "error", error: "secret detail" };
      },
    };
    const home = await start({ runtime: broken, plan: async (_target, body) => void sent.push(body) });
    await home.inbox.receive(scope, [said("e1", "hi")], {});
    await until(async () => (await inboxStates(home))["done"] === 1);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.text).toMatch(/^Sorry/u);
    expect(sent[0]?.text).not.toContain("secret");
  });

  it("is parked for the owner when its answer cannot be prepared, with the answer kept in the transcript", async () => {
    const home = await start({ plan: () => Promise.reject(new Error("the channel is broken")) });
    await home.inbox.receive(scope, [said("e1", "hi")], {});
    await until(async () => (await inboxStates(home))["parked"] === 1);
    expect(await home.history()).toEqual(["user: hi", "assistant: echo: hi"]);
  });

  it("is parked when it is empty or its account is gone", async () => {
    const home = await start();
    await home.inbox.receive(scope, [said("e1", " ")], {});
    await home.inbox.receive({ ...scope, channel: "gone" }, [said("e2", "hi")], {});
    await until(async () => (await inboxStates(home))["parked"] === 1 && (await outgoing(home)) === 0);
    const counts = await home.store.run("ledger.counts", {});
    expect(
      counts
        .filter(({ state }) => state === "parked")
        .map(({ channel }) => channel)
        .sort(),
    ).toEqual(["gone", "tele"]);
  });
});

describe("after a crash", () => {
  it("runs a channel's message again under its own run, without saying it twice", async () => {
    const { runtime, begun } = steered();
    const home = await start({ runtime });
    await home.inbox.receive(scope, [said("e1", "hi")], {});
    await until(() => begun.length === 1);
    await home.vanish();
    const again = await start();
    await until(async () => (await inboxStates(again))["done"] === 1);
    expect(await again.history()).toEqual(["user: hi", "assistant: echo: hi"]);
    expect((await again.store.run("runs.get", { runId: begun[0]!.id }))?.state).toBe("done");
    expect(await outgoing(again)).toBe(1);
  });

  it("fetches the files of a message again when it died over them, and not when the run was there already", async () => {
    const image: MediaRef = { ref: "blob-1", kind: "image", mime: "image/png", bytes: 3 };
    const fetched: (() => void)[] = [];
    const fetchMedia = () => new Promise<MediaRef>((resolve) => void fetched.push(() => resolve(image)));
    const { runtime, begun } = steered();
    const first = await start({ runtime, fetchMedia });
    const media: PendingMedia[] = [{ pending: "file", kind: "image" }];
    await first.inbox.receive(scope, [said("e1", "look", { media })], {});
    await until(() => fetched.length === 1);
    await first.vanish();
    const second = await start({ runtime, fetchMedia });
    await until(() => fetched.length === 2);
    fetched[1]?.();
    await until(() => begun.length === 1);
    await second.vanish();
    const sent: Body[] = [];
    const third = await start({ fetchMedia, plan: async (_target, body) => void sent.push(body) });
    await until(async () => (await inboxStates(third))["done"] === 1);
    expect(fetched).toHaveLength(2);
    expect(sent).toEqual([{ text: "echo: look", format: "markdown", media: [image] }]);
  });

  it("runs a message that is only files again, whose run has them", async () => {
    const image: MediaRef = { ref: "blob-1", kind: "image", mime: "image/png", bytes: 3 };
    const { runtime, begun } = steered();
    const home = await start({ runtime, fetchMedia: () => Promise.resolve(image) });
    await home.inbox.receive(scope, [said("e1", "", { media: [{ pending: "file", kind: "image" }] })], {});
    await until(() => begun.length === 1);
    await home.vanish();
    const again = await start();
    await until(async () => (await inboxStates(again))["done"] === 1);
    expect(await outgoing(again)).toBe(1);
  });

  it("closes a client's run as an error in transcript and events, and tells a repeat so", async () => {
    const { runtime, begun } = steered();
    const home = await start({ runtime });
    await home.turns.start(door("r1", "one"));
    await home.turns.start(door("r2", "two"));
    await until(() => begun.length === 1);
    await home.vanish();
    const again = await start();
    const history = await again.sessions.history(main, 10);
    expect(history.map(({ role, errorMessage }) => [role, errorMessage?.slice(0, 19)])).toEqual([
      ["user", undefined],
      ["assistant", "the gateway stopped"],
      ["user", undefined],
      ["assistant", "the gateway stopped"],
    ]);
    expect(again.chat("r1").map(({ payload }) => payload["state"])).toEqual(["error"]);
    expect(await again.turns.start(door("r1", "one"))).toMatchObject({
      status: "closed",
      outcome: { state: "failed" },
    });
  });
});

describe("a run that cannot be stored", () => {
  it("is given another try while its conversation waits, and is one turn in the end", async () => {
    const home = await start();
    const other = new DatabaseSync(databasePath(), { timeout: 5_000 });
    other.exec(
      "CREATE TRIGGER no BEFORE UPDATE ON runs WHEN NEW.state = 'done' BEGIN SELECT RAISE(ABORT, 'not today'); END",
    );
    await home.inbox.receive(scope, [said("e1", "hi"), said("e2", "and?")], {});
    await until(() => home.events.some(({ payload }) => String(payload["errorMessage"]).includes("not today")));
    expect((await inboxStates(home))["done"]).toBeUndefined();
    other.exec("DROP TRIGGER no");
    other.close();
    await until(async () => (await inboxStates(home))["done"] === 2);
    expect(await home.history()).toEqual(["user: hi", "assistant: echo: hi", "user: and?", "assistant: echo: and?"]);
    expect(await outgoing(home)).toBe(2);
  });
});

describe("stopping the gateway", () => {
  it("lets runs end, then stops them; a client's run ends as an error, a channel's message runs at the next start", async () => {
    const { runtime, begun } = steered();
    const home = await start({ runtime });
    const client = await home.turns.start(door("r1", "hi"));
    await home.inbox.receive(scope, [said("e1", "from afar", { from: "7" })], {});
    await until(() => begun.length === 2);
    await passing(home.turns.close(5_000));
    if (client.status === "started") expect(await client.outcome).toMatchObject({ state: "failed" });
    await expect(home.turns.start(door("r2", "late"))).rejects.toThrow("the gateway is stopping");
    expect(await inboxStates(home)).toEqual({ recorded: 1 });
    await home.vanish();
    const again = await start();
    await until(async () => (await inboxStates(again))["done"] === 1);
    expect(await again.history(sessionKey("agent:main:tele:default:dm:7"))).toEqual([
      "user: from afar",
      "assistant: echo: from afar",
    ]);
  });
});
