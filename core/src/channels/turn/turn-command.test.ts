import { describe, expect, it } from "vitest";
import { type HouseOptions, door, inboxStates, passing, said, scope, start, steered, until } from "../test-house.ts";

describe("a command of the host", () => {
  /** A house that notes what it says. */
  async function talking(options: HouseOptions = {}) {
    const sent: string[] = [];
    const home = await start({ ...options, plan: async (_target, body) => void sent.push(body.text ?? "") });
    return { home, sent };
  }

  it("begins a new session, with what came behind it as its first message", async () => {
    const { home, sent } = await talking();
    await home.inbox.receive(scope, [said("e1", "old"), said("e2", "/new"), said("e3", "/reset fresh")], {});
    await until(async () => (await inboxStates(home))["done"] === 3);
    expect(sent).toEqual(["echo: old", "A new session has begun.", "echo: fresh"]);
    expect(await home.history()).toEqual(["user: fresh", "assistant: echo: fresh"]);
  });

  it("stops the run that holds its conversation, and says so after it", async () => {
    const { runtime, begun } = steered();
    const { home, sent } = await talking({ runtime });
    await home.inbox.receive(scope, [said("e1", "work")], {});
    await until(() => begun.length === 1);
    await home.inbox.receive(scope, [said("e2", "/stop")], {});
    await until(async () => (await inboxStates(home))["done"] === 2);
    expect(sent).toEqual(["Stopped."]);
    await home.inbox.receive(scope, [said("e3", "/stop")], {});
    await until(() => sent.length === 2);
    expect(sent[1]).toBe("Nothing was running.");
  });

  it("tells how the session stands and what there is, without asking the agent", async () => {
    const { runtime, begun } = steered();
    const { home, sent } = await talking({ runtime });
    await home.inbox.receive(scope, [said("e1", "/status"), said("e2", "/help")], {});
    await until(() => sent.length === 2);
    expect(sent[0]).toContain("session: agent:main:main");
    expect(sent[1]).toContain("/approve <code>");
    expect(begun).toEqual([]);
  });

  it("approves a code for owners named by id, in private, and for nobody else", async () => {
    const { home, sent } = await talking({ config: { dmPolicy: "open", allowFrom: ["5", "@ada", "*"] } });
    const events = [
      said("e1", "/approve AAAA2222", { from: "5" }),
      said("e2", "/approve BBBB2222", { from: "42" }),
      said("e3", "/approve AAAA2222", { from: "7" }),
      said("e4", "/approve", { from: "5" }),
    ];
    for (const [index, event] of events.entries()) {
      await home.inbox.receive(scope, [event], {});
      await until(() => sent.length === index + 1);
    }
    expect(sent).toEqual([
      "Bob may write to me now.",
      "That did not work: nobody waits",
      expect.stringContaining("Only my owner approves codes"),
      "Which code? Write: /approve <code>",
    ]);
  });

  it("is the agent's when the host does not know it, and nobody's when its author is not heard", async () => {
    const { home, sent } = await talking({ config: { dmPolicy: "allowlist", allowFrom: ["42"] } });
    await home.inbox.receive(scope, [said("e1", "/weather"), said("e2", "/new", { from: "7" })], {});
    await until(async () => (await inboxStates(home))["refused"] === 1 && sent.length === 2);
    expect(sent).toContain("echo: /weather");
    expect(sent).not.toContain("A new session has begun.");
  });

  it("is answered to a client, too", async () => {
    const home = await start();
    const command = { name: "help", args: "" } as const;
    const started = await home.turns.start(door("r1", "/help", { request: { text: "/help", media: [], command } }));
    if (started.status === "started")
      expect(await passing(started.outcome)).toMatchObject({ state: "done", text: expect.stringContaining("/status") });
    expect(home.chat("r1").at(-1)?.payload["state"]).toBe("final");
  });
});
