import { type EventDescriptor, type MethodDescriptor, OWNER_SCOPES, type Snapshot } from "openclaw-host-schemas";
import { createAuthenticator } from "../auth/authenticator.ts";
import type { AuthPolicy } from "../auth/decide.ts";
import { type Devices, openDevices } from "../auth/devices.ts";
import { RATE_LIMIT, type RateLimitSettings, createRateLimiter } from "../auth/rate-limit.ts";
import { type AuthMode, createSecretCheck } from "../auth/shared-secret.ts";
import { type Params, signed, type TestDevice } from "../auth/test-device.ts";
import { createDeviceTokens } from "../auth/tokens.ts";
import { createFakeClock, type FakeClock } from "../base/fake-clock.ts";
import { systemIds } from "../base/ids.ts";
import type { LogFields, Logger } from "../base/log.ts";
import { openStore, type Store } from "../store/db.ts";
import { makeTestDir } from "../store/test-store.ts";
import { LIMITS, type Limits } from "./limits.ts";
import { type ClientOptions, type Frame, openClient, type TestClient } from "./test-client.ts";
import { createWireServer, type WireParts, type WireServer } from "./wire-server.ts";

export const TOKEN = "tok-h1-test";

export interface TestWire {
  readonly port: number;
  readonly clock: FakeClock;
  readonly wire: WireServer;
  readonly store: Store;
  readonly devices: Devices;
  readonly log: readonly { readonly level: string; readonly message: string; readonly fields: LogFields }[];
  open(options?: ClientOptions): TestClient;
  /** Opens a socket, sends these params (signed when a device is given) and resolves with the answer. */
  connect(
    params: Params,
    device?: TestDevice,
    options?: ConnectOptions,
  ): Promise<{ client: TestClient; answer: Frame }>;
  stop(): Promise<void>;
}

export interface ConnectOptions extends ClientOptions {
  readonly version?: "v2" | "v3";
  readonly alter?: (params: Params) => void;
  readonly at?: number;
}

export interface TestWireOptions {
  readonly auth?: AuthMode;
  readonly policy?: Partial<AuthPolicy>;
  readonly rateLimit?: Partial<RateLimitSettings>;
  readonly whois?: Parameters<typeof createAuthenticator>[0]["whois"];
  readonly handlers?: WireParts["handlers"];
  readonly methods?: Readonly<Record<string, MethodDescriptor>>;
  readonly events?: Readonly<Record<string, EventDescriptor>>;
  readonly parts?: Partial<WireParts>;
  readonly limits?: Partial<Limits>;
}

const snapshot: Snapshot = {
  presence: [],
  health: {},
  stateVersion: { presence: 1, health: 6 },
  uptimeMs: 1,
  configPath: "/etc/gateway.json",
  stateDir: "/var/gateway",
  authMode: "token",
};

function recordingLog(records: { level: string; message: string; fields: LogFields }[]): Logger {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      void records.push({ level, message, fields });
  const log: Logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), child: () => log };
  return log;
}

function policyFor(options: TestWireOptions): AuthPolicy {
  const auth = options.auth ?? { mode: "token", token: TOKEN };
  return {
    mode: auth.mode,
    checkSecret: createSecretCheck(auth),
    tokens: createDeviceTokens(Buffer.alloc(32, 7)),
    localTrust: "on",
    localOwnerScopes: OWNER_SCOPES,
    origins: { allowedOrigins: [], allowHostHeader: false },
    ...options.policy,
  };
}

function authenticatorFor(
  options: TestWireOptions,
  parts: Omit<Parameters<typeof createAuthenticator>[0], "policy" | "limiter">,
) {
  const settings = { ...RATE_LIMIT, ...options.rateLimit };
  const limiter = createRateLimiter({ settings, now: () => parts.clock.now() });
  const whois = options.whois === undefined ? {} : { whois: options.whois };
  return createAuthenticator({ policy: policyFor(options), limiter, ...whois, ...parts });
}

async function connectTo(
  wire: Pick<TestWire, "port" | "clock">,
  { params, device, options }: { params: Params; device: TestDevice | undefined; options: ConnectOptions },
): Promise<{ client: TestClient; answer: Frame }> {
  const client = openClient(wire.port, options);
  const nonce = await client.nonce();
  const { version = "v3", at = wire.clock.now() } = options;
  const final = device === undefined ? params : signed(params, device, { nonce, at, version });
  options.alter?.(final);
  return { client, answer: await client.request("r1", "connect", final) };
}

/** A wire with a real database and real sockets; time is the test's. */
export async function startWire(options: TestWireOptions = {}): Promise<TestWire> {
  const dir = makeTestDir();
  const clock = createFakeClock();
  const log: { level: string; message: string; fields: LogFields }[] = [];
  const logger = recordingLog(log);
  const store = await openStore({ path: `${dir.path}/host.db`, log: logger, onFatal: () => undefined });
  const devices = await openDevices({ store, clock, ids: systemIds, log: logger });
  const wire = createWireServer({
    clock,
    ids: systemIds,
    log: logger,
    store,
    version: "1.2.3",
    authenticator: authenticatorFor(options, { devices, clock, log: logger }),
    handlers: options.handlers ?? {},
    snapshot: () => snapshot,
    ...(options.methods === undefined ? {} : { methods: options.methods }),
    ...(options.events === undefined ? {} : { events: options.events }),
    limits: { ...LIMITS, ...options.limits },
    ...options.parts,
  });
  const { port } = await wire.listen({ port: 0 });
  return {
    port,
    clock,
    wire,
    store,
    devices,
    log,
    open: (clientOptions) => openClient(port, clientOptions),
    connect: (params, device, connectOptions = {}) =>
      connectTo({ port, clock }, { params, device, options: connectOptions }),
    async stop() {
      const closing = wire.close({ reason: "test", restartExpectedMs: null });
      // Clients that do not answer the close frame are cut off by the clock.
      await clock.advance(LIMITS.closeGraceMs);
      await closing;
      await devices.close();
      await store.close();
      dir.remove();
    },
  };
}
