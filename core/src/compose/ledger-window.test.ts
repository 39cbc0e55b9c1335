import { Config } from "openclaw-host-schemas";
import { expect, it } from "vitest";
import { LIMITS } from "../wire/limits.ts";

it("the ledger outlasts the keys of requests however short it is kept, so that a repeat finds its run or delivery", () => {
  const { minimum = 0 } = Config.properties.retention.properties.ledgerDays;
  expect(minimum * 86_400_000).toBeGreaterThanOrEqual(LIMITS.idempotencyMs);
});
