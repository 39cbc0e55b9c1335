import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFakeClock } from "../base/fake-clock.ts";
import { openTestStore, silentLog, type TestStore } from "../store/test-store.ts";
import { createDedupe, type KeyedRequest } from "./dedupe.ts";
import type { Outcome } from "./outcome.ts";

let store: TestStore;
const clock = createFakeClock();
beforeEach(async () => {
  store = await openTestStore();
});
afterEach(() => store.dispose());

/** What a gateway that starts anew on the same database has. */
const restarted = () => createDedupe({ store, clock, log: silentLog });

const request = (work: () => Outcome | Promise<Outcome>, params: unknown = { a: 1 }): KeyedRequest => ({
  identity: "d",
  method: "send",
  key: "k",
  params,
  accepted: () => undefined,
  work,
});
const fine = (payload: unknown): Outcome => ({ ok: true, payload });

describe("a keyed request", () => {
  it("is told its outcome after a restart without doing the work again", async () => {
    expect(await restarted().run(request(() => fine(1)))).toEqual(fine(1));
    await expect.poll(() => restarted().run(request(() => fine(2)))).toEqual(fine(1));
    expect(await restarted().run(request(() => fine(3), { a: 2 }))).toMatchObject({
      ok: false,
      error: { code: "INVALID_REQUEST" },
    });
  });

  it("whose work was cut off by a crash asks for the work again under the same key", async () => {
    void restarted().run(request(() => new Promise(() => undefined)));
    expect(await restarted().run(request(() => fine("attached")))).toEqual(fine("attached"));
  });

  it("is bound to its body even when the work was cut off", async () => {
    void restarted().run(request(() => new Promise(() => undefined)));
    expect(await restarted().run(request(() => fine(1), { a: 2 }))).toMatchObject({
      error: { code: "INVALID_REQUEST" },
    });
  });

  it("keeps no outcome over 64 KiB", async () => {
    const large = fine("x".repeat(65_536));
    expect(await restarted().run(request(() => large))).toEqual(large);
    expect(await restarted().run(request(() => fine("asked again")))).toEqual(fine("asked again"));
  });

  it("is refused for now when it cannot be recorded", async () => {
    let worked = false;
    const broken = { run: () => Promise.reject(new Error("disk full at /secret/path")) };
    const errors: unknown[] = [];
    const log = { ...silentLog, error: (_message: string, fields: unknown) => void errors.push(fields) };
    const dedupe = createDedupe({ store: broken, clock, log });
    const outcome = await dedupe.run(request(() => ((worked = true), fine(1))));
    expect(outcome).toEqual({
      ok: false,
      error: { code: "UNAVAILABLE", message: "the gateway failed at this request: its log says why" },
    });
    expect(worked).toBe(false);
    expect(errors).toHaveLength(1);
  });

  it("leaves the store after a day, and no timer behind", async () => {
    const dedupe = restarted();
    await dedupe.run(request(() => fine(1)));
    await clock.advance(25 * 60 * 60_000);
    await expect.poll(() => dedupe.run(request(() => fine(2)))).toEqual(fine(2));
    dedupe.close();
  });
});
