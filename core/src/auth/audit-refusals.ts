import type { AuditEntry } from "../store/tables/audit-record.ts";
import type { AuditedRefusal } from "./audit.ts";
import type { Refusal } from "./refusal.ts";

/** Addresses, or known devices, that have a row of their own in one minute; the rest share one. */
const MAX_OWN = 16;
/** Rows of refusals in one hour; beyond it a minute has one row. A year of attack then makes about 100 MB and not 2 GB. */
const MAX_ROWS_AN_HOUR = 240;
const HOUR_MS = 3_600_000;
/** Different reasons told in one row; there are about ten. */
const MAX_REASONS = 6;

/** A refusal in one or two words. */
export function refusalReason(refusal: Refusal): string {
  switch (refusal.kind) {
    case "unauthorized":
      return refusal.reason;
    case "device":
      return `device ${refusal.fault}`;
    case "pairing":
      return `pairing ${refusal.reason}`;
    case "role":
    case "origin":
    case "device-required":
    case "control-ui-device-required":
    case "rate-limited":
    case "unavailable":
      return refusal.kind;
  }
}

interface Counted {
  readonly actor: string;
  readonly address?: string;
  readonly reasons: Map<string, number>;
}

/** Counts refusals between two rows, in bounded memory whoever knocks. */
export interface RefusalCounter {
  add(refusal: AuditedRefusal): void;
  /** The rows of what was counted; counting begins anew. */
  take(now: number): readonly AuditEntry[];
}

/** Strangers are counted by address and known devices by device and address, each with room of their own. */
export function createRefusalCounter(): RefusalCounter {
  let strangers = new Map<string, Counted>();
  let known = new Map<string, Counted>();
  let hour = { start: 0, rows: 0 };

  function place(group: Map<string, Counted>, key: string, fresh: () => Counted): Counted {
    const found = group.get(key);
    if (found !== undefined) return found;
    const [at, counted] = group.size < MAX_OWN ? [key, fresh()] : ["", group.get("") ?? others()];
    group.set(at, counted);
    return counted;
  }

  function budget(now: number): number {
    // A clock that was set back begins a new hour.
    if (now - hour.start >= HOUR_MS || now < hour.start) hour = { start: now, rows: 0 };
    return MAX_ROWS_AN_HOUR - hour.rows;
  }

  return {
    add({ address, reason, device }) {
      const counted =
        device === undefined
          ? place(strangers, address, () => ({ actor: "unknown", address, reasons: new Map() }))
          : place(known, `${device} ${address}`, () => ({ actor: device, address, reasons: new Map() }));
      const at = counted.reasons.has(reason) || counted.reasons.size < MAX_REASONS ? reason : "other reasons";
      counted.reasons.set(at, (counted.reasons.get(at) ?? 0) + 1);
    },
    take(now) {
      const rows = [...known.values(), ...strangers.values()];
      known = new Map();
      strangers = new Map();
      const told = rows.length > Math.max(1, budget(now)) ? [merged(rows)] : rows;
      hour = { ...hour, rows: hour.rows + told.length };
      return told.map(entryOf);
    },
  };
}

const others = (): Counted => ({ actor: "others", reasons: new Map() });

function merged(rows: readonly Counted[]): Counted {
  const all = others();
  for (const { reasons } of rows) {
    for (const [reason, count] of reasons) all.reasons.set(reason, (all.reasons.get(reason) ?? 0) + count);
  }
  return all;
}

function entryOf({ actor, address, reasons }: Counted): AuditEntry {
  const counts = [...reasons].toSorted(([, a], [, b]) => b - a);
  const [only] = counts;
  return {
    action: "refused",
    actor,
    ...(address === undefined ? {} : { address }),
    reason:
      counts.length === 1 && only !== undefined
        ? only[0]
        : counts.map(([reason, count]) => `${reason} ${count}`).join(", "),
    count: counts.reduce((sum, [, count]) => sum + count, 0),
  };
}
