import type { ResultOf } from "openclaw-host-schemas";
import { printable } from "../base/printable.ts";
import { table } from "./io.ts";

type Listed = ResultOf<"device.pair.list">;
type Pending = Listed["pending"][number];
type Paired = Listed["paired"][number];

const MINUTE_MS = 60_000;
/** Enough of a device's 64 digits to tell devices apart, and to name one on the command line. */
const SHOWN_ID = 12;

const REASONS: Readonly<Record<Pending["reason"], string>> = {
  "not-paired": "wants to be paired",
  "metadata-upgrade": "says it is on another platform",
  "role-upgrade": "wants another role",
  "scope-upgrade": "wants more scopes",
};

const shortId = (deviceId: string): string => deviceId.slice(0, SHOWN_ID);
const scopesOf = (scopes: readonly string[]): string =>
  scopes.length === 0 ? "-" : scopes.map((scope) => scope.replace(/^operator\./, "")).join(",");

/** What a device says of itself: only shown. */
const nameOf = ({ displayName, platform }: Pending | Paired): string =>
  printable([displayName, platform].filter((part) => part !== undefined).join(", ")) || "-";

const waitingRow = (request: Pending, now: number): string[] => [
  `  ${request.requestId}`,
  shortId(request.deviceId),
  nameOf(request),
  request.role,
  scopesOf(request.scopes),
  `from ${request.remoteIp === undefined ? "this host" : printable(request.remoteIp)}`,
  REASONS[request.reason],
  `${Math.max(1, Math.ceil((request.expiresAtMs - now) / MINUTE_MS))} min left`,
];

function pairedRow(device: Paired): string[] {
  const revoked = (device.tokens ?? []).filter(({ revokedAtMs }) => revokedAtMs !== undefined).map(({ role }) => role);
  const seen = device.lastSeenAtMs === undefined ? "never" : new Date(device.lastSeenAtMs).toISOString();
  return [
    `  ${shortId(device.deviceId)}`,
    nameOf(device),
    device.roles.join(",") || "-",
    scopesOf(device.scopes),
    device.builtIn === true ? "built in" : device.connected ? "connected" : `seen ${seen}`,
    revoked.length === 0 ? "" : `revoked: ${revoked.join(",")}`,
  ];
}

/** What waits, with the command that approves it, and what is paired. `now` is epoch ms. */
export function devicesTable({ pending, paired }: Listed, now: number): string {
  const waiting =
    pending.length === 0
      ? "no device waits\n"
      : `waiting (openclaw devices approve <request>):\n${table(pending.map((request) => waitingRow(request, now)))}`;
  const known = paired.length === 0 ? "no device is paired\n" : `paired:\n${table(paired.map(pairedRow))}`;
  return `${waiting}${known}`;
}
