import type { Peer } from "openclaw-host-sdk";

const PREFIX = /^(?:telegram|tg):/i;
const CHAT = /^(?:(-?\d{1,19})|@([a-z]\w{3,31}))(?:\/(\d{1,10}))?$/i;

/**
 * Reads what a person types as a target: `123456789` (a person), `-1001234567890` (a group or channel), `@name` (a public
 * channel or group; bots cannot write to people by name), `-1001234567890/42` (a topic), each with or without `telegram:`.
 */
export function parseTarget(raw: string): Peer | undefined {
  const match = CHAT.exec(raw.trim().replace(PREFIX, ""));
  if (match === null) return undefined;
  const [, id, name, topic] = match;
  const thread = topic === undefined ? {} : { threadId: topic };
  if (name !== undefined) return { kind: "channel", id: `@${name}`, ...thread };
  if (id === undefined || !Number.isSafeInteger(Number(id)) || Number(id) === 0) return undefined;
  return { kind: id.startsWith("-") ? "group" : "dm", id: String(Number(id)), ...thread };
}
