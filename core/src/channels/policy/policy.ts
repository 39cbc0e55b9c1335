/** Host-owned policy of one account, read from its merged `channels.<id>` keys. A guest never sees or decides it. */
export interface AccessPolicy {
  /** Who may write in private: people on `allowFrom` and those approved by code (default), `allowFrom` alone, all, or none. */
  readonly dmPolicy: "pairing" | "allowlist" | "open" | "disabled";
  /** Ids, `@handles`, or `*`. Default nobody. */
  readonly allowFrom: readonly string[];
  /** Whom groups are heard from, where they say nothing themselves. Default `allowFrom`; under groupPolicy `open`, everyone. */
  readonly groupAllowFrom?: readonly string[];
  /** Which groups are heard: those in `groups` (default), all of them, or none. */
  readonly groupPolicy: "allowlist" | "open" | "disabled";
  /** By group id; `*` stands for every other group. */
  readonly groups: Readonly<Record<string, GroupPolicy>>;
  /** A group message counts only when it addresses the account. Default true. */
  readonly requireMention: boolean;
  /** Where the owner allows a sender: the dotted config path of `allowFrom`. */
  readonly allowFromPath: string;
}

export interface GroupPolicy {
  /** Default true. */
  readonly enabled?: boolean;
  readonly requireMention?: boolean;
  /** Whom this group is heard from. Default: as the account's `groupAllowFrom`. */
  readonly allowFrom?: readonly string[];
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Ids may be written as numbers in the config file. */
function idList(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.filter((entry) => typeof entry === "string" || typeof entry === "number").map(String);
}

function parseGroup(value: unknown): GroupPolicy {
  if (!isRecord(value)) return {};
  const allowFrom = idList(value["allowFrom"]);
  return {
    ...(typeof value["enabled"] === "boolean" ? { enabled: value["enabled"] } : {}),
    ...(typeof value["requireMention"] === "boolean" ? { requireMention: value["requireMention"] } : {}),
    ...(allowFrom === undefined ? {} : { allowFrom }),
  };
}

function parseGroupPolicy(value: unknown): AccessPolicy["groupPolicy"] {
  return value === "open" || value === "disabled" ? value : "allowlist";
}

/** `pairing` is the default of the product: strangers get an answer, and nobody is let in without the owner. */
function parseDmPolicy(value: unknown): AccessPolicy["dmPolicy"] {
  return value === "open" || value === "disabled" || value === "allowlist" ? value : "pairing";
}

/**
 * The policy in an account's merged config. The config file is validated before, so a value of the wrong kind can only be a
 * missing one; whatever is missing or unknown reads as the closed choice.
 */
export function parsePolicy(config: Readonly<Record<string, unknown>>, allowFromPath: string): AccessPolicy {
  const groups = isRecord(config["groups"]) ? config["groups"] : {};
  const groupAllowFrom = idList(config["groupAllowFrom"]);
  return {
    dmPolicy: parseDmPolicy(config["dmPolicy"]),
    allowFrom: idList(config["allowFrom"]) ?? [],
    groupPolicy: parseGroupPolicy(config["groupPolicy"]),
    groups: Object.fromEntries(Object.entries(groups).map(([id, group]) => [id, parseGroup(group)])),
    requireMention: config["requireMention"] !== false,
    allowFromPath,
    ...(groupAllowFrom === undefined ? {} : { groupAllowFrom }),
  };
}
