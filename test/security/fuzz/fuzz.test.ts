import { expect, it } from "vitest";
import { nextRandom } from "../random.ts";
import { fuzz } from "./fuzz.ts";
import { createMutator, recordedFrames } from "./mutate.ts";

it("ten thousand mutated frames neither end the gateway nor make it grow nor keep others waiting", async () => {
  const report = await fuzz({ frames: 10_000, seed: 20_261_122 });
  const [before, after] = report.memoryMib;
  expect(after - before).toBeLessThan(96);
  // The tail is judged by `npm run fuzz`, on a machine that does nothing else.
  expect(report.medianMs).toBeLessThan(50);
  expect(report.ended).toBeGreaterThan(0);
}, 120_000);

it("a seed repeats its frames", () => {
  const take = () => {
    const next = createMutator(recordedFrames(), nextRandom(7));
    return Array.from({ length: 200 }, (_, n) => next(`f${n}`).toString());
  };
  expect(take()).toEqual(take());
});
