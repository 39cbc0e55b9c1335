import { sign } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { GatewayClient } from "@openclaw/gateway-client";
import { type LibraryDevice, newLibraryDevice, rawPublicKey } from "../e2e/library-device.ts";
import { type Findings, expect } from "./findings.ts";
import { type House, startHouse } from "./house.ts";
import { libraryFolder } from "./install.ts";
import { until } from "./recorder.ts";
import { expectClosedSince, expectDeviceToken, expectRefusal, newest } from "./refusals.ts";

/** What is taken of the installed package; the types are those of the development dependency of the same version. */
interface Library {
  readonly GatewayClient: typeof GatewayClient;
}
const NAME = "gateway-client@2026.9.1 (Node)";

/** What a host of the library keeps for it. */
interface Kept {
  readonly device: LibraryDevice;
  token: { token: string; scopes: string[] } | undefined;
}

interface Visit extends AsyncDisposable {
  readonly client: GatewayClient;
  /** Codes and reasons with which its connections ended. */
  readonly closes: readonly string[];
  /** Why it no longer tries, once it does not. */
  paused(): string | undefined;
}

/** Resolves when the client is let in; rejects with what it was told when it is not. */
function visit(library: Library, house: House, given: { kept: Kept; token?: string }): Promise<Visit> {
  const { kept, token } = given;
  const closes: string[] = [];
  let paused: string | undefined;
  let isLetIn = false;
  return new Promise((resolve, reject) => {
    const client = new library.GatewayClient({
      url: house.url,
      ...(token === undefined ? {} : { token }),
      clientName: "gateway-client",
      mode: "backend",
      role: "operator",
      scopes: ["operator.read", "operator.write"],
      deviceIdentity: kept.device,
      minProtocol: 4,
      maxProtocol: 4,
      hostDeps: {
        signDevicePayload: (key, payload) => sign(null, Buffer.from(payload), key).toString("base64url"),
        publicKeyRawBase64UrlFromPem: (pem) => rawPublicKey(pem).toString("base64url"),
        loadDeviceAuthToken: ({ role }) => (kept.token === undefined ? null : { ...kept.token, role, updatedAtMs: 1 }),
        storeDeviceAuthToken: ({ token, scopes }) => void (kept.token = { token, scopes }),
        clearDeviceAuthToken: () => void (kept.token = undefined),
      },
      onHelloOk() {
        isLetIn = true;
        resolve({
          client,
          closes,
          paused: () => paused,
          [Symbol.asyncDispose]: () => client.stopAndWait({ timeoutMs: 2_000 }),
        });
      },
      onClose: (code, reason) => void closes.push(`${code} ${reason}`),
      onReconnectPaused: ({ code, reason, detailCode }) => (paused = `${detailCode ?? code}: ${reason}`),
      onConnectError(error) {
        if (isLetIn) return;
        reject(error);
        void client.stopAndWait({ timeoutMs: 2_000 });
      },
    });
    client.start();
  });
}

const saidNo = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The field's own client library in Node: paired, let in by its device token, revoked. */
export async function tryLibrary(findings: Findings): Promise<void> {
  const entry = join(await libraryFolder(), "@openclaw/gateway-client/dist/index.mjs");
  const library = (await import(pathToFileURL(entry).href)) as Library;
  await using house = await startHouse("loopback");
  const { tunnel, gateway } = house;
  const kept: Kept = { device: newLibraryDevice(), token: undefined };
  await findings.step(NAME, "asks to be paired", async () => {
    const said = await visit(library, house, { kept, token: gateway.token }).then(() => "let in", saidNo);
    return `${expectRefusal(tunnel, "PAIRING_REQUIRED")}; the client says: ${said}`;
  });
  await findings.step(NAME, "is approved by the owner", () => house.approve());
  await findings.step(NAME, "comes in with the shared token", async () => {
    await using visitor = await visit(library, house, { kept, token: gateway.token });
    await visitor.client.request("health", {});
    expect(kept.token !== undefined, () => "it was given no device token");
    return "keeps a device token";
  });
  await findings.step(NAME, "by device token: health, status, devices, channels, agent, chat", async () => {
    await using visitor = await visit(library, house, { kept });
    expectDeviceToken(tunnel, gateway.token);
    return await useCommands(visitor.client);
  });
  await findings.step(NAME, "is revoked while connected", async () => {
    await using visitor = await visit(library, house, { kept });
    const connection = newest(tunnel);
    await house.owner("devices", "revoke", kept.device.deviceId);
    const at = performance.now();
    await until("the client's own view of the end", () => visitor.closes[0]);
    const closed = expectClosedSince(tunnel, { connection, at });
    const paused = await until("its reconnects to pause", () => visitor.paused());
    const refusal = expectRefusal(tunnel, "AUTH_DEVICE_TOKEN_MISMATCH");
    return `${closed}; then ${refusal}; it pauses: ${paused}`;
  });
  await findings.step(NAME, "must be paired again with the shared token", async () => {
    await visit(library, house, { kept, token: gateway.token }).then(() => "let in", saidNo);
    return expectRefusal(tunnel, "PAIRING_REQUIRED");
  });
}

async function useCommands(client: GatewayClient): Promise<string> {
  await client.request("health", {});
  await client.request("status", {});
  await client.request("channels.status", {});
  const params = { message: "hello there", idempotencyKey: "library", agentId: "main", sessionKey: "main" };
  const final = JSON.stringify(await client.request("agent", params, { expectFinal: true }));
  expect(final.includes("echo: hello there"), () => final);
  const history = JSON.stringify(await client.request("chat.history", { sessionKey: "main" }));
  expect(history.includes("echo: hello there"), () => history);
  const devices = await client.request("device.pair.list", {}).then(() => "answered", saidNo);
  expect(devices === "missing scope: operator.pairing", () => `device.pair.list without its scope: ${devices}`);
  return "as expected";
}
