import { type Closed, type ProbeResult, isConnectError } from "openclaw-host-sdk";
import type { Clock, Undo } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import type { Logger } from "../../base/log.ts";
import type { AccountSpec, ChannelConnection } from "../../host/channel-port.ts";
import type { CallLimits } from "../guest-call.ts";
import { type AccountState, type Identity, type Link, STABLE_MS, afterClosed, parseClosed } from "./account-state.ts";
import { CLOSED_CIRCUIT, type Circuit, type CircuitEvent, afterEvent } from "./circuit.ts";
import { type ConnectParts, type Life, connectAccount, takeLease } from "./connect-account.ts";
import { failure, identityOf, isClosed } from "./identity.ts";
import { type Liveness, watchLink } from "./liveness.ts";

export interface SuperviseParts extends ConnectParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  /** The account's config with its secrets resolved, anew for every connection. */
  readonly config: () => Promise<unknown>;
  /** Called once per connection, before `connect`; what it rejects with ends the attempt. */
  readonly identified: (identity: Identity) => Promise<void>;
  readonly onState: (state: AccountState) => void;
  readonly onCircuit: (circuit: Circuit["state"]) => void;
  /** The platform was asked who the account is, and said something or nothing. */
  readonly onProbe: (ok: boolean) => void;
  readonly onLink: (link: Link) => Undo;
}

export interface SupervisedAccount {
  state(): AccountState;
  /** The platform took a message. */
  sent(): void;
  /** The platform answered a probe that was nobody's connection: a wait of our own making ends, as far as that is decent. */
  answered(): void;
  /** Drains for at most `drainMs`, default 3 s, and ends, whatever the platform does. */
  stop(drainMs?: number): Promise<void>;
}

/** Deadlines of calls into a channel, ms. */
const CONFIG_MS = 10_000;
export const PROBE_MS = 15_000;
const DRAIN_MS = 3_000;
/** Of a probe that only asks whether the platform is still there. */
const ASK_MS = 10_000;
/** A wait is not cut short before this, ms: whoever asks for the status every second must not connect every second. */
const DECENT_WAIT_MS = 30_000;

/** A connection that stands. */
interface Serving {
  readonly spec: AccountSpec;
  readonly link: Link;
  readonly life: Life;
  /** It has lived long enough to be a good one. */
  readonly onLasted: () => void;
}

/** How a connection, or the attempt to have one, ended. `lasted`: it was a good one until then. */
interface Ended {
  readonly why: Closed;
  readonly lasted: boolean;
}

