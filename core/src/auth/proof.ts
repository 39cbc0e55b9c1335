import type { ConnectParams } from "openclaw-host-schemas";
import type { PeerFacts } from "./local-trust.ts";
import type { UnauthorizedReason } from "./refusal.ts";
import type { AuthModeName, SecretCheck } from "./shared-secret.ts";

/** What lets a client talk to this gateway before anybody looks at what it may do. */
export type SharedProof = "secret" | "proxy" | "tailscale" | "nothing-needed";

export type SharedVerdict =
  | { readonly ok: true; readonly by: SharedProof }
  | { readonly ok: false; readonly reason: UnauthorizedReason };

export interface SharedPolicy {
  readonly mode: AuthModeName;
  readonly checkSecret: SecretCheck;
}

/**
 * Whether the client proves itself by what everybody shares: the secret, or in modes `trusted-proxy` and `tailscale` what is
 * vouched for. There the token counts only on the gateway's own host, so that nobody goes past the proxy with it.
 */
export function sharedProof(params: ConnectParams, peer: PeerFacts, policy: SharedPolicy): SharedVerdict {
  const { auth = {} } = params;
  switch (policy.mode) {
    case "none":
      return { ok: true, by: "nothing-needed" };
    case "token":
    case "password":
      return bySecret(policy, auth);
    case "trusted-proxy":
      return isOwnProgram(peer, auth) ? bySecret(policy, auth) : byVoucher(peer, "proxy");
    case "tailscale":
      return isOwnProgram(peer, auth) ? bySecret(policy, auth) : byVoucher(peer, "tailscale");
  }
}

type Presented = NonNullable<ConnectParams["auth"]>;

function bySecret({ checkSecret }: SharedPolicy, auth: Presented): SharedVerdict {
  const verdict = checkSecret(auth);
  return verdict.ok ? { ok: true, by: "secret" } : verdict;
}

const isOwnProgram = (peer: PeerFacts, auth: Presented): boolean =>
  peer.onHost && peer.origin === undefined && auth.token !== undefined;

function byVoucher({ vouched }: PeerFacts, by: "proxy" | "tailscale"): SharedVerdict {
  if (vouched?.is === "user") return { ok: true, by };
  if (vouched?.is === "fault") return { ok: false, reason: vouched.reason };
  // Nobody has asked the daemon yet, or nobody can.
  return { ok: false, reason: by === "proxy" ? "proxy_user_missing" : "tailscale_whois_failed" };
}
