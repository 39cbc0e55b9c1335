import type { AuditEvent, AuditReport } from "openclaw-host-schemas";
import { printable } from "../base/printable.ts";
import { table } from "./io.ts";

/** Enough of a device id to find it in `openclaw devices list`. */
const SHORT_ID = 12;

const short = (id: string): string => (/^[0-9a-f]{64}$/u.test(id) ? id.slice(0, SHORT_ID) : id);

const about = ({ role, scopes, name, reason, count }: AuditEvent): string =>
  [
    name === undefined ? "" : `"${name}"`,
    role ?? "",
    (scopes ?? []).join(","),
    reason ?? "",
    count === undefined || count === 1 ? "" : `${count} times`,
  ]
    .filter((part) => part !== "")
    .join(" ");

/** One event a line. What clients say of themselves cannot leave its line or drive the terminal. */
export function auditTable(events: readonly AuditEvent[]): string {
  if (events.length === 0) return "  nothing yet\n";
  return table(
    events.map((event) =>
      [
        `  ${new Date(event.at).toISOString()}`,
        event.action,
        short(event.actor),
        event.subject === undefined ? "" : `-> ${short(event.subject)}`,
        event.address ?? "",
        about(event),
      ].map(printable),
    ),
  );
}

/** The verdict, and what to keep of it. */
export function auditReportText({ ok, rows, head, unsealed, faults }: AuditReport): string {
  const where = faults.map(({ seq, message }) => `  ${seq === undefined ? "" : `row ${seq}: `}${printable(message)}\n`);
  const tail = unsealed === 0 ? "" : `${unsealed} of them were written after the last seal\n`;
  const kept = `head ${head.seq}:${head.hash}\n`;
  if (ok) return `whole: ${rows} rows\n${tail}${kept}`;
  return `NOT WHOLE: ${rows} rows\n${where.join("")}${tail}${kept}`;
}
