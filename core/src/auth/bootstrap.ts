import { createHash } from "node:crypto";
import { OPERATOR_SCOPES } from "openclaw-host-schemas";
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import { WireError, invalidRequest } from "../base/wire-error.ts";
import type { Store } from "../store/db.ts";
import { type Granter, LINK_TTL_MS, type Role } from "../store/tables/device-record.ts";
import { missingScope } from "./granter.ts";

/** 128 bits: nobody guesses one in the ten minutes it is good for. */
const CODE_BYTES = 16;

/** What is kept of a code. It is random enough that a plain hash cannot be searched. */
export const bootstrapHash = (code: string): string => createHash("sha256").update(code).digest("hex");

/** What a link gives to the one device that uses it. */
export interface LinkGrant {
  readonly role: Role;
  readonly scopes: readonly string[];
}

/** A link that was made; its code is told this once. */
export interface CreatedLink extends LinkGrant {
  readonly code: string;
  /** Epoch ms. */
  readonly expiresAt: number;
}

/** Links that pair one device each; they are used up by `Devices.redeem`. */
export interface DeviceLinks {
  /**
   * Makes one, audited. Its maker must hold what it gives.
   *
   * @throws WireError, StoreError
   */
  create(grant: LinkGrant, by: Granter): Promise<CreatedLink>;
}

export interface DeviceLinksParts {
  readonly store: Pick<Store, "run">;
  readonly clock: Clock;
  readonly ids: Ids;
}

export function createDeviceLinks({ store, clock, ids }: DeviceLinksParts): DeviceLinks {
  return {
    async create({ role, scopes }, by) {
      requireGivable(role, scopes);
      const code = ids.token(CODE_BYTES);
      const at = clock.now();
      const outcome = await store.run("links.create", { codeHash: bootstrapHash(code), role, scopes, by, at });
      switch (outcome.state) {
        case "created":
          return { code, role, scopes, expiresAt: at + LINK_TTL_MS };
        case "beyond":
          throw missingScope(outcome.missing);
        case "full":
          throw new WireError("UNAVAILABLE", "too many links are open: use one, or wait ten minutes", {
            retryable: true,
            retryAfterMs: LINK_TTL_MS,
          });
      }
    },
  };
}

function requireGivable(role: Role, scopes: readonly string[]): void {
  const known: readonly string[] = role === "operator" ? OPERATOR_SCOPES : [];
  const unknown = scopes.find((scope) => !known.includes(scope));
  if (unknown === undefined) return;
  const allowed = role === "node" ? "a node has no scopes: leave them out" : `scopes are ${known.join(", ")}`;
  throw invalidRequest(`scope ${JSON.stringify(unknown.slice(0, 64))} cannot be given to the role ${role}: ${allowed}`);
}
