import semver from "semver";
import type { Refusal } from "./refusal.ts";

/** Undefined when the range of the manifest covers a contract that this host speaks; `contracts` has the newest first. */
export function checkContract(id: string, range: string, contracts: readonly number[]): Refusal | undefined {
  const newest = contracts[0] ?? 0;
  if (semver.validRange(range) === null) {
    return {
      reason: `"sdk" in its manifest is '${range}', which is not a version range`,
      fix: `write "^${newest}" for the contract this gateway speaks`,
    };
  }
  if (contracts.some((contract) => semver.intersects(range, `${contract}.x`))) return undefined;
  const wanted = semver.minVersion(range)?.major ?? newest;
  const reason = `it needs contract ${range} of openclaw-host-sdk; this gateway speaks ${contracts.join(" and ")}`;
  const fix =
    wanted > newest
      ? `install an openclaw-host that speaks contract ${wanted}, or a version of '${id}' made for contract ${newest}`
      : `install a version of '${id}' made for contract ${newest}`;
  return { reason, fix };
}
