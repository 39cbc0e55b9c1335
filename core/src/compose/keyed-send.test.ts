import { SendError } from "openclaw-host-sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RequestContext } from "../auth/caller.ts";
import { connId } from "../base/brand.ts";
import { createTestPort, openTestChannels, type TestChannels, type TestPort } from "../channels/test-port.ts";
import { sendMethods } from "../methods/send.ts";
import { silentLog } from "../store/test-store.ts";
import { createDedupe } from "../wire/dedupe.ts";
import { type Outcome, failed, succeeded } from "../wire/outcome.ts";

const CONTEXT: RequestContext = {
  caller: {
    connId: connId("c1"),
    role: "operator",
    scopes: ["operator.write"],
    identity: "device-1",
    client: { id: "cli", mode: "cli", version: "1", platform: "linux" },
    caps: [],
    protocol: 3,
  },
  accepted: () => {},
  signal: new AbortController().signal,
};
const PARAMS = { to: "42", idempotencyKey: "k1", message: "hello" };

let channels: TestChannels;
let port: TestPort;

beforeEach(async () => {
  channels = await openTestChannels({ test: {} });
  port = createTestPort();
  channels.register(port);
  await channels.until(() => port.links.length > 0);
});
afterEach(() => channels.dispose());

/** One `send` as the wire does it, to a gateway that has just started: nothing is remembered but what is stored. */
async function send(params: typeof PARAMS = PARAMS): Promise<Outcome> {
  const { store, clock } = channels;
  const dedupe = createDedupe({ store, clock, log: silentLog });
  const methods = sendMethods({ channels, importMedia: () => Promise.reject(new Error("no media here")) });
  const work = () =>
    Promise.resolve(methods.send(params, CONTEXT)).then(
      (payload) => succeeded(payload, true),
      (error: unknown) => failed(error),
    );
  const keyed = { identity: "device-1", method: "send", key: params.idempotencyKey, params, accepted: () => {}, work };
  const outcome = await dedupe.run(keyed);
  dedupe.close();
  return outcome;
}

const failing = (fate: "unknown" | "rejected") => () =>
  Promise.reject(new SendError("reset", { fate, scope: "message" }));

describe("a send that is repeated with its key", () => {
  it.each(["unknown", "rejected"] as const)(
    "is told what has come of the delivery since it was %s, and sends nothing itself",
    async (fate) => {
      const works = port.behaviour.send;
      port.behaviour.send = failing(fate);
      const first = await send();
      expect(first).toMatchObject({ ok: false, error: { retryable: false } });
      expect(await send()).toEqual(first);
      expect(port.sent).toHaveLength(1);
      port.behaviour.send = works;
      const { deliveryId = "" } = first.ok ? {} : (first.error.details as { deliveryId: string });
      await channels.outbox.retry(deliveryId);
      await channels.outbox.settled(deliveryId, 1_000);
      expect(await send()).toMatchObject({ ok: true, payload: { messageId: "sent-1" } });
      expect(port.sent).toHaveLength(2);
    },
  );

  it("is told that the owner dropped it", async () => {
    port.behaviour.send = failing("unknown");
    const first = await send();
    const { deliveryId = "" } = first.ok ? {} : (first.error.details as { deliveryId: string });
    await channels.outbox.drop(deliveryId);
    expect(await send()).toMatchObject({ error: { message: "the message was not sent: dropped by the owner" } });
    expect(port.sent).toHaveLength(1);
  });

  it("is refused with another body, whatever came of the first", async () => {
    port.behaviour.send = failing("unknown");
    await send();
    expect(await send({ ...PARAMS, message: "other" })).toMatchObject({ error: { code: "INVALID_REQUEST" } });
    expect(port.sent).toHaveLength(1);
  });

  it("is told the stored receipt for as long as its key is kept, also when its delivery is forgotten", async () => {
    await send();
    const first = await send();
    await channels.store.run("upkeep.outbox", { after: 0, limit: 10, before: Number.MAX_SAFE_INTEGER, now: 1 });
    expect(await send()).toEqual(first);
    expect(port.sent).toHaveLength(1);
  });
});
