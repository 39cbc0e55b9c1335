/** What an operator connection may do. Source: wire protocol section 7 and 11.2. */
export const OPERATOR_SCOPES = [
  "operator.admin",
  "operator.read",
  "operator.write",
  "operator.approvals",
  "operator.pairing",
  "operator.questions",
  "operator.talk",
  "operator.talk.secrets",
] as const;

export type OperatorScope = (typeof OPERATOR_SCOPES)[number];

/** The five scopes a trusted owner holds by default (wire protocol section 0, "No device"). */
export const OWNER_SCOPES: readonly OperatorScope[] = [
  "operator.admin",
  "operator.read",
  "operator.write",
  "operator.approvals",
  "operator.pairing",
];

/** Scopes that a held scope includes besides itself. Admin includes every `operator.*` scope. */
const IMPLIED: Partial<Record<string, readonly string[]>> = {
  "operator.admin": OPERATOR_SCOPES,
  "operator.write": ["operator.read"],
};

/** True when the held scopes cover `needed`, directly or by implication (admin covers all, write covers read). */
export function scopeCovers(held: readonly string[], needed: string): boolean {
  for (const scope of held) {
    if (scope === needed) return true;
    if (IMPLIED[scope]?.includes(needed)) return true;
  }
  return false;
}

/** True when every needed scope is covered. */
export function scopesCover(held: readonly string[], needed: readonly string[]): boolean {
  return needed.every((scope) => scopeCovers(held, scope));
}
