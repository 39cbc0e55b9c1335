/** Why what stands before the gateway does not vouch for a user; the words are those of `details.authReason` on the wire. */
export type VouchingFault =
  | "proxy_untrusted"
  | "proxy_secret_missing"
  | "proxy_secret_mismatch"
  | "proxy_user_missing"
  | "proxy_user_not_allowed"
  | "tailscale_user_missing"
  | "tailscale_proxy_missing"
  | "tailscale_whois_failed"
  | "tailscale_user_mismatch"
  | "tailscale_user_not_allowed";

/** What a proxy or the tailnet says of the user. `ask`: the local Tailscale daemon has to confirm it first. */
export type Vouched =
  | { readonly is: "user"; readonly user: string }
  | { readonly is: "fault"; readonly reason: VouchingFault }
  | { readonly is: "ask"; readonly claim: TailnetClaim };

/** Who is said to be at a tailnet address: by the headers of `tailscale serve`, or by nobody for a direct connection. */
export interface TailnetClaim {
  readonly address: string;
  /** Login as the header names it. */
  readonly login?: string;
}
