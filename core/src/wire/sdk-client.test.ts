import { createDeviceIdentity, createGatewayClient, isGatewayError } from "openclaw-host-sdk/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TestWire, TOKEN, startWire } from "./test-wire.ts";

const handlers = {
  health: () => ({ ok: true }),
  agent: async (_params: unknown, context: { accepted(payload: unknown): void }) => {
    context.accepted({ runId: "k", status: "accepted", acceptedAt: 1, sessionKey: "agent:main:main", agentId: "main" });
    return { runId: "k", status: "ok", summary: "completed" };
  },
};

let wire: TestWire;
const undo: (() => Promise<void>)[] = [];
beforeEach(async () => {
  wire = await startWire({ handlers });
});
afterEach(async () => {
  for (const close of undo.splice(0)) await close();
  await wire.stop();
});

function client(options: Partial<Parameters<typeof createGatewayClient>[0]> = {}) {
  const info = { id: "test", mode: "test", version: "1", platform: "Linux" };
  const created = createGatewayClient({
    url: `ws://127.0.0.1:${wire.port}`,
    token: TOKEN,
    client: info,
    reconnect: false,
    ...options,
  });
  undo.push(() => created.close());
  return created;
}

describe("the SDK's client on the real wire", () => {
  it.each([3, 4])(
    "connects with protocol %i, calls, waits for the final answer and receives events",
    async (version) => {
      const gateway = client({ minProtocol: version, maxProtocol: version });
      expect(await gateway.ready()).toMatchObject({ type: "hello-ok", protocol: version });
      expect(await gateway.call("health", {})).toEqual({ ok: true });
      const accepted: unknown[] = [];
      const params = { message: "hi", idempotencyKey: `k${version}` };
      const final = await gateway.call("agent", params, { onAccepted: (payload) => accepted.push(payload) });
      expect(final).toMatchObject({ status: "ok" });
      expect(accepted).toMatchObject([{ status: "accepted" }]);
      const tick = new Promise((resolve) => gateway.on("tick", resolve));
      wire.wire.sink.publish("tick", { ts: 5 });
      expect(await tick).toEqual({ ts: 5 });
    },
  );

  it("signs so that the gateway knows the device and gives it a token that works alone", async () => {
    const identity = await createDeviceIdentity(1);
    // The wire's clock stands still in the past, and the challenge says so.
    const hello = await client({ identity }).ready();
    const deviceToken = hello.auth?.deviceToken ?? "";
    expect(deviceToken).not.toBe("");
    const again = createGatewayClient({
      url: `ws://127.0.0.1:${wire.port}`,
      deviceToken,
      identity,
      reconnect: false,
      client: { id: "test", mode: "test", version: "1", platform: "Linux" },
    });
    undo.push(() => again.close());
    expect(await again.call("health", {})).toEqual({ ok: true });
  });

  it("tells the gateway's refusal with code and details", async () => {
    const error = await client({ token: "wrong" })
      .ready()
      .catch((error: unknown) => error);
    expect(isGatewayError(error) && error).toMatchObject({
      code: "INVALID_REQUEST",
      details: { code: "AUTH_TOKEN_MISMATCH" },
      retryable: false,
    });
  });

  it("reports an unknown method as the gateway does", async () => {
    const gateway = client({ scopes: ["operator.admin"] });
    await expect(gateway.request("no.such.method", {})).rejects.toThrow("unknown method: no.such.method");
  });
});
