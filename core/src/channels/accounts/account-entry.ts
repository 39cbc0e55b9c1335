import type { Capabilities } from "openclaw-host-sdk";
import type { ConfiguredAccount } from "./account-config.ts";
import { type AccountFacts, afterReport, afterRoundTrip, afterState, initialFacts } from "./account-facts.ts";
import type { Identity, Link } from "./account-state.ts";
import type { AccountsParts } from "./accounts-parts.ts";
import type { Leases } from "./lease.ts";
import type { AccountDoors, ChannelPort } from "../../host/channel-port.ts";
import { AccountSupervisor } from "./supervise-account.ts";

interface EntryParts extends AccountsParts {
  readonly port: ChannelPort;
  readonly configured: ConfiguredAccount;
  readonly leases: Leases;
}

/** One supervised account: its life, and what is known of it. */
export class AccountEntry {
  readonly configured: ConfiguredAccount;
  readonly #parts: EntryParts;
  readonly #supervisor: AccountSupervisor;
  #facts: AccountFacts;
  #link: Link | undefined;
  #known: Capabilities | undefined;

  constructor(parts: EntryParts) {
    this.#parts = parts;
    this.configured = parts.configured;
    this.#facts = initialFacts(parts.clock.now());
    this.#supervisor = this.#supervise();
  }

  facts(): AccountFacts {
    return this.#facts;
  }

  /** The live connection. */
  get link(): Link | undefined {
    return this.#link;
  }

  /** What the account could do at its last connection. */
  get known(): Capabilities | undefined {
    return this.#known;
  }

  /** Somebody asked the platform who the account is. */
  noteProbe(ok: boolean): void {
    this.#probed(ok);
    if (ok) this.#supervisor.answered();
  }

  noteSent(): void {
    const at = this.#parts.clock.now();
    this.#update({ ...afterRoundTrip(this.#facts, at), lastOutboundAt: at });
    this.#supervisor.sent();
  }

  /** See `SupervisedAccount.stop`. */
  stop(drainMs?: number): Promise<void> {
    return this.#supervisor.stop(drainMs);
  }

  #probed(ok: boolean): void {
    const at = this.#parts.clock.now();
    this.#update({ ...(ok ? afterRoundTrip(this.#facts, at) : this.#facts), lastProbeAt: at });
  }

  /** News is what people act on; a count or a time is read by whoever asks. */
  #update(facts: AccountFacts): void {
    const before = this.#facts;
    this.#facts = facts;
    const changed =
      before.state.phase !== facts.state.phase ||
      before.health.state !== facts.health.state ||
      before.health.detail !== facts.health.detail ||
      before.circuit !== facts.circuit;
    if (changed) this.#parts.onChange?.();
  }

  #supervise(): AccountSupervisor {
    const { configs, configured, port, clock } = this.#parts;
    const { channel, account } = configured;
    return new AccountSupervisor({
      ...this.#parts,
      name: { channel, account },
      config: () => configs.resolve(port.schema.account, configured.config),
      identified: (identity) => this.#identified(identity),
      receive: (link) => this.#receive(link),
      onHealth: (report) => this.#update(afterReport(this.#facts, report, clock.now())),
      onState: (state) => this.#update(afterState(this.#facts, state)),
      onCircuit: (circuit) => this.#update({ ...this.#facts, circuit }),
      onProbe: (ok) => this.#probed(ok),
      onLink: (link) => this.#connected(link),
    });
  }

  #connected(link: Link) {
    this.#link = link;
    this.#known = link.capabilities;
    const { channel, account } = this.configured;
    const undo = this.#parts.onLink({ channel, account }, link);
    return () => {
      this.#link = undefined;
      undo();
    };
  }

  #receive({ identity, capabilities }: Omit<Link, "connection">): Pick<AccountDoors, "receive" | "cursor"> {
    const { inbox, clock } = this.#parts;
    const { channel, account } = this.configured;
    const windowMs = capabilities.delivery.redeliveryWindowMs;
    const scope = { channel, account, lease: identity.lease, windowMs };
    return {
      receive: async (batch, options) => {
        const outcomes = await inbox.receive(scope, batch, options);
        const at = clock.now();
        this.#update({ ...afterRoundTrip(this.#facts, at), ...(batch.length === 0 ? {} : { lastInboundAt: at }) });
        return outcomes;
      },
      cursor: () => inbox.cursor(scope),
    };
  }

  /** The cursor follows the identity, so another identity under the same label starts anew, and that is said. */
  async #identified({ lease, self }: Identity): Promise<void> {
    const { store, clock, log } = this.#parts;
    const { channel, account } = this.configured;
    const replaced = await store.run("inbox.identify", { channel, account, lease, at: clock.now() });
    if (replaced === undefined) return;
    const { before, messages, parts } = replaced;
    log.warn(
      "this account is another identity than before: it starts without the old cursor, and what waited in the old one's name goes out only when its owner says so (openclaw delivery list --state dead)",
      { channel, account, before, now: self.id, messages, parts },
    );
  }
}
