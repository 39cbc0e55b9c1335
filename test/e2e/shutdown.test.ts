import { writeFile } from "node:fs/promises";
import { type GatewayProcess, startGatewayProcess } from "openclaw-host-testing";
import { describe, expect } from "vitest";
import { openReady } from "./sockets.ts";
import { verifies } from "./verifies.ts";

const stubborn = new URL("stubborn", import.meta.url).pathname;

/** A gateway with a guest that answers nothing any more, and a message on its way through it. */
async function stuckGateway(): Promise<GatewayProcess> {
  const gateway = await startGatewayProcess({ extensions: [stubborn], config: { channels: { stubborn: {} } } });
  const client = await gateway.client();
  const connected = async () => {
    const { channelAccounts } = await client.call("channels.status", {});
    return channelAccounts["stubborn"]?.[0]?.connected === true;
  };
  while (!(await connected())) await new Promise((resolve) => setImmediate(resolve));
  const sent = client.call("send", { channel: "stubborn", to: "42", message: "hi", idempotencyKey: "k" });
  // The gateway ends before the send does.
  sent.catch(() => {});
  const underWay = async () => {
    const { deliveries } = await client.call("delivery.list", { state: "sending" });
    return deliveries.length === 1;
  };
  while (!(await underWay())) await new Promise((resolve) => setImmediate(resolve));
  return gateway;
}

const shutdownOf = (frames: readonly { event?: string }[]) => frames.filter(({ event }) => event === "shutdown");

describe("a stop", () => {
  verifies("stop:hanging-guest", async () => {
    await using gateway = await stuckGateway();
    await using socket = await openReady(gateway);
    const startedAt = performance.now();
    expect(await gateway.stop("SIGTERM")).toEqual({ code: 0, signal: null });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(await socket.closed).toEqual({ code: 1012, reason: "service restart" });
    expect(shutdownOf(socket.frames)).toMatchObject([
      { payload: { reason: "stopped by SIGTERM", restartExpectedMs: null } },
    ]);
    expect(gateway.lines.some(({ message }) => String(message).startsWith("closing took too long"))).toBe(false);
    await using next = await startGatewayProcess({ stateDir: gateway.stateDir, extensions: [stubborn] });
    const client = await next.client();
    const { deliveries } = await client.call("delivery.list", { state: "unknown" });
    expect(deliveries).toHaveLength(1);
  });

  verifies("stop:twice", async () => {
    await using gateway = await stuckGateway();
    const exit = gateway.stop("SIGTERM");
    await gateway.line(({ message }) => message === "stopping");
    const startedAt = performance.now();
    await gateway.stop("SIGINT");
    expect(await exit).toEqual({ code: 1, signal: null });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

describe("a restart", () => {
  verifies("restart:graceful", async () => {
    await using gateway = await startGatewayProcess();
    await using socket = await openReady(gateway);
    process.kill(gateway.pid, "SIGUSR2");
    expect(await socket.closed).toEqual({ code: 1012, reason: "service restart" });
    const [event] = shutdownOf(socket.frames);
    expect(event).toMatchObject({ payload: { reason: "restarting", restartExpectedMs: expect.any(Number) } });
    const listening = () => gateway.lines.filter(({ message }) => message === "listening");
    while (listening().length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(listening()[1]?.["port"]).toBe(gateway.port);
    const again = await gateway.client();
    expect(await again.call("health", {})).toMatchObject({ ok: true });
  });

  verifies("restart:bad-config", async () => {
    await using gateway = await startGatewayProcess();
    await using socket = await openReady(gateway);
    await writeFile(gateway.configPath, '{ gateway: { port: "many" } }');
    process.kill(gateway.pid, "SIGUSR2");
    const refusal = await gateway.line(
      ({ level, message }) => level === "error" && String(message).startsWith("not restarted"),
    );
    expect(refusal["reason"]).toContain("gateway.port");
    const client = await gateway.client();
    expect(await client.call("health", {})).toMatchObject({ ok: true });
    expect(shutdownOf(socket.frames)).toEqual([]);
  });
});
