import type { AuditEvent } from "openclaw-host-schemas";
import type { Audit } from "../auth/audit.ts";
import type { AuditRow } from "../store/tables/audit-record.ts";
import type { HandlersFor } from "./handler.ts";

const PAGE = 100;

const eventOf = ({ scopes, ...row }: AuditRow): AuditEvent => ({
  ...row,
  ...(scopes === undefined ? {} : { scopes: [...scopes] }),
});

/** The audit trail, for the owner. */
export function auditMethods({ audit }: { readonly audit: Audit }): HandlersFor<"audit.list" | "audit.verify"> {
  return {
    async "audit.list"({ since, before, limit = PAGE }) {
      const rows = await audit.list({
        limit: limit + 1,
        ...(since === undefined ? {} : { since }),
        ...(before === undefined ? {} : { before }),
      });
      const events = rows.slice(0, limit).map(eventOf);
      const last = events.at(-1);
      return { events, ...(rows.length > limit && last !== undefined ? { nextBefore: last.seq } : {}) };
    },
    async "audit.verify"() {
      const { faults, head, ...verdict } = await audit.verify();
      return { ...verdict, head: { ...head }, faults: faults.map((fault) => ({ ...fault })) };
    },
  };
}
