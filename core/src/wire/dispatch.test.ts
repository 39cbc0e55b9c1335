import { Type } from "@sinclair/typebox";
import { defineMethod } from "openclaw-host-schemas";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cliParams, makeDevice } from "../auth/test-device.ts";
import type { RequestContext } from "../auth/caller.ts";
import { WireError, invalidRequest } from "../base/wire-error.ts";
import type { Frame, TestClient } from "./test-client.ts";
import { startWire, type TestWire, TOKEN } from "./test-wire.ts";

const anything = Type.Unknown();
const closed = Type.Object({ n: Type.Optional(Type.Integer()) }, { additionalProperties: false });
const keyed = Type.Object({ idempotencyKey: Type.String(), body: anything }, { additionalProperties: false });

const methods = {
  health: defineMethod({ name: "health", params: anything, result: anything, role: "any", scope: "none" }),
  read: defineMethod({ name: "read", params: closed, result: anything, scope: "operator.read" }),
  secret: defineMethod({ name: "secret", params: closed, result: anything, scope: "operator.admin", strict: true }),
  late: defineMethod({ name: "late", params: anything, result: anything, scope: "operator.read", since: 4 }),
  hidden: defineMethod({ name: "hidden", params: anything, result: anything, scope: "operator.read", listed: false }),
  "node.event": defineMethod({ name: "node.event", params: anything, result: anything, role: "node", scope: "none" }),
  "system-event": defineMethod({
    name: "system-event",
    params: Type.Object({ text: Type.String() }),
    result: anything,
    scope: "operator.admin",
  }),
  act: defineMethod({ name: "act", params: keyed, result: anything, scope: "operator.write", idempotency: "durable" }),
  agent: defineMethod({
    name: "agent",
    params: keyed,
    result: anything,
    scope: "operator.write",
    idempotency: "durable",
  }),
};

/** What a handler of a test does next. */
let behave: (params: Record<string, unknown>, context: RequestContext) => unknown = () => ({});
let calls: unknown[] = [];
const handler = (params: never, context: RequestContext): unknown => {
  calls.push(structuredClone(params));
  return behave(params, context);
};
const handlers = Object.fromEntries(Object.keys(methods).map((name) => [name, handler]));

let wire: TestWire;
let admin: TestClient;
let admin4: TestClient;
let reader: TestClient;
let reader4: TestClient;
let node: TestClient;

const v4 = { minProtocol: 4, maxProtocol: 4 };
const auth = { auth: { token: TOKEN } };

beforeAll(async () => {
  wire = await startWire({ methods, handlers });
  admin = (await wire.connect(cliParams(auth))).client;
  admin4 = (await wire.connect(cliParams({ ...v4, ...auth }))).client;
  reader = (await wire.connect(cliParams({ ...auth, scopes: ["operator.read"] }))).client;
  reader4 = (await wire.connect(cliParams({ ...v4, ...auth, scopes: ["operator.read"] }))).client;
  node = await connectNode();
});
afterAll(() => wire.stop());
beforeEach(() => {
  calls = [];
  behave = () => ({});
});

async function connectNode(): Promise<TestClient> {
  const client = { id: "node-host", version: "1", platform: "linux", mode: "node" };
  return (await wire.connect(cliParams({ ...auth, role: "node", scopes: [], client }), makeDevice())).client;
}

let count = 0;
const ask = (client: TestClient, method: string, params?: unknown): Promise<Frame> =>
  client.request(`x${(count += 1)}`, method, params);
const invalid = (message: string) => ({ code: "INVALID_REQUEST", message });

