import { describe, expect, it } from "vitest";
import { sessionKey } from "../base/brand.ts";
import { newSession } from "../store/tables/session-rows.ts";
import { SessionProjection } from "./projection.ts";

const KEY = sessionKey("agent:main:main");
const copy = (rev: number, sessionId = "s") => ({ ...newSession(KEY, sessionId, 1), rev });

describe("the sessions in memory", () => {
  it("keep the newest copy, whatever order the news arrives in", () => {
    const known = new SessionProjection();
    known.put(copy(2));
    known.put(copy(1));
    expect(known.get(KEY)?.rev).toBe(2);
    known.put(copy(3));
    expect(known.list().map((entry) => entry.rev)).toEqual([3]);
  });

  it("do not bring back a deleted session for an older copy, but do for a new one", () => {
    const known = new SessionProjection();
    known.put(copy(1));
    known.remove(KEY, 3);
    known.put(copy(2));
    expect(known.get(KEY)).toBeUndefined();
    known.put(copy(4, "new"));
    expect(known.get(KEY)?.sessionId).toBe("new");
    known.remove(KEY, 3);
    expect(known.get(KEY)?.sessionId).toBe("new");
  });

  it("remember only so many deletions, the newest", () => {
    const known = new SessionProjection();
    for (let index = 0; index <= 10_000; index += 1) known.remove(`gone ${index}`, 5);
    for (const key of ["gone 0", "gone 10000"]) known.put({ ...copy(4), key: sessionKey(key) });
    expect(known.list().map((entry) => entry.key)).toEqual(["gone 0"]);
  });

  it("know of a deletion that is told before the last change", () => {
    const known = new SessionProjection();
    known.remove(KEY, 3);
    known.put(copy(2));
    expect(known.get(KEY)).toBeUndefined();
  });
});
