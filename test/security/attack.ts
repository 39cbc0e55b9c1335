import { it } from "vitest";
import { CASES, type CaseId } from "./cases.ts";

/** A test named by the number of the attack it tries. */
export function attack(id: CaseId, run: () => Promise<void>, timeoutMs = 30_000): void {
  const known = CASES[id];
  const result = "happens" in known ? known.happens : "";
  it(`${id}: ${known.tried} -> ${result}`, run, timeoutMs);
}
