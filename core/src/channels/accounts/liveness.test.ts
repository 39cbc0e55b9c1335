import type { Closed, Health, ProbeResult } from "openclaw-host-sdk";
import { describe, expect, it } from "vitest";
import { createFakeClock } from "../../base/fake-clock.ts";
import { watchLink } from "./liveness.ts";

type Told = Omit<Health, "since">;

function watched(livenessMs?: number) {
  const clock = createFakeClock();
  const told: Told[] = [];
  const platform = { probes: 0, answer: async (): Promise<ProbeResult> => ({ ok: true }) };
  let silent: Closed | undefined;
  const link = watchLink({
    clock,
    label: "Test",
    ...(livenessMs === undefined ? {} : { livenessMs }),
    probe() {
      platform.probes += 1;
      return platform.answer();
    },
    onHealth: (health) => void told.push(health),
  });
  void link.silent.then((closed) => (silent = closed));
  const round = () => ({ state: "ready" as const, lastRoundTripAt: clock.now() });
  return { clock, link, told, platform, round, silent: () => silent };
}

describe("a link whose channel promised to prove itself", () => {
  it("is alive while round trips or events come, however long that goes on", async () => {
    const { clock, link, round, silent, platform } = watched(40_000);
    for (let turn = 0; turn < 20; turn += 1) {
      await clock.advance(39_000);
      if (turn % 2 === 0) link.reported(round());
      else link.proved("link");
    }
    expect(silent()).toBeUndefined();
    expect(platform.probes).toBe(0);
    link.stop();
    expect(clock.pending).toBe(0);
  });

  it.each<[string, (link: ReturnType<typeof watched>) => void]>([
    ["nothing", () => {}],
    ["receipts", ({ link }) => link.proved("answer")],
    ["ready without a round trip", ({ link }) => link.reported({ state: "ready" })],
    ["the same round trip again and again", ({ link }) => link.reported({ state: "ready", lastRoundTripAt: 1 })],
  ])("is silent within the window although there is %s", async (_what, say) => {
    const link = watched(40_000);
    say(link);
    for (let second = 0; second < 40; second += 1) {
      expect(link.silent()).toBeUndefined();
      await link.clock.advance(1_000);
      say(link);
    }
    expect(link.silent()).toMatchObject({ code: "silent", detail: "nothing has come back from Test for 40 s" });
    expect(link.silent()?.fix).toContain("network");
  });

  it.each([
    [1, 5_000],
    [3_600_000, 55_000],
    [0, 5_000],
  ])("is held to the nearest possible window when it promised %i ms", async (promised, window) => {
    const { clock, silent } = watched(promised);
    await clock.advance(window - 1);
    expect(silent()).toBeUndefined();
    await clock.advance(1);
    expect(silent()).toBeDefined();
  });

  it("is left to mend itself while it tells of its trouble, and is silent when it does not", async () => {
    const { clock, link, round, silent } = watched(40_000);
    for (let turn = 0; turn < 5; turn += 1) {
      link.reported({ state: "degraded", detail: "the poll failed" });
      await clock.advance(4 * 60_000);
    }
    expect(silent()).toBeUndefined();
    await clock.advance(60_000);
    expect(silent()).toBeDefined();
    const mended = watched(40_000);
    mended.link.reported({ state: "degraded" });
    mended.link.reported(round());
    await mended.clock.advance(40_000);
    expect(mended.silent()).toBeDefined();
  });
});

describe("a link whose channel promised nothing", () => {
  it("is asked by probe only when nothing else has proved that the platform answers", async () => {
    const { clock, link, platform, silent, told } = watched();
    for (let turn = 0; turn < 10; turn += 1) {
      await clock.advance(19_000);
      link.proved("answer");
    }
    expect(platform.probes).toBe(0);
    await clock.advance(60 * 60_000);
    expect(platform.probes).toBe(180);
    expect(silent()).toBeUndefined();
    expect(told).toEqual([]);
    link.stop();
    expect(clock.pending).toBe(0);
  });

  it("is degraded with the probe's reason, and ready again when the platform answers", async () => {
    const { clock, platform, told } = watched();
    platform.answer = async () => ({ ok: false, detail: "token revoked", fix: "set a new token" });
    await clock.advance(20_000);
    expect(told).toEqual([{ state: "degraded", detail: "token revoked", fix: "set a new token" }]);
    platform.answer = async () => ({ ok: true });
    await clock.advance(10_000);
    expect(told.at(-1)).toEqual({ state: "ready" });
  });

  it("is silent after 55 s of probes that fail or never answer", async () => {
    const failing = watched();
    failing.platform.answer = () => Promise.reject(new Error("did not answer within 10000 ms"));
    await failing.clock.advance(54_999);
    expect(failing.told[0]).toMatchObject({ state: "degraded", detail: "did not answer within 10000 ms" });
    expect(failing.silent()).toBeUndefined();
    await failing.clock.advance(1);
    expect(failing.silent()).toMatchObject({ retry: "backoff", detail: "Test has not answered for 55 s" });
    const hanging = watched();
    hanging.platform.answer = () => new Promise(() => {});
    await hanging.clock.advance(55_000);
    expect(hanging.silent()).toBeDefined();
  });

  it("does not take back the trouble that the channel itself told of", async () => {
    const { clock, link, told } = watched();
    link.reported({ state: "degraded", detail: "events do not come" });
    await clock.advance(120_000);
    expect(told).toEqual([]);
    link.stop();
  });
});
