import type { Capabilities, MediaRef, PendingMedia, ProbeResult } from "openclaw-host-sdk";
import { WireError, invalidRequest } from "../../base/wire-error.ts";
import type { ChannelPort } from "../../host/channel-port.ts";
import type { ParkedParts } from "../../store/tables/deliveries.ts";
import type { AccountName } from "../../store/tables/inbox.ts";
import { type ConfiguredAccount, accountsOf } from "./account-config.ts";
import { AccountEntry } from "./account-entry.ts";
import type { AccountFacts } from "./account-facts.ts";
import type { AccountsParts } from "./accounts-parts.ts";
import { type Leases, createLeases } from "./lease.ts";
import type { AccessPolicy } from "../policy/policy.ts";
import type { DeliveryTarget, Routing } from "../policy/route.ts";

/** One account as it is configured and as it is. `facts` is absent when no extension provides the channel or it is disabled. */
export interface AccountView {
  readonly configured: ConfiguredAccount;
  readonly facts?: AccountFacts;
  /** Since when there are no facts, epoch ms. */
  readonly absentSince?: number;
  /** Parts of unknown fate that wait for the owner. */
  readonly parked?: ParkedParts;
}

/** Who is heard on an account, and where it goes. */
export interface Rules {
  readonly policy: AccessPolicy;
  readonly routing: Routing;
}

export interface Accounts {
  /** Keeps every enabled account of this channel connected until the undo is called; the undo resolves when all have ended. */
  serve(port: ChannelPort): () => Promise<void>;
  /** Ids of the configured channels, in the order of the file. */
  channels(): readonly string[];
  /** Configured accounts, in the order of the file; of one channel or of all. */
  list(channel?: string): readonly AccountView[];
  find(name: AccountName): AccountView | undefined;
  /** As `find`; throws `INVALID_REQUEST` for an account that is not configured. */
  require(name: AccountName): AccountView;
  /** Accounts that have connected since the start: their capabilities are known and their messages can be answered. */
  reachable(): readonly AccountName[];
  /** What the owner decided for an account, as the configuration is now; undefined when it is not configured any more. */
  rules(name: AccountName, routing: Routing): Rules | undefined;
  capabilities(name: AccountName): Promise<Capabilities>;
  /** Shows or ends "typing"; nothing when the channel has no such thing or is not connected. Rejects when the channel fails. */
  typing(target: DeliveryTarget, on: boolean): Promise<void>;
  /** Fetches announced media into the media store. Throws `UNAVAILABLE` when the account is not connected. */
  fetchMedia(name: AccountName, pending: PendingMedia): Promise<MediaRef>;
  /** Asks the platform who the account is, apart from any connection. Rejects after `timeoutMs`. */
  probe(name: AccountName, timeoutMs: number): Promise<ProbeResult>;
  noteSent(name: AccountName): void;
  /** Drains every account for at most `drainMs`, default 3 s, and forgets it. */
  close(drainMs?: number): Promise<void>;
}

const TYPING_MS = 5_000;
const FETCH_MEDIA_MS = 120_000;
const CAPABILITIES_MS = 10_000;

const keyOf = (name: AccountName): string => JSON.stringify([name.channel, name.account]);

class AccountSet implements Accounts {
  readonly #parts: AccountsParts;
  readonly #leases: Leases = createLeases();
  readonly #entries = new Map<string, AccountEntry>();
  readonly #startedAt: number;
  /** When an account that was served was given up, by key; epoch ms. */
  readonly #endedAt = new Map<string, number>();

  constructor(parts: AccountsParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
  }

