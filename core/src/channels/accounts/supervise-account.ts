import { type Closed, type Health, type ProbeResult, ReceiveError, isConnectError } from "openclaw-host-sdk";
import type { Clock, Undo } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import type { Logger } from "../../base/log.ts";
import type { AccountDoors, AccountSpec, ChannelConnection, ChannelPort } from "../../host/channel-port.ts";
import type { AccountName } from "../../store/tables/inbox.ts";
import { type AccountState, type Identity, type Link, STABLE_MS, afterClosed, parseClosed } from "./account-state.ts";
import type { CallLimits, GuestCalls } from "../guest-call.ts";
import type { Leases } from "./lease.ts";

export interface SuperviseParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly calls: GuestCalls;
  readonly leases: Leases;
  readonly port: ChannelPort;
  readonly name: AccountName;
  /** The account's config with its secrets resolved, anew for every connection. */
  readonly config: () => Promise<unknown>;
  /** Called once per connection, before `connect`; what it rejects with ends the attempt. */
  readonly identified: (identity: Identity) => Promise<void>;
  readonly receive: (link: Omit<Link, "connection">) => Pick<AccountDoors, "receive" | "cursor">;
  readonly onHealth: (health: Omit<Health, "since">) => void;
  readonly onState: (state: AccountState) => void;
  readonly onLink: (link: Link) => Undo;
}

export interface SupervisedAccount {
  state(): AccountState;
  /** Drains and ends within about `DRAIN_MS`, whatever the platform does. */
  stop(): Promise<void>;
}

/** Deadlines of calls into a channel, ms. */
const CONFIG_MS = 10_000;
export const PROBE_MS = 15_000;
const CONNECT_MS = 30_000;
const DRAIN_MS = 3_000;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Ends an attempt; the message is the reason the owner reads. */
function failure(code: string, detail: string, fix?: string): Closed {
  return { retry: "backoff", code, detail, ...(fix === undefined ? {} : { fix }) };
}

function identityOf(probe: ProbeResult, channel: string): Identity | Closed {
  if (!probe.ok) return failure("probe", probe.detail ?? `${channel} did not accept the account`, probe.fix);
  const { self } = probe;
  if (self === undefined || typeof self.id !== "string" || self.id === "") {
    return failure("no-identity", `the ${channel} extension did not say who the account is; report this to its author`);
  }
  return { self, lease: probe.lease ?? self.id };
}

/** Whether a connection's doors still lead anywhere. */
interface Life {
  live: boolean;
}

const isClosed = (value: Identity | Closed): value is Closed => "retry" in value;

/** Resolves when the signal aborts; `dispose` takes the listener away again. */
function onAbort(signal: AbortSignal): { readonly aborted: Promise<"stop">; readonly dispose: Undo } {
  const { promise: aborted, resolve } = Promise.withResolvers<"stop">();
  const stop = () => resolve("stop");
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  return { aborted, dispose: () => signal.removeEventListener("abort", stop) };
}

/** Keeps one account connected: probe, connect, wait for the end, do what the end asks for. */
export class AccountSupervisor implements SupervisedAccount {
  readonly #parts: SuperviseParts;
  readonly #label: string;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  #state: AccountState;

  constructor(parts: SuperviseParts) {
    this.#parts = parts;
    this.#label = `${parts.name.channel}/${parts.name.account}`;
    this.#state = { phase: "idle", since: parts.clock.now() };
    this.#ended = this.#run();
  }

  state(): AccountState {
    return this.#state;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
    if (this.#state.phase !== "stopped") this.#enter({ phase: "stopped", since: this.#parts.clock.now() });
  }

  #enter(state: AccountState): void {
    this.#state = state;
    this.#parts.onState(state);
  }

  #limits(what: string, ms: number): CallLimits {
    return { what: `${what} of ${this.#label}`, ms, signal: this.#stopping.signal };
  }