describe("a frame that is no request", () => {
  it("is ignored when it is no JSON", async () => {
    admin.send("{bad");
    expect((await ask(admin, "health")).ok).toBe(true);
  });

  it("is answered as recorded, and the connection stays", async () => {
    admin.send({ type: "req", id: "extra", method: "health", extra: 1 });
    const extra = await admin.next((frame) => frame.id === "extra");
    expect(extra).toEqual({
      type: "res",
      id: "extra",
      ok: false,
      error: invalid("invalid request frame: at root: unexpected property 'extra'"),
    });
    admin.send({ type: "nope" });
    const nope = await admin.next((frame) => frame.id === "invalid");
    expect(nope.error).toEqual(
      invalid(
        "invalid request frame: must have required property 'id'; must have required property 'method'; at /type: must be equal to constant",
      ),
    );
    expect((await ask(admin, "health")).ok).toBe(true);
  });

  it("may carry unknown keys in version 4", async () => {
    admin4.send({ type: "req", id: "traced", method: "health", traceparent: "00-1-2-01" });
    expect((await admin4.next((frame) => frame.id === "traced")).ok).toBe(true);
  });
});

describe("a request", () => {
  const refusals: [string, () => TestClient, string, unknown, object][] = [
    ["an unknown method", () => admin, "no.such.method", {}, invalid("unknown method: no.such.method")],
    ["an unknown method without admin", () => reader, "zzz", {}, invalid("missing scope: operator.admin")],
    ["a method of a later version", () => admin, "late", {}, invalid("unknown method: late")],
    ["connect again", () => admin, "connect", {}, invalid("connect is only valid as the first request")],
    ["a missing scope", () => reader, "act", {}, invalid("missing scope: operator.write")],
    [
      "a missing scope (v4)",
      () => reader4,
      "act",
      {},
      {
        code: "FORBIDDEN",
        message: "missing scope: operator.write",
        details: { code: "MISSING_SCOPE", missingScope: "operator.write", requiredScopes: ["operator.write"] },
      },
    ],
    ["a node's method", () => admin, "node.event", {}, invalid("unauthorized role: operator")],
    ["an operator's method", () => node, "read", {}, invalid("unauthorized role: node")],
    ["an unknown method from a node", () => node, "zzz", {}, invalid("unauthorized role: node")],
    [
      "an unknown key",
      () => admin,
      "read",
      { bogus: 1 },
      invalid("invalid read params: at root: unexpected property 'bogus'"),
    ],
    [
      "an unknown key of a strict method (v4)",
      () => admin4,
      "secret",
      { b: 1 },
      invalid("invalid secret params: at root: unexpected property 'b'"),
    ],
    ["a wrong type", () => admin4, "read", { n: "x" }, invalid("invalid read params: at /n: must be integer")],
    [
      "a missing key",
      () => admin,
      "act",
      { body: 1 },
      invalid("invalid act params: must have required property 'idempotencyKey'"),
    ],
    [
      "an empty key",
      () => admin,
      "act",
      { idempotencyKey: "", body: 1 },
      invalid("idempotencyKey must have 1 to 512 characters"),
    ],
    ["a text of version 3", () => admin, "system-event", {}, invalid("text required")],
    [
      "the same in version 4",
      () => admin4,
      "system-event",
      {},
      invalid("invalid system-event params: must have required property 'text'"),
    ],
  ];
  it.each(refusals)("is refused for %s", async (...row) => {
    const [, client, method, params, error] = row;
    const { ok, error: actual } = await ask(client(), method, params);
    expect({ ok, error: actual }).toEqual({ ok: false, error });
    expect(calls).toEqual([]);
  });

  it("without params is one with empty params", async () => {
    await ask(admin, "read");
    await ask(admin, "read", null);
    expect(calls).toEqual([{}, {}]);
  });

  it("loses its unknown keys in version 4", async () => {
    await ask(admin4, "read", { n: 1, more: { x: 1 } });
    expect(calls).toEqual([{ n: 1 }]);
  });

  it("of a node reaches what is open to every role", async () => {
    expect((await ask(node, "health", { probe: true })).ok).toBe(true);
    expect((await ask(node, "node.event", { event: "x" })).ok).toBe(true);
  });

  it("is answered out of order when its handler waits", async () => {
    let release = (): void => {};
    behave = (params) => (params["n"] === 1 ? new Promise((resolve) => (release = () => resolve("slow"))) : "quick");
    const slow = ask(admin, "read", { n: 1 });
    expect((await ask(admin, "read", { n: 2 })).payload).toBe("quick");
    release();
    expect((await slow).payload).toBe("slow");
  });

  it("carries the caller and aborts with the connection", async () => {
    const { client } = await wire.connect(cliParams(auth));
    const seen = new Promise<RequestContext>((resolve) => {
      behave = (_params, context) => {
        resolve(context);
        return new Promise(() => undefined);
      };
    });
    client.send({ type: "req", id: "r", method: "read" });
    const context = await seen;
    expect(context.caller).toMatchObject({
      identity: "local-owner",
      role: "operator",
      protocol: 3,
      client: { id: "cli" },
    });
    const aborted = new Promise((resolve) => context.signal.addEventListener("abort", resolve));
    client.ws.terminate();
    await aborted;
  });
});

