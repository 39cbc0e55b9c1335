import { createHash } from "node:crypto";
import { invalidRequest } from "./wire-error.ts";

/** Levels of a value that are looked at; real requests have about five, and the stack ends at some thousands. */
const MAX_LEVELS = 100;

/**
 * SHA-256 (base64url) of a JSON value, the same whatever the order of its keys: tells a repeated request from another one.
 * Throws a refusal when the value nests deeper than 100 levels.
 */
export function bodyDigest(value: unknown): string {
  return createHash("sha256").update(canonical(value, MAX_LEVELS)).digest("base64url");
}

/** JSON with sorted keys; `undefined` members are left out, as on the wire. */
function canonical(value: unknown, levels: number): string {
  if (levels === 0) throw invalidRequest(`params nest deeper than ${MAX_LEVELS} levels: send them flatter`);
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, levels - 1)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member, levels - 1)}`);
  return `{${members.join(",")}}`;
}
