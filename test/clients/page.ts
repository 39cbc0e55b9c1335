import {
  GatewayBrowserDeviceAuthLifecycle,
  type GatewayBrowserDeviceAuthPlan,
  GatewayProtocolClient,
} from "@openclaw/gateway-client/browser";

/**
 * Runs in the browser: the host of the library's browser entry, as its documentation asks for one. Device key and tokens live as
 * long as the page.
 */
const base64url = (bytes: ArrayBuffer): string => {
  const text = Array.from(new Uint8Array(bytes), (byte) => String.fromCodePoint(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};
const hex = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function newIdentity() {
  const keys = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  if (!("privateKey" in keys)) throw new Error("no key pair was made");
  const raw = await crypto.subtle.exportKey("raw", keys.publicKey);
  return {
    deviceId: hex(await crypto.subtle.digest("SHA-256", raw)),
    publicKey: base64url(raw),
    sign: async (payload: string) =>
      base64url(await crypto.subtle.sign("Ed25519", keys.privateKey, new TextEncoder().encode(payload))),
  };
}

const CLIENT = { id: "gateway-client", version: "2026.9.1", platform: "web", mode: "ui" } as const;
const SCOPES = ["operator.read", "operator.write"];
const identity = newIdentity();
let kept: { token: string; scopes: string[] } | null = null;

const lifecycle = new GatewayBrowserDeviceAuthLifecycle({
  loadIdentity: () => identity,
  tokenStore: {
    load: () => kept,
    store: ({ token, scopes }) => void (kept = { token, scopes }),
    clear: () => void (kept = null),
  },
});

type Client = GatewayProtocolClient<GatewayBrowserDeviceAuthPlan>;
let client: Client | undefined;
let ended: string | undefined;

/** Opens a connection; resolves with "let in" or with what the client was told. */
function connect(url: string, token?: string): Promise<string> {
  client?.stop();
  ended = undefined;
  return new Promise((resolve) => {
    client = new GatewayProtocolClient<GatewayBrowserDeviceAuthPlan>({
      createSocket(handlers) {
        const socket = new WebSocket(url);
        socket.addEventListener("open", () => handlers.open());
        socket.addEventListener("message", ({ data }) => handlers.message(String(data)));
        socket.addEventListener("close", ({ code, reason }) => handlers.close(code, reason));
        socket.addEventListener("error", () => handlers.error(new Error("the socket failed")));
        return {
          isOpen: () => socket.readyState === WebSocket.OPEN,
          send: (data) => socket.send(data),
          close: (code, reason) => socket.close(code, reason),
        };
      },
      createRequestId: () => crypto.randomUUID(),
      buildConnectPlan: ({ nonce, challengeTs }) =>
        lifecycle.buildPlan({
          client: CLIENT,
          role: "operator",
          defaultScopes: SCOPES,
          ...(token === undefined ? {} : { token }),
          nonce,
          challengeTs: challengeTs ?? null,
        }),
      buildConnectParams: ({ role, scopes, device, auth }) => ({
        minProtocol: 4,
        maxProtocol: 4,
        client: CLIENT,
        role,
        scopes,
        caps: [],
        ...(device === undefined ? {} : { device }),
        ...(auth === undefined ? {} : { auth }),
      }),
      onConnectHello: (hello, { plan }) => {
        void lifecycle.acceptHello(hello, plan).then(() => resolve("let in"));
      },
      onConnectFailure: (error) => {
        resolve(error.message);
        return { closeCode: 4008, closeReason: "connect failed", stop: true, error };
      },
      resolveClose: ({ code, reason }) => {
        ended = `${code} ${reason}`;
        resolve(`closed ${ended}`);
        return { retry: false, notify: true };
      },
      handshake: { mode: "require-challenge", timeoutMs: 15_000 },
      reconnect: { initialMs: 1_000, multiplier: 2, maxMs: 30_000 },
    });
    client.start();
  });
}

/** One request; resolves with the JSON of its answer, or with what the client was told. */
async function request(method: string, params: object, expectFinal = false): Promise<string> {
  if (client === undefined) throw new Error("connect first");
  try {
    return JSON.stringify(await client.request(method, params, { expectFinal }));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

Object.assign(globalThis, {
  gatewayPage: { connect, request, ended: () => ended, deviceId: async () => (await identity).deviceId },
});
