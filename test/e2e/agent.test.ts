import { startGatewayProcess } from "openclaw-host-testing";
import { describe, expect } from "vitest";
import { type Frame, openReady } from "./sockets.ts";
import { verifies } from "./verifies.ts";

const agentRequest = (id: string, message: string, key: string) => ({
  type: "req",
  id,
  method: "agent",
  params: { message, idempotencyKey: key, agentId: "main", sessionKey: "main" },
});

const payloadOf = (frame: Frame) => frame["payload"] as Record<string, unknown>;

describe("the agent", () => {
  verifies("agent:two-phase", async () => {
    await using gateway = await startGatewayProcess();
    await using socket = await openReady(gateway);
    socket.send(agentRequest("a1", "hello", "run-1"));
    await socket.frame((frame) => frame.id === "a1" && payloadOf(frame)["status"] === "ok");
    const statuses = socket.frames.filter((frame) => frame.id === "a1").map((frame) => payloadOf(frame)["status"]);
    expect(statuses).toEqual(["accepted", "ok"]);
  });

  verifies("agent:live", async () => {
    await using gateway = await startGatewayProcess();
    await using actor = await openReady(gateway);
    await using observer = await openReady(gateway, { min: 3, max: 3 });
    actor.send({
      type: "req",
      id: "c1",
      method: "chat.send",
      params: { sessionKey: "main", message: "one two three", idempotencyKey: "run-live" },
    });
    const final = await observer.frame((frame) => frame.event === "chat" && payloadOf(frame)["state"] === "final");
    expect(payloadOf(final)).toMatchObject({ runId: "run-live", sessionKey: "agent:main:main" });
    expect(Object.keys(payloadOf(final)).sort()).toEqual([
      "message",
      "runId",
      "seq",
      "sessionKey",
      "state",
      "stopReason",
    ]);
    const agentEvents = observer.frames.filter((frame) => frame.event === "agent").map(payloadOf);
    expect(agentEvents.map((event) => event["seq"])).toEqual(agentEvents.map((_, index) => index + 1));
    expect(agentEvents.map((event) => event["stream"])).toEqual([
      "lifecycle",
      ...agentEvents.slice(2).map(() => "assistant"),
      "lifecycle",
    ]);
    expect(agentEvents.length).toBeGreaterThan(3);
    const seqs = observer.frames
      .filter((frame) => frame.type === "event" && frame["seq"] !== undefined)
      .map((frame) => frame["seq"]);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });

  verifies("agent:idempotent", async () => {
    await using gateway = await startGatewayProcess();
    const ask = async (from: { url: string; token: string }, id: string, message: string) => {
      await using socket = await openReady(from);
      socket.send(agentRequest(id, message, "key-1"));
      const final = await socket.frame(
        (frame) => frame.id === id && payloadOf({ payload: {}, ...frame })["status"] !== "accepted",
      );
      return final;
    };
    const first = await ask(gateway, "a1", "hello");
    const again = await ask(gateway, "a2", "hello");
    expect(again["payload"]).toEqual(first["payload"]);
    expect(await ask(gateway, "a3", "other words")).toMatchObject({ ok: false, error: { code: "INVALID_REQUEST" } });
    await gateway.stop("SIGKILL");
    await using restarted = await startGatewayProcess({ stateDir: gateway.stateDir });
    expect((await ask(restarted, "a4", "hello"))["payload"]).toEqual(first["payload"]);
    const client = await restarted.client();
    const { messages } = await client.call("chat.history", { sessionKey: "main" });
    expect(messages.map((message) => message.role)).toEqual(["user", "assistant"]);
  });

  verifies("chat:history", async () => {
    await using gateway = await startGatewayProcess();
    await using socket = await openReady(gateway);
    socket.send({
      type: "req",
      id: "c1",
      method: "chat.send",
      params: { sessionKey: "main", message: "remember me", idempotencyKey: "run-h" },
    });
    expect(await socket.response("c1")).toMatchObject({ ok: true, payload: { runId: "run-h", status: "started" } });
    await socket.frame((frame) => frame.event === "chat" && payloadOf(frame)["state"] === "final");
    await gateway.stop("SIGKILL");
    await using restarted = await startGatewayProcess({ stateDir: gateway.stateDir });
    const client = await restarted.client();
    const { messages } = await client.call("chat.history", { sessionKey: "main" });
    expect(messages).toMatchObject([{ role: "user" }, { role: "assistant" }]);
    expect(JSON.stringify(messages)).toContain("remember me");
  });
});
