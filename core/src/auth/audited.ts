import type { DeviceRecord } from "../store/tables/device-record.ts";
import type { AuditNotes } from "./audit.ts";
import { refusalReason } from "./audit-refusals.ts";
import type { Authenticator, Verdict } from "./authenticator.ts";
import type { Devices } from "./devices.ts";

type Attempt = Parameters<Authenticator["authenticate"]>[0];

/** Tells the trail who came in and who did not; the verdict passes through, at once where it was there at once. */
export function audited(
  authenticator: Authenticator,
  { audit, devices }: { readonly audit: AuditNotes; readonly devices: Pick<Devices, "get"> },
): Authenticator {
  function told(attempt: Attempt, known: DeviceRecord | undefined, verdict: Verdict): Verdict {
    const { address } = attempt.peer;
    if (verdict.ok) {
      const { identity, role, scopes } = verdict.session;
      const { displayName: name } = attempt.params.client;
      audit.connected({ identity, role, scopes, address, ...(name === undefined ? {} : { name }) });
      return verdict;
    }
    const { refusal } = verdict;
    // Only these follow upon a valid signature; before it anybody may claim anybody's id.
    const proven = refusal.kind === "unauthorized" || refusal.kind === "pairing";
    const device = proven && known !== undefined ? { device: known.deviceId } : {};
    audit.refused({ address, reason: refusalReason(refusal), ...device });
    return verdict;
  }

  return {
    authenticate(attempt) {
      const claimed = attempt.params.device?.id;
      // Looked up first: what a device is approved for during this very attempt does not make it known before it.
      const known = claimed === undefined ? undefined : devices.get(claimed);
      const verdict = authenticator.authenticate(attempt);
      if (verdict instanceof Promise) return verdict.then((later) => told(attempt, known, later));
      return told(attempt, known, verdict);
    },
  };
}
