import type { Manifest } from "openclaw-host-schemas";
import type { Refusal } from "./refusal.ts";

/** What the operator's configuration says about extensions (`extensions.*`), and the ids the gateway itself uses. */
export interface AdmissionRules {
  /** Ids that may be loaded; absent means all. */
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly entries?: Readonly<Record<string, { readonly enabled?: boolean } | undefined>>;
  /** Ids no extension may take: the embedded agent runtime, built-in channels. */
  readonly reserved?: { readonly channels?: readonly string[]; readonly agents?: readonly string[] };
}

/** An extension whose manifest was found good. */
interface Candidate {
  readonly id: string;
  readonly path: string;
  readonly manifest: Manifest;
}

/** Says whether one more extension may be used beside those admitted before. The first to claim an id keeps it. */
export type Admission = (candidate: Candidate) => Refusal | undefined;

/** Admits by the operator's rules first, then by who claims what. */
export function createAdmission(rules: AdmissionRules): Admission {
  const owners = new Map<string, string>();
  for (const id of rules.reserved?.channels ?? []) owners.set(`channel '${id}'`, "the gateway itself");
  for (const id of rules.reserved?.agents ?? []) owners.set(`agent '${id}'`, "the gateway itself");
  return (candidate) => {
    const refused = operatorRefusal(rules, candidate.id);
    if (refused !== undefined) return refused;
    const claims = claimsOf(candidate);
    const taken = claims.find((claim) => owners.has(claim));
    if (taken !== undefined) {
      return {
        reason: `the ${taken} already belongs to ${owners.get(taken)}`,
        fix: "remove one of the two, or add one to extensions.deny",
      };
    }
    for (const claim of claims) owners.set(claim, `'${candidate.id}' in ${candidate.path}`);
    return undefined;
  };
}

/** Every name by which the gateway would find this extension or a part of it. */
function claimsOf({ id, manifest }: Candidate): string[] {
  const { channels = [], agents = [], nodeCommands = [] } = manifest.provides;
  return [
    `extension id '${id}'`,
    ...channels.map((channel) => `channel '${channel}'`),
    ...agents.map((agent) => `agent '${agent}'`),
    ...nodeCommands.map((command) => `node command '${command}'`),
  ];
}

/** `deny` is stronger than `allow`, and both are stronger than the extension's own entry. */
function operatorRefusal(rules: AdmissionRules, id: string): Refusal | undefined {
  if (rules.deny?.includes(id) === true) {
    return { reason: "it is denied by the configuration", fix: `take '${id}' out of extensions.deny` };
  }
  if (rules.allow !== undefined && !rules.allow.includes(id)) {
    return { reason: "the configuration does not allow it", fix: `add '${id}' to extensions.allow` };
  }
  if (rules.entries?.[id]?.enabled === false) {
    return {
      reason: "it is disabled by the configuration",
      fix: `openclaw config set extensions.entries.${id}.enabled true`,
    };
  }
  return undefined;
}
