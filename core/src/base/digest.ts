import { createHash } from "node:crypto";

/** SHA-256 (base64url) of a JSON value, the same whatever the order of its keys: tells a repeated request from another one. */
export function bodyDigest(value: unknown): string {
  return createHash("sha256").update(canonical(value)).digest("base64url");
}

/** JSON with sorted keys; `undefined` members are left out, as on the wire. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`);
  return `{${members.join(",")}}`;
}
