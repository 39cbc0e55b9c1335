/** What a connection goes through, in order; one that fails ends the list. */
export const CHECKS = [
  "address",
  "tcp",
  "tls",
  "http",
  "host",
  "upgrade",
  "challenge",
  "origin",
  "version",
  "device",
  "auth",
  "pairing",
] as const;
export type CheckName = (typeof CHECKS)[number];

/** How one check went. A failed one names the one setting or command that mends it. */
export type Check =
  | { readonly check: CheckName; readonly state: "ok" | "skipped"; readonly detail: string }
  | { readonly check: CheckName; readonly state: "failed"; readonly detail: string; readonly fix: string };

/** Ends the checks: nothing after it can be tried. */
export class CheckFailed extends Error {
  override readonly name = "CheckFailed";
  readonly check: CheckName;
  readonly fix: string;
  constructor(check: CheckName, detail: string, fix: string) {
    super(detail);
    this.check = check;
    this.fix = fix;
  }
}
