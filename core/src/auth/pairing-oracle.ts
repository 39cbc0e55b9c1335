import { scopeCovers, scopesCover } from "openclaw-host-schemas";
import { ROTATION_GRACE_MS } from "../store/tables/device-record.ts";

/** A token that was given out, by what ended it. */
type TokenState = { readonly is: "live" | "dead" } | { readonly is: "replaced"; readonly at: number };

interface Right {
  scopes: Set<string>;
  revoked: boolean;
  /** In the order in which they were issued. */
  readonly tokens: Map<string, TokenState>;
}

/** A request as it was first shown. */
export interface Asked {
  readonly device: string;
  readonly role: string;
  readonly scopes: readonly string[];
  readonly reason: string;
  readonly platform: string;
}

/** A token as a client holds it. */
export interface OwnedToken {
  readonly device: string;
  readonly role: string;
  readonly token: string;
}

interface MadeLink {
  readonly role: string;
  readonly scopes: readonly string[];
  readonly at: number;
  readonly maker: string;
  usedBy?: string;
}

interface Known {
  platform: string;
  readonly rights: Map<string, Right>;
}

/** What follows from the rules alone: who was granted what by whom, and which tokens may work. Knows nothing of how it is stored. */
export class PairingOracle {
  readonly requests: Map<string, Asked> = new Map();
  /** By code. */
  readonly links: Map<string, MadeLink> = new Map();
  readonly #devices = new Map<string, Known>();
  /** Tokens of devices that were removed: they never work again, whoever comes back. */
  readonly #buried = new Map<string, { readonly device: string; readonly role: string }>();

  isKnown(device: string): boolean {
    return this.#devices.has(device);
  }

  hasRow(device: string, role: string): boolean {
    return this.#devices.get(device)?.rights.has(role) === true;
  }

  isPinnedTo(device: string, platform: string): boolean {
    return (this.#devices.get(device)?.platform ?? platform) === platform;
  }

  /** Scopes by a grant that stands. */
  granted(device: string, role: string): readonly string[] | undefined {
    const right = this.#devices.get(device)?.rights.get(role);
    return right === undefined || right.revoked ? undefined : [...right.scopes];
  }

  covers(device: string, role: string, scopes: readonly string[]): boolean {
    const held = this.granted(device, role);
    return held !== undefined && scopesCover(held, scopes);
  }

  grant(device: string, role: string, given: { readonly scopes: readonly string[]; readonly platform: string }): void {
    const known = this.#devices.get(device) ?? { platform: given.platform, rights: new Map<string, Right>() };
    this.#devices.set(device, known);
    const right = known.rights.get(role) ?? { scopes: new Set<string>(), revoked: false, tokens: new Map() };
    known.rights.set(role, right);
    right.scopes = new Set([...(right.revoked ? [] : right.scopes), ...given.scopes]);
    right.revoked = false;
  }

  pin(device: string, platform: string): void {
    const known = this.#devices.get(device);
    if (known !== undefined) known.platform = platform;
  }

  /** A token was handed out; false when it is one that must not work any more. */
  issued(device: string, role: string, token: string): boolean {
    const right = this.#devices.get(device)?.rights.get(role);
    if (right === undefined || this.#buried.has(token)) return false;
    if (!right.tokens.has(token)) right.tokens.set(token, { is: "live" });
    return right.tokens.get(token)?.is === "live";
  }

  mayWork({ device, role, token }: OwnedToken, now: number): boolean {
    const right = this.#devices.get(device)?.rights.get(role);
    const state = right?.tokens.get(token);
    if (right === undefined || right.revoked || state === undefined) return false;
    return state.is === "live" || (state.is === "replaced" && Math.abs(now - state.at) < ROTATION_GRACE_MS);
  }

  /** A token was used: those issued before it are over. */
  used(device: string, role: string, token: string): void {
    const tokens = this.#devices.get(device)?.rights.get(role)?.tokens ?? new Map<string, TokenState>();
    for (const older of tokens.keys()) {
      if (older === token) return;
      tokens.set(older, { is: "dead" });
    }
  }

  rotate(
    device: string,
    role: string,
    change: { readonly at: number; readonly now: boolean; readonly scopes?: readonly string[] },
  ): void {
    const right = this.#devices.get(device)?.rights.get(role);
    if (right === undefined) return;
    for (const [token, state] of right.tokens) {
      if (change.now || state.is === "dead") right.tokens.set(token, { is: "dead" });
      else if (state.is === "live") right.tokens.set(token, { is: "replaced", at: change.at });
    }
    if (change.scopes === undefined) return;
    const narrower = !scopesCover(change.scopes, [...right.scopes]);
    right.scopes = new Set(change.scopes);
    if (narrower) this.#forgetLinks(device);
  }

  revoke(device: string, role: string): void {
    const right = this.#devices.get(device)?.rights.get(role);
    if (right === undefined) return;
    right.revoked = true;
    for (const token of right.tokens.keys()) right.tokens.set(token, { is: "dead" });
    this.#forgetLinks(device);
  }

  remove(device: string): void {
    for (const [role, right] of this.#devices.get(device)?.rights ?? []) {
      for (const token of right.tokens.keys()) this.#buried.set(token, { device, role });
    }
    this.#devices.delete(device);
    for (const [id, asked] of this.requests) if (asked.device === device) this.requests.delete(id);
    this.#forgetLinks(device);
  }

  /** Every token that must not work now. */
  *worthless(now: number): Generator<{ readonly device: string; readonly role: string; readonly token: string }> {
    for (const [token, of] of this.#buried) yield { ...of, token };
    for (const [device, { rights }] of this.#devices) {
      for (const [role, right] of rights) {
        for (const token of right.tokens.keys())
          if (!this.mayWork({ device, role, token }, now)) yield { device, role, token };
      }
    }
  }

  /** The newest token of each role that must work. */
  *working(): Generator<{
    readonly device: string;
    readonly role: string;
    readonly token: string;
    readonly platform: string;
  }> {
    for (const [device, { rights, platform }] of this.#devices) {
      for (const [role, right] of rights) {
        const newest = [...right.tokens].at(-1);
        if (!right.revoked && newest?.[1].is === "live") yield { device, role, token: newest[0], platform };
      }
    }
  }

  *rights(): Generator<{ readonly device: string; readonly role: string; readonly scopes: readonly string[] }> {
    for (const [device, { rights }] of this.#devices) {
      for (const [role, { scopes, revoked }] of rights) if (!revoked) yield { device, role, scopes: [...scopes] };
    }
  }

  #forgetLinks(identity: string): void {
    for (const [code, link] of this.links)
      if (link.maker === identity || link.usedBy === identity) this.links.delete(code);
  }
}

export const within = (held: readonly string[], scopes: readonly string[]): readonly string[] =>
  scopes.filter((scope) => scopeCovers(held, scope));
