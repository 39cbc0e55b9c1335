import { it } from "vitest";
import { REQUIREMENTS, type RequirementId } from "./requirements.ts";

/** A test titled by the requirement it proves. */
export function verifies(id: RequirementId, run: () => Promise<void>, timeoutMs = 30_000): void {
  it(`${id}: ${REQUIREMENTS[id].behaviour}`, run, timeoutMs);
}
