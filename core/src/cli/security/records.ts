import type { DeviceRecord } from "../../store/tables/device-record.ts";
import type { WaitingCounts } from "../../store/tables/waiting.ts";
import type { Finding } from "./finding.ts";

const DAY_MS = 86_400_000;
/** Unused for so long, a device is likely lost or forgotten. */
const STALE_DAYS = 90;
const SHOWN_ID = 12;

export interface RecordFacts {
  readonly devices: readonly DeviceRecord[];
  readonly waiting: WaitingCounts;
  /** Epoch ms. */
  readonly now: number;
}

/** What the database says of who may do what. */
export function checkRecords({ devices, waiting, now }: RecordFacts): readonly Finding[] {
  return [...devices.flatMap((device) => checkDevice(device, now)), ...checkWaiting(waiting)];
}

function checkDevice(device: DeviceRecord, now: number): readonly Finding[] {
  const { deviceId, displayName, grants, lastUsedAt, approvedAt } = device;
  const held = grants.filter(({ revoked }) => !revoked);
  if (held.length === 0) return [];
  const name = `device ${deviceId.slice(0, SHOWN_ID)}${displayName === undefined ? "" : ` "${displayName}"`}`;
  const days = Math.floor((now - (lastUsedAt ?? approvedAt)) / DAY_MS);
  const admin = held.some(({ scopes }) => scopes.includes("operator.admin"));
  const found: Finding[] = [];
  if (days >= STALE_DAYS) {
    found.push({
      severity: "warn",
      check: "devices",
      message: `${name} was not used for ${days} days and may still connect`,
      fix: `run: openclaw devices remove ${deviceId}`,
    });
  }
  if (admin) {
    found.push({
      severity: "info",
      check: "scopes",
      message: `${name} may do everything (operator.admin)`,
      fix: "pair it anew with fewer scopes when it need not",
    });
  }
  return found;
}

function checkWaiting({ devices, senders }: WaitingCounts): readonly Finding[] {
  const found: Finding[] = [];
  const tell = (count: number, who: string, fix: string) => {
    if (count > 0) found.push({ severity: "info", check: "pairing", message: `${who}: ${count}`, fix });
  };
  tell(devices, "devices that wait to be paired", "see: openclaw devices list");
  tell(senders, "senders that wait to be let in", "see: openclaw pairing list");
  return found;
}