describe("a handler's error", () => {
  it("reaches the client as it is when it is meant for it", async () => {
    behave = () =>
      Promise.reject(new WireError("UNAVAILABLE", "later", { details: { a: 1 }, retryable: true, retryAfterMs: 5 }));
    const { error } = await ask(admin, "read");
    expect(error).toEqual({
      code: "UNAVAILABLE",
      message: "later",
      details: { a: 1 },
      retryable: true,
      retryAfterMs: 5,
    });
  });

  it.each([
    () => Promise.reject(new Error("token=hunter2")),
    () => {
      throw new Error("token=hunter2");
    },
    () => ({ n: 1n }),
  ])("that is a bug stays in the log (%#)", async (bug) => {
    behave = bug;
    const { error } = await ask(admin, "read");
    expect(error?.code).toBe("UNAVAILABLE");
    expect(error?.message).not.toContain("hunter2");
    expect(wire.log.findLast((record) => record.message === "a request failed")?.fields).toMatchObject({
      method: "read",
    });
    behave = () => "fine";
    expect((await ask(admin, "read")).payload).toBe("fine");
  });

  it("of a newer code is told in the codes of version 3", async () => {
    behave = () => Promise.reject(new WireError("APPROVAL_NOT_FOUND"));
    expect((await ask(admin, "read")).error?.code).toBe("INVALID_REQUEST");
    expect((await ask(admin4, "read")).error?.code).toBe("APPROVAL_NOT_FOUND");
  });
});

describe("calls that belong to another role", () => {
  it("end the connection at the eleventh in a row", async () => {
    const client = await connectNode();
    for (let call = 1; call <= 10; call += 1) await client.request(`c${call}`, "read");
    await client.request("between", "health");
    for (let call = 11; call <= 21; call += 1) await client.request(`c${call}`, "read");
    expect(await client.closed).toEqual({ code: 1008, reason: "repeated unauthorized calls" });
  });

  it("are not counted when nobody could call them", async () => {
    const client = await connectNode();
    for (let call = 1; call <= 30; call += 1) {
      const { error } = await client.request(`c${call}`, "node.of.the.future");
      expect(error?.message).toBe("unauthorized role: node");
    }
    expect((await client.request("still", "health")).ok).toBe(true);
  });
});

