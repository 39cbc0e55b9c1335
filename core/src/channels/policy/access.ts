import type { Actor, Inbound } from "openclaw-host-sdk";
import type { AccessPolicy, GroupPolicy } from "./policy.ts";

/**
 * `reason` is for the owner (ledger, logs); `answer` is for the sender, who gets it at most once. `pair`: the sender is to be
 * given a code.
 */
export type Access =
  | { readonly allow: true }
  | { readonly allow: false; readonly reason: string; readonly answer?: string; readonly pair?: true };

/** What the event itself cannot tell. */
export interface AccessFacts {
  /** The message answers one that this account sent. */
  readonly repliesToUs: boolean;
  /** The owner approved the sender's code; counts in private only. */
  readonly paired: boolean;
}

const NO_FACTS: AccessFacts = { repliesToUs: false, paired: false };

const ALLOW: Access = { allow: true };

/** True when an entry names the sender: its id, its `@handle` in any case, or everyone (`*`). */
export function listed(entries: readonly string[], from: Actor): boolean {
  return entries.includes("*") || listedByName(entries, from);
}

/** As `listed`, for those the owner named one by one: `*` does not count. */
export function listedByName(entries: readonly string[], from: Actor): boolean {
  const handle = from.handle?.toLowerCase();
  return entries.some((entry) => {
    if (entry === from.id) return true;
    return handle !== undefined && entry.startsWith("@") && entry.slice(1).toLowerCase() === handle;
  });
}

/** One word for a POSIX shell: a sender chooses parts of it, and the owner will paste it. */
function shellQuote(word: string): string {
  if (/^[\w.-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * The command that allows one more sender. It never shows who else is on the list, since strangers read it: the list grows
 * by index.
 */
export function allowCommand(policy: Pick<AccessPolicy, "allowFrom" | "allowFromPath">, senderId: string): string {
  const [path, value] =
    policy.allowFrom.length === 0
      ? [policy.allowFromPath, [senderId]]
      : [`${policy.allowFromPath}.${policy.allowFrom.length}`, senderId];
  return `openclaw config set ${shellQuote(path)} ${shellQuote(JSON.stringify(value))}`;
}

function checkDirect(policy: AccessPolicy, from: Actor, { paired }: AccessFacts): Access {
  switch (policy.dmPolicy) {
    case "open":
      return ALLOW;
    case "disabled":
      return refuse("direct messages are switched off (dmPolicy)");
    case "allowlist":
      return listed(policy.allowFrom, from) ? ALLOW : refuseUnlisted(policy, from);
    case "pairing": {
      if (paired || listed(policy.allowFrom, from)) return ALLOW;
      const reason = `sender ${from.id} is neither approved nor on ${policy.allowFromPath}`;
      // Two bots would tell each other codes for ever.
      return from.bot === true ? refuse(reason) : { allow: false, reason, pair: true };
    }
  }
}

function refuseUnlisted(policy: AccessPolicy, from: Actor): Access {
  const reason = `sender ${from.id} is not on ${policy.allowFromPath}; allow with: ${allowCommand(policy, from.id)}`;
  if (from.bot === true) return { allow: false, reason };
  const answer = `I only talk to people my owner has allowed. If that is you, run this on the gateway's host:\n${allowCommand(policy, from.id)}`;
  return { allow: false, reason, answer };
}

function refuse(reason: string): Access {
  return { allow: false, reason };
}

function checkGroupSender(policy: AccessPolicy, group: GroupPolicy, from: Actor): Access {
  const common = policy.groupAllowFrom ?? (policy.groupPolicy === "open" ? ["*"] : policy.allowFrom);
  if (listed(group.allowFrom ?? common, from)) return ALLOW;
  const lists = `the allowFrom of this group nor on groupAllowFrom or ${policy.allowFromPath}`;
  return refuse(`sender ${from.id} is neither on ${lists}`);
}

function isAddressed(event: Inbound, facts: AccessFacts): boolean {
  if (event.type !== "message") return false;
  return event.mentionedMe === true || event.command !== undefined || facts.repliesToUs;
}

/** The group's own settings, else those of every other group, else none. */
function settingsOf(policy: AccessPolicy, groupId: string): GroupPolicy | undefined {
  return Object.hasOwn(policy.groups, groupId) ? policy.groups[groupId] : policy.groups["*"];
}

function mustMention(policy: AccessPolicy, group: GroupPolicy): boolean {
  return group.requireMention ?? policy.groups["*"]?.requireMention ?? policy.requireMention;
}

function checkGroup(policy: AccessPolicy, event: Inbound, facts: AccessFacts): Access {
  if (policy.groupPolicy === "disabled") return refuse("groups are switched off (groupPolicy)");
  const named = settingsOf(policy, event.peer.id);
  if (named === undefined && policy.groupPolicy === "allowlist") {
    return refuse(`group ${event.peer.id} is not listed in groups`);
  }
  const group = named ?? {};
  if (group.enabled === false) return refuse(`group ${event.peer.id} is switched off`);
  const sender = checkGroupSender(policy, group, event.from);
  if (!sender.allow) return sender;
  if (mustMention(policy, group) && !isAddressed(event, facts)) {
    return refuse("the message does not address the account");
  }
  return ALLOW;
}

/**
 * Decides whether an event becomes a turn. Pure: the same policy, event and facts give the same answer. A refused event stays
 * stored with its reason.
 */
export function checkAccess(policy: AccessPolicy, event: Inbound, facts: AccessFacts = NO_FACTS): Access {
  return event.peer.kind === "dm" ? checkDirect(policy, event.from, facts) : checkGroup(policy, event, facts);
}
