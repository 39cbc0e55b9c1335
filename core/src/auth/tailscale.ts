import { canonicalAddress } from "./addresses.ts";
import type { TailnetClaim, Vouched } from "./vouched.ts";

/** Questions to the daemon at once: each is a process, and strangers ask them. */
const MAX_ASKING = 4;
/** Questions that wait besides; more are answered as if the daemon did not know. */
const MAX_WAITING = 64;
/** How often the name is asked for while it is unknown, ms. */
const NAME_RETRY_MS = 60_000;
/** What the daemon calls the user of a device that belongs to nobody. Source: https://tailscale.com/kb/1068/tags */
const TAGGED = "tagged-devices";

/** Runs the tailscale program and resolves with what it printed. Rejects with an Error that says why it could not. */
export type RunTailscale = (args: readonly string[]) => Promise<string>;

export interface TailscaleParts {
  readonly run: RunTailscale;
  /** Logins that may connect; empty: all users, but no tagged device. */
  readonly allowUsers: readonly string[];
  /** Whether this host has a tailnet address now: only then it can have a name there. */
  readonly onTailnet: () => boolean;
  /** Epoch ms. */
  readonly now: () => number;
}

/** This host's Tailscale daemon, asked through its program. */
export interface Tailscale {
  /** Who is at a tailnet address. Asked anew for every connection: a device may change hands. Never rejects. */
  whois(claim: TailnetClaim): Promise<Vouched>;
  /** This host's MagicDNS name as far as it is known; asks in the background while it is not. */
  name(): string | undefined;
  /** Learns the name. Rejects with what is to be done when there is no daemon or it is not connected. */
  check(): Promise<void>;
}

const FAILED: Vouched = { is: "fault", reason: "tailscale_whois_failed" };

export function createTailscale(parts: TailscaleParts): Tailscale {
  const { run, now, onTailnet } = parts;
  const allowed = new Set(parts.allowUsers);
  const askOnce = createLogins(run);
  let known: string | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;

  async function learn(): Promise<void> {
    askedAt = now();
    known = ownName(await run(["status", "--json", "--peers=false"]));
  }

  return {
    async whois({ address, login }) {
      const found = await askOnce(canonicalAddress(address));
      if (found === undefined) return FAILED;
      if (login !== undefined && login !== found) return { is: "fault", reason: "tailscale_user_mismatch" };
      const welcome = allowed.size > 0 ? allowed.has(found) : found !== TAGGED;
      return welcome ? { is: "user", user: found } : { is: "fault", reason: "tailscale_user_not_allowed" };
    },
    name() {
      const due = Math.abs(now() - askedAt) >= NAME_RETRY_MS;
      // Without a daemon there is just no name; mode `tailscale` has told of it at the start.
      if (known === undefined && due && onTailnet()) void learn().catch(() => undefined);
      return known;
    },
    check: learn,
  };
}

/** The login at an address, or undefined when the daemon does not say; asked once for all who ask for it meanwhile. */
function createLogins(run: RunTailscale): (address: string) => Promise<string | undefined> {
  const asking = new Map<string, Promise<string | undefined>>();
  const turns: (() => void)[] = [];
  let running = 0;

  async function inTurn<T>(ask: () => Promise<T>): Promise<T> {
    if (running >= MAX_ASKING) await new Promise<void>((resolve) => turns.push(resolve));
    else running += 1;
    try {
      return await ask();
    } finally {
      // The place is handed on rather than given back, so that nobody slips in between.
      const next = turns.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  }

  async function loginAt(address: string): Promise<string | undefined> {
    if (turns.length >= MAX_WAITING) return undefined;
    try {
      return loginOf(await inTurn(() => run(["whois", "--json", address])));
    } catch {
      return undefined;
    }
  }

  return (address) => {
    const pending = asking.get(address) ?? loginAt(address).finally(() => asking.delete(address));
    asking.set(address, pending);
    return pending;
  };
}

function loginOf(text: string): string | undefined {
  const profile = field(JSON.parse(text), "UserProfile");
  const login = field(profile, "LoginName");
  return typeof login === "string" && login !== "" ? login : undefined;
}

function ownName(text: string): string | undefined {
  const status: unknown = JSON.parse(text);
  const state = field(status, "BackendState");
  if (state !== "Running") {
    throw new Error(
      `Tailscale is not connected (${typeof state === "string" ? state : "unknown state"}): run "tailscale up"`,
    );
  }
  const name = field(field(status, "Self"), "DNSName");
  return typeof name === "string" && name !== "" ? name : undefined;
}

const field = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
