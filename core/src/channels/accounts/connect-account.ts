import { type Closed, type Health, ReceiveError } from "openclaw-host-sdk";
import type { Undo } from "../../base/clock.ts";
import type { AccountDoors, AccountSpec, ChannelConnection, ChannelPort } from "../../host/channel-port.ts";
import type { AccountName } from "../../store/tables/inbox.ts";
import type { CallLimits, GuestCalls } from "../guest-call.ts";
import type { Identity, Link } from "./account-state.ts";
import type { Leases } from "./lease.ts";
import type { Liveness } from "./liveness.ts";

/** What it takes to connect an account whose identity is known. */
export interface ConnectParts {
  readonly calls: GuestCalls;
  readonly leases: Leases;
  readonly port: ChannelPort;
  readonly name: AccountName;
  readonly receive: (link: Omit<Link, "connection">) => Pick<AccountDoors, "receive" | "cursor">;
  readonly onHealth: (health: Omit<Health, "since">) => void;
}

/** The deadline of a call, in the name of the account. */
type Limits = (what: string, ms: number) => CallLimits;

/** Whether a connection's doors still lead anywhere. */
export interface Life {
  live: boolean;
  /** Once it is connected. */
  watch?: Liveness;
}

/** One attempt to connect. */
export interface Connecting {
  readonly spec: AccountSpec;
  readonly identity: Identity;
  readonly life: Life;
  readonly limits: Limits;
  /** Ends a connection that came too late: nobody waits for it, and two of one identity must never live. */
  readonly abandon: (late: ChannelConnection) => void;
}

const CAPABILITIES_MS = 15_000;
const CONNECT_MS = 30_000;

/** Waits for the same account's earlier connection; refuses another account of the same identity. */
export async function takeLease(parts: ConnectParts, identity: Identity, limits: Limits): Promise<Undo | Closed> {
  const { calls, leases, name, port } = parts;
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
    await calls.run(limits("end of the earlier connection", CONNECT_MS), () => claim.freed);
  }
}

/** Rejects as the channel does, or when it does not answer in time. */
export async function connectAccount(parts: ConnectParts, connecting: Connecting): Promise<Link> {
  const { calls, port } = parts;
  const { abandon, identity, limits, spec } = connecting;
  const capabilities = await calls.run(limits("capabilities", CAPABILITIES_MS), (call) =>
    port.capabilities(spec, call),
  );
  const doors = doorsOf(parts, { identity, capabilities }, connecting.life);
  const connection = await calls.run(
    limits("connect", CONNECT_MS),
    (call) => port.connect({ ...spec, self: identity.self }, doors, call),
    abandon,
  );
  return { identity, capabilities, connection };
}

function doorsOf(parts: ConnectParts, link: Omit<Link, "connection">, life: Life): AccountDoors {
  const inner = parts.receive(link);
  return {
    async receive(batch, options) {
      if (!life.live) throw new ReceiveError("this connection has ended", { retryAfterMs: 1_000 });
      life.watch?.proved("link");
      return inner.receive(batch, options);
    },
    cursor: () => inner.cursor(),
    health(health) {
      if (!life.live) return;
      life.watch?.reported(health);
      parts.onHealth(health);
    },
  };
}