describe("a request with an idempotency key", () => {
  const act = (client: TestClient, idempotencyKey: string, body: unknown = { a: 1, b: 2 }) =>
    ask(client, "act", { idempotencyKey, body });

  it("does its work once and tells the outcome to every repeat, whatever the order of its keys", async () => {
    behave = () => ({ done: calls.length });
    expect((await act(admin, "k1", { a: 1, b: [{ c: 1, d: 2 }] })).payload).toEqual({ done: 1 });
    expect((await act(admin4, "k1", { b: [{ d: 2, c: 1 }], a: 1 })).payload).toEqual({ done: 1 });
    expect(calls).toHaveLength(1);
  });

  it("is refused with another body", async () => {
    await act(admin, "k2");
    const { error } = await act(admin, "k2", "other");
    expect(error).toEqual(
      invalid("this idempotencyKey was used for another request: choose a new one for every new request"),
    );
    expect(calls).toHaveLength(1);
  });

  it("attaches a repeat to work that goes on", async () => {
    let release = (): void => {};
    behave = () => new Promise((resolve) => (release = () => resolve({ once: true })));
    const first = act(admin, "k3");
    await expect.poll(() => calls).toHaveLength(1);
    const second = act(admin4, "k3");
    const third = act(admin, "k3", "other");
    expect((await third).error?.code).toBe("INVALID_REQUEST");
    release();
    expect((await first).payload).toEqual({ once: true });
    expect((await second).payload).toEqual({ once: true });
    expect(calls).toHaveLength(1);
  });

  it("is tried again after a passing failure and not after a final one", async () => {
    behave = () => Promise.reject(new WireError("UNAVAILABLE", "later"));
    expect((await act(admin, "k4")).error?.message).toBe("later");
    behave = () => Promise.reject(invalidRequest("never"));
    expect((await act(admin, "k4")).error?.message).toBe("never");
    behave = () => ({ ok: true });
    expect((await act(admin, "k4")).error).toEqual(invalid("never"));
    expect(calls).toHaveLength(2);
  });

  it("is not the key of another method or another identity", async () => {
    await act(admin, "k5");
    await ask(admin, "agent", { idempotencyKey: "k5", body: "other" });
    const other = (await wire.connect(cliParams(auth), makeDevice())).client;
    expect((await act(other, "k5", "another")).ok).toBe(true);
    expect(calls).toHaveLength(3);
  });

  it("answers in two phases, and a repeat once with what the first was told", async () => {
    let finish = (): void => {};
    const accepted = { runId: "k6", status: "accepted", acceptedAt: 5, sessionKey: "agent:main:main", agentId: "main" };
    behave = (_params, context) => {
      context.accepted(accepted);
      return new Promise((resolve) => (finish = () => resolve({ runId: "k6", status: "ok", summary: "completed" })));
    };
    const params = { idempotencyKey: "k6", body: 1 };
    admin4.send({ type: "req", id: "two", method: "agent", params });
    expect((await admin4.next((frame) => frame.id === "two")).payload).toEqual(accepted);
    const repeat4 = await ask(admin4, "agent", params);
    expect(repeat4.payload).toEqual({
      runId: "k6",
      status: "in_flight",
      sessionKey: "agent:main:main",
      agentId: "main",
    });
    const repeat3 = await ask(admin, "agent", params);
    expect(repeat3.payload).toEqual({ runId: "k6", status: "accepted", acceptedAt: 5 });
    finish();
    const last = await admin4.next((frame) => frame.id === "two" && frame.payload?.["status"] === "ok");
    expect(last.payload).toEqual({ runId: "k6", status: "ok", summary: "completed" });
    expect((await ask(admin, "agent", params)).payload).toEqual(last.payload);
    expect(calls).toHaveLength(1);
  });

  it("of a failed run is answered with payload and error, every time", async () => {
    behave = () => ({ runId: "k7", status: "error", summary: "model is gone" });
    for (const _time of [1, 2]) {
      const { ok, payload, error } = await ask(admin, "agent", { idempotencyKey: "k7", body: 1 });
      expect({ ok, payload, error }).toEqual({
        ok: false,
        payload: { runId: "k7", status: "error", summary: "model is gone" },
        error: { code: "UNAVAILABLE", message: "model is gone" },
      });
    }
    expect(calls).toHaveLength(1);
  });

  it("whose answer says only that the work goes on asks the handler again", async () => {
    behave = () => ({ runId: "k8", status: calls.length === 1 ? "started" : "ok" });
    expect((await act(admin, "k8")).payload).toEqual({ runId: "k8", status: "started" });
    expect((await act(admin, "k8")).payload).toEqual({ runId: "k8", status: "ok" });
  });

  it("is remembered for a day", async () => {
    await act(admin, "k9");
    await wire.clock.advance(24 * 60 * 60_000 + 60 * 60_000);
    await expect.poll(async () => (await act(admin, "k9", "other")).ok).toBe(true);
  });
});
