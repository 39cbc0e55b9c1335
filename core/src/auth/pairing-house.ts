import { DatabaseSync } from "node:sqlite";
import { OWNER_SCOPES } from "openclaw-host-schemas";
import type { ConnectParams } from "openclaw-host-schemas";
import type { FakeClock } from "../base/fake-clock.ts";
import { deviceId } from "../base/brand.ts";
import { systemIds } from "../base/ids.ts";
import { COMMANDS, type CommandName } from "../store/commands.ts";
import type { Store } from "../store/db.ts";
import type { Granter } from "../store/tables/device-record.ts";
import { MIGRATIONS } from "../store/migrations/index.ts";
import { silentLog } from "../store/test-store.ts";
import { Tx } from "../store/tx.ts";
import { type Authenticator, type Verdict, createAuthenticator } from "./authenticator.ts";
import { type DeviceLinks, bootstrapHash, createDeviceLinks } from "./bootstrap.ts";
import { type Devices, openDevices } from "./devices.ts";
import type { PeerFacts } from "./local-trust.ts";
import { RATE_LIMIT, createRateLimiter } from "./rate-limit.ts";
import { createSecretCheck } from "./shared-secret.ts";
import { type Params, type TestDevice, cliParams, signed } from "./test-device.ts";
import { createDeviceTokens } from "./tokens.ts";

export const SECRET = "shared-secret";
export const SERVER_KEY: Uint8Array = Buffer.alloc(32, 5);

/** A device that decides on requests and is no admin; it is paired from the beginning. */
export const HELPER: Granter = { identity: "helper", scopes: ["operator.pairing", "operator.read"] };

/** What becomes of the next command of the store. */
export type Fate = "done" | "reply-lost" | "never-run";

export interface HousePolicy {
  readonly localTrust: "on" | "off";
  readonly localOwner: boolean;
}

/** What an attempt is made with. */
export interface Attempt {
  readonly device?: TestDevice;
  readonly role: "operator" | "node";
  readonly scopes: readonly string[];
  readonly platform: string;
  readonly local: boolean;
  readonly auth: Readonly<Record<string, string>>;
}

/**
 * The trust of a gateway over the real commands and a real database, in one thread and without a disk, so that thousands of
 * histories are gone through in seconds. A crash loses whatever was not committed, and every reply that was under way.
 */
export class PairingHouse {
  readonly tokens: ReturnType<typeof createDeviceTokens> = createDeviceTokens(SERVER_KEY);
  devices!: Devices;
  links!: DeviceLinks;
  next: Fate = "done";
  readonly #db = new DatabaseSync(":memory:");
  readonly #tx = new Tx(this.#db);
  readonly #clock: FakeClock;
  #policy: HousePolicy = { localTrust: "on", localOwner: true };
  #authenticator!: Authenticator;

  constructor(clock: FakeClock) {
    this.#clock = clock;
    this.#db.exec("PRAGMA foreign_keys = ON");
    for (const { sql } of MIGRATIONS) this.#db.exec(sql);
  }

  /** Begins anew with nothing paired. */
  async reset(policy: HousePolicy): Promise<void> {
    const tables = ["devices", "device_requests", "device_links", "device_decisions", "audit"];
    for (const table of tables) this.#db.exec(`DELETE FROM ${table}`);
    this.#db.exec("UPDATE device_generations SET first = 1");
    this.#policy = policy;
    await this.open();
    const claim = { ...HELPER, deviceId: deviceId(HELPER.identity), publicKey: "key", signature: "v3" } as const;
    await this.devices.pair({ ...claim, role: "operator" }, ["not-paired"]);
  }

  /** What a process does when it starts. */
  async open(): Promise<void> {
    this.next = "done";
    const parts = { store: this.#store(), clock: this.#clock, ids: systemIds, log: silentLog };
    this.devices = await openDevices(parts);
    this.links = createDeviceLinks(parts);
    this.#authenticator = createAuthenticator({
      ...parts,
      devices: this.devices,
      limiter: createRateLimiter({
        settings: { ...RATE_LIMIT, maxAttempts: Number.MAX_SAFE_INTEGER },
        now: () => this.#clock.now(),
      }),
      policy: {
        mode: "token",
        checkSecret: createSecretCheck({ mode: "token", token: SECRET }),
        tokens: this.tokens,
        localTrust: this.#policy.localTrust,
        localOwnerScopes: this.#policy.localOwner ? OWNER_SCOPES : [],
        origins: { allowedOrigins: [], allowHostHeader: false },
      },
    });
  }

  /** The generation that the database has for a role. */
  generation(deviceId: string, role: string): number | undefined {
    const row = this.#tx.get(
      "SELECT generation FROM device_grants WHERE device_id = ? AND role = ? AND revoked_at IS NULL",
      deviceId,
      role,
    );
    return row === undefined ? undefined : Number(row["generation"]);
  }

  /** The device that the database has for a link's code. */
  linkUser(code: string): string | undefined {
    const row = this.#tx.get("SELECT used_by FROM device_links WHERE code_hash = ?", bootstrapHash(code));
    return row === undefined || row["used_by"] === null ? undefined : String(row["used_by"]);
  }

  async connect({ device, role, scopes, platform, local, auth }: Attempt): Promise<Verdict> {
    const nonce = "n";
    const client = { id: "cli", version: "1", mode: "cli", platform };
    const plain: Params = cliParams({ role, scopes, client, ...(Object.keys(auth).length === 0 ? {} : { auth }) });
    const params = device === undefined ? plain : signed(plain, device, { nonce, at: this.#clock.now() });
    const peer = local ? HERE : ELSEWHERE;
    return this.#authenticator.authenticate({ params: params as unknown as ConnectParams, peer, nonce });
  }

  close(): void {
    this.#db.close();
  }

  #store(): Pick<Store, "run"> {
    const command = (name: CommandName) => COMMANDS[name] as (tx: Tx, args: unknown) => unknown;
    return {
      run: async (name, args) => {
        const fate = this.next;
        if (fate === "never-run") throw new Error("the process died before the commit");
        this.#db.exec("BEGIN");
        try {
          const result = command(name)(this.#tx, structuredClone(args));
          this.#db.exec("COMMIT");
          if (fate === "reply-lost") throw new Error("the process died after the commit");
          return structuredClone(result) as never;
        } catch (error) {
          if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
          throw error;
        }
      },
    };
  }
}

const HERE: PeerFacts = {
  address: "127.0.0.1",
  host: "localhost:1",
  origin: undefined,
  forwarded: false,
  onHost: true,
  hostAllowed: true,
  secure: false,
};
const ELSEWHERE: PeerFacts = { ...HERE, address: "203.0.113.9", host: "gw.example", onHost: false, secure: true };