  serve(port: ChannelPort): () => Promise<void> {
    const mine = this.list(port.id)
      .filter(({ configured }) => configured.enabled)
      .map(({ configured }) => {
        const entry = new AccountEntry({ ...this.#parts, port, configured, leases: this.#leases });
        this.#entries.set(keyOf(configured), entry);
        return entry;
      });
    return async () => {
      await Promise.all(mine.map((entry) => this.#end(entry)));
    };
  }

  async #end(entry: AccountEntry, drainMs?: number): Promise<void> {
    await entry.stop(drainMs);
    const key = keyOf(entry.configured);
    if (this.#entries.get(key) !== entry) return;
    this.#entries.delete(key);
    this.#endedAt.set(key, this.#parts.clock.now());
  }

  channels(): readonly string[] {
    return Object.keys(this.#parts.configs.section());
  }

  list(channel?: string): readonly AccountView[] {
    const section = this.#parts.configs.section();
    return Object.entries(section)
      .filter(([id]) => channel === undefined || id === channel)
      .flatMap(([id, config]) => accountsOf(id, config))
      .map((configured) => {
        const key = keyOf(configured);
        const entry = this.#entries.get(key);
        const absentSince = this.#endedAt.get(key) ?? this.#startedAt;
        const parked = this.#parts.parked(configured);
        return {
          configured,
          ...(entry === undefined ? { absentSince } : { facts: entry.facts() }),
          ...(parked === undefined ? {} : { parked }),
        };
      });
  }

  find(name: AccountName): AccountView | undefined {
    return this.list(name.channel).find(({ configured }) => configured.account === name.account);
  }

  require(name: AccountName): AccountView {
    const view = this.find(name);
    if (view !== undefined) return view;
    const known = this.list(name.channel).map(({ configured }) => configured.account);
    throw invalidRequest(
      known.length === 0
        ? `channel ${name.channel} is not configured; see: openclaw channels add ${name.channel}`
        : `unknown account ${name.account} of channel ${name.channel}; it has: ${known.join(", ")}`,
    );
  }

  reachable(): readonly AccountName[] {
    return [...this.#entries.values()]
      .filter((entry) => entry.known !== undefined)
      .map(({ configured: { channel, account } }) => ({ channel, account }));
  }

  rules(name: AccountName, routing: Routing): Rules | undefined {
    const policy = this.find(name)?.configured.policy;
    return policy === undefined ? undefined : { policy, routing };
  }

  async capabilities(name: AccountName): Promise<Capabilities> {
    const known = this.#entries.get(keyOf(name))?.known;
    if (known !== undefined) return known;
    const port = this.#parts.registry.require(name.channel);
    const spec = await this.#spec(port, name);
    return this.#parts.calls.run(
      { what: `capabilities of ${name.channel}/${name.account}`, ms: CAPABILITIES_MS },
      (call) => port.capabilities(spec, call),
    );
  }

  async typing(target: DeliveryTarget, on: boolean): Promise<void> {
    const link = this.#entries.get(keyOf(target))?.link;
    if (link?.connection.typing === undefined || link.capabilities.typing !== true) return;
    await this.#parts.calls.run(
      { what: `typing of ${target.channel}/${target.account}`, ms: TYPING_MS },
      async (call) => link.connection.typing?.(target.peer, on, call),
    );
  }

  async fetchMedia(name: AccountName, pending: PendingMedia): Promise<MediaRef> {
    const label = `${name.channel}/${name.account}`;
    const link = this.#entries.get(keyOf(name))?.link;
    if (link === undefined)
      throw new WireError("UNAVAILABLE", `${label} is not connected; its media can be fetched later`);
    return this.#parts.calls.run({ what: `media of ${label}`, ms: FETCH_MEDIA_MS }, async (call) => {
      const fetched = await link.connection.fetchMedia?.(pending.pending, call);
      if (fetched !== undefined) return fetched;
      throw new WireError("UNAVAILABLE", `channel ${name.channel} cannot fetch media`, { retryable: false });
    });
  }

  async probe(name: AccountName, timeoutMs: number): Promise<ProbeResult> {
    const port = this.#parts.registry.require(name.channel);
    const spec = await this.#spec(port, name);
    let ok = false;
    try {
      const result = await this.#parts.calls.run(
        { what: `probe of ${name.channel}/${name.account}`, ms: timeoutMs },
        (call) => port.probe(spec, call),
      );
      ok = result.ok;
      return result;
    } finally {
      this.#entries.get(keyOf(name))?.noteProbe(ok);
    }
  }

  async #spec(port: ChannelPort, { channel, account }: AccountName) {
    const { configured } = this.require({ channel, account });
    return { channel, account, config: await this.#parts.configs.resolve(port.schema.account, configured.config) };
  }

  noteSent(name: AccountName): void {
    this.#entries.get(keyOf(name))?.noteSent();
  }

  async close(drainMs?: number): Promise<void> {
    await Promise.all([...this.#entries.values()].map((entry) => this.#end(entry, drainMs)));
  }
}

export function createAccounts(parts: AccountsParts): Accounts {
  return new AccountSet(parts);
}
