import { describe, expect, it } from "vitest";
import { createTailscale, type RunTailscale, type TailscaleParts } from "./tailscale.ts";

const whoisText = (login: string) => JSON.stringify({ Node: { Name: "n." }, UserProfile: { LoginName: login } });
const statusText = (state = "Running") =>
  JSON.stringify({ BackendState: state, Self: { DNSName: "Host.tail1234.ts.net." } });

function start(run: RunTailscale, over: Partial<TailscaleParts> = {}) {
  const time = { now: 1_000_000 };
  return {
    time,
    daemon: createTailscale({ run, allowUsers: [], onTailnet: () => true, now: () => time.now, ...over }),
  };
}

describe("the Tailscale daemon", () => {
  it("confirms the login that is at an address, and no other", async () => {
    const asked: (readonly string[])[] = [];
    const { daemon } = start(async (args) => {
      asked.push(args);
      return whoisText("ann@example.com");
    });
    const ann = { is: "user", user: "ann@example.com" };
    expect(await daemon.whois({ address: "100.64.0.9" })).toEqual(ann);
    expect(await daemon.whois({ address: "100.64.0.9", login: "ann@example.com" })).toEqual(ann);
    expect(await daemon.whois({ address: "100.64.0.9", login: "root@example.com" })).toEqual({
      is: "fault",
      reason: "tailscale_user_mismatch",
    });
    expect(asked).toEqual(Array.from({ length: 3 }, () => ["whois", "--json", "100.64.0.9"]));
  });

  it("lets in listed logins only, and tagged devices only when they are listed", async () => {
    const run = async (): Promise<string> => whoisText("tagged-devices");
    const refused = { is: "fault", reason: "tailscale_user_not_allowed" };
    expect(await start(run).daemon.whois({ address: "100.64.0.9" })).toEqual(refused);
    expect(await start(run, { allowUsers: ["ann"] }).daemon.whois({ address: "100.64.0.9" })).toEqual(refused);
    const { daemon } = start(run, { allowUsers: ["tagged-devices"] });
    expect(await daemon.whois({ address: "100.64.0.9" })).toEqual({ is: "user", user: "tagged-devices" });
  });

  it.each([
    ["does not run", () => Promise.reject(new Error("ENOENT"))],
    ["says nothing", async () => ""],
    ["says something else", async () => "{}"],
    ["names nobody", async () => whoisText("")],
    ["says null", async () => "null"],
  ])("that %s confirms nobody", async (_what, run) => {
    expect(await start(run).daemon.whois({ address: "100.64.0.9" })).toEqual({
      is: "fault",
      reason: "tailscale_whois_failed",
    });
  });

  it("is asked once for one address and by few at once, however many strangers come", async () => {
    let most = 0;
    let now = 0;
    let all = 0;
    const release = Promise.withResolvers<void>();
    const { daemon } = start(async () => {
      all += 1;
      now += 1;
      most = Math.max(most, now);
      await release.promise;
      now -= 1;
      return whoisText("ann");
    });
    const same = [daemon.whois({ address: "100.64.9.9" }), daemon.whois({ address: "::ffff:100.64.9.9" })];
    const many = Array.from({ length: 200 }, (_, at) => daemon.whois({ address: `100.64.0.${at}` }));
    expect(all).toBe(4);
    release.resolve();
    const answers = await Promise.all([...same, ...many]);
    expect([most, now]).toEqual([4, 0]);
    expect(all).toBeLessThanOrEqual(4 + 64);
    expect(answers.filter(({ is }) => is === "user").length).toBe(all + 1);
    expect(await daemon.whois({ address: "100.64.0.1" })).toEqual({ is: "user", user: "ann" });
  });

  it("tells this host's name, asked for now and then while it is unknown", async () => {
    let asked = 0;
    let works = false;
    const { daemon, time } = start(async () => {
      asked += 1;
      return works ? statusText() : statusText("Stopped");
    });
    for (let looks = 0; looks < 10; looks += 1) expect(daemon.name()).toBeUndefined();
    await new Promise(setImmediate);
    works = true;
    expect([daemon.name(), asked]).toEqual([undefined, 1]);
    time.now += 60_000;
    daemon.name();
    await new Promise(setImmediate);
    expect([daemon.name(), asked]).toEqual(["Host.tail1234.ts.net.", 2]);
  });

  it("is not asked for a name on a host without tailnet address", async () => {
    let asked = 0;
    const run = async (): Promise<string> => {
      asked += 1;
      return statusText();
    };
    const { daemon } = start(run, { onTailnet: () => false });
    expect([daemon.name(), asked]).toEqual([undefined, 0]);
  });

  it("that is not connected is told with what to do", async () => {
    await expect(start(async () => statusText("NeedsLogin")).daemon.check()).rejects.toThrow(
      'Tailscale is not connected (NeedsLogin): run "tailscale up"',
    );
  });
});
