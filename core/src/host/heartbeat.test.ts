import { describe, expect, it } from "vitest";
import { createFakeClock } from "../base/fake-clock.ts";
import type { Guest } from "./guest.ts";
import { createHostContexts } from "./doors/contexts.ts";
import { watchHeartbeat } from "./heartbeat.ts";
import type { GuestMethods } from "./line/guest-methods.ts";
import { createLinePair } from "./line/line.ts";
import { createRpc } from "./line/rpc.ts";
import { systemIds } from "../base/ids.ts";

/** A guest that answers pings while `answers` is true. */
function createGuest() {
  const clock = createFakeClock();
  const pair = createLinePair();
  const ended = Promise.withResolvers<string>();
  const state = { answers: true };
  const news: string[] = [];
  createRpc<{ ping: GuestMethods["ping"] }, object>({
    line: pair.guest,
    clock,
    handlers: { ping: () => (state.answers ? null : new Promise<null>(() => {})) },
  });
  const guest: Guest = {
    offer: { contract: 1, channels: [], agents: [] },
    rpc: createRpc<object, GuestMethods>({ line: pair.host, clock, handlers: {} }),
    contexts: createHostContexts(systemIds),
    pid: undefined,
    ended: ended.promise,
    kill: (reason) => {
      guest.rpc.close(reason);
      ended.resolve(reason);
    },
  };
  const watching = watchHeartbeat(guest, clock, {
    late: () => void news.push("late"),
    recovered: () => void news.push("recovered"),
    hung: () => {
      news.push("hung");
      guest.kill("hung");
    },
  });
  return { clock, state, news, guest, watching };
}

describe("the heartbeat", () => {
  it("says nothing while the guest answers, and ends with it", async () => {
    const { clock, news, guest, watching } = createGuest();
    await clock.advance(60_000);
    guest.kill("done");
    await watching;
    expect(news).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it("finds a hang within 5 s", async () => {
    const { clock, state, news, watching } = createGuest();
    await clock.advance(1_500);
    state.answers = false;
    await clock.advance(5_500);
    await watching;
    expect(news).toEqual(["late", "hung"]);
  });

  it("forgives one pause", async () => {
    const { clock, state, news, guest, watching } = createGuest();
    state.answers = false;
    await clock.advance(3_000);
    state.answers = true;
    await clock.advance(10_000);
    expect(news).toEqual(["late", "recovered"]);
    guest.kill("done");
    await watching;
  });
});