  async #run(): Promise<void> {
    const { clock, ids, log } = this.#parts;
    const { signal } = this.#stopping;
    let attempt = 1;
    while (!signal.aborted) {
      const why = await this.#attempt(attempt).catch((error: unknown) =>
        isConnectError(error) ? parseClosed(error.data.closed) : failure("failed", messageOf(error)),
      );
      if (signal.aborted) break;
      if (this.#state.phase === "connected" && clock.now() - this.#state.since >= STABLE_MS) attempt = 1;
      const next = afterClosed(why, attempt, { now: clock.now(), fraction: () => ids.fraction() });
      this.#enter(next);
      log.warn("an account is not connected", {
        account: this.#label,
        code: why.code,
        detail: why.detail,
        next: next.phase,
      });
      if (next.phase !== "waiting") return;
      await clock.sleep(next.until - clock.now(), signal);
      attempt += 1;
    }
    this.#enter({ phase: "stopped", since: clock.now() });
  }

  /** One lifetime, from probe to the end of the connection; returns or throws why it ended. */
  async #attempt(attempt: number): Promise<Closed> {
    const { calls, clock, config, name, port } = this.#parts;
    this.#enter({ phase: "probing", since: clock.now(), attempt });
    const resolved = await calls.run(this.#limits("configuration", CONFIG_MS), () => config());
    const spec: AccountSpec = { channel: name.channel, account: name.account, config: resolved };
    const probe = await calls.run(this.#limits("probe", PROBE_MS), (call) => port.probe(spec, call));
    const identity = identityOf(probe, port.label);
    if (isClosed(identity)) return identity;
    const lease = await this.#takeLease(identity);
    if (typeof lease !== "function") return lease;
    const life = { live: true };
    try {
      this.#enter({ phase: "connecting", since: clock.now(), attempt, identity });
      await this.#parts.identified(identity);
      return await this.#serve(await this.#connect(spec, identity, life));
    } finally {
      life.live = false;
      lease();
    }
  }

  /** Waits for the same account's earlier connection; refuses another account of the same identity. */
  async #takeLease(identity: Identity): Promise<Undo | Closed> {
    const { calls, leases, name, port } = this.#parts;
    for (;;) {
      const claim = leases.claim(name.channel, identity.lease, name.account);
      if (claim.granted) return claim.release;
      if (claim.holder !== name.account) {
        const who = identity.self.handle ?? identity.self.id;
        return {
          retry: "never",
          code: "same-identity",
          detail: `accounts ${claim.holder} and ${name.account} are the same ${port.label} identity (${who}); only ${claim.holder} is connected`,
          fix: `remove channels.${name.channel}.accounts.${name.account} or give it an identity of its own`,
        };
      }
      await calls.run(this.#limits("end of the earlier connection", CONNECT_MS), () => claim.freed);
    }
  }

  async #connect(spec: AccountSpec, identity: Identity, life: Life): Promise<Link> {
    const { calls, port } = this.#parts;
    const capabilities = await calls.run(this.#limits("capabilities", PROBE_MS), (call) =>
      port.capabilities(spec, call),
    );
    const connection = await calls.run(
      this.#limits("connect", CONNECT_MS),
      (call) => port.connect({ ...spec, self: identity.self }, this.#doors({ identity, capabilities }, life), call),
      // Nobody waits for a connection that came too late, and two of one identity must never live.
      (late) => void this.#drain(late),
    );
    return { identity, capabilities, connection };
  }

  #doors(link: Omit<Link, "connection">, life: Life): AccountDoors {
    const inner = this.#parts.receive(link);
    return {
      receive: async (batch, options) => {
        if (!life.live) throw new ReceiveError("this connection has ended", { retryAfterMs: 1_000 });
        return inner.receive(batch, options);
      },
      cursor: () => inner.cursor(),
      health: (health) => {
        if (life.live) this.#parts.onHealth(health);
      },
    };
  }

  async #serve(link: Link): Promise<Closed> {
    this.#enter({ phase: "connected", since: this.#parts.clock.now(), link });
    const detach = this.#parts.onLink(link);
    const { aborted, dispose } = onAbort(this.#stopping.signal);
    try {
      const end = await Promise.race([link.connection.closed, aborted]);
      if (end !== "stop") return parseClosed(end);
    } catch (error) {
      return failure("crashed", messageOf(error));
    } finally {
      dispose();
      detach();
    }
    await this.#drain(link.connection);
    return failure("stopped", "stopped");
  }

  /** Never rejects: an account ends whatever its platform does. */
  async #drain(connection: ChannelConnection): Promise<void> {
    try {
      // The account's own signal has aborted by now, so it must not end this call.
      await this.#parts.calls.run({ what: `drain of ${this.#label}`, ms: DRAIN_MS }, (call) => connection.drain(call));
    } catch (error) {
      this.#parts.log.warn("a connection did not end cleanly", { account: this.#label, error: messageOf(error) });
    }
  }
}
