import { sign } from "node:crypto";
import { GatewayClient } from "@openclaw/gateway-client";
import { type GatewayProcess, startGatewayProcess } from "openclaw-host-testing";
import { describe, expect } from "vitest";
import { verifies } from "./verifies.ts";
import { newLibraryDevice, rawPublicKey } from "./library-device.ts";

interface Connected extends AsyncDisposable {
  readonly client: GatewayClient;
  readonly protocol: number;
}

/** The field's own client library, connected with a fresh device. */
function connect(gateway: GatewayProcess, protocol: 3 | 4): Promise<Connected> {
  return new Promise((resolve, reject) => {
    const client = new GatewayClient({
      url: gateway.url,
      token: gateway.token,
      clientName: "gateway-client",
      mode: "backend",
      role: "operator",
      scopes: ["operator.read", "operator.write"],
      deviceIdentity: newLibraryDevice(),
      minProtocol: protocol,
      maxProtocol: protocol,
      hostDeps: {
        signDevicePayload: (key, payload) => sign(null, Buffer.from(payload), key).toString("base64url"),
        publicKeyRawBase64UrlFromPem: (pem) => rawPublicKey(pem).toString("base64url"),
      },
      onHelloOk: (hello) =>
        resolve({
          client,
          protocol: hello.protocol,
          [Symbol.asyncDispose]: () => client.stopAndWait({ timeoutMs: 2_000 }),
        }),
      onConnectError: reject,
    });
    client.start();
  });
}

async function healthAndAgent(protocol: 3 | 4): Promise<void> {
  await using gateway = await startGatewayProcess();
  await using connected = await connect(gateway, protocol);
  expect(connected.protocol).toBe(protocol);
  expect(await connected.client.request("health", {})).toMatchObject({ ok: true, defaultAgentId: "main" });
  const params = { message: "hello", idempotencyKey: `official-${protocol}`, agentId: "main", sessionKey: "main" };
  const final = await connected.client.request("agent", params, { expectFinal: true });
  expect(final).toMatchObject({
    runId: `official-${protocol}`,
    status: "ok",
    summary: "completed",
    result: {
      payloads: [{ text: expect.stringContaining("hello") }],
      meta: { agentMeta: { sessionId: expect.any(String) } },
    },
  });
}

describe("the official client library", () => {
  verifies("wire:official-client-v4", () => healthAndAgent(4));
  verifies("wire:official-client-v3", () => healthAndAgent(3));
});