const textsOf = ({ detail, fix }: Closed) => ({ detail, ...(fix === undefined ? {} : { fix }) });

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

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
  #circuit: Circuit = CLOSED_CIRCUIT;
  #watch: Liveness | undefined;
  #wakeUp: Undo = () => {};
  #drainMs = DRAIN_MS;

  constructor(parts: SuperviseParts) {
    this.#parts = parts;
    this.#label = `${parts.name.channel}/${parts.name.account}`;
    this.#state = { phase: "idle", since: parts.clock.now() };
    this.#ended = this.#run();
  }

  state(): AccountState {
    return this.#state;
  }

  sent(): void {
    this.#watch?.proved("answer");
  }

  answered(): void {
    this.#watch?.proved("answer");
    const state = this.#state;
    if (state.phase !== "waiting" || state.why.retryAfterMs !== undefined) return;
    if (this.#parts.clock.now() - state.since >= DECENT_WAIT_MS) this.#wakeUp();
  }

  async stop(drainMs: number = DRAIN_MS): Promise<void> {
    this.#drainMs = drainMs;
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

  #step(event: CircuitEvent): void {
    const before = this.#circuit.state;
    this.#circuit = afterEvent(this.#circuit, event);
    if (this.#circuit.state !== before) this.#parts.onCircuit(this.#circuit.state);
  }

  async #run(): Promise<void> {
    const { clock, ids, log } = this.#parts;
    const { signal } = this.#stopping;
    let attempt = 1;
    while (!signal.aborted) {
      const { why, lasted } = await this.#attempt(attempt);
      if (signal.aborted) break;
      if (lasted) attempt = 1;
      else this.#step({ type: "failed", at: clock.now() });
      const circuit = this.#circuit;
      const next = afterClosed(why, { attempt, circuit, now: clock.now(), fraction: () => ids.fraction() });
      this.#enter(next);
      const { code, detail } = why;
      log.warn("an account is not connected", {
        account: this.#label,
        code,
        detail,
        next: next.phase,
        circuit: circuit.state,
      });
      if (next.phase !== "waiting") return;
      await this.#rest(next.until - clock.now());
      this.#step({ type: "rested" });
      attempt += 1;
    }
    this.#enter({ phase: "stopped", since: clock.now() });
  }

  async #rest(ms: number): Promise<void> {
    const nap = new AbortController();
    const wake = () => nap.abort();
    const { signal } = this.#stopping;
    this.#wakeUp = wake;
    signal.addEventListener("abort", wake, { once: true });
    await this.#parts.clock.sleep(ms, nap.signal);
    signal.removeEventListener("abort", wake);
    this.#wakeUp = () => {};
  }

  /** Never rejects. `lasted`: it was a good connection until it ended. */
  async #attempt(attempt: number): Promise<Ended> {
    let lasted = false;
    const onLasted = () => {
      lasted = true;
      this.#step({ type: "lasted" });
    };
    try {
      return { why: await this.#live(attempt, onLasted), lasted };
    } catch (error) {
      return {
        why: isConnectError(error) ? parseClosed(error.data.closed) : failure("failed", messageOf(error)),
        lasted,
      };
    }
  }

  /** One lifetime, from probe to the end of the connection; returns or throws why it ended. */
  async #live(attempt: number, onLasted: () => void): Promise<Closed> {
    const { calls, clock, config, name, port } = this.#parts;
    this.#enter({ phase: "probing", since: clock.now(), attempt });
    const resolved = await calls.run(this.#limits("configuration", CONFIG_MS), () => config());
    const spec: AccountSpec = { channel: name.channel, account: name.account, config: resolved };
    const probe = await this.#probe(spec, PROBE_MS);
    const identity = identityOf(probe, port.label);
    if (isClosed(identity)) return identity;
    const limits = (what: string, ms: number) => this.#limits(what, ms);
    const lease = await takeLease(this.#parts, identity, limits);
    if (typeof lease !== "function") return lease;
    const life: Life = { live: true };
    try {
      this.#enter({ phase: "connecting", since: clock.now(), attempt, identity });
      await this.#parts.identified(identity);
      const abandon = (late: ChannelConnection) => void this.#drain(late);
      const link = await connectAccount(this.#parts, { spec, identity, life, limits, abandon });
      return await this.#serve({ spec, link, life, onLasted });
    } finally {
      life.live = false;
      lease();
    }
  }

  async #probe(spec: AccountSpec, ms: number): Promise<ProbeResult> {
    const { calls, onProbe, port } = this.#parts;
    let ok = false;
    try {
      const result = await calls.run(this.#limits("probe", ms), (call) => port.probe(spec, call));
      ok = result.ok;
      return result;
    } finally {
      onProbe(ok);
    }
  }

  async #serve(serving: Serving): Promise<Closed> {
    const { link, life, onLasted } = serving;
    const { clock, onHealth, onLink } = this.#parts;
    this.#enter({ phase: "connected", since: clock.now(), link });
    const watch = this.#watchLink(serving);
    life.watch = watch;
    this.#watch = watch;
    const detach = onLink(link);
    const cancelLasted = clock.after(STABLE_MS, onLasted);
    const { aborted, dispose } = onAbort(this.#stopping.signal);
    let why: Closed;
    try {
      const end = await Promise.race([
        link.connection.closed.then((closed) => ({ by: "channel", why: parseClosed(closed) }) as const),
        watch.silent.then((silent) => ({ by: "silence", why: silent }) as const),
        aborted.then(() => ({ by: "stop", why: failure("stopped", "stopped") }) as const),
      ]);
      why = end.why;
      if (end.by === "channel") return why;
      // Shown before the channel is given its time to end.
      if (end.by === "silence") onHealth({ state: "degraded", ...textsOf(why) });
    } catch (error) {
      return failure("crashed", messageOf(error));
    } finally {
      this.#watch = undefined;
      watch.stop();
      cancelLasted();
      dispose();
      detach();
    }
    await this.#drain(link.connection);
    return why;
  }

  #watchLink({ link, spec }: Serving): Liveness {
    const { clock, onHealth, port } = this.#parts;
    const { livenessMs } = link.capabilities;
    return watchLink({
      clock,
      label: port.label,
      ...(livenessMs === undefined ? {} : { livenessMs }),
      probe: () => this.#probe(spec, ASK_MS),
      onHealth,
    });
  }

  /** Never rejects: an account ends whatever its platform does. */
  async #drain(connection: ChannelConnection): Promise<void> {
    try {
      // The account's own signal has aborted by now, so it must not end this call.
      await this.#parts.calls.run({ what: `drain of ${this.#label}`, ms: this.#drainMs }, (call) =>
        connection.drain(call),
      );
    } catch (error) {
      this.#parts.log.warn("a connection did not end cleanly", { account: this.#label, error: messageOf(error) });
    }
  }
}
